//! Which function an address lies in, by the symbols of the file that it is mapped from.
//!
//! Everything is read in small pieces into the stack: the file may be of any size, be cut
//! while we read, or be no ELF file at all.

use core::ops::Range;

use crate::abi::elf::{PF_X, PROGRAM_HEADER_SIZE, PT_LOAD};

/// Fills a buffer with what lies there in the file; false: there is not so much.
pub(super) type Read<'a> = &'a mut dyn FnMut(u64, &mut [u8]) -> bool;

/// `SHT_SYMTAB` and `SHT_DYNSYM`: the first has all, if the file has not been stripped.
const TABLES: [u32; 2] = [2, 11];
const STT_NOTYPE: u8 = 0;
const STT_FUNC: u8 = 2;
const STT_GNU_IFUNC: u8 = 10;
const STB_LOCAL: u8 = 0;

/// Sizes of `Elf64_Ehdr`, `Elf64_Shdr` and `Elf64_Sym`.
const HEADER: usize = 64;
const SECTION: usize = 64;
const SYMBOL: usize = 24;
/// Symbols that are read at once.
const AT_ONCE: usize = 128;

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes
        .get(at..at + 2)
        .and_then(|part| part.try_into().ok())
        .map_or(0, u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes
        .get(at..at + 4)
        .and_then(|part| part.try_into().ok())
        .map_or(0, u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes
        .get(at..at + 8)
        .and_then(|part| part.try_into().ok())
        .map_or(0, u64::from_le_bytes)
}

/// A symbol that an address lies behind.
#[derive(Clone, Copy)]
struct Found {
    value: u64,
    size: u64,
    is_local: bool,
    /// Where in the file its name begins.
    name: u64,
}

impl Found {
    fn is_better_than(&self, other: &Found) -> bool {
        // One that holds the address is better than a label somewhere before it.
        let key = |found: &Found| (found.size != 0, found.value, !found.is_local);
        key(self) > key(other)
    }
}

/// Shows the name of the function at an offset of the file, in pieces, and returns how far
/// behind its start the offset is.
pub(super) fn find(read: Read<'_>, offset: u64, show: &mut dyn FnMut(&[u8])) -> Option<u64> {
    let mut header = [0; HEADER];
    let good = read(0, &mut header) && header.starts_with(b"\x7fELF\x02\x01");
    let (address, segment) = good.then(|| locate(read, &header, offset))??;
    let found = TABLES.into_iter().find_map(|kind| {
        let (symbols, names) = table(read, &header, kind)?;
        search(read, &symbols, &names, address, &segment)
    })?;
    name(read, found.name, show).then_some(address - found.value)
}

/// The address that the file wants the offset at, and the segment that it lies in.
fn locate(read: Read<'_>, header: &[u8], offset: u64) -> Option<(u64, Range<u64>)> {
    let mut best = None;
    for index in 0..u64::from(u16_at(header, 56)) {
        let mut entry = [0; PROGRAM_HEADER_SIZE];
        if !read(
            u64_at(header, 32).checked_add(index * PROGRAM_HEADER_SIZE as u64)?,
            &mut entry,
        ) {
            break;
        }
        let [begins, address, size] = [8, 16, 32].map(|at| u64_at(&entry, at));
        let inside = offset.checked_sub(begins).filter(|&inside| inside < size);
        if u32_at(&entry, 0) == PT_LOAD
            && let Some(inside) = inside
        {
            best = Some((address.wrapping_add(inside), address..address.wrapping_add(size)));
            if u32_at(&entry, 4) & PF_X != 0 {
                break;
            }
        }
    }
    best
}

/// Where symbols of a kind, and their names, lie in the file.
fn table(read: Read<'_>, header: &[u8], kind: u32) -> Option<(Range<u64>, Range<u64>)> {
    let mut section = [0; SECTION];
    let mut get = |index: u64, section: &mut [u8]| -> Option<Range<u64>> {
        let at = u64_at(header, 40).checked_add(index * SECTION as u64)?;
        read(at, section).then_some(())?;
        let begins = u64_at(section, 24);
        Some(begins..begins.checked_add(u64_at(section, 32))?)
    };
    for index in 0..u64::from(u16_at(header, 60)) {
        let symbols = get(index, &mut section)?;
        if u32_at(&section, 4) == kind {
            let names = get(u32_at(&section, 40).into(), &mut section)?;
            return Some((symbols, names));
        }
    }
    None
}

fn search(
    read: Read<'_>,
    symbols: &Range<u64>,
    names: &Range<u64>,
    address: u64,
    segment: &Range<u64>,
) -> Option<Found> {
    let mut best: Option<Found> = None;
    let mut at = symbols.start;
    while at < symbols.end {
        let mut bytes = [0; AT_ONCE * SYMBOL];
        let some = (symbols.end - at).min(bytes.len() as u64) as usize / SYMBOL * SYMBOL;
        let some = bytes.get_mut(..some).filter(|some| !some.is_empty())?;
        if !read(at, some) {
            break;
        }
        at += some.len() as u64;
        for symbol in some.chunks_exact(SYMBOL) {
            let info = u16_at(symbol, 4) as u8;
            let found = Found {
                value: u64_at(symbol, 8),
                size: u64_at(symbol, 16),
                is_local: info >> 4 == STB_LOCAL,
                name: names.start.saturating_add(u32_at(symbol, 0).into()),
            };
            let holds = address
                .checked_sub(found.value)
                .is_some_and(|inside| found.size == 0 || inside < found.size);
            if holds
                && matches!(info & 15, STT_NOTYPE | STT_FUNC | STT_GNU_IFUNC)
                && u16_at(symbol, 6) != 0
                && segment.contains(&found.value)
                && names.contains(&found.name)
                && best.is_none_or(|best| found.is_better_than(&best))
            {
                best = Some(found);
            }
        }
    }
    best
}

/// Shows the name that begins there; false: there is none.
fn name(read: Read<'_>, at: u64, show: &mut dyn FnMut(&[u8])) -> bool {
    // The longest that C++ and Rust make are some thousand characters long.
    for index in 0..4096 {
        let mut byte = [0];
        if !read(at + index, &mut byte) || byte == [0] {
            return index > 0;
        }
        show(&byte);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(file: &[u8], offset: u64) -> Option<(String, u64)> {
        let mut name = Vec::new();
        let mut read = |at: u64, out: &mut [u8]| {
            let part = usize::try_from(at)
                .ok()
                .and_then(|at| file.get(at..at.checked_add(out.len())?));
            part.is_some_and(|part| {
                out.copy_from_slice(part);
                true
            })
        };
        let behind = find(&mut read, offset, &mut |part| name.extend_from_slice(part))?;
        Some((String::from_utf8_lossy(&name).into_owned(), behind))
    }

    /// One segment, from 0x1000 on at 0x401000, and these symbols: name, type and binding, value, size.
    fn file(kind: u32, symbols: &[(&str, u8, u64, u64)]) -> Vec<u8> {
        let mut file = vec![0; 0x2000];
        let mut put = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, b"\x7fELF\x02\x01\x01");
        for (at, value) in [
            (32, 64u64),
            (40, 0x100),
            (64 + 8, 0x1000),
            (64 + 16, 0x40_1000),
            (64 + 32, 0x800),
        ] {
            put(at, &value.to_le_bytes());
        }
        for (at, value) in [(56, 1u16), (60, 3), (64, 1), (68, 5)] {
            put(at, &value.to_le_bytes());
        }
        let mut names = vec![0];
        for (index, &(name, info, value, size)) in symbols.iter().enumerate() {
            let at = 0x400 + index * SYMBOL;
            put(at, &(names.len() as u32).to_le_bytes());
            put(at + 4, &[info, 0, 1, 0]);
            put(at + 8, &value.to_le_bytes());
            put(at + 16, &size.to_le_bytes());
            names.extend_from_slice(name.as_bytes());
            names.push(0);
        }
        put(0x800, &names);
        let section = |link: u32, kind: u32, begins: u64, size: u64| {
            let mut section = [0; SECTION];
            section[4..8].copy_from_slice(&kind.to_le_bytes());
            section[24..32].copy_from_slice(&begins.to_le_bytes());
            section[32..40].copy_from_slice(&size.to_le_bytes());
            section[40..44].copy_from_slice(&link.to_le_bytes());
            section
        };
        put(0x140, &section(2, kind, 0x400, (symbols.len() * SYMBOL) as u64));
        put(0x180, &section(0, 3, 0x800, names.len() as u64));
        file
    }

    const SYMBOLS: [(&str, u8, u64, u64); 7] = [
        ("label", 0, 0x40_1100, 0),
        ("_first", 2, 0x40_1000, 0x80),
        ("first", 0x12, 0x40_1000, 0x80),
        ("data", 0x11, 0x40_1020, 8),
        ("far", 0x12, 0x50_0000, 8),
        ("second", 0x12, 0x40_1100, 0x20),
        ("inner", 0x22, 0x40_1108, 8),
    ];

    #[test]
    fn the_function_around_an_offset_is_found() {
        for kind in TABLES {
            let file = file(kind, &SYMBOLS);
            let named = |offset| found(&file, offset);
            let some = |name: &str, behind| Some((name.to_owned(), behind));
            assert_eq!(named(0x1000), some("first", 0));
            assert_eq!(named(0x107f), some("first", 0x7f));
            assert_eq!(named(0x1080), None);
            assert_eq!(named(0x1107), some("second", 7));
            assert_eq!(named(0x110b), some("inner", 3));
            assert_eq!(named(0x1130), some("label", 0x30));
            assert_eq!(named(0x1800), None);
            assert_eq!(named(0xfff), None);
        }
        assert_eq!(found(&file(3, &SYMBOLS), 0x1000), None);
    }

    #[test]
    fn what_is_no_file_of_symbols_has_none() {
        let whole = file(2, &SYMBOLS);
        for len in [0, 63, 64, 100, 0x150, 0x190, 0x410, 0x800] {
            assert_eq!(found(&whole[..len], 0x1000), None, "{len}");
        }
        let mut numbers = crate::fuzz::numbers();
        for _ in 0..20_000 {
            let mut file = whole.clone();
            for _ in 0..4 {
                let at = numbers() as usize % 0x900;
                file[at] = numbers() as u8;
            }
            found(&file, 0x1000 + numbers() % 0x200);
        }
    }
}
