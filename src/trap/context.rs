//! What an application's signal handler sees of a call that it interrupts: the
//! call is rolled back to its site or forward to its end.

use crate::abi::sigframe::{SigContext, rflags};
use crate::hook::Outcome;
use crate::kernel;
use crate::rewrite::position;
use crate::trap::area::{Action, HookState, ThreadArea};
use crate::trap::zone::Zone;
use crate::trap::{deliver, dispatch, mask};

/// Makes the context one of the application's own code.
pub(crate) fn show_application(area: &mut ThreadArea, zone: Zone, context: &mut SigContext, mask: u64) {
    let return_address = area.call.return_address;
    match zone {
        Zone::Application | Zone::Hook => {}
        Zone::Trampoline => {
            if let Some(site) = position::site_position(context.rip) {
                context.rip = site;
                if context.rcx == site.wrapping_add(2) {
                    context.r11 = context.eflags & !rflags::RF;
                }
            }
        }
        Zone::EnterRcx => show_site(context, context.rcx),
        Zone::Enter | Zone::GatePass | Zone::Again => show_site(context, return_address),
        Zone::EnterSwitched | Zone::GateTaken | Zone::TakenAgain => {
            context.rsp = area.app_rsp;
            show_site(context, return_address);
        }
        Zone::EnterFlags => {
            context.rsp = area.app_rsp;
            context.eflags = area.take_flags();
            show_site(context, return_address);
        }
        Zone::EnterRdi => {
            context.rsp = area.app_rsp;
            context.eflags = area.take_flags();
            context.rdi = area.call.args[0];
            show_site(context, return_address);
        }
        Zone::GateReturn => {
            deliver::undo_return(area);
            context.rsp = area.app_rsp;
            show_site(context, return_address);
        }
        Zone::GatePassDone => {
            area.call.result = context.rax as i64;
            context.rip = return_address;
            context.rcx = return_address;
        }
        Zone::GateTakenDone => {
            area.call.result = context.rax as i64;
            context.rsp = area.app_rsp;
            context.rip = return_address;
            context.rcx = return_address;
        }
        Zone::GateExit | Zone::ExitAgain => roll_back(area, context, mask),
        Zone::GateExitDone if dispatch::is_permitted(area, context.rax as i64) => roll_back(area, context, mask),
        Zone::ExitSaved if dispatch::is_permitted(area, area.call.result) => roll_back(area, context, mask),
        Zone::GateExitDone => {
            area.call.result = context.rax as i64;
            exit(area, Outcome::Returned(area.call.result), mask);
            roll_forward(area, context);
        }
        Zone::ExitSaved => {
            exit(area, Outcome::Returned(area.call.result), mask);
            roll_forward(area, context);
        }
        Zone::Beginning => {
            let first = area.beginning;
            context.rip = first.rip;
            context.rsp = first.rsp;
            [context.rdi, context.rsi, context.rdx] = [first.rdi, first.rsi, first.rdx];
            [context.r10, context.rcx, context.r11] = [first.r10, first.rcx, first.r11];
            context.rax = 0;
        }
        Zone::Resume if area.action == Action::Answer => roll_forward(area, context),
        Zone::Resume => roll_back(area, context, mask),
    }
}

/// At the `syscall`, as the kernel leaves a call that it restarts: the entry has
/// used rcx and r11.
fn show_site(context: &mut SigContext, return_address: u64) {
    context.rip = return_address.wrapping_sub(2);
    context.rcx = return_address;
    context.r11 = context.eflags & !rflags::RF;
}

/// The call has not been made, or is to be made again: back to the site.
fn roll_back(area: &mut ThreadArea, context: &mut SigContext, mask: u64) {
    if matches!(
        area.action,
        Action::PassThenExit | Action::TakenPassThenExit | Action::WaitBlocked | Action::TakenWaitBlocked | Action::Ask
    ) {
        exit(area, Outcome::Restarting, mask);
    }
    if area.action == Action::Return {
        deliver::undo_return(area);
    }
    // restart_syscall stays: the kernel knows what it restarts.
    let number = if context.rax == libc::SYS_restart_syscall as u64 {
        context.rax
    } else {
        area.call.number
    };
    load_registers(area, context);
    context.rax = number;
    show_site(context, area.call.return_address);
}

/// The exit side, on the signal stack, where signals are blocked: a fault of the
/// hook's comes through. `mask` is that of the interrupted code.
pub(crate) fn exit(area: &mut ThreadArea, outcome: Outcome, mask: u64) {
    let hooked = area.hook == HookState::WantsExit;
    if hooked {
        kernel::set_mask(mask::all_but_faults(area, mask));
    }
    dispatch::exit(area, outcome);
    if hooked {
        kernel::set_mask(mask::of_handler(area, mask));
    }
}

/// The call is done: on to the return address.
pub(crate) fn roll_forward(area: &mut ThreadArea, context: &mut SigContext) {
    load_registers(area, context);
    context.rax = area.call.result as u64;
    context.rip = area.call.return_address;
    context.rcx = area.call.return_address;
    context.r11 = context.eflags & !rflags::RF;
}

fn load_registers(area: &mut ThreadArea, context: &mut SigContext) {
    area.call.restore_args();
    context.set_args(area.call.args);
    context.rsp = area.app_rsp;
    context.eflags = area.take_flags();
}
