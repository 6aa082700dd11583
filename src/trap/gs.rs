//! GS: ours until the application takes it for itself (Wine, emulators).
//!
//! While it is ours, GS leads the entry to the thread's area. Once one thread of
//! the application has used it, no thread's calls need it any more: all sites
//! have their own bytes again, every call takes the trap, the handler finds the
//! area by its stack and puts the call into it (`trapped::enter_taken`), and from
//! there on rsp leads to it, in the kernel too. So GS holds the application's
//! value all the time, whoever looks, and children inherit it as they do
//! natively. Which threads are that far, [`ThreadArea::owns_gs`] says: others
//! follow at their next call.

#![allow(unsafe_code, reason = "reads and writes GS")]

use core::arch::asm;
use core::sync::atomic::{AtomicBool, Ordering};

use crate::kernel;
use crate::rewrite::rewriter;
use crate::trap::area::ThreadArea;

/// GS's base lies this far below the area. If the application has changed it
/// unseen (`wrgsbase`, a selector in `%gs`), the entry's first access goes so far
/// above the application's own base, where as a rule nothing is mapped: the
/// fault tells, and nothing has been done yet. Displacements are below 2 GiB.
pub(crate) const BIAS: usize = 0x7ff0_0000;

/// Whether wrgsbase and rdgsbase work (AT_HWCAP2 bit 1); read by `entry`.
pub(crate) static FSGSBASE: AtomicBool = AtomicBool::new(false);

/// The application uses GS; for good.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Sets whether wrgsbase and rdgsbase work.
pub(crate) fn configure(fsgsbase: bool) {
    FSGSBASE.store(fsgsbase, Ordering::Relaxed);
}

/// Whether the instructions that read and write the bases of FS and GS work.
pub(crate) fn has_fsgsbase() -> bool {
    FSGSBASE.load(Ordering::Relaxed)
}

/// The calling thread's GS base.
fn base() -> u64 {
    if !FSGSBASE.load(Ordering::Relaxed) {
        return kernel::gs_base();
    }
    let base: u64;
    // SAFETY: the kernel has enabled the instruction (AT_HWCAP2).
    unsafe { asm!("rdgsbase {}", out(reg) base, options(nomem, nostack, preserves_flags)) };
    base
}

/// # Safety
/// No code that runs in this thread may need the base that it had.
unsafe fn set_base(base: u64) {
    if FSGSBASE.load(Ordering::Relaxed) {
        // SAFETY: enabled by the kernel; the rest by the contract.
        unsafe { asm!("wrgsbase {}", in(reg) base, options(nostack, preserves_flags)) };
    } else {
        // SAFETY: by the contract.
        unsafe { kernel::set_gs_base(base) };
    }
}

fn leads_to(area: &ThreadArea) -> u64 {
    (core::ptr::from_ref(area) as u64).wrapping_sub(BIAS as u64)
}

/// Lets GS lead to the area of a thread that is new to us, unless the
/// application uses it.
pub(crate) fn install(area: &mut ThreadArea) {
    area.owns_gs = !TAKEN.load(Ordering::Acquire) && base() == 0;
    if area.owns_gs {
        // SAFETY: 0 is nobody's.
        unsafe { set_base(leads_to(area)) };
    }
}

/// Gives GS back: the thread is no longer ours, or the application takes it.
pub(crate) fn give_back(area: &mut ThreadArea) {
    if core::mem::take(&mut area.owns_gs) && base() == leads_to(area) {
        // SAFETY: ours; and from here on the way out of this call does not need
        // it: it is answered, or goes by rsp (`dispatch::enter_taken`).
        unsafe { set_base(0) };
    }
}

/// Whether GS leads to the area of this thread, whose next call begins.
pub(crate) fn is_ours(area: &mut ThreadArea) -> bool {
    if TAKEN.load(Ordering::Acquire) || area.owns_gs && base() != leads_to(area) {
        give_back(area);
    }
    area.owns_gs
}

/// The application uses GS: from now on calls take the trap. Waits for the
/// rewriter's lock.
pub(crate) fn take() {
    if !TAKEN.load(Ordering::Acquire) {
        rewriter::restore_all();
        TAKEN.store(true, Ordering::Release);
    }
}
