//! Where a call comes from: which file its site is mapped from, and where in it.
//!
//! The thread that makes the call finds that out, since mappings change. It keeps
//! in its words what it has learnt of them, until somebody in the process maps
//! something else where code was. A file is told once, by a record of its own; a
//! call then names it by a number. Names of functions are the follower's business
//! ([`symbols`](super::symbols)).

use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::ring::{Kind, Record, Ring, Who};
use super::text::Text;
use crate::rewrite::maps;
use crate::tools::clock::ticks;

/// Begins a frame in a record's text, behind all else.
const FRAME: u8 = 3;

/// A place in a file. Where there is no file its number is 0, and this is an
/// address.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Frame {
    pub(super) file: u64,
    pub(super) offset: u64,
}

/// What is known of a mapping.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Mapping {
    pub(super) start: u64,
    pub(super) end: u64,
    /// What an address is more than its offset in the file.
    pub(super) bias: u64,
    pub(super) file: u64,
}

impl Mapping {
    fn frame(&self, address: u64) -> Frame {
        Frame {
            file: self.file,
            offset: address.wrapping_sub(self.bias),
        }
    }

    fn holds(&self, address: u64) -> bool {
        (self.start..self.end).contains(&address)
    }
}

/// How often mappings that somebody may know of have changed in this process, and 1.
static GENERATION: AtomicU64 = AtomicU64::new(1);
/// Mappings that somebody may know of: start and end. Where there is no room for one
/// more, every change counts.
static KNOWN: [[AtomicU64; 2]; 64] = [const { [const { AtomicU64::new(0) }; 2] }; 64];

/// Calls that may map something else where code was.
pub(super) const CHANGING: [i64; 5] = [
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_shmat,
    libc::SYS_shmdt,
];

/// Whether the call does so.
pub(super) fn changes(number: u32, args: &[u64; 6]) -> bool {
    match i64::from(number) {
        libc::SYS_mmap => args[3] & libc::MAP_FIXED as u64 != 0,
        libc::SYS_shmat => args[2] & libc::SHM_REMAP as u64 != 0,
        libc::SYS_munmap | libc::SYS_mremap | libc::SYS_shmdt => true,
        _ => false,
    }
}

/// Such a call has been made.
pub(super) fn changed(number: u32, args: &[u64; 6], result: i64) {
    let ranges = match i64::from(number) {
        libc::SYS_mmap | libc::SYS_munmap => [(args[0], args[1]), (0, 0)],
        libc::SYS_mremap => [(args[0], args[1]), (result as u64, args[2])],
        _ => [(0, u64::MAX), (0, 0)],
    };
    if ranges
        .into_iter()
        .any(|(start, len)| is_known(start, start.saturating_add(len)))
    {
        GENERATION.fetch_add(1, Release);
    }
}

/// Whether somebody may know of a part of it.
fn is_known(from: u64, to: u64) -> bool {
    let free = KNOWN.iter().all(|[start, end]| {
        let (start, end) = (start.load(Acquire), end.load(Acquire));
        // Behind the last one there is nothing; one may be being written.
        start == 0 || end != 0 && (to <= start || end <= from)
    });
    from < to && (!free || KNOWN.last().is_some_and(|[start, _]| start.load(Relaxed) != 0))
}

fn note(mapping: &Mapping) {
    for [start, end] in &KNOWN {
        let taken = start.compare_exchange(0, mapping.start, Release, Acquire);
        match taken {
            Ok(_) => return end.store(mapping.end, Release),
            Err(other) if other == mapping.start && end.load(Acquire) == mapping.end => return,
            Err(_) => {}
        }
    }
}

/// The place of an address. What is told of its file comes before the next record.
pub(super) fn find(ring: &Ring<'_>, who: Who, address: u64) -> Frame {
    let generation = GENERATION.load(Acquire);
    if ring.generation() != generation {
        ring.forget_mappings(generation);
    }
    if let Some(mapping) = ring.mappings().find(|mapping| mapping.holds(address)) {
        return mapping.frame(address);
    }
    let mut found = None;
    maps::describe(address, |vma, name| {
        // Only of files, and of what the kernel has put there, is the offset one.
        let named = name.starts_with(b"/") || name == b"[vdso]" || name == b"[vsyscall]";
        let mapping = Mapping {
            start: vma.start,
            end: vma.end,
            bias: if named { vma.start.wrapping_sub(vma.offset) } else { 0 },
            file: if named {
                identity(vma.device, vma.inode, name)
            } else {
                0
            },
        };
        if named {
            let record = Record {
                since: mapping.file,
                result: vma.inode.cast_signed(),
                ..Record::bare(Kind::File, who, ticks())
            };
            let (major, minor) = vma.device;
            ring.put(record, |text| {
                text.bare_hex(libc::makedev(major, minor));
                text.byte(b' ');
                text.bytes(name);
            });
        }
        found = Some(mapping);
    });
    let Some(mapping) = found else {
        return Frame {
            file: 0,
            offset: address,
        };
    };
    note(&mapping);
    ring.add_mapping(&mapping);
    mapping.frame(address)
}

/// A number for a file that is known by this name: FNV-1a, and never 0.
fn identity((major, minor): (u32, u32), inode: u64, name: &[u8]) -> u64 {
    let numbers = [u64::from(major), u64::from(minor), inode];
    let bytes = numbers
        .into_iter()
        .flat_map(u64::to_ne_bytes)
        .chain(name.iter().copied());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    hash | 1
}

/// Writes a frame behind a record's text.
pub(super) fn write(text: &mut Text<'_>, frame: Frame) {
    text.byte(FRAME);
    text.bare_hex(frame.file);
    text.byte(b'+');
    text.bare_hex(frame.offset);
}

/// A record's text, and the frames behind it.
pub(super) fn split(text: &[u8]) -> (&[u8], &[u8]) {
    let at = text.iter().position(|&byte| byte == FRAME).unwrap_or(text.len());
    text.split_at_checked(at).unwrap_or((text, &[]))
}

/// The frames that were split off.
pub(super) fn list(frames: &[u8]) -> impl Iterator<Item = Frame> {
    let number = |digits| u64::from_str_radix(core::str::from_utf8(digits).ok()?, 16).ok();
    frames.split(|&byte| byte == FRAME).filter_map(move |frame| {
        let mut parts = frame.split(|&byte| byte == b'+');
        Some(Frame {
            file: number(parts.next()?)?,
            offset: number(parts.next()?)?,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::ring::tests::words;
    use super::*;
    use crate::tools::trace::text::tests::written;

    #[test]
    fn frames_are_read_as_they_were_written() {
        let frames = [(0xfeed_0000_0000_0001, 0x14), (0, u64::MAX)].map(|(file, offset)| Frame { file, offset });
        let text = written(|text| {
            text.str("3, \"a+b\"");
            frames.into_iter().for_each(|frame| write(text, frame));
        });
        let (args, rest) = split(text.as_bytes());
        assert_eq!(args, b"3, \"a+b\"");
        assert!(list(rest).eq(frames));
        assert_eq!(split(b"none"), (&b"none"[..], &b""[..]));
        assert_eq!(list(b"").count(), 0);
    }

    #[test]
    fn a_file_is_told_once_until_mappings_change() {
        let words = words();
        let ring = Ring::of(&words).unwrap();
        let who = Who { tid: 1, pid: 1 };
        let told = || (ring.range().1, find(&ring, who, find as *const () as u64));
        let (before, first) = told();
        let (once, second) = told();
        assert!(first == second && first.file != 0 && before == 0 && once > 0);
        assert_eq!(told(), (once, first));
        // Elsewhere, and there.
        changed(libc::SYS_munmap as u32, &[8, 8, 0, 0, 0, 0], 0);
        assert_eq!(told().0, once);
        changed(libc::SYS_munmap as u32, &[find as *const () as u64, 8, 0, 0, 0, 0], 0);
        told();
        assert!(ring.range().1 > once);
        assert!(!changes(libc::SYS_mmap as u32, &[0; 6]) && changes(libc::SYS_mremap as u32, &[0; 6]));
    }
}
