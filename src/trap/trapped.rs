//! From the signal handler into the entry: calls that have trapped, that have met
//! an invalid opcode of ours, or that are to be made again.

use crate::abi::errno::Errno;
use crate::abi::seccomp::AUDIT_ARCH_I386;
use crate::abi::sigframe::{SigContext, SigInfo, rflags};
use crate::guest;
use crate::kernel::log;
use crate::ledger::CoreWord;
use crate::rewrite::{position, rewriter};
use crate::trap::area::ThreadArea;
use crate::trap::raised::SYSCALL_LEN;
use crate::trap::swallowed::LastTrap;
use crate::trap::{entry, gs};

/// Turns a trapped call into a jump to the entry: sigreturn lands there with
/// rax as it was, and rcx as the `syscall` leaves it.
pub(super) fn trap(area: &mut ThreadArea, info: &SigInfo, context: &mut SigContext) {
    if info.address == context.rip.wrapping_add(SYSCALL_LEN) {
        context.rip = info.address;
    }
    if context.rax as u32 != info.syscall as u32 {
        context.rax = i64::from(info.syscall) as u64;
    }
    if info.arch == AUDIT_ARCH_I386 {
        area.count(CoreWord::Int80);
        log::warn_once_int80();
        context.rax = Errno::ENOSYS.to_result() as u64;
        return;
    }
    area.count(CoreWord::Trapped);
    area.last_trap = LastTrap::of(context);
    area.call.return_address = context.rip;
    if !gs::is_ours(area) {
        enter_taken(area, context, context.rip);
        return;
    }
    if info.address == context.rip {
        rewriter::consider(context.rip.wrapping_sub(2), context.rax);
    }
    if entry::interest(context.rax as u32) != 0 {
        enter_taken(area, context, context.rip);
        return;
    }
    area.call.number = context.rax;
    context.rcx = context.rip;
    context.rip = entry::entry_trapped();
}

/// A call of a guest's from code that could not be told for one's, a compiler's at run time: it
/// goes the way of their others. The area has the application's.
pub(super) fn trap_of_guest(info: &SigInfo, context: &mut SigContext) {
    if info.address == context.rip.wrapping_add(SYSCALL_LEN) {
        context.rip = info.address;
    }
    context.rax = i64::from(info.syscall) as u64;
    if info.arch == AUDIT_ARCH_I386 {
        context.rax = Errno::ENOSYS.to_result() as u64;
        return;
    }
    context.rcx = context.rip;
    context.rip = guest::entry();
}

/// Lets a call that has been rolled back to its `syscall` come in without a trap,
/// which another signal could take the place of.
pub(super) fn enter_anew(area: &mut ThreadArea, context: &mut SigContext) {
    if context.rcx != context.rip.wrapping_add(2) {
        return;
    }
    if gs::is_ours(area) {
        context.rip = entry::entry_any();
    } else {
        enter_taken(area, context, context.rcx);
    }
}

/// Enters without GS: the call goes into the area here, and rsp leads there, as it
/// does for any call that dispatch sees.
pub(super) fn enter_taken(area: &mut ThreadArea, context: &mut SigContext, return_address: u64) {
    area.flags = context.eflags & !rflags::RF;
    area.stepping = u32::from(context.eflags & rflags::TF != 0);
    area.call.number = context.rax;
    area.call.args = context.args();
    area.call.return_address = return_address;
    area.app_rsp = context.rsp;
    context.rcx = return_address;
    context.rsp = core::ptr::from_mut(area) as u64;
    context.eflags &= !(rflags::TF | rflags::DF | rflags::NT | rflags::AC);
    context.rip = entry::taken();
}

/// A thread that meets the invalid opcode which stands in a site for the time
/// of a rewrite, or at the `syscall` of a site in the fallback table.
pub(super) fn redirect_invalid_opcode(context: &mut SigContext) -> bool {
    match position::invalid_opcode(context.rip) {
        Some(position::Resume::Trampoline(address)) => context.rip = address,
        Some(position::Resume::Call { return_address }) => {
            context.rcx = return_address;
            context.rip = entry::entry_any();
        }
        Some(position::Resume::Again) => {}
        None => return false,
    }
    true
}
