//! The vector state around hooks that may use all of it.
//!
//! xmm0–xmm15 have been saved by the entry already. Here the rest: the upper
//! halves, zmm16–zmm31, mask registers and mxcsr by plain moves; x87 by fxsave, since no
//! plain move reads it. What is in use the CPU says (`xgetbv`).

#![allow(unsafe_code, reason = "saves and loads registers")]

use core::arch::{asm, naked_asm};
use core::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use crate::hook::Parts;

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

/// Bits of XCR0 and of XINUSE (SDM volume 1, 13.1), which [`Parts`] has too.
const X87: u64 = 1 << 0;
const AVX: u64 = 1 << 2;
const OPMASK: u64 = 1 << 5;
const ZMM_HI256: u64 = 1 << 6;
const HI16_ZMM: u64 = 1 << 7;
/// What nothing but xrstor takes out of use.
const BY_XRSTOR: u64 = X87 | OPMASK | HI16_ZMM;

/// Buffer for one thread.
#[repr(C, align(64))]
pub(crate) struct State {
    zmm: [[u64; 8]; 32],
    k: [u64; 8],
    /// An xsave image that says "initial state" for all components.
    initial: [u64; 72],
    x87: Fx,
    mxcsr: u32,
    /// mxcsr as the hook has left it.
    left: u32,
}

/// fxsave64's image (SDM volume 1, 10.5.1), of which x87 is the first part.
#[repr(C, align(16))]
struct Fx {
    control: u16,
    status: u16,
    /// A bit for each register that is not empty.
    tags: u8,
    reserved: u8,
    opcode: u16,
    instruction: u64,
    data: u64,
    mxcsr: [u32; 2],
    /// Of 80 bits.
    registers: [[u64; 2]; 8],
    xmm: [u64; 44],
}

impl Fx {
    /// Whether x87 is as xrstor makes it that has no image of it: nothing of it is lost
    /// when it goes out of use.
    #[inline(always)]
    fn is_initial(&self) -> bool {
        let words = self
            .registers
            .iter()
            .fold(0, |seen, [low, high]| seen | low | high & 0xffff);
        let pointers = self.instruction | self.data | u64::from(self.opcode);
        let word = self.control ^ DEFAULT_CONTROL | self.status | u16::from(self.tags);
        words | pointers | u64::from(word) == 0
    }
}

/// x87's control word as a function finds it, and xrstor makes it.
const DEFAULT_CONTROL: u16 = 0x037f;

const _: () = assert!(size_of::<Fx>() == 512 && core::mem::offset_of!(State, x87).is_multiple_of(16));

/// Whether upper halves may be looked at ([`usertrap_vector_look`]). AVX-512 makes the
/// CPUs of others slower for a while.
static LOOKS: AtomicBool = AtomicBool::new(false);

/// Which parts are kept around hooks.
static TOUCHED: AtomicU8 = AtomicU8::new(0);

/// See [`TOUCHED`].
pub(crate) fn touched() -> Parts {
    Parts::of_bits(TOUCHED.load(Ordering::Relaxed))
}

/// Looks at the CPU once, and notes what of it is kept around the hook.
pub(crate) fn configure(parts: Parts) {
    TOUCHED.store(parts.bits(), Ordering::Relaxed);
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
    // "AuthenticAMD"
    let is_amd = __cpuid(0).ebx == u32::from_le_bytes(*b"Auth");
    LOOKS.store(is_amd || found == Features::Avx, Ordering::Relaxed);
}

fn xgetbv<const REGISTER: u32>() -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: callers have checked that the register exists.
    unsafe {
        asm!("xgetbv", in("ecx") REGISTER, out("eax") low, out("edx") high, options(nomem, nostack, preserves_flags));
    }
    u64::from(high) << 32 | u64::from(low)
}

/// mxcsr as a function finds it (psABI, 3.2.3), but for the flags of what has happened,
/// which are anything. To load another value takes some CPUs 20 ns and more, and programs
/// that compute with floating point have some flag set from then on.
const DEFAULT_MXCSR: u32 = 0x1f80;
const MXCSR_FLAGS: u32 = 0x3f;

/// Runs `hook` with `parts` kept around it, in the state that the psABI promises a
/// function: default mxcsr, empty x87 stack.
///
/// Each question to the CPU, what is in use, takes about as long as all moves together:
/// it is asked once, and once more only if something may be in use since that only xrstor
/// takes out of it. Where it is about upper halves alone, their values answer it, and
/// halves that are zero and in use go out of use. So does x87 that is in its initial
/// state: the kernel takes it into use at each return from a signal handler, our own of
/// the traps too (`save_xstate_epilog`), and no other move takes as long as that of x87.
#[inline(always)]
pub(crate) fn keep<R>(state: *mut State, parts: Parts, hook: impl FnOnce() -> R) -> R {
    let features = FEATURES.load(Ordering::Relaxed);
    let control = parts.contains(Parts::MXCSR);
    let parts = u64::from(parts.bits() & !Parts::MXCSR.bits());
    let before;
    // SAFETY: the buffer is the thread's own; the instructions exist.
    unsafe {
        if control {
            asm!("stmxcsr [{}]", in(reg) &raw mut (*state).mxcsr, options(nostack, preserves_flags));
            if (*state).mxcsr & !MXCSR_FLAGS != DEFAULT_MXCSR {
                asm!("ldmxcsr [{}]", in(reg) &DEFAULT_MXCSR, options(nostack, preserves_flags));
            }
        }
        let mut in_use = if features == Features::Sse as u8 {
            parts & X87
        } else if parts == AVX | ZMM_HI256 && LOOKS.load(Ordering::Relaxed) {
            usertrap_vector_look(state, features)
        } else if parts != 0 {
            xgetbv::<1>() & parts
        } else {
            0
        };
        if in_use & X87 != 0 {
            asm!("fxsave64 [{0}]", in(reg) &raw mut (*state).x87, options(nostack, preserves_flags));
            if features != Features::Sse as u8 && (*state).x87.is_initial() {
                in_use &= !X87;
            } else {
                asm!("fninit", options(nostack, nomem, preserves_flags));
            }
        }
        if in_use & HI16_ZMM != 0 {
            usertrap_vector_save_hi16(state);
        }
        if in_use & OPMASK != 0 {
            usertrap_vector_save_k(state);
        }
        if in_use & ZMM_HI256 != 0 {
            usertrap_vector_save_zmm(state);
        } else if in_use & AVX != 0 {
            usertrap_vector_save_ymm(state);
        }
        before = in_use;
    }
    let result = hook();
    // SAFETY: as above; what is loaded was saved.
    unsafe {
        if features != Features::Sse as u8 {
            // What the hook took into use goes back to its initial state, and
            // so out of use: later switches and frames stay small.
            let mut fresh = parts & !before;
            if fresh & BY_XRSTOR != 0 {
                fresh &= xgetbv::<1>();
                if fresh & BY_XRSTOR != 0 {
                    usertrap_vector_init(state, fresh & BY_XRSTOR);
                }
            }
            if fresh & (AVX | ZMM_HI256) != 0 {
                usertrap_vector_zero_upper();
            }
        }
        if before & X87 != 0 {
            usertrap_vector_load_x87(state);
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
        if control {
            // To load it takes longer than to look at it.
            asm!("stmxcsr [{}]", in(reg) &raw mut (*state).left, options(nostack, preserves_flags));
            if (*state).left != (*state).mxcsr {
                asm!("ldmxcsr [{}]", in(reg) &raw const (*state).mxcsr, options(nostack, preserves_flags));
            }
        }
    }
    result
}

/// [`keep`] for parts of the core that are rarely run: the code that touches the
/// state stays here.
#[inline(never)]
pub(crate) fn keep_around(state: *mut State, run: &mut dyn FnMut()) {
    keep(state, Parts::ALL, run);
}

/// Which of AVX and ZMM_Hi256 has values other than zero. Changes xmm0 and xmm1, which
/// the entry has saved, and leaves mask registers alone.
#[unsafe(naked)]
unsafe extern "C" fn usertrap_vector_look(state: *mut State, features: u8) -> u64 {
    naked_asm!(
        ".cfi_startproc",
        "xor eax, eax",
        "xor ecx, ecx",
        "cmp sil, {avx512}",
        "jne 2f",
        // zmm0 = all of them, or-ed together (0xfe: of three), on two ways.
        "vmovups [rdi + {at}], zmm0",
        "vmovups [rdi + {at} + 64], zmm1",
        "vpternlogq zmm0, zmm2, zmm3, 0xfe",
        "vpternlogq zmm1, zmm4, zmm5, 0xfe",
        "vpternlogq zmm0, zmm6, zmm7, 0xfe",
        "vpternlogq zmm1, zmm8, zmm9, 0xfe",
        "vpternlogq zmm0, zmm10, zmm11, 0xfe",
        "vpternlogq zmm1, zmm12, zmm13, 0xfe",
        "vpternlogq zmm0, zmm14, zmm15, 0xfe",
        "vporq zmm0, zmm0, zmm1",
        "vextracti64x4 ymm1, zmm0, 1",
        "vextracti128 xmm0, ymm0, 1",
        "vptest ymm1, ymm1",
        "setnz al",
        "vptest xmm0, xmm0",
        "setnz cl",
        "shl eax, {zmm_hi256}",
        "shl ecx, {avx}",
        "or eax, ecx",
        "jz 3f",
        "vmovups zmm0, [rdi + {at}]",
        "vmovups zmm1, [rdi + {at} + 64]",
        "3: ret",
        "2:",
        "vmovups [rdi + {at}], ymm0",
        "vmovups [rdi + {at} + 64], ymm1",
        ".irp n, 2,4,6,8,10,12,14",
        "vorps ymm0, ymm0, ymm\\n",
        ".endr",
        ".irp n, 3,5,7,9,11,13,15",
        "vorps ymm1, ymm1, ymm\\n",
        ".endr",
        "vorps ymm0, ymm0, ymm1",
        "vextractf128 xmm0, ymm0, 1",
        "vptest xmm0, xmm0",
        "setnz al",
        "shl eax, {avx}",
        "jz 3b",
        "vmovups ymm0, [rdi + {at}]",
        "vmovups ymm1, [rdi + {at} + 64]",
        "ret",
        ".cfi_endproc",
        at = const core::mem::offset_of!(State, zmm),
        avx512 = const Features::Avx512 as u8,
        avx = const AVX.trailing_zeros(),
        zmm_hi256 = const ZMM_HI256.trailing_zeros(),
    )
}

/// Takes bits 128 and up of registers 0–15 out of use.
#[unsafe(naked)]
unsafe extern "C" fn usertrap_vector_zero_upper() {
    naked_asm!(".cfi_startproc", "vzeroupper", "ret", ".cfi_endproc")
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

/// x87, and xmm0–xmm15, which the entry has saved, as they were when x87 was saved.
#[unsafe(naked)]
unsafe extern "C" fn usertrap_vector_load_x87(state: *mut State) {
    naked_asm!(
        ".cfi_startproc",
        "fxrstor64 [rdi + {x87}]",
        "ret",
        ".cfi_endproc",
        x87 = const core::mem::offset_of!(State, x87),
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
