//! Where what lies in the ledger, in words of 64 bits.
//!
//! ```text
//! header      what the hook wants, how many of what there are, the cursors
//! exec hints  which record a process that executes a program has
//! owners      for each block: whose it is
//! records     for each process: who it is and what became of it
//! pool        the rows of processes that have ended
//! blocks      the words of threads; by far the largest part
//! ```
//!
//! The memory is a sparse file: a page exists once it was touched.

/// What a hook wants to have kept for a tree of processes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Shape {
    /// Words of a thread.
    pub(crate) words: usize,
    /// The first of them that are the thread's own: they begin at zero.
    pub(crate) own: usize,
    /// Pairs of counters behind these that are kept for each process.
    pub(crate) rows: usize,
    /// Single counters behind these, kept likewise.
    pub(crate) cells: usize,
}

impl Shape {
    fn kept(&self) -> usize {
        CORE + self.own + 2 * self.rows + self.cells
    }
}

/// The sizes of a ledger's parts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Geometry {
    pub(crate) shape: Shape,
    /// Threads that can be counted at a time.
    pub(crate) blocks: usize,
    /// Processes that the report has one by one.
    pub(crate) listed: usize,
    /// Processes beyond these that can be there at a time.
    pub(crate) unlisted: usize,
    /// Words for the rows of ended processes.
    pub(crate) pool: usize,
}

/// Words that the core has in each block, in front of the hook's.
pub(crate) const CORE: usize = 8;
/// Words of a record.
pub(crate) const RECORD: usize = 48;
/// Words of the header.
pub(super) const HEADER: usize = 64;
/// Exec hints.
pub(super) const HINTS: usize = 256;

/// Two lines of the cache, which the CPU fetches together.
const ALIGN: usize = 16;
/// No ledger has more blocks.
pub(crate) const MOST_BLOCKS: usize = 4096;
const MOST_LISTED: usize = 4096;
/// Bytes of blocks that are enough for anybody.
const MOST_BYTES: usize = 512 << 20;
const FEWEST_BLOCKS: usize = 16;
/// Words of the pool for each process, if it has rows only, and if it has cells too.
const POOL: usize = 64;
const POOL_WITH_CELLS: usize = 256;
/// An entry of the pool has 16 bits for a word's place in its block.
const MOST_KEPT: usize = 1 << 16;

impl Geometry {
    /// The largest ledger of at most `bytes`; None if a useful one would not
    /// fit.
    pub(crate) fn within(shape: Shape, bytes: usize) -> Option<Geometry> {
        let kept = shape.kept();
        if kept > MOST_KEPT || kept > CORE + shape.words {
            return None;
        }
        let mut blocks = MOST_BLOCKS;
        loop {
            let geometry = Geometry {
                shape,
                blocks,
                listed: blocks.min(MOST_LISTED),
                unlisted: blocks,
                pool: blocks * if shape.cells == 0 { POOL } else { POOL_WITH_CELLS },
            };
            if geometry.len() * 8 <= bytes && blocks * geometry.stride() * 8 <= MOST_BYTES {
                return Some(geometry);
            }
            blocks /= 2;
            if blocks < FEWEST_BLOCKS {
                return None;
            }
        }
    }

    /// Words of a block of which a base is kept: the core's, the thread's own,
    /// the rows and the cells.
    pub(super) fn kept(&self) -> usize {
        self.shape.kept()
    }

    pub(super) fn hint(&self, pid: u32) -> usize {
        HEADER + pid as usize % HINTS
    }

    pub(super) fn owner(&self, block: usize) -> usize {
        HEADER + HINTS + block
    }

    pub(super) fn record(&self, record: usize) -> usize {
        self.owner(self.blocks).next_multiple_of(ALIGN) + record * RECORD
    }

    pub(super) fn records(&self) -> usize {
        self.listed + self.unlisted
    }

    pub(super) fn pool_at(&self, word: usize) -> usize {
        self.record(self.records()) + word
    }

    fn core_offset(&self) -> usize {
        self.kept().next_multiple_of(ALIGN)
    }

    fn stride(&self) -> usize {
        (self.core_offset() + CORE + self.shape.words).next_multiple_of(ALIGN)
    }

    /// The block's words as they were when it was last accounted for.
    pub(super) fn base(&self, block: usize) -> usize {
        self.pool_at(self.pool).next_multiple_of(ALIGN) + block * self.stride()
    }

    /// The block's words: the core's, then the hook's.
    pub(super) fn core(&self, block: usize) -> usize {
        self.base(block) + self.core_offset()
    }

    /// Words of the whole ledger: whole pages.
    pub(crate) fn len(&self) -> usize {
        self.base(self.blocks).next_multiple_of(512)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape {
        words: 1027,
        own: 1,
        rows: 513,
        cells: 0,
    };

    #[test]
    fn parts_follow_each_other_and_blocks_share_no_line() {
        let geometry = Geometry::within(SHAPE, usize::MAX).unwrap();
        assert_eq!(geometry.blocks, MOST_BLOCKS);
        assert!(geometry.owner(geometry.blocks) <= geometry.record(0));
        assert_eq!(geometry.record(geometry.records()), geometry.pool_at(0));
        assert!(geometry.pool_at(geometry.pool) <= geometry.base(0));
        for block in [0, 1, 77] {
            assert!(geometry.base(block) + geometry.kept() <= geometry.core(block));
            assert!(geometry.core(block) + CORE + SHAPE.words <= geometry.base(block + 1));
            assert!(geometry.core(block).is_multiple_of(ALIGN) && geometry.base(block).is_multiple_of(ALIGN));
        }
        assert!(geometry.base(geometry.blocks) <= geometry.len());
    }

    #[test]
    fn it_fits_or_there_is_none() {
        for bytes in [0, 100_000, 1 << 20, 4 << 20, 64 << 20, 1 << 40] {
            match Geometry::within(SHAPE, bytes) {
                Some(geometry) => assert!(geometry.len() * 8 <= bytes),
                None => assert!(bytes < 1 << 20),
            }
        }
        let large = Shape { words: 70_000, ..SHAPE };
        let geometry = Geometry::within(large, usize::MAX).unwrap();
        assert!(geometry.len() * 8 < MOST_BYTES + (64 << 20));
        assert_eq!(Geometry::within(Shape { rows: 40_000, ..large }, usize::MAX), None);
        assert_eq!(Geometry::within(Shape { rows: 514, ..SHAPE }, usize::MAX), None);
        assert_eq!(Geometry::within(Shape { cells: 1, ..SHAPE }, usize::MAX), None);
    }
}
