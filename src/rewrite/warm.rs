//! `USERTRAP_REWRITE=lazy`: sites are rewritten when they have trapped a few
//! times.

use core::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// Sites are not rewritten at their first trap, but when they are warm.
static LAZY: AtomicBool = AtomicBool::new(false);
/// Traps of a site before it is warm: to prove and to write one costs as much as
/// a few traps, and short processes execute most sites less often than that.
const WARM: u8 = 16;
/// Traps by site, in one page: sites that share a counter get warm together.
static TRAPS: [AtomicU8; 4096] = [const { AtomicU8::new(0) }; 4096];

/// Sets whether sites are rewritten only when they are warm.
pub(crate) fn set_lazy(lazy: bool) {
    LAZY.store(lazy, Ordering::Relaxed);
}

/// Whether a site that has trapped is to be rewritten by now; counts its traps.
pub(super) fn is_due(site: u64) -> bool {
    if !LAZY.load(Ordering::Relaxed) {
        return true;
    }
    // Fibonacci hashing; the top bits are the best mixed.
    let hash = site.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 52;
    let Some(counter) = TRAPS.get(hash as usize) else {
        return true;
    };
    let count = counter.load(Ordering::Relaxed).saturating_add(1);
    counter.store(count, Ordering::Relaxed);
    count >= WARM
}
