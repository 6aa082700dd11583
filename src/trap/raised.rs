//! Whether an instruction of the thread has raised a signal, or it only looks so:
//! codes above 0 have also the signals of children's ends (`clone` with any exit
//! signal: `CLD_EXITED` is 1), what a process sends to itself, and some that the
//! kernel sends at any time.

use crate::abi::seccomp::{AUDIT_ARCH_I386, AUDIT_ARCH_X86_64, SYS_USER_DISPATCH};
use crate::abi::sigframe::{SI_KERNEL, SYS_SECCOMP, SigContext, SigInfo, UContext, bit};
use crate::arm::sud;
use crate::kernel;
use crate::trap::area::ThreadArea;
use crate::trap::entry;
use crate::trap::sigaction::FAULTS;
use crate::trap::zone::Zone;

/// `BUS_MCEERR_AR`: a damaged page was touched (`asm-generic/siginfo.h`).
const BUS_MCEERR_AR: i32 = 4;
/// `TRAP_PERF`: a perf event has overflowed.
const TRAP_PERF: i32 = 6;

/// Where the kernel emulates the three calls of the vsyscall page.
const VSYSCALLS: core::ops::Range<u64> = 0xffff_ffff_ff60_0000..0xffff_ffff_ff60_1000;

/// A number such as -512 is taken for an error of a call that is to be made again:
/// rip is back at the instruction.
pub(crate) const SYSCALL_LEN: u64 = 2;

/// Whether a seccomp filter has raised a SIGSYS for the call before rip.
pub(crate) fn is_of_filter(info: &SigInfo, context: &SigContext) -> bool {
    info.code == SYS_SECCOMP && is_of_call(info, context)
}

/// Whether the arm has raised it, or the application's filter.
pub(crate) fn is_of_arm(info: &SigInfo, context: &SigContext) -> bool {
    (info.code == SYS_SECCOMP || sud::is_chosen()) && is_of_call(info, context)
}

/// Whether a SIGSYS says what the kernel says in place of the call before rip.
fn is_of_call(info: &SigInfo, context: &SigContext) -> bool {
    info.signo == libc::SIGSYS
        && matches!(info.code, SYS_SECCOMP | SYS_USER_DISPATCH)
        && matches!(info.arch, AUDIT_ARCH_X86_64 | AUDIT_ARCH_I386)
        && (matches!(info.address.wrapping_sub(context.rip), 0 | SYSCALL_LEN) || VSYSCALLS.contains(&info.address))
}

/// Whether an instruction has raised the signal. Then the address is that of the
/// instruction, or what it has accessed, or 0 where the CPU does not tell.
pub(crate) fn is_raised(info: &SigInfo, context: &SigContext) -> bool {
    info.code > 0
        && match info.signo {
            libc::SIGSYS => is_of_call(info, context),
            libc::SIGTRAP if info.code == TRAP_PERF => false,
            libc::SIGTRAP | libc::SIGILL | libc::SIGFPE => info.code == SI_KERNEL || info.address == context.rip,
            libc::SIGBUS if info.code == BUS_MCEERR_AR => true,
            libc::SIGSEGV | libc::SIGBUS => info.address == 0 || info.address == context.cr2,
            _ => false,
        }
}

/// Whether an instruction there can have raised it. A thread may also send itself
/// a signal with such a code, which then arrives behind a system call.
pub(crate) fn may_fault(info: &SigInfo, zone: Zone, context: &SigContext) -> bool {
    let in_gate = (entry::gate_start()..entry::gate_end()).contains(&context.rip);
    info.signo == libc::SIGSYS || zone == Zone::Application || zone == Zone::Hook && !in_gate
}

/// Signals that arrive although they are blocked, as long as they do.
pub(crate) type Deferred = [Option<SigInfo>; KINDS];
const KINDS: usize = 5;

/// Whether the signal is blocked. No blocked signal of an instruction's gets to a
/// handler, but one that was sent with such a code does, in place of any other
/// of these kinds that is not blocked (`dequeue_synchronous_signal` of
/// `kernel/signal.c`): of a trap, or of what we send ourselves.
pub(crate) fn is_blocked(info: &SigInfo, uc: &UContext) -> bool {
    info.code > 0 && (FAULTS | bit(libc::SIGTRAP)) & uc.uc_sigmask & bit(info.signo) != 0
}

/// Keeps one, until the other has arrived: in the kernel it would be in its place
/// again.
pub(crate) fn defer(area: &mut ThreadArea, info: &SigInfo) {
    let is_its = |place: &&mut Option<SigInfo>| place.is_none_or(|kept| kept.signo == info.signo);
    if let Some(place) = area.deferred.iter_mut().find(is_its) {
        *place = Some(*info);
    }
}

/// Lets the kernel have them again.
pub(crate) fn give_back(area: &mut ThreadArea) {
    for place in &mut area.deferred {
        if let Some(info) = place.take() {
            kernel::requeue(&info);
        }
    }
}
