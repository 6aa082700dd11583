//! What a hook is told when the process ends.

use core::sync::atomic::AtomicU64;

use super::tree::Tree;
use crate::rewrite::refusal::Refusal;

/// What the core counted in a process or a tree of them, all threads together.
#[derive(Clone, Copy, Default, Debug)]
pub struct Summary {
    /// The process, as getpid answers; of a tree the first one.
    pub pid: u32,
    /// Threads that were ever interposed, the ended ones included.
    pub threads: u64,
    /// Calls that came through the trap (SIGSYS).
    pub trapped: u64,
    /// `int $0x80` calls, which are answered ENOSYS.
    pub int80: u64,
    /// Sites that were rewritten.
    pub rewritten: u64,
    /// Sites that keep trapping, by reason ([`Refusal::ALL`] has the order).
    pub refused: [u64; Refusal::ALL.len()],
    /// Time stamp counter ticks per microsecond; 0 if it was not measured.
    pub ticks_per_us: u64,
    /// The time stamp counter when the report was begun; 0 if it was not read.
    pub ticks: u64,
}

/// What is shown each thread's words.
pub type Visit<'v> = &'v mut dyn FnMut(&[AtomicU64]);

/// The data for a hook's report.
pub struct Report<'a> {
    /// What the core counted.
    pub summary: Summary,
    /// The processes, if the report is of a tree.
    pub tree: Option<&'a dyn Tree>,
    pub(crate) threads: &'a dyn Fn(Visit<'_>),
}

impl<'a> Report<'a> {
    /// A report over the words that `threads` hands out thread by thread.
    pub fn new(summary: Summary, threads: &'a dyn Fn(Visit<'_>)) -> Self {
        Report {
            summary,
            tree: None,
            threads,
        }
    }

    /// The same report, of these processes.
    #[must_use]
    pub fn of_tree(self, tree: &'a dyn Tree) -> Self {
        Report {
            tree: Some(tree),
            ..self
        }
    }

    /// Calls `visit` with each thread's words (ended threads included: their
    /// counts stay in the areas that later threads go on with).
    pub fn for_each_thread(&self, visit: Visit<'_>) {
        (self.threads)(visit);
    }
}
