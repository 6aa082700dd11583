//! Hooks whose words are read by another process while they run: the follower,
//! which writes out what they leave there.

use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::Relaxed;

use crate::kernel::futex;
use crate::ledger::{self, Holder, Ledger};

/// What a hook does in the follower.
pub trait Follow: Sync {
    /// Takes what is there, `round` after round; `last` says that nothing will
    /// come after it. Returns whether there was anything.
    fn round(&self, round: &Round<'_>, last: bool) -> bool;
}

/// What is shown each thread's words.
pub type VisitWords<'v, 'a> = &'v mut dyn FnMut(&'a [AtomicU64]);

/// What a round has to do with.
pub struct Round<'a> {
    pub(crate) threads: &'a dyn Fn(VisitWords<'_, 'a>),
    pub(crate) out: &'a dyn Fn(&[u8]),
    /// The process that was started first, and the status that it ended with,
    /// as wait(2) has it, if that is known.
    pub ended: Option<(u32, i32)>,
}

impl<'a> Round<'a> {
    /// Calls `visit` with the words of each thread that is or was there.
    pub fn for_each_thread(&self, visit: VisitWords<'_, 'a>) {
        (self.threads)(visit);
    }

    /// Writes to where reports go.
    pub fn write(&self, bytes: &[u8]) {
        (self.out)(bytes);
    }
}

/// Milliseconds after which somebody who waits looks whether there is still
/// something to wait for.
const PATIENCE: u64 = 100;

fn follower(ledger: Ledger<'static>) -> u32 {
    ledger.follower().load(Relaxed) as u32
}

/// Lets a thread whose words are full wait until the follower has written to
/// `word`, which was `seen`. False: there is no follower.
pub fn wait_for_follower(word: &AtomicU64, seen: u64) -> bool {
    let Some(ledger) = ledger::ledger() else { return false };
    let pid = follower(ledger);
    if pid == 0 {
        return false;
    }
    ledger.wake_follower();
    futex::wait(word, seen, PATIENCE);
    if word.load(Relaxed) == seen && crate::trap::ledger::is_dead(Holder { pid, namespace: 0 }) {
        ledger.follower().store(0, Relaxed);
        return false;
    }
    true
}

/// Tells the follower that there is something.
pub fn wake_follower() {
    if let Some(ledger) = ledger::ledger() {
        ledger.wake_follower();
    }
}

/// Tells a thread that waits for the word.
pub fn wake(word: &AtomicU64) {
    futex::wake(word);
}
