//! The code of an ELF file as it lies in memory: its segments, its functions,
//! its symbols.

use object::elf::{ET_DYN, FileHeader64, PF_X, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{LittleEndian, Object, ObjectSymbol, SymbolKind};

use crate::prover::code::Code;
use crate::prover::decide::AROUND;
use crate::prover::eh_frame::{self, Function, Memory};
use crate::prover::vet::{self, Module as _};
use crate::prover::vma::{Backing, Protection, Vma};

/// Where a file that can lie anywhere is laid out: no decision depends on it, as
/// trampolines are in no short reach of programs and libraries.
const ANYWHERE: u64 = 0x7f00_0000_0000;
const PAGE: u64 = 4096;

/// Bytes at an address.
pub(super) struct Part {
    /// The mapping that they are, with its protection.
    pub(super) vma: Vma,
    /// Its bytes, as many as there are.
    pub(super) bytes: Vec<u8>,
}

/// A function's name.
#[derive(Debug)]
pub(super) struct Symbol {
    /// The address.
    pub(super) address: u64,
    /// How many bytes it has; 0 if that is not known.
    pub(super) size: u64,
    /// The name as the file has it.
    pub(super) name: String,
}

/// Code that is judged together.
pub(super) struct Module {
    /// All that can be read.
    pub(super) parts: Vec<Part>,
    /// What is added to the file's own addresses.
    pub(super) bias: u64,
    /// It is a program that lies where it says, low.
    pub(super) fixed: bool,
    /// It is a part of a process: addresses are those there.
    pub(super) live: bool,
    /// By address.
    pub(super) symbols: Vec<Symbol>,
    /// The address of `.eh_frame_hdr`.
    header: Option<u64>,
}

impl Memory for Module {
    fn read(&self, address: u64, out: &mut [u8]) -> bool {
        let code = self.part(address).map(Part::code);
        match code.and_then(|code| code.slice(address, out.len())) {
            Some(bytes) => {
                out.copy_from_slice(bytes);
                true
            }
            None => false,
        }
    }
}

impl vet::Module for Module {
    fn function(&self, address: u64) -> Option<Function> {
        eh_frame::function_at(self, self.header?, address)
    }

    fn gap(&self, address: u64) -> Option<Function> {
        eh_frame::gap_at(self, self.header?, address)
    }

    fn number(&self, address: u64) -> Option<i32> {
        let mut bytes = [0; 4];
        self.read(address, &mut bytes).then(|| i32::from_le_bytes(bytes))
    }
}

impl Part {
    /// All of it as code.
    pub(super) fn code(&self) -> Code<'_> {
        Code {
            bytes: &self.bytes,
            base: self.vma.start,
        }
    }

    /// As much of it as the library looks at for a site there.
    pub(super) fn around(&self, site: u64) -> Code<'_> {
        let start = site.saturating_sub(AROUND).max(self.vma.start);
        let end = site
            .saturating_add(AROUND)
            .min(self.vma.start + self.bytes.len() as u64);
        let length = usize::try_from(end.saturating_sub(start)).unwrap_or(0);
        Code {
            bytes: self.code().slice(start, length).unwrap_or_default(),
            base: start,
        }
    }
}

impl Module {
    /// What `parts` are when the first byte of their ELF file lies at `base`.
    pub(super) fn new(parts: Vec<Part>, base: Option<u64>, bias: u64, symbols: Vec<Symbol>) -> Module {
        let mut module = Module {
            parts,
            bias,
            fixed: false,
            live: false,
            symbols,
            header: None,
        };
        module.header = base.and_then(|base| eh_frame::header_of(&module, base));
        module.symbols.sort_by_key(|symbol| symbol.address);
        module
    }

    /// An ELF file as the kernel would map it.
    ///
    /// # Errors
    /// In a few words, what is wrong with it.
    pub(super) fn of_file(bytes: &[u8]) -> Result<Module, &'static str> {
        let header = FileHeader64::<LittleEndian>::parse(bytes).map_err(|_| "not an ELF file of 64 bits")?;
        let endian = header.endian().map_err(|_| "not little-endian")?;
        if header.e_machine.get(endian) != object::elf::EM_X86_64 {
            return Err("not for x86-64");
        }
        let segments = header
            .program_headers(endian, bytes)
            .map_err(|_| "its program headers are broken")?;
        let moves = header.e_type.get(endian) == ET_DYN;
        let bias = if moves { ANYWHERE } else { 0 };
        let mut parts = Vec::new();
        let mut base = None;
        for segment in segments.iter().filter(|segment| segment.p_type(endian) == PT_LOAD) {
            let data = segment
                .data(endian, bytes)
                .map_err(|()| "a segment lies behind its end")?;
            let address = segment.p_vaddr(endian);
            let flags = segment.p_flags(endian);
            // Whole pages, as they are mapped: what stands before a segment in
            // its page can be read, too.
            let before = address % PAGE;
            let offset = segment.p_offset(endian);
            let from = usize::try_from(offset.saturating_sub(before)).unwrap_or(0);
            let front = bytes
                .get(from..usize::try_from(offset).unwrap_or(0))
                .unwrap_or_default();
            let start = address.checked_add(bias).ok_or("its addresses are broken")? - front.len() as u64;
            let all = [front, data].concat();
            let vma = Vma {
                start,
                end: start.checked_add(all.len() as u64).ok_or("its addresses are broken")?,
                offset: from as u64,
                device: (0, 0),
                inode: 1,
                protection: Protection {
                    read: true,
                    write: flags & object::elf::PF_W != 0,
                    execute: flags & PF_X != 0,
                },
                shared: false,
                backing: Backing::File,
            };
            base.get_or_insert(start.wrapping_sub(vma.offset));
            parts.push(Part { vma, bytes: all });
        }
        if parts.is_empty() {
            return Err("nothing of it is loaded: an object file?");
        }
        let mut module = Module::new(parts, base, bias, symbols(bytes, bias));
        module.fixed = !moves;
        Ok(module)
    }

    /// The part that an address lies in.
    pub(super) fn part(&self, address: u64) -> Option<&Part> {
        self.parts.iter().find(|part| part.vma.contains(address))
    }

    /// Every function in `part`: those with unwind information, then those that
    /// only have a symbol with a size.
    pub(super) fn functions(&self, part: &Part) -> Vec<(u64, u64)> {
        let mut found = Vec::new();
        let mut address = part.vma.start;
        while self.header.is_some() && address < part.vma.end {
            match self.function(address) {
                Some(function) => {
                    found.push((function.start, function.end));
                    address = function.end.max(function.next);
                }
                None => address += 1,
            }
        }
        let known = found.len();
        for symbol in self
            .symbols
            .iter()
            .filter(|symbol| part.vma.contains(symbol.address) && symbol.size != 0)
        {
            let (start, end) = (symbol.address, symbol.address.saturating_add(symbol.size));
            let at = found
                .get(..known)
                .unwrap_or_default()
                .partition_point(|(other, _)| *other <= start);
            let before = at.checked_sub(1).and_then(|at| found.get(at));
            let behind = found.get(at).filter(|_| at < known);
            let overlaps = before.is_some_and(|(_, end)| start < *end) || behind.is_some_and(|(next, _)| *next < end);
            if !overlaps {
                found.push((start, end));
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The name of the function around an address.
    pub(super) fn symbol(&self, address: u64) -> Option<&str> {
        let behind = self.symbols.partition_point(|symbol| symbol.address <= address);
        let before = self.symbols.get(..behind)?.iter().rev();
        // Several names may stand for one function, and one lie in another.
        let mut near = before.take(16);
        near.find(|symbol| address < symbol.address.saturating_add(symbol.size.max(1)))
            .map(|symbol| symbol.name.as_str())
    }
}

/// The names of a file's functions.
pub(super) fn symbols(bytes: &[u8], bias: u64) -> Vec<Symbol> {
    let Ok(file) = object::read::elf::ElfFile64::<LittleEndian>::parse(bytes) else {
        return Vec::new();
    };
    let all = file.symbols().chain(file.dynamic_symbols());
    let functions = all.filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.is_definition());
    functions
        .filter_map(|symbol| {
            Some(Symbol {
                address: symbol.address().checked_add(bias)?,
                size: symbol.size(),
                name: symbol.name().ok()?.to_owned(),
            })
        })
        .collect()
}
