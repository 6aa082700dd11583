//! Waiting for a word in memory that processes share.

#![allow(unsafe_code, reason = "system calls act on raw memory")]

use core::sync::atomic::AtomicU64;

use crate::kernel::syscall;

/// futex(2) FUTEX_WAIT on the low half of a word: until it is woken, at most as
/// long, and not at all if it is not `seen` any more.
pub(crate) fn wait(word: &AtomicU64, seen: u64, milliseconds: u64) {
    let time = [milliseconds / 1000, milliseconds % 1000 * 1_000_000];
    // SAFETY: a live word, and a live `struct timespec`.
    unsafe { syscall!(SYS_futex, word.as_ptr(), libc::FUTEX_WAIT, seen as u32, time.as_ptr()) };
}

/// futex(2) FUTEX_WAKE: wakes all that wait for the word.
pub(crate) fn wake(word: &AtomicU64) {
    // SAFETY: a live word, of which only the address counts.
    unsafe { syscall!(SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, i32::MAX) };
}
