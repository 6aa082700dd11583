//! Filters of the application's own, as the kernel gets them: what decides on
//! the application's calls decides on no call of ours. Pure functions of where
//! in the gate our own calls come from.
//!
//! An application's program is left as it is, its jumps being relative, and gets
//! a prologue. The accumulator is 0 behind it, as at a program's start. What it
//! has in the index register and in its memory it must have put there itself.

use core::ops::Range;

use crate::abi::seccomp::{
    AUDIT_ARCH_X86_64, BPF_JEQ_K, BPF_JGE_K, BPF_JGT_K, BPF_LD_IMM, DATA_ARCH, DATA_IP_HIGH, DATA_IP_LOW, DATA_NR,
    Instruction, SECCOMP_RET_ALLOW, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP,
};
use crate::arm::filter::{SYSCALL_LEN, give, jump, load};

/// `BPF_MAXINSNS` (`linux/bpf_common.h`): the most that a program may have.
pub const MOST: usize = 4096;

/// The number of instructions of the prologue.
pub const PROLOGUE: usize = 9;

/// The number of instructions of [`strict`]'s program.
pub const STRICT: usize = PROLOGUE + 11;

/// What the traps of [`strict`]'s program carry in `si_errno`.
pub const STRICT_DATA: u32 = 0x5556;

/// The call by which a thread under [`strict`]'s program ends alone: no kernel
/// has it.
pub const STRICT_DEATH: u32 = 0x8000_5556;

/// Allows the calls whose `syscall` lies within `own`, or within `guests`, which
/// must lie above it in the same 4 GiB block; others meet what follows.
pub const fn prologue(own: Range<u64>, guests: Option<Range<u64>>) -> [Instruction; PROLOGUE] {
    let high = (own.end >> 32) as u32;
    let (guests_first, guests_last) = match guests {
        Some(guests) => ((guests.start + SYSCALL_LEN) as u32, guests.end as u32),
        // No address lies in it.
        None => (u32::MAX, 0),
    };
    [
        load(DATA_IP_HIGH),                                      // 0
        jump(BPF_JEQ_K, high, 0, 6),                             // 1: elsewhere: 8
        load(DATA_IP_LOW),                                       // 2
        jump(BPF_JGE_K, (own.start + SYSCALL_LEN) as u32, 0, 4), // 3: below: 8
        jump(BPF_JGT_K, own.end as u32, 0, 2),                   // 4: not above: 7
        jump(BPF_JGE_K, guests_first, 0, 2),                     // 5: between: 8
        jump(BPF_JGT_K, guests_last, 1, 0),                      // 6: above: 8
        give(SECCOMP_RET_ALLOW),                                 // 7
        Instruction {
            code: BPF_LD_IMM,
            jt: 0,
            jf: 0,
            k: 0,
        }, // 8
    ]
}

/// `SECCOMP_MODE_STRICT` as a filter. The kernel has none where one is
/// installed already.
///
/// What it forbids it traps, since the signal of that death is not a filter's to
/// choose (`trap::filters`).
pub const fn strict(own: Range<u64>, guests: Option<Range<u64>>) -> [Instruction; STRICT] {
    let mut program = [give(SECCOMP_RET_TRAP | STRICT_DATA); STRICT];
    let prologue = prologue(own, guests);
    let mut at = 0;
    while at < PROLOGUE {
        program[at] = prologue[at];
        at += 1;
    }
    // `mode1_syscalls` of `kernel/seccomp.c`.
    let rest = [
        load(DATA_ARCH),                                      // 0
        jump(BPF_JEQ_K, AUDIT_ARCH_X86_64, 0, 7),             // 1: another one: 9
        load(DATA_NR),                                        // 2
        jump(BPF_JEQ_K, libc::SYS_read as u32, 4, 0),         // 3: 8
        jump(BPF_JEQ_K, libc::SYS_write as u32, 3, 0),        // 4: 8
        jump(BPF_JEQ_K, libc::SYS_exit as u32, 2, 0),         // 5: 8
        jump(BPF_JEQ_K, libc::SYS_rt_sigreturn as u32, 1, 0), // 6: 8
        jump(BPF_JEQ_K, STRICT_DEATH, 1, 2),                  // 7: 9 or 10
        give(SECCOMP_RET_ALLOW),                              // 8
        give(SECCOMP_RET_KILL_THREAD),                        // 9
    ];
    at = 0;
    while at < rest.len() {
        program[PROLOGUE + at] = rest[at];
        at += 1;
    }
    program
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::seccomp::{AUDIT_ARCH_I386, BPF_JSET_K, BPF_RET_K, SeccompData};
    use crate::arm::interpreter::{ADD_K, RET_A, TAX, TXA, run};

    const ALLOW: u32 = 0x7fff_0000;
    const OWN: [Range<u64>; 3] = [
        0x5800_0012_3440..0x5800_0012_3500,
        0x0050_0000..0x0050_0002,
        0x7f12_ffff_f000..0x7f12_ffff_ffff,
    ];

    fn data(nr: u32, arch: u32, instruction_pointer: u64) -> SeccompData {
        SeccompData {
            nr,
            arch,
            instruction_pointer,
            args: [0x0123_4567_89ab_cdef, 1, 2, 3, 4, 5],
        }
    }

    const fn plain(code: u16, k: u32) -> Instruction {
        Instruction { code, jt: 0, jf: 0, k }
    }

    /// Programs that use what a program finds at its start.
    fn programs() -> Vec<Vec<Instruction>> {
        vec![
            vec![give(0x0005_0001)],
            vec![plain(RET_A, 0)],
            vec![plain(TXA, 0), plain(ADD_K, 0x0003_0007), plain(RET_A, 0)],
            vec![jump(BPF_JEQ_K, 0, 1, 0), give(0), give(0x0005_0002)],
            vec![
                plain(ADD_K, 1),
                plain(TAX, 0),
                load(DATA_NR),
                jump(BPF_JGE_K, 100, 2, 0),
                plain(TXA, 0),
                plain(RET_A, 0),
                load(DATA_IP_LOW),
                jump(BPF_JSET_K, 2, 0, 1),
                give(0x7ffc_0000),
                load(16),
                plain(RET_A, 0),
            ],
        ]
    }

    fn outside(own: &Range<u64>) -> Vec<u64> {
        let inside = own.start + 2;
        vec![
            0,
            own.start,
            own.start + 1,
            own.end + 1,
            own.end + 2,
            inside ^ 1 << 32,
            inside ^ 1 << 31,
            inside ^ 1 << 63,
            u64::MAX,
        ]
    }

    #[test]
    fn own_calls_are_allowed_whatever_the_program_says() {
        for own in OWN {
            for program in programs() {
                let whole = [&prologue(own.clone(), None)[..], &program].concat();
                for ip in [own.start + 2, own.end, own.start.midpoint(own.end) + 1] {
                    for nr in [0, 13, 99, 100, u32::MAX] {
                        assert_eq!(run(&whole, &data(nr, AUDIT_ARCH_X86_64, ip)).0, ALLOW, "{ip:#x}");
                    }
                }
            }
        }
    }

    #[test]
    fn calls_of_guests_are_allowed_as_well() {
        let own = OWN[0].clone();
        let guests = 0x5800_1000_0000..0x5800_7000_0000;
        let forbidding = [give(0x0005_0001)];
        let whole = [&prologue(own.clone(), Some(guests.clone()))[..], &forbidding].concat();
        let verdict = |ip| run(&whole, &data(39, AUDIT_ARCH_X86_64, ip)).0;
        for ip in [own.start + 2, own.end, guests.start + 2, guests.end] {
            assert_eq!(verdict(ip), ALLOW, "{ip:#x}");
        }
        for ip in [own.end + 1, guests.start + 1, guests.end + 1, guests.end ^ 1 << 32] {
            assert_eq!(verdict(ip), 0x0005_0001, "{ip:#x}");
        }
    }

    #[test]
    fn other_calls_meet_the_program_as_it_is() {
        for own in OWN {
            for program in programs() {
                let whole = [&prologue(own.clone(), None)[..], &program].concat();
                for ip in outside(&own) {
                    for nr in [0, 13, 99, 100, u32::MAX] {
                        for arch in [AUDIT_ARCH_X86_64, AUDIT_ARCH_I386] {
                            let data = data(nr, arch, ip);
                            assert_eq!(run(&whole, &data).0, run(&program, &data).0, "{nr} at {ip:#x}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn strict_allows_four_calls() {
        for own in OWN {
            let program = strict(own.clone(), None);
            for ip in outside(&own) {
                let verdict = |nr, arch| run(&program, &data(nr, arch, ip)).0;
                for nr in [0, 1, 15, 60] {
                    assert_eq!(verdict(nr, AUDIT_ARCH_X86_64), ALLOW);
                    assert_eq!(verdict(nr, AUDIT_ARCH_I386), 0);
                }
                for nr in [2, 3, 14, 16, 39, 59, 61, 231, 500, u32::MAX, 0x4000_0000] {
                    assert_eq!(verdict(nr, AUDIT_ARCH_X86_64), 0x0003_5556);
                }
                assert_eq!(verdict(STRICT_DEATH, AUDIT_ARCH_X86_64), 0);
            }
            for nr in [0, 14, 39, 231] {
                assert_eq!(run(&program, &data(nr, AUDIT_ARCH_X86_64, own.end)).0, ALLOW);
            }
        }
    }

    #[test]
    fn every_instruction_is_reached_or_ends_the_program() {
        for program in [&strict(OWN[0].clone(), None)[..]] {
            let mut reached = vec![false; program.len()];
            reached[0] = true;
            for (at, instruction) in program.iter().enumerate() {
                assert!(reached[at], "instruction {at}");
                match instruction.code {
                    BPF_RET_K => {}
                    BPF_LD_IMM => reached[at + 1] = true,
                    code if code & 7 == 0 => reached[at + 1] = true,
                    _ => {
                        reached[at + 1 + usize::from(instruction.jt)] = true;
                        reached[at + 1 + usize::from(instruction.jf)] = true;
                    }
                }
            }
        }
    }
}
