//! Finding the function around an address through the unwind tables that every
//! module keeps in memory.
//!
//! Sources: the System V gABI (ELF headers), the Linux Standard Base Core
//! specification, chapter "Exception Frames" (`.eh_frame`, `.eh_frame_hdr` and
//! the DWARF pointer encodings), DWARF 4 section 7.6 (LEB128).
//!
//! Only what GNU ld, gold, lld and mold write is understood: version 1, a
//! sorted table of pairs of 32-bit offsets from the header itself. Whatever
//! else is found gives `None`, which costs a proof and nothing more.

/// Memory that can be read without faulting.
pub trait Memory {
    /// Fills `out` with the bytes at `address`. False when not all of them can
    /// be read; `out` is unspecified then.
    fn read(&self, address: u64, out: &mut [u8]) -> bool;
}

/// A function as its FDE describes it, and the gaps around it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Function {
    /// The first address.
    pub start: u64,
    /// The address behind the last.
    pub end: u64,
    /// The start of the next function that has an FDE, `end` if there is none:
    /// no FDE covers `[end, next)`.
    pub next: u64,
    /// The start of the function before this one, `start` if there is none.
    pub prev_start: u64,
    /// The function may have exception handlers: it can be entered in other
    /// places than its start, from where the unwinder says.
    pub handlers: bool,
}

impl Function {
    /// A function about whose neighbours nothing is known.
    pub const fn alone(start: u64, end: u64) -> Function {
        Function {
            start,
            end,
            next: end,
            prev_start: start,
            handlers: true,
        }
    }

    /// Whether `address` lies in the function.
    pub const fn contains(&self, address: u64) -> bool {
        self.start <= address && address < self.end
    }
}

const PT_LOAD: u32 = 1;
const PT_GNU_EH_FRAME: u32 = 0x6474_e550;
const ET_EXEC: u16 = 2;
const ET_DYN: u16 = 3;
/// More program headers than any linker writes; bounds the loop.
const MAX_PROGRAM_HEADERS: u64 = 256;
const PROGRAM_HEADER_SIZE: u64 = 56;
const PAGE_MASK: u64 = !0xfff;

/// The address of `.eh_frame_hdr` of the ELF file that is mapped with its first
/// byte at `elf_base`.
pub fn header_of(memory: &impl Memory, elf_base: u64) -> Option<u64> {
    let identity: [u8; 6] = fetch(memory, elf_base)?;
    if identity != *b"\x7fELF\x02\x01" {
        return None;
    }
    let kind = u16_at(memory, elf_base.checked_add(16)?)?;
    let table = elf_base.checked_add(u64_at(memory, elf_base.checked_add(32)?)?)?;
    let entry_size = u64::from(u16_at(memory, elf_base.checked_add(54)?)?);
    let count = u64::from(u16_at(memory, elf_base.checked_add(56)?)?);
    if entry_size < PROGRAM_HEADER_SIZE || count > MAX_PROGRAM_HEADERS {
        return None;
    }
    let mut first_load = None;
    let mut eh_frame_hdr = None;
    for index in 0..count {
        let header = table.checked_add(index.checked_mul(entry_size)?)?;
        let offset = header.checked_add(8)?;
        let vaddr = u64_at(memory, header.checked_add(16)?)?;
        match u32_at(memory, header)? {
            PT_LOAD if first_load.is_none() => {
                // The page of the file's first byte, as the file numbers it.
                first_load = Some((vaddr & PAGE_MASK).wrapping_sub(u64_at(memory, offset)? & PAGE_MASK));
            }
            PT_GNU_EH_FRAME => eh_frame_hdr = Some(vaddr),
            _ => {}
        }
    }
    let bias = match kind {
        ET_EXEC => 0,
        ET_DYN => elf_base.wrapping_sub(first_load?),
        _ => return None,
    };
    Some(bias.wrapping_add(eh_frame_hdr?))
}

/// The function that covers `address`, by binary search in the table that
/// `.eh_frame_hdr` keeps. `None` where no FDE covers it.
pub fn function_at(memory: &impl Memory, eh_frame_hdr: u64, address: u64) -> Option<Function> {
    let table = Table::open(memory, eh_frame_hdr)?;
    let index = table.last_not_above(address)?;
    let mut function = table.function(index)?;
    if !function.contains(address) {
        return None;
    }
    // A neighbour that cannot be read or that overlaps leaves an empty gap.
    if let Some(next) = index.checked_add(1).and_then(|index| table.start(index)) {
        function.next = next.max(function.end);
    }
    if let Some(previous) = index.checked_sub(1).and_then(|index| table.start(index)) {
        function.prev_start = previous;
    }
    Some(function)
}

/// What lies between two functions, around `address`, which none of them covers.
pub fn gap_at(memory: &impl Memory, eh_frame_hdr: u64, address: u64) -> Option<Function> {
    let table = Table::open(memory, eh_frame_hdr)?;
    let index = table.last_not_above(address)?;
    let before = table.function(index)?;
    let next = table.start(index.checked_add(1)?)?;
    (before.end <= address && address < next).then(|| Function::alone(before.end, next))
}

/// The search table of one `.eh_frame_hdr`.
struct Table<'a, M> {
    memory: &'a M,
    header: u64,
    entries: u64,
    count: u64,
}

/// `DW_EH_PE_pcrel | DW_EH_PE_sdata4`, `DW_EH_PE_udata4` and
/// `DW_EH_PE_datarel | DW_EH_PE_sdata4`: version 1's one common layout.
const HEADER: [u8; 4] = [1, 0x1b, 0x03, 0x3b];
const ENTRY_SIZE: u64 = 8;

impl<'a, M: Memory> Table<'a, M> {
    fn open(memory: &'a M, header: u64) -> Option<Self> {
        if fetch::<4>(memory, header)? != HEADER {
            return None;
        }
        let count = u64::from(u32_at(memory, header.checked_add(8)?)?);
        Some(Table {
            memory,
            header,
            entries: header.checked_add(12)?,
            count,
        })
    }

    fn entry(&self, index: u64) -> Option<u64> {
        if index >= self.count {
            return None;
        }
        self.entries.checked_add(index.checked_mul(ENTRY_SIZE)?)
    }

    /// Where the function of entry `index` starts.
    fn start(&self, index: u64) -> Option<u64> {
        let offset = i32_at(self.memory, self.entry(index)?)?;
        Some(self.header.wrapping_add_signed(i64::from(offset)))
    }

    /// What the FDE of entry `index` says, without its neighbours.
    fn function(&self, index: u64) -> Option<Function> {
        let offset = i32_at(self.memory, self.entry(index)?.checked_add(4)?)?;
        let fde = self.header.wrapping_add_signed(i64::from(offset));
        let function = parse_fde(self.memory, fde)?;
        (function.start == self.start(index)?).then_some(function)
    }

    /// The last entry that starts at or below `address`.
    fn last_not_above(&self, address: u64) -> Option<u64> {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low.midpoint(high);
            if self.start(middle)? <= address {
                low = middle.checked_add(1)?;
            } else {
                high = middle;
            }
        }
        low.checked_sub(1)
    }
}

/// What the FDE at `fde` says of its function.
pub(super) fn parse_fde(memory: &impl Memory, fde: u64) -> Option<Function> {
    let mut cursor = Cursor { memory, at: fde };
    cursor.record_length()?;
    let id_at = cursor.at;
    let distance = u64::from(cursor.u32()?);
    if distance == 0 {
        return None; // This is a CIE.
    }
    let Cie { encoding, handlers } = parse_cie(memory, id_at.checked_sub(distance)?)?;
    let start = cursor.pointer(encoding)?;
    // The length has the format of the pointer, relative to nothing.
    let length = cursor.pointer(encoding & 0x0f)?;
    let end = start.checked_add(length)?;
    (start < end).then_some(Function {
        handlers,
        ..Function::alone(start, end)
    })
}

/// What a CIE says of its FDEs.
struct Cie {
    /// How they write addresses.
    encoding: u8,
    /// They may point to language specific data, which lists the handlers.
    handlers: bool,
}

fn parse_cie(memory: &impl Memory, cie: u64) -> Option<Cie> {
    let mut cursor = Cursor { memory, at: cie };
    cursor.record_length()?;
    if cursor.u32()? != 0 {
        return None; // This is no CIE.
    }
    let version = cursor.u8()?;
    if version != 1 && version != 3 {
        return None;
    }
    // 'z' first, then at most P, L, R, S, B (arm64) and G (arm64).
    let mut augmentation = [0u8; 8];
    let mut length = 0usize;
    loop {
        match cursor.u8()? {
            0 => break,
            letter => *augmentation.get_mut(length)? = letter,
        }
        length = length.checked_add(1)?;
    }
    cursor.leb128()?; // Code alignment.
    cursor.leb128()?; // Data alignment.
    if version == 1 {
        cursor.u8()?; // Return address register.
    } else {
        cursor.leb128()?;
    }
    match augmentation.first()? {
        0 => {
            return Some(Cie {
                encoding: PE_ABSOLUTE,
                handlers: false,
            });
        }
        b'z' => cursor.leb128()?,
        _ => return None,
    };
    let mut result = Cie {
        encoding: PE_ABSOLUTE,
        handlers: false,
    };
    for letter in augmentation.get(1..length)? {
        match letter {
            b'R' => result.encoding = cursor.u8()?,
            b'P' => {
                let personality = cursor.u8()?;
                cursor.skip_pointer(personality)?;
            }
            b'L' => {
                cursor.u8()?;
                result.handlers = true;
            }
            b'S' => {}
            _ => return None,
        }
    }
    Some(result)
}

const PE_ABSOLUTE: u8 = 0x00;
const PE_OMIT: u8 = 0xff;
/// The part of a pointer encoding that says what the value is relative to.
const PE_RELATION: u8 = 0x70;
const PE_PCREL: u8 = 0x10;

/// A place in memory from which fields are read in order.
struct Cursor<'a, M> {
    memory: &'a M,
    at: u64,
}

impl<M: Memory> Cursor<'_, M> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let bytes = fetch(self.memory, self.at)?;
        self.at = self.at.checked_add(N as u64)?;
        Some(bytes)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take::<1>().map(|[byte]| byte)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    /// The length that a CIE or FDE begins with. 0 ends the section, and
    /// 0xffff_ffff announces the 64-bit format, which no linker writes here.
    fn record_length(&mut self) -> Option<u32> {
        self.u32().filter(|length| *length != 0 && *length != u32::MAX)
    }

    /// Reads a LEB128 number of at most ten bytes, and gives its low 64 bits.
    fn leb128(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..70).step_by(7) {
            let byte = self.u8()?;
            value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// Reads a pointer; only absolute and pc-relative ones, not indirect.
    fn pointer(&mut self, encoding: u8) -> Option<u64> {
        let origin = match encoding & !0x0f {
            PE_ABSOLUTE => 0,
            PE_PCREL => self.at,
            _ => return None,
        };
        let value = match encoding & 0x0f {
            0x00 | 0x04 | 0x0c => u64::from_le_bytes(self.take()?),
            0x02 => u64::from(u16::from_le_bytes(self.take()?)),
            0x03 => u64::from(self.u32()?),
            0x0a => i64::from(i16::from_le_bytes(self.take()?)).cast_unsigned(),
            0x0b => i64::from(i32::from_le_bytes(self.take()?)).cast_unsigned(),
            _ => return None,
        };
        Some(origin.wrapping_add(value))
    }

    /// Steps over a pointer whatever it is relative to.
    fn skip_pointer(&mut self, encoding: u8) -> Option<()> {
        if encoding == PE_OMIT {
            return Some(());
        }
        if encoding & PE_RELATION == 0x50 {
            return None; // DW_EH_PE_aligned pads by an unknown amount.
        }
        self.pointer(encoding & 0x0f).map(|_| ())
    }
}

fn fetch<const N: usize>(memory: &impl Memory, address: u64) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    memory.read(address, &mut bytes).then_some(bytes)
}

fn u16_at(memory: &impl Memory, address: u64) -> Option<u16> {
    fetch(memory, address).map(u16::from_le_bytes)
}

fn u32_at(memory: &impl Memory, address: u64) -> Option<u32> {
    fetch(memory, address).map(u32::from_le_bytes)
}

fn i32_at(memory: &impl Memory, address: u64) -> Option<i32> {
    fetch(memory, address).map(i32::from_le_bytes)
}

fn u64_at(memory: &impl Memory, address: u64) -> Option<u64> {
    fetch(memory, address).map(u64::from_le_bytes)
}
