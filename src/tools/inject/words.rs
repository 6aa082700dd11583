//! A thread's words: how often it has made each call, what is under way, and its
//! stream of random numbers.
//!
//! A stream is a number that a thread gets from the one that makes it, by how many
//! that has made: so a tree that takes the same course draws the same numbers from the
//! same seed, whatever the numbers of its processes are.

use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::Relaxed;

use super::plan::NUMBERS;
use super::rule::{MILLION, Rule};
use crate::hook::TreeWords;

// The thread's own words; the first two as `TreeWords::goes_on` has them.
const STREAM: usize = 0;
/// The stream of the next thread that this one makes.
const NEXT: usize = 1;

const DRAWN: usize = 2;
const CHILDREN: usize = 5;
/// The call under way was injected something, and has a timer with this number,
/// plus 2; 1 for none.
const MADE: usize = 3;
/// The call that comes again.
const AGAIN: usize = 4;
const COUNTS: usize = 8;
const OWN: usize = COUNTS + NUMBERS;

// The tree's.
const CALLS: usize = OWN;
const INJECTED: usize = CALLS + NUMBERS;

/// Words that the hook wants.
pub(super) const LEN: usize = INJECTED + NUMBERS;
pub(super) const TREE: TreeWords = TreeWords {
    own: OWN,
    rows: 0,
    cells: 0,
    goes_on: true,
};

pub(super) struct Words<'a>(&'a [AtomicU64; LEN]);

/// The output of `splitmix64`.
fn mixed(word: u64) -> u64 {
    let word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ word >> 31
}

fn step(stream: u64, by: u64) -> u64 {
    mixed(stream.wrapping_add(by.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15)))
}

impl<'a> Words<'a> {
    pub(super) fn of(words: &'a [AtomicU64]) -> Option<Words<'a>> {
        words.first_chunk().map(Words)
    }

    fn get(&self, place: usize) -> u64 {
        self.0.get(place).map_or(0, |word| word.load(Relaxed))
    }

    fn set(&self, place: usize, value: u64) {
        if let Some(word) = self.0.get(place) {
            word.store(value, Relaxed);
        }
    }

    fn add(&self, place: usize) -> u64 {
        let value = self.get(place).wrapping_add(1);
        self.set(place, value);
        value
    }

    /// Counts a call. Returns whether its rule is to be obeyed now.
    pub(super) fn is_due(&self, number: u32, rule: &Rule, seed: u64) -> bool {
        let number = number as usize;
        self.add(CALLS + number);
        let due = rule.when.has(self.add(COUNTS + number)) && (rule.chance == MILLION || self.draw(seed) < rule.chance);
        if due {
            self.add(INJECTED + number);
        }
        due
    }

    /// A random number below a million.
    fn draw(&self, seed: u64) -> u32 {
        let number = step(mixed(seed) ^ self.get(STREAM), self.add(DRAWN));
        (((number >> 32) * u64::from(MILLION)) >> 32) as u32
    }

    /// A thread is about to be made.
    pub(super) fn make_stream(&self) {
        self.set(NEXT, step(self.get(STREAM), self.add(CHILDREN)));
    }

    /// The thread has executed a program.
    pub(super) fn executed(&self) {
        self.set(STREAM, mixed(self.get(STREAM)));
    }

    /// A call is made that something was injected to: a signal by a timer.
    pub(super) fn set_made(&self, timer: Option<i32>) {
        self.set(MADE, timer.map_or(1, |timer| timer as u64 + 2));
    }

    /// Such a call has come back.
    pub(super) fn take_made(&self) -> Option<Option<i32>> {
        let made = self.get(MADE).checked_sub(1)?;
        self.set(MADE, 0);
        Some(made.checked_sub(1).map(|timer| timer as i32))
    }

    /// The call will come again.
    pub(super) fn set_again(&self, key: u64) {
        self.set(AGAIN, key);
    }

    /// Whether this one does.
    pub(super) fn is_again(&self, key: u64) -> bool {
        let again = self.get(AGAIN) == key;
        if again {
            self.set(AGAIN, 0);
        }
        again
    }

    /// How often a call was made, and how often it was injected something.
    pub(super) fn sums(&self, number: usize) -> [u64; 2] {
        [CALLS, INJECTED].map(|first| self.get(first + number))
    }
}

#[cfg(test)]
mod tests {
    use super::super::rule::When;
    use super::*;

    fn words() -> Vec<AtomicU64> {
        (0..LEN).map(|_| AtomicU64::new(0)).collect()
    }

    #[test]
    fn a_stream_is_its_seeds_and_its_places() {
        let draw = |seed: u64, stream: u64| {
            let words = words();
            let words = Words::of(&words).unwrap();
            words.set(STREAM, stream);
            (0..20).map(|_| words.draw(seed)).collect::<Vec<_>>()
        };
        assert_eq!(draw(1, 5), draw(1, 5));
        assert_ne!(draw(1, 5), draw(2, 5));
        assert_ne!(draw(1, 5), draw(1, 6));
    }

    #[test]
    fn a_chance_is_met_as_often_as_it_says() {
        let words = words();
        let words = Words::of(&words).unwrap();
        let rule = Rule {
            chance: 250_000,
            ..Rule::NONE
        };
        let due = (0..4000).filter(|_| words.is_due(7, &rule, 42)).count();
        assert!((900..1100).contains(&due), "{due}");
        assert_eq!(words.sums(7), [4000, due as u64]);
    }

    #[test]
    fn a_call_comes_again_once_and_counts_once() {
        let words = words();
        let words = Words::of(&words).unwrap();
        words.set_again(77);
        assert!(!words.is_again(76) && words.is_again(77) && !words.is_again(77));
        assert_eq!(words.take_made(), None);
        for timer in [None, Some(0), Some(9)] {
            words.set_made(timer);
            assert_eq!(words.take_made(), Some(timer));
            assert_eq!(words.take_made(), None);
        }
        let when = When {
            last: 1,
            ..When::ALWAYS
        };
        let first = Rule { when, ..Rule::NONE };
        assert!(words.is_due(3, &first, 0) && !words.is_due(3, &first, 0));
        assert_eq!(words.sums(3), [2, 1]);
    }
}
