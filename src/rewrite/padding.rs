//! Dead bytes near a site that can hold the jump to its trampoline.
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
//! Jumps of ours that lie in padding already are kept; what is left between
//! them is free. It stays recognisable as padding, because a jump starts where
//! a no-op started and what it leaves of the last no-op becomes `int3`.
//!
//! Zeros are not padding: they may be data that is read.

use iced_x86::{FlowControl, Instruction, Mnemonic};

use super::boundary::MAX_FUNCTION;
use super::code::{Code, direct_target};
use super::eh_frame::Function;
use super::span::REX_W;
use super::trampoline::{Jump, Ours, short_jump};

/// How far from a site padding can be: a short jump's reach and then some.
const HORIZON: u64 = 256;

/// How many functions on each side of a site are looked at.
const NEIGHBOURS: usize = 8;

/// What compilers align jump targets to, at the least.
const ALIGNMENT: u64 = 8;

/// The bytes of padding that a jump takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pad {
    /// The address of the first.
    pub at: u64,
    /// How many: the jump and the rest of the last no-op that it covers.
    pub len: usize,
    /// The jump.
    pub jump: Jump,
}

/// A pad, and how many free bytes there are from its start on.
type Room = (u64, Pad);

/// The tightest padding that a short jump at `site` reaches, in or between the
/// functions around it.
pub fn near(code: &Code<'_>, site: u64, ours: &Ours, functions: impl Fn(u64) -> Option<Function>) -> Option<Pad> {
    let search = Search { code, site, ours };
    let own = functions(site)?;
    let above = core::iter::successors(Some(own), |function| functions(function.next));
    let below = core::iter::successors(Some(own), |function| {
        functions(function.prev_start).filter(|previous| previous.start < function.start)
    });
    let within = |function: &Function| {
        function.start <= site.saturating_add(HORIZON) && site <= function.next.saturating_add(HORIZON)
    };
    let rooms = above
        .take(NEIGHBOURS)
        .take_while(within)
        .chain(below.skip(1).take(NEIGHBOURS).take_while(within))
        .filter_map(|function| search.in_function(&function));
    tightest(rooms).map(|(_, pad)| pad)
}

/// The padding behind `site`, where no function is known: in the first `int3`s
/// that a straight decode meets behind an instruction that does not go on.
pub fn behind(code: &Code<'_>, site: u64, ours: &Ours) -> Option<Pad> {
    let search = Search { code, site, ours };
    let start = site.checked_add(2)?;
    let end = start.checked_add(HORIZON)?;
    code.instructions(start, end)
        .take_while(|instruction| instruction.mnemonic() != Mnemonic::Int3)
        .filter(|instruction| search.ends_flow(instruction))
        .find_map(|instruction| search.in_int3_run(instruction.next_ip(), end))
        .map(|(_, pad)| pad)
}

/// The first of the smallest.
fn tightest(rooms: impl Iterator<Item = Room>) -> Option<Room> {
    rooms.min_by_key(|(free, _)| *free)
}

/// A look for padding that a short jump at `site` reaches.
struct Search<'a> {
    code: &'a Code<'a>,
    site: u64,
    ours: &'a Ours,
}

impl Search<'_> {
    /// Room in a function, or in the gap behind it.
    fn in_function(&self, function: &Function) -> Option<Room> {
        if function.end.checked_sub(function.start)? > MAX_FUNCTION {
            return None;
        }
        let mut last = None;
        let mut known = !function.handlers;
        for instruction in self.code.instructions(function.start, function.end) {
            known &= self.stays_inside(&instruction, function);
            last = Some(instruction);
        }
        let last = last.filter(|last| last.next_ip() == function.end)?;
        let closed = self.ends_flow(&last);
        let gap = closed.then(|| self.in_gap(function.end, function.next)).flatten();
        let alignment = known.then(|| self.in_alignment(function)).flatten();
        tightest(gap.into_iter().chain(alignment))
    }

    /// Whether execution never goes on behind this instruction. Not so behind
    /// our jumps: the calls of rewritten sites return there. Nor behind `ud2`,
    /// which a signal handler may step over.
    fn ends_flow(&self, instruction: &Instruction) -> bool {
        let ends = matches!(
            instruction.flow_control(),
            FlowControl::Return | FlowControl::UnconditionalBranch | FlowControl::IndirectBranch
        );
        ends && !self.is_rewritten(instruction)
    }

    /// Whether the instruction, unless it is a call, goes to a known place in
    /// the function, or returns.
    fn stays_inside(&self, instruction: &Instruction, function: &Function) -> bool {
        match instruction.flow_control() {
            FlowControl::UnconditionalBranch | FlowControl::ConditionalBranch => {
                direct_target(instruction).is_some_and(|target| function.contains(target))
                    || self.is_rewritten(instruction)
            }
            FlowControl::IndirectBranch => self.is_rewritten(instruction),
            FlowControl::XbeginXabortXend => false,
            _ => true,
        }
    }

    /// Whether the instruction is what a rewritten site, or its padding,
    /// consists of: a jump to a trampoline, at once or by way of padding.
    fn is_rewritten(&self, instruction: &Instruction) -> bool {
        let hop = direct_target(instruction).filter(|target| {
            let bytes = self.code.array(instruction.ip());
            bytes.is_some() && bytes == short_jump(instruction.ip(), *target)
        });
        self.is_jump(instruction.ip()) || hop.is_some_and(|target| self.is_jump(target))
    }

    /// Whether a jump to one of the trampolines lies at `address`.
    fn is_jump(&self, address: u64) -> bool {
        let near = self.code.array(address);
        let prefixed = self.code.array(address) == Some([REX_W]);
        let long = address.checked_add(prefixed.into()).and_then(|at| self.code.array(at));
        near.is_some_and(|bytes| self.ours.is_near(address, &bytes))
            || long.is_some_and(|bytes| self.ours.is_long(&bytes))
    }

    /// Room in the gap `[start, end)` behind a function that does not go on
    /// there.
    fn in_gap(&self, start: u64, end: u64) -> Option<Room> {
        let is_dead = end.checked_sub(start)? <= HORIZON && self.padding_end(start, end) == end;
        if is_dead {
            self.in_padding(start, end)
        } else {
            self.in_int3_run(start, end)
        }
    }

    /// Room in the alignment inside a function, all branches of which are
    /// known.
    fn in_alignment(&self, function: &Function) -> Option<Room> {
        let instructions = || self.code.instructions(function.start, function.end);
        let rooms = instructions()
            .filter(|instruction| self.ends_flow(instruction))
            .filter_map(|instruction| {
                let start = instruction.next_ip();
                let end = self.padding_end(start, function.end);
                let room = self.in_padding(start, end).filter(|_| end.is_multiple_of(ALIGNMENT))?;
                let is_entered = instructions()
                    .filter(|instruction| !self.is_rewritten(instruction))
                    .filter_map(|instruction| direct_target(&instruction))
                    .any(|target| (start..end).contains(&target));
                (!is_entered).then_some(room)
            });
        tightest(rooms)
    }

    /// Room in the `int3`s that `[start, end)` begins with.
    fn in_int3_run(&self, start: u64, end: u64) -> Option<Room> {
        let end = end.min(start.checked_add(HORIZON)?);
        let end = self.run_end(start, end, |mnemonic| mnemonic == Mnemonic::Int3);
        self.in_padding(start, end)
    }

    /// Where the no-ops and `int3`s that `[start, end)` begins with end.
    fn padding_end(&self, start: u64, end: u64) -> u64 {
        self.run_end(start, end, |mnemonic| {
            matches!(mnemonic, Mnemonic::Nop | Mnemonic::Int3)
        })
    }

    /// Where the padding of a kind that `[start, end)` begins with ends, with
    /// the jumps that earlier rewriting put there.
    fn run_end(&self, start: u64, end: u64, is_padding: impl Fn(Mnemonic) -> bool) -> u64 {
        self.code
            .instructions(start, end)
            .take_while(|instruction| is_padding(instruction.mnemonic()) || self.is_jump(instruction.ip()))
            .last()
            .map_or(start, |last| last.next_ip())
    }

    /// The tightest room between the jumps in the padding `[start, end)`.
    fn in_padding(&self, start: u64, end: u64) -> Option<Room> {
        let instructions = self.code.instructions(start, end);
        let ends = instructions
            .filter(|instruction| self.is_jump(instruction.ip()))
            .map(|jump| (jump.ip(), jump.next_ip()))
            .chain([(end, end)]);
        let rooms = ends.scan(start, |from, (to, next)| {
            let room = self.in_stretch(*from, to);
            *from = next;
            Some(room)
        });
        tightest(rooms.flatten())
    }

    /// Room in the no-ops and `int3`s `[start, end)`: where the first of them
    /// lies that is in reach.
    fn in_stretch(&self, start: u64, end: u64) -> Option<Room> {
        let reached = |instruction: &Instruction| short_jump(self.site, instruction.ip()).is_some();
        let at = self.code.instructions(start, end).find(reached)?.ip();
        let jump = self.ours.jump_from(at);
        let least = at.checked_add(jump.length() as u64)?;
        let mut covered = self.code.instructions(at, end);
        let last = covered.find(|instruction| instruction.next_ip() >= least)?;
        let len = usize::try_from(last.next_ip().checked_sub(at)?).ok()?;
        let pad = Pad { at, len, jump };
        Some((end.checked_sub(at)?, pad))
    }
}
