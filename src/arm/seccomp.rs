//! Installs the filter.

#![allow(unsafe_code, reason = "system calls with pointers")]

use core::ops::Range;

use crate::abi::errno::Errno;
use crate::abi::seccomp::{
    Instruction, Program, SECCOMP_FILTER_FLAG_SPEC_ALLOW, SECCOMP_FILTER_FLAG_TSYNC, SECCOMP_SET_MODE_FILTER,
};
use crate::arm::own::MOST;
use crate::arm::policy::{self, Policy};
use crate::arm::{ArmError, filter};
use crate::kernel;

/// Arms all threads of the process: from here on only `gate` reaches the
/// kernel directly, and what lies within `guests`. It cannot be undone.
pub(crate) fn install(gate: Range<u64>, guests: Option<Range<u64>>) -> Result<(), ArmError> {
    let program = filter::program(gate, guests).map_err(|_| ArmError::Gate)?;
    add(&program)
}

/// Adds a policy, for all threads too.
pub(crate) fn install_policy(policy: &Policy, own: Range<u64>, guests: Option<Range<u64>>) -> Result<(), ArmError> {
    const BYTES: usize = MOST * size_of::<Instruction>();
    let memory = kernel::map(0, BYTES, libc::PROT_READ | libc::PROT_WRITE, 0).map_err(ArmError::Seccomp)?;
    // SAFETY: just mapped, zeroed, of that size, ours alone.
    let out = unsafe { core::slice::from_raw_parts_mut(memory as *mut Instruction, MOST) };
    let added = match policy::program::write(policy, own, guests, out) {
        Some(len) => add(out.get(..len).unwrap_or(&[])),
        None => Err(ArmError::Seccomp(Errno::E2BIG)),
    };
    // SAFETY: the kernel has a copy.
    unsafe { kernel::unmap(memory, BYTES) };
    added
}

fn add(program: &[Instruction]) -> Result<(), ArmError> {
    set_no_new_privs()?;
    load(program, SECCOMP_FILTER_FLAG_TSYNC)
}

/// What a filter needs of those who have no privilege.
pub(crate) fn set_no_new_privs() -> Result<(), ArmError> {
    // SAFETY: the option takes no pointer.
    unsafe { kernel::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }
        .map(drop)
        .map_err(ArmError::NoNewPrivs)
}

/// The same filter as [`install`]'s beside Syscall User Dispatch, by what privileges
/// there are: for all threads, or, where one has a filter that others lack, for
/// this one alone. Returns whether it was for all.
///
/// # Errors
/// EACCES where the application may not have filters either.
pub(crate) fn install_beside(gate: Range<u64>, guests: Option<Range<u64>>) -> Result<bool, ArmError> {
    let program = filter::program(gate, guests).map_err(|_| ArmError::Gate)?;
    match load(&program, SECCOMP_FILTER_FLAG_TSYNC) {
        Err(ArmError::Thread(_)) => load(&program, 0).map(|()| false),
        loaded => loaded.map(|()| true),
    }
}

/// Whether the kernel has filters, and nobody forbids them.
pub(crate) fn probe() -> Result<(), Errno> {
    // SAFETY: there is no program, so nothing is installed.
    match unsafe { kernel::seccomp(SECCOMP_SET_MODE_FILTER, 0, core::ptr::null()) } {
        Err(errno) if errno != Errno::EFAULT => Err(errno),
        _ => Ok(()),
    }
}

fn load(program: &[Instruction], flags: u32) -> Result<(), ArmError> {
    let program = Program {
        len: program.len() as u16,
        filter: program.as_ptr(),
    };
    let flags = u64::from(flags | SECCOMP_FILTER_FLAG_SPEC_ALLOW);
    // SAFETY: `program` is a live `struct sock_fprog`.
    match unsafe { kernel::seccomp(SECCOMP_SET_MODE_FILTER, flags, (&raw const program).cast()) } {
        Ok(0) => Ok(()),
        Ok(thread) => Err(ArmError::Thread(thread)),
        Err(errno) => Err(ArmError::Seccomp(errno)),
    }
}
