//! Which number a call has, where the code before it says so.

use std::collections::BTreeSet;

use iced_x86::{FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpAccess, OpKind, Register};

use crate::prover::code::direct_target;

/// What registers are known to hold, in a straight decode of a function.
pub(super) struct Registers {
    values: [Option<u64>; 16],
    targets: BTreeSet<u64>,
    factory: InstructionInfoFactory,
}

impl Registers {
    /// At the start of a function whose instructions these are.
    pub(super) fn new(instructions: impl Iterator<Item = Instruction>) -> Registers {
        Registers {
            values: [None; 16],
            targets: instructions.filter_map(|one| direct_target(&one)).collect(),
            factory: InstructionInfoFactory::new(),
        }
    }

    /// The number of a call that is made at `address` now.
    pub(super) fn number(&self, address: u64) -> Option<u32> {
        let [rax, ..] = self.values;
        // Who comes by a branch has another, or the same.
        let entered = self.targets.contains(&address);
        rax.filter(|_| !entered).and_then(|number| number.try_into().ok())
    }

    /// Behind one more instruction.
    pub(super) fn step(&mut self, instruction: &Instruction) {
        if self.targets.contains(&instruction.ip()) {
            self.values = [None; 16];
        }
        let known = self.result(instruction);
        for used in self.factory.info(instruction).used_registers() {
            let written = !matches!(
                used.access(),
                OpAccess::Read | OpAccess::CondRead | OpAccess::NoMemAccess
            );
            if let Some(value) = self.values.get_mut(index(used.register())).filter(|_| written) {
                *value = None;
            }
        }
        if let Some((register, result)) = known
            && let Some(value) = self.values.get_mut(index(register))
        {
            *value = result;
        }
        match instruction.flow_control() {
            FlowControl::Next | FlowControl::ConditionalBranch => {}
            _ => self.values = [None; 16],
        }
    }

    /// The register that an instruction gives a value, and which.
    fn result(&self, instruction: &Instruction) -> Option<(Register, Option<u64>)> {
        let target = instruction.op0_register();
        if instruction.op_count() != 2 || instruction.op0_kind() != OpKind::Register || !is_wide(target) {
            return None;
        }
        let mask = if target.is_gpr64() {
            u64::MAX
        } else {
            u64::from(u32::MAX)
        };
        let from = instruction.op1_register();
        let value = match (instruction.mnemonic(), instruction.op1_kind()) {
            (Mnemonic::Mov, OpKind::Register) if is_wide(from) => self
                .values
                .get(index(from))
                .copied()
                .flatten()
                .map(|value| value & mask),
            (Mnemonic::Mov, OpKind::Immediate32 | OpKind::Immediate64 | OpKind::Immediate32to64) => {
                Some(instruction.immediate(1) & mask)
            }
            (Mnemonic::Xor | Mnemonic::Sub, OpKind::Register) if from == target => Some(0),
            _ => None,
        };
        Some((target, value))
    }
}

fn is_wide(register: Register) -> bool {
    register.is_gpr32() || register.is_gpr64()
}

/// The place of a general register, whatever part of it is meant.
fn index(register: Register) -> usize {
    if register.is_gpr() {
        register.full_register() as usize - Register::RAX as usize
    } else {
        usize::MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prover::code::Code;

    /// The number of the call behind this code.
    fn number(bytes: &[u8]) -> Option<u32> {
        let code = Code { bytes, base: 0x1000 };
        let all = || code.instructions(0x1000, u64::MAX);
        let mut registers = Registers::new(all());
        for instruction in all() {
            if instruction.mnemonic() == Mnemonic::Syscall {
                return registers.number(instruction.ip());
            }
            registers.step(&instruction);
        }
        None
    }

    #[test]
    fn a_number_is_known_from_where_it_was_loaded() {
        assert_eq!(number(b"\xb8\x27\0\0\0\x31\xff\x0f\x05"), Some(39)); // mov $39,%eax; xor %edi,%edi
        assert_eq!(number(b"\x41\xb8\xca\0\0\0\x4c\x89\xc0\x0f\x05"), Some(202)); // mov $202,%r8d; mov %r8,%rax
        assert_eq!(number(b"\x31\xc0\x0f\x05"), Some(0)); // xor %eax,%eax
        assert_eq!(number(b"\x48\xc7\xc0\x0f\0\0\0\x0f\x05"), Some(15)); // mov $15,%rax
    }

    #[test]
    fn it_is_not_where_it_may_be_another() {
        assert_eq!(number(b"\x89\xf8\x0f\x05"), None); // mov %edi,%eax
        assert_eq!(number(b"\xb8\x27\0\0\0\xb0\x01\x0f\x05"), None); // mov $39,%eax; mov $1,%al
        assert_eq!(number(b"\xb8\x27\0\0\0\xe8\0\0\0\0\x0f\x05"), None); // a call in between
        assert_eq!(number(b"\xb8\x27\0\0\0\x0f\x44\xc1\x0f\x05"), None); // cmove %ecx,%eax
        assert_eq!(number(b"\xb8\x27\0\0\0\x0f\x05\xeb\xfc"), None); // a branch to the syscall
        assert_eq!(number(b"\x48\xc7\xc0\xff\xff\xff\xff\x0f\x05"), None); // mov $-1,%rax: no number
    }
}
