//! The follower: a process beside the tree that writes out what a hook's
//! threads leave in their words while they run.
//!
//! The command's supervisor is one. Where there is none, with `LD_PRELOAD`
//! alone, the first process makes one that is nobody's child, and when it ends
//! waits until all that it has said is written.

#![allow(unsafe_code, reason = "forks")]

use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::Relaxed;

use super::supervise;
use crate::hook::follow::{Follow, Round};
use crate::kernel::{self, children, futex};
use crate::ledger::{self, Ledger};
use crate::trap::descriptors::{self, Kept};
use crate::trap::dispatch;

/// Milliseconds between two rounds when there is nothing to do: at first, and at
/// most.
const SHORTEST: u64 = 1;
const LONGEST: u64 = 20;

/// A follower at work.
pub(super) struct Follower {
    ledger: Ledger<'static>,
    hook: &'static dyn Follow,
    pause: u64,
}

impl Follower {
    /// The follower of this tree, if its hook wants one.
    pub(super) fn new() -> Option<Follower> {
        Some(Follower {
            ledger: ledger::ledger()?,
            hook: dispatch::hook()?.follow()?,
            pause: SHORTEST,
        })
    }

    /// Threads may wait for this process from now on.
    pub(super) fn begin(&self, pid: u32) {
        self.ledger.follower().store(pid.into(), Relaxed);
    }

    /// Takes what is there, and sleeps a little if there is nothing.
    pub(super) fn round(&mut self) {
        if self.take(None, false) {
            self.pause = SHORTEST;
            return;
        }
        let sleeps = self.ledger.sleeps();
        sleeps.store(1, Relaxed);
        futex::wait(sleeps, 1, self.pause);
        sleeps.store(0, Relaxed);
        self.pause = (self.pause * 2).min(LONGEST);
    }

    /// Takes all that is left. `ended` is the first process and its status, if
    /// that is known.
    pub(super) fn finish(&self, ended: Option<(u32, i32)>) {
        while self.take(None, false) {}
        self.take(ended, true);
    }

    fn take(&self, ended: Option<(u32, i32)>, last: bool) -> bool {
        let ledger = self.ledger;
        let round = Round {
            threads: &|visit| ledger.for_each_block(|_, words| visit(words)),
            out: &|bytes| {
                let _ = kernel::write_all(descriptors::PROCESS.get(Kept::Report), bytes);
            },
            ended,
        };
        self.hook.round(&round, last)
    }
}

/// Whether all processes that the tree knows of have ended. Of those in other
/// pid namespaces nothing is known.
pub(super) fn is_gone(ledger: Ledger<'_>) -> bool {
    let mut holders = ledger.records().filter_map(|record| ledger.holder(record));
    holders.all(|holder| holder.namespace != 0 || kernel::is_dead(holder.pid))
}

/// Makes a follower for the first process, if the hook wants one: a child of
/// nobody, of which the program learns nothing.
pub(super) fn start() {
    let Some(follower) = Follower::new() else { return };
    let first = kernel::getpid();
    // SAFETY: the only thread; nothing of its memory depends on the process.
    match unsafe { children::fork_silently() } {
        Ok(0) => {
            // SAFETY: as above.
            match unsafe { children::fork_silently() } {
                Ok(0) => follow(follower, first),
                Ok(pid) => follower.begin(pid),
                Err(_) => {}
            }
            kernel::exit_group(0);
        }
        Ok(child) => children::wait_for(child),
        Err(_) => {}
    }
}

/// In the follower's process.
fn follow(mut follower: Follower, first: u32) -> ! {
    kernel::set_mask(!0);
    supervise::close_all_but([2, -1, descriptors::PROCESS.get(Kept::Report)]);
    // The first process has yet to come in.
    while follower.ledger.root().is_none() && !kernel::is_dead(first) {
        follower.round();
    }
    // Looked at twice: a child may not have come in when its parent has gone.
    let mut gone = 0;
    while gone < 2 {
        follower.round();
        gone = if is_gone(follower.ledger) { gone + 1 } else { 0 };
        if gone == 1 {
            futex::wait(&AtomicU64::new(0), 0, LONGEST);
        }
    }
    follower.finish(None);
    kernel::exit_group(0)
}
