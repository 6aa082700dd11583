//! The follower: records of all threads in the order of their times.

use super::clock::{Clock, Pair};
use super::lines::Lines;
use super::options;
use super::ring::{self, Kind, Record, Ring};
use super::summary::Counts;
use crate::hook::follow::{Follow, Round};

/// Rings that are looked at in a round.
const MOST: usize = 1024;

/// Ticks for which a record is kept back, since another thread may be about to
/// put an older one into its ring.
const PATIENCE: u64 = 300_000;

/// The state of the follower; in all other processes it is never touched.
pub(super) struct Merge(spin::Mutex<State>);

pub(super) static MERGE: Merge = Merge(spin::Mutex::new(State {
    lines: Lines::new(),
    counts: Counts::new(),
    clock: None,
    text: [[0; ring::ROOM]; 2],
}));

struct State {
    lines: Lines,
    counts: Counts,
    /// The first reading of the clocks, and the last.
    clock: Option<Clock>,
    /// The texts of a call: of its record, and of that of its result.
    text: [[u8; ring::ROOM]; 2],
}

/// A ring with something in it.
#[derive(Clone, Copy)]
struct Source<'w> {
    ring: Ring<'w>,
    at: u64,
    end: u64,
    /// Of the record at `at`, as [`Source::look`] has found it.
    time: u64,
}

/// Later than all records: nothing is to be written now.
const NEVER: u64 = u64::MAX;

impl<'w> Source<'w> {
    fn of(ring: Ring<'w>, last: bool) -> Option<Source<'w>> {
        let (at, end) = ring.range();
        let mut source = Source {
            ring,
            at,
            end,
            time: NEVER,
        };
        source.look(last);
        Some(source).filter(|source| source.time != NEVER)
    }

    /// The record at a place, if there is one.
    fn record(&self, at: u64) -> Option<(Record, u64)> {
        self.ring.record(at).filter(|_| at != self.end)
    }

    /// Finds the time of what is to be written next. A call that is written as a
    /// whole has that of its result, and waits for it.
    fn look(&mut self, last: bool) {
        let Some((record, next)) = self.record(self.at) else {
            self.time = NEVER;
            return;
        };
        self.time = record.time;
        if options::is_whole() && record.kind == Kind::Enter {
            self.time = match self.answer(&record, next) {
                Answer::Result(at) | Answer::Other(at) => self.record(at).map_or(NEVER, |(record, _)| record.time),
                Answer::None if last => record.time,
                Answer::None => NEVER,
            };
        }
    }

    /// What follows at `at` on the record of a call that is being made.
    fn answer(&self, made: &Record, at: u64) -> Answer {
        let Some((record, next)) = self.record(at) else {
            return Answer::None;
        };
        let is_result = |record: &Record| {
            matches!(record.kind, Kind::Exit | Kind::Restart)
                && (record.number, record.who.pid) == (made.number, made.who.pid)
        };
        if is_result(&record) {
            return Answer::Result(at);
        }
        // The new program's first thread begins, and has the result.
        let executes = matches!(i64::from(made.number), libc::SYS_execve | libc::SYS_execveat);
        if executes && record.kind == Kind::Begin && record.who.pid == made.who.pid {
            return match self.record(next) {
                None => Answer::None,
                Some((record, _)) if is_result(&record) => Answer::Result(next),
                Some(_) => Answer::Other(at),
            };
        }
        Answer::Other(at)
    }
}

/// What there is behind the record of a call that is being made.
enum Answer {
    /// Nothing yet.
    None,
    /// Its result, at this place.
    Result(u64),
    /// Something else: there will be no result.
    Other(u64),
}

impl Follow for Merge {
    fn round(&self, round: &Round<'_>, last: bool) -> bool {
        let Some(mut state) = self.0.try_lock() else {
            return false;
        };
        let state = &mut *state;
        let now = Pair::read();
        let clock = state.clock.get_or_insert(Clock { start: now, now });
        clock.now = now;
        while last && !clock.is_set() {
            clock.now = Pair::read();
        }
        if !clock.is_set() {
            return false;
        }
        let clock = *clock;
        let horizon = if last { u64::MAX } else { clock.now.ticks - PATIENCE };
        let any = merge(state, round, horizon, last, &clock);
        if last {
            let sink = |bytes: &[u8]| round.write(bytes);
            state.lines.finish(round.ended, clock.now.ticks, &clock, &sink);
            if options::counts() {
                let _ = state.counts.write(options::sort(), &mut state.lines.out);
                state.lines.out.flush(&sink);
            }
        }
        any
    }
}

/// Writes out what is older than the horizon.
fn merge(state: &mut State, round: &Round<'_>, horizon: u64, last: bool, clock: &Clock) -> bool {
    /// Where so few rings have something in them, less has to be cleared.
    const FEW: usize = 16;
    match merge_of::<FEW>(state, round, horizon, last, clock) {
        Some(any) => any,
        None => merge_of::<MOST>(state, round, horizon, last, clock).unwrap_or(false),
    }
}

/// The same of N rings at most. None: there are more.
fn merge_of<const N: usize>(
    state: &mut State,
    round: &Round<'_>,
    horizon: u64,
    last: bool,
    clock: &Clock,
) -> Option<bool> {
    let sink = |bytes: &[u8]| round.write(bytes);
    let mut sources = [const { None }; N];
    let mut len = 0;
    let mut more = false;
    round.for_each_thread(&mut |words| {
        let Some(source) = Ring::of(words).and_then(|ring| Source::of(ring, last)) else {
            return;
        };
        match sources.get_mut(len) {
            Some(place) => {
                *place = Some(source);
                len += 1;
            }
            None => more = true,
        }
    });
    if more && N < MOST {
        return None;
    }
    let mut lost = 0;
    round.for_each_thread(&mut |words| lost += Ring::of(words).map_or(0, |ring| ring.take_lost()));
    let sources = sources.get_mut(..len).unwrap_or(&mut []);
    let mut any = false;
    loop {
        // The oldest, and how far it may go before another is older.
        let (mut oldest, mut next) = (None, horizon);
        let mut best = u64::MAX;
        for (index, source) in sources.iter().enumerate() {
            let Some(source) = source else { continue };
            if source.time == NEVER {
                continue;
            }
            if source.time < best {
                next = next.min(best);
                best = source.time;
                oldest = Some(index);
            } else {
                next = next.min(source.time);
            }
        }
        let Some(place) = oldest
            .filter(|_| best <= horizon)
            .and_then(|index| sources.get_mut(index))
        else {
            break;
        };
        any = true;
        if let Some(source) = place {
            take(state, source, next, last, clock, &sink);
        }
    }
    if lost != 0 {
        state.lines.lost(lost);
    }
    state.lines.out.flush(&sink);
    // Given back when it is written: then nothing is lost with the follower.
    for source in sources.iter().flatten() {
        source.ring.set_read(source.at);
    }
    Some(any)
}

/// Writes out a ring's records up to a time.
fn take(state: &mut State, source: &mut Source<'_>, until: u64, last: bool, clock: &Clock, sink: &dyn Fn(&[u8])) {
    loop {
        source.look(last);
        let at = source.at;
        if source.time == NEVER || source.time > until {
            return;
        }
        let Some((record, next)) = source.record(at) else {
            return;
        };
        let [first, second] = &mut state.text;
        let text = source.ring.text(at, first);
        source.at = next;
        if options::counts() {
            state.counts.add(&record, clock);
        }
        if options::only_counts() {
            continue;
        }
        if !options::is_whole() {
            state.lines.record(&record, clock, text, sink);
            continue;
        }
        let result = match source.answer(&record, next) {
            Answer::Result(at) if record.kind == Kind::Enter => source.record(at).map(|result| (at, result)),
            _ => None,
        };
        let Some((at, (result, behind))) = result else {
            state.lines.whole(&record, clock, text, &[], sink);
            continue;
        };
        source.at = behind;
        let result = Record {
            since: record.since,
            ..result
        };
        let rest = source.ring.text(at, second);
        state.lines.whole(&result, clock, text, rest, sink);
    }
}
