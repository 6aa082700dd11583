//! The ordered writes that turn a site into its jump and back, so that at
//! every instant every thread that runs, enters or sits at the site executes
//! the old call, the new jump, or an invalid opcode that the SIGILL handler
//! knows.
//!
//! Each write is either one byte, which is atomic, or bytes that no thread can
//! be executing while it is made. Between two writes every core must be made
//! to refetch (membarrier `PRIVATE_EXPEDITED_SYNC_CORE`), as the Intel SDM
//! (volume 3, "Handling Self- and Cross-Modifying Code") asks.
//!
//! Threads can be at two places of a site: at `head`, the five- or seven-byte
//! instruction, and at `site`, the `syscall`. What they meet there:
//!
//! ```text
//!   slots of the preferred table        head            site
//!   before                              old insn        syscall
//!   1  head        := 06                invalid         syscall
//!   2  head+1..+4  := 24 25 lo hi       invalid         syscall
//!   3  head        := ff                jmp *slot       syscall
//!
//!   slots of a fallback table, 0xNN06____
//!   1  site        := 06                old insn        invalid
//!   2  site+1      := NN                old insn        invalid
//!   3  head        := 06                invalid         invalid
//!   4  head+1..+4  := 24 25 lo hi       invalid         invalid
//!   5  head        := ff                jmp *slot       invalid
//!
//!   `mov $nr,%rax`, seven bytes, whose slot may lie anywhere below 2 GB
//!   1  head        := 06                invalid         syscall
//!   2  head+1..+6  := 24 25 disp32      invalid         syscall
//!   3  head        := ff                jmp *slot       syscall
//!
//!   a span of several instructions, with `second` where the second of them
//!   begins, and so on; XX are bytes of the slot's address, 06 for example
//!   1  second      := XX                old insn        old insn, then `second`
//!   2  third       := XX                                  is invalid, for good
//!   3  head        := 06                invalid
//!   4  the others, up to `second`, from there to `third`, and so on
//!   5  head        := ff or 48          jmp *slot
//!
//!   short jump, whose slot may lie anywhere below 2 GB
//!   1  pad         := ff 24 25 disp32   (dead: nobody is there)
//!                  or e9 rel32, and int3 up to the end of a no-op
//!   2  site        := 06                                invalid
//!   3  site+1      := rel8                              invalid
//!   4  site        := eb                                jmp pad
//!
//!   where the `syscall` stays, and must not ([`seal`])
//!   1  site        := 06                                invalid, for good
//! ```
//!
//! Who meets the invalid opcode at `head` goes to the start of the trampoline;
//! who meets it at `site` has executed the old instruction already, or jumped
//! there with a number of his own, and goes behind the trampoline's prologue:
//! a replayed instruction must not run twice.
//!
//! Where no other thread can be at the site, in the middle of a write or after
//! it, [`plan_alone`] leads to the same bytes at once.

use super::padding::Pad;
use super::site::Form;
use super::span::Span;
use super::trampoline::{Jump, Slot, keeps_syscall, long_jump, near_jump, short_jump, wide_number};

/// `06`, once `push %es`: an invalid opcode in 64-bit mode.
pub const INVALID: u8 = 0x06;

/// The `syscall` instruction.
const SYSCALL: [u8; 2] = [0x0f, 0x05];

/// `int3`: what is left of a no-op becomes this.
const INT3: u8 = 0xcc;

/// The longest write: a long jump, whose last byte is the first of a no-op.
const MAX_LENGTH: usize = 7 + 14;

/// The longest plan: that of a span with four starts.
const MAX_WRITES: usize = 9;

/// One write.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Write {
    /// The address of the first byte.
    pub at: u64,
    /// The bytes, of which the first `len` count.
    pub bytes: [u8; MAX_LENGTH],
    /// How many bytes are written.
    pub len: usize,
}

impl Write {
    /// The bytes to write.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&self.bytes)
    }
}

/// Writes, in the order in which they are to be made, each visible to every
/// core before the next.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Plan {
    writes: [Write; MAX_WRITES],
    len: usize,
}

impl Plan {
    /// The writes, first to last.
    pub fn writes(&self) -> &[Write] {
        self.writes.get(..self.len).unwrap_or(&self.writes)
    }

    fn push(&mut self, at: u64, bytes: &[u8]) -> Option<()> {
        let mut write = Write {
            at,
            len: bytes.len(),
            ..Write::default()
        };
        write.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        *self.writes.get_mut(self.len)? = write;
        self.len = self.len.checked_add(1)?;
        Some(())
    }
}

/// The writes that put the jump of this form, through `slot`, over the site.
/// `None` when the slot cannot be reached in this form.
pub fn plan(form: &Form, site: u64, slot: Slot, original: &[u8; 7]) -> Option<Plan> {
    let mut plan = Plan::default();
    let jump = long_jump(slot.address);
    if slot.address >= 0x8000_0000 || original.last_chunk() != Some(&SYSCALL) {
        return None;
    }
    if let Form::Short { pad } = form {
        let [opcode, distance] = short_jump(site, pad.at)?;
        push_pad(&mut plan, pad, slot)?;
        plan.push(site, &[INVALID])?;
        plan.push(site.checked_add(1)?, &[distance])?;
        plan.push(site, &[opcode])?;
        return Some(plan);
    }
    if let Form::Wide { .. } = form {
        push_wide(&mut plan, site, &jump)?;
        return Some(plan);
    }
    if let Form::Span { span } = form {
        let replacement = span_bytes(span, slot)?;
        let replacement = replacement.get(..span.patched.into())?;
        push_span(&mut plan, site, span, replacement, Way::There)?;
        return Some(plan);
    }
    if let Form::Invalid = form {
        return Some(plan);
    }
    let head = site.checked_sub(5)?;
    let [first, rest @ .., last, top] = jump;
    if !keeps_syscall(slot.address) {
        if last != INVALID {
            return None;
        }
        plan.push(site, &[last])?;
        plan.push(site.checked_add(1)?, &[top])?;
    }
    plan.push(head, &[INVALID])?;
    plan.push(head.checked_add(1)?, &rest)?;
    plan.push(head, &[first])?;
    Some(plan)
}

/// Whether the `syscall` stays where it is beside a jump of this form through a table
/// that is not the preferred one.
pub const fn leaves_syscall(form: &Form) -> bool {
    matches!(form, Form::Wide { .. } | Form::Span { .. } | Form::Invalid)
}

/// Makes the `syscall` that stays an invalid opcode, behind [`plan`].
pub fn seal(site: u64) -> Option<Plan> {
    let mut plan = Plan::default();
    plan.push(site, &[INVALID])?;
    Some(plan)
}

/// Undoes it, before [`unplan`].
pub fn unseal(site: u64) -> Option<Plan> {
    let mut plan = Plan::default();
    let [first, _] = SYSCALL;
    plan.push(site, &[first])?;
    Some(plan)
}

/// The writes that lead to the same bytes as those of [`plan`], for a process
/// with one thread, which is elsewhere.
pub fn plan_alone(form: &Form, site: u64, slot: Slot, original: &[u8; 7]) -> Option<Plan> {
    let mut plan = Plan::default();
    let jump = long_jump(slot.address);
    if slot.address >= 0x8000_0000 || original.last_chunk() != Some(&SYSCALL) {
        return None;
    }
    if let Form::Short { pad } = form {
        push_pad(&mut plan, pad, slot)?;
        plan.push(site, &short_jump(site, pad.at)?)?;
        return Some(plan);
    }
    if let Form::Wide { .. } = form {
        plan.push(site.checked_sub(7)?, &jump)?;
        return Some(plan);
    }
    if let Form::Span { span } = form {
        let replacement = span_bytes(span, slot)?;
        plan.push(
            site.checked_sub(span.head.into())?,
            replacement.get(..span.patched.into())?,
        )?;
        return Some(plan);
    }
    if let Form::Invalid = form {
        return Some(plan);
    }
    // Who comes to the `syscall` by a jump needs it, or the invalid opcode.
    let [.., last, _] = jump;
    if !keeps_syscall(slot.address) && last != INVALID {
        return None;
    }
    let length = if keeps_syscall(slot.address) { 5 } else { 7 };
    plan.push(site.checked_sub(5)?, jump.get(..length)?)?;
    Some(plan)
}

/// One seven-byte instruction in place of another, before the site.
fn push_wide(plan: &mut Plan, site: u64, [first, rest @ ..]: &[u8; 7]) -> Option<()> {
    let head = site.checked_sub(7)?;
    plan.push(head, &[INVALID])?;
    plan.push(head.checked_add(1)?, rest)?;
    plan.push(head, &[*first])
}

/// What is written over a span: the jump, and what is left of its instructions.
fn span_bytes(span: &Span, slot: Slot) -> Option<[u8; MAX_LENGTH]> {
    let mut bytes = [INT3; MAX_LENGTH];
    let (jump, length) = span.jump(slot.address)?;
    bytes.get_mut(..length)?.copy_from_slice(jump.get(..length)?);
    Some(bytes)
}

/// Which way a site's bytes are changed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    There,
    Back,
}

/// The steps from a span to its jump, or back. Where the other instructions
/// begin the invalid opcodes come first and go last.
fn push_span(plan: &mut Plan, site: u64, span: &Span, bytes: &[u8], way: Way) -> Option<()> {
    let head = site.checked_sub(span.head.into())?;
    let push = |plan: &mut Plan, from: usize, to: usize| {
        let part = bytes.get(from..to)?;
        if part.is_empty() {
            return Some(());
        }
        plan.push(head.checked_add(from as u64)?, part)
    };
    let push_starts = |plan: &mut Plan| span.inner().try_for_each(|at| push(plan, at, at.checked_add(1)?));
    if way == Way::There {
        push_starts(plan)?;
    }
    plan.push(head, &[INVALID])?;
    let mut from = 1;
    for at in span.inner() {
        push(plan, from, at)?;
        from = at.checked_add(1)?;
    }
    push(plan, from, bytes.len())?;
    if way == Way::Back {
        push_starts(plan)?;
    }
    push(plan, 0, 1)
}

/// The jump in padding, and what is left of its last no-op.
fn push_pad(plan: &mut Plan, pad: &Pad, slot: Slot) -> Option<()> {
    let mut bytes = [INT3; MAX_LENGTH];
    let room = bytes.get_mut(..pad.len)?;
    let start = room.get_mut(..pad.jump.length())?;
    match pad.jump {
        Jump::Near => start.copy_from_slice(&near_jump(pad.at, slot.trampoline)?),
        Jump::Long => start.copy_from_slice(&long_jump(slot.address)),
    }
    plan.push(pad.at, room)
}

/// The writes that put the original bytes back. The padding of a short jump
/// keeps its jump: a thread may be stopped just before executing it, and
/// nothing else ever gets there.
pub fn unplan(form: &Form, site: u64, slot: Slot, original: &[u8; 7]) -> Option<Plan> {
    let mut plan = Plan::default();
    let [first, rest @ .., high, low] = *original;
    let behind = site.checked_add(1)?;
    if let Form::Short { .. } = form {
        plan.push(site, &[INVALID])?;
        plan.push(behind, &[low])?;
        plan.push(site, &[high])?;
        return Some(plan);
    }
    if let Form::Wide { nr } = form {
        push_wide(&mut plan, site, &wide_number(*nr))?;
        return Some(plan);
    }
    if let Form::Span { span } = form {
        push_span(&mut plan, site, span, span.overwritten(), Way::Back)?;
        return Some(plan);
    }
    if let Form::Invalid = form {
        return Some(plan);
    }
    let head = site.checked_sub(5)?;
    plan.push(head, &[INVALID])?;
    plan.push(head.checked_add(1)?, &rest)?;
    if !keeps_syscall(slot.address) {
        plan.push(behind, &[low])?;
        plan.push(site, &[high])?;
    }
    plan.push(head, &[first])?;
    Some(plan)
}
