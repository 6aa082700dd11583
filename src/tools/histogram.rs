//! A fixed histogram of durations on a logarithmic scale.
//!
//! Four buckets to each power of two, from 2⁷ to 2³⁸ ticks (about 40 ns to
//! about 90 s at 3 GHz): 124 of them. Shorter ones go to the first, longer ones to
//! the last. So a quantile is off by an eighth of its value at most, and a
//! duration finds its bucket by a bit scan and two shifts.

/// The number of buckets.
pub(super) const BUCKETS: usize = 124;

/// The power of two at which the scale begins.
const FIRST_OCTAVE: u32 = 7;

/// Two bits behind the leading one tell the buckets of an octave apart.
const SUB_BITS: u32 = 2;

/// The bucket that `ticks` belongs to, below [`BUCKETS`].
#[inline]
pub(super) fn bucket_of(ticks: u64) -> usize {
    let ticks = ticks.max(1 << FIRST_OCTAVE);
    let octave = ticks.ilog2();
    let sub = (ticks >> (octave - SUB_BITS)) as usize & ((1 << SUB_BITS) - 1);
    let bucket = ((octave - FIRST_OCTAVE) << SUB_BITS) as usize | sub;
    bucket.min(BUCKETS - 1)
}

/// The least duration of a bucket, save that the first holds all that are
/// shorter as well.
const fn lower_bound(bucket: usize) -> u64 {
    let octave = FIRST_OCTAVE + (bucket >> SUB_BITS) as u32;
    let sub = bucket as u64 & ((1 << SUB_BITS) - 1);
    (1 << SUB_BITS | sub) << (octave - SUB_BITS)
}

/// Counts by bucket.
#[derive(Clone, Debug)]
pub(super) struct Histogram {
    counts: [u64; BUCKETS],
}

impl Histogram {
    /// Nothing counted.
    pub(super) const fn new() -> Histogram {
        Histogram { counts: [0; BUCKETS] }
    }

    /// Adds `count` durations to `bucket`; one out of range changes nothing.
    pub(super) fn add(&mut self, bucket: usize, count: u64) {
        if let Some(sum) = self.counts.get_mut(bucket) {
            *sum = sum.saturating_add(count);
        }
    }

    /// The buckets that have durations: the least of each, the least beyond it, and how many.
    pub(super) fn filled(&self) -> impl Iterator<Item = [u64; 3]> {
        let all = self.counts.iter().enumerate();
        all.filter(|&(_, &count)| count != 0).map(|(bucket, &count)| {
            let from = if bucket == 0 { 0 } else { lower_bound(bucket) };
            [from, lower_bound(bucket + 1), count]
        })
    }

    /// The duration that `percent` of all durations do not exceed, as the
    /// middle of its bucket (of the last, which is open, its least). None if
    /// nothing was counted.
    pub(super) fn quantile(&self, percent: u64) -> Option<u64> {
        let total = self.counts.iter().fold(0u64, |sum, &count| sum.saturating_add(count));
        if total == 0 {
            return None;
        }
        // The rank, from 1, rounded up; in two parts so as not to overflow.
        let rank = (total / 100 * percent + (total % 100 * percent).div_ceil(100)).max(1);
        let mut sum = 0u64;
        let reaches = |count: &u64| {
            sum = sum.saturating_add(*count);
            sum >= rank
        };
        let bucket = self.counts.iter().position(reaches).unwrap_or(BUCKETS - 1);
        let lower = lower_bound(bucket);
        if bucket == BUCKETS - 1 {
            Some(lower)
        } else {
            Some(lower.midpoint(lower_bound(bucket + 1)))
        }
    }
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_meet_without_gap_or_overlap() {
        for bucket in 1..BUCKETS {
            assert_eq!(bucket_of(lower_bound(bucket) - 1), bucket - 1);
            assert_eq!(bucket_of(lower_bound(bucket)), bucket);
        }
        assert_eq!(lower_bound(0), 128);
        assert_eq!(lower_bound(BUCKETS), 1 << 38);
    }

    #[test]
    fn what_is_off_the_scale_goes_to_its_ends() {
        assert_eq!([0, 1, 127, 128].map(bucket_of), [0; 4]);
        assert_eq!([1 << 38, 1 << 39, u64::MAX].map(bucket_of), [BUCKETS - 1; 3]);
    }

    #[test]
    fn a_quantile_is_off_by_an_eighth_at_most() {
        for ticks in (7..37).flat_map(|octave| (0..32).map(move |part| (1u64 << octave) + part * (1u64 << octave) / 32))
        {
            let mut histogram = Histogram::new();
            histogram.add(bucket_of(ticks), 1);
            let middle = histogram.quantile(50).unwrap();
            assert!(middle.abs_diff(ticks) * 8 <= ticks, "{ticks} gives {middle}");
        }
    }

    #[test]
    fn quantiles_are_by_rank() {
        let mut histogram = Histogram::new();
        assert_eq!(histogram.quantile(50), None);
        histogram.add(10, 98);
        histogram.add(20, 1);
        histogram.add(BUCKETS - 1, 1);
        histogram.add(BUCKETS, 1000);
        let middle = |bucket| lower_bound(bucket).midpoint(lower_bound(bucket + 1));
        for (percent, duration) in [
            (0, middle(10)),
            (50, middle(10)),
            (98, middle(10)),
            (99, middle(20)),
            (100, lower_bound(BUCKETS - 1)),
        ] {
            assert_eq!(histogram.quantile(percent), Some(duration), "{percent}");
        }
    }

    #[test]
    fn filled_buckets_have_their_bounds() {
        let mut histogram = Histogram::new();
        histogram.add(0, 2);
        histogram.add(5, 1);
        let filled: Vec<_> = histogram.filled().collect();
        assert_eq!(filled, [[0, 160, 2], [lower_bound(5), lower_bound(6), 1]]);
    }

    #[test]
    fn counts_stay_at_the_greatest() {
        let mut histogram = Histogram::new();
        histogram.add(0, u64::MAX);
        histogram.add(0, 1);
        histogram.add(1, 1);
        assert_eq!(histogram.quantile(99), Some(lower_bound(0).midpoint(lower_bound(1))));
    }
}
