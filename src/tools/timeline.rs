//! When calls were made: counts on a scale of time that grows coarser.
//!
//! Time runs from the start of the tree. The first 2²² ticks (about 1.4 ms at
//! 3 GHz) are 64 cells of one width, and each power of two from there on is 64
//! cells again, up to 2⁴⁸ ticks (about a day); what comes later goes to the
//! last cell. So a cell is a 64th of its time at most, and whatever the length
//! of a run, 64 to 128 steps of one width show it. Cells never change their
//! meaning: they can be sums over threads, and a process's share of them a
//! difference, as all other counters are.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::clock;

/// Cells of a power of two, as a power of two.
const SUB_BITS: u32 = 6;
/// Up to this power of two cells have one width.
const FIRST_OCTAVE: u32 = 22;
const LAST_OCTAVE: u32 = 47;

/// The number of cells.
pub(super) const CELLS: usize = ((LAST_OCTAVE - FIRST_OCTAVE + 2) << SUB_BITS) as usize;

/// Where time begins, as the time stamp counter has it; the same in all
/// processes of the tree.
static ORIGIN: AtomicU64 = AtomicU64::new(0);

/// Time begins. Called once, before the tree file is made.
pub(crate) fn begin() {
    ORIGIN.store(clock::ticks(), Relaxed);
}

/// The time since the beginning at which the counter had this value. The
/// counters of two CPUs may differ: never below zero.
#[inline]
pub(super) fn since(ticks: u64) -> u64 {
    ticks.saturating_sub(ORIGIN.load(Relaxed))
}

/// The cell of a time since the beginning, below [`CELLS`].
#[inline]
pub(super) fn cell_of(time: u64) -> usize {
    let octave = time.max(1 << (FIRST_OCTAVE - 1)).ilog2();
    // The first octave's cells are as wide as those of all that is before it.
    let above = octave.saturating_sub(FIRST_OCTAVE - 1);
    let width = FIRST_OCTAVE - SUB_BITS + above.saturating_sub(1);
    let within = (time >> width) as usize & ((1 << SUB_BITS) - 1);
    (((above as usize) << SUB_BITS) | within).min(CELLS - 1)
}

/// Where a cell begins and ends, in ticks since the beginning.
pub(super) fn bounds(cell: usize) -> (u64, u64) {
    let above = (cell >> SUB_BITS) as u32;
    let within = cell as u64 & ((1 << SUB_BITS) - 1);
    let width = FIRST_OCTAVE - SUB_BITS + above.saturating_sub(1);
    let first = if above == 0 { 0 } else { 1 << SUB_BITS };
    ((first + within) << width, (first + within + 1) << width)
}

/// What is counted for each cell: calls of a kind, and failed ones of any.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub(super) enum Series {
    Files,
    Memory,
    Network,
    Processes,
    Signals,
    Waiting,
    Other,
    Errors,
}

impl Series {
    pub(super) const COUNT: usize = 8;
    pub(super) const NAMES: [&'static str; Self::COUNT] = [
        "files",
        "memory",
        "network",
        "processes",
        "signals",
        "waiting",
        "other",
        "errors",
    ];

    /// The kind of a call, by its row.
    #[inline]
    pub(super) fn of(row: usize) -> Series {
        KINDS.get(row).copied().unwrap_or(Series::Other)
    }
}

/// The kind of each number.
static KINDS: [Series; 512] = {
    let mut kinds = [Series::Other; 512];
    let mut range = 0;
    while range < RANGES.len() {
        let (first, last, kind) = RANGES[range];
        let mut number = first;
        while number <= last {
            kinds[number] = kind;
            number += 1;
        }
        range += 1;
    }
    kinds
};

/// Kinds of numbers, from and to; a later line counts.
#[rustfmt::skip]
const RANGES: [(usize, usize, Series); 62] = {
    use Series::{Files, Memory, Network, Processes, Signals, Waiting};
    [
        (0, 6, Files), (7, 7, Waiting), (8, 8, Files), (9, 12, Memory), (13, 15, Signals), (16, 22, Files),
        (23, 24, Waiting), (25, 31, Memory), (32, 33, Files), (34, 35, Waiting), (37, 37, Signals), (40, 40, Files),
        (41, 55, Network), (56, 60, Processes), (61, 61, Waiting), (62, 62, Signals), (65, 65, Waiting), (67, 67, Memory),
        (72, 94, Files), (101, 101, Processes), (109, 112, Processes), (127, 131, Signals), (132, 133, Files),
        (137, 138, Files), (149, 152, Memory), (157, 158, Processes), (161, 162, Files), (165, 166, Files),
        (187, 199, Files), (200, 200, Signals), (202, 202, Waiting), (208, 208, Waiting), (213, 213, Waiting),
        (217, 217, Files), (218, 218, Processes), (219, 220, Waiting), (221, 221, Files), (230, 230, Waiting),
        (231, 231, Processes), (232, 233, Waiting), (234, 234, Signals), (235, 235, Files), (237, 239, Memory),
        (247, 247, Waiting), (253, 255, Files), (257, 269, Files), (270, 271, Waiting), (273, 274, Processes),
        (275, 278, Files), (280, 280, Files), (281, 281, Waiting), (285, 285, Files), (288, 288, Network),
        (292, 296, Files), (299, 299, Network), (307, 307, Network), (316, 316, Files), (319, 319, Memory),
        (326, 328, Files), (332, 332, Files), (435, 435, Processes), (436, 441, Files),
    ]
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_meet_without_gap_or_overlap() {
        assert_eq!(bounds(0).0, 0);
        for cell in 0..CELLS {
            let (from, to) = bounds(cell);
            assert_eq!((cell_of(from), cell_of(to - 1)), (cell, cell));
            if cell + 1 < CELLS {
                assert_eq!(bounds(cell + 1).0, to);
            }
        }
        assert_eq!(bounds(CELLS - 1).1, 1 << (LAST_OCTAVE + 1));
        assert_eq!(cell_of(u64::MAX), CELLS - 1);
    }

    #[test]
    fn a_cell_is_a_64th_of_its_time_at_most() {
        for cell in 64..CELLS {
            let (from, to) = bounds(cell);
            assert!((to - from) * 64 <= from);
        }
    }

    #[test]
    fn kinds_are_as_the_names_say() {
        let kind = |name: &str| {
            let number = (0..512).find(|&number| super::super::layout::name(number) == Some(name));
            Series::of(number.unwrap())
        };
        for (series, names) in [
            (
                Series::Files,
                &["read", "openat", "close", "statx", "getdents64", "fcntl"][..],
            ),
            (Series::Memory, &["mmap", "brk", "mprotect", "memfd_create"]),
            (Series::Network, &["socket", "accept4", "sendmmsg"]),
            (Series::Processes, &["clone3", "execve", "exit_group", "fork"]),
            (Series::Signals, &["rt_sigaction", "tgkill", "kill"]),
            (
                Series::Waiting,
                &["futex", "wait4", "poll", "epoll_wait", "clock_nanosleep"],
            ),
            (Series::Other, &["getpid", "ioperm", "uname"]),
        ] {
            for name in names {
                assert_eq!(kind(name), series, "{name}");
            }
        }
        assert_eq!([512, 600, usize::MAX].map(Series::of), [Series::Other; 3]);
    }
}
