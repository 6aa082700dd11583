//! The report of a tree of processes.

#![allow(unsafe_code, reason = "the ranking lies in a mapping made for it; visits areas")]

use core::cmp::Reverse;
use core::sync::atomic::{AtomicU64, Ordering};

use crate::hook::{Hook, Others, Process, Report, Summary, Tree};
use crate::kernel;
use crate::ledger::{CoreWord, Ledger, Record};
use crate::trap::areas;
use crate::trap::descriptors::Numbers;
use crate::trap::{clock, descriptors, ledger};

/// A record in the order of the report.
#[derive(Clone, Copy)]
struct Rank {
    calls: u64,
    record: u32,
}

/// The report of the whole tree, by a process that is not of it; none if there
/// never was a tree. `gone`: all of the tree has ended, whatever has the numbers now.
#[cfg(not(any(test, feature = "std")))]
pub(crate) fn report_all(gone: bool) {
    if let Some(hook) = crate::trap::dispatch::hook()
        && let Some(ledger) = crate::ledger::ledger()
        && ledger.root().is_some()
    {
        write(&descriptors::PROCESS, hook, ledger, gone);
    }
}

/// Lets the hook write the report of the whole tree, as far as it has come.
pub(crate) fn report(numbers: &Numbers, hook: &dyn Hook, ledger: Ledger<'static>) {
    write(numbers, hook, ledger, false);
}

fn write(numbers: &Numbers, hook: &dyn Hook, ledger: Ledger<'static>, gone: bool) {
    // All listed records and more; what is not used is not touched.
    let listed = ledger.listed().count();
    let len = (listed * size_of::<Rank>()).next_multiple_of(4096);
    let Ok(memory) = kernel::map(0, len.max(4096), libc::PROT_READ | libc::PROT_WRITE, 0) else {
        return;
    };
    // SAFETY: just mapped, zeroed, large enough, and ours alone.
    let ranking = unsafe { core::slice::from_raw_parts_mut(memory as *mut Rank, listed) };
    for (rank, record) in ranking.iter_mut().zip(ledger.listed()) {
        *rank = Rank {
            calls: ledger.sums(record).calls,
            record: record as u32,
        };
    }
    ranking.sort_unstable_by_key(|rank| (Reverse(rank.calls), rank.record));
    let tree = Listed { ledger, ranking, gone };
    let threads = |visit: &mut dyn FnMut(&[AtomicU64])| {
        ledger.for_each_block(|_, words| visit(words));
        for_each_private(|_, words| visit(words));
    };
    let summary = tree.total();
    descriptors::write_report(numbers, |out| {
        hook.report(&Report::new(summary, &threads).of_tree(&tree), out)
    });
    // SAFETY: the slice is gone.
    unsafe { kernel::unmap(memory, len.max(4096)) };
}

/// The words of threads of this process that have no block.
fn for_each_private(mut visit: impl FnMut(&[AtomicU64], &[AtomicU64])) {
    areas::for_each(|area| {
        // SAFETY: areas are never unmapped; words are atomics.
        let area = unsafe { &*area };
        if area.block == 0 && area.epoch == crate::ledger::epoch() {
            visit(area.core, area.call.words);
        }
    });
}

/// The tree as the ledger has it.
struct Listed<'a> {
    ledger: Ledger<'static>,
    ranking: &'a [Rank],
    gone: bool,
}

impl Listed<'_> {
    fn field(&self, record: usize, field: Record) -> u64 {
        self.ledger.field(record, field).load(Ordering::Relaxed)
    }

    fn time(&self, record: usize, field: Record) -> Option<u64> {
        Some(self.field(record, field)).filter(|&ticks| ticks != 0)
    }

    /// Adds what a record counts from the first: sites and threads.
    fn add_counts(&self, summary: &mut Summary, record: usize) {
        summary.threads += self.field(record, Record::Threads);
        if let Some((rewritten, refused)) = self.ledger.sites(record).split_first() {
            summary.rewritten = summary.rewritten.wrapping_add(rewritten.load(Ordering::Relaxed));
            for (sum, sites) in summary.refused.iter_mut().zip(refused) {
                *sum = sum.wrapping_add(sites.load(Ordering::Relaxed));
            }
        }
    }

    /// The sum over all processes.
    fn total(&self) -> Summary {
        let root = self.ledger.root();
        let mut summary = Summary {
            pid: root.map_or(0, |record| self.field(record, Record::Pid)) as u32,
            ticks_per_us: clock::ticks_per_us(),
            ticks: clock::now_if_it_runs(),
            ..Summary::default()
        };
        for record in self.ledger.records() {
            self.add_counts(&mut summary, record);
        }
        let mut add = |core: &[AtomicU64]| {
            let word = |word: CoreWord| core.get(word as usize).map_or(0, |word| word.load(Ordering::Relaxed));
            summary.trapped = summary.trapped.wrapping_add(word(CoreWord::Trapped));
            summary.int80 = summary.int80.wrapping_add(word(CoreWord::Int80));
        };
        self.ledger.for_each_block(|core, _| add(core));
        for_each_private(|core, _| add(core));
        summary
    }
}

impl Tree for Listed<'_> {
    fn len(&self) -> usize {
        self.ranking.len()
    }

    fn for_each(&self, visit: &mut dyn FnMut(&Process<'_>)) {
        for rank in self.ranking {
            let record = rank.record as usize;
            let sums = self.ledger.sums(record);
            let mut summary = Summary {
                pid: self.field(record, Record::Pid) as u32,
                trapped: sums.trapped,
                int80: sums.int80,
                ..Summary::default()
            };
            self.add_counts(&mut summary, record);
            let mut name = [0; 16];
            for (bytes, word) in name.chunks_mut(8).zip(self.ledger.name(record)) {
                bytes.copy_from_slice(&word.to_ne_bytes());
            }
            visit(&Process {
                summary,
                parent: self.field(record, Record::Parent) as u32,
                name,
                images: self.field(record, Record::Images),
                end: self.ledger.end(record, |holder| self.gone || ledger::is_dead(holder)),
                began: self.time(record, Record::Began),
                ended: self.time(record, Record::Ended),
                calls: sums.calls,
                errors: sums.errors,
                rows: &|visit| self.ledger.rows(record, visit),
            });
        }
    }

    fn others(&self) -> Others {
        let mut others = Others {
            summary: self.total(),
            ..Others::default()
        };
        (others.uncounted_threads, others.uncounted_processes) = self.ledger.bare();
        for record in self.ledger.unlisted() {
            others.processes += self.field(record, Record::Processes);
        }
        // All less the listed ones.
        let mut listed = Summary::default();
        for rank in self.ranking {
            let record = rank.record as usize;
            let sums = self.ledger.sums(record);
            self.add_counts(&mut listed, record);
            listed.trapped += sums.trapped;
            listed.int80 += sums.int80;
        }
        let summary = &mut others.summary;
        summary.pid = 0;
        summary.threads = summary.threads.saturating_sub(listed.threads);
        summary.trapped = summary.trapped.saturating_sub(listed.trapped);
        summary.int80 = summary.int80.saturating_sub(listed.int80);
        summary.rewritten = summary.rewritten.saturating_sub(listed.rewritten);
        for (sum, listed) in summary.refused.iter_mut().zip(listed.refused) {
            *sum = sum.saturating_sub(listed);
        }
        others
    }
}
