//! Which instructions do the same when they are executed elsewhere.

use iced_x86::{EncodingKind, FlowControl, Instruction, Mnemonic, OpKind, Register};

use super::code::is_legacy_prefix;

/// Whether the instruction, `bytes` in memory, may be executed in a trampoline
/// in place of its own address. It may fault, use the stack, and change `rcx`
/// and `r11`, which the call changes anyway.
pub fn is_relocatable(instruction: &Instruction, bytes: &[u8]) -> bool {
    // Control transfers, interrupts and system calls leave or know where they
    // are; a transaction begins or ends where it says.
    if instruction.flow_control() != FlowControl::Next || instruction.is_privileged() {
        return false;
    }
    if instruction.is_ip_rel_memory_operand() {
        return false;
    }
    // What works on no operand works on the state of the machine: rdtsc, cpuid,
    // monitor, xgetbv, enclu, vmcall, popf and the string instructions.
    if instruction.op_count() == 0 || instruction.has_lock_prefix() {
        return false;
    }
    // Five-byte no-ops are reserved by whoever put them there: the kernel's
    // uprobes, tracers and live patching write jumps over them.
    if matches!(
        instruction.mnemonic(),
        Mnemonic::Nop | Mnemonic::Endbr64 | Mnemonic::Endbr32
    ) {
        return false;
    }
    !touches_segments(instruction) && !changes_shadow_stack(instruction) && !is_x87(instruction, bytes)
}

/// GS is ours, and whoever loads a segment or its base may mean GS.
fn touches_segments(instruction: &Instruction) -> bool {
    if instruction.segment_prefix() == Register::GS {
        return true;
    }
    if matches!(
        instruction.mnemonic(),
        Mnemonic::Rdgsbase | Mnemonic::Wrgsbase | Mnemonic::Rdfsbase | Mnemonic::Wrfsbase | Mnemonic::Lgs
    ) {
        return true;
    }
    (0..instruction.op_count()).any(|operand| {
        instruction
            .try_op_kind(operand)
            .is_ok_and(|kind| kind == OpKind::Register)
            && instruction
                .try_op_register(operand)
                .is_ok_and(Register::is_segment_register)
    })
}

/// The instructions of control-flow enforcement (Intel SDM volume 1, chapter
/// 17): they must stay with the calls and returns that they belong to.
fn changes_shadow_stack(instruction: &Instruction) -> bool {
    matches!(
        instruction.mnemonic(),
        Mnemonic::Incsspd
            | Mnemonic::Incsspq
            | Mnemonic::Rdsspd
            | Mnemonic::Rdsspq
            | Mnemonic::Rstorssp
            | Mnemonic::Wrssd
            | Mnemonic::Wrssq
            | Mnemonic::Wrussd
            | Mnemonic::Wrussq
            | Mnemonic::Clrssbsy
    )
}

/// The x87 unit remembers the address of its last instruction, and shows it in
/// `fnstenv` and `fxsave`.
fn is_x87(instruction: &Instruction, bytes: &[u8]) -> bool {
    let opcode = bytes
        .iter()
        .find(|byte| !is_legacy_prefix(**byte) && !(0x40..=0x4f).contains(*byte));
    instruction.encoding() == EncodingKind::Legacy && opcode.is_some_and(|opcode| (0xd8..=0xdf).contains(opcode))
}
