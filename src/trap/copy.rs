//! Copies of the application's memory for tools and hooks, without asking the
//! kernel first whether it can be read: a fault of the copy comes to our handler,
//! which lets the copy end there.
//!
//! The kernel ends a process by a fault whose signal is blocked or ignored. So
//! each thread knows, in its [`Reach`], whether faults reach the handler; what may
//! change that makes it forget, and the next copy asks. Where they do not, or
//! where it is not known (in our handler, in threads that hooks make), each page
//! is probed as before ([`user`]).
//!
//! ```text
//!  usertrap_copy ─▶ looks at the thread's reach ─▶ rep movsb ─▶ usertrap_copy_done
//!                             │ no               fault │            ▲
//!                             ▼                        └────────────┘
//!                   usertrap_copy_refused        rcx: bytes that are left
//! ```
//!
//! A signal may come in between the look and the copy, and leave faults blocked
//! (`held`): then the handler lets the copy end as refused ([`leave`]).

#![allow(unsafe_code, reason = "reads memory by address")]

use core::arch::global_asm;
use core::mem::offset_of;
use core::sync::atomic::Ordering::{Relaxed, SeqCst};
use core::sync::atomic::{AtomicBool, AtomicU8};

use crate::abi::errno::Errno;
use crate::abi::sigframe::{SigContext, SigInfo, bit};
use crate::kernel;
use crate::kernel::user;
use crate::trap::area::ThreadArea;
use crate::trap::{areas, dispatch, raised};

const PAGE: u64 = 4096;

/// The signals of a copy's faults.
const FAULTS: u64 = bit(libc::SIGSEGV) | bit(libc::SIGBUS);

const UNKNOWN: u8 = 0;
/// The kernel is being asked; a signal makes it unknown again.
const ASKED: u8 = 1;
const OPEN: u8 = 2;
const SHUT: u8 = 3;

/// Whether faults of a thread reach our handler. Zero bytes are one that is not
/// known.
#[derive(Debug, Default)]
#[repr(C)]
pub(crate) struct Reach {
    state: AtomicU8,
    /// A copy is under way.
    copying: AtomicU8,
}

/// The application has ignored one of the signals, in any process that has this
/// memory; for good.
static IGNORED: AtomicBool = AtomicBool::new(false);

impl Reach {
    /// The thread's mask changes, or may have changed.
    pub(crate) fn forget(&self) {
        self.state.store(UNKNOWN, Relaxed);
    }

    /// Of a thread that begins.
    pub(crate) fn begin(&self) {
        self.forget();
        self.copying.store(0, Relaxed);
    }

    /// Asks the kernel.
    #[cold]
    #[inline(never)]
    fn ask(&self, held: bool) -> bool {
        self.state.store(ASKED, SeqCst);
        let open = kernel::mask() & FAULTS == 0;
        // With signals held back the mask is not the one that the thread goes on with.
        let found = match open {
            true => OPEN,
            false if held => UNKNOWN,
            false => SHUT,
        };
        self.state.compare_exchange(ASKED, found, SeqCst, SeqCst).is_ok() && open
    }
}

global_asm!(
    ".text",
    ".p2align 4, 0xcc",
    ".globl usertrap_copy",
    ".hidden usertrap_copy",
    ".globl usertrap_copy_done",
    ".hidden usertrap_copy_done",
    ".globl usertrap_copy_refused",
    ".hidden usertrap_copy_refused",
    ".type usertrap_copy, @function",
    ".cfi_startproc",
    // rdi = where to, rsi = from where, rdx = the thread's reach, rcx = bytes.
    // Returns the bytes that are left, or -1: to be probed.
    "usertrap_copy:",
    "mov byte ptr [rdx + {COPYING}], 1",
    "cmp byte ptr [rdx + {STATE}], {OPEN}",
    "jne usertrap_copy_refused",
    "cmp byte ptr [rip + {IGNORED}], 0",
    "jne usertrap_copy_refused",
    "rep movsb",
    "usertrap_copy_done:",
    "mov byte ptr [rdx + {COPYING}], 0",
    "mov rax, rcx",
    "ret",
    "usertrap_copy_refused:",
    "mov byte ptr [rdx + {COPYING}], 0",
    "mov rax, -1",
    "ret",
    ".cfi_endproc",
    ".size usertrap_copy, . - usertrap_copy",
    COPYING = const offset_of!(Reach, copying),
    STATE = const offset_of!(Reach, state),
    OPEN = const OPEN,
    IGNORED = sym IGNORED,
);

unsafe extern "C" {
    fn usertrap_copy(to: *mut u8, from: u64, reach: *const Reach, len: usize) -> u64;
    static usertrap_copy_done: u8;
    static usertrap_copy_refused: u8;
}

/// Whether the context is in the middle of a copy.
fn is_in_copy(context: &SigContext) -> bool {
    (usertrap_copy as *const () as u64..&raw const usertrap_copy_done as u64).contains(&context.rip)
}

/// A signal: the copy ends here if it is of the copy's own fault.
pub(crate) fn fault(info: &SigInfo, context: &mut SigContext) -> bool {
    let is_its = FAULTS & bit(info.signo) != 0 && is_in_copy(context) && raised::is_raised(info, context);
    // Not one that the process has sent to itself with such a code.
    let is_there = info.address == 0 || info.address.wrapping_sub(context.rsi) < context.rcx.max(1);
    if is_its && is_there {
        context.rip = &raw const usertrap_copy_done as u64;
    }
    is_its && is_there
}

/// The handler returns with this mask: no copy goes on if faults would end the process.
pub(crate) fn leave(context: &mut SigContext, mask: u64) {
    if mask & FAULTS != 0 && is_in_copy(context) {
        context.rip = &raw const usertrap_copy_refused as u64;
    }
}

/// The application is about to ignore these signals: returns when no copy of any
/// thread is under way that does not know it.
pub(crate) fn about_to_ignore(signals: u64) {
    let is_known = signals & FAULTS == 0 || IGNORED.swap(true, SeqCst);
    if is_known || dispatch::hook().is_none() || areas::is_alone() {
        return;
    }
    /// A copy takes less, unless its process was killed in it.
    const LONGEST: u32 = 10_000;
    let own = areas::current();
    if kernel::membarrier(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED).is_err() {
        let _ = kernel::membarrier(libc::MEMBARRIER_CMD_GLOBAL);
    }
    areas::for_each(|area| {
        for _ in 0..LONGEST {
            // SAFETY: areas are never unmapped.
            let copying = unsafe { (*area).in_use.load(Relaxed) && (*area).reach.copying.load(SeqCst) != 0 };
            if area == own || !copying {
                return;
            }
            kernel::yield_now();
        }
    });
}

/// The calling thread's area, if it is on its hook stack.
fn here() -> Option<&'static ThreadArea> {
    let on_the_stack = 0u8;
    let at = &raw const on_the_stack as u64;
    // SAFETY: the thread's own, which is never unmapped.
    let area = unsafe { areas::around(at).as_ref() };
    area.filter(|area| !area.on_signal_stack(at))
}

/// The calling thread, in a hook, is about to change its mask.
pub(crate) fn mask_changes() {
    if let Some(area) = here() {
        area.reach.forget();
    }
}

/// Copies as much as can be read: the bytes that are left. None: it is not known.
fn copy(to: &mut [u8], from: u64) -> Option<usize> {
    let area = here()?;
    let state = area.reach.state.load(Relaxed);
    if state != OPEN && (state == SHUT || !area.reach.ask(area.held.load(Relaxed) != 0)) {
        return None;
    }
    // SAFETY: the buffer is live; whatever `from` is, a fault ends the copy.
    let left = unsafe { usertrap_copy(to.as_mut_ptr(), from, &raw const area.reach, to.len()) };
    (left != u64::MAX).then_some(left as usize)
}

/// Copies memory of the application.
///
/// # Errors
/// EFAULT if a part of it cannot be read.
pub fn copy_in(out: &mut [u8], address: u64) -> Result<(), Errno> {
    match copy(out, address) {
        Some(0) => Ok(()),
        Some(_) => Err(Errno::EFAULT),
        None => user::copy_in(out, address),
    }
}

/// [`copy_in`] of one word.
pub(crate) fn copy_in_u64(address: u64) -> Result<u64, Errno> {
    let mut bytes = [0; 8];
    copy_in(&mut bytes, address)?;
    Ok(u64::from_ne_bytes(bytes))
}

/// [`copy_in`] for who reads much in a few pages ([`user::Reader`]).
#[derive(Default)]
pub(crate) struct Reader(user::Reader);

impl Reader {
    /// Copies memory of the application.
    ///
    /// # Errors
    /// EFAULT if a part of it cannot be read.
    pub(crate) fn copy_in(&self, out: &mut [u8], address: u64) -> Result<(), Errno> {
        match copy(out, address) {
            Some(0) => Ok(()),
            Some(_) => Err(Errno::EFAULT),
            None => self.0.copy_in(out, address),
        }
    }
}

/// Whether all of `len` bytes can be read.
///
/// # Errors
/// EFAULT if not.
pub(crate) fn probe(address: u64, len: u64) -> Result<(), Errno> {
    let end = address.checked_add(len).ok_or(Errno::EFAULT)?;
    let mut at = address;
    while at < end {
        if copy_in(&mut [0], at).is_err() {
            return Err(Errno::EFAULT);
        }
        at = (at & !(PAGE - 1)) + PAGE;
    }
    Ok(())
}

/// Copies a string of the application with its final zero; its length without.
///
/// # Errors
/// EFAULT if a part of it cannot be read, ENAMETOOLONG if it does not fit.
pub(crate) fn copy_string(out: &mut [u8], address: u64) -> Result<usize, Errno> {
    /// Bytes that are copied at a time. None beyond the page in which the string ends.
    const PIECE: u64 = 64;
    let mut len = 0;
    loop {
        let at = address.checked_add(len as u64).ok_or(Errno::EFAULT)?;
        let most = PIECE.min(PAGE - at % PAGE) as usize;
        let rest = out.get_mut(len..).unwrap_or(&mut []);
        let most = most.min(rest.len());
        let piece = rest.get_mut(..most).unwrap_or(&mut []);
        if piece.is_empty() {
            return Err(Errno::ENAMETOOLONG);
        }
        match copy(piece, at) {
            Some(0) => {}
            Some(_) => return Err(Errno::EFAULT),
            None => return user::copy_string(rest, at).map(|more| len + more),
        }
        if let Some(end) = end_of_string(piece) {
            return Ok(len + end);
        }
        len += most;
    }
}

/// Where a string ends: eight bytes are looked at at once.
fn end_of_string(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let nulls = word.wrapping_sub(ONES) & !word & (ONES << 7);
        if nulls != 0 {
            return Some(index * 8 + nulls.trailing_zeros() as usize / 8);
        }
    }
    let end = rest.iter().position(|&byte| byte == 0)?;
    Some(words.len() * 8 + end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_end_at_their_first_null() {
        for len in 0..40 {
            let mut bytes = vec![0x80; len];
            assert_eq!(end_of_string(&bytes), None);
            for end in (0..len).rev() {
                bytes[end] = 0;
                // Bytes by which words look as if they had a null.
                bytes[end + 1..].fill(if end % 2 == 0 { 1 } else { 0 });
                assert_eq!(end_of_string(&bytes), Some(end));
            }
        }
    }
}
