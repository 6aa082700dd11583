//! Large states that a process asks for permission to use (AMX tiles): the kernel
//! then refuses signal stacks on which no frame with them fits, and the permission
//! while a thread has such a stack (`arch/x86/kernel/signal.c`,
//! `arch/x86/kernel/fpu/xstate.c`). It only knows our stacks, so it is asked about
//! the application's.

#![allow(unsafe_code, reason = "asks the kernel")]

use core::sync::atomic::{AtomicU64, Ordering};

use crate::abi::errno::Errno;
use crate::abi::sigframe::AltStack;
use crate::kernel;
use crate::trap::area::ThreadArea;
use crate::trap::{areas, mask};

/// `ARCH_GET_XCOMP_PERM` of `asm/prctl.h`.
const ARCH_GET_XCOMP_PERM: u64 = 0x1022;
/// `ARCH_REQ_XCOMP_PERM` of `asm/prctl.h`.
pub(crate) const ARCH_REQ_XCOMP_PERM: u64 = 0x1023;
/// The component of XCR0 that holds the tiles (SDM volume 1, 13.1), the only one
/// that wants a permission.
const XTILE_DATA: u64 = 18;

/// AT_MINSIGSTKSZ: bytes of the largest frame that the kernel writes.
static LARGEST_FRAME: AtomicU64 = AtomicU64::new(0);

/// Takes the auxiliary vector's AT_MINSIGSTKSZ.
pub(crate) fn configure(largest_frame: u64) {
    LARGEST_FRAME.store(largest_frame, Ordering::Relaxed);
}

/// Whether there are tiles: they alone take 8 KiB of a frame.
fn exist() -> bool {
    LARGEST_FRAME.load(Ordering::Relaxed) > 8 << 10
}

/// Whether the process may use them.
fn are_permitted() -> bool {
    let mut permitted = 0u64;
    // SAFETY: the pointer is to a live local. An older kernel says EINVAL.
    unsafe { kernel::syscall!(SYS_arch_prctl, ARCH_GET_XCOMP_PERM, &raw mut permitted) };
    permitted >> XTILE_DATA & 1 != 0
}

/// Whether the kernel takes a signal stack of this size; with a permission only
/// it knows.
pub(crate) fn fit(area: &ThreadArea, size: u64) -> bool {
    let ours = area.signal_stack();
    if size >= ours.size || !exist() || !are_permitted() {
        return true;
    }
    // No signal may come on a stack that may be too small.
    mask::block_all(area);
    // SAFETY: the stack is a part of ours, which is set again at once.
    unsafe {
        let taken = kernel::sigaltstack(Some(&AltStack { size, ..ours }));
        let _ = kernel::sigaltstack(Some(&ours));
        taken.is_ok()
    }
}

/// The error for a request for permission, if one of the application's signal
/// stacks is too small for it. None: the kernel decides.
pub(crate) fn refuse(component: u64) -> Option<Errno> {
    let largest = LARGEST_FRAME.load(Ordering::Relaxed);
    let mut is_small = false;
    areas::for_each(|area| {
        // SAFETY: areas are never unmapped; the size is a word that its thread may
        // set at the same time, as natively.
        unsafe {
            let size = (&raw const (*area).altstack.size).read_volatile();
            is_small |= (*area).in_use.load(Ordering::Relaxed) && size != 0 && size < largest;
        }
    });
    (is_small && component == XTILE_DATA && exist() && !are_permitted()).then_some(Errno::ENOSPC)
}
