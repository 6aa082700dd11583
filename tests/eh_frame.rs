//! Unwind tables made by hand: what is found in them, and what is not believed.
#![cfg(feature = "std")]

use usertrap::rewrite::eh_frame::{Function, Memory, function_at, header_of};

/// Bytes at an address.
struct Bytes {
    base: u64,
    bytes: Vec<u8>,
}

impl Memory for Bytes {
    fn read(&self, address: u64, out: &mut [u8]) -> bool {
        let from = address.checked_sub(self.base).map(|offset| offset as usize);
        let found = from.and_then(|from| self.bytes.get(from..from.checked_add(out.len())?));
        if let Some(found) = found {
            out.copy_from_slice(found);
        }
        found.is_some()
    }
}

const BASE: u64 = 0x5000_0000;

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

/// A header at `BASE`, a CIE with this augmentation, and an FDE for each
/// function, its addresses relative to themselves in four bytes.
fn tables(augmentation: &[u8], functions: &[(u64, u64)]) -> Bytes {
    let mut bytes = vec![0; 0x400];
    put(&mut bytes, 0, &[1, 0x1b, 0x03, 0x3b]);
    put(&mut bytes, 4, &0xfc_u32.to_le_bytes());
    put(&mut bytes, 8, &(functions.len() as u32).to_le_bytes());
    let mut cie = vec![0, 0, 0, 0, 1];
    cie.extend_from_slice(augmentation);
    put(&mut bytes, 0x100, &(cie.len() as u32).to_le_bytes());
    put(&mut bytes, 0x104, &cie);
    for (index, (start, end)) in functions.iter().enumerate() {
        let at = 0x180 + index * 0x20;
        put(&mut bytes, at, &0x1c_u32.to_le_bytes());
        put(&mut bytes, at + 4, &((at + 4) as u32 - 0x100).to_le_bytes());
        let relative = start.wrapping_sub(BASE + at as u64 + 8) as u32;
        put(&mut bytes, at + 8, &relative.to_le_bytes());
        put(&mut bytes, at + 12, &((end - start) as u32).to_le_bytes());
        put(
            &mut bytes,
            12 + index * 8,
            &(start.wrapping_sub(BASE) as u32).to_le_bytes(),
        );
        put(&mut bytes, 16 + index * 8, &(at as u32).to_le_bytes());
    }
    Bytes { base: BASE, bytes }
}

/// Augmentation string, alignments, register, and the data for it.
const PLAIN: &[u8] = b"zR\0\x01\x78\x10\x01\x1b";
const WITH_HANDLERS: &[u8] = b"zPLR\0\x01\x78\x10\x07\x9b\0\0\0\0\x1b\x1b";
const SIGNAL_FRAME: &[u8] = b"zRS\0\x01\x78\x10\x01\x1b";

const FUNCTIONS: [(u64, u64); 3] = [
    (BASE - 0x1000, BASE - 0xff0),
    (BASE - 0xfe0, BASE - 0xf00),
    (BASE + 0x1000, BASE + 0x1001),
];

#[test]
fn functions_are_found_with_their_gaps() {
    for (augmentation, handlers) in [(PLAIN, false), (SIGNAL_FRAME, false), (WITH_HANDLERS, true)] {
        let memory = tables(augmentation, &FUNCTIONS);
        let [first, second, third] = FUNCTIONS;
        let expected = Function {
            start: second.0,
            end: second.1,
            next: third.0,
            prev_start: first.0,
            handlers,
        };
        for address in [second.0, second.0 + 5, second.1 - 1] {
            assert_eq!(function_at(&memory, BASE, address), Some(expected));
        }
        let last = function_at(&memory, BASE, third.0).unwrap();
        assert_eq!((last.end, last.next), (third.1, third.1));
        let start = function_at(&memory, BASE, first.0).unwrap();
        assert_eq!((start.prev_start, start.next), (first.0, second.0));
        for outside in [0, first.0 - 1, first.1, second.1, BASE, third.1, u64::MAX] {
            assert_eq!(function_at(&memory, BASE, outside), None, "{outside:#x}");
        }
    }
}

#[test]
fn an_empty_table_covers_nothing() {
    assert_eq!(function_at(&tables(PLAIN, &[]), BASE, BASE), None);
}

#[test]
fn an_unknown_layout_or_encoding_is_not_guessed_at() {
    let (start, _) = FUNCTIONS[0];
    for (at, value) in [(0, 2), (1, 0x1c), (2, 0xff), (3, 0x1b), (0x104, 1), (0x108, 2)] {
        let mut memory = tables(PLAIN, &FUNCTIONS);
        assert!(function_at(&memory, BASE, start).is_some());
        memory.bytes[at] = value;
        assert_eq!(function_at(&memory, BASE, start), None, "byte {at:#x}");
    }
    for augmentation in [&b"eh\0\x01\x78\x10"[..], b"zX\0\x01\x78\x10\x01\x1b"] {
        assert_eq!(function_at(&tables(augmentation, &FUNCTIONS), BASE, start), None);
    }
}

#[test]
fn a_table_that_contradicts_its_fde_is_not_believed() {
    let mut memory = tables(PLAIN, &FUNCTIONS);
    memory.bytes[0x188] ^= 1;
    assert_eq!(function_at(&memory, BASE, FUNCTIONS[0].0), None);
}

#[test]
fn records_of_no_length_or_of_the_long_format_are_refused() {
    for length in [0u32, u32::MAX] {
        for record in [0x100, 0x180] {
            let mut memory = tables(PLAIN, &FUNCTIONS);
            put(&mut memory.bytes, record, &length.to_le_bytes());
            assert_eq!(function_at(&memory, BASE, FUNCTIONS[0].0), None);
        }
    }
}

/// An ELF header with program headers of (type, offset, vaddr).
fn elf(kind: u16, headers: &[(u32, u64, u64)]) -> Bytes {
    let mut bytes = vec![0; 0x400];
    put(&mut bytes, 0, b"\x7fELF\x02\x01\x01");
    put(&mut bytes, 16, &kind.to_le_bytes());
    put(&mut bytes, 32, &64_u64.to_le_bytes());
    put(&mut bytes, 54, &56_u16.to_le_bytes());
    put(&mut bytes, 56, &(headers.len() as u16).to_le_bytes());
    for (index, (kind, offset, vaddr)) in headers.iter().enumerate() {
        put(&mut bytes, 64 + index * 56, &kind.to_le_bytes());
        put(&mut bytes, 72 + index * 56, &offset.to_le_bytes());
        put(&mut bytes, 80 + index * 56, &vaddr.to_le_bytes());
    }
    Bytes { base: BASE, bytes }
}

const LOAD: u32 = 1;
const EH: u32 = 0x6474_e550;

#[test]
fn the_header_of_a_library_moves_with_it() {
    let memory = elf(3, &[(LOAD, 0, 0), (LOAD, 0x2000, 0x3000), (EH, 0x1abc, 0x1abc)]);
    assert_eq!(header_of(&memory, BASE), Some(BASE + 0x1abc));
    let prelinked = elf(3, &[(LOAD, 0, 0x40_0000), (EH, 0x1abc, 0x40_1abc)]);
    assert_eq!(header_of(&prelinked, BASE), Some(BASE + 0x1abc));
}

#[test]
fn the_header_of_a_fixed_program_stays() {
    let memory = elf(2, &[(EH, 0x1abc, BASE + 0x1abc), (LOAD, 0, BASE)]);
    assert_eq!(header_of(&memory, BASE), Some(BASE + 0x1abc));
}

#[test]
fn what_is_no_module_has_no_header() {
    let good = [(LOAD, 0, 0), (EH, 0x1abc, 0x1abc)];
    assert_eq!(header_of(&elf(1, &good), BASE), None);
    assert_eq!(header_of(&elf(3, &good[..1]), BASE), None);
    assert_eq!(header_of(&elf(3, &good[1..]), BASE), None);
    assert_eq!(header_of(&elf(3, &good), BASE + 8), None);
    assert_eq!(header_of(&elf(3, &good), u64::MAX - 3), None);
    for (at, value) in [(0, 0), (4, 1), (5, 2), (33, 0xff), (54, 55), (57, 2)] {
        let mut memory = elf(3, &good);
        memory.bytes[at] = value;
        assert_eq!(header_of(&memory, BASE), None, "byte {at}");
    }
}
