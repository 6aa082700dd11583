//! Rewrites calls in code of guests that nobody has executed yet.
//!
//! ```text
//!  mov $nr,%eax   b8 imm32        jmp trampoline   e9 rel32
//!  syscall        0f 05           (stays, never reached)
//! ```
//!
//! Here nothing has trapped: that a `0f 05` is a call is as little certain as the
//! rest, so the prover has to find both instructions. What it does not prove stays as
//! it is, and the kernel makes the call unseen.

#![allow(unsafe_code, reason = "writes code")]

use core::sync::atomic::{AtomicU64, Ordering};

use crate::guest::calls::INTERCEPTED;
use crate::guest::{space, switch};
use crate::kernel;
use crate::kernel::log;
use crate::rewrite::lock;
use crate::rewrite::site::{self, Code, Form, Place};
use crate::rewrite::trampoline::{Ours, SIZE, near_jump, trampoline};
use crate::rewrite::writer::OwnMemory;
use crate::setup::config::Level;

const PAGE: u64 = 4096;
/// `mov $imm32,%eax; syscall`.
const PATTERN: usize = 7;
/// Code before a site that the prover gets to see.
const AROUND: usize = 4096;
/// Trampolines of one mapping.
const ROOM: usize = PAGE as usize / SIZE * 2;

/// Mappings of code that is only to be read: start and end.
static MAPPED: [[AtomicU64; 2]; 64] = [const { [const { AtomicU64::new(0) }; 2] }; 64];

/// The code in the mapping around `address`, if it stays as it is.
pub(super) fn around(address: u64) -> Option<Code<'static>> {
    let found = MAPPED.iter().rev().find_map(|[start, end]| {
        let range = start.load(Ordering::Relaxed)..end.load(Ordering::Relaxed);
        range.contains(&address).then_some(range)
    })?;
    let len = (found.end - found.start) as usize;
    // SAFETY: a mapping of a library that is in use; readable as all code of libraries is.
    let bytes = unsafe { core::slice::from_raw_parts(found.start as *const u8, len) };
    Some(Code {
        bytes,
        base: found.start,
    })
}

/// Notes a mapping of code.
fn note(start: u64, len: u64) {
    let free = |place: &&[AtomicU64; 2]| place[1].load(Ordering::Relaxed) == 0;
    if let Some([from, to]) = MAPPED.iter().find(free) {
        from.store(start, Ordering::Relaxed);
        to.store(start.saturating_add(len), Ordering::Relaxed);
    }
}

/// Rewrites the calls of a mapping that was just made, with this protection.
pub(super) fn code(start: u64, len: u64, protection: i32) {
    if protection & libc::PROT_WRITE == 0 {
        note(start, len);
    }
    // Our descriptor is in the application's table for a moment.
    let _guard = lock::take();
    let memory = OwnMemory::open();
    let writer = Writer {
        memory: memory.as_ref(),
        protection,
    };
    // SAFETY: just mapped, and readable as all code of libraries is.
    let bytes = unsafe { core::slice::from_raw_parts(start as *const u8, len as usize) };
    let mut trampolines = None;
    let mut used = 0;
    for at in 0..bytes.len().saturating_sub(PATTERN - 1) {
        let Some(&[0xb8, a, b, 0, 0, 0x0f, 0x05]) = bytes.get(at..at + PATTERN) else {
            continue;
        };
        let number = u32::from_le_bytes([a, b, 0, 0]);
        let head = start + at as u64;
        if !INTERCEPTED.contains(&number.into()) || !is_proved(bytes, start, at, number) {
            continue;
        }
        let Some(place) = trampolines.or_else(map_trampolines) else {
            return;
        };
        trampolines = Some(place);
        if used == ROOM {
            log::line(
                Level::Warn,
                format_args!("a hook's library makes more calls than expected"),
            );
            return;
        }
        let here = place + (used * SIZE) as u64;
        let jump = near_jump(head, here);
        let made = trampoline(
            &Form::Number { nr: number },
            here,
            head + PATTERN as u64,
            switch::entry(),
        );
        if let (Some(jump), Some(made)) = (jump, made)
            && writer.put(here, &made.bytes)
            && writer.put(head, &jump)
        {
            used += 1;
        }
    }
}

/// Room for the trampolines of one mapping.
fn map_trampolines() -> Option<u64> {
    let place = space::reserve((ROOM * SIZE) as u64, true);
    let protection = libc::PROT_READ | libc::PROT_EXEC;
    kernel::map(place, ROOM * SIZE, protection, libc::MAP_FIXED_NOREPLACE).ok()
}

/// Writes to code that nobody executes yet.
struct Writer<'a> {
    memory: Option<&'a OwnMemory>,
    protection: i32,
}

impl Writer<'_> {
    /// Writes as the rewriter does: so that no page is ever writable, where the kernel
    /// lets us.
    fn put(&self, at: u64, bytes: &[u8]) -> bool {
        if self.memory.is_some_and(|memory| memory.write(at, bytes)) {
            return true;
        }
        let start = at & !(PAGE - 1);
        let len = ((at + bytes.len() as u64).next_multiple_of(PAGE) - start) as usize;
        // SAFETY: private memory of guests, and code that nobody executes yet.
        unsafe {
            if kernel::protect(start, len, libc::PROT_READ | libc::PROT_WRITE).is_err() {
                return false;
            }
            core::ptr::copy_nonoverlapping(bytes.as_ptr(), at as *mut u8, bytes.len());
            kernel::protect(start, len, self.protection).is_ok()
        }
    }
}

fn is_proved(bytes: &[u8], start: u64, at: usize, number: u32) -> bool {
    let from = at.saturating_sub(AROUND);
    let to = (at + AROUND).min(bytes.len());
    let code = Code {
        bytes: bytes.get(from..to).unwrap_or(&[]),
        base: start + from as u64,
    };
    let site = start + at as u64 + 5;
    site::prove_among(&Place::new(&code, site, number.into(), &Ours::NONE), |_| None) == Ok(Form::Number { nr: number })
}
