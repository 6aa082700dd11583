//! Seccomp and classic BPF as data: `linux/seccomp.h`, `linux/filter.h`,
//! `linux/bpf_common.h`, `linux/audit.h`.

use core::mem::{offset_of, size_of};

/// `seccomp(2)` operation: read, write, exit and rt_sigreturn only.
pub const SECCOMP_SET_MODE_STRICT: u32 = 0;
/// `seccomp(2)` operation: `args` is a [`Program`].
pub const SECCOMP_SET_MODE_FILTER: u32 = 1;
/// `seccomp(2)` operation: `args` points to a `u32`, a `SECCOMP_RET_*` value;
/// fails with EOPNOTSUPP where the kernel does not know it.
pub const SECCOMP_GET_ACTION_AVAIL: u32 = 2;

/// Filter flag: every thread of the process gets the filter, or none does.
pub const SECCOMP_FILTER_FLAG_TSYNC: u32 = 1 << 0;
/// Filter flag: do not switch speculation mitigations on for this task.
pub const SECCOMP_FILTER_FLAG_SPEC_ALLOW: u32 = 1 << 2;
/// Filter flag: a failed TSYNC returns ESRCH and not the thread's id.
pub const SECCOMP_FILTER_FLAG_TSYNC_ESRCH: u32 = 1 << 4;

/// Verdict: the thread ends.
pub const SECCOMP_RET_KILL_THREAD: u32 = 0;
/// Verdict: SIGSYS to the thread; the low 16 bits arrive in `si_errno`.
pub const SECCOMP_RET_TRAP: u32 = 0x0003_0000;
/// Verdict: the call is not made and fails with the errno in the low 16 bits.
pub const SECCOMP_RET_ERRNO: u32 = 0x0005_0000;
/// Verdict: the call is made.
pub const SECCOMP_RET_ALLOW: u32 = 0x7fff_0000;
/// The bits of a verdict that carry its number.
pub const SECCOMP_RET_DATA: u32 = 0x0000_ffff;

/// `si_code` of a SIGSYS that a filter sent (`asm-generic/siginfo.h`).
pub const SYS_SECCOMP: i32 = 1;
/// `si_code` of a SIGSYS that Syscall User Dispatch sent.
pub const SYS_USER_DISPATCH: i32 = 2;

/// `seccomp_data.arch`, and `si_arch`: a 64-bit `syscall`, x32 included.
pub const AUDIT_ARCH_X86_64: u32 = 0xc000_003e;
/// `seccomp_data.arch`, and `si_arch`: `int $0x80` or a 32-bit entry.
pub const AUDIT_ARCH_I386: u32 = 0x4000_0003;
/// The bit of a number that marks the x32 ABI (`__X32_SYSCALL_BIT`). Negative
/// numbers of small magnitude have it too.
pub const X32_SYSCALL_BIT: u32 = 0x4000_0000;

/// `A = data[k]`: `BPF_LD | BPF_W | BPF_ABS`. Under seccomp `k` is an offset
/// into [`SeccompData`].
pub const BPF_LD_W_ABS: u16 = 0x20;
/// `A = k`: `BPF_LD | BPF_IMM`.
pub const BPF_LD_IMM: u16 = 0x00;
/// Jump by `jt` if `A == k`, else by `jf`: `BPF_JMP | BPF_JEQ | BPF_K`.
pub const BPF_JEQ_K: u16 = 0x15;
/// Jump by `jt` if `A > k`, unsigned, else by `jf`: `BPF_JMP | BPF_JGT | BPF_K`.
pub const BPF_JGT_K: u16 = 0x25;
/// Jump by `jt` if `A >= k`, unsigned, else by `jf`: `BPF_JMP | BPF_JGE | BPF_K`.
pub const BPF_JGE_K: u16 = 0x35;
/// Jump by `jt` if `A & k != 0`, else by `jf`: `BPF_JMP | BPF_JSET | BPF_K`.
pub const BPF_JSET_K: u16 = 0x45;
/// End with verdict `k`: `BPF_RET | BPF_K`.
pub const BPF_RET_K: u16 = 0x06;

/// One instruction of a filter: `struct sock_filter`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct Instruction {
    /// What to do: a `BPF_*` code.
    pub code: u16,
    /// Instructions to skip if a test holds.
    pub jt: u8,
    /// Instructions to skip if it does not.
    pub jf: u8,
    /// The operand.
    pub k: u32,
}

/// A filter as `seccomp(2)` takes it: `struct sock_fprog`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Program {
    /// The number of instructions.
    pub len: u16,
    /// The first of them.
    pub filter: *const Instruction,
}

/// What a filter sees of a call: `struct seccomp_data`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct SeccompData {
    /// The number: the low half of `rax`.
    pub nr: u32,
    /// [`AUDIT_ARCH_X86_64`] or [`AUDIT_ARCH_I386`].
    pub arch: u32,
    /// The address just behind the instruction.
    pub instruction_pointer: u64,
    /// The six arguments.
    pub args: [u64; 6],
}

/// Offset of [`SeccompData::nr`], for [`BPF_LD_W_ABS`].
pub const DATA_NR: u32 = offset_of!(SeccompData, nr) as u32;
/// Offset of [`SeccompData::arch`].
pub const DATA_ARCH: u32 = offset_of!(SeccompData, arch) as u32;
/// Offset of the low half of [`SeccompData::instruction_pointer`].
pub const DATA_IP_LOW: u32 = offset_of!(SeccompData, instruction_pointer) as u32;
/// Offset of its high half (x86 is little-endian).
pub const DATA_IP_HIGH: u32 = DATA_IP_LOW + 4;

const _: () = assert!(size_of::<Instruction>() == 8);
const _: () = assert!(size_of::<SeccompData>() == 64);

#[cfg(test)]
mod tests {
    use super::*;
    use core::mem::align_of;

    #[test]
    fn layouts_are_those_of_libc() {
        assert_eq!(size_of::<Instruction>(), size_of::<libc::sock_filter>());
        assert_eq!(align_of::<Instruction>(), align_of::<libc::sock_filter>());
        assert_eq!(offset_of!(Instruction, code), offset_of!(libc::sock_filter, code));
        assert_eq!(offset_of!(Instruction, jt), offset_of!(libc::sock_filter, jt));
        assert_eq!(offset_of!(Instruction, jf), offset_of!(libc::sock_filter, jf));
        assert_eq!(offset_of!(Instruction, k), offset_of!(libc::sock_filter, k));

        assert_eq!(size_of::<Program>(), size_of::<libc::sock_fprog>());
        assert_eq!(align_of::<Program>(), align_of::<libc::sock_fprog>());
        assert_eq!(offset_of!(Program, len), offset_of!(libc::sock_fprog, len));
        assert_eq!(offset_of!(Program, filter), offset_of!(libc::sock_fprog, filter));

        assert_eq!(size_of::<SeccompData>(), size_of::<libc::seccomp_data>());
        assert_eq!(align_of::<SeccompData>(), align_of::<libc::seccomp_data>());
        assert_eq!(DATA_NR as usize, offset_of!(libc::seccomp_data, nr));
        assert_eq!(DATA_ARCH as usize, offset_of!(libc::seccomp_data, arch));
        assert_eq!(
            DATA_IP_LOW as usize,
            offset_of!(libc::seccomp_data, instruction_pointer)
        );
        assert_eq!(offset_of!(SeccompData, args), offset_of!(libc::seccomp_data, args));
    }

    #[test]
    fn constants_are_those_of_libc() {
        use libc::{BPF_ABS, BPF_IMM, BPF_JEQ, BPF_JGE, BPF_JGT, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_RET, BPF_W};
        for (ours, theirs) in [
            (BPF_LD_W_ABS, BPF_LD | BPF_W | BPF_ABS),
            (BPF_LD_IMM, BPF_LD | BPF_IMM),
            (BPF_JEQ_K, BPF_JMP | BPF_JEQ | BPF_K),
            (BPF_JGT_K, BPF_JMP | BPF_JGT | BPF_K),
            (BPF_JGE_K, BPF_JMP | BPF_JGE | BPF_K),
            (BPF_JSET_K, BPF_JMP | BPF_JSET | BPF_K),
            (BPF_RET_K, BPF_RET | BPF_K),
        ] {
            assert_eq!(u32::from(ours), theirs);
        }
        assert_eq!(SECCOMP_SET_MODE_STRICT, libc::SECCOMP_SET_MODE_STRICT);
        assert_eq!(SECCOMP_RET_KILL_THREAD, libc::SECCOMP_RET_KILL_THREAD);
        assert_eq!(SECCOMP_RET_TRAP, libc::SECCOMP_RET_TRAP);
        assert_eq!(SECCOMP_RET_ERRNO, libc::SECCOMP_RET_ERRNO);
        assert_eq!(SECCOMP_RET_ALLOW, libc::SECCOMP_RET_ALLOW);
        assert_eq!(SECCOMP_RET_DATA, libc::SECCOMP_RET_DATA);
        assert_eq!(SECCOMP_SET_MODE_FILTER, libc::SECCOMP_SET_MODE_FILTER);
        assert_eq!(SECCOMP_GET_ACTION_AVAIL, libc::SECCOMP_GET_ACTION_AVAIL);
        assert_eq!(u64::from(SECCOMP_FILTER_FLAG_TSYNC), libc::SECCOMP_FILTER_FLAG_TSYNC);
        assert_eq!(
            u64::from(SECCOMP_FILTER_FLAG_SPEC_ALLOW),
            libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW
        );
        assert_eq!(
            u64::from(SECCOMP_FILTER_FLAG_TSYNC_ESRCH),
            libc::SECCOMP_FILTER_FLAG_TSYNC_ESRCH
        );
    }
}
