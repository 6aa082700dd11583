//! The stat tool: how often each call was made, how often it failed, and how
//! long it took.
//!
//! A call is counted when its result is there, so one that a signal makes the
//! kernel restart is counted once. Calls that never come back are counted when
//! they are made. A call that a signal handler leaves by `siglongjmp` is not
//! counted. A fork is counted on both sides, in the child without a time. An
//! execve that succeeds is counted in the new image, without a time.

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::histogram::bucket_of;
use super::timeline::{self, Series};
use super::totals::Totals;
use super::{Format, clock, json, layout, text, threads};
use crate::abi::errno::Errno;
use crate::hook::{Call, Hook, Outcome, Report, TreeWords, VectorUse, Verdict};
use crate::kernel;

/// The hook that counts.
#[derive(Debug)]
pub struct Stat {
    format: Format,
    timed: bool,
}

impl Stat {
    /// A counting hook whose report has the form `format`; `timed` says whether
    /// it takes the time of each call too.
    pub const fn new(format: Format, timed: bool) -> Stat {
        Stat { format, timed }
    }
}

/// Whether a call ends its thread, or goes on elsewhere: its result is never
/// seen.
#[inline(always)]
fn never_returns(number: u32) -> bool {
    const RT_SIGRETURN: u32 = libc::SYS_rt_sigreturn as u32;
    const EXIT: u32 = libc::SYS_exit as u32;
    const EXIT_GROUP: u32 = libc::SYS_exit_group as u32;
    matches!(number, RT_SIGRETURN | EXIT | EXIT_GROUP)
}

/// Notes in which cell of time a call came to its end.
fn note_time(words: &[AtomicU64], row: usize, failed: bool, now: u64) {
    let cell = timeline::cell_of(timeline::since(now));
    if let Some((calls, series)) = layout::moment(words, cell) {
        layout::add(calls, 1);
        layout::add(&series[Series::of(row) as usize], 1);
        layout::add(&series[Series::Errors as usize], u64::from(failed));
    }
}

/// A thread makes its first call in this block: its own words are zero.
#[cold]
#[inline(never)]
fn first_call(words: &[AtomicU64], now: u64) {
    if let Some(log) = layout::log(words) {
        threads::begin(log, kernel::getpid(), kernel::gettid(), now);
    }
}

/// A call is about to be made, and times are wanted.
#[inline(never)]
fn begin_time(words: &[AtomicU64]) {
    if let Some(start) = layout::start(words) {
        let now = clock::ticks();
        if start.load(Relaxed) == 0 {
            first_call(words, now);
        }
        start.store(now, Relaxed);
    }
}

/// A call has returned, and times are wanted. Not a part of the path without them.
#[inline(never)]
fn take_time(words: &[AtomicU64], row: usize, failed: bool) {
    let now = clock::ticks();
    note_time(words, row, failed, now);
    if let (Some(start), Some((ticks, buckets))) = (layout::start(words), layout::times(words, row)) {
        let started = start.load(Relaxed);
        if started == 0 {
            // Zeroed since: the child's side of a fork.
            return;
        }
        if let Some(log) = layout::log(words) {
            threads::count(log, now);
        }
        // The counters of two CPUs may differ: never below zero.
        let taken = now.saturating_sub(started);
        layout::add(ticks, taken);
        if let Some(count) = buckets.get(bucket_of(taken)) {
            layout::add(count, 1);
        }
    }
}

impl Hook for Stat {
    // `scripts/check-object` looks at the code.
    fn vector_use(&self) -> VectorUse {
        if self.timed { VectorUse::Sse } else { VectorUse::None }
    }

    fn thread_words(&self) -> usize {
        layout::words(self.timed)
    }

    fn tree(&self) -> Option<TreeWords> {
        Some(layout::tree(self.timed))
    }

    #[inline]
    fn enter(&self, call: &mut Call<'_>) -> Verdict {
        let number = call.number();
        if never_returns(number) {
            if let Some([calls, _]) = layout::counters(call.words(), layout::row_of(number)) {
                layout::add(calls, 1);
            }
            if self.timed {
                note_time(call.words(), layout::row_of(number), false, clock::ticks());
            }
            return Verdict::Pass;
        }
        if self.timed {
            begin_time(call.words());
        }
        Verdict::PassThenExit
    }

    #[inline]
    fn exit(&self, call: &mut Call<'_>, outcome: Outcome) {
        let Outcome::Returned(result) = outcome else {
            return;
        };
        let words = call.words();
        let row = layout::row_of(call.number());
        let failed = Errno::from_result(result).is_some();
        if let Some([calls, errors]) = layout::counters(words, row) {
            layout::add(calls, 1);
            layout::add(errors, u64::from(failed));
        }
        if self.timed {
            take_time(words, row, failed);
        }
    }

    fn report(&self, report: &Report<'_>, out: &mut dyn fmt::Write) -> fmt::Result {
        let totals = Totals::collect(report, self.timed);
        match self.format {
            Format::Text | Format::Perfetto => text::write(&totals, report, out),
            Format::Json => json::write(&totals, report, out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(stat: &Stat) -> Vec<AtomicU64> {
        (0..stat.thread_words()).map(|_| AtomicU64::new(0)).collect()
    }

    fn call(words: &[AtomicU64], number: u64) -> Call<'_> {
        Call {
            number,
            args: [0; 6],
            original: [0; 6],
            result: 0,
            return_address: 0,
            changed: false,
            words,
        }
    }

    fn counts(words: &[AtomicU64], row: usize) -> [u64; 2] {
        layout::counters(words, row)
            .unwrap()
            .each_ref()
            .map(|word| word.load(Relaxed))
    }

    #[test]
    fn results_are_counted_and_errors_only_in_their_range() {
        let stat = Stat::new(Format::Text, false);
        let words = words(&stat);
        for result in [0, 7, -1, -4095, -4096, i64::MIN, i64::MAX] {
            let mut call = call(&words, 0);
            assert_eq!(stat.enter(&mut call), Verdict::PassThenExit);
            stat.exit(&mut call, Outcome::Returned(result));
            assert!(!call.changed);
        }
        assert_eq!(counts(&words, 0), [7, 2]);
    }

    #[test]
    fn a_restarted_call_is_counted_once() {
        let stat = Stat::new(Format::Text, true);
        let words = words(&stat);
        for outcome in [Outcome::Restarting, Outcome::Restarting, Outcome::Returned(-4)] {
            let mut call = call(&words, 35);
            stat.enter(&mut call);
            stat.exit(&mut call, outcome);
        }
        assert_eq!(counts(&words, 35), [1, 1]);
    }

    #[test]
    fn calls_that_never_return_are_counted_as_they_are_made() {
        for timed in [false, true] {
            let stat = Stat::new(Format::Text, timed);
            let words = words(&stat);
            for number in [15, 60, 231] {
                assert_eq!(stat.enter(&mut call(&words, number)), Verdict::Pass);
                assert_eq!(counts(&words, number as usize), [1, 0]);
            }
        }
    }

    #[test]
    fn numbers_without_a_row_share_the_last_and_only_the_low_half_counts() {
        let stat = Stat::new(Format::Text, true);
        let words = words(&stat);
        for number in [512, 600, u64::MAX, 0x7_0000_0000 | 39] {
            let mut call = call(&words, number);
            stat.enter(&mut call);
            stat.exit(&mut call, Outcome::Returned(-38));
        }
        assert_eq!(counts(&words, layout::OTHER), [3, 3]);
        assert_eq!(counts(&words, 39), [1, 1]);
    }

    #[test]
    fn time_goes_to_the_sum_and_to_one_bucket() {
        let stat = Stat::new(Format::Text, true);
        let words = words(&stat);
        let mut call = call(&words, 39);
        stat.enter(&mut call);
        std::thread::sleep(std::time::Duration::from_millis(2));
        stat.exit(&mut call, Outcome::Returned(1));
        let (ticks, buckets) = layout::times(&words, 39).unwrap();
        let ticks = ticks.load(Relaxed);
        assert!(ticks > 100_000, "{ticks}");
        for (bucket, count) in buckets.iter().enumerate() {
            assert_eq!(count.load(Relaxed), u64::from(bucket == bucket_of(ticks)));
        }
    }

    #[test]
    fn each_call_is_in_one_cell_of_time_and_of_one_kind() {
        let stat = Stat::new(Format::Json, true);
        let words = words(&stat);
        for (number, result) in [(0, 5), (39, 1), (202, -11), (231, 0)] {
            let mut call = call(&words, number);
            if stat.enter(&mut call) == Verdict::PassThenExit {
                stat.exit(&mut call, Outcome::Returned(result));
            }
        }
        let mut sums = [0; Series::COUNT];
        let mut all = 0;
        for cell in 0..timeline::CELLS {
            let (calls, series) = layout::moment(&words, cell).unwrap();
            all += calls.load(Relaxed);
            sums.iter_mut()
                .zip(series)
                .for_each(|(sum, word)| *sum += word.load(Relaxed));
        }
        assert_eq!((all, sums), (4, [1, 0, 0, 1, 0, 1, 1, 1]));
    }

    #[test]
    fn a_fork_takes_no_time_in_the_child() {
        let stat = Stat::new(Format::Text, true);
        let words = words(&stat);
        let mut call = call(&words, 57);
        stat.enter(&mut call);
        words.iter().for_each(|word| word.store(0, Relaxed));
        stat.exit(&mut call, Outcome::Returned(0));
        assert_eq!(counts(&words, 57), [1, 0]);
        assert_eq!(layout::times(&words, 57).unwrap().0.load(Relaxed), 0);
    }

    #[test]
    fn too_few_words_are_no_harm() {
        let stat = Stat::new(Format::Text, true);
        for number in [0, 231, 600] {
            let mut call = call(&[], number);
            stat.enter(&mut call);
            stat.exit(&mut call, Outcome::Returned(0));
        }
    }
}
