//! Records: which process is which, and what is known of it.

use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::{Head, Ledger};
use crate::rewrite::refusal::Refusal;

/// Words of a record.
#[derive(Clone, Copy, Debug)]
#[repr(usize)]
pub(crate) enum Record {
    /// Who may change it: a [`Holder`]; 0 while it is nobody's.
    Holder,
    /// The process, as its own getpid answers.
    Pid,
    /// Its parent, as its own getppid answered.
    Parent,
    /// Its name, NUL-padded, in two words.
    Name,
    NameRest,
    /// Programs that it executed, the first included.
    Images,
    /// What it said of its end: 0 for nothing, 1 + status, or [`NATIVE`].
    End,
    /// It executes a program, by the call with this number (plus 1), and goes on
    /// after that.
    Executes,
    /// Where its rows lie in the pool, plus 1.
    Rows,
    /// Sums of its rows, once closed: calls and errors.
    Calls,
    Errors,
    /// The core's counts, once closed.
    Trapped,
    Int80,
    /// When it began and when it said that it ends, by the time stamp counter;
    /// 0 if that is not known.
    Began,
    Ended,
    /// Processes that had this record.
    Processes,
    Threads,
    /// Sites; these and the threads are counted here from the first.
    Rewritten,
    Refused,
}

const _: () = assert!(Record::Refused as usize + Refusal::ALL.len() <= super::geometry::RECORD);

/// A process as other processes know it: the number, and the pid namespace in
/// which it has this number (by the record of the first process that was found
/// in it; 0 for the root's).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Holder {
    pub(crate) pid: u32,
    pub(crate) namespace: u16,
}

/// A record's process has ended and all is accounted for.
const CLOSED: u64 = 1 << 63;
/// The rows are valid; what is in the blocks counts no more.
const ROWS: u64 = 1 << 62;

impl Holder {
    fn word(self) -> u64 {
        u64::from(self.pid) | u64::from(self.namespace) << 32
    }

    fn of(word: u64) -> Option<Holder> {
        let holder = Holder {
            pid: word as u32,
            namespace: (word >> 32) as u16,
        };
        (word & CLOSED == 0 && holder.pid != 0).then_some(holder)
    }
}

/// [`Record::End`] of a process that goes on without us.
pub(crate) const NATIVE: u64 = u64::MAX;

/// How a process has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// It has not.
    Running,
    /// By exit, with this status.
    Exit(u32),
    /// Without a word: by a signal.
    Silent,
    /// It executed a program that cannot be interposed.
    Native,
}

/// A process that has executed a program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Executed {
    /// With a record.
    Known {
        record: usize,
        holder: Holder,
        /// The call.
        number: u32,
    },
    /// A process that had none.
    New(Holder),
    /// Nothing is known of it: the first of the tree.
    Unknown,
}

/// A process that comes in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    pub(crate) holder: Holder,
    pub(crate) parent: u32,
    pub(crate) name: [u64; 2],
    /// When it began; 0 if times are not wanted.
    pub(crate) began: u64,
}

impl<'m> Ledger<'m> {
    /// A word of a record.
    pub(crate) fn field(&self, record: usize, field: Record) -> &'m AtomicU64 {
        self.at(self.geometry.record(record) + field as usize)
    }

    /// The counters of a record's refused sites, in the order of
    /// [`Refusal::ALL`], with that of the rewritten ones in front.
    pub(crate) fn sites(&self, record: usize) -> &'m [AtomicU64] {
        let at = self.geometry.record(record) + Record::Rewritten as usize;
        self.memory.get(at..at + 1 + Refusal::ALL.len()).unwrap_or(&[])
    }

    pub(super) fn is_listed(&self, record: usize) -> bool {
        record < self.geometry.listed
    }

    /// All records that are or were somebody's, in the order in which they were
    /// first taken.
    pub(crate) fn records(&self) -> impl Iterator<Item = usize> {
        self.listed().chain(self.unlisted())
    }

    /// The records of the processes that are reported one by one.
    pub(crate) fn listed(&self) -> impl Iterator<Item = usize> {
        let top = (self.head(Head::ListedTop).load(Acquire) as usize).min(self.geometry.listed);
        (0..top).filter(|&record| self.field(record, Record::Holder).load(Acquire) != 0)
    }

    /// The records that processes share one after the other.
    pub(crate) fn unlisted(&self) -> impl Iterator<Item = usize> {
        let all_listed = self.head(Head::ListedTop).load(Acquire) as usize > self.geometry.listed;
        let end = if all_listed { self.geometry.records() } else { 0 };
        (self.geometry.listed..end).filter(|&record| self.field(record, Record::Processes).load(Relaxed) != 0)
    }

    /// A record for a process that comes in. None: there is none free.
    pub(crate) fn take_record(&self, member: Member) -> Option<usize> {
        let record = self
            .claim_listed(member.holder)
            .or_else(|| self.claim_unlisted(member.holder))?;
        let set = |field: Record, value: u64| self.field(record, field).store(value, Relaxed);
        set(Record::Pid, member.holder.pid.into());
        set(Record::Parent, member.parent.into());
        self.set_name(record, member.name);
        set(Record::Images, 1);
        set(Record::End, 0);
        set(Record::Began, member.began);
        set(Record::Ended, 0);
        set(Record::Executes, 0);
        self.count(record, Record::Processes);
        self.count(record, Record::Threads);
        Some(record)
    }

    /// Adds 1 to a field.
    pub(crate) fn count(&self, record: usize, field: Record) {
        self.field(record, field).fetch_add(1, Relaxed);
    }

    fn claim_listed(&self, holder: Holder) -> Option<usize> {
        let top = self.head(Head::ListedTop);
        // Not incremented for ever: it stays at one more than there are.
        if top.load(Relaxed) as usize > self.geometry.listed {
            return None;
        }
        let record = top.fetch_add(1, Relaxed) as usize;
        (self.is_listed(record) && self.claim(record, 0, holder)).then_some(record)
    }

    fn claim_unlisted(&self, holder: Holder) -> Option<usize> {
        let (first, end) = (self.geometry.listed, self.geometry.records());
        let hint = (self.head(Head::FreeRecord).load(Relaxed) as usize).clamp(first, end);
        let record = (hint..end)
            .chain(first..hint)
            .find(|&record| self.claim(record, 0, holder))?;
        self.head(Head::FreeRecord).store(record as u64 + 1, Relaxed);
        Some(record)
    }

    fn claim(&self, record: usize, before: u64, holder: Holder) -> bool {
        let word = self.field(record, Record::Holder);
        let after = before & ROWS | holder.word();
        word.load(Relaxed) == before && word.compare_exchange(before, after, Acquire, Relaxed).is_ok()
    }

    /// The record's holder, if it has one.
    pub(crate) fn holder(&self, record: usize) -> Option<Holder> {
        Holder::of(self.field(record, Record::Holder).load(Acquire))
    }

    /// Takes a dead holder's place.
    pub(super) fn succeed(&self, record: usize, dead: Holder, holder: Holder) -> bool {
        let before = self.field(record, Record::Holder).load(Acquire);
        Holder::of(before) == Some(dead) && self.claim(record, before, holder)
    }

    /// The record's rows are valid: its blocks count no more for it.
    pub(super) fn set_rows_valid(&self, record: usize) {
        self.field(record, Record::Holder).fetch_or(ROWS, Release);
    }

    pub(super) fn rows_are_valid(&self, record: usize) -> bool {
        self.field(record, Record::Holder).load(Acquire) & (ROWS | CLOSED) != 0
    }

    /// The record is nobody's any more.
    pub(super) fn leave_record(&self, record: usize) {
        let holder = self.field(record, Record::Holder);
        if self.is_listed(record) {
            holder.store(CLOSED, Release);
        } else {
            holder.store(0, Release);
            self.head(Head::FreeRecord).store(record as u64, Relaxed);
        }
    }

    /// How the record's process has ended; `dead` says whether a process is.
    pub(crate) fn end(&self, record: usize, dead: impl FnOnce(Holder) -> bool) -> End {
        let said = self.field(record, Record::End).load(Relaxed);
        let pid = self.field(record, Record::Pid).load(Relaxed);
        match (said.checked_sub(1), self.holder(record)) {
            _ if said == NATIVE => End::Native,
            (Some(status), _) => End::Exit(status as u32),
            (None, None) => End::Silent,
            // Somebody else does what is to be done after its death.
            (None, Some(holder)) if u64::from(holder.pid) != pid || dead(holder) => End::Silent,
            (None, Some(_)) => End::Running,
        }
    }

    /// The process is about to execute a program, which will know the record by
    /// the process's number.
    pub(crate) fn before_exec(&self, record: usize, pid: u32, number: u32) {
        self.field(record, Record::Executes)
            .store(u64::from(number) + 1, Relaxed);
        self.at(self.geometry.hint(pid)).store(record as u64, Release);
    }

    /// It has not executed it.
    pub(crate) fn after_failed_exec(&self, record: usize) {
        self.field(record, Record::Executes).store(0, Relaxed);
    }

    /// A process without a record is about to execute a program.
    pub(crate) fn before_first_exec(&self, holder: Holder) {
        self.at(self.geometry.hint(holder.pid))
            .store(NO_RECORD | holder.word(), Release);
    }

    /// What is known of a process that has executed a program.
    pub(crate) fn after_exec(&self, pid: u32) -> Executed {
        let hint = self.at(self.geometry.hint(pid)).load(Acquire);
        if hint & NO_RECORD != 0
            && let Some(holder) = Holder::of(hint & !NO_RECORD)
            && holder.pid == pid
        {
            return Executed::New(holder);
        }
        let executes = |record: &usize| {
            self.field(*record, Record::Executes).load(Relaxed) != 0
                && self.holder(*record).is_some_and(|holder| holder.pid == pid)
        };
        let hinted = Some(hint as usize).filter(|&record| record < self.geometry.records() && executes(&record));
        let record = hinted.or_else(|| self.records().find(executes));
        let Some((record, holder)) = record.and_then(|record| Some((record, self.holder(record)?))) else {
            return Executed::Unknown;
        };
        let number = self.field(record, Record::Executes).swap(0, Relaxed) as u32;
        self.count(record, Record::Images);
        Executed::Known {
            record,
            holder,
            number: number.wrapping_sub(1),
        }
    }

    /// The name of the record's process.
    pub(crate) fn name(&self, record: usize) -> [u64; 2] {
        [Record::Name, Record::NameRest].map(|field| self.field(record, field).load(Relaxed))
    }

    /// Sets the name of the record's process.
    pub(crate) fn set_name(&self, record: usize, name: [u64; 2]) {
        self.field(record, Record::Name).store(name[0], Relaxed);
        self.field(record, Record::NameRest).store(name[1], Relaxed);
    }

    /// Tells other processes more exactly who the record's holder is.
    pub(crate) fn set_holder(&self, record: usize, holder: Holder) {
        self.field(record, Record::Holder).store(holder.word(), Release);
    }
}

/// Set in a hint that is a [`Holder`]'s and no record.
const NO_RECORD: u64 = 1 << 61;
