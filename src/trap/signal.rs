//! The one signal handler that the kernel knows of.
//!
//! It runs on the area's signal stack with all signals blocked but quiet ones that
//! nobody catches (`sigaction::quiet`), which the kernel drops, and writes nothing
//! to the application's stack but the frame that an application's handler gets. A
//! SIGSYS of the arm becomes a jump to the entry; every other signal finds the
//! interrupted call rolled back, rolled forward, or is held back until the hook has
//! ended.

#![allow(unsafe_code, reason = "edits the kernel's signal frame")]

use core::sync::atomic::Ordering;

use crate::abi::errno::Errno;
use crate::abi::sigaction::{SIG_DFL, SIG_IGN};
use crate::abi::sigframe::{SI_KERNEL, SigContext, SigInfo, TRAP_TRACE, UContext, bit, rflags};
use crate::guest;
use crate::hook::Outcome;
use crate::kernel;
use crate::kernel::log;
use crate::rewrite::{position, table};
use crate::trap::adopt::adopt;
use crate::trap::area::{Action, HookState, ThreadArea};
use crate::trap::areas;
use crate::trap::context::{exit, show_application};
use crate::trap::dispatch::Post;
use crate::trap::held::{hold, is_held_back, is_marker};
use crate::trap::raised::{self, is_of_arm, is_of_filter, is_raised};
use crate::trap::swallowed;
use crate::trap::tell::tell;
use crate::trap::trapped::{enter_anew, enter_taken, redirect_invalid_opcode, trap, trap_of_guest};
use crate::trap::user_dispatch::Fate;
use crate::trap::zone::{self, Zone};
use crate::trap::{again, copy, deliver, dispatch, entry, filters, gs, pending, sigaction, user_dispatch};

/// The signal handler. Returns whether the frame is that of a handler which
/// starts, so that the entry can start it without the kernel's help.
///
/// # Safety
/// Called by the kernel only, through `entry`, with the frame that belongs to
/// the signal.
pub(crate) unsafe extern "C" fn handler(_signal: i32, info: *mut SigInfo, uc: *mut UContext) -> bool {
    // SAFETY: the kernel hands out valid pointers into its frame.
    let (info, uc) = unsafe { (&*info, &mut *uc) };
    // Not by GS, which may be the application's.
    let mut area = areas::around(core::ptr::from_mut(uc) as u64);
    if area.is_null() {
        if guest::helpers::is_one(uc.uc_mcontext.rsp) {
            in_helper(info, uc);
            return false;
        }
        if sigaction::QUIET & bit(info.signo) != 0 && uc.uc_sigmask & bit(libc::SIGSYS) != 0 {
            // Inside the adoption.
            uc.uc_sigmask |= bit(info.signo);
            kernel::requeue(info);
            return false;
        }
        area = adopt(uc);
    }
    // SAFETY: the area is the thread's own and never unmapped. The code that
    // was interrupted may be using it too; what both touch is atomic.
    let area = unsafe { &mut *area };
    area.reach.forget();
    let next = handle(area, info, uc);
    if next != Next::Defer {
        raised::give_back(area);
    }
    if next == Next::Return {
        swallowed::enter_at_site(area, &mut uc.uc_mcontext);
    }
    // Held back, even the reserved ones are blocked: a hook's calls come from
    // the gate.
    if next != Next::Hold && area.held.load(Ordering::Relaxed) == 0 {
        uc.uc_sigmask &= !sigaction::reserved();
        if pending::is_due(area) {
            pending::poke_self(uc.uc_sigmask);
        }
    }
    copy::leave(&mut uc.uc_mcontext, uc.uc_sigmask);
    // Where GS is the application's the kernel has to start it.
    next == Next::Begin && gs::is_ours(area)
}

/// A signal in a thread of a hook's own.
fn in_helper(info: &SigInfo, uc: &mut UContext) {
    let is_own = is_raised(info, &uc.uc_mcontext);
    if !copy::fault(info, &mut uc.uc_mcontext) && guest::helpers::fault(info, uc, is_own) {
        default(info, uc);
    }
}

/// What follows on the handler.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Next {
    /// The code that the frame says, with the application's mask.
    Return,
    /// The same, with signals held back.
    Hold,
    /// The same, and another signal at once: this one is kept.
    Defer,
    /// A handler of the application's.
    Begin,
}

fn begins(handler: bool) -> Next {
    if handler { Next::Begin } else { Next::Return }
}

fn handle(area: &mut ThreadArea, info: &SigInfo, uc: &mut UContext) -> Next {
    if copy::fault(info, &mut uc.uc_mcontext) {
        return Next::Hold;
    }
    if is_trap(info, &uc.uc_mcontext) {
        if guest::threads::runs(area, uc.uc_mcontext.rip, uc.uc_mcontext.rsp) {
            trap_of_guest(info, &mut uc.uc_mcontext);
            return Next::Hold;
        }
        match user_dispatch::of_call(area, info) {
            Fate::Made => trap(area, info, &mut uc.uc_mcontext),
            Fate::Dispatched(info) => return arrive(area, &info, uc),
            Fate::Ended(signal) => {
                let info = SigInfo::new(signal, SI_KERNEL, 0);
                tell(area, &info, uc);
                default(&info, uc);
            }
        }
        return Next::Return;
    }
    let context = &mut uc.uc_mcontext;
    let step = info.signo == libc::SIGTRAP && info.code == TRAP_TRACE;
    // Others with a code of a fault, sent, come before a trap that is still to come.
    let undone = (info.signo == libc::SIGSYS || info.code <= 0 || step)
        && swallowed::is_behind_call(context)
        && zone_of(area, context) == Zone::Application
        && swallowed::undo(area, context);
    if undone && step {
        // It is that over the call, which is still to be made.
        return Next::Return;
    }
    if matches!(area.action, Action::WaitBlocked | Action::TakenWaitBlocked)
        && area.held.load(Ordering::Relaxed) != 0
        && matches!(zone_of(area, &uc.uc_mcontext), Zone::GateExitDone | Zone::ExitSaved)
        && info.signo != libc::SIGTRAP
    {
        // Let in by the mask of the wait, which was made with all blocked.
        area.held.store(0, Ordering::Relaxed);
        uc.uc_sigmask = area.saved_mask.load(Ordering::Relaxed);
    }
    let Some(held) = area.held_signal else {
        return if is_marker(info) {
            // Its signal has been delivered before.
            Next::Return
        } else {
            arrive(area, info, uc)
        };
    };
    if is_held_back(area, uc) || zone_of(area, &uc.uc_mcontext) == Zone::Hook {
        return arrive(area, info, uc);
    }
    // What has been held back came first. The kernel delivers fault signals
    // before the marker, and one of the application's own SIGSYS may have taken
    // the marker's place: the kernel keeps one.
    if is_marker(info) || pending::is_poke(area, info) {
        // Nothing of the application's.
    } else if info.signo == libc::SIGSYS {
        pending::keep(area, info);
    } else {
        kernel::requeue(info);
    }
    area.held_signal = None;
    match arrive(area, &held, uc) {
        Next::Defer => Next::Return,
        next => next,
    }
}

fn zone_of(area: &ThreadArea, context: &SigContext) -> Zone {
    let rip = context.rip;
    let on_the_way = table::in_trampolines(rip) || position::padding_position(rip).is_some();
    let ours = area.on_our_stack(context.rsp) || guest::threads::runs(area, rip, context.rsp);
    zone::of(rip, ours, on_the_way)
}

/// A signal of the application's.
fn arrive(area: &mut ThreadArea, info: &SigInfo, uc: &mut UContext) -> Next {
    let mut info = *info;
    let info = &mut info;
    let context = &mut uc.uc_mcontext;
    if info.signo == libc::SIGILL && is_raised(info, context) && redirect_invalid_opcode(context) {
        area.exception.hide();
        return Next::Return;
    }
    let zone = zone_of(area, context);
    if zone == Zone::EnterRcx && is_raised(info, context) && info.signo != libc::SIGTRAP && !gs::is_ours(area) {
        // The entry's first access by GS, which has failed: nothing has been done.
        area.exception.hide();
        enter_taken(area, context, context.rcx);
        return Next::Return;
    }
    if info.signo == libc::SIGTRAP
        && info.code == TRAP_TRACE
        && is_raised(info, context)
        && step_over(area, zone, context, uc.uc_sigmask)
    {
        return Next::Return;
    }
    let fault = is_raised(info, context) && raised::may_fault(info, zone, context);
    if fault && info.signo != libc::SIGSYS {
        area.exception.is(context);
    } else {
        area.exception.show(context);
    }
    if raised::is_blocked(info, uc) {
        raised::defer(area, info);
        return Next::Defer;
    }
    if zone == Zone::Hook && fault && area.post == Post::Frame {
        return begins(deliver::bad_frame(area, uc));
    }
    if zone == Zone::Hook || is_held_back(area, uc) {
        if fault {
            die_of_fault(area, info, uc);
        } else {
            hold(area, info, uc);
        }
        return Next::Hold;
    }
    let before = uc.uc_sigmask;
    let context = &mut uc.uc_mcontext;
    if is_of_filter(info, context) {
        refused(area, zone, info, context, before);
    }
    // A wait that a signal ends: the handler runs under the wait's mask, while
    // the frame has the one to come back to.
    let waiting = ended_wait(area, zone, context, info.signo);
    let interrupted = again::interrupted(context);
    // What was read may have nothing in it for the application: it reads on.
    let read = area.post == Post::Signals && matches!(zone, Zone::GateExitDone | Zone::ExitSaved);
    let later = waiting.is_some() || interrupted.is_some() || zone.is_again() || read;
    if !later {
        show_application(area, zone, context, before);
    }
    let mask = waiting.unwrap_or(area.virtual_mask);
    let signal = info.signo;
    // Looked up once, for another thread may change it meanwhile.
    let due = settle(area, info, fault, mask)
        .map(|info| (info, sigaction::take(area, info.signo)))
        // Dropped, as the kernel would have done by itself.
        .filter(|(info, action)| fault || !sigaction::does_nothing(info.signo, action));
    let Some((info, action)) = &due else {
        if let Some(call) = interrupted {
            again::go_on(area, call, &sigaction::table(area).get(signal), uc);
        } else if zone.is_again() {
            again::look(area, &mut uc.uc_mcontext);
        } else if !later && zone != Zone::Application {
            enter_anew(area, &mut uc.uc_mcontext);
        }
        return Next::Return;
    };
    if later {
        let zone = again::interrupt(area, zone, action, context);
        show_application(area, zone, context, before);
    }
    let blocked = mask & bit(info.signo) != 0;
    if action.handler == SIG_DFL || action.handler == SIG_IGN || blocked {
        if fault || !is_init() {
            tell(area, info, uc);
            if !blocked && !fault && sigaction::STOPS & bit(info.signo) != 0 {
                sigaction::settle(area);
                kernel::requeue(info);
            } else {
                default(info, uc);
            }
        }
        return Next::Return;
    }
    if !fault {
        swallowed::take_mark(&mut uc.uc_mcontext);
    }
    begins(deliver::deliver(area, action, info, uc, waiting))
}

/// The mask of the wait that a signal has ended here. One that the mask blocks has
/// not: it comes since the kernel has taken the mask back, as it does when
/// `epoll_pwait` ends without a handler (after a SIGCONT).
fn ended_wait(area: &ThreadArea, zone: Zone, context: &SigContext, signal: i32) -> Option<u64> {
    let result = match zone {
        Zone::GateExitDone => context.rax as i64,
        Zone::ExitSaved => area.call.result,
        _ => return None,
    };
    let blocked = area.wait_mask & !sigaction::reserved() & bit(signal) != 0;
    (area.post == Post::Wait && result == Errno::EINTR.to_result() && !blocked).then_some(area.wait_mask)
}

/// What arrives under this mask of the application's when the kernel delivers
/// `info`: what waits, if it is our own poke, and nothing, if it is blocked.
fn settle(area: &ThreadArea, info: &SigInfo, fault: bool, mask: u64) -> Option<SigInfo> {
    if pending::is_poke(area, info) {
        return pending::take(area, sigaction::reserved() & !mask).or_else(|| {
            // Another thread may have been passed over for this one.
            pending::find_taker(area, mask & sigaction::reserved());
            None
        });
    }
    let blocked = mask & sigaction::reserved() & bit(info.signo) != 0;
    if blocked && !fault {
        pending::keep(area, info);
        return None;
    }
    Some(pending::plain(*info))
}

/// A SIGSYS of a call outside the gate is the arm's. From the gate it is of
/// a filter of the application's own. Where both trap at a site the arm's call
/// comes first, and the other's follows from the gate.
fn is_trap(info: &SigInfo, context: &SigContext) -> bool {
    let ip = info.address;
    is_of_arm(info, context) && !(ip > entry::gate_start() && ip <= entry::gate_ask_done())
}

/// A filter of the application's own has trapped a call in the gate, which has
/// not been made: shows the call at its site.
fn refused(area: &mut ThreadArea, zone: Zone, info: &mut SigInfo, context: &mut SigContext, mask: u64) {
    if filters::is_strict_death(info) {
        filters::die_strictly(area);
    }
    info.address = area.call.return_address;
    if zone != Zone::GateExitDone {
        return;
    }
    if area.post != Post::Filter {
        area.post = Post::None;
    }
    exit(area, Outcome::Returned(Errno::ENOSYS.to_result()), mask);
    // The kernel has put the number back.
    area.call.result = area.call.number as i64;
    context.rax = area.call.number;
}

/// A step of the trap flag inside our code: passes over it, so that the steps are
/// those that the site's own instructions make. Behind a `syscall` the kernel
/// resumes with one more instruction, so no step ends there. Returns whether that
/// is all.
fn step_over(area: &mut ThreadArea, zone: Zone, context: &mut SigContext, mask: u64) -> bool {
    match zone {
        Zone::Application => false,
        Zone::Trampoline if table::stepped_to_call(context.rip) => false,
        Zone::GatePassDone | Zone::GateTakenDone => {
            show_application(area, zone, context, mask);
            true
        }
        Zone::Resume if area.action == Action::Answer => {
            show_application(area, zone, context, mask);
            true
        }
        // The flags have not been saved yet, or are the application's again.
        Zone::Trampoline
        | Zone::EnterRcx
        | Zone::Enter
        | Zone::EnterSwitched
        | Zone::GatePass
        | Zone::GateTaken
        | Zone::GateExit
        | Zone::Again
        | Zone::TakenAgain
        | Zone::ExitAgain
        | Zone::GateReturn
        | Zone::Beginning
        | Zone::Resume => true,
        Zone::EnterFlags | Zone::EnterRdi | Zone::GateExitDone | Zone::ExitSaved | Zone::Hook => {
            context.eflags &= !rflags::TF;
            area.stepping = 1;
            true
        }
    }
}

/// Whether no signal has a default action for this process, but that of a fault
/// (`SIGNAL_UNKILLABLE`): it is the first of its PID namespace.
fn is_init() -> bool {
    kernel::getpid() == 1
}

/// The default action, done by the kernel: with the true context, so that a
/// core dump or a parent sees what it would have seen.
fn default(info: &SigInfo, uc: &mut UContext) {
    sigaction::set_default(info.signo);
    uc.uc_sigmask &= !bit(info.signo);
    kernel::requeue(info);
}

/// A fault of a hook's, or of ours: says so, and dies of it where it is.
fn die_of_fault(area: &ThreadArea, info: &SigInfo, uc: &mut UContext) {
    let hook = dispatch::hook().filter(|_| area.hook == HookState::Running);
    let rip = uc.uc_mcontext.rip;
    let mut buffer = [0; 300];
    let place = match () {
        () if area.is_behind_hook_stack(info.address) => "; its stack, of 128 KB, is full",
        () if guest::threads::runs(area, rip, uc.uc_mcontext.rsp) => guest::place(rip, &mut buffer),
        () => "",
    };
    log::fault(hook.map(|hook| hook.name()), info.signo, rip, info.address, place);
    default(info, uc);
}
