//! What a hook is told of the processes of a tree.

use super::report::Summary;
pub use crate::ledger::End;

/// How a hook's words are kept beyond the life of their thread and process
/// ([`Hook::tree`](super::Hook::tree)).
///
/// The first `own` words are the thread's own and begin at zero. All others are
/// sums: a thread goes on with those that an ended thread has left, of whatever
/// process, and the sum over all threads' words is the tree's. Behind the
/// `own` ones lie `rows` pairs of words, calls and errors, and behind these
/// `cells` single ones; the report has each process's share of both.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TreeWords {
    /// Words of the thread's own.
    pub own: usize,
    /// Pairs of counters that are kept for each process.
    pub rows: usize,
    /// Single counters behind the pairs that are kept for each process too.
    pub cells: usize,
    /// Whether the own words go on in a program that the thread executes; of a child
    /// of vfork only the first one does. And a thread begins with the second word
    /// of the one that makes it for its first, and all others zero.
    pub goes_on: bool,
}

/// One process of the tree.
pub struct Process<'a> {
    /// What the core counted in it.
    pub summary: Summary,
    /// Its parent, as its own getppid answered at its start.
    pub parent: u32,
    /// Its name, as PR_GET_NAME says it.
    pub name: [u8; 16],
    /// Programs that it executed, the first included.
    pub images: u64,
    /// Whether and how it has ended.
    pub end: End,
    /// When it began and when it said that it ends, by the time stamp counter,
    /// where the tool takes times and it is known.
    pub began: Option<u64>,
    /// See [`began`](Self::began).
    pub ended: Option<u64>,
    /// The sum of its rows' first words.
    pub calls: u64,
    /// The sum of its rows' second words.
    pub errors: u64,
    pub(crate) rows: &'a dyn Fn(VisitRow<'_>),
}

/// What is shown the place of a word among a thread's words, and what a process
/// has added there.
pub type VisitRow<'v> = &'v mut dyn FnMut(usize, u64);

impl Process<'_> {
    /// Calls `visit` for each word of the rows and cells that the process has added to; a
    /// word may come more than once. There are none if there was no room for
    /// them.
    pub fn for_each_word(&self, visit: VisitRow<'_>) {
        (self.rows)(visit);
    }
}

/// The processes that the report does not have one by one.
#[derive(Clone, Copy, Default, Debug)]
pub struct Others {
    /// How many they are.
    pub processes: u64,
    /// What the core counted in them.
    pub summary: Summary,
    /// Threads for which there was no room, of any process: their calls are
    /// not in the report.
    pub uncounted_threads: u64,
    /// Processes for which there was no room.
    pub uncounted_processes: u64,
}

/// The processes of a tree.
pub trait Tree {
    /// How many of them the report has one by one.
    fn len(&self) -> usize;

    /// Calls `visit` with each of these, by descending number of calls, of
    /// equals the one first that began first.
    fn for_each(&self, visit: &mut dyn FnMut(&Process<'_>));

    /// The rest.
    fn others(&self) -> Others;

    /// Whether there are none that the report has one by one.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
