//! Tables of the application's signal handlers, as sigaction(2) shows them.
//!
//! Signal handlers read them while other threads write. Nobody waits to read one, or
//! to use a handler up (`SA_RESETHAND`). What the kernel has follows (`sigaction`): who
//! changes a table tells it before the writer's lock is free.

#![allow(unsafe_code, reason = "frees locks of threads that are gone")]

use core::sync::atomic::{AtomicU64, Ordering, fence};

use crate::abi::sigaction::{KernelSigaction, NSIG, SIG_DFL, SIG_IGN};
use crate::abi::sigframe::bit;
use crate::trap::sigaction::QUIET;

/// `SA_RESETHAND`, whose libc constant is negative.
pub(crate) const SA_RESETHAND: u64 = 0x8000_0000;

/// One table of handlers: of a process, or of a vfork child.
pub(crate) struct Dispositions {
    writer: spin::Mutex<()>,
    /// How many changes have begun and ended: while it is odd, the kernel may not have
    /// been told yet.
    changes: AtomicU64,
    /// Signals whose handlers have been used up, of which it has not been told.
    used_up: AtomicU64,
    actions: [Slot; NSIG],
    /// The quiet signals that are caught.
    caught: AtomicU64,
}

/// Two copies, of which the version's low bit names the valid one: a reader in
/// a signal handler never waits.
struct Slot {
    version: AtomicU64,
    /// The version whose handler has been used up last.
    used: AtomicU64,
    copies: [[AtomicU64; 4]; 2],
}

impl Slot {
    const fn new() -> Slot {
        Slot {
            version: AtomicU64::new(0),
            used: AtomicU64::new(0),
            copies: [const { [const { AtomicU64::new(0) }; 4] }; 2],
        }
    }

    fn read(&self) -> (u64, KernelSigaction) {
        loop {
            let version = self.version.load(Ordering::Acquire);
            let [handler, flags, restorer, mask] = &self.copies[version as usize & 1];
            let mut action = KernelSigaction {
                handler: handler.load(Ordering::Relaxed),
                flags: flags.load(Ordering::Relaxed),
                restorer: restorer.load(Ordering::Relaxed),
                mask: mask.load(Ordering::Relaxed),
            };
            fence(Ordering::Acquire);
            // Torn only if two writes passed in between; then read again.
            if self.version.load(Ordering::Relaxed).wrapping_sub(version) <= 1 {
                if self.used.load(Ordering::Relaxed) == version {
                    action.handler = SIG_DFL;
                }
                return (version, action);
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

    /// Uses the handler of this version up. False: somebody else has, or it is not
    /// the last one.
    fn use_up(&self, version: u64) -> bool {
        self.used.fetch_max(version, Ordering::Relaxed) < version
    }

    fn is_used_up(&self) -> bool {
        self.used.load(Ordering::Relaxed) == self.version.load(Ordering::Relaxed)
    }
}

/// A table at a moment, for a child whose kernel's actions are copied later.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    table: *const Dispositions,
    changes: u64,
}

impl Moment {
    /// Whether the table has been changed since, or was being changed: then the
    /// kernel's may not be what it was copied for.
    ///
    /// Of a table that a fork has copied: its writer's steps are there in their order,
    /// up to one of them.
    pub(crate) fn is_over(&self) -> bool {
        // SAFETY: tables are never unmapped.
        let changes = unsafe { (*self.table).changes.load(Ordering::Acquire) };
        changes != self.changes || !changes.is_multiple_of(2)
    }
}

impl Dispositions {
    /// All default.
    pub(crate) const fn new() -> Dispositions {
        Dispositions {
            writer: spin::Mutex::new(()),
            changes: AtomicU64::new(0),
            used_up: AtomicU64::new(0),
            actions: [const { Slot::new() }; NSIG],
            caught: AtomicU64::new(0),
        }
    }

    /// The quiet signals that nobody catches.
    pub(crate) fn quiet(&self) -> u64 {
        QUIET & !self.caught.load(Ordering::Relaxed)
    }

    /// Notes whether a signal is a quiet one that is caught. Returns whether that is
    /// new: then our handlers are to be registered anew.
    pub(crate) fn note(&self, signal: i32, action: &KernelSigaction) -> bool {
        let is_caught = action.handler != SIG_DFL && action.handler != SIG_IGN;
        let quiet = QUIET & bit(signal);
        let before = if is_caught {
            self.caught.fetch_or(quiet, Ordering::Relaxed)
        } else {
            self.caught.fetch_and(!quiet, Ordering::Relaxed)
        };
        quiet != 0 && (before & quiet != 0) != is_caught
    }

    fn slots(&self) -> impl Iterator<Item = (i32, &Slot)> {
        (1..).zip(&self.actions)
    }

    fn slot(&self, signal: i32) -> Option<&Slot> {
        self.actions.get((signal as usize).wrapping_sub(1))
    }

    /// The application's action for a signal, 1..=64.
    pub(crate) fn get(&self, signal: i32) -> KernelSigaction {
        self.slot(signal)
            .map_or(KernelSigaction::default(), |slot| slot.read().1)
    }

    /// The actions of all signals.
    pub(crate) fn all(&self) -> impl Iterator<Item = (i32, KernelSigaction)> {
        self.slots().map(|(signal, slot)| (signal, slot.read().1))
    }

    /// The action for a signal that is delivered now: a handler with `SA_RESETHAND` is
    /// used up by it, as the kernel has it, and no other thread gets it. The kernel is
    /// told by [`Dispositions::settle`].
    pub(crate) fn take(&self, signal: i32) -> KernelSigaction {
        let Some(slot) = self.slot(signal) else {
            return KernelSigaction::default();
        };
        loop {
            let (version, action) = slot.read();
            if action.flags & SA_RESETHAND == 0 || matches!(action.handler, SIG_DFL | SIG_IGN) {
                return action;
            }
            if slot.use_up(version) {
                self.used_up.fetch_or(bit(signal), Ordering::SeqCst);
                return action;
            }
        }
    }

    /// Sets an action, if there is one, and lets `tell` have the old one and it: the
    /// old one.
    pub(crate) fn change(
        &self,
        signal: i32,
        new: Option<&KernelSigaction>,
        tell: impl FnOnce(&KernelSigaction, &KernelSigaction),
    ) -> KernelSigaction {
        let _writer = self.writer.lock();
        let before = self.get(signal);
        if let (Some(new), Some(slot)) = (new, self.slot(signal)) {
            self.changes.fetch_add(1, Ordering::SeqCst);
            slot.write(new);
            tell(&before, new);
            self.changes.fetch_add(1, Ordering::SeqCst);
        }
        before
    }

    /// Lets `tell` have the signals whose handlers have been used up. Does not wait: who
    /// has the lock comes here behind it.
    pub(crate) fn settle(&self, tell: impl Fn(i32, &KernelSigaction)) {
        loop {
            fence(Ordering::SeqCst);
            if self.used_up.load(Ordering::Relaxed) == 0 {
                return;
            }
            let Some(_writer) = self.writer.try_lock() else { return };
            let signals = self.used_up.swap(0, Ordering::SeqCst);
            for (signal, slot) in self.slots() {
                if signals & bit(signal) != 0 && slot.is_used_up() {
                    tell(signal, &slot.read().1);
                }
            }
        }
    }

    /// As it is now.
    pub(crate) fn moment(&self) -> Moment {
        Moment {
            table: self,
            changes: self.changes.load(Ordering::Acquire),
        }
    }

    /// Sets the action that the process has at its start.
    pub(crate) fn begin(&self, signal: i32, action: &KernelSigaction) {
        if let Some(slot) = self.slot(signal) {
            slot.write(action);
            self.note(signal, action);
        }
    }

    /// Fills a table that nobody uses yet. Its last user may have been killed
    /// while it wrote.
    pub(crate) fn fill_from(&self, other: &Dispositions, clear: bool) {
        self.free();
        self.copy_from(other, clear);
    }

    /// Takes over all actions of `other`; `clear` (CLONE_CLEAR_SIGHAND): of those only
    /// which signals are ignored (`flush_signal_handlers` of `kernel/signal.c`).
    fn copy_from(&self, other: &Dispositions, clear: bool) {
        for ((signal, to), (_, mut action)) in self.slots().zip(other.all()) {
            if clear {
                let handler = if action.handler == SIG_IGN { SIG_IGN } else { SIG_DFL };
                action = KernelSigaction {
                    handler,
                    ..KernelSigaction::default()
                };
            }
            to.write(&action);
            self.note(signal, &action);
        }
    }

    /// After a fork, in the child: a writer in another thread is no more.
    pub(crate) fn forked(&self, clear: bool) {
        self.free();
        if clear {
            self.copy_from(self, true);
        }
    }

    /// Nobody but the caller uses the table.
    fn free(&self) {
        // SAFETY: so nobody holds a guard.
        unsafe { self.writer.force_unlock() };
        self.changes.store(0, Ordering::Relaxed);
        self.used_up.store(0, Ordering::Relaxed);
    }
}
