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
//!   3 or more, and       either of them                     at each start: behind the
//!   others                                                  first they find 06, 60 ...
//! ```
//!
//! Where more instructions than one are overwritten, bytes of the slot's address
//! stand where the others began: each must be an opcode that is invalid. The
//! third byte is 06 for all slots of a table at 0xNN06____; the two bytes below it
//! are so in some slots. The SIGILL handler knows where in the trampoline that
//! thread has to go on. So each write is of one byte, or of bytes at which nobody
//! can be (design invariant I9).
//!
//! The last byte or the last two may be those of the `syscall`, which stay: 0f of
//! 0x0f06____, the second table's, or 0f 05 of 0x050f____, the first one's.

use iced_x86::{Instruction, Mnemonic, OpKind};

use super::code::Code;
use super::replay;
use super::trampoline::{Ours, keeps_syscall, long_jump};

/// The most bytes between the start of the jump and the site.
pub const MAX_HEAD: usize = 17;
/// Bytes of `jmp *slot`, and of those the ones before the slot's address.
const JUMP: u8 = 7;
const BEFORE_ADDRESS: u8 = 3;
/// The prefix that makes it one longer, and changes nothing: a near jump has 64
/// bits anyway (Intel SDM volume 2, `JMP`).
pub const REX_W: u8 = 0x48;
/// Opcodes that are invalid in 64-bit mode, whatever follows (Intel SDM volume 2,
/// appendix A.2: marked `i64`), but for d5, which APX has given a meaning.
const INVALID: [u8; 18] = [
    0x06, 0x07, 0x0e, 0x16, 0x17, 0x1e, 0x1f, 0x27, 0x2f, 0x37, 0x3f, 0x60, 0x61, 0x82, 0x9a, 0xce, 0xd4, 0xea,
];

/// Instructions before a site that a jump replaces.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// How many bytes before the site they begin.
    pub head: u8,
    /// How many bytes of them are overwritten: whole instructions.
    pub patched: u8,
    /// Bit `n`: one of the overwritten ones, but the first, began `n` bytes behind
    /// the head.
    pub starts: u8,
    /// The jump has a REX prefix, to be one byte longer.
    pub prefixed: bool,
    /// The bytes from the head to the site, and then zeros.
    pub bytes: [u8; MAX_HEAD],
}

/// What may be used for a span.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Means {
    /// There is a table for slots of jumps over several instructions.
    pub several: bool,
    /// Slots in the first table end in the bytes of `syscall`.
    pub keeps_syscall: bool,
    /// Those in the other end in the first of these.
    pub keeps_first: bool,
}

impl Means {
    /// What these tables allow.
    pub const fn of(ours: &Ours) -> Means {
        Means {
            several: ours.spans != 0,
            keeps_syscall: keeps_syscall(ours.table),
            keeps_first: keeps_first(ours.spans),
        }
    }
}

/// Whether a long jump through `slot` ends in `0f`, the first byte of `syscall`.
const fn keeps_first(slot: u32) -> bool {
    slot >> 24 == 0x0f
}

impl Span {
    /// The length of the jump.
    const fn length(&self) -> u8 {
        JUMP + self.prefixed as u8
    }

    /// How many bytes of the `syscall` are the jump's last ones as well.
    const fn shared(&self) -> u8 {
        self.length().saturating_sub(self.head)
    }

    /// Whether there are such bytes.
    pub const fn needs_syscall(&self) -> bool {
        self.shared() != 0
    }

    /// Whether its slot lies in the table for jumps over several instructions.
    pub const fn is_in_second_table(&self) -> bool {
        self.starts != 0 && self.shared() != 2
    }

    /// Where the overwritten instructions but the first began, from the head.
    pub fn inner(&self) -> impl DoubleEndedIterator<Item = usize> {
        let starts = self.starts;
        (1..8).filter(move |at| starts >> at & 1 != 0)
    }

    /// The instructions as they were.
    pub fn original(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.head)).unwrap_or_default()
    }

    /// The jump that replaces them, through `slot`, and its length. None if the
    /// bytes of that address do not fit.
    pub fn jump(&self, slot: u32) -> Option<([u8; 8], usize)> {
        let [a, b, c, d, e, f, g] = long_jump(slot);
        let jump = if self.prefixed {
            [REX_W, a, b, c, d, e, f, g]
        } else {
            [a, b, c, d, e, f, g, 0]
        };
        let ends_well = match self.shared() {
            0 => true,
            1 => keeps_first(slot),
            _ => keeps_syscall(slot),
        };
        let stops = |at: usize| jump.get(at).is_some_and(|byte| INVALID.contains(byte));
        (ends_well && self.inner().all(stops)).then_some((jump, self.length().into()))
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
///
/// Those for which any slot will do are better than nearer ones.
pub fn find(code: &Code<'_>, site: u64, starts: u32, entries: u32, means: Means) -> Option<Span> {
    let search = |fits: fn(&Span) -> bool| {
        nearest(code, site, starts, entries, |span| {
            span.is_possible(means) && fits(span)
        })
    };
    search(Span::takes_any_slot).or_else(|| search(|_| true))
}

fn nearest(code: &Code<'_>, site: u64, starts: u32, entries: u32, fits: impl Fn(&Span) -> bool) -> Option<Span> {
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
        let found = [false, true]
            .into_iter()
            .filter_map(|prefixed| over(code, site, head, starts, prefixed))
            .filter(|span| (1..span.patched).all(|at| entries >> head.saturating_sub(at) & 1 == 0))
            .filter(|span| is_on_one_page(instruction.ip(), span.patched))
            .find(|span| fits(span));
        if found.is_some() {
            return found;
        }
        behind = head;
    }
    None
}

/// The jump over the instructions that begin `head` bytes before the site.
fn over(code: &Code<'_>, site: u64, head: u8, starts: u32, prefixed: bool) -> Option<Span> {
    let is_start = |at: u8| starts >> head.saturating_sub(at) & 1 != 0;
    let length = JUMP.checked_add(prefixed.into())?;
    let patched = (length..head).find(|at| is_start(*at)).unwrap_or(head);
    let inner = (1..patched).filter(|at| is_start(*at));
    let starts = inner.fold(0, |starts, at| starts | 1u8.checked_shl(at.into()).unwrap_or(0));
    let mut bytes = [0; MAX_HEAD];
    let found = code.slice(site.checked_sub(head.into())?, head.into())?;
    bytes.get_mut(..found.len())?.copy_from_slice(found);
    Some(Span {
        head,
        patched,
        starts,
        prefixed,
        bytes,
    })
}

impl Span {
    /// Whether there are slots for it in these tables.
    fn is_possible(&self, means: Means) -> bool {
        let address = BEFORE_ADDRESS.saturating_add(self.prefixed.into());
        let low_bytes =
            (address..address.saturating_add(3)).fold(0, |bits, at| bits | 1u8.checked_shl(at.into()).unwrap_or(0));
        let in_table = match self.shared() {
            0 => self.starts == 0 || means.several,
            // That of a single instruction has a better form.
            1 => self.starts != 0 && means.keeps_first,
            2 => (self.starts != 0 || self.head > 5) && means.keeps_syscall,
            _ => false,
        };
        in_table && self.starts & !low_bytes == 0
    }

    /// Whether all slots of the table fit.
    fn takes_any_slot(&self) -> bool {
        let third = BEFORE_ADDRESS.saturating_add(2).saturating_add(self.prefixed.into());
        self.starts == 0 || self.is_in_second_table() && Some(self.starts) == 1u8.checked_shl(third.into())
    }
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
