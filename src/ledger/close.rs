//! Closing a record: its process has ended, or is about to.
//!
//! An *extent* of the pool is a word with the place of the next one (plus 1)
//! and its own length, and then as many entries: 16 bits for a word's place in
//! a block, 48 for what the process added to it. A place may be there more than
//! once.

use core::sync::atomic::Ordering::Relaxed;

use super::{CORE, Holder, Ledger, Record};

/// Entries that are gathered before an extent is made.
const GATHER: usize = 128;
const CHANGE_BITS: u32 = 48;
const LEN_BITS: u32 = 16;

/// What a process has added to its blocks.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Sums {
    pub(crate) trapped: u64,
    pub(crate) int80: u64,
    pub(crate) calls: u64,
    pub(crate) errors: u64,
}

impl Ledger<'_> {
    /// Closes the record and gives its blocks back; by its holder. No thread
    /// may count in them any more.
    pub(crate) fn close(&self, record: usize) {
        let listed = self.is_listed(record);
        if listed && !self.rows_are_valid(record) {
            self.write_rows(record);
            self.set_rows_valid(record);
        }
        for block in self.blocks_of(record) {
            if listed {
                self.rebase(block);
            }
            self.free_block(block, !listed);
        }
        self.leave_record(record);
    }

    /// Closes the records whose holders are dead.
    pub(crate) fn scavenge(&self, me: Holder, dead: impl Fn(Holder) -> bool) {
        for record in self.records() {
            if let Some(holder) = self.holder(record)
                && holder != me
                && dead(holder)
                && self.succeed(record, holder, me)
            {
                self.close(record);
            }
        }
    }

    pub(super) fn write_rows(&self, record: usize) {
        let mut gathered = [0u64; GATHER];
        let mut len = 0;
        let mut last = 0;
        let mut sums = Sums::default();
        for block in self.blocks_of(record) {
            self.changes(block, |place, change| {
                self.add(&mut sums, place, change);
                if let Some(entry) = gathered.get_mut(len) {
                    *entry = (place as u64) << CHANGE_BITS | change.min((1 << CHANGE_BITS) - 1);
                    len += 1;
                }
                if len == GATHER {
                    last = self.write_extent(&gathered, last);
                    len = 0;
                }
            });
        }
        last = self.write_extent(gathered.get(..len).unwrap_or(&[]), last);
        let set = |field: Record, value: u64| self.field(record, field).store(value, Relaxed);
        set(Record::Rows, last as u64);
        set(Record::Trapped, sums.trapped);
        set(Record::Int80, sums.int80);
        set(Record::Calls, sums.calls);
        set(Record::Errors, sums.errors);
    }

    /// Writes an extent in front of the one at `next`; both places plus 1. When
    /// the pool is used up the process has its sums and no rows.
    fn write_extent(&self, entries: &[u64], next: usize) -> usize {
        if entries.is_empty() {
            return next;
        }
        let Some(place) = self.take_pool(1 + entries.len()) else {
            return 0;
        };
        let head = (next as u64) << LEN_BITS | entries.len() as u64;
        for (offset, word) in core::iter::once(&head).chain(entries).enumerate() {
            self.at(self.geometry.pool_at(place + offset)).store(*word, Relaxed);
        }
        place + 1
    }

    /// Calls `visit` with places in the hook's words, and what the record's
    /// process has added there. A place may come more than once.
    pub(crate) fn rows(&self, record: usize, visit: &mut dyn FnMut(usize, u64)) {
        self.all_changes(record, &mut |place, change| {
            if let Some(word) = place.checked_sub(CORE) {
                visit(word, change);
            }
        });
    }

    /// The record's sums so far.
    pub(crate) fn sums(&self, record: usize) -> Sums {
        if self.rows_are_valid(record) {
            let get = |field: Record| self.field(record, field).load(Relaxed);
            return Sums {
                trapped: get(Record::Trapped),
                int80: get(Record::Int80),
                calls: get(Record::Calls),
                errors: get(Record::Errors),
            };
        }
        let mut sums = Sums::default();
        self.all_changes(record, &mut |place, change| self.add(&mut sums, place, change));
        sums
    }

    fn add(&self, sums: &mut Sums, place: usize, change: u64) {
        let sum = match place.checked_sub(CORE + self.geometry.shape.own) {
            Some(counter) if counter >= 2 * self.geometry.shape.rows => return,
            Some(counter) if counter % 2 == 0 => &mut sums.calls,
            Some(_) => &mut sums.errors,
            None if place == CoreWord::Trapped as usize => &mut sums.trapped,
            None if place == CoreWord::Int80 as usize => &mut sums.int80,
            None => return,
        };
        *sum = sum.wrapping_add(change);
    }

    fn all_changes(&self, record: usize, visit: &mut dyn FnMut(usize, u64)) {
        if !self.rows_are_valid(record) {
            for block in self.blocks_of(record) {
                self.changes(block, &mut *visit);
            }
            return;
        }
        let mut next = self.field(record, Record::Rows).load(Relaxed) as usize;
        while let Some(place) = next.checked_sub(1) {
            let word = |offset: usize| self.at(self.geometry.pool_at(place + offset)).load(Relaxed);
            let head = word(0);
            let len = head & ((1 << LEN_BITS) - 1);
            for entry in (1..=len as usize).map(word) {
                visit((entry >> CHANGE_BITS) as usize, entry & ((1 << CHANGE_BITS) - 1));
            }
            next = (head >> LEN_BITS) as usize;
        }
    }
}

/// The core's words of a block.
#[derive(Clone, Copy, Debug)]
#[repr(usize)]
pub(crate) enum CoreWord {
    /// Calls that came by the trap.
    Trapped,
    /// `int $0x80` calls.
    Int80,
}
