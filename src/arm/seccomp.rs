//! Installs the filter.

#![allow(unsafe_code, reason = "system calls with pointers")]

use core::ops::Range;

use crate::abi::errno::Errno;
use crate::abi::seccomp::{
    Program, SECCOMP_FILTER_FLAG_SPEC_ALLOW, SECCOMP_FILTER_FLAG_TSYNC, SECCOMP_SET_MODE_FILTER,
};
use crate::arm::filter;
use crate::kernel;

/// Why the kernel cannot be armed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ArmError {
    /// The gate straddles a 4 GiB line.
    Gate,
    /// no_new_privs cannot be set.
    NoNewPrivs(Errno),
    /// seccomp(2) refused.
    Seccomp(Errno),
    /// This thread has a filter that another one lacks.
    Thread(u64),
}

/// Arms all threads of the process: from here on only `gate` reaches the
/// kernel directly. It cannot be undone.
pub(crate) fn install(gate: Range<u64>) -> Result<(), ArmError> {
    let program = filter::program(gate).map_err(|_| ArmError::Gate)?;
    // SAFETY: the option takes no pointer.
    unsafe { kernel::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }.map_err(ArmError::NoNewPrivs)?;
    let program = Program {
        len: program.len() as u16,
        filter: program.as_ptr(),
    };
    let flags = u64::from(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW);
    // SAFETY: `program` is a live `struct sock_fprog`.
    match unsafe { kernel::seccomp(SECCOMP_SET_MODE_FILTER, flags, (&raw const program).cast()) } {
        Ok(0) => Ok(()),
        Ok(thread) => Err(ArmError::Thread(thread)),
        Err(errno) => Err(ArmError::Seccomp(errno)),
    }
}
