//! What an ELF file says of the functions in it: its tables of symbols, and where
//! its segments lie. Only these are read of it.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use object::LittleEndian;
use object::elf::{FileHeader64, PT_LOAD, SHN_UNDEF, SHT_DYNSYM, SHT_SYMTAB, STT_FUNC, STT_GNU_IFUNC, Sym64};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader, Sym};
use object::read::{ReadRef, SectionIndex};

use super::terminated;
use crate::kernel;

type Endian = LittleEndian;

/// A part of the file that is mapped.
struct Segment {
    offset: Range<u64>,
    address: u64,
}

/// A table of symbols, and their names.
struct Table {
    symbols: &'static [Sym64<Endian>],
    names: &'static [u8],
}

/// All that is known of a file; of one that cannot be read, nothing.
#[derive(Default)]
pub(super) struct Code {
    segments: Vec<Segment>,
    tables: Vec<Table>,
}

impl Code {
    /// Reads a file, if it is that with this device and inode.
    pub(super) fn read(path: &[u8], (device, inode): (u64, u64)) -> Option<Code> {
        let path = terminated(path).filter(|path| path.to_bytes().starts_with(b"/"))?;
        let fd = kernel::open(&path, libc::O_RDONLY | libc::O_NONBLOCK | libc::O_NOCTTY, 0).ok()?;
        let stat = kernel::process::stat(fd).ok();
        let same = stat.filter(|stat| (stat.st_dev, stat.st_ino) == (device, inode));
        let code = same.and_then(|stat| {
            let len = stat.st_size.cast_unsigned();
            Code::parse(Content { fd, len })
        });
        kernel::close(fd);
        code
    }

    fn parse(content: Content) -> Option<Code> {
        let header = FileHeader64::<Endian>::parse(content).ok()?;
        let endian = header.endian().ok()?;
        let segments = header.program_headers(endian, content).ok()?.iter();
        let segments = segments
            .filter(|segment| segment.p_type(endian) == PT_LOAD)
            .map(|segment| {
                let offset = segment.p_offset(endian);
                Segment {
                    offset: offset..offset.saturating_add(segment.p_filesz(endian)),
                    address: segment.p_vaddr(endian),
                }
            });
        let segments = segments.collect();
        let sections = header.sections(endian, content).ok()?;
        let tables = sections
            .iter()
            .filter(|section| matches!(section.sh_type(endian), SHT_SYMTAB | SHT_DYNSYM));
        let tables = tables.filter_map(|section| {
            let names = sections.section(SectionIndex(section.sh_link(endian) as usize)).ok()?;
            Some(Table {
                symbols: section.data_as_array(endian, content).ok()?,
                names: names.data(endian, content).ok()?,
            })
        });
        let tables = tables.collect();
        Some(Code { segments, tables })
    }

    /// The function at a place of the file, and how far behind its start that is.
    ///
    /// What stands behind a call may lie behind the last instruction of a function.
    pub(super) fn function(&self, offset: u64) -> Option<(&[u8], u64)> {
        let segment = self.segments.iter().find(|segment| segment.offset.contains(&offset))?;
        let address = offset - segment.offset.start + segment.address;
        let before = address.checked_sub(1)?;
        let (name, start) = self.around(address).or_else(|| self.around(before))?;
        Some((name, address - start))
    }

    fn around(&self, address: u64) -> Option<(&[u8], u64)> {
        let mut best: Option<(u64, u64, &[u8])> = None;
        for Table { symbols, names } in &self.tables {
            for symbol in symbols.iter().filter(|symbol| is_function(symbol)) {
                let start = symbol.st_value(LittleEndian);
                if start > address || best.is_some_and(|(other, ..)| other > start) {
                    continue;
                }
                let name = names.get(symbol.st_name(LittleEndian) as usize..).unwrap_or(&[]);
                let name = name.split(|&byte| byte == 0).next().unwrap_or(&[]);
                let size = symbol.st_size(LittleEndian);
                let is_better = best.is_none_or(|(other, known, other_name)| {
                    start > other || known == 0 && size != 0 || underscores(name) < underscores(other_name)
                });
                if is_better && !name.is_empty() {
                    best = Some((start, size, name));
                }
            }
        }
        // One without a size may be as long as the next one lets it.
        let (start, size, name) = best?;
        (size == 0 || address - start < size).then_some((name, start))
    }
}

fn is_function(symbol: &Sym64<Endian>) -> bool {
    matches!(symbol.st_type(), STT_FUNC | STT_GNU_IFUNC) && symbol.st_shndx(LittleEndian) != SHN_UNDEF
}

/// Of several names the plainest is shown: `write`, not `__write`.
fn underscores(name: &[u8]) -> usize {
    name.iter().take_while(|&&byte| byte == b'_').count()
}

/// A file that is open. What is read of it stays for good: it is what tables are made
/// of, once for each file.
#[derive(Clone, Copy, Debug)]
struct Content {
    fd: i32,
    len: u64,
}

impl<'a> ReadRef<'a> for Content {
    fn len(self) -> Result<u64, ()> {
        Ok(self.len)
    }

    fn read_bytes_at(self, offset: u64, size: u64) -> Result<&'a [u8], ()> {
        if offset.checked_add(size).is_none_or(|end| end > self.len) {
            return Err(());
        }
        let mut bytes = vec![0; size as usize];
        let mut done = 0;
        while done < bytes.len() {
            let rest = bytes.get_mut(done..).ok_or(())?;
            match kernel::pread(self.fd, rest, offset + done as u64) {
                Ok(0) | Err(_) => return Err(()),
                Ok(more) => done += more,
            }
        }
        Ok(bytes.leak())
    }

    fn read_bytes_at_until(self, _: Range<u64>, _: u8) -> Result<&'a [u8], ()> {
        Err(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    fn own() -> Code {
        let path = std::env::current_exe().unwrap();
        let meta = std::fs::metadata(&path).unwrap();
        Code::read(path.as_os_str().as_encoded_bytes(), (meta.dev(), meta.ino())).unwrap()
    }

    #[inline(never)]
    fn symbol_of_a_test() -> usize {
        core::hint::black_box(7)
    }

    #[test]
    fn a_function_is_found_by_its_place_in_the_file() {
        let code = own();
        let address = symbol_of_a_test as *const () as u64;
        let mut offset = 0;
        crate::rewrite::maps::describe(address, |vma, _| offset = address - vma.start + vma.offset);
        for distance in [0, 1] {
            let (name, behind) = code.function(offset + distance).unwrap();
            assert!(String::from_utf8_lossy(name).contains("symbol_of_a_test") && behind == distance);
        }
        assert_eq!(code.function(u64::MAX), None);
        assert_eq!(code.function(0), None);
    }

    #[test]
    fn another_file_of_that_name_is_not_taken() {
        assert!(Code::read(b"/proc/self/exe", (0, 0)).is_none());
        assert!(Code::read(b"/nonexistent", (0, 0)).is_none());
        assert!(Code::read(b"relative", (0, 0)).is_none());
    }
}
