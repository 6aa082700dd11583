//! mprotect, pkey_mprotect, mremap, madvise: rewritten code gets its own bytes
//! back before the application can write it or move it, and before the kernel
//! drops a changed page, which could leave half of a jump.
//!
//! mmap and mprotect: code that becomes executable is rewritten at once, if that
//! is wanted. Where the process runs without the arm it is vetted first
//! (`trap::disarmed`).

#![allow(unsafe_code, reason = "makes the application's calls on its memory")]

use crate::abi::errno::Errno;
use crate::kernel;
use crate::rewrite::{load, rewriter};
use crate::trap::area::ThreadArea;
use crate::trap::disarmed;

/// `MADV_DONTNEED_LOCKED` (`asm-generic/mman-common.h`).
const MADV_DONTNEED_LOCKED: i32 = 24;

/// Whether a call may write to, move or drop rewritten code, or make code that is
/// rewritten before it runs.
pub(crate) fn is_concerned(area: &ThreadArea, number: u32) -> bool {
    disturbs(area, number) || makes_code(area, number) || disarmed::is_concerned(area, number)
}

fn disturbs(area: &ThreadArea, number: u32) -> bool {
    let [_, _, third, ..] = area.call.args;
    match i64::from(number) {
        libc::SYS_mremap => true,
        libc::SYS_madvise => matches!(
            third as i32,
            libc::MADV_DONTNEED | libc::MADV_REMOVE | MADV_DONTNEED_LOCKED
        ),
        libc::SYS_mprotect | libc::SYS_pkey_mprotect => third as i32 & libc::PROT_WRITE != 0,
        _ => false,
    }
}

fn makes_code(area: &ThreadArea, number: u32) -> bool {
    let [_, _, protection, flags, ..] = area.call.args;
    match i64::from(number) {
        libc::SYS_mmap => load::is_code(protection) && flags as i32 & (libc::MAP_SHARED | libc::MAP_ANONYMOUS) == 0,
        libc::SYS_mprotect | libc::SYS_pkey_mprotect => load::is_code(protection),
        _ => false,
    }
}

/// Serves the call if it concerns rewritten sites; None: nothing to do with us.
pub(crate) fn serve(area: &ThreadArea, number: u32) -> Option<i64> {
    if let Some(result) = disarmed::serve(area, number) {
        return Some(result);
    }
    let [address, len, ..] = area.call.args;
    // SAFETY: the application's own call with its own arguments.
    let made = || unsafe { kernel::call_for_application(number.into(), area.call.args) };
    if disturbs(area, number) {
        let end = address.checked_add(len)?;
        // While it is made nothing in the range is being rewritten.
        return rewriter::restore_range(address..end, made);
    }
    if !makes_code(area, number) {
        return None;
    }
    let result = made();
    if Errno::from_result(result).is_none() {
        let start = if i64::from(number) == libc::SYS_mmap {
            result as u64
        } else {
            address
        };
        load::rewrite(start..start.saturating_add(len));
    }
    Some(result)
}
