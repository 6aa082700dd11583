//! Time stamps to times.

use crate::kernel;
use crate::tools::clock::ticks;

/// The time stamp counter, and nanoseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    pub(super) ticks: u64,
    pub(super) ns: u64,
}

/// Readings of which the best is taken, and how long a good one lasts.
const TRIES: u32 = 8;
const GOOD_TICKS: u64 = 1000;

impl Pair {
    /// Both at once, as far as may be: who is interrupted in between tries again,
    /// for a rate must not depend on it.
    pub(super) fn read() -> Pair {
        let mut best = Pair { ticks: 0, ns: 0 };
        let mut shortest = u64::MAX;
        for _ in 0..TRIES {
            let (before, ns, after) = (ticks(), kernel::realtime_ns(), ticks());
            let lasted = after.saturating_sub(before);
            if lasted < shortest {
                shortest = lasted;
                best = Pair {
                    ticks: before + lasted / 2,
                    ns,
                };
            }
            if lasted < GOOD_TICKS {
                break;
            }
        }
        best
    }
}

/// Two readings of both clocks, some time apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    pub(super) start: Pair,
    pub(super) now: Pair,
}

/// A rate that is measured over less is not used.
const SHORTEST_NS: u64 = 1_000_000;

impl Clock {
    /// Whether there is a rate yet.
    pub(super) fn is_set(&self) -> bool {
        self.now.ns >= self.start.ns + SHORTEST_NS
    }

    /// Nanoseconds since 1970 at a time stamp.
    pub(super) fn ns(&self, ticks: u64) -> u64 {
        let per = u128::from(self.now.ticks.saturating_sub(self.start.ticks)).max(1);
        let ns = u128::from(self.now.ns.saturating_sub(self.start.ns));
        let away = (u128::from(ticks.abs_diff(self.start.ticks)) * ns / per) as u64;
        if ticks < self.start.ticks {
            self.start.ns.saturating_sub(away)
        } else {
            self.start.ns.saturating_add(away)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_stamps_are_times_before_and_after_the_readings() {
        let clock = Clock {
            start: Pair {
                ticks: 1000,
                ns: 5_000_000,
            },
            now: Pair {
                ticks: 4000,
                ns: 6_000_000,
            },
        };
        assert!(clock.is_set());
        let times = [0, 1000, 2500, 4000, 7000].map(|ticks| clock.ns(ticks));
        assert_eq!(times, [4_666_667, 5_000_000, 5_500_000, 6_000_000, 7_000_000]);
        let early = Clock {
            now: clock.start,
            ..clock
        };
        assert!(!early.is_set());
        assert_eq!(early.ns(2000), 5_000_000);
    }
}
