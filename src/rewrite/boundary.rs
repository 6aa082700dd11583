//! Is there an instruction boundary before a `syscall`, and which instruction
//! ends at the site?
//!
//! That an instruction starts at the site itself is certain, the CPU has just
//! executed it. Going backwards is not: `b8 10 00 00 00 0f 05` is
//! `mov $16,%eax; syscall`, and the tail of `movl $16,-0x48(%rsp); syscall` as
//! well. There are two proofs:
//!
//! * The function's start is known: decode from there in a straight line.
//! * It is not: decode from every byte of a stretch before the site. x86 code
//!   falls into step within a few instructions, and at least one of any
//!   fifteen neighbouring bytes is a true start, so when all that arrive at the
//!   site agree on the way, the true one is among them.

use super::code::{Code, direct_target};
use super::eh_frame::Function;

/// What a straight decode of a whole function says of a site in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Survey {
    /// The length of the instruction that ends at the site; 0 at the start of
    /// the function. `None` when the decode did not come to the site.
    pub before: Option<u64>,
    /// Bit `n`: a direct branch leads to `n` bytes before the site.
    pub entries: u32,
    /// Bit `n`: an instruction starts `n` bytes before the site.
    pub starts: u32,
}

impl Survey {
    /// Whether a direct branch enters the `length` bytes before the site, at
    /// most 32, behind their first.
    pub fn is_entered(&self, length: u64) -> bool {
        (1..length).any(|distance| self.entries >> distance & 1 != 0)
    }
}

/// The most bytes of a function that are decoded: a bound on the time.
pub const MAX_FUNCTION: u64 = 64 << 10;

/// Decodes `function` from its start. `None` when its start is not in `code`,
/// or is too far from the site.
pub fn survey(code: &Code<'_>, site: u64, function: &Function) -> Option<Survey> {
    let distance = site.checked_sub(function.start)?;
    if distance > MAX_FUNCTION || code.slice(function.start, 1).is_none() {
        return None;
    }
    let mut survey = Survey {
        before: (distance == 0).then_some(0),
        entries: 0,
        starts: 0,
    };
    let end = function.end.min(function.start.saturating_add(MAX_FUNCTION));
    for instruction in code.instructions(function.start, end) {
        if instruction.next_ip() == site {
            survey.before = Some(instruction.len() as u64);
        }
        if let Some(distance @ ..32) = site.checked_sub(instruction.ip()) {
            survey.starts |= 1 << distance;
        }
        let distance = direct_target(&instruction).and_then(|target| site.checked_sub(target));
        if let Some(distance @ ..32) = distance {
            survey.entries |= 1 << distance;
        }
    }
    Some(survey)
}

/// The starts are the bytes from `FARTHEST` to `NEAREST` before the five bytes
/// in question. The nearest still has room to fall into step.
const FARTHEST: usize = 96;
const NEAREST: usize = 48;

/// How many of the 49 starts must come to the site. A start that runs into an
/// invalid instruction, or over the site, was no true one and has no vote.
const QUORUM: usize = 25;

/// The bytes whose decode is looked at.
const WINDOW: usize = FARTHEST + 5;

/// Without a known function: where instructions start before the site, bit `n`
/// for `n` bytes before it, as far as many starts agree on it. At least the one
/// that ends at the site.
pub fn vote(code: &Code<'_>, site: u64) -> Option<u32> {
    let start = site.checked_sub(WINDOW as u64)?;
    code.slice(start, WINDOW)?;
    // For each byte, where instructions start on the way that starts there; 0
    // if the way does not lead to the site. Filled from the site backwards, so
    // that the rest of a way is always known.
    let mut ways = [0u32; WINDOW];
    for offset in (0..WINDOW).rev() {
        let Some(instruction) = code.instruction(start.saturating_add(offset as u64)) else {
            continue;
        };
        let next = offset.saturating_add(instruction.len());
        let rest = if next == WINDOW {
            1
        } else {
            ways.get(next).copied().unwrap_or_default()
        };
        if let Some(way) = ways.get_mut(offset).filter(|_| rest != 0) {
            let distance = WINDOW.saturating_sub(offset) as u32;
            *way = rest | 1u32.checked_shl(distance).unwrap_or_default();
        }
    }
    let starts = ways.get(..=FARTHEST.saturating_sub(NEAREST))?;
    let votes = || starts.iter().filter(|way| **way != 0);
    let first = *votes().next()?;
    if votes().count() < QUORUM {
        return None;
    }
    // Ways that have met go on together: up to the farthest place before the
    // first at which two of them differ.
    let differ = votes().fold(0, |differ, way| differ | (way ^ first));
    let nearer = 1u32
        .checked_shl(differ.trailing_zeros())
        .unwrap_or_default()
        .wrapping_sub(1);
    let agreed = first & nearer & !1;
    (agreed != 0).then_some(agreed)
}
