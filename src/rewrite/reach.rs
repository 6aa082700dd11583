//! Where execution goes on: behind an instruction, and through a table of jumps.

use iced_x86::{FlowControl, Instruction, Mnemonic};

use super::code::{Code, direct_target};
use super::span::REX_W;
use super::trampoline::Ours;

/// Whether execution gets to the next instruction behind this one. Behind a jump of
/// ours it does, by its trampoline.
pub fn goes_on(code: &Code<'_>, instruction: &Instruction, ours: &Ours) -> bool {
    match instruction.flow_control() {
        FlowControl::Next | FlowControl::ConditionalBranch | FlowControl::Call | FlowControl::IndirectCall => true,
        FlowControl::IndirectBranch => is_long(code, instruction.ip(), ours),
        FlowControl::UnconditionalBranch => direct_target(instruction).is_some_and(|pad| {
            let is_near = code.array(pad).is_some_and(|bytes| ours.is_near(pad, &bytes));
            is_near || is_long(code, pad, ours)
        }),
        _ => false,
    }
}

/// Whether a jump through a slot of ours lies there, perhaps with a prefix that
/// changes nothing.
fn is_long(code: &Code<'_>, at: u64, ours: &Ours) -> bool {
    let prefixed = code.array(at) == Some([REX_W]);
    let jump = at.checked_add(prefixed.into()).and_then(|at| code.array(at));
    jump.is_some_and(|jump| ours.is_long(&jump))
}

/// What an instruction takes the address of, perhaps a table of jumps: that of a
/// `switch` is made of distances from itself to its targets.
pub fn table(instruction: &Instruction) -> Option<u64> {
    let is_address = instruction.mnemonic() == Mnemonic::Lea && instruction.is_ip_rel_memory_operand();
    is_address.then(|| instruction.ip_rel_memory_address())
}

/// More entries than any switch has.
const MOST: u64 = 4096;

/// The targets in the table, up to the first entry that leads to no instruction.
pub fn entries(
    table: u64,
    number: impl Fn(u64) -> Option<i32>,
    is_start: impl Fn(u64) -> bool,
) -> impl Iterator<Item = u64> {
    let target = move |at: u64| {
        let distance = number(table.checked_add(at * size_of::<i32>() as u64)?)?;
        table.checked_add_signed(distance.into())
    };
    (0..MOST).map_while(target).take_while(move |target| is_start(*target))
}
