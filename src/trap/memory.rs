//! mprotect, pkey_mprotect, mremap: rewritten code gets its own bytes back
//! before the application can write it or move it.

#![allow(unsafe_code, reason = "makes the application's calls on its memory")]

use crate::kernel;
use crate::rewrite::rewriter;
use crate::trap::area::ThreadArea;

/// Serves the call if it concerns rewritten sites; None: nothing to do with us.
pub(crate) fn serve(area: &ThreadArea, number: u32) -> Option<i64> {
    let [address, len, third, ..] = area.call.args;
    let moves = i64::from(number) == libc::SYS_mremap;
    if !moves && third as i32 & libc::PROT_WRITE == 0 {
        return None;
    }
    let end = address.checked_add(len)?;
    rewriter::restore_range(address..end, || {
        // SAFETY: the application's own call with its own arguments; while it
        // is made nothing in the range is being rewritten.
        unsafe { kernel::call(number.into(), area.call.args) }
    })
}
