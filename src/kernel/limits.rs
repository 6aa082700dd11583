//! Limits of resources.

#![allow(unsafe_code, reason = "system calls act on raw memory")]

use crate::abi::errno::Errno;
use crate::kernel::{checked, syscall};

/// The soft limit of a resource.
pub fn limit(resource: i32) -> Result<u64, Errno> {
    let mut old = [0u64; 2];
    // SAFETY: the pointer is to a live `struct rlimit64`.
    checked(unsafe { syscall!(SYS_prlimit64, 0, resource, 0, old.as_mut_ptr()) })?;
    Ok(old[0])
}

/// prlimit64(2) of RLIMIT_NOFILE: sets (if given), returns the old (soft, hard).
pub fn file_limit(new: Option<(u64, u64)>) -> Result<(u64, u64), Errno> {
    limits(libc::RLIMIT_NOFILE as i32, new)
}

/// prlimit64(2): sets (if given), returns the old (soft, hard).
pub fn limits(resource: i32, new: Option<(u64, u64)>) -> Result<(u64, u64), Errno> {
    let new = new.map(|(soft, hard)| [soft, hard]);
    let mut old = [0u64; 2];
    let pointer = new.as_ref().map_or(core::ptr::null(), |n| n.as_ptr());
    // SAFETY: both point to live `struct rlimit64`s.
    checked(unsafe { syscall!(SYS_prlimit64, 0, resource, pointer, old.as_mut_ptr()) })?;
    Ok((old[0], old[1]))
}
