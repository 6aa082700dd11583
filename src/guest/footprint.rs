//! What a function of a hook can change of a thread's state, as its code says: then
//! only that is kept around it, and FS leads to the guests' thread block only if it
//! matters.
//!
//! Every way through the code is followed, both ways of a branch and into what it
//! calls, up to `ret`. All of it has to be instructions that are known here. What goes
//! anywhere else (by a pointer, to another library, into the kernel) may do anything,
//! and so may the function then: nothing is guessed.

use iced_x86::{CpuidFeature, EncodingKind, FlowControl, Instruction, Mnemonic, OpKind, Register};

use crate::hook::Parts;
use crate::rewrite::code::{Code, direct_target};

/// What a function can change, and what it needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Footprint {
    /// Of vector and floating-point state, xmm0–xmm15 apart.
    pub(super) parts: Parts,
    /// FS has to lead to the guests' thread block.
    pub(super) thread_block: bool,
}

/// The most instructions that are looked at, and the most places where branches lead.
const INSTRUCTIONS: usize = 4096;
const PLACES: usize = 256;

impl Footprint {
    /// General registers alone.
    pub(super) const NOTHING: Footprint = Footprint {
        parts: Parts::NONE,
        thread_block: false,
    };
    /// Any function of C.
    pub(super) const ANYTHING: Footprint = Footprint {
        parts: Parts::ALL,
        thread_block: true,
    };

    /// What is in either.
    #[must_use]
    pub(super) fn with(self, other: Footprint) -> Footprint {
        Footprint {
            parts: self.parts.with(other.parts),
            thread_block: self.thread_block || other.thread_block,
        }
    }

    fn of_parts(parts: Parts) -> Footprint {
        Footprint {
            parts,
            thread_block: false,
        }
    }

    /// That of the function that begins at `start`, in code that does not change.
    pub(super) fn of(code: &Code<'_>, start: u64) -> Footprint {
        follow(code, start).unwrap_or(Footprint::ANYTHING)
    }
}

/// Where branches lead: each once.
struct Places {
    all: [u64; PLACES],
    count: usize,
}

impl Places {
    fn add(&mut self, place: u64) -> Option<()> {
        if !self.all.iter().take(self.count).any(|&known| known == place) {
            *self.all.get_mut(self.count)? = place;
            self.count += 1;
        }
        Some(())
    }
}

/// None: it may do anything.
fn follow(code: &Code<'_>, start: u64) -> Option<Footprint> {
    let mut places = Places {
        all: [0; PLACES],
        count: 0,
    };
    places.add(start)?;
    let mut found = Footprint::NOTHING;
    let mut left = INSTRUCTIONS;
    let mut next = 0;
    while next < places.count {
        let mut straight = code.instructions(*places.all.get(next)?, u64::MAX);
        let mut before = None;
        next += 1;
        loop {
            let instruction = straight.next()?;
            left = left.checked_sub(1)?;
            if instruction.mnemonic() == Mnemonic::Ud2 {
                break;
            }
            found = found.with(touched(&instruction)?);
            match instruction.flow_control() {
                FlowControl::Next => {}
                FlowControl::ConditionalBranch | FlowControl::Call => places.add(direct_target(&instruction)?)?,
                FlowControl::UnconditionalBranch => {
                    places.add(direct_target(&instruction)?)?;
                    break;
                }
                FlowControl::Return if instruction.mnemonic() == Mnemonic::Ret && !before.is_some_and(aims) => break,
                _ => return None,
            }
            before = Some(instruction);
        }
    }
    Some(found)
}

/// Whether a `ret` behind it may be a jump by a pointer, as in a retpoline: it has
/// written where the return address lies.
fn aims(instruction: Instruction) -> bool {
    let writes = instruction.op0_kind() == OpKind::Memory && instruction.memory_base() == Register::RSP;
    writes && instruction.memory_displacement64() == 0 || instruction.mnemonic() == Mnemonic::Push
}

/// What one instruction changes. None: anything.
fn touched(instruction: &Instruction) -> Option<Footprint> {
    let mut found = by_features(instruction)?;
    match instruction.segment_prefix() {
        Register::FS => found.thread_block = true,
        Register::GS => return None,
        _ => {}
    }
    // They load segment registers.
    if instruction.is_privileged() || matches!(instruction.mnemonic(), Mnemonic::Lfs | Mnemonic::Lgs | Mnemonic::Lss) {
        return None;
    }
    if instruction.has_op_mask() {
        found = found.with(Footprint::of_parts(Parts::MASKS));
    }
    for operand in 0..instruction.op_count() {
        if instruction.try_op_kind(operand).ok()? == OpKind::Register {
            found = found.with(by_register(instruction.try_op_register(operand).ok()?)?);
        }
    }
    Some(found)
}

fn by_register(register: Register) -> Option<Footprint> {
    let parts = if register.is_gpr() || register.is_vector_register() && register.number() < 16 {
        Parts::NONE
    } else if register.is_vector_register() {
        Parts::HIGH
    } else if register.is_mm() || register.is_st() {
        Parts::X87
    } else if register.is_k() {
        Parts::MASKS
    } else {
        // Segments, tiles, and whatever is to come.
        return None;
    };
    Some(Footprint::of_parts(parts))
}

/// What an instruction changes beside the registers that it names. None: it is not
/// known here.
fn by_features(instruction: &Instruction) -> Option<Footprint> {
    let features = instruction.cpuid_features();
    let all_in =
        |known: &[CpuidFeature]| !features.is_empty() && features.iter().all(|feature| known.contains(feature));
    let parts = match instruction.encoding() {
        // These two are x87's as well: one of SSE3, one of the 8086.
        _ if matches!(instruction.mnemonic(), Mnemonic::Fisttp | Mnemonic::Wait) => Parts::X87,
        EncodingKind::Legacy if all_in(GENERAL) => Parts::NONE,
        EncodingKind::Legacy if all_in(X87) => Parts::X87,
        EncodingKind::Legacy if all_in(SSE) && is_plain(instruction.mnemonic()) => Parts::NONE,
        EncodingKind::Legacy if all_in(SSE) => Parts::MXCSR,
        EncodingKind::VEX if all_in(BMI) => Parts::NONE,
        EncodingKind::VEX | EncodingKind::EVEX if all_in(AVX) => Parts::UPPER.with(Parts::MXCSR),
        _ => return None,
    };
    Some(Footprint::of_parts(parts))
}

use CpuidFeature as F;

const GENERAL: &[F] = &[
    F::INTEL8086,
    F::INTEL186,
    F::INTEL386,
    F::INTEL486,
    F::X64,
    F::CMOV,
    F::CX8,
    F::CMPXCHG16B,
    F::MULTIBYTENOP,
    F::CET_IBT,
    F::POPCNT,
    F::LZCNT,
    F::BMI1,
    F::MOVBE,
    F::ADX,
    F::TSC,
];
const X87: &[F] = &[F::FPU, F::FPU287, F::FPU387, F::MMX];
const SSE: &[F] = &[F::SSE, F::SSE2, F::SSE3, F::SSSE3, F::SSE4_1, F::SSE4_2];
const BMI: &[F] = &[F::BMI1, F::BMI2];
const AVX: &[F] = &[
    F::AVX,
    F::AVX2,
    F::FMA,
    F::F16C,
    F::AES,
    F::VAES,
    F::PCLMULQDQ,
    F::VPCLMULQDQ,
    F::GFNI,
    F::AVX512F,
    F::AVX512VL,
    F::AVX512BW,
    F::AVX512DQ,
    F::AVX512CD,
    F::AVX512_VBMI,
    F::AVX512_VBMI2,
    F::AVX512_IFMA,
    F::AVX512_VNNI,
    F::AVX512_BITALG,
    F::AVX512_VPOPCNTDQ,
];

/// Whether it is one of those legacy SSE instructions of which compilers make copies
/// and comparisons: they leave mxcsr alone.
fn is_plain(mnemonic: Mnemonic) -> bool {
    use Mnemonic as M;
    matches!(
        mnemonic,
        M::Movaps
            | M::Movups
            | M::Movapd
            | M::Movupd
            | M::Movdqa
            | M::Movdqu
            | M::Movd
            | M::Movq
            | M::Movss
            | M::Movsd
            | M::Movhps
            | M::Movlps
            | M::Movhpd
            | M::Movlpd
            | M::Movhlps
            | M::Movlhps
            | M::Movnti
            | M::Movmskps
            | M::Pmovmskb
            | M::Xorps
            | M::Andps
            | M::Orps
            | M::Pxor
            | M::Por
            | M::Pand
            | M::Pandn
            | M::Pshufd
            | M::Shufps
            | M::Punpcklbw
            | M::Punpcklwd
            | M::Punpckldq
            | M::Punpcklqdq
            | M::Punpckhqdq
            | M::Paddb
            | M::Paddw
            | M::Paddd
            | M::Paddq
            | M::Psubb
            | M::Psubw
            | M::Psubd
            | M::Psubq
            | M::Pcmpeqb
            | M::Pcmpeqd
            | M::Pminub
            | M::Pslld
            | M::Psllq
            | M::Psrld
            | M::Psrlq
            | M::Pslldq
            | M::Psrldq
            | M::Sfence
    )
}

#[cfg(test)]
mod tests;
