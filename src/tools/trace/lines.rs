//! From records to lines, as strace writes them.
//!
//! A line begins when a call is made, and ends when its result is there. What
//! another thread does in between breaks it off, and it is resumed later.

use alloc::boxed::Box;

use super::clock::Clock;
use super::decode;
use super::ends::word_behind;
use super::frames;
use super::json::{self, Events};
use super::live::Live;
use super::names::errors;
use super::options::{self, Form, Time};
use super::out::{Out, Sink};
use super::ring::{Base, Kind, Record};
use super::symbols::{MOST_SHOWN, Symbols};
use super::table::{Name, signature};
use crate::abi::errno::Errno;

/// Where results stand.
const COLUMN: usize = 34;
/// What has been written, and what is being written.
pub(super) struct Lines {
    pub(super) out: Out,
    /// The thread whose line is open; 0 if there is none.
    open: u32,
    /// Nanoseconds of the line before.
    before: u64,
    pub(super) live: Live,
    pub(super) events: Events,
    /// Made when it is needed: so all of this is zero at first, and takes no room in the object.
    symbols: Option<Box<Symbols>>,
}

impl Lines {
    pub(super) const fn new() -> Lines {
        Lines {
            out: Out::new(),
            open: 0,
            before: 0,
            live: Live::new(),
            events: Events::new(),
            symbols: None,
        }
    }

    /// A record's line, or a part of it.
    pub(super) fn record(&mut self, record: &Record, clock: &Clock, text: &[u8], sink: Sink<'_>) {
        // Enough for the longest line.
        self.out.make_room(super::ring::MOST_TEXT + MOST_SHOWN + 1024, sink);
        if record.kind == Kind::File {
            return self.symbols.get_or_insert_default().add(record, text);
        }
        let (text, frames) = frames::split(text);
        match record.kind {
            Kind::Begin => self.live.add(record.who),
            Kind::Enter => {
                self.symbols.get_or_insert_default().executes(record.who.pid, frames);
                self.begin(record, clock, text);
                self.open = record.who.tid;
            }
            Kind::Exit | Kind::Restart => {
                self.end(record, clock, text);
                self.frames(record, frames);
            }
            Kind::Last | Kind::End => {
                if record.kind == Kind::Last {
                    self.begin(record, clock, text);
                    self.out.byte(b')');
                    self.pad();
                    self.out.str("= ?\n");
                    self.frames(record, frames);
                }
                self.exited(record, clock);
            }
            Kind::Signal => {
                self.died(None, text, record.time, clock);
                self.signal(record, clock, text);
                self.frames(record, frames);
            }
            Kind::Name | Kind::File => {}
        }
    }

    /// A line for each frame.
    fn frames(&mut self, record: &Record, frames: &[u8]) {
        for frame in self.symbols.get_or_insert_default().show(record, frames).lines() {
            self.out.str(" > ");
            self.out.str(frame);
            self.out.byte(b'\n');
        }
    }

    /// A record of a form that has calls as a whole: a call's is that of its
    /// result if there is one, with the text from before it and from then.
    pub(super) fn whole(&mut self, record: &Record, clock: &Clock, text: &[u8], rest: &[u8], sink: Sink<'_>) {
        self.out.make_room(json::MOST, sink);
        if record.kind == Kind::File {
            return self.symbols.get_or_insert_default().add(record, text);
        }
        let (text, before) = frames::split(text);
        let (rest, frames) = frames::split(rest);
        self.symbols
            .get_or_insert_default()
            .executes(record.who.pid, if rest.is_empty() { before } else { &[] });
        let frames = if frames.is_empty() { before } else { frames };
        let (rest, behind) = decode::parts(rest);
        match record.kind {
            Kind::Begin => self.live.add(record.who),
            Kind::Exit | Kind::Restart => self.reaped(record, clock, rest),
            Kind::Signal => self.died(None, text, record.time, clock),
            _ => {}
        }
        let is_call = !matches!(record.kind, Kind::Begin | Kind::Name | Kind::End | Kind::Signal);
        let symbols = self.symbols.get_or_insert_default();
        let stack = options::shows_stacks().then(|| json::Stack(symbols.show(record, frames)));
        match options::form() {
            Form::Json if record.kind == Kind::Signal => json::signal(&mut self.out, record, clock, text, stack),
            Form::Perfetto if record.kind == Kind::Signal => {
                self.events.signal(&mut self.out, record, clock, text, stack);
            }
            Form::Json if is_call => json::call(&mut self.out, record, clock, [text, rest, behind], stack),
            Form::Perfetto if is_call => {
                self.events
                    .call(&mut self.out, record, clock, [text, rest, behind], stack);
            }
            Form::Perfetto if record.kind != Kind::End => self.events.name(&mut self.out, record, clock, text),
            _ => {}
        }
        if matches!(record.kind, Kind::Last | Kind::End) {
            self.exited(record, clock);
        }
    }

    /// Breaks off the line that is open.
    pub(super) fn break_off(&mut self) {
        if self.open != 0 {
            self.out.str(" <unfinished ...>\n");
            self.open = 0;
        }
    }

    pub(super) fn leader(&mut self, tid: u32, ticks: u64, clock: &Clock) {
        self.break_off();
        if options::to_file() {
            self.out.dec_left(tid.into(), 5);
            self.out.byte(b' ');
        } else if self.live.len() > 1 {
            self.out.str("[pid ");
            self.out.dec(tid.into(), 5, b' ');
            self.out.str("] ");
        }
        let time = options::time();
        if time != Time::None {
            self.time(time, clock.ns(ticks));
        }
        self.out.column = 0;
    }

    fn time(&mut self, time: Time, ns: u64) {
        let (seconds, microseconds) = (ns / 1_000_000_000, ns / 1000 % 1_000_000);
        match time {
            Time::None => {}
            Time::Seconds | Time::Microseconds => {
                self.out.dec(seconds / 3600 % 24, 2, b'0');
                self.out.byte(b':');
                self.out.dec(seconds / 60 % 60, 2, b'0');
                self.out.byte(b':');
                self.out.dec(seconds % 60, 2, b'0');
                if time == Time::Microseconds {
                    self.out.byte(b'.');
                    self.out.dec(microseconds, 6, b'0');
                }
                self.out.byte(b' ');
            }
            Time::Epoch => {
                self.out.dec(seconds, 1, b' ');
                self.out.byte(b'.');
                self.out.dec(microseconds, 6, b'0');
                self.out.byte(b' ');
            }
            Time::Relative => {
                let since = if self.before == 0 {
                    0
                } else {
                    ns.saturating_sub(self.before)
                };
                self.before = ns;
                self.out.dec(since / 1_000_000_000, 6, b' ');
                self.out.byte(b'.');
                self.out.dec(since / 1000 % 1_000_000, 6, b'0');
                self.out.byte(b' ');
            }
        }
    }

    fn begin(&mut self, record: &Record, clock: &Clock, text: &[u8]) {
        self.leader(record.who.tid, record.time, clock);
        self.name(record.number);
        self.out.byte(b'(');
        self.out.bytes(text);
    }

    fn name(&mut self, number: u32) {
        match signature(number) {
            Some(signature) => self.out.str(signature.name),
            None => self.out.fmt(format_args!("{}", Name(number))),
        }
    }

    fn signal(&mut self, record: &Record, clock: &Clock, info: &[u8]) {
        self.leader(record.who.tid, record.time, clock);
        self.out.str("--- ");
        self.out.bytes(word_behind(info, b"si_signo=").unwrap_or(b"?"));
        self.out.byte(b' ');
        self.out.bytes(info);
        self.out.str(" ---\n");
    }

    fn pad(&mut self) {
        // A space at least.
        self.out.spaces(COLUMN.saturating_sub(self.out.column).max(1));
    }

    fn end(&mut self, record: &Record, clock: &Clock, text: &[u8]) {
        self.reaped(record, clock, text);
        if self.open != record.who.tid {
            self.leader(record.who.tid, record.time, clock);
            self.out.str("<... ");
            self.name(record.number);
            self.out.str(" resumed>");
        }
        self.open = 0;
        let (text, behind) = decode::parts(text);
        self.out.bytes(text);
        self.out.byte(b')');
        self.pad();
        self.out.str("= ");
        if record.kind == Kind::Restart {
            self.out.str("? ERESTARTSYS (To be restarted if SA_RESTART is set)");
        } else {
            self.result(record);
            self.out.bytes(behind);
        }
        // A program that has been executed does not know when.
        if options::shows_duration() && record.since != 0 {
            let ns = clock.ns(record.time).saturating_sub(clock.ns(record.since));
            self.out.str(" <");
            self.out.dec(ns / 1_000_000_000, 1, b' ');
            self.out.byte(b'.');
            self.out.dec(ns / 1000 % 1_000_000, 6, b'0');
            self.out.byte(b'>');
        }
        self.out.byte(b'\n');
    }

    fn result(&mut self, record: &Record) {
        let result = record.result;
        if let Some(text) = result.checked_neg().and_then(|number| errors::restart(number as i32)) {
            self.out.str("? ");
            self.out.str(text);
            return;
        }
        if let Some(errno) = Errno::from_result(result) {
            match errors::error(errno.number()) {
                Some((name, text)) => {
                    self.out.str("-1 ");
                    self.out.str(name);
                    self.out.str(" (");
                    self.out.str(text);
                    self.out.byte(b')');
                }
                None => {
                    self.out.str("-1 (errno ");
                    self.out.dec(errno.number() as u64, 1, b' ');
                    self.out.byte(b')');
                }
            }
            return;
        }
        match record.base {
            Base::Decimal => {
                if result < 0 {
                    self.out.byte(b'-');
                }
                self.out.dec(result.unsigned_abs(), 1, b' ');
            }
            Base::Unsigned => self.out.dec(result as u64, 1, b' '),
            Base::Hexadecimal if result == 0 => self.out.byte(b'0'),
            Base::Hexadecimal => {
                self.out.str("0x");
                self.out.shifted(result as u64, 4);
            }
            Base::Octal => {
                let mode = result as u64;
                let zeros = if mode < 0o10 { 2 } else { 1 };
                (0..zeros).for_each(|_| self.out.byte(b'0'));
                self.out.shifted(mode, 3);
            }
        }
    }

    /// Records that were lost.
    pub(super) fn lost(&mut self, count: u64) {
        self.break_off();
        self.out.str("usertrap: ");
        self.out.dec(count, 1, b' ');
        self.out.str(" calls were lost\n");
    }
}

#[cfg(test)]
mod tests;
