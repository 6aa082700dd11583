//! FS, which leads to a libc's thread block: the application's, or the guests'.

#![allow(unsafe_code, reason = "reads and writes FS")]

use core::arch::asm;

use crate::kernel;
use crate::trap::gs::has_fsgsbase;

/// `ARCH_SET_FS` and `ARCH_GET_FS` (`asm/prctl.h`).
const ARCH_SET_FS: u64 = 0x1002;
const ARCH_GET_FS: u64 = 0x1003;

/// FS's base.
pub(super) fn base() -> u64 {
    let mut base = 0u64;
    if has_fsgsbase() {
        // SAFETY: the kernel has enabled the instruction.
        unsafe { asm!("rdfsbase {}", out(reg) base, options(nomem, nostack, preserves_flags)) };
    } else {
        // SAFETY: the kernel writes to a live local.
        unsafe { kernel::syscall!(SYS_arch_prctl, ARCH_GET_FS, &raw mut base) };
    }
    base
}

/// # Safety
/// The code that runs until it is set again gets along with it; the core does not
/// use FS.
pub(super) unsafe fn set(base: u64) {
    if has_fsgsbase() {
        // SAFETY: enabled by the kernel; the rest by the contract.
        unsafe { asm!("wrfsbase {}", in(reg) base, options(nostack, preserves_flags)) };
    } else {
        // SAFETY: by the contract.
        unsafe { kernel::syscall!(SYS_arch_prctl, ARCH_SET_FS, base) };
    }
}

/// Runs `run` with another base.
pub(super) fn with<R>(other: u64, run: impl FnOnce() -> R) -> R {
    let own = base();
    // SAFETY: `run` is code of the guests, whose block it is; then it is as before.
    unsafe { set(other) };
    let result = run();
    // SAFETY: as before.
    unsafe { set(own) };
    result
}
