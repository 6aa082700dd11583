//! The guests' own calls that would change what is the application's.

#![allow(unsafe_code, reason = "makes calls for guests, with their pointers")]

use crate::abi::errno::Errno;
use crate::guest::switch::Registers;
use crate::guest::{helpers, hook, instead, space, sweep, threads};
use crate::kernel;
use crate::kernel::log;
use crate::kernel::process::die_of;
use crate::setup::config::Level;
use crate::trap::copy;

/// `struct sigaction` of the kernel, in bytes.
const SIGACTION_SIZE: usize = 32;

/// The calls that are rewritten.
pub(super) const INTERCEPTED: &[i64] = &[
    libc::SYS_mmap,
    libc::SYS_mremap,
    libc::SYS_brk,
    libc::SYS_rt_sigaction,
    libc::SYS_sigaltstack,
    libc::SYS_clone,
    libc::SYS_clone3,
    libc::SYS_fork,
    libc::SYS_vfork,
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_exit_group,
    libc::SYS_tgkill,
    libc::SYS_rseq,
    libc::SYS_rt_sigprocmask,
];

/// A guest's call, from its entry.
///
/// # Safety
/// Called by the entry only, with the registers that it has pushed.
pub(super) unsafe extern "C" fn from_entry(registers: *mut Registers) -> i64 {
    // SAFETY: by the contract.
    let registers = unsafe { &mut *registers };
    let number = i64::from(registers.number as u32);
    let made = match number {
        libc::SYS_clone3 | libc::SYS_clone if helpers::are_made() => {
            // Back to the `syscall` itself.
            registers.return_address -= 2;
            Some(number)
        }
        libc::SYS_clone3 => threads::clone3(registers),
        libc::SYS_clone => threads::clone_as_registers(registers),
        _ => None,
    };
    made.or_else(|| served(number, registers.args))
        // SAFETY: the guest's own call.
        .unwrap_or_else(|| unsafe { kernel::call(number, registers.args) })
}

/// A call of a guest's that is not the kernel's to make: its result.
pub(super) fn served(number: i64, args: [u64; 6]) -> Option<i64> {
    let [_, b, c, ..] = args;
    Some(match number {
        libc::SYS_mmap => map(args),
        libc::SYS_mremap => remap(args),
        // The heap is the application's: malloc does without.
        libc::SYS_brk => kernel::heap_end() as i64,
        // As if no handler were there: that is ours to see to.
        libc::SYS_rt_sigaction if b == 0 => zero(c, SIGACTION_SIZE),
        libc::SYS_tgkill if c as i32 == libc::SIGABRT && b as u32 == kernel::gettid() => {
            log::line(Level::Error, format_args!("the hook {} has aborted", hook::running()));
            die_of(libc::SIGABRT);
        }
        libc::SYS_rt_sigprocmask => {
            copy::mask_changes();
            // SAFETY: the guest's own call, whose mask ends with the hook.
            unsafe { kernel::call(number, args) }
        }
        // The kernel has the application's.
        libc::SYS_rseq => Errno::ENOSYS.to_result(),
        _ => return forbidden(number, args),
    })
}

/// What hooks cannot do, by whatever way they ask for it.
pub(super) fn forbidden(number: i64, args: [u64; 6]) -> Option<i64> {
    Some(match number {
        libc::SYS_rt_sigaction | libc::SYS_sigaltstack => Errno::EPERM.to_result(),
        libc::SYS_clone | libc::SYS_clone3 | libc::SYS_fork | libc::SYS_vfork => refuse("make a process"),
        libc::SYS_execve | libc::SYS_execveat => refuse("execute a program"),
        libc::SYS_exit_group => {
            let [status, ..] = args;
            instead::say_exit(status as i32);
            kernel::exit_group(status as i32);
        }
        _ => return None,
    })
}

/// What a hook cannot do: says so.
fn refuse(what: &str) -> i64 {
    log::line(
        Level::Warn,
        format_args!(
            "the hook {} tried to {what}, which hooks cannot: EPERM",
            hook::running()
        ),
    );
    Errno::EPERM.to_result()
}

/// Answers with zero bytes.
fn zero(address: u64, len: usize) -> i64 {
    if address != 0 {
        // SAFETY: the guest's own pointer, where it wants an answer.
        unsafe { core::ptr::write_bytes(address as *mut u8, 0, len) };
    }
    0
}

/// mmap: among the guests, unless it says where; and code gets its calls rewritten.
fn map(args: [u64; 6]) -> i64 {
    let [address, len, protection, flags, fd, offset] = args;
    let is_file = flags & libc::MAP_ANONYMOUS as u64 == 0;
    // ld.so's mark of a library.
    let is_code = is_file && flags & libc::MAP_DENYWRITE as u64 != 0;
    // SAFETY: the guest's own call, to a place that nobody has, or that it names.
    let at =
        |place, fixed| unsafe { kernel::call(libc::SYS_mmap, [place, len, protection, flags | fixed, fd, offset]) };
    let got = if flags & (libc::MAP_FIXED | libc::MAP_FIXED_NOREPLACE) as u64 != 0 {
        at(address, 0)
    } else {
        space::find(len, is_code, |place| at(place, libc::MAP_FIXED_NOREPLACE as u64))
    };
    if Errno::from_result(got).is_none() && protection & libc::PROT_EXEC as u64 != 0 && is_file {
        sweep::code(got as u64, len, protection as i32);
    }
    got
}

/// mremap: what grows moves, to a place among the guests. Where it is, the next
/// mapping may be close behind.
fn remap(args: [u64; 6]) -> i64 {
    let [address, old_len, len, flags, ..] = args;
    let fixed = libc::MREMAP_FIXED as u64;
    if flags & fixed != 0 || len <= old_len {
        // SAFETY: the guest's own call, which takes no place that it does not name.
        return unsafe { kernel::call(libc::SYS_mremap, args) };
    }
    if flags & libc::MREMAP_MAYMOVE as u64 == 0 {
        return Errno::ENOMEM.to_result();
    }
    let place = space::find(len, false, |place| {
        let free = libc::MAP_FIXED_NOREPLACE | libc::MAP_NORESERVE;
        kernel::map(place, len as usize, libc::PROT_NONE, free)
            .map_or_else(|errno| errno.to_result(), |place| place as i64)
    });
    if Errno::from_result(place).is_some() {
        return place;
    }
    // SAFETY: the guest's own mapping, to a place that was just taken for it.
    let got = unsafe {
        kernel::call(
            libc::SYS_mremap,
            [address, old_len, len, flags | fixed, place as u64, 0],
        )
    };
    if Errno::from_result(got).is_some() {
        // SAFETY: just mapped, nobody knows of it.
        unsafe { kernel::unmap(place as u64, len as usize) };
    }
    got
}
