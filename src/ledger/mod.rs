//! The ledger: what a tree of processes counts, in memory that all of them
//! share, and that outlives each of them.
//!
//! # Blocks
//! A thread counts in a block of its own. Nothing is ever taken out of a block:
//! when its thread has ended another goes on with it, whosever it is. So the
//! counts of the tree are the sums over all blocks, at every instant, whatever
//! was killed in the middle of what.
//!
//! # Records
//! A process has a record. The first processes keep theirs: they are *listed*,
//! and the report has them one by one. Those that come later use the *unlisted*
//! records one after the other, and count in them on top of each other.
//!
//! A listed process's share of a block is the block less its *base*, a copy of
//! the block as it was when the process took it. When the process has ended its
//! share is written down in the pool as *rows*, and the base is set to the
//! block. This is *closing* a record.
//!
//! # Death at any instruction
//! A block's owner and a record's holder are one word each, changed by one
//! compare-and-exchange: so nothing is ever nobody's. If the holder of a record
//! is dead, another process may take its place as holder, and closes it. Each
//! step of closing can be done again from the start: what it reads does not
//! change any more.

mod blocks;
mod close;
mod geometry;
mod here;
mod records;
#[cfg(test)]
mod tests;

use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::kernel::futex;
pub(crate) use close::CoreWord;
pub(crate) use geometry::{CORE, Geometry, MOST_BLOCKS, Shape};
#[cfg(not(any(test, feature = "std")))]
pub(crate) use here::reread;
pub(crate) use here::{attach, create, epoch, ledger, next_epoch, own_record, set_own_record};
pub use records::End;
pub(crate) use records::{Executed, Holder, Member, NATIVE, Record};

const MAGIC: u64 = u64::from_le_bytes(*b"usertrp4");

/// Words of the header. Those before the first comment never change.
#[derive(Clone, Copy)]
#[repr(usize)]
enum Head {
    Magic,
    Words,
    Own,
    Rows,
    Blocks,
    Listed,
    Unlisted,
    Pool,
    Cells,
    /// Listed records that were ever taken; more than there are when all are.
    ListedTop,
    /// Blocks that were ever taken.
    BlocksTop,
    /// A block that is probably free.
    FreeBlock,
    /// An unlisted record that is probably free.
    FreeRecord,
    PoolUsed,
    /// Threads and processes for which there was no room.
    BareThreads,
    BareProcesses,
    /// The record of the tree's first process, plus 1.
    Root,
    /// Not 0: the report is written by a process that waits for the tree.
    Supervised,
    /// The process that follows the tree, as the root's pid namespace has it;
    /// 0 for none.
    Follower,
    /// Not 0: it sleeps.
    Sleeps,
    /// Children that are being made, and have not come in. One that was killed before
    /// stays counted, and one whose maker was.
    Births,
}

/// Words of the header that tell how long the ledger is.
pub(crate) const FIRST: usize = Head::Cells as usize + 1;

/// A ledger over its memory.
#[derive(Clone, Copy)]
pub(crate) struct Ledger<'m> {
    memory: &'m [AtomicU64],
    geometry: Geometry,
}

/// What lies out of range: never reached, as the geometry is checked.
static NOWHERE: AtomicU64 = AtomicU64::new(0);

impl<'m> Ledger<'m> {
    /// Makes a ledger in zeroed memory. None if it is too small.
    pub(crate) fn create(memory: &'m [AtomicU64], geometry: Geometry) -> Option<Ledger<'m>> {
        if memory.len() < geometry.len() {
            return None;
        }
        let ledger = Ledger { memory, geometry };
        let Geometry {
            shape,
            blocks,
            listed,
            unlisted,
            pool,
        } = geometry;
        for (word, value) in [
            (Head::Words, shape.words),
            (Head::Own, shape.own),
            (Head::Rows, shape.rows),
            (Head::Blocks, blocks),
            (Head::Listed, listed),
            (Head::Unlisted, unlisted),
            (Head::Pool, pool),
            (Head::Cells, shape.cells),
        ] {
            ledger.head(word).store(value as u64, Relaxed);
        }
        ledger.head(Head::Magic).store(MAGIC, Release);
        Some(ledger)
    }

    /// The ledger that another process has made in this memory.
    pub(crate) fn open(memory: &'m [AtomicU64]) -> Option<Ledger<'m>> {
        let word = |word: Head| memory.get(word as usize).map(|word| word.load(Acquire) as usize);
        if word(Head::Magic)? as u64 != MAGIC {
            return None;
        }
        let geometry = Geometry {
            shape: Shape {
                words: word(Head::Words)?,
                own: word(Head::Own)?,
                rows: word(Head::Rows)?,
                cells: word(Head::Cells)?,
            },
            blocks: word(Head::Blocks)?,
            listed: word(Head::Listed)?,
            unlisted: word(Head::Unlisted)?,
            pool: word(Head::Pool)?,
        };
        (memory.len() >= geometry.len()).then_some(Ledger { memory, geometry })
    }

    /// Words that have to be mapped to [`open`](Self::open) the ledger that
    /// begins with these.
    pub(crate) fn len_of(first: &[u64; FIRST]) -> Option<usize> {
        let [magic, words, own, rows, blocks, listed, unlisted, pool, cells] = *first;
        let geometry = Geometry {
            shape: Shape {
                words: words as usize,
                own: own as usize,
                rows: rows as usize,
                cells: cells as usize,
            },
            blocks: blocks as usize,
            listed: listed as usize,
            unlisted: unlisted as usize,
            pool: pool as usize,
        };
        (magic == MAGIC).then(|| geometry.len())
    }

    fn at(&self, place: usize) -> &'m AtomicU64 {
        self.memory.get(place).unwrap_or(&NOWHERE)
    }

    fn head(&self, word: Head) -> &'m AtomicU64 {
        self.at(word as usize)
    }

    /// The record of the first process of the tree.
    pub(crate) fn root(&self) -> Option<usize> {
        (self.head(Head::Root).load(Relaxed) as usize).checked_sub(1)
    }

    pub(crate) fn set_root(&self, record: usize) {
        self.head(Head::Root).store(record as u64 + 1, Relaxed);
    }

    /// Whether the report is not the root's to write.
    pub(crate) fn supervised(&self) -> bool {
        self.head(Head::Supervised).load(Relaxed) != 0
    }

    pub(crate) fn supervise(&self) {
        self.head(Head::Supervised).store(1, Relaxed);
    }

    /// The process that follows the tree, or 0.
    pub(crate) fn follower(&self) -> &'m AtomicU64 {
        self.head(Head::Follower)
    }

    /// Where the follower sleeps; the word is 0 if it does not.
    #[cfg(not(any(test, feature = "std")))]
    pub(crate) fn sleeps(&self) -> &'m AtomicU64 {
        self.head(Head::Sleeps)
    }

    /// How many children are being made.
    pub(crate) fn births(&self) -> &'m AtomicU64 {
        self.head(Head::Births)
    }

    /// Wakes the follower, if it sleeps.
    pub(crate) fn wake_follower(&self) {
        let sleeps = self.head(Head::Sleeps);
        if sleeps.load(Relaxed) != 0 {
            sleeps.store(0, Relaxed);
            futex::wake(sleeps);
        }
    }

    /// Notes a thread that counts for itself, as there is no block for it.
    pub(crate) fn add_bare_thread(&self) {
        self.head(Head::BareThreads).fetch_add(1, Relaxed);
    }

    /// Notes a process for which there is no record.
    pub(crate) fn add_bare_process(&self) {
        self.head(Head::BareProcesses).fetch_add(1, Relaxed);
    }

    /// Threads and processes for which there was no room.
    pub(crate) fn bare(&self) -> (u64, u64) {
        let word = |word: Head| self.head(word).load(Relaxed);
        (word(Head::BareThreads), word(Head::BareProcesses))
    }
}
