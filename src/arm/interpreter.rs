//! Classic BPF as `net/core/filter.c` defines it, for the codes that the tests'
//! filters have.

use crate::abi::seccomp::{
    BPF_JEQ_K, BPF_JGE_K, BPF_JGT_K, BPF_JSET_K, BPF_LD_IMM, BPF_LD_W_ABS, BPF_RET_K, Instruction, SeccompData,
};

/// `A += k`, `X = A`, `A = X`, `return A`.
pub(super) const ADD_K: u16 = 0x04;
pub(super) const TAX: u16 = 0x07;
pub(super) const TXA: u16 = 0x87;
pub(super) const RET_A: u16 = 0x16;

use crate::arm::policy::program::JA;

/// The verdict, and how many instructions ran.
pub(super) fn run(program: &[Instruction], data: &SeccompData) -> (u32, usize) {
    let (mut accumulator, mut index) = (0u32, 0u32);
    let mut pc = 0usize;
    for steps in 1.. {
        let instruction = program[pc];
        let k = instruction.k;
        pc += 1;
        let holds = match instruction.code {
            BPF_LD_W_ABS => {
                accumulator = match k {
                    0 => data.nr,
                    4 => data.arch,
                    8 => data.instruction_pointer as u32,
                    12 => (data.instruction_pointer >> 32) as u32,
                    16..64 if k.is_multiple_of(4) => (data.args[(k as usize - 16) / 8] >> (k % 8 * 8)) as u32,
                    _ => panic!("load from offset {k}"),
                };
                continue;
            }
            BPF_LD_IMM => {
                accumulator = k;
                continue;
            }
            ADD_K => {
                accumulator = accumulator.wrapping_add(k);
                continue;
            }
            TAX => {
                index = accumulator;
                continue;
            }
            TXA => {
                accumulator = index;
                continue;
            }
            JA => {
                pc += k as usize;
                continue;
            }
            BPF_RET_K => return (k, steps),
            RET_A => return (accumulator, steps),
            BPF_JEQ_K => accumulator == k,
            BPF_JGT_K => accumulator > k,
            BPF_JGE_K => accumulator >= k,
            BPF_JSET_K => accumulator & k != 0,
            code => panic!("code {code:#x}"),
        };
        pc += usize::from(if holds { instruction.jt } else { instruction.jf });
    }
    unreachable!()
}
