//! How threads and processes end, as far as that is told.

use super::clock::Clock;
use super::json;
use super::lines::Lines;
use super::names::signals;
use super::options::{self, Form};
use super::out::Sink;
use super::ring::{Record, Who};

/// How a thread, with its process or alone, has ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum End<'t> {
    Exited(u8),
    /// By a signal, whose name has no prefix.
    Killed {
        signal: &'t [u8],
        dumped: bool,
    },
    /// Nobody has said how.
    Gone,
}

impl Lines {
    /// A thread, or its whole process, has said that it ends.
    pub(super) fn exited(&mut self, record: &Record, clock: &Clock) {
        let end = End::Exited(record.result as u8);
        match i64::from(record.number) {
            libc::SYS_exit_group => {
                while let Some(who) = self.live.of_process(record.who.pid) {
                    self.ended(who, end, record.time, clock);
                }
            }
            libc::SYS_exit => self.ended(record.who, end, record.time, clock),
            _ => {}
        }
    }

    /// If a parent has been told of the death of a child that said nothing, so
    /// are we.
    pub(super) fn reaped(&mut self, record: &Record, clock: &Clock, text: &[u8]) {
        let waited = match i64::from(record.number) {
            libc::SYS_wait4 => record.result > 0,
            libc::SYS_waitid => record.result == 0,
            _ => false,
        };
        if waited {
            self.died(u32::try_from(record.result).ok(), text, record.time, clock);
        }
    }

    /// The same where a text says it, of a status or of a SIGCHLD.
    pub(super) fn died(&mut self, child: Option<u32>, text: &[u8], ticks: u64, clock: &Clock) {
        if self.live.len() < 2 {
            return;
        }
        let has = |mark: &[u8]| text.windows(mark.len()).any(|part| part == mark);
        let signal = word_behind(text, b"WTERMSIG(s) == ").or_else(|| word_behind(text, b"si_status=SIG"));
        let told = word_behind(text, b"si_pid=").and_then(|pid| core::str::from_utf8(pid).ok()?.parse().ok());
        let Some(pid) = told.or(child) else { return };
        let Some(signal) = signal.filter(|_| has(b"WTERMSIG") || has(b"CLD_KILLED") || has(b"CLD_DUMPED")) else {
            return;
        };
        let dumped = has(b"WCOREDUMP") || has(b"CLD_DUMPED");
        let signal = signal.strip_prefix(b"SIG").unwrap_or(signal);
        while let Some(who) = self.live.of_process(pid) {
            self.ended(who, End::Killed { signal, dumped }, ticks, clock);
        }
    }

    fn ended(&mut self, who: Who, end: End<'_>, ticks: u64, clock: &Clock) {
        match options::form() {
            Form::Lines => self.end_line(who.tid, end, ticks, clock),
            Form::Json => json::ended(&mut self.out, who, end, clock.ns(ticks)),
            Form::Perfetto => self.events.ended(&mut self.out, who, end, clock.ns(ticks)),
        }
        self.live.remove(who.tid);
    }

    fn end_line(&mut self, tid: u32, end: End<'_>, ticks: u64, clock: &Clock) {
        self.leader(tid, ticks, clock);
        match end {
            End::Exited(status) => {
                self.out.str("+++ exited with ");
                self.out.dec(status.into(), 1, b' ');
            }
            End::Killed { signal, dumped } => {
                self.out.str("+++ killed by SIG");
                self.out.bytes(signal);
                self.out.str(if dumped { " (core dumped)" } else { "" });
            }
            End::Gone => self.out.str("+++ gone"),
        }
        self.out.str(" +++\n");
    }

    /// Nothing will come any more: who is left has been killed. Of the first
    /// process the status is known.
    pub(super) fn finish(&mut self, ended: Option<(u32, i32)>, ticks: u64, clock: &Clock, sink: Sink<'_>) {
        while let Some(who) = self.live.first() {
            self.out.flush(sink);
            let end = match ended {
                Some((pid, status)) if who.pid == pid && status & 0x7f != 0 => End::Killed {
                    signal: signals::NAMES.of((status & 0x7f) as u64).unwrap_or("RT").as_bytes(),
                    dumped: status & 0x80 != 0,
                },
                _ => End::Gone,
            };
            self.ended(who, end, ticks, clock);
        }
        self.break_off();
        if options::form() == Form::Perfetto {
            self.events.close(&mut self.out);
        }
        self.out.flush(sink);
    }
}

/// The word behind the first mark in a text.
pub(super) fn word_behind<'t>(text: &'t [u8], mark: &[u8]) -> Option<&'t [u8]> {
    let at = text.windows(mark.len()).position(|part| part == mark)?;
    let rest = text.get(at + mark.len()..)?;
    rest.split(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_').next()
}
