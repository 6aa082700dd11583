//! Machine code as it lies in memory, decoded in a straight line.
//!
//! Whatever the bytes are, nothing here panics: a decode ends where the bytes
//! end or stop being instructions.

use core::sync::atomic::{AtomicBool, Ordering};

use iced_x86::{Decoder, DecoderOptions, Instruction, Mnemonic, OpKind};

use super::plan::INVALID;

/// Bytes of code around a site, as in memory.
#[derive(Clone, Copy, Debug)]
pub struct Code<'a> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// The address of the first byte.
    pub base: u64,
}

impl<'a> Code<'a> {
    /// The `length` bytes at `address`.
    pub fn slice(&self, address: u64, length: usize) -> Option<&'a [u8]> {
        let from = usize::try_from(address.checked_sub(self.base)?).ok()?;
        self.bytes.get(from..from.checked_add(length)?)
    }

    /// The `N` bytes at `address`.
    pub fn array<const N: usize>(&self, address: u64) -> Option<[u8; N]> {
        self.slice(address, N)?.try_into().ok()
    }

    /// The instructions in `[start, end)`. Empty when `start` lies outside.
    pub fn instructions(&self, start: u64, end: u64) -> Instructions<'a> {
        let available = self.base.saturating_add(self.bytes.len() as u64);
        let length = end.min(available).saturating_sub(start);
        let bytes = usize::try_from(length)
            .ok()
            .and_then(|length| self.slice(start, length));
        Instructions {
            decoder: bytes.and_then(|bytes| decoder(bytes, start)),
            code: *self,
        }
    }

    /// The one instruction at `address`.
    pub fn instruction(&self, address: u64) -> Option<Instruction> {
        self.instructions(address, u64::MAX).next()
    }
}

/// Instructions one after the other; ends at the first that is none.
pub struct Instructions<'a> {
    decoder: Option<Decoder<'a>>,
    code: Code<'a>,
}

impl Iterator for Instructions<'_> {
    type Item = Instruction;

    fn next(&mut self) -> Option<Instruction> {
        let decoder = self.decoder.as_mut()?;
        if !decoder.can_decode() {
            return None;
        }
        if is_sealed(&self.code, decoder.ip()) {
            return sealed(decoder);
        }
        let instruction = decoder.decode();
        if instruction.is_invalid() || is_ambiguous(&self.code, &instruction) {
            self.decoder = None;
            return None;
        }
        if ends_in_syscall(&self.code, &instruction) {
            return shorter(decoder, instruction);
        }
        Some(instruction)
    }
}

/// Sites may be sealed ([`super::plan::seal`]).
static SEALS: AtomicBool = AtomicBool::new(false);

/// From now on a sealed `syscall` is decoded as what it was.
pub fn expect_seals() {
    SEALS.store(true, Ordering::Relaxed);
}

/// What a `syscall` becomes, and was.
const SEALED: [u8; 2] = [INVALID, 0x05];
const SYSCALL: [u8; 2] = [0x0f, 0x05];

fn is_sealed(code: &Code<'_>, at: u64) -> bool {
    SEALS.load(Ordering::Relaxed) && code.array(at) == Some(SEALED)
}

fn sealed(at: &mut Decoder<'_>) -> Option<Instruction> {
    let ip = at.ip();
    let instruction = decoder(&SYSCALL, ip)?.decode();
    at.set_position(at.position().checked_add(SYSCALL.len())?).ok()?;
    at.set_ip(ip.checked_add(SYSCALL.len() as u64)?);
    Some(instruction)
}

/// Whether the instruction is a jump of ours, as [`super::span`] has them, that
/// shares its last byte with the `syscall` behind it. Its bytes alone are looked at: an
/// application with pointers of its own at such an address would have to have mapped
/// it itself, where our table lies as a rule.
fn ends_in_syscall(code: &Code<'_>, jump: &Instruction) -> bool {
    let Some(at) = jump.next_ip().checked_sub(7) else {
        return false;
    };
    jump.mnemonic() == Mnemonic::Jmp
        && matches!(code.array(at), Some([0xff, 0x24, 0x25, low, _, 0x06, 0x0f, 0x05]) if low & 7 == 0)
}

/// The instruction without its last byte, with which the next one begins.
fn shorter(decoder: &mut Decoder<'_>, mut instruction: Instruction) -> Option<Instruction> {
    let next = instruction.next_ip().checked_sub(1)?;
    decoder.set_position(decoder.position().checked_sub(1)?).ok()?;
    decoder.set_ip(next);
    instruction.set_len(instruction.len().checked_sub(1)?);
    instruction.set_next_ip(next);
    Some(instruction)
}

/// MPX instructions are decoded as such: on CPUs without MPX they are no-ops
/// of the same length.
fn decoder(bytes: &[u8], ip: u64) -> Option<Decoder<'_>> {
    Decoder::try_with_ip(64, bytes, ip, DecoderOptions::MPX).ok()
}

/// The longest instruction (Intel SDM volume 2, 2.3.11).
const MAX_LENGTH: usize = 15;

/// A near branch with an operand-size prefix and without REX.W is six bytes
/// long on Intel CPUs and four on AMD ones (AMD APM volume 3, "Near Branches in
/// 64-bit Mode"): its end is not known.
fn is_ambiguous(code: &Code<'_>, instruction: &Instruction) -> bool {
    if direct_target(instruction).is_none() {
        return false;
    }
    let length = instruction.len().min(MAX_LENGTH);
    let bytes = code.slice(instruction.ip(), length).unwrap_or_default();
    let prefixes = bytes.iter().take_while(|byte| is_legacy_prefix(**byte)).count();
    let has_size = bytes.iter().take(prefixes).any(|byte| *byte == 0x66);
    let has_rex_w = bytes.get(prefixes).is_some_and(|byte| (0x48..=0x4f).contains(byte));
    has_size && !has_rex_w
}

/// Whether a byte is one of the legacy prefixes (Intel SDM volume 2, 2.1.1).
pub fn is_legacy_prefix(byte: u8) -> bool {
    matches!(
        byte,
        0x66 | 0x67 | 0xf0 | 0xf2 | 0xf3 | 0x26 | 0x2e | 0x36 | 0x3e | 0x64 | 0x65
    )
}

/// Where a direct branch or call goes.
pub fn direct_target(instruction: &Instruction) -> Option<u64> {
    match instruction.op0_kind() {
        OpKind::NearBranch16 | OpKind::NearBranch32 | OpKind::NearBranch64 => Some(instruction.near_branch_target()),
        _ => None,
    }
}
