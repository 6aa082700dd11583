//! The ring in a thread's words: what the thread has to tell, until the
//! follower has written it out.
//!
//! ```text
//!   0  thread and process, as they call themselves    the thread's own
//!   1  time stamp of the call in flight
//!   2  its arguments
//!   8  what a decoder wants to know again when it has been made
//!   9  of which generation the mappings are that the thread knows
//!  10  words ever written       by the thread
//!  11  words ever read          by the follower
//!  12  not 0: the thread waits for word 11
//!  13  records that were lost, as there was no follower
//!  16  file and offset of the call in flight
//!  18  how often a mapping was put there
//!  20  mappings: start, end, bias, file
//!  64  the ring
//! ```
//!
//! A record is a few words and a text. Another thread that gets the words goes
//! on behind what the one before has left.

use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};

use super::frames::{Frame, Mapping};
use super::options;
use super::text::Text;
use crate::hook::TreeWords;
use crate::hook::follow;

const WHO: usize = 0;
const SINCE: usize = 1;
const ARGS: usize = 2;
const NOTE: usize = 8;
const GENERATION: usize = 9;
const OWN: usize = 10;
const WRITTEN: usize = 10;
const READ: usize = 11;
const WAITS: usize = 12;
const LOST: usize = 13;
const FRAME: usize = 16;
const ADDED: usize = 18;
const MAPPINGS: usize = 20;
/// Mappings that a thread knows.
const MOST_MAPPINGS: usize = 11;
const RING: usize = 64;

/// Words of the ring: a power of two.
const LEN: usize = 16384;
/// Words in front of a record's text.
const HEAD: usize = 5;
/// Bytes that a text may have.
pub(super) const MOST_TEXT: usize = 16 * 1024;
/// Bytes that hold any text.
pub(super) const ROOM: usize = MOST_TEXT;
/// Words that the longest record may have.
const MOST: usize = HEAD + MOST_TEXT / 8;

const _: () = assert!(LEN.is_power_of_two() && MOST < LEN / 2);
const _: () = assert!(MAPPINGS + 4 * MOST_MAPPINGS == RING);

/// A thread's words.
pub(super) const WORDS: usize = RING + LEN;

/// Nothing is summed up.
pub(super) const TREE: TreeWords = TreeWords {
    own: OWN,
    rows: 0,
    cells: 0,
    goes_on: false,
};

/// What a record says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(super) enum Kind {
    /// A thread begins, of a process that may be new; its name.
    Begin,
    /// A call is made: its arguments up to the first that it writes to.
    Enter,
    /// A call has been made: its result and all other arguments.
    Exit,
    /// A call will be made anew.
    Restart,
    /// A call is made that does not come back.
    Last,
    /// The same, of which only the end is to be shown.
    End,
    /// A thread's name, which has changed.
    Name,
    /// A signal is delivered: its siginfo.
    Signal,
    /// A file that frames name: its number, its inode, and as text its device and
    /// path.
    File,
}

impl Kind {
    const ALL: [Kind; 9] = [
        Kind::Begin,
        Kind::Enter,
        Kind::Exit,
        Kind::Restart,
        Kind::Last,
        Kind::End,
        Kind::Name,
        Kind::Signal,
        Kind::File,
    ];
}

/// A record, but for its text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Record {
    pub(super) kind: Kind,
    pub(super) number: u32,
    /// Thread and process.
    pub(super) who: Who,
    /// Time stamp counter: now, and when the call was made.
    pub(super) time: u64,
    pub(super) since: u64,
    /// The result; of those that do not come back the first argument.
    pub(super) result: i64,
    pub(super) base: Base,
}

impl Record {
    /// One of no call.
    pub(super) fn bare(kind: Kind, who: Who, time: u64) -> Record {
        Record {
            kind,
            number: 0,
            who,
            time,
            since: time,
            result: 0,
            base: Base::default(),
        }
    }
}

/// How a result is shown.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(super) enum Base {
    #[default]
    Decimal,
    /// Without a sign.
    Unsigned,
    Hexadecimal,
    /// As access rights.
    Octal,
}

impl Base {
    const ALL: [Base; 4] = [Base::Decimal, Base::Unsigned, Base::Hexadecimal, Base::Octal];
}

/// A thread and its process.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Who {
    pub(super) tid: u32,
    pub(super) pid: u32,
}

/// A thread's words, by their uses.
#[derive(Clone, Copy)]
pub(super) struct Ring<'w> {
    words: &'w [AtomicU64; RING],
    ring: &'w [AtomicU64; LEN],
}

impl<'w> Ring<'w> {
    /// None if there are not enough words.
    pub(super) fn of(words: &'w [AtomicU64]) -> Option<Ring<'w>> {
        let (words, rest) = words.split_first_chunk()?;
        Some(Ring {
            words,
            ring: rest.first_chunk()?,
        })
    }

    /// Whose words these are; tid 0 if that is not known yet.
    pub(super) fn who(&self) -> Who {
        let who = self.words[WHO].load(Relaxed);
        Who {
            tid: who as u32,
            pid: (who >> 32) as u32,
        }
    }

    pub(super) fn set_who(&self, who: Who) {
        self.words[WHO].store(u64::from(who.tid) | u64::from(who.pid) << 32, Relaxed);
    }

    /// What was noted of the call in flight beside its arguments.
    pub(super) fn note(&self) -> u64 {
        self.words[NOTE].load(Relaxed)
    }

    pub(super) fn set_note(&self, note: u64) {
        self.words[NOTE].store(note, Relaxed);
    }

    /// Where the call in flight comes from.
    pub(super) fn frame(&self) -> Frame {
        Frame {
            file: self.words[FRAME].load(Relaxed),
            offset: self.words[FRAME + 1].load(Relaxed),
        }
    }

    pub(super) fn set_frame(&self, frame: Frame) {
        self.words[FRAME].store(frame.file, Relaxed);
        self.words[FRAME + 1].store(frame.offset, Relaxed);
    }

    /// Of which generation the mappings are that are known; 0 when the thread begins.
    pub(super) fn generation(&self) -> u64 {
        self.words[GENERATION].load(Relaxed)
    }

    /// Forgets all mappings, which were of another generation.
    pub(super) fn forget_mappings(&self, generation: u64) {
        for word in self.words.iter().skip(MAPPINGS) {
            word.store(0, Relaxed);
        }
        self.words[GENERATION].store(generation, Relaxed);
    }

    pub(super) fn mappings(&self) -> impl Iterator<Item = Mapping> {
        let (mappings, _) = self.words[MAPPINGS..].as_chunks::<4>();
        mappings.iter().map(|words| {
            let [start, end, bias, file] = words.each_ref().map(|word| word.load(Relaxed));
            Mapping { start, end, bias, file }
        })
    }

    /// Adds a mapping, in the place of the oldest.
    pub(super) fn add_mapping(&self, mapping: &Mapping) {
        let added = self.words[ADDED].load(Relaxed);
        self.words[ADDED].store(added.wrapping_add(1), Relaxed);
        let place = MAPPINGS + 4 * (added as usize % MOST_MAPPINGS);
        let values = [mapping.start, mapping.end, mapping.bias, mapping.file];
        for (word, value) in self.words.iter().skip(place).zip(values) {
            word.store(value, Relaxed);
        }
    }

    /// Notes the call in flight.
    pub(super) fn set_call(&self, since: u64, args: &[u64; 6]) {
        self.words[SINCE].store(since, Relaxed);
        for (word, arg) in self.words.iter().skip(ARGS).zip(args) {
            word.store(*arg, Relaxed);
        }
    }

    /// When the call in flight was made, and its arguments.
    pub(super) fn call(&self) -> (u64, [u64; 6]) {
        let mut args = [0; 6];
        for (arg, word) in args.iter_mut().zip(self.words.iter().skip(ARGS)) {
            *arg = word.load(Relaxed);
        }
        (self.words[SINCE].load(Relaxed), args)
    }

    /// Writes a record with the text that `write` writes. Waits for room.
    pub(super) fn put(&self, record: Record, write: impl FnOnce(&mut Text<'w>)) {
        let written = self.words[WRITTEN].load(Relaxed);
        if !self.make_room(written) {
            let lost = &self.words[LOST];
            lost.store(lost.load(Relaxed) + 1, Relaxed);
            return;
        }
        let at = written as usize;
        let mut text = Text::new(self.ring, at + HEAD, MOST_TEXT);
        write(&mut text);
        let bytes = text.finish();
        let len = HEAD + bytes.div_ceil(8);
        let first =
            bytes as u64 | (record.kind as u64) << 32 | u64::from(record.number) << 40 | (record.base as u64) << 56;
        let who = u64::from(record.who.tid) | u64::from(record.who.pid) << 32;
        let head = [first, record.time, record.since, who, record.result as u64];
        for (index, word) in head.into_iter().enumerate() {
            self.word(at + index).store(word, Relaxed);
        }
        self.words[WRITTEN].store(written + len as u64, Release);
        let filled = (written - self.words[READ].load(Relaxed)) as usize;
        // The latest records are kept back, so half may be too early for them.
        if filled + len >= LEN / 2 && filled / (LEN / 4) != (filled + len) / (LEN / 4) {
            follow::wake_follower();
        }
    }

    fn make_room(&self, written: u64) -> bool {
        let read = &self.words[READ];
        loop {
            let seen = read.load(Acquire);
            if (written - seen) as usize + MOST <= LEN {
                return true;
            }
            self.words[WAITS].store(1, SeqCst);
            if !follow::wait_for_follower(read, seen) {
                return false;
            }
        }
    }

    /// Waits until the follower has read, and written out, what is there now.
    pub(super) fn wait_until_read(&self) {
        let read = &self.words[READ];
        let written = self.words[WRITTEN].load(Acquire);
        loop {
            self.words[WAITS].store(1, SeqCst);
            let seen = read.load(SeqCst);
            if seen >= written || self.is_in_flight(seen, written) || !follow::wait_for_follower(read, seen) {
                return;
            }
        }
    }

    /// Whether all that is there is a call that has not come back, which is
    /// written whole.
    fn is_in_flight(&self, read: u64, written: u64) -> bool {
        options::is_whole()
            && self
                .record(read)
                .is_some_and(|(record, next)| record.kind == Kind::Enter && next >= written)
    }

    fn word(&self, at: usize) -> &'w AtomicU64 {
        &self.ring[at % LEN]
    }

    /// How far the ring has been read and written.
    pub(super) fn range(&self) -> (u64, u64) {
        let written = self.words[WRITTEN].load(Acquire);
        (self.words[READ].load(Relaxed), written)
    }

    /// The record at a place, and the place behind it. None if it is none.
    pub(super) fn record(&self, at: u64) -> Option<(Record, u64)> {
        let word = |index: usize| self.word(at as usize + index).load(Relaxed);
        let (first, who) = (word(0), word(3));
        let record = Record {
            kind: *Kind::ALL.get((first >> 32) as usize & 0xff)?,
            number: (first >> 40) as u32 & 0xffff,
            base: Base::ALL.get((first >> 56) as usize).copied().unwrap_or_default(),
            who: Who {
                tid: who as u32,
                pid: (who >> 32) as u32,
            },
            time: word(1),
            since: word(2),
            result: word(4) as i64,
        };
        let bytes = (first as u32 as usize).min(MOST_TEXT);
        Some((record, at + (HEAD + bytes.div_ceil(8)) as u64))
    }

    /// A record's text.
    pub(super) fn text<'o>(&self, at: u64, out: &'o mut [u8]) -> &'o [u8] {
        let len = (self.word(at as usize).load(Relaxed) as u32 as usize).min(MOST_TEXT);
        let words = out.as_chunks_mut::<8>().0.iter_mut().take(len.div_ceil(8));
        for (index, place) in words.enumerate() {
            *place = self.word(at as usize + HEAD + index).load(Relaxed).to_le_bytes();
        }
        out.get(..len).unwrap_or(&[])
    }

    /// Gives the words up to here back to the thread.
    pub(super) fn set_read(&self, at: u64) {
        self.words[READ].store(at, SeqCst);
        if self.words[WAITS].load(SeqCst) != 0 {
            self.words[WAITS].store(0, Relaxed);
            follow::wake(&self.words[READ]);
        }
    }

    /// Records that were lost since this was asked last.
    pub(super) fn take_lost(&self) -> u64 {
        self.words[LOST].swap(0, Relaxed)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::tools::trace) fn words() -> Vec<AtomicU64> {
        (0..WORDS).map(|_| AtomicU64::new(0)).collect()
    }

    fn record(number: u32) -> Record {
        Record {
            kind: Kind::Exit,
            number,
            who: Who { tid: 7, pid: u32::MAX },
            time: u64::MAX - u64::from(number),
            since: 5,
            result: -2,
            base: Base::Octal,
        }
    }

    #[test]
    fn what_is_written_is_read_round_after_round() {
        let words = words();
        let ring = Ring::of(&words).unwrap();
        let mut room = [0; ROOM];
        let mut at = 0;
        for number in 0..5000 {
            let text = "x".repeat(number as usize % 300);
            ring.put(record(number), |out| out.str(&text));
            let (read, written) = ring.range();
            assert_eq!(read, at);
            let (found, next) = ring.record(at).unwrap();
            assert_eq!((found, next), (record(number), written));
            assert_eq!(ring.text(at, &mut room), text.as_bytes());
            ring.set_read(next);
            at = next;
        }
        assert!(at as usize > 3 * LEN);
    }

    #[test]
    fn without_a_follower_what_does_not_fit_is_lost_and_counted() {
        let words = words();
        let ring = Ring::of(&words).unwrap();
        for number in 0..1000 {
            ring.put(record(number), |out| out.str(&"y".repeat(200)));
        }
        let (_, written) = ring.range();
        assert!(written as usize <= LEN);
        let kept = written / (HEAD as u64 + 25);
        assert_eq!(ring.take_lost(), 1000 - kept);
        assert_eq!(ring.take_lost(), 0);
        assert_eq!(ring.record(0).unwrap().0, record(0));
    }

    #[test]
    fn too_few_words_are_no_ring() {
        assert!(Ring::of(&words()[1..]).is_none());
        assert!(Ring::of(&[]).is_none());
    }
}
