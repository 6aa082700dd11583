//! The application's signal handlers, and `rt_sigaction`.
//!
//! The kernel is told of one handler only, ours (`trap::signal`): on our own
//! stack, with all signals blocked. What the application has set is kept here
//! and read back from here.

#![allow(unsafe_code, reason = "installs signal handlers")]

use core::mem::size_of;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering, fence};

use crate::abi::errno::Errno;
use crate::abi::sigaction::{KernelSigaction, NSIG, SA_RESTORER, SIG_DFL, SIG_IGN, SIGSET_SIZE};
use crate::abi::sigframe::bit;
use crate::guest::libraries;
use crate::kernel;
use crate::trap::area::ThreadArea;
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
/// `SA_RESETHAND`, whose libc constant is negative.
pub(crate) const SA_RESETHAND: u64 = 0x8000_0000;
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

/// One table of handlers: of a process, or of a vfork child.
pub(crate) struct Dispositions {
    writer: spin::Mutex<()>,
    actions: [Slot; NSIG],
    /// The quiet signals that are caught.
    caught: AtomicU64,
}

/// Two copies, of which the version's low bit names the valid one: a reader in
/// a signal handler never waits.
struct Slot {
    version: AtomicU32,
    copies: [[AtomicU64; 4]; 2],
}

impl Slot {
    const fn new() -> Slot {
        Slot {
            version: AtomicU32::new(0),
            copies: [const { [const { AtomicU64::new(0) }; 4] }; 2],
        }
    }

    fn read(&self) -> KernelSigaction {
        loop {
            let version = self.version.load(Ordering::Acquire);
            let [handler, flags, restorer, mask] = &self.copies[version as usize & 1];
            let action = KernelSigaction {
                handler: handler.load(Ordering::Relaxed),
                flags: flags.load(Ordering::Relaxed),
                restorer: restorer.load(Ordering::Relaxed),
                mask: mask.load(Ordering::Relaxed),
            };
            fence(Ordering::Acquire);
            // Torn only if two writes passed in between; then read again.
            if self.version.load(Ordering::Relaxed).wrapping_sub(version) <= 1 {
                return action;
            }
        }
    }

    /// Only under the writer's lock.
    fn write(&self, action: &KernelSigaction) {
        let version = self.version.load(Ordering::Relaxed).wrapping_add(1);
        fence(Ordering::Release);
        let copy = &self.copies[version as usize & 1];
        for (word, value) in copy
            .iter()
            .zip([action.handler, action.flags, action.restorer, action.mask])
        {
            word.store(value, Ordering::Relaxed);
        }
        self.version.store(version, Ordering::Release);
    }
}

impl Dispositions {
    /// All default.
    pub(crate) const fn new() -> Dispositions {
        Dispositions {
            writer: spin::Mutex::new(()),
            actions: [const { Slot::new() }; NSIG],
            caught: AtomicU64::new(0),
        }
    }

    /// The application's action for a signal, 1..=64.
    pub(crate) fn get(&self, signal: i32) -> KernelSigaction {
        self.actions
            .get(signal as usize - 1)
            .map_or(KernelSigaction::default(), Slot::read)
    }

    /// As the kernel does on delivery under SA_RESETHAND.
    pub(crate) fn reset(&self, signal: i32) {
        let Some(slot) = self.actions.get(signal as usize - 1) else {
            return;
        };
        let mut action = slot.read();
        action.handler = SIG_DFL;
        // In a signal handler nobody waits; a writer in another thread is
        // setting the action anyway.
        if let Some(_writer) = self.writer.try_lock() {
            slot.write(&action);
            if self.note(signal, &action) {
                self.renew();
            }
        }
    }

    /// The quiet signals that nobody catches.
    fn quiet(&self) -> u64 {
        QUIET & !self.caught.load(Ordering::Relaxed)
    }

    /// Notes whether a signal is a quiet one that is caught. Returns whether that is
    /// new: then our handlers are to be registered anew.
    fn note(&self, signal: i32, action: &KernelSigaction) -> bool {
        let is_caught = action.handler != SIG_DFL && action.handler != SIG_IGN;
        let quiet = QUIET & bit(signal);
        let before = if is_caught {
            self.caught.fetch_or(quiet, Ordering::Relaxed)
        } else {
            self.caught.fetch_and(!quiet, Ordering::Relaxed)
        };
        quiet != 0 && (before & quiet != 0) != is_caught
    }

    /// Registers our handlers anew, for what they block.
    fn renew(&self) {
        for (signal, slot) in (1..=NSIG as i32).zip(&self.actions) {
            let action = kernel_action(signal, &slot.read(), self.quiet());
            if action.handler == entry::signal_entry() {
                // SAFETY: the handler is made for this.
                let _ = unsafe { kernel::sigaction(signal, Some(&action)) };
            }
        }
    }

    /// Fills a table that nobody uses yet. Its last user may have been killed
    /// while it wrote.
    pub(crate) fn fill_from(&self, other: &Dispositions, clear: bool) {
        // SAFETY: nobody uses the table, so nobody holds a guard.
        unsafe { self.writer.force_unlock() };
        self.copy_from(other, clear);
    }

    /// Takes over all actions of `other`; handlers become the default action
    /// if `clear` (CLONE_CLEAR_SIGHAND).
    fn copy_from(&self, other: &Dispositions, clear: bool) {
        for (to, from) in self.actions.iter().zip(&other.actions) {
            let mut action = from.read();
            if clear && action.handler != SIG_IGN {
                action = KernelSigaction::default();
            }
            to.write(&action);
        }
        let caught = if clear { 0 } else { other.caught.load(Ordering::Relaxed) };
        self.caught.store(caught, Ordering::Relaxed);
    }

    /// After a fork, in the child: a writer in another thread is no more.
    pub(crate) fn forked(&self, clear: bool) {
        // SAFETY: this is the only thread, and it holds no guard.
        unsafe { self.writer.force_unlock() };
        if clear {
            self.copy_from(self, true);
        }
    }
}

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

/// Those that our code in a thread does not block.
pub(crate) fn quiet(area: &ThreadArea) -> u64 {
    // SAFETY: tables outlive the threads that use them.
    unsafe { (*area.dispositions.load(Ordering::Relaxed)).quiet() }
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
    for (signal, slot) in (1..=NSIG as i32).zip(&PROCESS.actions) {
        // SAFETY: only reads.
        let Ok(action) = (unsafe { kernel::sigaction(signal, None) }) else {
            continue;
        };
        slot.write(&action);
        PROCESS.note(signal, &action);
        if action.handler == SIG_IGN {
            copy::about_to_ignore(bit(signal));
        }
    }
    PROCESS.renew();
    install_own(&PROCESS)
}

/// The same behind an exec, which leaves no handler: only which signals are
/// ignored has to be known.
pub(crate) fn adopt_ignored(ignored: u64) -> Result<(), Errno> {
    for (signal, slot) in (1..=NSIG as i32).zip(&PROCESS.actions) {
        if ignored & bit(signal) != 0 {
            copy::about_to_ignore(bit(signal));
            slot.write(&KernelSigaction {
                handler: SIG_IGN,
                ..KernelSigaction::default()
            });
        }
    }
    install_own(&PROCESS)
}

/// The signals that are ignored.
pub(crate) fn ignored(table: &Dispositions) -> u64 {
    (1..=NSIG as i32)
        .filter(|&signal| table.get(signal).handler == SIG_IGN)
        .fold(0, |mask, signal| mask | bit(signal))
}

/// Whether the application ignores a signal.
pub(crate) fn is_ignored(area: &ThreadArea, signal: i32) -> bool {
    // SAFETY: tables outlive the threads that use them.
    unsafe { (*area.dispositions.load(Ordering::Relaxed)).get(signal) }.handler == SIG_IGN
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
    for (signal, slot) in (1..=NSIG as i32).zip(&PROCESS.actions) {
        // SAFETY: these are the application's own actions.
        let _ = unsafe { kernel::sigaction(signal, Some(&slot.read())) };
    }
}

/// Lets the kernel do the default action for a signal of ours.
pub(crate) fn set_default(signal: i32) {
    // SAFETY: no handler is set.
    let _ = unsafe { kernel::sigaction(signal, Some(&KernelSigaction::default())) };
}

/// The kernel's side of SA_RESETHAND. The flags stay: SA_NOCLDWAIT goes on to
/// decide what becomes of children.
pub(crate) fn reset_in_kernel(signal: i32, action: &KernelSigaction) {
    if (reserved() | FAULTS | of_guests()) & bit(signal) == 0 {
        let action = KernelSigaction {
            handler: SIG_DFL,
            flags: action.flags & PASSED_ON,
            ..KernelSigaction::default()
        };
        // SAFETY: no handler is set.
        let _ = unsafe { kernel::sigaction(signal, Some(&action)) };
    }
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
    // SAFETY: a table outlives the threads that use it: it is the process's, or
    // lies in an area, and areas are never unmapped.
    let table = unsafe { &*area.dispositions.load(Ordering::Relaxed) };
    let slot = &table.actions[signal as usize - 1];
    let before = {
        let _writer = table.writer.lock();
        let before = slot.read();
        if let Some(action) = &new {
            slot.write(action);
            let renews = table.note(signal, action);
            let is_caught = QUIET & !table.quiet() & bit(signal) != 0;
            // In between a quiet signal is caught and let in, which `held` knows.
            if renews && !is_caught {
                table.renew();
            }
            if !stays_default(signal, &before, action) {
                // SAFETY: our handler, or none.
                unsafe { kernel::sigaction(signal, Some(&kernel_action(signal, action, table.quiet())))? };
            }
            if renews && is_caught {
                table.renew();
            }
            if action.handler == SIG_IGN && reserved() & bit(signal) != 0 {
                pending::discard(area, signal);
            }
        }
        before
    };
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
