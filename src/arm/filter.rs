//! The seccomp filter, as a pure function of where the gate is.
//!
//! | number | from the gate | from elsewhere |
//! |---|---|---|
//! | x86-64 | the kernel makes the call | trap, but [`ASKED`] right behind the gate |
//! | with the x32 bit | ENOSYS | trap |
//! | i386 (`int $0x80`) | trap | trap, but allowed below 4 GiB |
//! | any other architecture | trap | trap |
//!
//! Right behind the gate stands one more `syscall`, by which the application's own
//! filters are asked about a call that we serve ourselves: the strictest verdict
//! of all filters holds, of equally strict ones that of the newest filter. So
//! what it gives is [`ASKED`], and the call is not made, unless a filter of the
//! application forbids or traps the call, which then fares as it is to.
//!
//! The gate is not on trust for x32: such a number would be another call on a
//! kernel with that ABI and ENOSYS on all others, so the answer is the same on
//! all. It holds for −1 and its neighbours as well, which are ENOSYS anyhow.
//!
//! All code of a 32-bit program lies below 4 GiB. Such a program runs natively,
//! for the handler of a trap would have to be 32-bit code too; the filter cannot
//! tell it from 64-bit code that lies there and executes `int $0x80`, whose calls
//! are made unseen.
//!
//! Where hooks come from libraries, their code has a range of addresses of its own
//! above the gate, from which x86-64 calls go to the kernel too (`guest`).
//!
//! No number is allowed by itself, so the kernel's bitmap of constant verdicts
//! stays empty and the program runs on each call that we make: its path to
//! ALLOW is 10 instructions, the rest is off that path.

use core::fmt;
use core::ops::Range;

use crate::abi::errno::Errno;
use crate::abi::seccomp::{
    AUDIT_ARCH_I386, AUDIT_ARCH_X86_64, BPF_JEQ_K, BPF_JGE_K, BPF_JGT_K, BPF_JSET_K, BPF_LD_W_ABS, BPF_RET_K,
    DATA_ARCH, DATA_IP_HIGH, DATA_IP_LOW, DATA_NR, Instruction, SECCOMP_RET_ALLOW, SECCOMP_RET_DATA, SECCOMP_RET_ERRNO,
    SECCOMP_RET_TRAP, X32_SYSCALL_BIT,
};

/// What our traps carry in `si_errno`; a SIGSYS without it is not ours.
pub const TRAP_DATA: u32 = 0x5554;

/// The errno of a call that no other filter forbids or traps, made behind the
/// gate; no kernel has such an errno.
pub const ASKED: u32 = 3877;

/// The number of instructions of the filter.
pub const LEN: usize = 26;

/// The length of `syscall`: the kernel reports the address behind it.
pub(super) const SYSCALL_LEN: u64 = 2;

/// Why there is no filter for a gate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GateError {
    /// No instruction fits into it.
    TooShort,
    /// It is not within one 4 GiB block, and the filter compares the address's
    /// upper half once.
    Straddles,
    /// The range of guests is not above it in the same block.
    Guests,
}

impl fmt::Display for GateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            GateError::TooShort => "the gate holds no instruction",
            GateError::Straddles => "the gate crosses a 4 GiB line",
            GateError::Guests => "the range of guests does not follow the gate",
        })
    }
}

/// The filter that lets exactly those calls through whose `syscall` lies within
/// `gate`, or, if there is one, within the range of `guests`. The one by which is
/// asked stands at the gate's end.
pub const fn program(gate: Range<u64>, guests: Option<Range<u64>>) -> Result<[Instruction; LEN], GateError> {
    if gate.end < gate.start || gate.end - gate.start < SYSCALL_LEN {
        return Err(GateError::TooShort);
    }
    if gate.start >> 32 != (gate.end + SYSCALL_LEN) >> 32 {
        return Err(GateError::Straddles);
    }
    let high = (gate.end >> 32) as u32;
    // The addresses that the kernel reports for calls in the gate.
    let first = (gate.start + SYSCALL_LEN) as u32;
    let last = gate.end as u32;

    const ENOSYS: u32 = SECCOMP_RET_ERRNO | Errno::ENOSYS.number() as u32;
    const TRAP: u32 = SECCOMP_RET_TRAP | (TRAP_DATA & SECCOMP_RET_DATA);
    let ask = last + SYSCALL_LEN as u32;
    let (guests_first, guests_last) = match guests {
        Some(guests) => {
            if guests.start >> 32 != gate.start >> 32 || guests.end >> 32 != gate.start >> 32 || guests.start < gate.end
            {
                return Err(GateError::Guests);
            }
            ((guests.start + SYSCALL_LEN) as u32, guests.end as u32)
        }
        // No address lies in it.
        None => (u32::MAX, 0),
    };

    Ok([
        // Numbers mean nothing before the architecture is known.
        load(DATA_ARCH),                           // 0
        jump(BPF_JEQ_K, AUDIT_ARCH_X86_64, 0, 14), // 1: another one: 16
        // The number decides between the two halves below.
        load(DATA_NR),                           // 2
        jump(BPF_JSET_K, X32_SYSCALL_BIT, 6, 0), // 3: x32: 10
        // x86-64. The high half first: for most traps it settles the matter
        // when the gate is low, and for none of ours does the order count.
        load(DATA_IP_HIGH),            // 4
        jump(BPF_JEQ_K, high, 0, 19),  // 5: elsewhere: 25
        load(DATA_IP_LOW),             // 6
        jump(BPF_JGE_K, first, 0, 17), // 7: below the gate: 25
        jump(BPF_JGT_K, last, 11, 0),  // 8: above it: 20
        give(SECCOMP_RET_ALLOW),       // 9
        // x32: the same test of the address, repeated to keep it off the path
        // above.
        load(DATA_IP_HIGH),            // 10
        jump(BPF_JEQ_K, high, 0, 13),  // 11
        load(DATA_IP_LOW),             // 12
        jump(BPF_JGE_K, first, 0, 11), // 13
        jump(BPF_JGT_K, last, 10, 0),  // 14
        give(ENOSYS),                  // 15
        // A holds the architecture.
        jump(BPF_JEQ_K, AUDIT_ARCH_I386, 0, 8), // 16
        load(DATA_IP_HIGH),                     // 17
        jump(BPF_JEQ_K, 0, 0, 6),               // 18
        give(SECCOMP_RET_ALLOW),                // 19
        // A holds the low half of the address.
        jump(BPF_JEQ_K, ask, 0, 1),          // 20
        give(SECCOMP_RET_ERRNO | ASKED),     // 21
        jump(BPF_JGE_K, guests_first, 0, 2), // 22
        jump(BPF_JGT_K, guests_last, 1, 0),  // 23
        give(SECCOMP_RET_ALLOW),             // 24
        give(TRAP),                          // 25
    ])
}

/// `A = the 32 bits at offset of seccomp_data`.
pub(super) const fn load(offset: u32) -> Instruction {
    Instruction {
        code: BPF_LD_W_ABS,
        jt: 0,
        jf: 0,
        k: offset,
    }
}

/// Skips `jt` instructions if the test of `A` against `k` holds, else `jf`.
pub(super) const fn jump(code: u16, k: u32, jt: u8, jf: u8) -> Instruction {
    Instruction { code, jt, jf, k }
}

/// Ends with `verdict`.
pub(crate) const fn give(verdict: u32) -> Instruction {
    Instruction {
        code: BPF_RET_K,
        jt: 0,
        jf: 0,
        k: verdict,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::seccomp::SeccompData;
    use crate::arm::interpreter::run;

    const TRAP: u32 = 0x0003_5554;
    const ENOSYS: u32 = 0x0005_0026;
    const ALLOW: u32 = 0x7fff_0000;

    fn verdict(gate: &Range<u64>, arch: u32, nr: u32, ip: u64) -> u32 {
        let data = SeccompData {
            nr,
            arch,
            instruction_pointer: ip,
            args: [u64::MAX; 6],
        };
        run(&program(gate.clone(), None).unwrap(), &data).0
    }

    /// Gates low and high, one that ends just before a 4 GiB line, one that
    /// starts on one, and the shortest.
    const GATES: [Range<u64>; 5] = [
        0x0050_0000..0x0050_1000,
        0x7f12_3456_7000..0x7f12_3456_8000,
        0x7f12_ffff_f000..0x7f12_ffff_fffd,
        0x7f12_0000_0000..0x7f12_0000_1000,
        0x1234_5678..0x1234_567a,
    ];

    /// Return addresses of calls in the gate, then of calls outside it.
    fn addresses(gate: &Range<u64>) -> (Vec<u64>, Vec<u64>) {
        let inside = vec![gate.start + 2, gate.end, gate.start.midpoint(gate.end) + 1];
        let mut outside = vec![
            0,
            2,
            gate.start - 1,
            gate.start,
            gate.start + 1,
            gate.end + 1,
            gate.end + 3,
            u64::MAX,
        ];
        for ip in &inside {
            outside.extend([
                ip ^ 1 << 32,
                ip + (1 << 32),
                ip.wrapping_sub(1 << 32),
                ip ^ 1 << 63,
                ip ^ 1 << 31,
            ]);
        }
        (inside, outside)
    }

    #[test]
    fn x86_64_is_allowed_from_the_gate_and_trapped_elsewhere() {
        for gate in GATES {
            let (inside, outside) = addresses(&gate);
            for nr in [
                0,
                1,
                39,
                59,
                219,
                231,
                462,
                500,
                512,
                1024,
                0x3fff_ffff,
                0x8000_0000,
                0xbfff_ffff,
            ] {
                for &ip in &inside {
                    assert_eq!(
                        verdict(&gate, AUDIT_ARCH_X86_64, nr, ip),
                        ALLOW,
                        "{nr} at {ip:#x} of {gate:x?}"
                    );
                }
                for &ip in &outside {
                    assert_eq!(
                        verdict(&gate, AUDIT_ARCH_X86_64, nr, ip),
                        TRAP,
                        "{nr} at {ip:#x} of {gate:x?}"
                    );
                }
            }
        }
    }

    #[test]
    fn calls_right_behind_the_gate_are_asked_for() {
        for gate in GATES {
            let at = gate.end + 2;
            for nr in [0, 13, 59, 500, 0x8000_0000] {
                assert_eq!(verdict(&gate, AUDIT_ARCH_X86_64, nr, at), 0x0005_0f25);
                for elsewhere in [at - 1, at + 1, at + (1 << 32), at ^ 1 << 63, at ^ 1 << 31] {
                    assert_eq!(verdict(&gate, AUDIT_ARCH_X86_64, nr, elsewhere), TRAP);
                }
            }
            assert_eq!(verdict(&gate, AUDIT_ARCH_X86_64, X32_SYSCALL_BIT, at), TRAP);
        }
    }

    #[test]
    fn guests_are_allowed_like_the_gate_but_for_x32() {
        let [_, gate, ..] = GATES;
        let guests = 0x7f12_5000_0000..0x7f12_5100_0000;
        let verdict = |nr, ip| {
            let data = SeccompData {
                nr,
                arch: AUDIT_ARCH_X86_64,
                instruction_pointer: ip,
                args: [0; 6],
            };
            run(&program(gate.clone(), Some(guests.clone())).unwrap(), &data).0
        };
        for nr in [0, 39, 500] {
            assert_eq!(verdict(nr, gate.end), ALLOW);
            for ip in [guests.start + 2, guests.end, 0x7f12_5080_0000] {
                assert_eq!(verdict(nr, ip), ALLOW, "{ip:#x}");
                assert_eq!(verdict(nr, ip ^ 1 << 32), TRAP);
                assert_eq!(verdict(nr | X32_SYSCALL_BIT, ip), TRAP);
            }
            for ip in [guests.start + 1, guests.end + 1, gate.end + 1, 0, u64::MAX] {
                assert_eq!(verdict(nr, ip), TRAP, "{ip:#x}");
            }
        }
        for wrong in [0x7f12_0000_0000..0x7f12_0001_0000, 0x7f13_0000_0000..0x7f13_0001_0000] {
            assert_eq!(program(gate.clone(), Some(wrong)), Err(GateError::Guests));
        }
    }

    #[test]
    fn x32_and_small_negative_numbers_are_enosys_from_the_gate_and_trapped_elsewhere() {
        for gate in GATES {
            let (inside, outside) = addresses(&gate);
            for nr in [
                0x4000_0000,
                0x4000_0001,
                0x7fff_ffff,
                -1i32 as u32,
                -4095i32 as u32,
                0xc000_0000,
            ] {
                for &ip in &inside {
                    assert_eq!(
                        verdict(&gate, AUDIT_ARCH_X86_64, nr, ip),
                        ENOSYS,
                        "{nr:#x} at {ip:#x} of {gate:x?}"
                    );
                }
                for &ip in &outside {
                    assert_eq!(
                        verdict(&gate, AUDIT_ARCH_X86_64, nr, ip),
                        TRAP,
                        "{nr:#x} at {ip:#x} of {gate:x?}"
                    );
                }
            }
        }
    }

    #[test]
    fn other_architectures_are_trapped_from_everywhere() {
        for gate in GATES {
            let (inside, outside) = addresses(&gate);
            for ip in inside.into_iter().chain(outside) {
                for arch in [0, !0, AUDIT_ARCH_X86_64 ^ 1, AUDIT_ARCH_X86_64 ^ 1 << 30] {
                    for nr in [0, 20, X32_SYSCALL_BIT, !0] {
                        assert_eq!(verdict(&gate, arch, nr, ip), TRAP, "{arch:#x} {nr:#x} at {ip:#x}");
                    }
                }
            }
        }
    }

    #[test]
    fn i386_is_allowed_below_4_gib_and_trapped_above() {
        for gate in GATES {
            let (inside, outside) = addresses(&gate);
            for ip in inside
                .into_iter()
                .chain(outside)
                .chain([0x0804_8000, 0xffff_ffff, 1 << 32])
            {
                let expected = if ip >> 32 == 0 { ALLOW } else { TRAP };
                for nr in [0, 20, 119, X32_SYSCALL_BIT, !0] {
                    assert_eq!(verdict(&gate, AUDIT_ARCH_I386, nr, ip), expected, "{nr} at {ip:#x}");
                }
            }
        }
    }

    #[test]
    fn the_path_to_allow_is_ten_instructions() {
        let [gate, ..] = GATES;
        let data = SeccompData {
            nr: 39,
            arch: AUDIT_ARCH_X86_64,
            instruction_pointer: gate.end,
            args: [0; 6],
        };
        assert_eq!(run(&program(gate, None).unwrap(), &data), (ALLOW, 10));
    }

    #[test]
    fn every_jump_lands_in_the_program_and_every_instruction_is_reached() {
        let [gate, ..] = GATES;
        let program = program(gate, None).unwrap();
        let mut reached = [false; LEN];
        reached[0] = true;
        for (at, instruction) in program.iter().enumerate() {
            assert!(reached[at], "instruction {at}");
            match instruction.code {
                BPF_RET_K => {}
                BPF_LD_W_ABS => reached[at + 1] = true,
                _ => {
                    reached[at + 1 + usize::from(instruction.jt)] = true;
                    reached[at + 1 + usize::from(instruction.jf)] = true;
                }
            }
        }
    }

    #[test]
    fn gates_that_the_filter_cannot_express_are_refused() {
        let line = 0x7f13_0000_0000;
        assert_eq!(program(line - 0x1000..line + 0x1000, None), Err(GateError::Straddles));
        // The address behind a call at the very end would lie in the next block.
        assert_eq!(program(line - 0x1000..line, None), Err(GateError::Straddles));
        // And that behind the asking one too.
        assert_eq!(program(line - 0x1000..line - 2, None), Err(GateError::Straddles));
        assert!(program(line - 0x1000..line - 3, None).is_ok());
        assert_eq!(program(0x5000..0x5001, None), Err(GateError::TooShort));
        assert_eq!(program(0x5000..0x5000, None), Err(GateError::TooShort));
        let (start, end) = (0x5000, 0x4000);
        assert_eq!(program(start..end, None), Err(GateError::TooShort));
    }
}
