//! Copies of code in which many sites are rewritten at once, by one call in the end: for
//! code that nobody runs meanwhile.

#![allow(unsafe_code, reason = "copies code")]

use core::cell::Cell;
use core::ops::Range;

use crate::kernel;
use crate::rewrite::writer::OwnMemory;

/// Code, and its copy.
#[derive(Clone, Copy)]
pub(super) struct Shadow {
    start: u64,
    len: usize,
    copy: u64,
    /// What has been written, from the start: a range.
    from: usize,
    to: usize,
}

/// What is shadowed: trampolines, and the code of sites.
#[derive(Default)]
pub(super) struct Shadows([Cell<Option<Shadow>>; 2]);

impl Shadows {
    /// Writes to the copy. False if there is none of that place.
    pub(super) fn write(&self, at: u64, bytes: &[u8]) -> bool {
        for place in &self.0 {
            let Some(mut shadow) = place.get() else { continue };
            let Some(from) = at.checked_sub(shadow.start).map(|offset| offset as usize) else {
                continue;
            };
            if from + bytes.len() > shadow.len {
                continue;
            }
            // SAFETY: the copy is of that length, and nobody else's.
            unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), (shadow.copy as *mut u8).add(from), bytes.len()) };
            shadow.from = shadow.from.min(from);
            shadow.to = shadow.to.max(from + bytes.len());
            place.set(Some(shadow));
            return true;
        }
        false
    }
}

/// A copy in the place of code; without [`Cast::finish`] the code stays as it was.
pub(super) struct Cast<'a> {
    memory: &'a OwnMemory,
    place: &'a Cell<Option<Shadow>>,
    shadow: Shadow,
}

impl<'a> Cast<'a> {
    /// From now on what `memory` writes to `range` goes to a copy. None: there is no
    /// memory for it, or there are two already.
    ///
    /// # Safety
    /// All of the range must be readable.
    pub(super) unsafe fn over(memory: &'a OwnMemory, range: Range<u64>) -> Option<Cast<'a>> {
        let place = memory.shadows().0.iter().find(|place| place.get().is_none())?;
        let len = (range.end - range.start) as usize;
        let copy = kernel::map(0, len, libc::PROT_READ | libc::PROT_WRITE, 0).ok()?;
        // SAFETY: by the contract; the copy is fresh.
        unsafe { core::ptr::copy_nonoverlapping(range.start as *const u8, copy as *mut u8, len) };
        let shadow = Shadow {
            start: range.start,
            len,
            copy,
            from: len,
            to: 0,
        };
        place.set(Some(shadow));
        Some(Cast { memory, place, shadow })
    }

    /// The copy as it is.
    pub(super) fn bytes(&self) -> &[u8] {
        // SAFETY: of that length; who holds the slice does not write meanwhile.
        unsafe { core::slice::from_raw_parts(self.shadow.copy as *const u8, self.shadow.len) }
    }

    /// Writes the copy to the code: `whole`, or what is new. Whether that was possible.
    pub(super) fn finish(self, whole: bool) -> bool {
        let Some(Shadow { from, to, .. }) = self.place.take() else {
            return false;
        };
        let part = if whole { 0..self.shadow.len } else { from..to };
        let at = self.shadow.start + part.start as u64;
        part.is_empty() || self.bytes().get(part).is_some_and(|bytes| self.memory.write(at, bytes))
    }
}

impl Drop for Cast<'_> {
    fn drop(&mut self) {
        self.place.set(None);
        // SAFETY: nobody else knows of the copy.
        unsafe { kernel::unmap(self.shadow.copy, self.shadow.len) };
    }
}
