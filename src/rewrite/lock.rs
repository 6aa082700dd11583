//! The one lock under which code is changed.
//!
//! Forks and protection changes, which come from ordinary calls, wait for it;
//! its holders run with all signals blocked and wait for nobody.

#![allow(unsafe_code, reason = "looks into the area of the holder")]

use core::sync::atomic::{AtomicU64, Ordering};

use crate::kernel::{self, process};
use crate::trap::area::ThreadArea;
use crate::trap::areas;

/// The lock: the area of the thread that holds it, or 0. A vfork child can be
/// killed while it does, and we live on.
// In .data, as other words of the rewriter: that page is written at every start,
// while .bss would have them on a page of their own.
#[unsafe(link_section = ".data")]
static LOCK: AtomicU64 = AtomicU64::new(0);

/// Holds the lock.
pub(crate) struct Guard;

impl Drop for Guard {
    fn drop(&mut self) {
        LOCK.store(0, Ordering::Release);
    }
}

/// Takes the lock if nobody has it.
pub(super) fn take_if_free() -> Option<Guard> {
    let me = areas::current() as u64;
    // Without an area there is one thread.
    let me = me.max(1);
    let free = LOCK.compare_exchange(0, me, Ordering::Acquire, Ordering::Relaxed);
    free.is_ok().then(|| Guard)
}

/// Frees the lock if that thread holds it. If it was a vfork child, killed in
/// the middle of a change, its site may be left with the invalid opcode, which
/// sends threads to the trampoline.
pub(crate) fn release(area: *const ThreadArea) {
    let _ = LOCK.compare_exchange(area as u64, 0, Ordering::Release, Ordering::Relaxed);
}

/// Takes the lock, waiting for it.
pub(crate) fn take() -> Guard {
    /// A holder is done long before, unless it has been killed: a process that
    /// shares our memory (CLONE_VM alone) has no parent that would tell.
    const PATIENCE: u32 = 1024;
    let mut tries = 0u32;
    loop {
        if let Some(guard) = take_if_free() {
            return guard;
        }
        kernel::yield_now();
        tries = tries.wrapping_add(1);
        let holder = LOCK.load(Ordering::Relaxed);
        if tries.is_multiple_of(PATIENCE) && holder > EXEC {
            let holder = holder as *const ThreadArea;
            // SAFETY: areas are never unmapped.
            let process = unsafe { (*holder).process.load(Ordering::Relaxed) };
            if process != 0 && kernel::is_dead(process) {
                release(holder);
            }
        }
    }
}

/// Takes the lock over a fork, so that the child finds no site half written.
pub(crate) fn before_fork() {
    core::mem::forget(take());
}

/// In parent and child.
pub(crate) fn after_fork() {
    LOCK.store(0, Ordering::Release);
}

/// The lock's value during an exec: only its lower half is not 0.
const EXEC: u64 = 1 << 1;

/// Takes the lock over an exec. Returns what [`after_failed_exec`] wants back.
///
/// After an exec that succeeds, somebody may live on in this memory: the vfork
/// child of another thread. The kernel frees the lock then: it writes an int of
/// 0 to the thread's `clear_child_tid` if the memory that it leaves has other
/// users (`mm_release` of `kernel/fork.c`).
pub(crate) fn before_exec() -> Option<u64> {
    before_fork();
    if areas::is_alone() {
        return None;
    }
    LOCK.store(EXEC, Ordering::Relaxed);
    let before = process::tid_address().ok()?;
    process::set_tid_address(&raw const LOCK as u64);
    Some(before)
}

/// The exec has failed.
pub(crate) fn after_failed_exec(before: Option<u64>) {
    if let Some(address) = before {
        process::set_tid_address(address);
    }
    after_fork();
}

/// Runs `then` while no rewrite is under way: for calls that could take the
/// descriptor from under it.
pub(crate) fn while_idle<R>(then: impl FnOnce() -> R) -> R {
    let _guard = take();
    then()
}

/// Waits for a rewrite that is under way.
pub(crate) fn wait_if_busy() {
    if LOCK.load(Ordering::Relaxed) != 0 {
        drop(take());
    }
}
