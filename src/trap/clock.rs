//! How fast the time stamp counter runs, for reports.

#![allow(unsafe_code, reason = "one instruction")]

use core::sync::atomic::{AtomicU64, Ordering};

use crate::kernel;

static START_TICKS: AtomicU64 = AtomicU64::new(0);
static START_NS: AtomicU64 = AtomicU64::new(0);

fn ticks() -> u64 {
    // SAFETY: every x86-64 CPU has the instruction.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// Notes the start.
pub(crate) fn start() {
    START_TICKS.store(ticks(), Ordering::Relaxed);
    START_NS.store(kernel::monotonic_ns(), Ordering::Relaxed);
}

/// Whether a start was noted.
pub(crate) fn runs() -> bool {
    START_NS.load(Ordering::Relaxed) != 0
}

/// The counter's value, if a start was noted; else 0.
pub(crate) fn now_if_it_runs() -> u64 {
    if runs() { ticks() } else { 0 }
}

/// Ticks per microsecond since the start, at least a millisecond of it; 0 if
/// no start was noted.
pub(crate) fn ticks_per_us() -> u64 {
    let start = START_NS.load(Ordering::Relaxed);
    if start == 0 {
        return 0;
    }
    loop {
        let ns = kernel::monotonic_ns().saturating_sub(start);
        if ns >= 1_000_000 {
            let passed = ticks().wrapping_sub(START_TICKS.load(Ordering::Relaxed));
            return (u128::from(passed) * 1000 / u128::from(ns)) as u64;
        }
    }
}
