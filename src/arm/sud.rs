//! Syscall User Dispatch in the filter's place: the kernel (Linux 5.11) turns each
//! system call of a thread into a SIGSYS whose instruction lies outside of one range
//! of addresses. No selector: what lies outside is never let through.
//!
//! | | filter | here |
//! |---|---|---|
//! | belongs to | the process and all that comes of it | the thread, as long as no exec |
//! | calls of the vsyscall page | trap | the kernel serves them unseen |
//! | `int $0x80` below 4 GiB | allowed | trap |
//! | x32 numbers from the gate | ENOSYS | the kernel's answer ([`runs_x32`]) |
//! | privileges | no_new_privs | as they are |
//!
//! So every new thread and process is armed by its own first steps, in the gate and
//! with all signals blocked (`trap::armed`), and every new image by its loader.
//!
//! The one range begins with the gate, and ends behind the call by which the
//! application's filters are asked, or, where hooks come from libraries, with the
//! range of their code. Between the two there are the core, whose `syscall`
//! instructions are all in the gate, and nothing.

#![allow(unsafe_code, reason = "system calls")]

use core::ops::Range;
use core::sync::atomic::{AtomicBool, Ordering};

use crate::abi::errno::Errno;
use crate::abi::seccomp::X32_SYSCALL_BIT;
use crate::arm::filter::SYSCALL_LEN;
use crate::kernel;
use crate::kernel::children;

/// `PR_SET_SYSCALL_USER_DISPATCH` and `PR_SYS_DISPATCH_ON` (`linux/prctl.h`).
pub(crate) const PR_SET_SYSCALL_USER_DISPATCH: i32 = 59;
const ON: u64 = 1;

/// An address that no selector can have.
const NO_ADDRESS: u64 = 1 << 63;

/// This is the arm of the tree; part of the tree file.
static CHOSEN: AtomicBool = AtomicBool::new(false);

/// Decides for this arm, or against it.
pub(crate) fn choose(sud: bool) {
    CHOSEN.store(sud, Ordering::Relaxed);
}

/// Whether this is the arm.
pub(crate) fn is_chosen() -> bool {
    CHOSEN.load(Ordering::Relaxed)
}

/// Where calls are let through, as the kernel compares it: with the address behind
/// the instruction. `gate` includes the asking call's.
const fn range(gate: Range<u64>, guests: Option<Range<u64>>) -> Range<u64> {
    let end = match guests {
        Some(guests) if guests.end > gate.end => guests.end,
        _ => gate.end,
    };
    gate.start + SYSCALL_LEN..end + 1
}

/// Whether the kernel has it, and nobody forbids it.
///
/// # Errors
/// EINVAL where it has not.
pub(crate) fn probe() -> Result<(), Errno> {
    match set(0..0, NO_ADDRESS) {
        Err(Errno::EFAULT) => Ok(()),
        other => other,
    }
}

/// Arms the calling thread.
pub(crate) fn arm_thread(gate: Range<u64>, guests: Option<Range<u64>>) -> Result<(), Errno> {
    set(range(gate, guests), 0)
}

/// Lets all calls of the calling thread through.
pub(crate) fn disarm_thread() -> Result<(), Errno> {
    const OFF: u64 = 0;
    // SAFETY: takes no pointer.
    unsafe { kernel::prctl(PR_SET_SYSCALL_USER_DISPATCH, OFF, 0, 0, 0) }.map(drop)
}

fn set(range: Range<u64>, selector: u64) -> Result<(), Errno> {
    let len = range.end - range.start;
    // SAFETY: without a selector the kernel reads no memory of ours; what else makes
    // calls is the application's, for which the handler is there (`setup::bring_up`).
    unsafe { kernel::prctl(PR_SET_SYSCALL_USER_DISPATCH, ON, range.start, len, selector) }.map(drop)
}

/// Whether the kernel makes calls of the x32 ABI: these are not told from others by
/// an address, so they would go through the gate, and past us. `filtered`: there is an
/// outer filter, which may end who asks; so it is a child that does.
///
/// # Safety
/// There must be no other thread.
pub(crate) unsafe fn runs_x32(filtered: bool) -> bool {
    if !filtered {
        return makes_x32();
    }
    // SAFETY: by the contract; the child does nothing but this.
    match unsafe { children::fork_silently() } {
        Ok(0) => kernel::exit_group(makes_x32().into()),
        Ok(child) => children::end_of(child) == EXITED_WITH_1,
        Err(_) => false,
    }
}

fn makes_x32() -> bool {
    let number = i64::from(X32_SYSCALL_BIT) | libc::SYS_getpid;
    // SAFETY: getpid, if it is anything.
    let made = unsafe { kernel::call(number, [0; 6]) };
    made > 0
}

/// A status of wait4(2).
const EXITED_WITH_1: i32 = 1 << 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_holds_the_addresses_behind_its_calls_and_no_others() {
        let gate = 0x5800_0000_0200..0x5800_0000_0400;
        assert_eq!(range(gate.clone(), None), 0x5800_0000_0202..0x5800_0000_0401);
        let guests = 0x5800_1000_0000..0x5800_7000_0000;
        assert_eq!(range(gate, Some(guests)), 0x5800_0000_0202..0x5800_7000_0001);
    }
}
