//! Which mapping an address lies in: asked of the kernel for each new site, so
//! nothing goes stale.

#![allow(unsafe_code, reason = "an ioctl with a structure")]

use core::ffi::CStr;
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
/// `PROCMAP_QUERY_COVERING_OR_NEXT_VMA`, in questions.
const OR_NEXT: u64 = 16;

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
        self.find_named(address, &mut name)
    }

    /// The same, and its name, as long as there is room for it, with zeros behind.
    pub(super) fn find_named(&self, address: u64, name: &mut [u8; 4096]) -> Option<Vma> {
        match query(self.fd, address, 0, name) {
            Err(Errno::ENOTTY | Errno::EINVAL | Errno::EPERM) => read(self.fd, |vma| vma.contains(address), name),
            found => found.ok(),
        }
    }

    /// The first executable mapping that ends above `address`.
    pub(crate) fn next_executable(&self, address: u64) -> Option<Vma> {
        self.next_with(address, VMA_EXECUTABLE, |vma| vma.protection.execute)
    }

    /// The first mapping that ends above `address`.
    pub(crate) fn next(&self, address: u64) -> Option<Vma> {
        self.next_with(address, 0, |_| true)
    }

    /// The first one that ends above `address` and has these flags, which is said for
    /// the text by `wanted`.
    #[inline(never)]
    fn next_with(&self, address: u64, flags: u64, wanted: fn(&Vma) -> bool) -> Option<Vma> {
        let mut name = [0; 4096];
        match query(self.fd, address, OR_NEXT | flags, &mut name) {
            Err(Errno::ENOTTY | Errno::EINVAL | Errno::EPERM) => {
                read(self.fd, |vma| vma.end > address && wanted(vma), &mut name)
            }
            found => found.ok(),
        }
    }

    /// The same without its name, which takes the kernel as long as the rest:
    /// what backs it is not known. None also where the kernel is too old.
    pub(crate) fn find_nameless(&self, address: u64) -> Option<Vma> {
        query(self.fd, address, 0, &mut []).ok()
    }
}

/// The mapping that `address` lies in, for who has only one question.
pub(crate) fn find(address: u64) -> Option<Vma> {
    Maps::open()?.find(address)
}

/// Shows the file that `address` is mapped from, or what the kernel calls the
/// mapping, and where in it the address lies. None if there is no mapping.
#[inline(never)]
pub(crate) fn file_of<R>(address: u64, show: impl FnOnce(&CStr, u64) -> R) -> Option<R> {
    let maps = Maps::open()?;
    let mut name = [0; 4096];
    let vma = maps.find_named(address, &mut name)?;
    drop(maps);
    let name = CStr::from_bytes_until_nul(&name).unwrap_or(c"");
    Some(show(name, address - vma.start + vma.offset))
}

/// Shows the mapping that `address` lies in, and its name.
#[inline(never)]
pub(crate) fn describe(address: u64, show: impl FnOnce(&Vma, &[u8])) {
    let mut name = [0; 4096];
    let found = Maps::open().and_then(|maps| maps.find_named(address, &mut name));
    if let Some(vma) = found {
        let len = name.iter().position(|&byte| byte == 0).unwrap_or(0);
        show(&vma, name.get(..len).unwrap_or(&[]));
    }
}

fn query(fd: i32, address: u64, flags: u64, name: &mut [u8]) -> Result<Vma, Errno> {
    let mut query = ProcmapQuery {
        size: size_of::<ProcmapQuery>() as u64,
        query_flags: flags,
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
fn read(fd: i32, wanted: impl Fn(&Vma) -> bool, name: &mut [u8; 4096]) -> Option<Vma> {
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
                Some(vma) if wanted(&vma) => {
                    let bytes = name_of_line(line);
                    if let Some(place) = name.get_mut(..bytes.len()) {
                        place.copy_from_slice(bytes);
                    }
                    return Some(vma);
                }
                _ => rest = behind.get(1..)?,
            }
        }
        let kept = rest.len();
        buffer.copy_within(filled - kept..filled, 0);
        filled = kept;
    }
}

/// What stands behind the five columns of a line.
fn name_of_line(line: &[u8]) -> &[u8] {
    let mut rest = line;
    for _ in 0..5 {
        let end = rest.iter().position(|&byte| byte == b' ').unwrap_or(rest.len());
        rest = rest.get(end..).unwrap_or(&[]).trim_ascii_start();
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::{Maps, find, kernel};

    fn read(fd: i32, address: u64) -> Option<super::Vma> {
        super::read(fd, |vma| vma.contains(address), &mut [0; 4096])
    }

    #[test]
    fn names_are_the_same_by_query_and_by_text() {
        let code = find as *const () as u64;
        let stack = &raw const code as u64;
        let maps = Maps::open().unwrap();
        for address in [code, stack] {
            let mut names = [[0; 4096]; 2];
            maps.find_named(address, &mut names[0]).unwrap();
            super::read(maps.fd, |vma| vma.contains(address), &mut names[1]).unwrap();
            let [query, text] = names.map(|name| core::ffi::CStr::from_bytes_until_nul(&name).unwrap().to_owned());
            assert_eq!(query, text);
            assert_eq!(text.to_bytes().starts_with(b"/"), address == code);
        }
    }

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

    #[test]
    fn executable_mappings_are_found_in_order_by_query_and_by_text() {
        let maps = Maps::open().unwrap();
        let (mut address, mut count) = (0, 0);
        while let Some(vma) = maps.next_executable(address) {
            assert!(vma.protection.execute && vma.end > address);
            let next = |other: &super::Vma| other.end > address && other.protection.execute;
            assert_eq!(super::read(maps.fd, next, &mut [0; 4096]), Some(vma));
            (address, count) = (vma.end, count + 1);
        }
        // Ours, libc's and the vDSO's at least.
        assert!(count >= 3, "{count}");
    }
}
