//! Which threads have used a block, from when to when, and for how many calls.
//!
//! A block goes from thread to thread, of whatever process; so each block has a
//! log of those that had it. A process's first thread is not in it: it is
//! there as long as its process, as a rule. When a log is full later threads
//! are not in it either.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::layout;

/// Threads that a log has room for.
const ENTRIES: usize = 64;
const ENTRY: usize = 4;
/// In front of the entries: how many there are, and the one of the thread that
/// has the block, plus 1; 0 for none.
const HEAD: usize = 2;

/// Words of a log.
pub(super) const LOG_LEN: usize = HEAD + ENTRIES * ENTRY;

/// A thread of a log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Entry {
    pub(super) pid: u32,
    pub(super) tid: u32,
    pub(super) began: u64,
    pub(super) last: u64,
    pub(super) calls: u64,
}

/// A thread makes its first call in this block.
pub(super) fn begin(log: &[AtomicU64; LOG_LEN], pid: u32, tid: u32, now: u64) {
    let [used, current, entries @ ..] = log;
    let next = used.load(Relaxed) as usize;
    let (entries, _) = entries.as_chunks::<ENTRY>();
    let Some([who, began, last, calls]) = entries.get(next).filter(|_| pid != tid) else {
        current.store(0, Relaxed);
        return;
    };
    who.store(u64::from(pid) << 32 | u64::from(tid), Relaxed);
    began.store(now, Relaxed);
    last.store(now, Relaxed);
    calls.store(0, Relaxed);
    used.store(next as u64 + 1, Relaxed);
    current.store(next as u64 + 1, Relaxed);
}

/// The thread that has the block has made a call.
#[inline]
pub(super) fn count(log: &[AtomicU64; LOG_LEN], now: u64) {
    let [_, current, entries @ ..] = log;
    let Some(current) = (current.load(Relaxed) as usize).checked_sub(1) else {
        return;
    };
    if let Some([_, _, last, calls]) = entries.as_chunks::<ENTRY>().0.get(current) {
        last.store(now, Relaxed);
        layout::add(calls, 1);
    }
}

/// The threads of a log.
pub(super) fn entries(log: &[AtomicU64; LOG_LEN]) -> impl Iterator<Item = Entry> {
    let [used, _, entries @ ..] = log;
    let used = used.load(Relaxed) as usize;
    entries.as_chunks::<ENTRY>().0.iter().take(used).map(|words| {
        let [who, began, last, calls] = words.each_ref().map(|word| word.load(Relaxed));
        Entry {
            pid: (who >> 32) as u32,
            tid: who as u32,
            began,
            last,
            calls,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_follow_each_other_and_first_ones_are_left_out() {
        let log: [AtomicU64; LOG_LEN] = core::array::from_fn(|_| AtomicU64::new(0));
        count(&log, 1);
        begin(&log, 7, 8, 10);
        count(&log, 20);
        count(&log, 30);
        begin(&log, 9, 9, 40);
        count(&log, 50);
        begin(&log, 9, 11, 60);
        let entry = |pid, tid, began, last, calls| Entry {
            pid,
            tid,
            began,
            last,
            calls,
        };
        let all: Vec<_> = entries(&log).collect();
        assert_eq!(all, [entry(7, 8, 10, 30, 2), entry(9, 11, 60, 60, 0)]);
        for tid in 100..200 {
            begin(&log, 1, tid, 70);
            count(&log, 80);
        }
        assert_eq!(entries(&log).count(), ENTRIES);
        assert_eq!(entries(&log).last(), Some(entry(1, 161, 70, 80, 1)));
    }
}
