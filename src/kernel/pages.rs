//! Pages of memory as a whole: doubled, dropped, taken from a file, asked for.

#![allow(unsafe_code, reason = "system calls act on raw memory")]

use core::ops::Range;

use crate::abi::errno::Errno;
use crate::kernel::{self, checked, syscall};

const PAGE: u64 = 4096;

/// mremap(2) with `MREMAP_DONTUNMAP`: maps the file that is mapped at `from` at
/// `to` as well, over what is there, with the same protection.
///
/// # Errors
/// EINVAL before Linux 5.13, EFAULT if `from` is not one mapping.
///
/// # Safety
/// Both ranges must be ours, and `from` a private mapping of a file that nobody
/// has written to: it is read from the file again.
pub(crate) unsafe fn double(from: u64, to: u64, len: usize) -> Result<(), Errno> {
    let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED | libc::MREMAP_DONTUNMAP;
    // SAFETY: by the contract.
    checked(unsafe { syscall!(SYS_mremap, from, len, len, flags, to) }).map(drop)
}

/// madvise(2) with `MADV_DONTNEED`: pages of a file are mapped anew when they are
/// used again.
///
/// # Safety
/// The range must be a private mapping of a file that nobody has written to.
pub(crate) unsafe fn drop_clean(address: u64, len: usize) {
    // SAFETY: by the contract.
    let _ = unsafe { syscall!(SYS_madvise, address, len, libc::MADV_DONTNEED) };
}

/// mmap(2) of a file's part over what is at `address`: a private mapping that can
/// be written.
///
/// # Errors
/// What mmap says; what was there is there still.
///
/// # Safety
/// The range must be ours, and hold what the file has there.
pub(crate) unsafe fn take_from_file(address: u64, len: usize, fd: i32, offset: u64) -> Result<(), Errno> {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_FIXED;
    // SAFETY: by the contract.
    checked(unsafe { syscall!(SYS_mmap, address, len, protection, flags, fd, offset) }).map(drop)
}

/// What /proc/self/pagemap says of pages (`admin-guide/mm/pagemap.rst`).
pub(crate) struct PageMap {
    fd: Option<i32>,
}

impl Drop for PageMap {
    fn drop(&mut self) {
        if let Some(fd) = self.fd {
            kernel::close(fd);
        }
    }
}

/// Pages that are asked for at once.
const CHUNK: usize = 128;

impl PageMap {
    /// Without /proc it knows nothing.
    pub(crate) fn open() -> PageMap {
        let fd = kernel::open(c"/proc/self/pagemap", libc::O_RDONLY, 0).ok();
        PageMap { fd }
    }

    /// Shows the pages of a range of anonymous memory that may have been used: in
    /// the others are zeros.
    pub(crate) fn used(&self, range: Range<u64>, mut show: impl FnMut(u64)) {
        let mut words = [[0u8; 8]; CHUNK];
        let mut page = range.start;
        while page < range.end {
            let count = CHUNK.min(((range.end - page) / PAGE) as usize).max(1);
            let words = words.get_mut(..count).unwrap_or_default();
            let bytes = words.as_flattened_mut();
            let read = self.fd.and_then(|fd| kernel::pread(fd, bytes, page / PAGE * 8).ok());
            let known = read == Some(bytes.len());
            for word in &*words {
                if !known || u64::from_le_bytes(*word) & (PRESENT | SWAPPED) != 0 {
                    show(page);
                }
                page += PAGE;
            }
        }
    }
}

const PRESENT: u64 = 1 << 63;
const SWAPPED: u64 = 1 << 62;
