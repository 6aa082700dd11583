//! The follower: records of all threads in the order of their times.

use super::clock::{Clock, Pair};
use super::lines::Lines;
use super::ring::{self, Ring};
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
    clock: None,
    text: [0; ring::ROOM],
}));

struct State {
    lines: Lines,
    /// The first reading of the clocks, and the last.
    clock: Option<Clock>,
    /// The text of a record.
    text: [u8; ring::ROOM],
}

/// A ring with something in it.
#[derive(Clone, Copy)]
struct Source<'w> {
    ring: Ring<'w>,
    at: u64,
    end: u64,
    /// Of the record at `at`.
    time: u64,
}

impl Source<'_> {
    fn of(ring: Ring<'_>) -> Option<Source<'_>> {
        let (at, end) = ring.range();
        let (record, _) = ring.record(at).filter(|_| at != end)?;
        Some(Source {
            ring,
            at,
            end,
            time: record.time,
        })
    }
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
        let any = merge(state, round, horizon, &clock);
        if last {
            let sink = |bytes: &[u8]| round.write(bytes);
            state.lines.finish(round.ended, clock.now.ticks, &clock, &sink);
        }
        any
    }
}

/// Writes out what is older than the horizon.
fn merge(state: &mut State, round: &Round<'_>, horizon: u64, clock: &Clock) -> bool {
    let sink = |bytes: &[u8]| round.write(bytes);
    let mut sources = [const { None }; MOST];
    let mut len = 0;
    let mut lost = 0;
    round.for_each_thread(&mut |words| {
        let Some(ring) = Ring::of(words) else { return };
        lost += ring.take_lost();
        if let (Some(source), Some(place)) = (Source::of(ring), sources.get_mut(len)) {
            *place = Some(source);
            len += 1;
        }
    });
    let sources = sources.get_mut(..len).unwrap_or(&mut []);
    let mut any = false;
    loop {
        // The oldest, and how far it may go before another is older.
        let (mut oldest, mut next) = (None, horizon);
        let mut best = u64::MAX;
        for (index, source) in sources.iter().enumerate() {
            let Some(source) = source else { continue };
            if source.at == source.end {
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
            take(state, source, next, clock, &sink);
        }
    }
    if lost != 0 {
        state.lines.lost(lost);
    }
    state.lines.flush(&sink);
    // Given back when it is written: then nothing is lost with the follower.
    for source in sources.iter().flatten() {
        source.ring.set_read(source.at);
    }
    any
}

/// Writes out a ring's records up to a time.
fn take(state: &mut State, source: &mut Source<'_>, until: u64, clock: &Clock, sink: &dyn Fn(&[u8])) {
    loop {
        let at = source.at;
        let Some((record, next)) = source.ring.record(at).filter(|_| at != source.end) else {
            // Nothing until the next round.
            source.time = u64::MAX;
            return;
        };
        source.time = record.time;
        if record.time > until {
            return;
        }
        let text = source.ring.text(at, &mut state.text);
        state.lines.record(&record, clock, text, sink);
        source.at = next;
    }
}
