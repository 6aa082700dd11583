//! For hooks that wait, and that raise signals.

#![allow(unsafe_code, reason = "system calls with pointers")]

use crate::abi::sigframe::{SI_TKILL, SigInfo, bit};
use crate::kernel::{self, checked, getpid, gettid, getuid, monotonic_ns, queue, syscall};

/// What ends a sleep before its time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ends {
    /// A signal of the application's, which is held back until the hook ends.
    Held,
    /// Nothing: all signals are blocked.
    Never,
}

/// The longest sleep without a look at the mask: a signal that comes right before it
/// does not end it.
const SLICE: u64 = 10_000_000;

/// Sleeps. Returns whether it was for the whole time.
pub(crate) fn sleep(nanoseconds: u64, ends: Ends) -> bool {
    let end = monotonic_ns().saturating_add(nanoseconds);
    loop {
        // Blocked as long as a signal is held back (`trap::held`).
        if ends == Ends::Held && kernel::mask() & bit(libc::SIGSYS) != 0 {
            return false;
        }
        let left = end.saturating_sub(monotonic_ns());
        if left == 0 {
            return true;
        }
        let part = left.min(SLICE);
        let time = [part / 1_000_000_000, part % 1_000_000_000];
        // SAFETY: a live `struct timespec`; the rest is not asked for.
        unsafe { syscall!(SYS_nanosleep, time.as_ptr(), 0) };
    }
}

/// Raises a signal for the calling thread, as raise(3) does.
pub(crate) fn raise(signal: u8) {
    let sender = u64::from(getpid()) | u64::from(getuid()) << 32;
    let _ = queue(gettid(), &SigInfo::new(signal.into(), SI_TKILL, sender));
}

/// `SIGEV_THREAD_ID`.
const THREAD_ID: u64 = 4;

/// Raises a signal for the calling thread after a time. Returns the timer that does,
/// if there can be one.
pub(crate) fn raise_later(signal: u8, nanoseconds: u64) -> Option<i32> {
    // `struct sigevent`: value, signal and kind, thread.
    let event = [
        0,
        u64::from(signal) | THREAD_ID << 32,
        u64::from(gettid()),
        0,
        0,
        0,
        0,
        0,
    ];
    let mut timer = 0i32;
    // SAFETY: live structures of the kernel's sizes.
    unsafe {
        checked(syscall!(
            SYS_timer_create,
            libc::CLOCK_MONOTONIC,
            event.as_ptr(),
            &raw mut timer
        ))
        .ok()?;
        let time = [0, 0, nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000];
        syscall!(SYS_timer_settime, timer, 0, time.as_ptr(), 0);
    }
    Some(timer)
}

/// Takes a timer back. Returns whether its signal had not come.
pub(crate) fn call_off(timer: i32) -> bool {
    let mut left = [0u64; 4];
    // SAFETY: a live `struct itimerspec`, and a timer of ours.
    unsafe {
        // Disarmed and asked in one step.
        let known = checked(syscall!(SYS_timer_settime, timer, 0, [0u64; 4].as_ptr(), &raw mut left)).is_ok();
        syscall!(SYS_timer_delete, timer);
        !known || left[2] != 0 || left[3] != 0
    }
}
