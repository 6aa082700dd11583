//! An ELF file laid out in memory as the kernel would map it.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::fs;

use usertrap::rewrite::code::Code;
use usertrap::rewrite::eh_frame::{Function, Memory, function_at, header_of};

/// A module's image at an address of its own.
pub(crate) struct Image {
    pub(crate) base: u64,
    pub(crate) bytes: Vec<u8>,
    pub(crate) text: Vec<(u64, u64)>,
}

impl Memory for Image {
    fn read(&self, address: u64, out: &mut [u8]) -> bool {
        let code = Code {
            bytes: &self.bytes,
            base: self.base,
        };
        match code.slice(address, out.len()) {
            Some(bytes) => {
                out.copy_from_slice(bytes);
                true
            }
            None => false,
        }
    }
}

impl Image {
    /// Reads a position-independent ELF file and lays out its segments.
    pub(crate) fn load(path: &str) -> Option<Image> {
        let file = fs::read(path).ok()?;
        let base = 0x7f00_0000_0000;
        let mut image = Image {
            base,
            bytes: Vec::new(),
            text: Vec::new(),
        };
        let field = |at: usize| u64::from_le_bytes(file[at..at + 8].try_into().unwrap());
        let headers = field(32) as usize;
        let count = usize::from(u16::from_le_bytes([file[56], file[57]]));
        for header in (0..count).map(|index| headers + index * 56) {
            let kind = field(header) as u32;
            let flags = (field(header) >> 32) as u32;
            let (offset, vaddr, size) = (field(header + 8), field(header + 16), field(header + 32));
            if kind != 1 {
                continue;
            }
            let (from, to) = (vaddr as usize, (vaddr + size) as usize);
            if image.bytes.len() < to {
                image.bytes.resize(to, 0);
            }
            let source = offset as usize..(offset + size) as usize;
            image.bytes[from..to].copy_from_slice(&file[source]);
            if flags & 1 != 0 {
                image.text.push((base + vaddr, base + vaddr + size));
            }
        }
        Some(image)
    }

    /// The executable segment around an address, as code.
    pub(crate) fn code(&self, address: u64) -> Option<Code<'_>> {
        let (start, end) = self
            .text
            .iter()
            .find(|(start, end)| (*start..*end).contains(&address))?;
        let range = (start - self.base) as usize..(end - self.base) as usize;
        Some(Code {
            bytes: &self.bytes[range],
            base: *start,
        })
    }

    /// Every function that has an FDE, in order.
    pub(crate) fn functions(&self) -> Vec<Function> {
        let header = header_of(self, self.base).expect("an .eh_frame_hdr");
        let mut functions: Vec<Function> = Vec::new();
        for (start, end) in &self.text {
            let mut address = *start;
            while address < *end {
                match function_at(self, header, address) {
                    Some(function) => {
                        address = function.end;
                        functions.push(function);
                    }
                    None => address += 1,
                }
            }
        }
        functions
    }
}

/// The path of the libc that this process runs on.
pub(crate) fn libc_path() -> Option<String> {
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    let path = maps.lines().filter_map(|line| line.split_whitespace().nth(5));
    let mut libc = path.filter(|path| {
        path.rsplit('/')
            .next()
            .is_some_and(|name| name.starts_with("libc.so") || name.starts_with("libc-2"))
    });
    libc.next().map(str::to_owned)
}
