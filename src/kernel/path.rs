//! Our own calls on paths.

#![allow(unsafe_code, reason = "system calls act on raw memory")]

use core::ffi::CStr;

use crate::abi::errno::Errno;
use crate::kernel::{call, checked, six};

/// Device and inode of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FileId {
    pub(crate) device: u64,
    pub(crate) inode: u64,
}

/// newfstatat(2): which file a path leads to.
pub(crate) fn stat_at(directory: i32, path: &CStr) -> Result<FileId, Errno> {
    // SAFETY: all-zero is a valid `stat`, plain data.
    let mut stat: libc::stat = unsafe { core::mem::zeroed() };
    let args = [directory as u64, path.as_ptr() as u64, &raw mut stat as u64, 0];
    // SAFETY: a live C string and a live buffer of the kernel's layout.
    checked(unsafe { call(libc::SYS_newfstatat, six(args)) })?;
    Ok(FileId {
        device: stat.st_dev,
        inode: stat.st_ino,
    })
}

/// readlinkat(2): how many bytes of the link's text were read.
pub(crate) fn readlink_at(directory: i32, path: &CStr, out: &mut [u8]) -> Result<usize, Errno> {
    let args = [
        directory as u64,
        path.as_ptr() as u64,
        out.as_mut_ptr() as u64,
        out.len() as u64,
    ];
    // SAFETY: a live C string, and a live buffer that is exclusively ours.
    checked(unsafe { call(libc::SYS_readlinkat, six(args)) }).map(|len| len as usize)
}

/// faccessat2(2) with the effective ids: whether a file may be used so.
pub(crate) fn access(path: &CStr, mode: i32) -> Result<(), Errno> {
    let args = [
        libc::AT_FDCWD as u64,
        path.as_ptr() as u64,
        mode as u64,
        libc::AT_EACCESS as u64,
    ];
    // SAFETY: a live C string.
    checked(unsafe { call(libc::SYS_faccessat2, six(args)) }).map(drop)
}
