//! The bytes of a trampoline, and the jumps that lead to it. All of it is
//! data: nothing is written here.
//!
//! ```text
//!   site-5   jmp *slot          ff 24 25 disp32  (further before it for `mov $nr,%rax` and spans)
//!   slot     .quad trampoline
//!   trampoline:
//!            the instructions from the jump to the `syscall`, if any
//!            movabs $return_address, %rcx
//!            jmp    entry
//! ```
//!
//! Padding beside a site holds either the same jump or, in reach of the
//! trampolines, the shorter `jmp trampoline` (`e9 rel32`).
//!
//! `rcx` needs no saving: `syscall` itself puts the return address there. Sources:
//! Intel SDM volume 2 (`JMP` FF /4, E9, EB; `MOV` B8+r), System V psABI A.2.1.

use super::site::Form;

/// The room that a trampoline has.
pub const SIZE: usize = 32;

/// `int3`: what the rest of a trampoline's room is filled with.
const INT3: u8 = 0xcc;

/// A slot and the trampoline that it leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Slot {
    /// The slot's own address, below 2 GB.
    pub address: u32,
    /// The trampoline's address.
    pub trampoline: u64,
}

/// The jump that padding holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Jump {
    /// [`near_jump`], straight to the trampoline.
    Near,
    /// [`long_jump`], through the slot.
    Long,
}

impl Jump {
    /// How many bytes it takes.
    pub const fn length(self) -> usize {
        match self {
            Jump::Near => 5,
            Jump::Long => 7,
        }
    }
}

/// Where slots and trampolines lie: what tells our jumps from others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ours {
    /// The address of the first slot.
    pub table: u32,
    /// The address of the first slot for jumps over several instructions, at
    /// 0xNN06____; 0 if there are none. It may be the same table.
    pub spans: u32,
    /// The address of the first trampoline.
    pub trampolines: u64,
    /// How many there are of each.
    pub slots: u32,
}

impl Ours {
    /// No slots at all: no jump is one of ours, and none of ours is near.
    pub const NONE: Ours = Ours {
        table: 0,
        spans: 0,
        trampolines: 0,
        slots: 0,
    };

    /// Whether `bytes` are a long jump through one of the slots.
    pub fn is_long(&self, bytes: &[u8; 7]) -> bool {
        let is_in = |slot: u32, table: u32| {
            let offset = slot.checked_sub(table);
            offset.is_some_and(|offset| offset.is_multiple_of(8) && offset / 8 < self.slots)
        };
        let slot = slot_of(bytes);
        slot.is_some_and(|slot| is_in(slot, self.table) || self.spans != 0 && is_in(slot, self.spans))
    }

    /// The table in which the slot of a jump of this form lies.
    pub const fn table_of(&self, form: &Form) -> u32 {
        if form.is_in_second_table() {
            self.spans
        } else {
            self.table
        }
    }

    /// Whether `bytes` at `at` are a near jump to one of the trampolines.
    pub fn is_near(&self, at: u64, bytes: &[u8; 5]) -> bool {
        let offset = near_target(at, bytes).and_then(|target| target.checked_sub(self.trampolines));
        offset
            .is_some_and(|offset| offset.is_multiple_of(SIZE as u64) && offset / (SIZE as u64) < u64::from(self.slots))
    }

    /// The shortest jump that reaches any of the trampolines from `at`.
    pub fn jump_from(&self, at: u64) -> Jump {
        let reaches = |trampoline: u64| near_jump(at, trampoline).is_some();
        let end = u64::from(self.slots)
            .checked_mul(SIZE as u64)
            .and_then(|size| self.trampolines.checked_add(size));
        if self.slots != 0 && reaches(self.trampolines) && end.is_some_and(reaches) {
            Jump::Near
        } else {
            Jump::Long
        }
    }
}

/// The code that one site jumps to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trampoline {
    /// The code, filled up with `int3`.
    pub bytes: [u8; SIZE],
    /// How many of the bytes are code.
    pub len: usize,
    /// The length of the replaced instructions that the code begins with, or 0
    /// for a site that gives up no instruction but the `syscall`.
    pub prologue: usize,
    /// How long they are at the site.
    pub head: usize,
}

/// The code for a site of this form, to be placed at `at`: it returns to
/// `return_address`, the one behind the `syscall`, and enters at `target`.
/// `None` when `target` is out of reach of a 32-bit displacement.
pub fn trampoline(form: &Form, at: u64, return_address: u64, target: u64) -> Option<Trampoline> {
    let mut code = Code {
        bytes: [INT3; SIZE],
        len: 0,
    };
    match form {
        Form::Number { nr } => {
            code.push(&[0xb8])?;
            code.push(&nr.to_le_bytes())?;
        }
        Form::Wide { nr } => code.push(&wide_number(*nr))?,
        Form::Replay { insn } => code.push(insn)?,
        Form::Span { span } => match span.address_load(return_address.wrapping_sub(2)) {
            Some((movabs, address)) => {
                let (rest, _) = span.original().split_last_chunk::<7>()?;
                code.push(rest)?;
                code.push(&movabs)?;
                code.push(&address.to_le_bytes())?;
            }
            None => code.push(span.original())?,
        },
        Form::Short { .. } | Form::Invalid => {}
    }
    let prologue = code.len;
    code.push(&[0x48, 0xb9])?;
    code.push(&return_address.to_le_bytes())?;
    code.push(&[0xe9])?;
    let behind = at.checked_add(code.len as u64)?.checked_add(4)?;
    let distance = i32::try_from(target.checked_signed_diff(behind)?).ok()?;
    code.push(&distance.to_le_bytes())?;
    Some(Trampoline {
        bytes: code.bytes,
        len: code.len,
        prologue,
        head: form.head().unwrap_or(0) as usize,
    })
}

/// `mov $nr,%rax`, where `nr` is below 2^31.
pub const fn wide_number(nr: u32) -> [u8; 7] {
    let [a, b, c, d] = nr.to_le_bytes();
    [0x48, 0xc7, 0xc0, a, b, c, d]
}

/// The number that a trampoline loads itself.
pub fn number(bytes: &[u8; SIZE]) -> Option<u32> {
    match *bytes {
        [0xb8, a, b, c, d, ..] | [0x48, 0xc7, 0xc0, a, b, c, d, ..] => Some(u32::from_le_bytes([a, b, c, d])),
        _ => None,
    }
}

/// `jmp *slot`: an absolute, sign-extended 32-bit address of the pointer, so
/// `slot` lies below 2 GB.
pub const fn long_jump(slot: u32) -> [u8; 7] {
    let [a, b, c, d] = slot.to_le_bytes();
    [0xff, 0x24, 0x25, a, b, c, d]
}

/// The slot that a [`long_jump`] goes through, if `bytes` are one.
pub const fn slot_of(bytes: &[u8; 7]) -> Option<u32> {
    let [0xff, 0x24, 0x25, a, b, c, d] = *bytes else {
        return None;
    };
    let slot = u32::from_le_bytes([a, b, c, d]);
    if slot < 0x8000_0000 { Some(slot) } else { None }
}

/// `jmp rel32` at `at` to `trampoline`. `None` when it does not reach.
pub fn near_jump(at: u64, trampoline: u64) -> Option<[u8; 5]> {
    let behind = at.checked_add(5)?;
    let distance = i32::try_from(trampoline.checked_signed_diff(behind)?).ok()?;
    let [a, b, c, d] = distance.to_le_bytes();
    Some([0xe9, a, b, c, d])
}

/// Where a [`near_jump`] at `at` leads, if `bytes` are one.
pub fn near_target(at: u64, bytes: &[u8; 5]) -> Option<u64> {
    let [0xe9, a, b, c, d] = *bytes else {
        return None;
    };
    let distance = i32::from_le_bytes([a, b, c, d]);
    at.checked_add(5)?.checked_add_signed(i64::from(distance))
}

/// `jmp rel8` at `site` to `pad`. `None` when it does not reach.
pub fn short_jump(site: u64, pad: u64) -> Option<[u8; 2]> {
    let behind = site.checked_add(2)?;
    let distance = i8::try_from(pad.checked_signed_diff(behind)?).ok()?;
    Some([0xeb, distance.cast_unsigned()])
}

/// Whether a long jump through `slot` ends in `0f 05`, so that the site's
/// `syscall` stays in place: the slots 0x050f_0000..=0x050f_ffff.
pub const fn keeps_syscall(slot: u32) -> bool {
    slot >> 16 == 0x050f
}

/// Code under construction.
struct Code {
    bytes: [u8; SIZE],
    len: usize,
}

impl Code {
    fn push(&mut self, part: &[u8]) -> Option<()> {
        let end = self.len.checked_add(part.len())?;
        self.bytes.get_mut(self.len..end)?.copy_from_slice(part);
        self.len = end;
        Some(())
    }
}
