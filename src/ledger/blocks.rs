//! Blocks: taking one, and what is in it.
//!
//! There is no list of free blocks: the word that says whose a block is also
//! says that it is nobody's. A hint leads to one that is free as a rule.

use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use super::{CORE, Head, Ledger};

/// Owner of a block that is nobody's.
const FREE: u64 = 0;
/// Set in an owner: the base is older than the last process that had the block.
const STALE: u64 = 1;

fn owner_word(record: usize) -> u64 {
    (record as u64 + 1) << 1
}

impl<'m> Ledger<'m> {
    fn owner(&self, block: usize) -> &'m AtomicU64 {
        self.at(self.geometry.owner(block))
    }

    fn blocks_top(&self) -> usize {
        (self.head(Head::BlocksTop).load(Relaxed) as usize).min(self.geometry.blocks)
    }

    /// A free block for a thread of the process with this record. The thread's
    /// own words are zero, all others are as the last thread left them.
    pub(crate) fn take_block(&self, record: usize) -> Option<usize> {
        let top = self.blocks_top();
        let hint = self.head(Head::FreeBlock).load(Relaxed) as usize;
        let used = (hint..top).chain(0..top.min(hint));
        let block = used
            .chain(top..self.geometry.blocks)
            .find(|&block| self.claim_block(block, record))?;
        if block >= top {
            self.head(Head::BlocksTop).fetch_max(block as u64 + 1, Relaxed);
        }
        self.head(Head::FreeBlock).store(block as u64 + 1, Relaxed);
        self.begin_thread(block);
        Some(block)
    }

    /// The words that are a thread's own begin at zero.
    pub(crate) fn begin_thread(&self, block: usize) {
        let (_, words) = self.block(block);
        for word in words.iter().take(self.geometry.shape.own) {
            word.store(0, Relaxed);
        }
    }

    fn claim_block(&self, block: usize, record: usize) -> bool {
        let owner = self.owner(block);
        let before = owner.load(Relaxed);
        if before & !STALE != FREE {
            return false;
        }
        let own = owner_word(record);
        if owner.compare_exchange(before, own | before, Acquire, Relaxed).is_err() {
            return false;
        }
        if before & STALE != 0 && self.is_listed(record) {
            self.rebase(block);
            owner.store(own, Release);
        }
        true
    }

    /// Gives a block back whose base is as the block is, or is `stale`.
    pub(super) fn free_block(&self, block: usize, stale: bool) {
        self.owner(block).store(if stale { STALE } else { FREE }, Release);
        self.head(Head::FreeBlock).store(block as u64, Relaxed);
    }

    /// The blocks that a process has.
    pub(crate) fn blocks_of(&self, record: usize) -> impl Iterator<Item = usize> {
        let own = owner_word(record);
        (0..self.blocks_top()).filter(move |&block| self.owner(block).load(Acquire) & !STALE == own)
    }

    /// Whether `block` is one of `record`'s.
    #[cfg(test)]
    pub(crate) fn owns(&self, record: usize, block: usize) -> bool {
        self.owner(block).load(Acquire) & !STALE == owner_word(record)
    }

    /// The words of a block: the core's, and the hook's.
    pub(crate) fn block(&self, block: usize) -> (&'m [AtomicU64], &'m [AtomicU64]) {
        let core = self.geometry.core(block);
        let hook = core + CORE;
        (
            self.memory.get(core..hook).unwrap_or(&[]),
            self.memory.get(hook..hook + self.geometry.shape.words).unwrap_or(&[]),
        )
    }

    /// All blocks that ever were anybody's: the sum over them is the tree's.
    pub(crate) fn for_each_block(&self, mut visit: impl FnMut(&'m [AtomicU64], &'m [AtomicU64])) {
        for block in 0..self.blocks_top() {
            let (core, hook) = self.block(block);
            visit(core, hook);
        }
    }

    /// The kept words of a block, and their bases.
    fn kept(&self, block: usize) -> (&'m [AtomicU64], &'m [AtomicU64]) {
        let len = self.geometry.kept();
        let part = |at: usize| self.memory.get(at..at + len).unwrap_or(&[]);
        (part(self.geometry.core(block)), part(self.geometry.base(block)))
    }

    /// Accounts for all that is in the block.
    pub(super) fn rebase(&self, block: usize) {
        let (words, bases) = self.kept(block);
        for (word, base) in words.iter().zip(bases) {
            let (word, before) = (word.load(Relaxed), base.load(Relaxed));
            if word != before {
                base.store(word, Relaxed);
            }
        }
    }

    /// What was added to a process's block since it has it: calls `visit` with
    /// the place of each word that has changed and by how much.
    pub(super) fn changes(&self, block: usize, mut visit: impl FnMut(usize, u64)) {
        if self.owner(block).load(Acquire) & STALE != 0 {
            return;
        }
        let (words, bases) = self.kept(block);
        let own = CORE..CORE + self.geometry.shape.own;
        for (index, (word, base)) in words.iter().zip(bases).enumerate() {
            let change = word.load(Relaxed).wrapping_sub(base.load(Relaxed));
            if change != 0 && !own.contains(&index) {
                visit(index, change);
            }
        }
    }

    /// Takes words of the pool for good. None: it is used up.
    pub(super) fn take_pool(&self, len: usize) -> Option<usize> {
        let used = self.head(Head::PoolUsed);
        let fits = |used: u64| Some(used + len as u64).filter(|&end| end <= self.geometry.pool as u64);
        used.fetch_update(AcqRel, Relaxed, fits)
            .ok()
            .map(|start| start as usize)
    }
}
