//! Where guests lie: away from where the application's mappings go, which then lie
//! as they would without us.

use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};

use crate::abi::errno::Errno;
use crate::guest::libraries;
use crate::image::BASE;

/// Their code, in the gate's 4 GiB block, so that the filter tells it by the lower
/// half of an address, and in reach of a 32-bit displacement from the core.
pub(crate) const CODE: Range<u64> = BASE + 0x1000_0000..BASE + 0x7000_0000;
/// Their memory.
const MEMORY: Range<u64> = BASE + (1 << 39)..BASE + (1 << 40);

/// The greatest file that is mapped among the code.
const LARGEST_CODE: u64 = 512 << 20;

const PAGE: u64 = 4096;

static NEXT_CODE: AtomicU64 = AtomicU64::new(CODE.start);
static NEXT_MEMORY: AtomicU64 = AtomicU64::new(MEMORY.start);

/// Whether a thread that is there runs code of guests, or ours for them, on one of
/// their stacks: the application may have stacks there, too.
pub(super) fn is_guest(rip: u64, rsp: u64) -> bool {
    (BASE..CODE.end).contains(&rip) && MEMORY.contains(&rsp)
}

/// Whether a stack that is there was mapped by a guest.
pub(super) fn is_theirs(rsp: u64) -> bool {
    CODE.contains(&rsp) || MEMORY.contains(&rsp)
}

/// The range of their code, if the settings name any.
pub(crate) fn code() -> Option<Range<u64>> {
    (libraries::count() > 0).then_some(CODE)
}

/// How far the search for a free place goes at once, from one that is taken.
const STRIDE: u64 = 64 << 20;

/// A place for `len` bytes of a library, or of memory. Places of memory come again
/// when all have been given out.
pub(crate) fn reserve(len: u64, is_code: bool) -> u64 {
    // With a page between it and the next.
    let len = (len.saturating_add(2 * PAGE - 1)) & !(PAGE - 1);
    if is_code && len <= LARGEST_CODE {
        let place = NEXT_CODE.fetch_add(len, Ordering::Relaxed);
        if place.saturating_add(len) <= CODE.end {
            return place;
        }
    }
    let after = |place: u64| Some(place.saturating_add(len)).filter(|&end| end <= MEMORY.end);
    let next = |place| Some(after(place).unwrap_or(MEMORY.start.saturating_add(len)));
    let Ok(place) = NEXT_MEMORY.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next) else {
        return MEMORY.start;
    };
    if after(place).is_some() { place } else { MEMORY.start }
}

/// Maps by `map`, which says EEXIST of a place that is taken.
pub(crate) fn find(len: u64, is_code: bool, mut map: impl FnMut(u64) -> i64) -> i64 {
    for _ in 0..(MEMORY.end - MEMORY.start) / STRIDE {
        let got = map(reserve(len, is_code));
        if got != Errno::EEXIST.to_result() {
            return got;
        }
        reserve(STRIDE, false);
    }
    Errno::ENOMEM.to_result()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_do_not_overlap_and_great_files_lie_with_the_memory() {
        let first = reserve(1, true);
        let second = reserve(PAGE, true);
        assert!(second >= first + 2 * PAGE && CODE.contains(&second));
        assert!(MEMORY.contains(&reserve(513 << 20, true)));
        assert!(MEMORY.contains(&reserve(1, false)));
        // More than there is.
        for _ in 0..100 {
            let place = reserve(8 << 30, false);
            assert!(MEMORY.contains(&place) && place + (8 << 30) <= MEMORY.end);
        }
    }

    #[test]
    fn places_that_are_taken_are_passed_over() {
        let mut taken = 3;
        let got = find(PAGE, false, |place| {
            taken -= 1;
            if taken == 0 {
                place as i64
            } else {
                Errno::EEXIST.to_result()
            }
        });
        assert!(MEMORY.contains(&(got as u64)) && taken == 0);
        assert_eq!(
            find(PAGE, false, |_| Errno::EEXIST.to_result()),
            Errno::ENOMEM.to_result()
        );
    }
}
