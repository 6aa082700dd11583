//! Which mapping an address lies in: asked of the kernel for each new site, so
//! nothing goes stale.

#![allow(unsafe_code, reason = "an ioctl with a structure")]

use core::mem::size_of;

use crate::abi::errno::Errno;
use crate::kernel;
use crate::rewrite::vma::{Protection, Vma, classify, parse_maps_line};

/// `struct procmap_query` (`linux/fs.h`, Linux 6.11).
#[repr(C)]
#[derive(Default)]
struct ProcmapQuery {
    size: u64,
    query_flags: u64,
    query_addr: u64,
    vma_start: u64,
    vma_end: u64,
    vma_flags: u64,
    vma_page_size: u64,
    vma_offset: u64,
    inode: u64,
    dev_major: u32,
    dev_minor: u32,
    vma_name_size: u32,
    build_id_size: u32,
    vma_name_addr: u64,
    build_id_addr: u64,
}

const _: () = assert!(size_of::<ProcmapQuery>() == 104);

/// `PROCMAP_QUERY`: `_IOWR('f', 17, struct procmap_query)`.
const PROCMAP_QUERY: u64 = 3 << 30 | (size_of::<ProcmapQuery>() as u64) << 16 | (b'f' as u64) << 8 | 17;
const VMA_READABLE: u64 = 1;
const VMA_WRITABLE: u64 = 2;
const VMA_EXECUTABLE: u64 = 4;
const VMA_SHARED: u64 = 8;

/// The process's mappings, open for questions.
pub(crate) struct Maps {
    fd: i32,
}

impl Drop for Maps {
    fn drop(&mut self) {
        kernel::close(self.fd);
    }
}

impl Maps {
    /// None if /proc or a descriptor is not to be had.
    pub(crate) fn open() -> Option<Maps> {
        let fd = kernel::open(c"/proc/self/maps", libc::O_RDONLY, 0).ok()?;
        Some(Maps { fd })
    }

    /// The mapping that `address` lies in; None if there is none.
    // Apart from its callers, like `read`: the buffers are pages of stack.
    #[inline(never)]
    pub(crate) fn find(&self, address: u64) -> Option<Vma> {
        let mut name = [0; 4096];
        match query(self.fd, address, &mut name) {
            Err(Errno::ENOTTY | Errno::EINVAL | Errno::EPERM) => read(self.fd, address),
            found => found.ok(),
        }
    }

    /// The same without its name, which takes the kernel as long as the rest:
    /// what backs it is not known. None also where the kernel is too old.
    pub(crate) fn find_nameless(&self, address: u64) -> Option<Vma> {
        query(self.fd, address, &mut []).ok()
    }
}

/// The mapping that `address` lies in, for who has only one question.
pub(crate) fn find(address: u64) -> Option<Vma> {
    Maps::open()?.find(address)
}

fn query(fd: i32, address: u64, name: &mut [u8]) -> Result<Vma, Errno> {
    let mut query = ProcmapQuery {
        size: size_of::<ProcmapQuery>() as u64,
        query_addr: address,
        vma_name_size: name.len() as u32,
        vma_name_addr: if name.is_empty() { 0 } else { name.as_mut_ptr() as u64 },
        ..ProcmapQuery::default()
    };
    // SAFETY: the structure has the kernel's layout, the name buffer the size
    // that it states.
    unsafe { kernel::ioctl(fd, PROCMAP_QUERY, (&raw mut query).cast())? };
    let length = (query.vma_name_size as usize).saturating_sub(1);
    let name = name.get(..length).unwrap_or(&[]);
    Ok(Vma {
        start: query.vma_start,
        end: query.vma_end,
        offset: query.vma_offset,
        device: (query.dev_major, query.dev_minor),
        inode: query.inode,
        protection: Protection {
            read: query.vma_flags & VMA_READABLE != 0,
            write: query.vma_flags & VMA_WRITABLE != 0,
            execute: query.vma_flags & VMA_EXECUTABLE != 0,
        },
        shared: query.vma_flags & VMA_SHARED != 0,
        backing: classify(name, query.inode),
    })
}

/// Reads the text from its start, as kernels before 6.11 need.
#[cold]
#[inline(never)]
fn read(fd: i32, address: u64) -> Option<Vma> {
    // The longest line is a path of PATH_MAX behind 73 characters.
    let mut buffer = [0u8; 8192];
    let mut filled = 0;
    let mut offset = 0;
    loop {
        let read = kernel::pread(fd, buffer.get_mut(filled..)?, offset).ok()?;
        if read == 0 {
            return None;
        }
        offset += read as u64;
        filled += read;
        let mut rest = buffer.get(..filled)?;
        while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
            let (line, behind) = rest.split_at(end);
            match parse_maps_line(line) {
                Some(vma) if vma.contains(address) => return Some(vma),
                _ => rest = behind.get(1..)?,
            }
        }
        let kept = rest.len();
        buffer.copy_within(filled - kept..filled, 0);
        filled = kept;
    }
}

#[cfg(test)]
mod tests {
    use super::{Maps, find, kernel, read};

    #[test]
    fn query_and_text_say_the_same() {
        let code = find as *const () as u64;
        let stack = &raw const code as u64;
        for address in [code, stack] {
            let fd = kernel::open(c"/proc/self/maps", libc::O_RDONLY, 0).unwrap();
            let text = read(fd, address);
            kernel::close(fd);
            assert!(text.is_some());
            assert_eq!(find(address), text);
        }
        let maps = Maps::open().unwrap();
        for address in [stack, code, stack] {
            assert_eq!(read(maps.fd, address), maps.find(address));
        }
        assert_eq!(find(8), None);
    }
}
