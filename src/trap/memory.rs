//! mprotect, pkey_mprotect, mremap, madvise: rewritten code gets its own bytes
//! back before the application can write it or move it, and before the kernel
//! drops a changed page, which could leave half of a jump.

#![allow(unsafe_code, reason = "makes the application's calls on its memory")]

use crate::kernel;
use crate::rewrite::rewriter;
use crate::trap::area::ThreadArea;

/// `MADV_DONTNEED_LOCKED` (`asm-generic/mman-common.h`).
const MADV_DONTNEED_LOCKED: i32 = 24;

/// Whether a call may write to, move or drop rewritten code.
pub(crate) fn is_concerned(area: &ThreadArea, number: u32) -> bool {
    let [_, _, third, ..] = area.call.args;
    match i64::from(number) {
        libc::SYS_mremap => true,
        libc::SYS_madvise => matches!(
            third as i32,
            libc::MADV_DONTNEED | libc::MADV_REMOVE | MADV_DONTNEED_LOCKED
        ),
        _ => third as i32 & libc::PROT_WRITE != 0,
    }
}

/// Serves the call if it concerns rewritten sites; None: nothing to do with us.
pub(crate) fn serve(area: &ThreadArea, number: u32) -> Option<i64> {
    if !is_concerned(area, number) {
        return None;
    }
    let [address, len, ..] = area.call.args;
    let end = address.checked_add(len)?;
    rewriter::restore_range(address..end, || {
        // SAFETY: the application's own call with its own arguments; while it
        // is made nothing in the range is being rewritten.
        unsafe { kernel::call_for_application(number.into(), area.call.args) }
    })
}
