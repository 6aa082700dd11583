//! The vector state around hooks that may use all of it.
//!
//! xmm0–xmm15 have been saved by the entry already. Here the rest: the upper
//! halves, zmm16–zmm31, mask registers, mxcsr and x87, by plain moves; x87 and
//! the question what is in use go by xsave, since no plain move answers them.

#![allow(unsafe_code, reason = "saves and loads registers")]

use core::arch::{asm, naked_asm};
use core::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// What the CPU and the kernel have.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Debug)]
#[repr(u8)]
pub(crate) enum Features {
    /// xmm only.
    Sse = 0,
    /// ymm0–ymm15.
    Avx = 1,
    /// zmm0–zmm31, k0–k7.
    Avx512 = 2,
}

static FEATURES: AtomicU8 = AtomicU8::new(Features::Sse as u8);

/// Bits of XCR0 and of XINUSE (SDM volume 1, 13.1).
const X87: u64 = 1 << 0;
const AVX: u64 = 1 << 2;
const OPMASK: u64 = 1 << 5;
const ZMM_HI256: u64 = 1 << 6;
const HI16_ZMM: u64 = 1 << 7;

/// Buffer for one thread.
#[repr(C, align(64))]
pub(crate) struct State {
    zmm: [[u64; 8]; 32],
    k: [u64; 8],
    /// An xsave image that says "initial state" for all components.
    initial: [u64; 72],
    /// fnsave's image: 108 bytes.
    x87: [u64; 14],
    in_use: u64,
    mxcsr: u32,
}

/// Whether hooks get the whole vector state kept around them.
static KEPT: AtomicBool = AtomicBool::new(false);

/// See [`KEPT`].
pub(crate) fn kept() -> bool {
    KEPT.load(Ordering::Relaxed)
}

/// Looks at the CPU once, and notes whether the hook wants all of it kept.
pub(crate) fn configure(keep_all: bool) {
    KEPT.store(keep_all, Ordering::Relaxed);
    use core::arch::x86_64::{__cpuid, __cpuid_count};
    let leaf1 = __cpuid(1);
    let osxsave = leaf1.ecx >> 27 & 1 != 0;
    if !osxsave || leaf1.ecx >> 28 & 1 == 0 {
        return;
    }
    let xcr0 = xgetbv::<0>();
    let has_xgetbv1 = __cpuid_count(0xd, 1).eax >> 2 & 1 != 0;
    if xcr0 & AVX == 0 || !has_xgetbv1 {
        return;
    }
    let avx512f = __cpuid_count(7, 0).ebx >> 16 & 1 != 0;
    let avx512bw = __cpuid_count(7, 0).ebx >> 30 & 1 != 0;
    let all = OPMASK | ZMM_HI256 | HI16_ZMM;
    let found = if avx512f && avx512bw && xcr0 & all == all {
        Features::Avx512
    } else {
        Features::Avx
    };
    FEATURES.store(found as u8, Ordering::Relaxed);
}

fn xgetbv<const REGISTER: u32>() -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: callers have checked that the register exists.
    unsafe {
        asm!("xgetbv", in("ecx") REGISTER, out("eax") low, out("edx") high, options(nomem, nostack, preserves_flags));
    }
    u64::from(high) << 32 | u64::from(low)
}

/// Runs `hook` with the whole vector state kept around it, and with the state
/// that the psABI promises a function: default mxcsr, empty x87 stack.
pub(crate) fn keep<R>(state: *mut State, hook: impl FnOnce() -> R) -> R {
    let features = FEATURES.load(Ordering::Relaxed);
    let default_mxcsr = 0x1f80u32;
    // SAFETY: the buffer is the thread's own; the instructions exist.
    unsafe {
        asm!("stmxcsr [{}]", in(reg) &raw mut (*state).mxcsr, options(nostack, preserves_flags));
        asm!("ldmxcsr [{}]", in(reg) &default_mxcsr, options(nostack, preserves_flags));
        if features == Features::Sse as u8 {
            asm!("fnsave [{0}]", in(reg) &raw mut (*state).x87, options(nostack, preserves_flags));
        } else {
            (*state).in_use = xgetbv::<1>();
            if (*state).in_use & X87 != 0 {
                asm!("fnsave [{0}]", in(reg) &raw mut (*state).x87, options(nostack, preserves_flags));
            }
            if (*state).in_use & HI16_ZMM != 0 {
                usertrap_vector_save_hi16(state);
            }
            if (*state).in_use & OPMASK != 0 {
                usertrap_vector_save_k(state);
            }
            if (*state).in_use & ZMM_HI256 != 0 {
                usertrap_vector_save_zmm(state);
            } else if (*state).in_use & AVX != 0 {
                usertrap_vector_save_ymm(state);
            }
        }
    }
    let result = hook();
    // SAFETY: as above; what is loaded was saved.
    unsafe {
        if features == Features::Sse as u8 {
            asm!("frstor [{0}]", in(reg) &raw mut (*state).x87, options(nostack, preserves_flags));
        } else {
            let before = (*state).in_use;
            // What the hook took into use goes back to its initial state, and
            // so out of use: later switches and frames stay small.
            let fresh = xgetbv::<1>() & !before & (X87 | AVX | OPMASK | ZMM_HI256 | HI16_ZMM);
            if fresh != 0 {
                // mxcsr is loaded along with AVX, whatever the header says.
                (*state).initial[3] = u64::from(default_mxcsr);
                usertrap_vector_init(state, fresh);
            }
            if before & X87 != 0 {
                asm!("frstor [{0}]", in(reg) &raw mut (*state).x87, options(nostack, preserves_flags));
            }
            if before & HI16_ZMM != 0 {
                usertrap_vector_load_hi16(state);
            }
            if before & OPMASK != 0 {
                usertrap_vector_load_k(state);
            }
            if before & ZMM_HI256 != 0 {
                usertrap_vector_load_zmm(state);
            } else if before & AVX != 0 {
                usertrap_vector_load_ymm(state);
            }
        }
        asm!("ldmxcsr [{}]", in(reg) &raw const (*state).mxcsr, options(nostack, preserves_flags));
    }
    result
}

/// xrstor of components whose header bits are 0: their initial state.
#[unsafe(naked)]
unsafe extern "C" fn usertrap_vector_init(state: *mut State, components: u64) {
    naked_asm!(
        ".cfi_startproc",
        "mov eax, esi",
        "xor edx, edx",
        "xrstor64 [rdi + {initial}]",
        "ret",
        ".cfi_endproc",
        initial = const core::mem::offset_of!(State, initial),
    )
}

macro_rules! moves {
    ($($(#[$doc:meta])* $name:ident: $field:ident, $registers:literal, $move:literal;)*) => {
        $($(#[$doc])*
        #[unsafe(naked)]
        unsafe extern "C" fn $name(state: *mut State) {
            naked_asm!(
                ".cfi_startproc",
                concat!(".irp n, ", $registers),
                $move,
                ".endr",
                "ret",
                ".cfi_endproc",
                at = const core::mem::offset_of!(State, $field),
            )
        })*
    };
}

moves! {
    /// ymm0–ymm15.
    usertrap_vector_save_ymm: zmm, "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15", "vmovups [rdi + {at} + \\n * 64], ymm\\n";
    usertrap_vector_load_ymm: zmm, "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15", "vmovups ymm\\n, [rdi + {at} + \\n * 64]";
    /// zmm0–zmm15.
    usertrap_vector_save_zmm: zmm, "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15", "vmovups [rdi + {at} + \\n * 64], zmm\\n";
    usertrap_vector_load_zmm: zmm, "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15", "vmovups zmm\\n, [rdi + {at} + \\n * 64]";
    /// zmm16–zmm31.
    usertrap_vector_save_hi16: zmm, "16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31", "vmovups [rdi + {at} + \\n * 64], zmm\\n";
    usertrap_vector_load_hi16: zmm, "16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31", "vmovups zmm\\n, [rdi + {at} + \\n * 64]";
    /// k0–k7.
    usertrap_vector_save_k: k, "0,1,2,3,4,5,6,7", "kmovq [rdi + {at} + \\n * 8], k\\n";
    usertrap_vector_load_k: k, "0,1,2,3,4,5,6,7", "kmovq k\\n, [rdi + {at} + \\n * 8]";
}
