//! Where the stat tool keeps what in a thread's words.
//!
//! ```text
//!         0   time stamp of the call that is being made
//!         1   calls, errors                  of row 0
//!         3   calls, errors                  of row 1
//!             …
//!      1025   calls, errors                  of row 512
//!      1027   calls in cell 0, in cell 1 …               these and all below
//!      2755   ticks, bucket 0, … bucket 123  of row 0     only when calls
//!      2880   ticks, bucket 0, … bucket 123  of row 1     are timed
//!             …
//!     66880   calls of each series           in cell 0
//!     66888   calls of each series           in cell 1
//!             …
//!     80704   the log of threads
//! ```
//!
//! A row is a call number; the last one holds all numbers from 512 on, which
//! saves the hot path a branch. Rows of numbers without a name are added to the
//! last one by the report.
//!
//! A thread needs 8 KB, or 631 KB when calls are timed, of which it touches
//! about 1 KB for each number that it uses, and 4 KB for each power of two of
//! time; the rest is never written, and a report does not read it either.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use syscalls::Sysno;

use super::histogram::BUCKETS;
use super::threads::LOG_LEN;
use super::timeline::{CELLS, Series};
use crate::hook::TreeWords;

/// The row of all numbers that have none of their own.
pub(super) const OTHER: usize = 512;

/// The number of rows.
pub(super) const ROWS: usize = OTHER + 1;

const COUNTERS: usize = 1;
const COUNTERS_LEN: usize = 2;
const ACTIVITY: usize = COUNTERS + COUNTERS_LEN * ROWS;
const TIMES: usize = ACTIVITY + CELLS;
const TIMES_LEN: usize = 1 + BUCKETS;
const SERIES: usize = TIMES + TIMES_LEN * ROWS;
const LOG: usize = SERIES + CELLS * Series::COUNT;

/// The words of a thread.
pub(super) const fn words(timed: bool) -> usize {
    if timed { LOG + LOG_LEN } else { ACTIVITY }
}

const _: () = assert!(words(true) * size_of::<u64>() <= 640 << 10);

/// The time stamp is the thread's own; each process's counters are kept, and
/// when it made its calls.
pub(super) const fn tree(timed: bool) -> TreeWords {
    TreeWords {
        own: COUNTERS,
        rows: ROWS,
        cells: if timed { CELLS } else { 0 },
        goes_on: false,
    }
}

/// The row and the column (calls, errors) of a word, if it is a counter.
pub(super) fn place(word: usize) -> Option<(usize, usize)> {
    let counter = word.checked_sub(COUNTERS)?;
    let row = counter / COUNTERS_LEN;
    (row < ROWS).then_some((row, counter % COUNTERS_LEN))
}

/// The cell of a word, if it counts a process's calls by time.
pub(super) fn cell(word: usize) -> Option<usize> {
    word.checked_sub(ACTIVITY).filter(|&cell| cell < CELLS)
}

/// The row in which a call is counted.
#[inline(always)]
pub(super) fn row_of(number: u32) -> usize {
    (number as usize).min(OTHER)
}

/// The word for the time stamp of the call that is being made.
#[inline(always)]
pub(super) fn start(words: &[AtomicU64]) -> Option<&AtomicU64> {
    words.first()
}

/// The words for the calls and the errors of a row.
#[inline(always)]
pub(super) fn counters(words: &[AtomicU64], row: usize) -> Option<&[AtomicU64; COUNTERS_LEN]> {
    let at = COUNTERS + COUNTERS_LEN * row;
    words.get(at..at + COUNTERS_LEN)?.first_chunk()
}

/// The words for the ticks and the buckets of a row; none if calls are not
/// timed.
#[inline(always)]
pub(super) fn times(words: &[AtomicU64], row: usize) -> Option<(&AtomicU64, &[AtomicU64; BUCKETS])> {
    let at = TIMES + TIMES_LEN * row;
    let (ticks, buckets) = words.get(at..at + TIMES_LEN)?.split_first()?;
    Some((ticks, buckets.first_chunk()?))
}

/// The words for what happened in a cell of time: all calls, and the calls of
/// each series; none if calls are not timed.
#[inline(always)]
pub(super) fn moment(words: &[AtomicU64], cell: usize) -> Option<(&AtomicU64, &[AtomicU64; Series::COUNT])> {
    let at = SERIES + Series::COUNT * cell;
    let series = words.get(at..at + Series::COUNT)?.first_chunk()?;
    Some((words.get(ACTIVITY + cell)?, series))
}

/// The words for the log of threads; none if calls are not timed.
#[inline(always)]
pub(super) fn log(words: &[AtomicU64]) -> Option<&[AtomicU64; LOG_LEN]> {
    words.get(LOG..LOG + LOG_LEN)?.first_chunk()
}

/// Adds to a word of this thread, which nobody else writes: so no locked
/// instruction is needed.
#[inline(always)]
pub(super) fn add(word: &AtomicU64, value: u64) {
    word.store(word.load(Relaxed).wrapping_add(value), Relaxed);
}

/// The name of a row's call, if the row is one number's and that number is a
/// call's.
pub(super) fn name(row: usize) -> Option<&'static str> {
    if row < OTHER {
        Sysno::new(row).map(|call| call.name())
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_has_two_uses_and_all_have_one() {
        let words: Vec<AtomicU64> = (0..words(true)).map(|_| AtomicU64::new(0)).collect();
        add(start(&words).unwrap(), 1);
        for row in 0..ROWS {
            counters(&words, row).unwrap().iter().for_each(|word| add(word, 1));
            let (ticks, buckets) = times(&words, row).unwrap();
            add(ticks, 1);
            buckets.iter().for_each(|word| add(word, 1));
        }
        for cell in 0..CELLS {
            let (calls, series) = moment(&words, cell).unwrap();
            add(calls, 1);
            series.iter().for_each(|word| add(word, 1));
        }
        log(&words).unwrap().iter().for_each(|word| add(word, 1));
        assert!(words.iter().all(|word| word.load(Relaxed) == 1));
    }

    #[test]
    fn words_that_are_not_there_are_none() {
        let untimed: Vec<AtomicU64> = (0..words(false)).map(|_| AtomicU64::new(0)).collect();
        assert!(counters(&untimed, OTHER).is_some());
        assert!(counters(&untimed, ROWS).is_none());
        assert!(times(&untimed, 0).is_none());
        assert!(moment(&untimed, 0).is_none());
        assert!(log(&untimed).is_none());
        assert!(start(&[]).is_none());
    }

    #[test]
    fn rows_have_the_names_of_the_kernel() {
        assert_eq!(
            [0, 1, 39, 219, 231, 435].map(name),
            [
                Some("read"),
                Some("write"),
                Some("getpid"),
                Some("restart_syscall"),
                Some("exit_group"),
                Some("clone3")
            ]
        );
        assert_eq!([400, 511, OTHER, 600].map(name), [None; 4]);
        assert_eq!([0, 511, 512, 1023, u32::MAX].map(row_of), [0, 511, OTHER, OTHER, OTHER]);
    }
}
