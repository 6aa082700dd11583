//! From the entry to the hook and the core's own services, and back.

#![allow(unsafe_code, reason = "called by assembly with the thread's area")]

use core::hint::cold_path;
use core::sync::atomic::Ordering;

use once_cell::race::OnceRef;

use crate::abi::errno::Errno;
use crate::arm::filter::ASKED;
use crate::exec::{calls, launch};
use crate::hook::{Hook, Interest, Outcome, Parts, VectorUse, Verdict};
use crate::rewrite::{load, vetted};
use crate::trap::area::{Action, HookState, ThreadArea};
use crate::trap::{
    altstack, clone, deliver, descriptors, disarmed, entry, exit, filters, gs, known, listing, mask, membarrier,
    memory, pending, sigaction, signalfd, sigsend, sigwait, tell, vector,
};

/// What the core has to do when the kernel has made a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Post {
    /// Nothing.
    None,
    /// The signal mask has been changed.
    Mask,
    /// The call waits with a mask of its own, under which a handler that
    /// interrupts it runs.
    Wait,
    /// The set of pending signals has been written.
    Pending,
    /// A path has been followed, perhaps to our image.
    Path,
    /// A directory has been listed, perhaps one of descriptors.
    Listing,
    /// The application's filters have been asked; the call is still to be served.
    Ask,
    /// The frame of an rt_sigreturn is read: a fault is the
    /// application's.
    Frame,
    /// A filter of the application's own has been installed.
    Filter,
    /// A signalfd has perhaps been read.
    Signals,
}

static HOOK: OnceRef<'static, &'static dyn Hook> = OnceRef::new();

/// Bit 30 marks the calls of the x32 ABI.
const X32_BIT: u32 = 0x4000_0000;

/// Sets the hook, what it is interested in, and what the core is; once, before
/// the arm.
pub(crate) fn configure(hook: Option<&'static &'static dyn Hook>) {
    if let Some(hook) = hook {
        interest_in(*hook);
        tell::configure(hook.wants_signals());
        let _ = HOOK.set(hook);
    }
    for number in CORE.iter().chain(descriptors::NAMING) {
        entry::add_interest(*number as u16, entry::CORE | entry::KEEP_SSE);
    }
    if load::is_chosen() {
        entry::add_interest(libc::SYS_mmap as u16, entry::CORE | entry::KEEP_SSE);
    }
    if vetted::is_chosen() {
        for number in disarmed::DOORS {
            entry::add_interest(number as u16, entry::CORE | entry::KEEP_SSE);
        }
    }
}

/// Sets what the hook is interested in, before any call that it is to see.
pub(crate) fn interest_in(hook: &dyn Hook) {
    let parts = hook.vector_use().parts();
    let vectors = match hook.vector_use() {
        VectorUse::None => 0,
        _ if parts == Parts::NONE => entry::KEEP_SSE,
        _ => entry::KEEP_SSE | entry::MORE_VECTORS,
    };
    let interest = hook.interest();
    for number in 0..Interest::NUMBERS as u16 {
        if interest.contains(number.into()) {
            entry::add_interest(number, entry::HOOK | vectors);
        }
    }
    vector::configure(parts);
}

/// `io_pgetevents`, which libc does not name.
const SYS_IO_PGETEVENTS: i64 = 333;

/// The calls that the core has to see.
const CORE: &[i64] = &[
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigpending,
    libc::SYS_rt_sigreturn,
    libc::SYS_rt_sigsuspend,
    libc::SYS_rt_sigtimedwait,
    libc::SYS_kill,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_tkill,
    libc::SYS_tgkill,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_sigaltstack,
    libc::SYS_signalfd,
    libc::SYS_signalfd4,
    libc::SYS_pselect6,
    libc::SYS_ppoll,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
    SYS_IO_PGETEVENTS,
    libc::SYS_clone,
    libc::SYS_clone3,
    libc::SYS_fork,
    libc::SYS_vfork,
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_arch_prctl,
    libc::SYS_mprotect,
    libc::SYS_pkey_mprotect,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_close,
    libc::SYS_close_range,
    libc::SYS_dup2,
    libc::SYS_dup3,
    libc::SYS_unshare,
    libc::SYS_prctl,
    libc::SYS_seccomp,
    libc::SYS_membarrier,
    libc::SYS_getdents,
    libc::SYS_getdents64,
];

/// The entry calls this with the area filled in; it leaves `action`.
///
/// # Safety
/// `area` is the calling thread's own, and nobody else uses it.
pub(crate) unsafe extern "C" fn enter_from_entry(area: *mut ThreadArea) {
    // SAFETY: by the contract.
    let area = unsafe { &mut *area };
    let number = area.call.number as u32;
    let interest = if (number as usize) < Interest::NUMBERS {
        entry::interest(number)
    } else {
        cold_path();
        0
    };
    area.call.changed = false;
    area.hook = HookState::Running;
    area.post = Post::None;
    if interest & (entry::HOOK | entry::CORE | entry::MORE_VECTORS) == entry::HOOK
        && let Some(hook) = HOOK.get()
    {
        let verdict = hook.enter(&mut area.call);
        obey(area, verdict);
    } else {
        cold_path();
        enter_slowly(area, number, interest);
    }
}

/// The same for a call that came by the trap. Where GS is the application's it goes
/// to the kernel with rsp at the area. However it goes, the area keeps the result
/// (`trap::swallowed`).
///
/// # Safety
/// As [`enter_from_entry`].
pub(crate) unsafe extern "C" fn enter_taken(area: *mut ThreadArea) {
    // SAFETY: by the contract.
    if !gs::is_ours(unsafe { &mut *area }) {
        gs::take();
    }
    // SAFETY: by the contract.
    unsafe { enter_from_entry(area) };
    // SAFETY: by the contract.
    let area = unsafe { &mut *area };
    area.action = match area.action {
        action if !area.owns_gs => taken(action),
        Action::Pass => Action::PassThenExit,
        action => action,
    };
}

/// What an action is where GS is the application's.
fn taken(action: Action) -> Action {
    match action {
        Action::Pass => Action::TakenPass,
        Action::PassThenExit => Action::TakenPassThenExit,
        Action::WaitBlocked => Action::TakenWaitBlocked,
        other => other,
    }
}

/// Does what the hook says of a call that the core has no part in.
#[inline(always)]
fn obey(area: &mut ThreadArea, verdict: Verdict) {
    area.action = match verdict {
        Verdict::Answer(result) => {
            area.call.result = result;
            area.call.restore_args();
            Action::Answer
        }
        Verdict::PassThenExit => {
            area.hook = HookState::WantsExit;
            Action::PassThenExit
        }
        Verdict::Pass if area.call.changed => Action::PassThenExit,
        Verdict::Pass => Action::Pass,
    };
}

/// The calls of the core, and hooks around which more is kept than the entry has
/// saved: out of line, so that the way above stays short.
#[inline(never)]
fn enter_slowly(area: &mut ThreadArea, number: u32, interest: u8) {
    if interest & entry::HOOK != 0
        && let Some(hook) = HOOK.get()
    {
        let verdict = hooked(area, |area| hook.enter(&mut area.call));
        obey(area, verdict);
        if area.action == Action::Answer {
            return;
        }
    }
    if area.hook == HookState::Running {
        area.hook = HookState::Done;
    }
    area.action = if interest & entry::CORE != 0 {
        if filters::decide_on(area, number) {
            area.post = Post::Ask;
            Action::Ask
        } else {
            serve(area, number)
        }
    } else if number & X32_BIT != 0 && (number as i32) > 0 {
        // As on a kernel without the x32 ABI: its calls would bypass us.
        answer(area, Errno::ENOSYS.to_result())
    } else {
        pass(area)
    };
    if area.action == Action::Answer {
        let result = area.call.result;
        exit(area, Outcome::Returned(result));
    }
}

/// The exit side: the kernel has made the call.
///
/// # Safety
/// As [`enter_from_entry`].
pub(crate) unsafe extern "C" fn exit_from_gate(area: *mut ThreadArea) {
    // SAFETY: by the contract.
    let area = unsafe { &mut *area };
    let outcome = Outcome::Returned(area.call.result);
    if area.post == Post::None
        && area.hook == HookState::WantsExit
        && vector::touched() == Parts::NONE
        && let Some(hook) = HOOK.get()
    {
        area.hook = HookState::Running;
        hook.exit(&mut area.call, outcome);
        area.call.restore_args();
        area.action = Action::Answer;
    } else if is_permitted(area, area.call.result) {
        area.post = Post::None;
        area.action = serve(area, area.call.number as u32);
        if area.action == Action::Answer {
            let result = area.call.result;
            exit(area, Outcome::Returned(result));
        } else if !gs::is_ours(area) {
            area.action = taken(area.action);
        }
    } else if area.post == Post::Signals && !signalfd::finish(area) {
        // There was nothing for the application in it: it waits on.
        if let Some(result) = signalfd::look_behind(area) {
            area.post = Post::None;
            area.call.result = result;
            exit(area, Outcome::Returned(result));
        } else if gs::is_ours(area) {
            area.action = Action::PassThenExit;
        } else {
            area.action = Action::TakenPassThenExit;
        }
    } else {
        exit(area, Outcome::Returned(area.call.result));
    }
}

/// Whether the application's filters have been asked, with this result, and let
/// the call pass that we have not served yet.
pub(crate) fn is_permitted(area: &ThreadArea, result: i64) -> bool {
    area.post == Post::Ask && result == -i64::from(ASKED)
}

/// Ends a call towards the hook and the core. Also called by the signal
/// handler, for a call that a signal interrupted.
#[inline(never)]
pub(crate) fn exit(area: &mut ThreadArea, mut outcome: Outcome) {
    match (area.post, outcome) {
        (Post::Mask, Outcome::Returned(0)) => mask::changed(area, true),
        (Post::Mask, Outcome::Returned(result)) if result == Errno::EFAULT.to_result() => mask::changed(area, false),
        (Post::Pending, Outcome::Returned(0)) => mask::add_waiting(area),
        (Post::Wait, _) => {
            pending::close(area, area.virtual_mask);
            pending::poke_if_due(area);
        }
        (Post::Path, Outcome::Returned(result)) => {
            area.call.result = calls::finish(area, result);
            outcome = Outcome::Returned(area.call.result);
        }
        (Post::Filter, outcome) => filters::finish(area, outcome),
        (Post::Signals, Outcome::Returned(_)) => {
            if !signalfd::finish(area) {
                // A handler has to run first.
                area.call.result = Errno::EINTR.to_result();
            }
            outcome = Outcome::Returned(area.call.result);
        }
        (Post::Listing, Outcome::Returned(result)) if result > 0 => {
            area.call.result = listing::finish(area, result);
            outcome = Outcome::Returned(area.call.result);
        }
        _ => {}
    }
    area.post = Post::None;
    if area.hook == HookState::WantsExit
        && let Some(hook) = HOOK.get()
    {
        if area.held.load(Ordering::Relaxed) != 0 {
            mask::let_faults_in(area);
        }
        area.hook = HookState::Running;
        hooked(area, |area| hook.exit(&mut area.call, outcome));
    }
    area.hook = HookState::Done;
    area.call.restore_args();
    area.action = Action::Answer;
}

/// The program was executed by this call: the hook sees its result, which there
/// is in the new image only.
pub(crate) fn executed(area: &mut ThreadArea, number: u32) {
    if entry::interest(number) & entry::HOOK != 0
        && let Some(hook) = HOOK.get()
    {
        area.call.number = number.into();
        // A tool beside hook libraries has asked for it: they see no result of an exec.
        area.guest.tool.set(true);
        area.hook = HookState::Running;
        hook.exit(&mut area.call, Outcome::Returned(0));
        area.hook = HookState::Done;
    }
}

/// Runs a part of the hook with as much vector state kept as it needs.
pub(super) fn hooked<R>(area: &mut ThreadArea, run: impl FnOnce(&mut ThreadArea) -> R) -> R {
    let state = &raw mut area.vector;
    vector::keep(state, vector::touched(), || run(area))
}

/// The hook, for reports and forks.
pub(crate) fn hook() -> Option<&'static dyn Hook> {
    HOOK.get().copied()
}

pub(crate) fn answer(area: &mut ThreadArea, result: i64) -> Action {
    area.call.result = result;
    Action::Answer
}

/// To the kernel by the shortest way that does all that is to be done.
pub(crate) fn pass(area: &ThreadArea) -> Action {
    if area.hook == HookState::WantsExit || area.post != Post::None || area.call.changed {
        Action::PassThenExit
    } else {
        Action::Pass
    }
}

/// The core's own part of a call that the hook lets pass.
fn serve(area: &mut ThreadArea, number: u32) -> Action {
    let [a0, a1, ..] = area.call.args;
    if let Some(result) = descriptors::serve_named(area, number) {
        return answer(area, result);
    }
    match i64::from(number) {
        libc::SYS_rt_sigaction => match sigaction::serve(area) {
            Some(result) => return answer(area, result),
            None => return pass(area),
        },
        libc::SYS_rt_sigprocmask => {
            if let Some(result) = mask::about_to_change(area) {
                return answer(area, result);
            }
        }
        libc::SYS_rt_sigpending => area.post = Post::Pending,
        libc::SYS_rt_sigreturn => {
            return deliver::sigreturn(area);
        }
        libc::SYS_rt_sigsuspend => mask::wait(area, 0),
        libc::SYS_ppoll => mask::wait(area, 3),
        libc::SYS_epoll_pwait | libc::SYS_epoll_pwait2 => mask::wait(area, 4),
        libc::SYS_pselect6 | SYS_IO_PGETEVENTS => mask::wait_indirect(area),
        libc::SYS_rt_sigtimedwait => return sigwait::serve(area),
        libc::SYS_kill
        | libc::SYS_rt_sigqueueinfo
        | libc::SYS_tkill
        | libc::SYS_tgkill
        | libc::SYS_rt_tgsigqueueinfo => {
            if let Some(result) = sigsend::serve(area, number) {
                return answer(area, result);
            }
        }
        libc::SYS_sigaltstack => {
            let result = altstack::serve(area);
            return answer(area, result);
        }
        // The kernel takes the low half of the flags.
        libc::SYS_clone => return clone::enter(area, a0 & 0xffff_ffff),
        libc::SYS_fork => return clone::enter(area, 0),
        libc::SYS_vfork => return clone::enter(area, (libc::CLONE_VM | libc::CLONE_VFORK) as u64),
        libc::SYS_clone3 => return clone::enter_clone3(area),
        libc::SYS_execve | libc::SYS_execveat => return launch::serve(area),
        libc::SYS_exit => return exit::thread(area),
        libc::SYS_exit_group => return exit::process(area),
        libc::SYS_arch_prctl => {
            let _ = disarmed::serve(area, number);
            if let Some(result) = exit::arch_prctl(area, a0, a1) {
                return answer(area, result);
            }
        }
        libc::SYS_mmap
        | libc::SYS_mprotect
        | libc::SYS_pkey_mprotect
        | libc::SYS_mremap
        | libc::SYS_madvise
        | libc::SYS_shmat
        | libc::SYS_personality
        | libc::SYS_process_madvise
        | libc::SYS_userfaultfd
        | libc::SYS_io_uring_setup
        | libc::SYS_io_uring_register => {
            if let Some(result) = memory::serve(area, number) {
                return answer(area, result);
            }
        }
        libc::SYS_prctl | libc::SYS_seccomp => {
            if let Some(result) = filters::serve(area, number) {
                return answer(area, result);
            }
        }
        libc::SYS_membarrier => {
            if let Some(result) = membarrier::serve(area) {
                return answer(area, result);
            }
        }
        libc::SYS_getdents | libc::SYS_getdents64 => area.post = Post::Listing,
        libc::SYS_close | libc::SYS_close_range | libc::SYS_dup2 | libc::SYS_dup3 | libc::SYS_unshare => {
            if let Some(result) = descriptors::serve(area, number) {
                return answer(area, result);
            }
        }
        libc::SYS_signalfd | libc::SYS_signalfd4 => signalfd::made(area),
        _ if let Some(result) = known::serve(area, number) => return answer(area, result),
        number if calls::CORE.contains(&number) => {
            if let Some(result) = calls::serve(area) {
                return answer(area, result);
            }
        }
        _ => {}
    }
    if let Some(result) = signalfd::look(area, number) {
        return answer(area, result);
    }
    if area.post == Post::Wait {
        return mask::wait_action(area);
    }
    pass(area)
}
