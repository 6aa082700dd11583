//! ELF64 headers as data (`linux/elf.h`), read as the kernel's loaders read
//! them.
//!
//! The kernel looks at less than the specification asks for: `e_ident` behind
//! the magic (class, byte order, version) is ignored, and so is `e_version`.
//! Which loader takes a file is decided by `e_machine` and by the size of a
//! program header. What is not in the file is zero, as in the kernel's buffer.

use super::errno::Errno;

/// The size of an ELF64 header.
pub const HEADER_SIZE: usize = 64;
/// The size of an ELF64 program header.
pub const PROGRAM_HEADER_SIZE: usize = 56;
/// The most bytes of program headers that the kernel reads.
pub const MAX_TABLE_SIZE: usize = 65536;

/// The four bytes that every ELF file begins with.
pub const ELFMAG: [u8; 4] = *b"\x7fELF";
/// `e_type` of a program at a fixed address.
pub const ET_EXEC: u16 = 2;
/// `e_type` of a program or library that runs at any address.
pub const ET_DYN: u16 = 3;
/// `e_machine` of i386.
pub const EM_386: u16 = 3;
/// `e_machine` of i486, which the i386 loader takes as well.
pub const EM_486: u16 = 6;
/// `e_machine` of x86-64, and of x32.
pub const EM_X86_64: u16 = 62;

/// A segment to map.
pub const PT_LOAD: u32 = 1;
/// What the dynamic linker needs.
pub const PT_DYNAMIC: u32 = 2;
/// The path of the program interpreter.
pub const PT_INTERP: u32 = 3;
/// Where the program headers themselves are; the kernel does not look at it.
pub const PT_PHDR: u32 = 6;
/// Whether the stack is to be executable.
pub const PT_GNU_STACK: u32 = 0x6474_e551;
/// What is only written to by relocations.
pub const PT_GNU_RELRO: u32 = 0x6474_e552;
/// Where `.note.gnu.property` is; the kernel does not read it on x86-64.
pub const PT_GNU_PROPERTY: u32 = 0x6474_e553;

/// Executable.
pub const PF_X: u32 = 1;
/// Writable.
pub const PF_W: u32 = 2;
/// Readable.
pub const PF_R: u32 = 4;

/// The size of an ELF32 program header.
const PROGRAM_HEADER_SIZE_32: u16 = 32;

/// Why the loader of ELF64 programs does not take a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotLoadable {
    /// It does not begin with the magic: maybe a script.
    NotElf,
    /// An i386 program. The kernel runs it natively.
    I386,
    /// An x32 program. Kernels that are built for it run it natively.
    X32,
    /// A file for another machine.
    OtherMachine(u16),
    /// A file for this machine that is no program: a wrong type, or a size or
    /// number of program headers that the kernel does not take.
    Malformed,
}

impl NotLoadable {
    /// What `execve` answers when no other loader takes the file. An i386 or
    /// x32 program has another loader, where the kernel has it.
    pub const fn as_program(self) -> Errno {
        Errno::ENOEXEC
    }

    /// What `execve` answers when this is the interpreter of an ELF64 program.
    pub const fn as_interpreter(self) -> Errno {
        Errno::ELIBBAD
    }
}

/// How the addresses in a file are meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// `ET_EXEC`: as they are.
    Fixed,
    /// `ET_DYN`: relative to wherever the image is put.
    Relocatable,
    /// Neither. The kernel finds that out of an interpreter only behind the
    /// point of no return, and kills.
    Unknown(u16),
}

impl Kind {
    const fn of(e_type: u16) -> Kind {
        match e_type {
            ET_EXEC => Kind::Fixed,
            ET_DYN => Kind::Relocatable,
            other => Kind::Unknown(other),
        }
    }
}

/// What is used of an ELF64 header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// `e_type`.
    pub kind: Kind,
    /// `e_entry`: where the program starts.
    pub entry: u64,
    /// `e_phoff`: where in the file the program headers are. The kernel
    /// answers `ENOEXEC` (`ELIBBAD`) when they cannot be read there.
    pub table_offset: u64,
    /// `e_phnum`: how many there are, 1..=1170.
    pub count: u16,
}

impl Header {
    /// Reads the header of a program out of the first bytes of its file.
    pub fn parse(head: &[u8]) -> Result<Header, NotLoadable> {
        let file = File(head);
        if !file.is_elf() {
            return Err(NotLoadable::NotElf);
        }
        let kind = Kind::of(file.u16(16));
        let typed = !matches!(kind, Kind::Unknown(_));
        match file.u16(18) {
            EM_X86_64 => match file.header(kind) {
                Some(header) if typed => Ok(header),
                None if typed && file.is_elf32() => Err(NotLoadable::X32),
                _ => Err(NotLoadable::Malformed),
            },
            EM_386 | EM_486 if typed && file.is_elf32() => Err(NotLoadable::I386),
            EM_386 | EM_486 => Err(NotLoadable::Malformed),
            machine => Err(NotLoadable::OtherMachine(machine)),
        }
    }

    /// Reads the header of a program interpreter. Its type is not looked at
    /// yet: see [`Kind::Unknown`]. A file of less than [`HEADER_SIZE`] bytes is
    /// `EIO`, which whoever reads it finds out.
    pub fn parse_interpreter(head: &[u8]) -> Result<Header, NotLoadable> {
        let file = File(head);
        if !file.is_elf() {
            return Err(NotLoadable::NotElf);
        }
        match file.u16(18) {
            EM_X86_64 => file.header(Kind::of(file.u16(16))).ok_or(NotLoadable::Malformed),
            EM_386 | EM_486 => Err(NotLoadable::I386),
            machine => Err(NotLoadable::OtherMachine(machine)),
        }
    }

    /// The size of the program headers in the file, at most [`MAX_TABLE_SIZE`].
    pub const fn table_size(&self) -> usize {
        (self.count as usize).saturating_mul(PROGRAM_HEADER_SIZE)
    }

    /// The program headers, out of the [`Header::table_size`] bytes at
    /// [`Header::table_offset`] of the file. None if there are fewer bytes.
    pub fn table<'a>(&self, bytes: &'a [u8]) -> Option<Table<'a>> {
        bytes.get(..self.table_size()).map(Table)
    }
}

/// One program header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProgramHeader {
    /// `p_type`.
    pub kind: u32,
    /// `p_flags`.
    pub flags: u32,
    /// `p_offset`: where in the file.
    pub offset: u64,
    /// `p_vaddr`: where in memory.
    pub vaddr: u64,
    /// `p_filesz`: how many bytes of the file.
    pub file_size: u64,
    /// `p_memsz`: how many bytes of memory.
    pub memory_size: u64,
    /// `p_align`.
    pub align: u64,
}

impl ProgramHeader {
    /// Reads one program header.
    pub fn parse(bytes: &[u8; PROGRAM_HEADER_SIZE]) -> ProgramHeader {
        let file = File(bytes);
        ProgramHeader {
            kind: file.u32(0),
            flags: file.u32(4),
            offset: file.u64(8),
            vaddr: file.u64(16),
            file_size: file.u64(32),
            memory_size: file.u64(40),
            align: file.u64(48),
        }
    }
}

/// The program headers of a file, as bytes; each is read when it is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Table<'a>(&'a [u8]);

impl<'a> Table<'a> {
    /// All headers, in the file's order.
    pub fn iter(self) -> impl Iterator<Item = ProgramHeader> + Clone + 'a {
        self.0
            .as_chunks::<PROGRAM_HEADER_SIZE>()
            .0
            .iter()
            .map(ProgramHeader::parse)
    }

    /// The segments to map, in the file's order.
    pub fn loads(self) -> impl Iterator<Item = ProgramHeader> + Clone + 'a {
        self.iter().filter(|header| header.kind == PT_LOAD)
    }
}

/// Bytes of a file, behind which there are zeroes.
struct File<'a>(&'a [u8]);

impl File<'_> {
    fn array<const N: usize>(&self, offset: usize) -> [u8; N] {
        let mut field = [0; N];
        let bytes = self.0.get(offset..).unwrap_or(&[]);
        for (to, from) in field.iter_mut().zip(bytes) {
            *to = *from;
        }
        field
    }

    fn u16(&self, offset: usize) -> u16 {
        u16::from_le_bytes(self.array(offset))
    }

    fn u32(&self, offset: usize) -> u32 {
        u32::from_le_bytes(self.array(offset))
    }

    fn u64(&self, offset: usize) -> u64 {
        u64::from_le_bytes(self.array(offset))
    }

    fn is_elf(&self) -> bool {
        self.array(0) == ELFMAG
    }

    /// The ELF64 header, if the kernel takes its program headers.
    fn header(&self, kind: Kind) -> Option<Header> {
        let header = Header {
            kind,
            entry: self.u64(24),
            table_offset: self.u64(32),
            count: self.u16(56),
        };
        let taken = usize::from(self.u16(54)) == PROGRAM_HEADER_SIZE;
        (taken && header.count >= 1 && header.table_size() <= MAX_TABLE_SIZE).then_some(header)
    }

    /// Whether the kernel would take this for an ELF32 program of its machine.
    fn is_elf32(&self) -> bool {
        let most = MAX_TABLE_SIZE / usize::from(PROGRAM_HEADER_SIZE_32);
        self.u16(42) == PROGRAM_HEADER_SIZE_32 && (1..=most).contains(&usize::from(self.u16(44)))
    }
}

#[cfg(test)]
mod tests {
    use super::{
        ET_DYN, ET_EXEC, Header, Kind, MAX_TABLE_SIZE, NotLoadable, PROGRAM_HEADER_SIZE, PT_LOAD, ProgramHeader,
    };
    use crate::abi::errno::Errno;

    fn elf64() -> [u8; 64] {
        let mut head = [0; 64];
        head[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        put(&mut head, 16, &ET_DYN.to_le_bytes());
        put(&mut head, 18, &[62, 0]);
        put(&mut head, 24, &0x1234_5678_9abc_def0u64.to_le_bytes());
        put(&mut head, 32, &64u64.to_le_bytes());
        put(&mut head, 54, &[56, 0, 13, 0]);
        head
    }

    fn elf32(machine: u8) -> [u8; 64] {
        let mut head = [0; 64];
        head[..7].copy_from_slice(b"\x7fELF\x01\x01\x01");
        put(&mut head, 16, &[2, 0, machine, 0]);
        put(&mut head, 42, &[32, 0, 7, 0]);
        head
    }

    fn put(bytes: &mut [u8], offset: usize, value: &[u8]) {
        bytes[offset..offset + value.len()].copy_from_slice(value);
    }

    fn with(mut head: [u8; 64], offset: usize, value: &[u8]) -> [u8; 64] {
        put(&mut head, offset, value);
        head
    }

    #[test]
    fn a_program_is_read_field_by_field() {
        let header = Header {
            kind: Kind::Relocatable,
            entry: 0x1234_5678_9abc_def0,
            table_offset: 64,
            count: 13,
        };
        assert_eq!(Header::parse(&elf64()), Ok(header));
        assert_eq!(Header::parse_interpreter(&elf64()), Ok(header));
        let fixed = with(elf64(), 16, &ET_EXEC.to_le_bytes());
        assert_eq!(Header::parse(&fixed).map(|header| header.kind), Ok(Kind::Fixed));
    }

    #[test]
    fn the_magic_decides_whether_it_is_elf() {
        for head in [&b""[..], b"\x7f", b"\x7fEL", b"\x7fELG", b"#!/bin/sh\n"] {
            assert_eq!(Header::parse(head), Err(NotLoadable::NotElf), "{head:?}");
            assert_eq!(Header::parse_interpreter(head), Err(NotLoadable::NotElf), "{head:?}");
        }
        assert_eq!(Header::parse(b"\x7fELF"), Err(NotLoadable::OtherMachine(0)));
    }

    #[test]
    fn class_byte_order_and_versions_are_ignored() {
        let head = with(elf64(), 4, &[1, 2, 9, 3, 3, 3, 3, 3, 3, 3, 3, 3]);
        assert!(Header::parse(&head).is_ok());
        assert!(Header::parse(&with(elf64(), 20, &[9, 9, 9, 9])).is_ok());
    }

    #[test]
    fn a_header_that_ends_in_its_zeroes_is_read() {
        assert!(Header::parse(&elf64()[..57]).is_ok());
        assert_eq!(Header::parse(&elf64()[..56]), Err(NotLoadable::Malformed));
    }

    #[test]
    fn programs_of_other_loaders_are_told_apart() {
        assert_eq!(Header::parse(&elf32(3)), Err(NotLoadable::I386));
        assert_eq!(Header::parse(&elf32(6)), Err(NotLoadable::I386));
        assert_eq!(Header::parse(&elf32(62)), Err(NotLoadable::X32));
        assert_eq!(Header::parse(&elf32(40)), Err(NotLoadable::OtherMachine(40)));
        let aarch64 = with(elf64(), 18, &[183, 0]);
        assert_eq!(Header::parse(&aarch64), Err(NotLoadable::OtherMachine(183)));
        // Program headers that the kernel's loader of ELF32 does not take.
        for (offset, value) in [(16, [1, 0]), (42, [33, 0]), (44, [0, 0]), (44, [1, 8])] {
            for machine in [3, 62] {
                let head = with(elf32(machine), offset, &value);
                assert_eq!(Header::parse(&head), Err(NotLoadable::Malformed), "{offset} {value:?}");
            }
        }
        assert_eq!(Header::parse(&with(elf32(3), 44, &[0, 8])), Err(NotLoadable::I386));
    }

    #[test]
    fn only_programs_have_the_right_type() {
        for (e_type, name) in [
            (0u16, "none"),
            (1, "object"),
            (4, "core"),
            (0xfe00, "other"),
            (0x0300, "swapped"),
        ] {
            let head = with(elf64(), 16, &e_type.to_le_bytes());
            assert_eq!(Header::parse(&head), Err(NotLoadable::Malformed), "{name}");
            // The kernel sees that of an interpreter too late to refuse it.
            let kind = Header::parse_interpreter(&head).map(|header| header.kind);
            assert_eq!(kind, Ok(Kind::Unknown(e_type)), "{name}");
        }
    }

    #[test]
    fn the_kernel_takes_1_to_1170_program_headers_of_56_bytes() {
        for (size, count, taken) in [
            (56u16, 0u16, false),
            (56, 1, true),
            (56, 1170, true),
            (56, 1171, false),
            (56, 0xffff, false),
            (55, 1, false),
            (57, 1, false),
            (0, 1, false),
        ] {
            let head = with(with(elf64(), 54, &size.to_le_bytes()), 56, &count.to_le_bytes());
            assert_eq!(Header::parse(&head).is_ok(), taken, "{size} {count}");
            let expected = if taken { None } else { Some(NotLoadable::Malformed) };
            assert_eq!(Header::parse_interpreter(&head).err(), expected, "{size} {count}");
        }
    }

    #[test]
    fn an_interpreter_of_another_machine_is_a_bad_library() {
        for (head, why) in [
            (elf32(3), NotLoadable::I386),
            (elf32(62), NotLoadable::Malformed),
            (elf32(40), NotLoadable::OtherMachine(40)),
        ] {
            assert_eq!(Header::parse_interpreter(&head), Err(why));
            assert_eq!(
                (why.as_interpreter(), why.as_program()),
                (Errno::ELIBBAD, Errno::ENOEXEC)
            );
        }
    }

    #[test]
    fn program_headers_are_read_one_by_one() {
        let mut bytes = [0; 2 * PROGRAM_HEADER_SIZE + 3];
        put(&mut bytes, 56, &[1, 0, 0, 0, 6, 0, 0, 0]);
        for (index, field) in (0x11u64..=0x16).enumerate() {
            put(&mut bytes, 64 + index * 8, &field.to_le_bytes());
        }
        let load = ProgramHeader {
            kind: PT_LOAD,
            flags: 6,
            offset: 0x11,
            vaddr: 0x12,
            file_size: 0x14,
            memory_size: 0x15,
            align: 0x16,
        };
        let header = Header::parse(&with(elf64(), 56, &[2, 0])).unwrap();
        let table = header.table(&bytes).unwrap();
        assert_eq!(table.iter().count(), 2);
        assert!(table.iter().nth(1) == Some(load) && table.loads().eq([load]));
        assert_eq!(header.table(&bytes[..111]), None);
    }

    #[test]
    fn no_bytes_break_the_parser() {
        let mut next = crate::fuzz::numbers();
        let (mut loadable, mut refused) = (0, 0);
        for _ in 0..200_000 {
            let seeds = [elf64(), elf32(3), elf32(62)];
            let mut head = seeds[next() as usize % seeds.len()];
            for _ in 0..next() % 4 {
                head[next() as usize % 64] = next() as u8;
            }
            let head = &head[..next() as usize % 65];
            for header in [Header::parse(head), Header::parse_interpreter(head)] {
                let Ok(header) = header else {
                    refused += 1;
                    continue;
                };
                loadable += 1;
                assert!(header.count >= 1 && header.table_size() <= MAX_TABLE_SIZE);
                assert!(head.starts_with(b"\x7fELF") && head[18] == 62);
            }
        }
        assert!(loadable > 1000 && refused > 1000, "{loadable} {refused}");
    }
}
