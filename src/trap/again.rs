//! Calls that a signal has interrupted of which the application is to notice
//! nothing, since it blocks or ignores it, or it is one of ours: natively it
//! would not even have woken the thread. They go on where they were: are made
//! once more from the gate, with the registers that they were made with.
//!
//! A signal of the application's that comes in before that has come while the
//! call was waiting: it ends with EINTR, or restarts, as the kernel would have
//! had it. So these calls have places of their own in the gate.

use core::sync::atomic::Ordering;

use crate::abi::errno::Errno;
use crate::abi::sigaction::{KernelSigaction, SIG_DFL, SIG_IGN};
use crate::abi::sigframe::{SigContext, UContext, bit};
use crate::rewrite::table;
use crate::trap::area::{Action, ThreadArea};
use crate::trap::dispatch::Post;
use crate::trap::zone::Zone;
use crate::trap::{entry, pending, sigaction, signalfd};

/// Length of a `syscall`.
const SYSCALL: u64 = 2;

/// Calls that the kernel never restarts behind a handler, whatever they are
/// about (signal(7)).
const NEVER: &[i64] = &[
    libc::SYS_poll,
    libc::SYS_select,
    libc::SYS_epoll_wait,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
    libc::SYS_pselect6,
    libc::SYS_ppoll,
    libc::SYS_nanosleep,
    libc::SYS_clock_nanosleep,
    libc::SYS_pause,
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_msgrcv,
    libc::SYS_msgsnd,
    libc::SYS_io_getevents,
];

/// A call that a signal has interrupted, at the gate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interrupted {
    /// Its `syscall`.
    made: u64,
    /// Where it goes on.
    again: u64,
    /// The kernel restarts it: the registers are as for the first time.
    restarts: bool,
}

/// The call that has been interrupted here, if any.
///
/// One that the kernel restarts has been made already: rcx is as the instruction
/// has left it, while before that it never leads into the gate.
pub(crate) fn interrupted(context: &SigContext) -> Option<Interrupted> {
    let restarts = context.rcx == context.rip.wrapping_add(SYSCALL);
    let made = if restarts && context.rax != libc::SYS_restart_syscall as u64 {
        context.rip
    } else if context.rax as i64 == Errno::EINTR.to_result() {
        context.rip.wrapping_sub(SYSCALL)
    } else {
        return None;
    };
    let is = |gate: fn() -> u64| made == gate();
    let again = match () {
        () if is(entry::gate_pass) || is(entry::gate_any) || is(entry::gate_trapped) || is(entry::gate_again) => {
            entry::gate_again()
        }
        () if is(entry::gate_exit) || is(entry::gate_exit_again) => entry::gate_exit_again(),
        () if is(entry::gate_taken) || is(entry::gate_taken_again) => entry::gate_taken_again(),
        () if is(entry::gate_taken_exit) || is(entry::gate_taken_exit_again) => entry::gate_taken_exit_again(),
        () => return None,
    };
    Some(Interrupted { made, again, restarts })
}

/// Lets the call go on. `action` is the application's for the signal, by which
/// the kernel has decided.
pub(crate) fn go_on(area: &mut ThreadArea, call: Interrupted, action: &KernelSigaction, uc: &mut UContext) {
    let context = &mut uc.uc_mcontext;
    let number = match () {
        () if call.restarts => context.rax,
        () if call.made == entry::gate_pass() => match table::number_of(area.call.return_address) {
            Some(number) => number.into(),
            None => return,
        },
        () => area.call.number,
    };
    if is(number, &[libc::SYS_close]) {
        // Done, for all that.
        return;
    }
    if let Some(result) = signalfd::look_again(area, number, context.args()) {
        context.rip = call.made.wrapping_add(SYSCALL);
        context.rax = result as u64;
        return;
    }
    // For the next time.
    area.call.number = number;
    context.rax = number;
    context.rcx = 0;
    if area.post == Post::Wait {
        wait_on(area, call, uc);
        return;
    }
    context.rip = call.again;
    let would_restart = matches!(action.handler, SIG_DFL | SIG_IGN) || action.flags & libc::SA_RESTART as u64 != 0;
    area.restarts = call.restarts || !would_restart && !never_restarts(number, context);
}

/// The same where the call was just about to go on: what has come meanwhile may be
/// what it waits for.
pub(crate) fn look(area: &ThreadArea, context: &mut SigContext) {
    if let Some(result) = signalfd::look_again(area, area.call.number, context.args()) {
        context.rip = context.rip.wrapping_add(SYSCALL);
        context.rax = result as u64;
    }
}

/// A wait with a mask goes on with all signals blocked until the kernel has set
/// that mask: so those of the application's that are blocked meanwhile stay so.
fn wait_on(area: &mut ThreadArea, call: Interrupted, uc: &mut UContext) {
    let taken = call.again == entry::gate_taken_exit_again();
    (area.action, uc.uc_mcontext.rip) = if taken {
        (Action::TakenWaitBlocked, entry::gate_taken_exit())
    } else {
        (Action::WaitBlocked, entry::gate_exit())
    };
    let mask = uc.uc_sigmask & !sigaction::reserved();
    area.saved_mask.store(mask, Ordering::Relaxed);
    area.held.store(1, Ordering::Relaxed);
    // A step over the call would find SIGTRAP blocked.
    uc.uc_sigmask = if area.stepping == 0 { !0 } else { !bit(libc::SIGTRAP) };
    pending::poke_if_due(area);
}

/// What a handler that runs now interrupts, where the call was about to go on:
/// one that will be made, or that has ended with EINTR.
pub(crate) fn interrupt(area: &ThreadArea, zone: Zone, action: &KernelSigaction, context: &mut SigContext) -> Zone {
    let (before, behind) = match zone {
        Zone::Again => (Zone::GatePass, Zone::GatePassDone),
        Zone::TakenAgain => (Zone::GateTaken, Zone::GateTakenDone),
        Zone::ExitAgain => (Zone::GateExit, Zone::GateExitDone),
        _ => return zone,
    };
    let by_kernel = context.rcx == context.rip.wrapping_add(SYSCALL);
    if by_kernel || area.restarts && action.flags & libc::SA_RESTART as u64 != 0 {
        return before;
    }
    context.rax = Errno::EINTR.to_result() as u64;
    behind
}

/// Whether the kernel ends this call with EINTR behind each handler. Of sockets
/// with a time-out that cannot be seen.
fn never_restarts(number: u64, context: &SigContext) -> bool {
    is(number, NEVER) || is(number, &[libc::SYS_futex]) && context.r10 != 0
}

fn is(number: u64, set: &[i64]) -> bool {
    set.contains(&i64::from(number as u32))
}
