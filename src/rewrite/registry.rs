//! What is known of each site that ever trapped. Readers in signal handlers
//! never wait; only the holder of the rewriter's lock writes.
//!
//! Entries lie in the order of their sites' first traps, and a module's part of
//! the index lies together: short programs touch few pages.

use core::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

use crate::ledger;
use crate::rewrite::refusal::Refusal;
use crate::rewrite::span::MAX_HEAD;

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
    /// The place of its instructions in [`SPANS`] plus 1, of a span; 0 for none yet.
    span: AtomicU16,
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

/// Sites that may be spans: few are.
const MOST_SPANS: usize = CAPACITY / 8;
/// Words that hold the instructions of one.
const SPAN_WORDS: usize = MAX_HEAD.div_ceil(8);
/// The instructions before the sites of spans. A place is one site's for good.
static SPANS: [[AtomicU64; SPAN_WORDS]; MOST_SPANS] = [const { [const { AtomicU64::new(0) }; SPAN_WORDS] }; MOST_SPANS];
/// How many are taken: the first ones.
static SPAN_COUNT: AtomicU16 = AtomicU16::new(0);

/// How many changes have left a site as [`State::Seen`].
static ENDINGS: AtomicU32 = AtomicU32::new(0);

static ENTRIES: [Entry; CAPACITY] = [const { Entry::new() }; CAPACITY];
/// How many of the entries are taken: the first ones.
static COUNT: AtomicU32 = AtomicU32::new(0);
/// The number of a site's entry plus 1, at one of the places that [`places`]
/// gives for its address; 0 for none.
static INDEX: [AtomicU16; PLACES] = [const { AtomicU16::new(0) }; PLACES];
/// Twice as many as entries.
const PLACES: usize = 2 * CAPACITY;
/// Places in a page of the index.
const IN_PAGE: usize = 2048;

const _: () = assert!(CAPACITY <= u16::MAX as usize && PLACES.is_multiple_of(IN_PAGE));

/// The places in the index where a site may be found, in order: some in the
/// page that belongs to its stretch of 4 MiB, which is a module, then, for when
/// that is crowded, some anywhere.
fn places(address: u64) -> impl Iterator<Item = &'static AtomicU16> {
    const NEAR: usize = 32;
    const FAR: usize = 64;
    // Fibonacci hashing; the top bits are the best mixed.
    let hash = |value: u64, below: usize| {
        let mixed = value.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        ((mixed * below as u64) >> 32) as usize
    };
    let page = hash(address >> 22, PLACES / IN_PAGE) * IN_PAGE;
    let near = hash(address, IN_PAGE);
    let far = hash(address, PLACES);
    let near = (0..NEAR).map(move |step| page + (near + step) % IN_PAGE);
    // From page to page, so that a page that is full is not in the way.
    let far = (0..FAR).map(move |step| (far + step * (IN_PAGE + 1)) % PLACES);
    near.chain(far).filter_map(|place| INDEX.get(place))
}

fn entry(number: u16) -> Option<&'static Entry> {
    ENTRIES.get(usize::from(number.checked_sub(1)?))
}

/// The entry of the site whose `syscall` is at `address`.
pub(crate) fn find(address: u64) -> Option<&'static Entry> {
    places(address)
        .map_while(|place| entry(place.load(Ordering::Acquire)))
        .find(|entry| entry.address() == address)
}

/// The same, made if there is none; None if there is no room. Under the
/// rewriter's lock.
pub(crate) fn insert(address: u64) -> Option<&'static Entry> {
    for place in places(address) {
        let Some(entry) = entry(place.load(Ordering::Relaxed)) else {
            // In this order: a vfork child may be killed in between, and its
            // entry is lost then.
            let count = COUNT.load(Ordering::Relaxed);
            let entry = ENTRIES.get(count as usize)?;
            entry.refuse(Refusal::Contended);
            entry.address.store(address, Ordering::Relaxed);
            COUNT.store(count + 1, Ordering::Release);
            place.store(count as u16 + 1, Ordering::Release);
            return Some(entry);
        };
        if entry.address() == address {
            return Some(entry);
        }
    }
    None
}

/// A number that is another one once a change has put a site's bytes back: a byte and
/// a [`State::Seen`] that were read between two equal ones go together.
pub(crate) fn endings() -> u32 {
    ENDINGS.load(Ordering::Acquire)
}

/// All known sites.
pub(crate) fn iter() -> impl Iterator<Item = &'static Entry> {
    ENTRIES.iter().take(COUNT.load(Ordering::Acquire) as usize)
}

impl Entry {
    const fn new() -> Entry {
        Entry {
            address: AtomicU64::new(0),
            state: AtomicU8::new(0),
            reason: AtomicU8::new(0),
            span: AtomicU16::new(0),
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

    /// The instructions before the site, if there is a place for them.
    fn span(&self) -> Option<&'static [AtomicU64; SPAN_WORDS]> {
        SPANS.get(usize::from(self.span.load(Ordering::Relaxed).checked_sub(1)?))
    }

    /// Remembers the instructions before the site. None: there is no room. Under the
    /// rewriter's lock.
    pub(crate) fn set_span_bytes(&self, bytes: &[u8; MAX_HEAD]) -> Option<()> {
        if self.span().is_none() {
            let count = SPAN_COUNT.load(Ordering::Relaxed);
            SPANS.get(usize::from(count))?;
            SPAN_COUNT.store(count + 1, Ordering::Relaxed);
            self.span.store(count + 1, Ordering::Relaxed);
        }
        for (word, part) in self.span()?.iter().zip(bytes.chunks(8)) {
            let mut eight = [0; 8];
            eight.iter_mut().zip(part).for_each(|(to, from)| *to = *from);
            word.store(u64::from_le_bytes(eight), Ordering::Relaxed);
        }
        Some(())
    }

    /// The instructions that were remembered.
    pub(crate) fn span_bytes(&self) -> [u8; MAX_HEAD] {
        let mut bytes = [0; MAX_HEAD];
        for (part, word) in bytes.chunks_mut(8).zip(self.span().into_iter().flatten()) {
            let eight = word.load(Ordering::Relaxed).to_le_bytes();
            part.iter_mut().zip(eight).for_each(|(to, from)| *to = from);
        }
        bytes
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
        if self.state() == State::Changing {
            ENDINGS.fetch_add(1, Ordering::Release);
        }
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

#[cfg(test)]
mod tests {
    use super::{CAPACITY, find, insert};

    /// One test, because the registry is the process's.
    #[test]
    fn sites_are_found_again_until_there_is_no_room() {
        // More in one stretch of 4 MiB than its page of the index holds, and
        // the rest far apart.
        let crowded = (0..4000u64).map(|site| 0x7f00_0040_0000 + site * 1000);
        let scattered = (0..CAPACITY as u64).map(|site| 0x5500_0000_0000 + site * 0x1234_5679);
        let sites = || crowded.clone().chain(scattered.clone());
        assert!(find(0x7f00_0040_0000).is_none());
        let (mut kept, mut lost) = (0, 0);
        for site in sites() {
            match insert(site) {
                Some(entry) => {
                    assert_eq!(entry.address(), site);
                    kept += 1;
                }
                None => lost += 1,
            }
        }
        assert_eq!(kept, CAPACITY);
        assert_eq!(lost, 4000);
        for (number, site) in sites().enumerate() {
            let found = find(site);
            assert_eq!(found.is_some(), number < CAPACITY, "{number}");
            assert!(found.is_none_or(|entry| entry.address() == site));
        }
        assert_eq!(super::iter().count(), CAPACITY);
        // One that is known is not made anew.
        assert!(insert(0x7f00_0040_0000).is_some());
    }
}
