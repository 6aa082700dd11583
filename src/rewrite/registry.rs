//! What is known of each site that ever trapped. Readers in signal handlers
//! never wait; only the holder of the rewriter's lock writes.

use core::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};

use crate::ledger;
use crate::rewrite::refusal::Refusal;

/// Sites that are remembered; more of them trap without being.
pub(crate) const CAPACITY: usize = 16384;

/// Where a site stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum State {
    /// Trapped, not rewritten; `reason` says why.
    Seen = 0,
    /// Its bytes are being changed, in either direction.
    Changing = 1,
    /// Rewritten.
    Rewritten = 2,
}

/// One site.
pub(crate) struct Entry {
    address: AtomicU64,
    state: AtomicU8,
    reason: AtomicU8,
    /// In which process it stands in the ledger as it is.
    counted: AtomicU32,
    /// Traps since it was last rewritten or first seen.
    pub(crate) hits: AtomicU32,
    /// Its slot plus 1; 0 for none yet.
    pub(crate) slot: AtomicU32,
    /// Where the jump to the trampoline lies if not at the site: the padding.
    pub(crate) pad: AtomicU64,
    /// The bytes at site−5..site+2 before they were changed.
    pub(crate) original: AtomicU64,
    /// Number or replayed bytes, to know the same patch again.
    pub(crate) form: AtomicU64,
}

static ENTRIES: [Entry; CAPACITY] = [const { Entry::new() }; CAPACITY];
/// Rewrites that were done, a site rewritten anew counted again.
static COUNT: AtomicU32 = AtomicU32::new(0);

fn probe(address: u64) -> impl Iterator<Item = &'static Entry> {
    // Fibonacci hashing; the top bits are the best mixed.
    let start = (address.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 50) as usize;
    (0..64).filter_map(move |step| ENTRIES.get((start + step) % CAPACITY))
}

/// The entry of the site whose `syscall` is at `address`.
pub(crate) fn find(address: u64) -> Option<&'static Entry> {
    for entry in probe(address) {
        match entry.address.load(Ordering::Acquire) {
            0 => return None,
            found if found == address => return Some(entry),
            _ => {}
        }
    }
    None
}

/// The same, made if there is none; None if there is no room. Under the
/// rewriter's lock.
pub(crate) fn insert(address: u64) -> Option<&'static Entry> {
    for entry in probe(address) {
        match entry.address.load(Ordering::Relaxed) {
            0 => {
                entry.refuse(Refusal::Contended);
                entry.address.store(address, Ordering::Release);
                COUNT.fetch_add(1, Ordering::Relaxed);
                return Some(entry);
            }
            found if found == address => return Some(entry),
            _ => {}
        }
    }
    None
}

/// All known sites.
pub(crate) fn iter() -> impl Iterator<Item = &'static Entry> {
    let known = COUNT.load(Ordering::Relaxed) as usize;
    ENTRIES
        .iter()
        .filter(|entry| entry.address.load(Ordering::Acquire) != 0)
        .take(known)
}

impl Entry {
    const fn new() -> Entry {
        Entry {
            address: AtomicU64::new(0),
            state: AtomicU8::new(0),
            reason: AtomicU8::new(0),
            counted: AtomicU32::new(0),
            hits: AtomicU32::new(0),
            slot: AtomicU32::new(0),
            pad: AtomicU64::new(0),
            original: AtomicU64::new(0),
            form: AtomicU64::new(0),
        }
    }

    /// Address of the `syscall`.
    pub(crate) fn address(&self) -> u64 {
        self.address.load(Ordering::Relaxed)
    }

    /// Where the site stands.
    pub(crate) fn state(&self) -> State {
        match self.state.load(Ordering::Acquire) {
            1 => State::Changing,
            2 => State::Rewritten,
            _ => State::Seen,
        }
    }

    /// Why it is not rewritten, while it is [`State::Seen`].
    pub(crate) fn reason(&self) -> Refusal {
        let index = self.reason.load(Ordering::Relaxed);
        Refusal::ALL
            .get(usize::from(index))
            .copied()
            .unwrap_or(Refusal::Contended)
    }

    pub(crate) fn set_state(&self, state: State) {
        self.recount(|| self.state.store(state as u8, Ordering::Release));
    }

    pub(crate) fn refuse(&self, reason: Refusal) {
        self.recount(|| {
            self.reason.store(reason as u8, Ordering::Relaxed);
            self.state.store(State::Seen as u8, Ordering::Release);
        });
    }

    /// Changes the entry, and with it the ledger's counts of this process's
    /// sites. Sites that a process has inherited as they are do not count.
    fn recount(&self, change: impl FnOnce()) {
        let place = || match self.state() {
            State::Seen => 1 + self.reason() as usize,
            State::Changing | State::Rewritten => 0,
        };
        let before = place();
        change();
        let Some((ledger, record)) = ledger::own_record() else {
            return;
        };
        let sites = ledger.sites(record);
        let epoch = ledger::epoch();
        if self.counted.swap(epoch, Ordering::Relaxed) == epoch
            && let Some(sites) = sites.get(before)
        {
            sites.fetch_sub(1, Ordering::Relaxed);
        }
        if let Some(sites) = sites.get(place()) {
            sites.fetch_add(1, Ordering::Relaxed);
        }
    }
}
