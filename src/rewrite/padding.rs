//! Dead bytes near a site that can hold a long jump.
//!
//! Dead is what no execution reaches. Three kinds are taken as proved:
//!
//! * **A gap between functions**: no FDE covers it, the function before it
//!   decodes to its very end and does not go on there (assembly functions do
//!   fall through alignment into the next), and all of the gap, up to the next
//!   function, is no-ops and `int3`. A gap that holds anything else may be a
//!   function without unwind information, no-ops at its entry included.
//! * **Alignment in a function**: no-ops behind an instruction that does not go
//!   on, up to an aligned address, in a function that decodes to its very end
//!   and every branch of which is known: none goes there, and there are no
//!   jump tables, no exception handlers, and no way to another part of it.
//! * **A run of `int3`** behind an instruction that does not go on, reached in
//!   a straight decode from a certain boundary. Compilers write single ones as
//!   traps; linkers and the Go compiler fill with them.
//!
//! Zeros are not padding: they may be data that is read.

use iced_x86::{FlowControl, Instruction, Mnemonic};

use super::boundary::MAX_FUNCTION;
use super::code::{Code, direct_target, ends_flow};
use super::eh_frame::Function;
use super::trampoline::{short_jump, slot_of};

/// The length of a long jump.
const JUMP: u64 = 7;

/// How far from a site padding can be: a short jump's reach and then some.
const HORIZON: u64 = 256;

/// How many functions on each side of a site are looked at.
const NEIGHBOURS: usize = 8;

/// What compilers align jump targets to, at the least.
const ALIGNMENT: u64 = 8;

const INT3: u8 = 0xcc;

/// The address of seven dead bytes that a short jump at `site` reaches, in or
/// between the functions around it.
pub fn near(code: &Code<'_>, site: u64, functions: impl Fn(u64) -> Option<Function>) -> Option<u64> {
    let own = functions(site)?;
    let above = core::iter::successors(Some(own), |function| functions(function.next));
    let below = core::iter::successors(Some(own), |function| {
        functions(function.prev_start).filter(|previous| previous.start < function.start)
    });
    let within = |function: &Function| {
        function.start <= site.saturating_add(HORIZON) && site <= function.next.saturating_add(HORIZON)
    };
    above
        .take(NEIGHBOURS)
        .take_while(within)
        .chain(below.skip(1).take(NEIGHBOURS).take_while(within))
        .find_map(|function| in_function(code, site, &function))
}

/// The address of seven dead bytes behind `site`, where no function is known:
/// in the first `int3`s that a straight decode meets behind an instruction
/// that does not go on.
pub fn behind(code: &Code<'_>, site: u64) -> Option<u64> {
    let start = site.checked_add(2)?;
    let end = start.checked_add(HORIZON)?;
    code.instructions(start, end)
        .take_while(|instruction| instruction.mnemonic() != Mnemonic::Int3)
        .filter(|instruction| ends_flow(code, instruction))
        .find_map(|instruction| in_int3_run(code, site, instruction.next_ip(), end))
}

/// Room in a function, or in the gap behind it.
fn in_function(code: &Code<'_>, site: u64, function: &Function) -> Option<u64> {
    if function.end.checked_sub(function.start)? > MAX_FUNCTION {
        return None;
    }
    let mut closed = false;
    let mut known = !function.handlers;
    for instruction in code.instructions(function.start, function.end) {
        closed = instruction.next_ip() == function.end && ends_flow(code, &instruction);
        known &= stays_inside(&instruction, function);
    }
    if !closed {
        return None;
    }
    let in_gap = in_gap(code, site, function.end, function.next);
    if in_gap.is_some() || !known {
        return in_gap;
    }
    in_alignment(code, site, function)
}

/// Whether the instruction, unless it is a call, goes to a known place in the
/// function, or returns.
fn stays_inside(instruction: &Instruction, function: &Function) -> bool {
    match instruction.flow_control() {
        FlowControl::UnconditionalBranch | FlowControl::ConditionalBranch => {
            direct_target(instruction).is_some_and(|target| function.contains(target))
        }
        FlowControl::IndirectBranch | FlowControl::XbeginXabortXend => false,
        _ => true,
    }
}

/// Room in the gap `[start, end)` behind a function that does not go on there.
fn in_gap(code: &Code<'_>, site: u64, start: u64, end: u64) -> Option<u64> {
    let free = behind_jumps(code, start, end);
    let is_dead = end.checked_sub(start)? <= HORIZON && padding_end(code, free, end) == end;
    if is_dead {
        within_reach(site, free, end)
    } else {
        in_int3_run(code, site, free, end)
    }
}

/// Room in the alignment inside a function, all branches of which are known.
fn in_alignment(code: &Code<'_>, site: u64, function: &Function) -> Option<u64> {
    let instructions = || code.instructions(function.start, function.end);
    instructions()
        .filter(|instruction| ends_flow(code, instruction))
        .find_map(|instruction| {
            let start = instruction.next_ip();
            let end = padding_end(code, start, function.end);
            let pad = within_reach(site, start, end).filter(|_| end.is_multiple_of(ALIGNMENT))?;
            let mut targets = instructions().filter_map(|instruction| direct_target(&instruction));
            (!targets.any(|target| (start..end).contains(&target))).then_some(pad)
        })
}

/// Where the no-ops and `int3`s that `[start, end)` begins with end.
fn padding_end(code: &Code<'_>, start: u64, end: u64) -> u64 {
    code.instructions(start, end)
        .take_while(|instruction| matches!(instruction.mnemonic(), Mnemonic::Nop | Mnemonic::Int3))
        .last()
        .map_or(start, |last| last.next_ip())
}

/// Room in the `int3`s that `[start, end)` begins with.
fn in_int3_run(code: &Code<'_>, site: u64, start: u64, end: u64) -> Option<u64> {
    let length = end.saturating_sub(start).min(HORIZON);
    let is_int3 = |offset: &u64| start.checked_add(*offset).and_then(|address| code.array(address)) == Some([INT3]);
    let run = (0..length).take_while(is_int3).count() as u64;
    within_reach(site, start, start.checked_add(run)?)
}

/// The first byte of `[start, end)` behind the long jumps that earlier
/// rewriting put there.
fn behind_jumps(code: &Code<'_>, start: u64, end: u64) -> u64 {
    let mut at = start;
    while let Some(next) = at.checked_add(JUMP).filter(|next| *next <= end)
        && code.array(at).is_some_and(|bytes| slot_of(&bytes).is_some())
    {
        at = next;
    }
    at
}

/// The lowest address of `[start, end)` with room for a long jump that a short
/// jump at `site` reaches.
fn within_reach(site: u64, start: u64, end: u64) -> Option<u64> {
    let lowest = start.max(site.saturating_sub(126));
    let fits = lowest.checked_add(JUMP)? <= end && short_jump(site, lowest).is_some();
    fits.then_some(lowest)
}
