//! The signal frame that the kernel writes and `rt_sigreturn` reads.
//!
//! Sources: `arch/x86/include/uapi/asm/{sigcontext,ucontext}.h`,
//! `arch/x86/include/asm/sigframe.h`.

/// `struct sigaltstack`, which libc calls `stack_t`.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AltStack {
    /// Lowest address.
    pub sp: u64,
    /// `SS_DISABLE`, `SS_AUTODISARM`, or 0.
    pub flags: i32,
    /// Padding, which the kernel does not read.
    pub pad: i32,
    /// Bytes.
    pub size: u64,
}

impl AltStack {
    /// No alternate stack.
    pub const DISABLED: AltStack = AltStack {
        sp: 0,
        flags: libc::SS_DISABLE,
        pad: 0,
        size: 0,
    };

    /// Whether `rsp` lies on it (`__on_sig_stack` in `linux/sched/signal.h`).
    pub const fn holds(&self, rsp: u64) -> bool {
        rsp > self.sp && rsp - self.sp <= self.size
    }
}

/// `struct sigcontext_64`: the registers of the interrupted code.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "the fields are the registers of the same names")]
pub struct SigContext {
    pub r8: u64,
    pub r9: u64,
    pub r10: u64,
    pub r11: u64,
    pub r12: u64,
    pub r13: u64,
    pub r14: u64,
    pub r15: u64,
    pub rdi: u64,
    pub rsi: u64,
    pub rbp: u64,
    pub rbx: u64,
    pub rdx: u64,
    pub rax: u64,
    pub rcx: u64,
    pub rsp: u64,
    pub rip: u64,
    pub eflags: u64,
    pub cs: u16,
    pub gs: u16,
    pub fs: u16,
    pub ss: u16,
    pub err: u64,
    pub trapno: u64,
    pub oldmask: u64,
    pub cr2: u64,
    /// Address of the vector state, 0 for none (then `rt_sigreturn` gives the
    /// initial state).
    pub fpstate: u64,
    pub reserved: [u64; 8],
}

impl SigContext {
    /// The registers of a system call's six arguments.
    pub const fn args(&self) -> [u64; 6] {
        [self.rdi, self.rsi, self.rdx, self.r10, self.r8, self.r9]
    }

    /// Sets them.
    pub const fn set_args(&mut self, args: [u64; 6]) {
        [self.rdi, self.rsi, self.rdx, self.r10, self.r8, self.r9] = args;
    }
}

/// `struct ucontext` of the kernel (libc's is longer at its end).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "the fields bear the kernel's names")]
pub struct UContext {
    pub uc_flags: u64,
    pub uc_link: u64,
    pub uc_stack: AltStack,
    pub uc_mcontext: SigContext,
    pub uc_sigmask: u64,
}

/// `siginfo_t`: 128 bytes, of which we read the head and SIGSYS's part.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SigInfo {
    /// Signal number.
    pub signo: i32,
    /// For SIGSYS, the filter's `SECCOMP_RET_DATA`.
    pub errno: i32,
    /// `SI_USER`, `SYS_SECCOMP`, …; above 0 for signals that the kernel made.
    pub code: i32,
    /// Padding, which the kernel hands on as the sender left it.
    pub padding: u32,
    /// SIGSYS: address behind the instruction; SIGSEGV and the like: the
    /// faulting address.
    pub address: u64,
    /// SIGSYS: the call's number.
    pub syscall: i32,
    /// SIGSYS: `AUDIT_ARCH_*`.
    pub arch: u32,
    rest: [u64; 12],
}

impl SigInfo {
    /// A siginfo of this signal and code; `address` is the first word of the
    /// union, which the kernel and `kill` use for different things.
    pub const fn new(signo: i32, code: i32, address: u64) -> SigInfo {
        SigInfo {
            signo,
            errno: 0,
            code,
            padding: 0,
            address,
            syscall: 0,
            arch: 0,
            rest: [0; 12],
        }
    }

    /// As it lies in memory.
    pub fn to_bytes(&self) -> [u8; 128] {
        let mut bytes = [0; 128];
        let halves = [
            self.signo.cast_unsigned(),
            self.errno.cast_unsigned(),
            self.code.cast_unsigned(),
            self.padding,
        ];
        let ends = [self.syscall.cast_unsigned(), self.arch];
        let words = self.address.to_ne_bytes().into_iter();
        let all = halves
            .into_iter()
            .flat_map(u32::to_ne_bytes)
            .chain(words)
            .chain(ends.into_iter().flat_map(u32::to_ne_bytes))
            .chain(self.rest.into_iter().flat_map(u64::to_ne_bytes));
        bytes.iter_mut().zip(all).for_each(|(to, byte)| *to = byte);
        bytes
    }
}

/// `SI_KERNEL`.
pub const SI_KERNEL: i32 = 0x80;
/// `SI_TKILL`.
pub const SI_TKILL: i32 = -6;
/// `SI_USER`.
pub const SI_USER: i32 = 0;

/// `struct rt_sigframe`, which a handler finds at its rsp.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct RtSigFrame {
    /// The handler's return address: the restorer.
    pub pretcode: u64,
    /// Its third argument points here.
    pub uc: UContext,
    /// Its second argument points here.
    pub info: SigInfo,
}

/// `SYS_SECCOMP`: SIGSYS of a seccomp filter (`asm-generic/siginfo.h`).
pub const SYS_SECCOMP: i32 = 1;
/// `TRAP_TRACE`: SIGTRAP of the trap flag.
pub const TRAP_TRACE: i32 = 2;
/// `FP_XSTATE_MAGIC1`: the fpstate is followed by an extended area.
pub const FP_XSTATE_MAGIC1: u32 = 0x4650_5853;
/// Offset of `struct _fpx_sw_bytes` (magic1, extended_size, …) in the fpstate.
pub const FPX_SW_BYTES: u64 = 464;
/// The fpstate's size without an extended area.
pub const FXSAVE_SIZE: u64 = 512;
/// The psABI's red zone, which a signal frame skips.
pub const RED_ZONE: u64 = 128;

/// `rflags` bits.
pub mod rflags {
    /// Trap flag.
    pub const TF: u64 = 1 << 8;
    /// Direction flag.
    pub const DF: u64 = 1 << 10;
    /// Nested task.
    pub const NT: u64 = 1 << 14;
    /// Resume flag.
    pub const RF: u64 = 1 << 16;
    /// Alignment check.
    pub const AC: u64 = 1 << 18;
}

/// The bit of a signal in a kernel `sigset_t`.
pub const fn bit(signal: i32) -> u64 {
    1 << (signal - 1)
}

const _: () = {
    use core::mem::{offset_of, size_of};
    assert!(size_of::<SigContext>() == 256);
    assert!(size_of::<UContext>() == 304);
    assert!(size_of::<SigInfo>() == 128);
    assert!(size_of::<RtSigFrame>() == 440);
    assert!(offset_of!(UContext, uc_mcontext) == offset_of!(libc::ucontext_t, uc_mcontext));
    assert!(offset_of!(UContext, uc_sigmask) == offset_of!(libc::ucontext_t, uc_sigmask));
};
