//! The follower: a process beside the tree that writes out what a hook's
//! threads leave in their words while they run.
//!
//! The command's supervisor is one. Where there is none, with `LD_PRELOAD`
//! alone, the first process makes one that is nobody's child, and when it ends
//! waits until all that it has said is written.

#![allow(unsafe_code, reason = "forks")]

use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::{Acquire, Relaxed};

use super::supervise;
use crate::hook::follow::{Follow, Round};
use crate::kernel::{self, children, futex};
use crate::ledger::{self, Ledger};
use crate::trap::descriptors::{self, Kept};
use crate::trap::dispatch;

/// Milliseconds between two rounds: at first, and at most when there is nothing to
/// do.
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

    /// Takes what is there, and sleeps a little: who has much to tell wakes it up.
    pub(super) fn round(&mut self) {
        let any = self.take(None, false);
        if any {
            self.pause = SHORTEST;
        }
        let sleeps = self.ledger.sleeps();
        sleeps.store(1, Relaxed);
        futex::wait(sleeps, 1, self.pause);
        sleeps.store(0, Relaxed);
        if !any {
            self.pause = (self.pause * 2).min(LONGEST);
        }
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

/// Looks of somebody who waits for the tree, [`LONGEST`] apart at least.
#[derive(Default)]
pub(super) struct Looks(u32);

impl Looks {
    /// All that is known of may be gone before a child has come in: so it is looked at
    /// twice; and where one is being made, long enough for it to run, but not for ever,
    /// since it may have been killed.
    const USUAL: u32 = 2;
    const WITH_BIRTHS: u32 = 100;

    /// Another look. Returns whether it is certain enough that all is gone.
    pub(super) fn add(&mut self, is_gone: impl FnOnce() -> bool) -> bool {
        // First: who is not counted here has come in, and is seen below.
        let births = ledger::ledger().is_some_and(|ledger| ledger.births().load(Acquire) != 0);
        self.0 = if is_gone() { self.0 + 1 } else { 0 };
        self.0 >= if births { Looks::WITH_BIRTHS } else { Looks::USUAL }
    }

    /// Whether all was gone at the last one.
    pub(super) fn seem_gone(&self) -> bool {
        self.0 != 0
    }
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
    let mut looks = Looks::default();
    loop {
        follower.round();
        if looks.add(|| is_gone(follower.ledger)) {
            break;
        }
        if looks.seem_gone() {
            futex::wait(&AtomicU64::new(0), 0, LONGEST);
        }
    }
    follower.finish(None);
    kernel::exit_group(0)
}
