//! Traps that the kernel has swallowed.
//!
//! It keeps one SIGSYS for a thread. Where another one is queued for the thread
//! in the moment of a trap, the trap's is dropped (`legacy_queue` of
//! `kernel/signal.c`): the call has not been made, and the signal that arrives
//! says nothing of it. The context does: it is that of a thread which has just
//! executed a `syscall`, and which has not come there by one of our ways. These
//! are:
//!
//! - The thread's last call was made there and has come back. If it came by the
//!   trap, the registers are as that found them, but for the result.
//! - A frame has been returned through: then the resume flag is set, until the
//!   next instruction has run ([`mark_return`]).
//!
//! At a rewritten site the registers tell nothing. A thread is made to trap there
//! by nothing but a jump of the application's: a call that is to be made again
//! enters at once ([`enter_at_site`]).

use crate::abi::sigframe::{SigContext, rflags};
use crate::kernel;
use crate::rewrite::position;
use crate::trap::area::ThreadArea;
use crate::trap::entry;

/// `syscall`.
const SYSCALL: [u8; 2] = [0x0f, 0x05];

/// What a thread's last trap has found in the registers that a call keeps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct LastTrap {
    /// Behind the call.
    rip: u64,
    rsp: u64,
    eflags: u64,
    others: [u64; 12],
}

impl LastTrap {
    /// There has been none whose call can have come back.
    pub(crate) const NONE: LastTrap = LastTrap::at(u64::MAX);
    /// What the thread has done is not known.
    pub(crate) const UNKNOWN: LastTrap = LastTrap::at(0);

    const fn at(rip: u64) -> LastTrap {
        LastTrap {
            rip,
            rsp: 0,
            eflags: 0,
            others: [0; 12],
        }
    }

    pub(crate) fn of(context: &SigContext) -> LastTrap {
        if context.rax as u32 == libc::SYS_rt_sigreturn as u32 {
            return LastTrap::NONE;
        }
        LastTrap::in_registers(context)
    }

    fn in_registers(context: &SigContext) -> LastTrap {
        LastTrap {
            rip: context.rip,
            rsp: context.rsp,
            eflags: context.eflags & !(rflags::RF | rflags::TF),
            others: [
                context.r8,
                context.r9,
                context.r10,
                context.r12,
                context.r13,
                context.r14,
                context.r15,
                context.rdi,
                context.rsi,
                context.rbp,
                context.rbx,
                context.rdx,
            ],
        }
    }

    /// As a new thread finds it, on its own stack.
    pub(crate) fn move_to(&mut self, rsp: u64) {
        self.rsp = rsp;
    }
}

/// The context is one of the application's: if its last call's trap has been
/// swallowed, puts it back to the site, as the kernel does for a call that is to
/// be restarted.
pub(crate) fn undo(area: &ThreadArea, context: &mut SigContext) -> bool {
    let site = context.rip.wrapping_sub(2);
    let swallowed = is_behind_call(context)
        && context.eflags & rflags::RF == 0
        && area.last_trap != LastTrap::UNKNOWN
        && is_syscall(site)
        && !has_come_back(area, context);
    if swallowed {
        context.rip = site;
    }
    swallowed
}

/// Whether the thread's last call has come back to where the context is.
fn has_come_back(area: &ThreadArea, context: &SigContext) -> bool {
    let last = &area.last_trap;
    if area.call.return_address != context.rip {
        return false;
    }
    if position::is_rewritten(context.rip.wrapping_sub(2)) {
        return true;
    }
    match last.rip {
        rip if rip == context.rip => context.rax == area.call.result as u64 && *last == LastTrap::in_registers(context),
        // Another call came by the jump of a site that has its own bytes again.
        _ => *last != LastTrap::NONE,
    }
}

/// A call that is to be made again at a rewritten site enters here, without a
/// trap.
pub(crate) fn enter_at_site(area: &ThreadArea, context: &mut SigContext) {
    let site = context.rip;
    if context.rcx == site.wrapping_add(2) && area.owns_gs && is_syscall(site) && position::is_rewritten(site) {
        context.rip = entry::entry_any();
    }
}

/// Whether rcx and r11 are as a `syscall` leaves them that ends here.
pub(crate) fn is_behind_call(context: &SigContext) -> bool {
    context.rcx == context.rip && (context.r11 ^ context.eflags) & !rflags::RF == 0
}

fn is_syscall(site: u64) -> bool {
    let mut bytes = [0; SYSCALL.len()];
    kernel::copy_in(&mut bytes, site).is_ok() && bytes == SYSCALL
}

/// A frame is returned through.
pub(crate) fn mark_return(context: &mut SigContext) {
    if is_behind_call(context) {
        context.eflags |= rflags::RF;
    }
}

/// Takes the mark out of what the application sees.
pub(crate) fn take_mark(context: &mut SigContext) {
    if is_behind_call(context) {
        context.eflags &= !rflags::RF;
    }
}
