//! From records to lines, as strace writes them.
//!
//! A line begins when a call is made, and ends when its result is there. What
//! another thread does in between breaks it off, and it is resumed later.

use super::clock::Clock;
use super::decode::NOTE;
use super::live::Live;
use super::names::{errors, signals};
use super::options::{self, Time};
use super::ring::{Base, Kind, Record};
use super::table;
use crate::abi::errno::Errno;

/// Where results stand.
const COLUMN: usize = 34;
/// Bytes that are gathered.
const BUFFER: usize = 64 * 1024;

/// What has been written, and what is being written.
pub(super) struct Lines {
    buffer: [u8; BUFFER],
    len: usize,
    /// Where in the line the call's name began.
    column: usize,
    /// The thread whose line is open; 0 if there is none.
    open: u32,
    /// Nanoseconds of the line before.
    before: u64,
    pub(super) live: Live,
}

/// Takes bytes.
pub(super) type Sink<'s> = &'s dyn Fn(&[u8]);

impl Lines {
    pub(super) const fn new() -> Lines {
        Lines {
            buffer: [0; BUFFER],
            len: 0,
            column: 0,
            open: 0,
            before: 0,
            live: Live::new(),
        }
    }

    pub(super) fn flush(&mut self, sink: Sink<'_>) {
        if self.len != 0 {
            sink(self.buffer.get(..self.len).unwrap_or(&[]));
            self.len = 0;
        }
    }

    /// Adds a byte. There is always room for a few lines; a longer one is cut.
    #[inline]
    fn byte(&mut self, byte: u8) {
        if let Some(place) = self.buffer.get_mut(self.len) {
            *place = byte;
            self.len += 1;
            self.column += 1;
        }
    }

    fn str(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let end = self.len + bytes.len();
        if let Some(place) = self.buffer.get_mut(self.len..end) {
            place.copy_from_slice(bytes);
            self.len = end;
            self.column += bytes.len();
        }
    }

    fn dec(&mut self, value: u64, width: u32, fill: u8) {
        let digits = value.checked_ilog10().map_or(1, |digits| digits + 1);
        (digits..width).for_each(|_| self.byte(fill));
        for place in (0..digits).rev() {
            self.byte(b'0' + (value / 10u64.pow(place) % 10) as u8);
        }
    }

    fn shifted(&mut self, value: u64, bits: u32) {
        let digits = (64 - value.leading_zeros()).div_ceil(bits).max(1);
        for digit in (0..digits).rev() {
            let digit = (value >> (digit * bits)) & ((1 << bits) - 1);
            self.byte(b"0123456789abcdef"[digit as usize & 15]);
        }
    }

    /// A record's line, or a part of it.
    pub(super) fn record(&mut self, record: &Record, clock: &Clock, text: &[u8], sink: Sink<'_>) {
        // Enough for the longest line.
        if self.len + super::ring::MOST_TEXT + 1024 > BUFFER {
            self.flush(sink);
        }
        match record.kind {
            Kind::Begin => self.live.add(record.who),
            Kind::Enter => {
                self.begin(record, clock, text);
                self.open = record.who.tid;
            }
            Kind::Exit | Kind::Restart => self.end(record, clock, text),
            Kind::Last | Kind::End => {
                if record.kind == Kind::Last {
                    self.begin(record, clock, text);
                    self.byte(b')');
                    self.pad();
                    self.str("= ?\n");
                }
                self.exited(record, clock);
            }
        }
    }

    /// Breaks off the line that is open.
    fn break_off(&mut self) {
        if self.open != 0 {
            self.str(" <unfinished ...>\n");
            self.open = 0;
        }
    }

    fn leader(&mut self, tid: u32, ticks: u64, clock: &Clock) {
        self.break_off();
        if options::to_file() {
            self.dec_left(tid.into(), 5);
            self.byte(b' ');
        } else if self.live.len() > 1 {
            self.str("[pid ");
            self.dec(tid.into(), 5, b' ');
            self.str("] ");
        }
        let time = options::time();
        if time != Time::None {
            self.time(time, clock.ns(ticks));
        }
        self.column = 0;
    }

    fn time(&mut self, time: Time, ns: u64) {
        let (seconds, microseconds) = (ns / 1_000_000_000, ns / 1000 % 1_000_000);
        match time {
            Time::None => {}
            Time::Seconds | Time::Microseconds => {
                self.dec(seconds / 3600 % 24, 2, b'0');
                self.byte(b':');
                self.dec(seconds / 60 % 60, 2, b'0');
                self.byte(b':');
                self.dec(seconds % 60, 2, b'0');
                if time == Time::Microseconds {
                    self.byte(b'.');
                    self.dec(microseconds, 6, b'0');
                }
                self.byte(b' ');
            }
            Time::Epoch => {
                self.dec(seconds, 1, b' ');
                self.byte(b'.');
                self.dec(microseconds, 6, b'0');
                self.byte(b' ');
            }
            Time::Relative => {
                let since = if self.before == 0 {
                    0
                } else {
                    ns.saturating_sub(self.before)
                };
                self.before = ns;
                self.dec(since / 1_000_000_000, 6, b' ');
                self.byte(b'.');
                self.dec(since / 1000 % 1_000_000, 6, b'0');
                self.byte(b' ');
            }
        }
    }

    /// A number with spaces behind it, up to a width.
    fn dec_left(&mut self, value: u64, width: usize) {
        let before = self.len;
        self.dec(value, 1, b' ');
        while self.len - before < width {
            self.byte(b' ');
        }
    }

    fn name(&mut self, number: u32) {
        match table::signature(number) {
            Some(signature) => self.str(signature.name),
            None => {
                self.str("syscall_0x");
                self.shifted(number.into(), 4);
            }
        }
    }

    fn begin(&mut self, record: &Record, clock: &Clock, text: &[u8]) {
        self.leader(record.who.tid, record.time, clock);
        self.name(record.number);
        self.byte(b'(');
        self.bytes(text);
    }

    fn pad(&mut self) {
        // A space at least.
        self.byte(b' ');
        while self.column < COLUMN {
            self.byte(b' ');
        }
    }

    fn end(&mut self, record: &Record, clock: &Clock, text: &[u8]) {
        self.reaped(record, clock, text);
        if self.open != record.who.tid {
            self.leader(record.who.tid, record.time, clock);
            self.str("<... ");
            self.name(record.number);
            self.str(" resumed>");
        }
        self.open = 0;
        // The arguments end at a mark; what is behind it stands behind the result.
        let end = text.iter().rposition(|&byte| byte == NOTE).unwrap_or(text.len());
        let (text, behind) = text.split_at_checked(end).unwrap_or((text, &[]));
        self.bytes(text);
        self.byte(b')');
        self.pad();
        self.str("= ");
        if record.kind == Kind::Restart {
            self.str("? ERESTARTSYS (To be restarted if SA_RESTART is set)");
        } else {
            self.result(record);
            self.bytes(behind.get(1..).unwrap_or(&[]));
        }
        if options::shows_duration() {
            let ns = clock.ns(record.time).saturating_sub(clock.ns(record.since));
            self.str(" <");
            self.dec(ns / 1_000_000_000, 1, b' ');
            self.byte(b'.');
            self.dec(ns / 1000 % 1_000_000, 6, b'0');
            self.byte(b'>');
        }
        self.byte(b'\n');
    }

    fn result(&mut self, record: &Record) {
        let result = record.result;
        if let Some(text) = result.checked_neg().and_then(|number| errors::restart(number as i32)) {
            self.str("? ");
            self.str(text);
            return;
        }
        if let Some(errno) = Errno::from_result(result) {
            match errors::error(errno.number()) {
                Some((name, text)) => {
                    self.str("-1 ");
                    self.str(name);
                    self.str(" (");
                    self.str(text);
                    self.byte(b')');
                }
                None => {
                    self.str("-1 (errno ");
                    self.dec(errno.number() as u64, 1, b' ');
                    self.byte(b')');
                }
            }
            return;
        }
        match record.base {
            Base::Decimal => {
                if result < 0 {
                    self.byte(b'-');
                }
                self.dec(result.unsigned_abs(), 1, b' ');
            }
            Base::Unsigned => self.dec(result as u64, 1, b' '),
            Base::Hexadecimal if result == 0 => self.byte(b'0'),
            Base::Hexadecimal => {
                self.str("0x");
                self.shifted(result as u64, 4);
            }
            Base::Octal => {
                let mode = result as u64;
                let zeros = if mode < 0o10 { 2 } else { 1 };
                (0..zeros).for_each(|_| self.byte(b'0'));
                self.shifted(mode, 3);
            }
        }
    }

    /// A thread, or its whole process, has said that it ends.
    fn exited(&mut self, record: &Record, clock: &Clock) {
        let status = record.result as u64 & 0xff;
        let ended = |lines: &mut Lines, tid: u32| {
            lines.leader(tid, record.time, clock);
            lines.str("+++ exited with ");
            lines.dec(status, 1, b' ');
            lines.str(" +++\n");
            lines.live.remove(tid);
        };
        match i64::from(record.number) {
            libc::SYS_exit_group => {
                while let Some(tid) = self.live.of_process(record.who.pid) {
                    ended(self, tid);
                }
            }
            libc::SYS_exit => ended(self, record.who.tid),
            _ => {}
        }
    }

    /// If a parent has been told of the death of a child that said nothing, so
    /// are we.
    fn reaped(&mut self, record: &Record, clock: &Clock, text: &[u8]) {
        let waited = match i64::from(record.number) {
            libc::SYS_wait4 => record.result > 0,
            libc::SYS_waitid => record.result == 0,
            _ => false,
        };
        if !waited || self.live.len() < 2 {
            return;
        }
        let has = |mark: &[u8]| text.windows(mark.len()).any(|part| part == mark);
        let signal = word_behind(text, b"WTERMSIG(s) == ").or_else(|| word_behind(text, b"si_status=SIG"));
        let child = word_behind(text, b"si_pid=").and_then(|pid| core::str::from_utf8(pid).ok()?.parse().ok());
        let Some(pid) = child.or_else(|| u32::try_from(record.result).ok()) else {
            return;
        };
        let Some(signal) = signal.filter(|_| has(b"WTERMSIG") || has(b"CLD_KILLED") || has(b"CLD_DUMPED")) else {
            return;
        };
        let dumped = has(b"WCOREDUMP") || has(b"CLD_DUMPED");
        while let Some(tid) = self.live.of_process(pid) {
            self.killed(tid, signal, dumped, record.time, clock);
        }
    }

    fn killed(&mut self, tid: u32, signal: &[u8], dumped: bool, ticks: u64, clock: &Clock) {
        self.leader(tid, ticks, clock);
        self.str("+++ killed by ");
        if !signal.starts_with(b"SIG") {
            self.str("SIG");
        }
        signal.iter().for_each(|&byte| self.byte(byte));
        self.str(if dumped { " (core dumped) +++\n" } else { " +++\n" });
        self.live.remove(tid);
    }

    /// Nothing will come any more: who is left has been killed. Of the first
    /// process the status is known.
    pub(super) fn finish(&mut self, ended: Option<(u32, i32)>, ticks: u64, clock: &Clock, sink: Sink<'_>) {
        while let Some(who) = self.live.first() {
            self.flush(sink);
            match ended {
                Some((pid, status)) if who.pid == pid && status & 0x7f != 0 => {
                    let name = signals::NAMES.of((status & 0x7f) as u64).unwrap_or("RT");
                    self.killed(who.tid, name.as_bytes(), status & 0x80 != 0, ticks, clock);
                }
                _ => {
                    self.leader(who.tid, ticks, clock);
                    self.str("+++ gone +++\n");
                    self.live.remove(who.tid);
                }
            }
        }
        self.break_off();
        self.flush(sink);
    }

    /// Records that were lost.
    pub(super) fn lost(&mut self, count: u64) {
        self.break_off();
        self.str("usertrap: ");
        self.dec(count, 1, b' ');
        self.str(" calls were lost\n");
    }
}

/// The word behind the first mark in a text.
fn word_behind<'t>(text: &'t [u8], mark: &[u8]) -> Option<&'t [u8]> {
    let at = text.windows(mark.len()).position(|part| part == mark)?;
    let rest = text.get(at + mark.len()..)?;
    rest.split(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_').next()
}

#[cfg(test)]
mod tests;
