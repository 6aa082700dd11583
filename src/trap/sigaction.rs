//! The application's signal handlers, and `rt_sigaction`.
//!
//! The kernel is told of one handler only, ours (`trap::signal`): on our own
//! stack, with all signals blocked. What the application has set is kept here
//! and read back from here.

#![allow(unsafe_code, reason = "installs signal handlers")]

use core::mem::size_of;
use core::sync::atomic::{AtomicBool, Ordering};

use crate::abi::errno::Errno;
use crate::abi::sigaction::{KernelSigaction, NSIG, SA_RESTORER, SIG_DFL, SIG_IGN, SIGSET_SIZE};
use crate::abi::sigframe::bit;
use crate::guest::libraries;
use crate::kernel;
use crate::trap::area::ThreadArea;
use crate::trap::dispositions::{Dispositions, SA_RESETHAND};
use crate::trap::{copy, entry, pending};

/// `UAPI_SA_FLAGS` of `kernel/signal.c`: the flags that read back.
const KNOWN_FLAGS: u64 = (libc::SA_NOCLDSTOP
    | libc::SA_NOCLDWAIT
    | libc::SA_SIGINFO
    | libc::SA_ONSTACK
    | libc::SA_RESTART
    | libc::SA_NODEFER) as u64
    | SA_RESETHAND
    | SA_RESTORER
    | SA_EXPOSE_TAGBITS;
const SA_EXPOSE_TAGBITS: u64 = 0x800;
/// Flags that decide what the kernel does besides calling the handler.
/// SA_RESETHAND is not one: signals of which the application learns nothing,
/// steps inside our code, must not use its handler up.
const PASSED_ON: u64 = (libc::SA_NOCLDSTOP | libc::SA_NOCLDWAIT | libc::SA_RESTART) as u64;

/// Whether SIGILL is ours too: an invalid opcode is a step of a rewrite.
static OWN_SIGILL: AtomicBool = AtomicBool::new(false);

/// The signals whose kernel handler is always ours, whatever the application
/// says: as a mask.
pub(crate) fn reserved() -> u64 {
    reserved_if(OWN_SIGILL.load(Ordering::Relaxed))
}

/// The same, before it is settled whether SIGILL is one of them.
pub(crate) const fn reserved_if(own_sigill: bool) -> u64 {
    bit(libc::SIGSYS) | if own_sigill { bit(libc::SIGILL) } else { 0 }
}

/// The signals of faults. The kernel's handler is ours also where the application
/// leaves them to their default action, so that a fault of a hook's, or of ours,
/// is told before it ends the process. Unlike the reserved ones they can be
/// blocked and ignored in the kernel.
pub(crate) const FAULTS: u64 = bit(libc::SIGSEGV) | bit(libc::SIGBUS) | bit(libc::SIGFPE) | bit(libc::SIGILL);

/// What is ours like a fault's where there are hook libraries: SIGCANCEL, which their
/// libc lets in for a moment where it makes a thread. One that waits for the
/// application, a timer's, is held back then.
fn of_guests() -> u64 {
    if libraries::count() == 0 { 0 } else { bit(SIGCANCEL) }
}

/// glibc's, also for timers with SIGEV_THREAD.
const SIGCANCEL: i32 = 32;

/// The process's handlers.
pub(crate) static PROCESS: Dispositions = Dispositions::new();

/// The action that the kernel gets for one of the application's. A call that a
/// signal of ours interrupts without calling the application goes on.
///
/// An ignored fault signal stays ignored: no call ends for one that is sent. The
/// kernel lets a fault kill in spite of it. Our handler lets in those of `quiet`.
fn kernel_action(signal: i32, action: &KernelSigaction, quiet: u64) -> KernelSigaction {
    let is_in = |set: u64| set & bit(signal) != 0;
    match action.handler {
        SIG_DFL | SIG_IGN if is_in(reserved()) => own_action(libc::SA_RESTART as u64, quiet),
        SIG_DFL if is_in(FAULTS | of_guests()) => own_action(libc::SA_RESTART as u64, quiet),
        SIG_DFL | SIG_IGN => KernelSigaction {
            mask: action.mask & !reserved(),
            ..*action
        },
        _ => own_action(action.flags & PASSED_ON, quiet),
    }
}

/// The signals whose default action is to be ignored. The kernel drops one that is
/// sent to a thread which does not block it, else it may wake another thread of the
/// process for nothing: so our handler does not block them. Those that are caught it
/// blocks like any other, so that they come in their order; where one is just becoming
/// so, in another thread, it is held back there as in a hook (`held`).
pub(crate) const QUIET: u64 = bit(libc::SIGCHLD) | bit(libc::SIGURG) | bit(libc::SIGWINCH) | bit(libc::SIGCONT);

/// The signals whose default action is to stop the process.
pub(crate) const STOPS: u64 = bit(libc::SIGTSTP) | bit(libc::SIGTTIN) | bit(libc::SIGTTOU);

/// Those that our code in a thread does not block.
pub(crate) fn quiet(area: &ThreadArea) -> u64 {
    table(area).quiet()
}

/// Our own handler: on the area's signal stack, all signals but these blocked.
fn own_action(flags: u64, quiet: u64) -> KernelSigaction {
    KernelSigaction {
        handler: entry::signal_entry(),
        flags: flags | (libc::SA_SIGINFO | libc::SA_ONSTACK) as u64 | SA_RESTORER,
        restorer: entry::gate_restorer(),
        mask: !quiet,
    }
}

/// Registers our handler for the signals whose default action is ours to do.
pub(crate) fn install_own(table: &Dispositions) -> Result<(), Errno> {
    for signal in [
        libc::SIGSYS,
        libc::SIGILL,
        libc::SIGSEGV,
        libc::SIGBUS,
        libc::SIGFPE,
        SIGCANCEL,
    ] {
        let action = kernel_action(signal, &table.get(signal), table.quiet());
        if action.handler == entry::signal_entry() {
            // SAFETY: the handler is made for this.
            unsafe { kernel::sigaction(signal, Some(&action))? };
        }
    }
    Ok(())
}

/// Settles whether SIGILL is reserved too.
pub(crate) fn configure(own_sigill: bool) {
    OWN_SIGILL.store(own_sigill, Ordering::Relaxed);
}

/// Takes over the handlers that the process has at the start, and registers
/// ours.
pub(crate) fn adopt() -> Result<(), Errno> {
    for signal in 1..=NSIG as i32 {
        // SAFETY: only reads.
        let Ok(action) = (unsafe { kernel::sigaction(signal, None) }) else {
            continue;
        };
        PROCESS.begin(signal, &action);
        if action.handler == SIG_IGN {
            copy::about_to_ignore(bit(signal));
        }
    }
    renew(&PROCESS);
    install_own(&PROCESS)
}

/// The same behind an exec, which leaves no handler: only which signals are
/// ignored has to be known.
pub(crate) fn adopt_ignored(ignored: u64) -> Result<(), Errno> {
    for signal in (1..=NSIG as i32).filter(|&signal| ignored & bit(signal) != 0) {
        copy::about_to_ignore(bit(signal));
        let action = KernelSigaction {
            handler: SIG_IGN,
            ..KernelSigaction::default()
        };
        PROCESS.begin(signal, &action);
    }
    install_own(&PROCESS)
}

/// The signals that are ignored.
pub(crate) fn ignored(table: &Dispositions) -> u64 {
    table
        .all()
        .filter(|(_, action)| action.handler == SIG_IGN)
        .fold(0, |mask, (signal, _)| mask | bit(signal))
}

/// The thread's table.
pub(crate) fn table(area: &ThreadArea) -> &'static Dispositions {
    // SAFETY: a table outlives the threads that use it: it is the process's, or
    // lies in an area, and areas are never unmapped.
    unsafe { &*area.dispositions.load(Ordering::Relaxed) }
}

/// Whether the application ignores a signal.
pub(crate) fn is_ignored(area: &ThreadArea, signal: i32) -> bool {
    table(area).get(signal).handler == SIG_IGN
}

/// Whether the kernel does nothing about a signal with this action, so that no call
/// ends for it.
pub(crate) fn does_nothing(signal: i32, action: &KernelSigaction) -> bool {
    action.handler == SIG_IGN || action.handler == SIG_DFL && QUIET & bit(signal) != 0
}

/// The same, asked of the kernel, before [`adopt`].
pub(crate) fn ignored_by_kernel() -> u64 {
    (1..=NSIG as i32)
        // SAFETY: only reads.
        .filter(|&signal| unsafe { kernel::sigaction(signal, None) }.is_ok_and(|action| action.handler == SIG_IGN))
        .fold(0, |mask, signal| mask | bit(signal))
}

/// Lets the kernel ignore reserved signals for the image that follows, or takes
/// them back.
pub(crate) fn ignore(signals: u64, really: bool) {
    for signal in [libc::SIGSYS, libc::SIGILL] {
        let action = KernelSigaction {
            handler: SIG_IGN,
            ..KernelSigaction::default()
        };
        if signals & reserved() & bit(signal) != 0 {
            let action = if really {
                action
            } else {
                kernel_action(signal, &action, PROCESS.quiet())
            };
            // SAFETY: our handler, or none.
            let _ = unsafe { kernel::sigaction(signal, Some(&action)) };
        }
    }
}

/// Gives the kernel back what it had before [`adopt`]: we do not run after all.
pub(crate) fn disown() {
    for (signal, action) in PROCESS.all() {
        // SAFETY: these are the application's own actions.
        let _ = unsafe { kernel::sigaction(signal, Some(&action)) };
    }
}

/// Tells the kernel all actions of a table that nobody changes.
pub(crate) fn tell_all(table: &Dispositions) {
    for (signal, action) in table.all() {
        tell(table, signal, &action);
    }
}

fn tell(table: &Dispositions, signal: i32, action: &KernelSigaction) {
    // SAFETY: our handler, or none.
    let _ = unsafe { kernel::sigaction(signal, Some(&kernel_action(signal, action, table.quiet()))) };
}

/// Tells the kernel an action that has just been set, and, if the quiet signals that are
/// caught are others then, what our handlers block. In between a quiet signal is caught
/// and let in, which `held` knows.
fn tell_change(table: &Dispositions, signal: i32, action: &KernelSigaction, stays_default: bool) {
    let renews = table.note(signal, action);
    let is_caught = QUIET & !table.quiet() & bit(signal) != 0;
    if renews && !is_caught {
        renew(table);
    }
    if !stays_default {
        tell(table, signal, action);
    }
    if renews && is_caught {
        renew(table);
    }
}

/// Registers our handlers anew, for what they block.
fn renew(table: &Dispositions) {
    for (signal, action) in table.all() {
        let action = kernel_action(signal, &action, table.quiet());
        if action.handler == entry::signal_entry() {
            // SAFETY: the handler is made for this.
            let _ = unsafe { kernel::sigaction(signal, Some(&action)) };
        }
    }
}

/// Lets the kernel do the default action for a signal of ours, which ends the
/// process.
pub(crate) fn set_default(signal: i32) {
    // SAFETY: no handler is set.
    let _ = unsafe { kernel::sigaction(signal, Some(&KernelSigaction::default())) };
}

/// The action for a signal that is delivered now. With SA_RESETHAND the handler is used
/// up; the flags stay: SA_NOCLDWAIT goes on to decide what becomes of children.
pub(crate) fn take(area: &ThreadArea, signal: i32) -> KernelSigaction {
    let action = table(area).take(signal);
    if action.flags & SA_RESETHAND != 0 {
        settle(area);
    }
    action
}

/// Lets the kernel do the default action of signals whose handlers are used up.
pub(crate) fn settle(area: &ThreadArea) {
    let table = table(area);
    table.settle(|signal, action| tell_change(table, signal, action, false));
}

/// `rt_sigaction`: the result, or None if the kernel is to refuse it.
pub(crate) fn serve(area: &ThreadArea) -> Option<i64> {
    let [signal, new, old, size, ..] = area.call.args;
    let signal = signal as i32;
    if size != SIGSET_SIZE || !(1..=NSIG as i32).contains(&signal) {
        return None;
    }
    if signal == libc::SIGKILL || signal == libc::SIGSTOP {
        return None;
    }
    Some(match change(area, signal, new, old) {
        Ok(()) => 0,
        Err(errno) => errno.to_result(),
    })
}

/// Whether the kernel need not hear of it: the default action before and after,
/// where it is not to ignore the signal, depends on nothing else. posix_spawn(3)
/// sets every signal's.
fn stays_default(signal: i32, before: &KernelSigaction, after: &KernelSigaction) -> bool {
    let ignored = [libc::SIGCHLD, libc::SIGCONT, libc::SIGURG, libc::SIGWINCH];
    before.handler == SIG_DFL && after.handler == SIG_DFL && !ignored.contains(&signal)
}

fn change(area: &ThreadArea, signal: i32, new: u64, old: u64) -> Result<(), Errno> {
    let new = if new == 0 { None } else { Some(read_action(new)?) };
    if new.is_some_and(|action| action.handler == SIG_IGN) {
        copy::about_to_ignore(bit(signal));
    }
    let table = table(area);
    let before = table.change(signal, new.as_ref(), |before, action| {
        tell_change(table, signal, action, stays_default(signal, before, action));
        if action.handler == SIG_IGN && reserved() & bit(signal) != 0 {
            pending::discard(area, signal);
        }
    });
    settle(area);
    if old != 0 {
        let words = [before.handler, before.flags, before.restorer, before.mask];
        let mut bytes = [0; size_of::<KernelSigaction>()];
        for (chunk, word) in bytes.chunks_exact_mut(8).zip(words) {
            chunk.copy_from_slice(&word.to_ne_bytes());
        }
        kernel::copy_out(old, &bytes)?;
    }
    Ok(())
}

fn read_action(address: u64) -> Result<KernelSigaction, Errno> {
    let mut bytes = [0; size_of::<KernelSigaction>()];
    kernel::copy_in(&mut bytes, address)?;
    let mut words = bytes
        .chunks_exact(8)
        .map(|chunk| u64::from_ne_bytes(chunk.try_into().unwrap_or_default()));
    let mut next = || words.next().unwrap_or_default();
    let action = KernelSigaction {
        handler: next(),
        flags: next(),
        restorer: next(),
        mask: next(),
    };
    Ok(KernelSigaction {
        flags: action.flags & KNOWN_FLAGS,
        mask: action.mask & !(bit(libc::SIGKILL) | bit(libc::SIGSTOP)),
        ..action
    })
}
