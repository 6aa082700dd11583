//! The functions around a site in a module without `.eh_frame_hdr`, as static
//! programs are: from `.eh_frame` itself, read from its start to its end, whose
//! place only the section headers in the module's file tell.
//!
//! Sources: the System V gABI (section headers), the Linux Standard Base Core
//! specification, chapter "Exception Frames".

use super::eh_frame::{Function, Memory, parse_fde};

/// Where the `.eh_frame` of a module lies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Section {
    /// The address of its first byte.
    pub start: u64,
    /// The address behind its last one.
    pub end: u64,
}

/// A file that can be read at any place.
pub trait File {
    /// Fills `out` with the bytes at `offset`. False when there are not as many.
    fn read(&self, offset: u64, out: &mut [u8]) -> bool;
}

/// More section headers than those of such programs; bounds the loop.
const MAX_SECTIONS: u16 = 256;
const HEADER_SIZE: u16 = 64;
/// The size of an ELF header.
pub const ELF_HEADER: usize = 64;
const SHT_PROGBITS: u32 = 1;
/// `SHT_X86_64_UNWIND`.
const SHT_UNWIND: u32 = 0x7000_0001;
const SHF_ALLOC: u64 = 2;
const NAME: [u8; 10] = *b".eh_frame\0";
const ET_EXEC: u16 = 2;

/// The `.eh_frame` of a program that lies where its file says. `mapped` is the ELF
/// header in memory: another file may be at the program's path by now.
pub fn section_of(file: &impl File, mapped: &[u8; ELF_HEADER]) -> Option<Section> {
    let header = fetch(file, 0).filter(|header| header == mapped)?;
    let u16_at = |at: usize| header.get(at..)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes));
    let u64_at = |at: usize| header.get(at..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
    if !header.starts_with(b"\x7fELF\x02\x01") || u16_at(16)? != ET_EXEC || u16_at(58)? != HEADER_SIZE {
        return None;
    }
    let table = u64_at(40)?;
    let count = u16_at(60)?.min(MAX_SECTIONS);
    let header_at = |index: u16| {
        let offset = u64::from(index).checked_mul(HEADER_SIZE.into())?;
        SectionHeader::read(file, table.checked_add(offset)?)
    };
    let names = header_at(u16_at(62)?)?;
    (0..count).filter_map(header_at).find_map(|section| {
        let is_kept = matches!(section.kind, SHT_PROGBITS | SHT_UNWIND) && section.flags & SHF_ALLOC != 0;
        let name = names.offset.checked_add(section.name.into())?;
        (is_kept && fetch(file, name) == Some(NAME)).then_some(Section {
            start: section.address,
            end: section.address.checked_add(section.size)?,
        })
    })
}

/// What is needed of an `Elf64_Shdr`.
struct SectionHeader {
    name: u32,
    kind: u32,
    flags: u64,
    address: u64,
    offset: u64,
    size: u64,
}

impl SectionHeader {
    fn read(file: &impl File, at: u64) -> Option<SectionHeader> {
        let [first, flags, address, offset, size]: [u64; 5] = {
            let bytes: [u8; 40] = fetch(file, at)?;
            let mut words = [0; 5];
            for (word, part) in words.iter_mut().zip(bytes.chunks_exact(8)) {
                *word = u64::from_le_bytes(*part.first_chunk()?);
            }
            words
        };
        Some(SectionHeader {
            name: first as u32,
            kind: first.checked_shr(32)? as u32,
            flags,
            address,
            offset,
            size,
        })
    }
}

fn fetch<const N: usize>(file: &impl File, offset: u64) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    file.read(offset, &mut bytes).then_some(bytes)
}

/// How far from a site functions are told.
const AROUND: u64 = 1024;
/// How many there can be.
const MOST: usize = 64;

/// The functions near a site.
pub struct Window {
    functions: [Function; MOST],
    count: usize,
}

impl Window {
    /// Those within a kilobyte of `site`. None where there are too many, or where
    /// the section does not end as it should.
    pub fn around(memory: &impl Memory, section: Section, site: u64) -> Option<Window> {
        let mut window = Window {
            functions: [Function::alone(0, 0); MOST],
            count: 0,
        };
        let (from, to) = (site.saturating_sub(AROUND), site.saturating_add(AROUND));
        let mut at = section.start;
        while at < section.end {
            let mut length = [0; 4];
            if !memory.read(at, &mut length) {
                return None;
            }
            // 0 ends the section; the 64-bit format is not used.
            let length = match u32::from_le_bytes(length) {
                0 => break,
                u32::MAX => return None,
                length => length,
            };
            if let Some(function) = parse_fde(memory, at)
                && function.start <= to
                && function.end >= from
            {
                *window.functions.get_mut(window.count)? = function;
                window.count = window.count.checked_add(1)?;
            }
            at = at.checked_add(4)?.checked_add(length.into())?;
        }
        window.close();
        Some(window)
    }

    /// Sorts the functions and tells each its neighbours.
    fn close(&mut self) {
        let functions = self.functions.get_mut(..self.count).unwrap_or_default();
        functions.sort_unstable_by_key(|function| function.start);
        let mut before = None;
        for function in functions.iter_mut() {
            function.prev_start = before.unwrap_or(function.start);
            before = Some(function.start);
        }
        let mut behind = None;
        for function in functions.iter_mut().rev() {
            function.next = behind.unwrap_or(function.end).max(function.end);
            behind = Some(function.start);
        }
    }

    /// The function around `address`, as far as it lies in the window.
    pub fn at(&self, address: u64) -> Option<Function> {
        let functions = self.functions.get(..self.count)?;
        functions.iter().copied().find(|function| function.contains(address))
    }
}
