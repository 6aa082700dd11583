//! A long jump over instructions before the site, where no single one of five
//! or seven bytes stands in front of it.
//!
//! The trampoline executes all instructions from the jump on to the `syscall`.
//! Only the first one or two are overwritten; what lies between the jump and
//! the `syscall` stays, and so does the `syscall`: a thread that is there makes
//! the call by the trap.
//!
//! ```text
//!   first instruction    written                            where threads can be
//!   7 bytes and more     jmp *slot, int3 ...                at its start
//!   6, before the site   rex.W jmp *slot, with the syscall  at its start
//!                        as the end of the address
//!   5, and another       jmp *slot, int3 ...                at both starts: at the second
//!   6, and another       rex.W jmp *slot, int3 ...          they find the byte 06
//! ```
//!
//! Where two instructions are overwritten, the slot lies in a table at
//! 0xNN06____: the third byte of its address, 06, stands where the second
//! instruction began. That opcode is invalid, and the SIGILL handler knows where
//! in the trampoline that thread has to go on. So each write is of one byte, or
//! of bytes at which nobody can be (design invariant I9).

use iced_x86::{Instruction, Mnemonic, OpKind};

use super::code::Code;
use super::plan::INVALID;
use super::replay;
use super::trampoline::{Ours, keeps_syscall, long_jump};

/// The most bytes between the start of the jump and the site.
pub const MAX_HEAD: usize = 17;
/// Bytes of `jmp *slot`.
const JUMP: u8 = 7;
/// The prefix that makes it one longer, and changes nothing: a near jump has 64
/// bits anyway (Intel SDM volume 2, `JMP`).
pub const REX_W: u8 = 0x48;
/// The site's own bytes.
const SYSCALL: u8 = 2;

/// Instructions before a site that a jump replaces.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// How many bytes before the site they begin.
    pub head: u8,
    /// How many bytes of them are overwritten: one whole instruction, or two.
    pub patched: u8,
    /// Where the second of them began, from the first; 0 if there is none.
    pub inner: u8,
    /// The bytes from the head to the site, and then zeros.
    pub bytes: [u8; MAX_HEAD],
}

/// What may be used for a span.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Means {
    /// There is a table for slots of jumps over two instructions.
    pub two: bool,
    /// Slots in the first table end in the bytes of `syscall`.
    pub keeps_syscall: bool,
}

impl Means {
    /// What these tables allow.
    pub const fn of(ours: &Ours) -> Means {
        Means {
            two: ours.spans != 0,
            keeps_syscall: keeps_syscall(ours.table),
        }
    }
}

impl Span {
    /// The jump has a REX prefix, to be one byte longer.
    pub const fn is_prefixed(&self) -> bool {
        self.inner == 6 || self.patched == 6
    }

    /// The instructions as they were.
    pub fn original(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.head)).unwrap_or_default()
    }

    /// The jump that replaces them, through `slot`, and its length. None if the
    /// slot is in no table for it.
    pub fn jump(&self, slot: u32) -> Option<([u8; 8], usize)> {
        let [a, b, c, d, e, f, g] = long_jump(slot);
        let (jump, length) = if self.is_prefixed() {
            ([REX_W, a, b, c, d, e, f, g], 8)
        } else {
            ([a, b, c, d, e, f, g, 0], 7)
        };
        let inner = usize::from(self.inner);
        if inner != 0 && jump.get(inner) != Some(&INVALID) {
            return None;
        }
        // The bytes of the `syscall` are the jump's last ones.
        let ends_in_site = length > usize::from(self.patched);
        (!ends_in_site || keeps_syscall(slot)).then_some((jump, length))
    }

    /// The overwritten instructions as they were.
    pub fn overwritten(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.patched)).unwrap_or_default()
    }

    /// Where `lea disp(%rip),%reg` at the end of the instructions leads to, and
    /// its two first bytes as `movabs` has them; `site` is where they end.
    pub fn address_load(&self, site: u64) -> Option<([u8; 2], u64)> {
        let (_, last) = self.original().split_last_chunk::<7>()?;
        address_load(last, site)
    }
}

/// `lea disp(%rip),%reg` with a register of 64 bits, which ends at `end`.
fn address_load(&[rex, opcode, modrm, displacement @ ..]: &[u8; 7], end: u64) -> Option<([u8; 2], u64)> {
    if !matches!(rex, 0x48 | 0x4c) || opcode != 0x8d || modrm & 0xc7 != 0x05 {
        return None;
    }
    let register = modrm >> 3 & 7;
    let rex = if rex == 0x4c { 0x49 } else { 0x48 };
    let target = end.wrapping_add_signed(i64::from(i32::from_le_bytes(displacement)));
    Some(([rex, 0xb8 | register], target))
}

/// The nearest instructions before `site` that a jump may replace. `starts` says
/// where instructions start, bit `n` for `n` bytes before the site, and `entries`
/// where branches lead to: none may lead to what is overwritten, behind its
/// first byte. Who comes by one that leads further on makes the call by the trap.
pub fn find(code: &Code<'_>, site: u64, starts: u32, entries: u32, means: Means) -> Option<Span> {
    // The length of the instruction behind the one that is looked at.
    let mut next = SYSCALL;
    let mut behind = 0u8;
    let mut grown = 0u8;
    for head in 1..=MAX_HEAD as u8 {
        if starts >> head & 1 == 0 {
            continue;
        }
        let instruction = code.instruction(site.checked_sub(head.into())?)?;
        let length = head.checked_sub(behind)?;
        if instruction.len() != usize::from(length) {
            return None;
        }
        let bytes = code.slice(instruction.ip(), length.into())?;
        if behind == 0 && is_address_load(&instruction, bytes) {
            grown = 3;
        } else if !replay::is_relocatable(&instruction, bytes) && !is_no_op(bytes) {
            return None;
        }
        if usize::from(head.checked_add(grown)?) > MAX_HEAD {
            return None;
        }
        let (patched, inner) = match (length, behind) {
            (JUMP.., _) => (length, 0),
            (6, 0) if means.keeps_syscall => (6, 0),
            (5 | 6, 1..) if next >= 2 && means.two => (length.checked_add(next)?, length),
            _ => (0, 0),
        };
        let entered = (1..patched).any(|at| entries >> head.saturating_sub(at) & 1 != 0);
        if patched != 0 && !entered && is_on_one_page(instruction.ip(), patched) {
            let mut bytes = [0; MAX_HEAD];
            let found = code.slice(instruction.ip(), head.into())?;
            bytes.get_mut(..found.len())?.copy_from_slice(found);
            return Some(Span {
                head,
                patched,
                inner,
                bytes,
            });
        }
        (behind, next) = (head, length);
    }
    None
}

/// No-ops of other lengths than five, as compilers align with; those of five are
/// others' to be written over (see [`replay`]).
const fn is_no_op(bytes: &[u8]) -> bool {
    matches!(
        bytes,
        [0x90] | [0x66, 0x90] | [0x0f, 0x1f, 0x00] | [0x0f, 0x1f, 0x40, 0] | [0x66, 0x0f, 0x1f, 0x44, 0, 0]
    )
}

/// Whether these bytes lie on one page, as all that is written must.
fn is_on_one_page(address: u64, length: u8) -> bool {
    const PAGE: u64 = 4096;
    address
        .checked_add(u64::from(length).saturating_sub(1))
        .is_some_and(|last| address / PAGE == last / PAGE)
}

/// `lea disp(%rip),%reg`: the trampoline loads the address itself.
fn is_address_load(instruction: &Instruction, bytes: &[u8]) -> bool {
    instruction.mnemonic() == Mnemonic::Lea
        && instruction.op1_kind() == OpKind::Memory
        && instruction.is_ip_rel_memory_operand()
        && <&[u8; 7]>::try_from(bytes).is_ok_and(|bytes| address_load(bytes, 0).is_some())
}
