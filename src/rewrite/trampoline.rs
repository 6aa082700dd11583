//! The bytes of a trampoline, and the jumps that lead to it. All of it is
//! data: nothing is written here.
//!
//! ```text
//!   site-5   jmp *slot          ff 24 25 disp32
//!   slot     .quad trampoline
//!   trampoline:
//!            the instruction that the jump replaced, if any
//!            movabs $return_address, %rcx
//!            jmp    entry
//! ```
//!
//! `rcx` needs no saving: `syscall` itself puts the return address there. Sources:
//! Intel SDM volume 2 (`JMP` FF /4, E9, EB; `MOV` B8+r), System V psABI A.2.1.

use super::site::Form;

/// The room that a trampoline has.
pub const SIZE: usize = 32;

/// `int3`: what the rest of a trampoline's room is filled with.
const INT3: u8 = 0xcc;

/// The code that one site jumps to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trampoline {
    /// The code, filled up with `int3`.
    pub bytes: [u8; SIZE],
    /// How many of the bytes are code.
    pub len: usize,
    /// The length of the replaced instruction that the code begins with: 5,
    /// or 0 for a site that gives up no instruction but the `syscall`.
    pub prologue: usize,
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
        Form::Replay { insn } => code.push(insn)?,
        Form::Short { .. } => {}
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
    })
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
