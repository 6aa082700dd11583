//! What all threads counted together, as a report shows it.

use core::num::NonZeroU64;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::histogram::Histogram;
use super::layout::{self, OTHER, ROWS};
use crate::hook::{Process, Report};

/// The counts of one row, or of all.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Counts {
    pub(super) calls: u64,
    pub(super) errors: u64,
    /// Time in the calls; 0 if they were not timed.
    pub(super) ticks: u64,
}

impl Counts {
    /// What is left of these when `part` is taken away; the parts of a whole
    /// that goes on growing may be more than it was.
    pub(super) fn less(self, part: Counts) -> Counts {
        Counts {
            calls: self.calls.saturating_sub(part.calls),
            errors: self.errors.saturating_sub(part.errors),
            ticks: self.ticks.saturating_sub(part.ticks),
        }
    }

    pub(super) fn add(&mut self, other: Counts) {
        self.calls = self.calls.saturating_add(other.calls);
        self.errors = self.errors.saturating_add(other.errors);
        self.ticks = self.ticks.saturating_add(other.ticks);
    }
}

/// The durations of one row's calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Times {
    pub(super) total_ns: u64,
    pub(super) p50_ns: u64,
    pub(super) p99_ns: u64,
}

/// The sums over all threads, copied out of their words: the other threads may
/// go on counting while a report is written.
pub(super) struct Totals {
    rows: [Counts; ROWS],
    pub(super) all: Counts,
    /// Ticks to the microsecond; none if calls were not timed, or if the rate
    /// of the time stamp counter is not known.
    rate: Option<NonZeroU64>,
}

impl Totals {
    pub(super) fn collect(report: &Report<'_>, timed: bool) -> Totals {
        let rate = NonZeroU64::new(report.summary.ticks_per_us).filter(|_| timed);
        let mut totals = Totals {
            rows: [Counts::default(); ROWS],
            all: Counts::default(),
            rate,
        };
        report.for_each_thread(&mut |words| {
            for row in 0..ROWS {
                let Some([calls, errors]) = layout::counters(words, row) else {
                    break;
                };
                let (calls, errors) = (calls.load(Relaxed), errors.load(Relaxed));
                if calls == 0 {
                    // Its times were never written: reading them would only
                    // bring pages in.
                    continue;
                }
                let times = if rate.is_some() {
                    layout::times(words, row)
                } else {
                    None
                };
                let ticks = times.map_or(0, |(ticks, _)| ticks.load(Relaxed));
                let counts = Counts { calls, errors, ticks };
                if let Some(sum) = totals.rows.get_mut(shown_in(row)) {
                    sum.add(counts);
                }
                totals.all.add(counts);
            }
        });
        totals
    }

    /// The counts of one process; without times.
    pub(super) fn of_process(process: &Process<'_>) -> Totals {
        let mut totals = Totals {
            rows: [Counts::default(); ROWS],
            all: Counts::default(),
            rate: None,
        };
        process.for_each_word(&mut |word, change| {
            let Some((row, column)) = layout::place(word) else {
                return;
            };
            let (calls, errors) = if column == 0 { (change, 0) } else { (0, change) };
            let counts = Counts {
                calls,
                errors,
                ticks: 0,
            };
            if let Some(sum) = totals.rows.get_mut(shown_in(row)) {
                sum.add(counts);
            }
            totals.all.add(counts);
        });
        totals
    }

    /// The rows that have calls, by descending number of calls; of equals the
    /// lower number first.
    ///
    /// It seeks each next row anew, which a report can afford: it needs no
    /// memory, and a report has some dozen rows.
    pub(super) fn ranking(&self) -> impl Iterator<Item = (usize, &Counts)> {
        let rank = |row: usize, counts: &Counts| (u64::MAX - counts.calls, row);
        let next = move |last: Option<(u64, usize)>| {
            let rows = self.rows.iter().enumerate();
            rows.filter(|(_, counts)| counts.calls != 0)
                .filter(|(row, counts)| last.is_none_or(|last| rank(*row, counts) > last))
                .min_by_key(|(row, counts)| rank(*row, counts))
        };
        core::iter::successors(next(None), move |(row, counts)| next(Some(rank(*row, counts))))
    }

    /// The times of a row, if there are any.
    pub(super) fn times(&self, row: usize, counts: &Counts, report: &Report<'_>) -> Option<Times> {
        let rate = self.rate?;
        let histogram = self.histogram(row, report)?;
        let ns = |ticks| nanoseconds(ticks, rate);
        Some(Times {
            total_ns: ns(counts.ticks),
            // A row without a single time is one of calls that never return.
            p50_ns: ns(histogram.quantile(50)?),
            p99_ns: ns(histogram.quantile(99)?),
        })
    }

    /// The histogram of a row, if calls were timed.
    pub(super) fn histogram(&self, row: usize, report: &Report<'_>) -> Option<Histogram> {
        self.rate?;
        let mut histogram = Histogram::new();
        report.for_each_thread(&mut |words| {
            if row == OTHER {
                (0..ROWS)
                    .filter(|&row| shown_in(row) == OTHER)
                    .for_each(|row| merge(&mut histogram, words, row));
            } else {
                merge(&mut histogram, words, row);
            }
        });
        Some(histogram)
    }

    /// These ticks in nanoseconds, if calls were timed.
    pub(super) fn ns(&self, ticks: u64) -> Option<u64> {
        Some(nanoseconds(ticks, self.rate?))
    }

    /// Whether there are times.
    pub(super) fn timed(&self) -> bool {
        self.rate.is_some()
    }

    /// The time in all calls, if there are times.
    pub(super) fn all_ns(&self) -> Option<u64> {
        Some(nanoseconds(self.all.ticks, self.rate?))
    }
}

/// The row that shows the calls which were counted in `row`.
fn shown_in(row: usize) -> usize {
    if layout::name(row).is_some() { row } else { OTHER }
}

/// Adds one thread's histogram of a row.
fn merge(histogram: &mut Histogram, words: &[AtomicU64], row: usize) {
    let used = layout::counters(words, row).is_some_and(|[calls, _]| calls.load(Relaxed) != 0);
    if used && let Some((_, buckets)) = layout::times(words, row) {
        for (bucket, count) in buckets.iter().enumerate() {
            histogram.add(bucket, count.load(Relaxed));
        }
    }
}

/// Ticks as nanoseconds.
fn nanoseconds(ticks: u64, ticks_per_us: NonZeroU64) -> u64 {
    // In two parts: ticks · 1000 would overflow after a few months.
    let (whole, rest) = (ticks / ticks_per_us, ticks % ticks_per_us);
    whole
        .saturating_mul(1000)
        .saturating_add(rest.saturating_mul(1000) / ticks_per_us)
}

/// What reports are tested with: two threads with fixed counts.
#[cfg(test)]
pub(super) mod tests {
    use super::super::timeline::Series;
    use super::*;
    use crate::hook::{End, Others, Summary, Tree};

    /// Counts `calls` calls of `row`, `errors` of them failed, all of them of
    /// `ticks` ticks.
    fn count(words: &[AtomicU64], row: usize, calls: u64, errors: u64, ticks: u64) {
        let [all, failed] = layout::counters(words, row).unwrap();
        layout::add(all, calls);
        layout::add(failed, errors);
        if let Some((sum, buckets)) = layout::times(words, row)
            && ticks != 0
        {
            layout::add(sum, calls * ticks);
            layout::add(&buckets[super::super::histogram::bucket_of(ticks)], calls);
        }
    }

    /// Shows `check` a report over two threads.
    pub(in super::super) fn with_report(timed: bool, ticks_per_us: u64, check: impl FnOnce(&Report<'_>)) {
        let thread = || -> Vec<AtomicU64> { (0..layout::words(timed)).map(|_| AtomicU64::new(0)).collect() };
        let (first, second) = (thread(), thread());
        count(&first, 0, 900, 10, 3000);
        count(&second, 0, 100, 0, 300_000);
        count(&second, 1, 1, 0, 6_000_000);
        count(&first, 39, 500, 0, 300);
        count(&first, 202, 96, 90, 30_000);
        count(&first, 400, 1, 1, 600);
        count(&second, OTHER, 1, 1, 600);
        count(&first, 231, 1, 0, 0);
        for (thread, cell, series, calls) in [
            (&first, 0, Series::Files, 900),
            (&second, 0, Series::Files, 100),
            (&first, 10, Series::Other, 500),
            (&first, 100, Series::Errors, 7),
        ] {
            if let Some((all, each)) = layout::moment(thread, cell) {
                layout::add(all, calls);
                layout::add(&each[series as usize], calls);
            }
        }
        if let Some(log) = layout::log(&second) {
            super::super::threads::begin(log, 4242, 4250, 6000);
            super::super::threads::count(log, 90_000);
        }
        let mut summary = Summary {
            pid: 4242,
            threads: 2,
            trapped: 20,
            rewritten: 17,
            ticks_per_us,
            ticks: 30_000_000,
            ..Summary::default()
        };
        summary.refused[2] = 2;
        summary.refused[4] = 1;
        check(&Report::new(summary, &|visit| {
            visit(&first);
            visit(&second);
        }));
    }

    /// Shows `check` a report over nothing.
    pub(in super::super) fn with_empty_report(check: impl FnOnce(&Report<'_>)) {
        let summary = Summary {
            pid: 1,
            ..Summary::default()
        };
        check(&Report::new(summary, &|_| {}));
    }

    /// Two processes, and others that make up for the rest of `with_report`.
    struct Two;

    impl Tree for Two {
        fn len(&self) -> usize {
            2
        }

        fn for_each(&self, visit: &mut dyn FnMut(&Process<'_>)) {
            let mut summary = Summary {
                pid: 4242,
                threads: 2,
                trapped: 11,
                rewritten: 10,
                ..Summary::default()
            };
            summary.refused[2] = 2;
            let mut process = Process {
                summary,
                parent: 17,
                name: *b"make\0\0\0\0\0\0\0\0\0\0\0\0",
                images: 1,
                end: End::Exit(0),
                began: Some(3000),
                ended: Some(9_000_000),
                calls: 901,
                errors: 10,
                rows: &|visit| {
                    visit(1, 900);
                    visit(2, 10);
                    visit(463, 1);
                    visit(1027, 900);
                    visit(1028, 1);
                },
            };
            visit(&process);
            process = Process {
                summary: Summary {
                    pid: 4243,
                    threads: 1,
                    trapped: 4,
                    rewritten: 3,
                    ..Summary::default()
                },
                parent: 4242,
                name: *b"sh \"\\\n\0\0\0\0\0\0\0\0\0\0",
                images: 2,
                end: End::Silent,
                began: Some(600_000),
                ended: None,
                calls: 500,
                errors: 0,
                rows: &|visit| {
                    visit(0, 12);
                    visit(79, 400);
                    visit(79, 100);
                    visit(1037, 500);
                },
            };
            visit(&process);
        }

        fn others(&self) -> Others {
            let mut summary = Summary {
                threads: 40,
                trapped: 5,
                rewritten: 4,
                ..Summary::default()
            };
            summary.refused[4] = 1;
            Others {
                processes: 40,
                summary,
                uncounted_threads: 3,
                uncounted_processes: 0,
            }
        }
    }

    /// Shows `check` the report of [`with_report`], of a tree.
    pub(in super::super) fn with_tree_report(timed: bool, check: impl FnOnce(&Report<'_>)) {
        with_report(timed, if timed { 3000 } else { 0 }, |report| {
            check(&Report::new(report.summary, report.threads).of_tree(&Two));
        });
    }

    #[test]
    fn threads_are_summed_and_ranked() {
        with_report(false, 3000, |report| {
            let totals = Totals::collect(report, false);
            let ranking: Vec<_> = totals
                .ranking()
                .map(|(row, counts)| (row, counts.calls, counts.errors))
                .collect();
            assert_eq!(
                ranking,
                [
                    (0, 1000, 10),
                    (39, 500, 0),
                    (202, 96, 90),
                    (OTHER, 2, 2),
                    (1, 1, 0),
                    (231, 1, 0)
                ]
            );
            assert_eq!(
                totals.all,
                Counts {
                    calls: 1600,
                    errors: 102,
                    ticks: 0
                }
            );
        });
    }

    #[test]
    fn times_are_of_all_threads() {
        with_report(true, 3000, |report| {
            let totals = Totals::collect(report, true);
            let read = totals.times(0, &totals.rows[0], report).unwrap();
            assert_eq!(read.total_ns, 900 * 1000 + 100 * 100_000);
            assert!(read.p50_ns.abs_diff(1000) <= 125, "{read:?}");
            assert!(read.p99_ns.abs_diff(100_000) <= 12_500, "{read:?}");
            let other = totals.times(OTHER, &totals.rows[OTHER], report).unwrap();
            assert_eq!(other.total_ns, 400);
            assert_eq!(totals.times(231, &totals.rows[231], report), None);
        });
    }

    #[test]
    fn without_a_rate_there_are_no_times() {
        with_report(true, 0, |report| {
            let totals = Totals::collect(report, true);
            assert!(!totals.timed());
            assert_eq!(totals.all_ns(), None);
        });
    }

    #[test]
    fn ticks_become_nanoseconds_without_overflow() {
        let nanoseconds = |ticks, rate| nanoseconds(ticks, NonZeroU64::new(rate).unwrap());
        assert_eq!(nanoseconds(3, 3000), 1);
        assert_eq!(nanoseconds(4_500_000, 3000), 1_500_000);
        assert_eq!(nanoseconds(u64::MAX, 4000), u64::MAX / 4);
        assert_eq!(nanoseconds(u64::MAX, 1), u64::MAX);
    }
}
