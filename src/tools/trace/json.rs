//! Calls as JSON: an object a line, or events of Chrome's trace format, which
//! Perfetto shows. `docs/trace-json.md` describes both.

use core::fmt;

use serde::Serialize;
use serde::ser::{SerializeMap, SerializeSeq, Serializer};

use super::clock::Clock;
use super::decode::NEXT;
use super::ends::End;
use super::names::errors;
use super::out::Out;
use super::ring::{Kind, MOST_TEXT, Record, Who};
use super::table::Name;
use crate::abi::errno::Errno;

/// Bytes that the longest object may have: each one of a call's two texts may
/// have to be escaped.
pub(super) const MOST: usize = 4 * MOST_TEXT + 2 * super::symbols::MOST_SHOWN + 2048;

const _: () = assert!(MOST < super::out::BUFFER);

/// A call.
#[derive(Serialize)]
struct Line<'t> {
    pid: u32,
    tid: u32,
    /// Seconds since 1970.
    time: f64,
    name: Shown<Name>,
    args: Args<'t>,
    result: Option<i64>,
    errno: Option<Shown<Error>>,
    /// Seconds.
    duration: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'t str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stack: Option<Stack<'t>>,
}

/// Frames, a line each.
#[derive(Clone, Copy)]
pub(super) struct Stack<'t>(pub(super) &'t str);

impl Serialize for Stack<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        for frame in self.0.lines() {
            list.serialize_element(frame)?;
        }
        list.end()
    }
}

/// A signal.
#[derive(Serialize)]
struct SignalLine<'t> {
    pid: u32,
    tid: u32,
    time: f64,
    signal: &'t str,
    info: Info<'t>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stack: Option<Stack<'t>>,
}

/// The end of a thread or process.
#[derive(Serialize)]
struct EndLine<'t> {
    pid: u32,
    tid: u32,
    time: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    exited: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    killed: Option<Shown<Signal<'t>>>,
}

/// A value by its text.
struct Shown<T>(T);

impl<T: fmt::Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Arguments, each a string.
struct Args<'t>([&'t str; 2]);

impl<'t> Args<'t> {
    fn of([first, rest, _]: [&'t [u8]; 3]) -> Args<'t> {
        Args([text(first), text(rest)])
    }

    fn list(&self) -> impl Iterator<Item = &'t str> {
        let args = self.0.into_iter().flat_map(|text| text.split(NEXT as char));
        args.filter(|arg| !arg.is_empty())
    }
}

impl Serialize for Args<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        for arg in self.list() {
            list.serialize_element(arg)?;
        }
        list.end()
    }
}

/// A signal's siginfo: its name, and the other fields, each a string.
struct Info<'t>(&'t str);

impl<'t> Info<'t> {
    fn fields(&self) -> impl Iterator<Item = (&'t str, &'t str)> {
        self.0.split(NEXT as char).filter_map(|field| field.split_once('='))
    }

    fn name(&self) -> &'t str {
        self.fields().next().map_or("", |(_, name)| name)
    }
}

impl Serialize for Info<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.fields().skip(1) {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// An error's name.
#[derive(Clone, Copy)]
enum Error {
    Named(&'static str),
    Other(u16),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Named(name) => f.write_str(name),
            Error::Other(number) => write!(f, "{number}"),
        }
    }
}

impl Error {
    /// The error of a call that has one, or why it is made anew.
    fn of(record: &Record) -> Option<Error> {
        if record.kind == Kind::Restart {
            return Some(Error::Named("ERESTARTSYS"));
        }
        if record.kind != Kind::Exit {
            return None;
        }
        let number = record.result.checked_neg()?;
        if let Some(text) = i32::try_from(number).ok().and_then(errors::restart) {
            return text.split(' ').next().map(Error::Named);
        }
        let number = Errno::from_result(record.result)?.number();
        Some(errors::error(number).map_or(Error::Other(number as u16), |(name, _)| Error::Named(name)))
    }
}

/// The name of a signal.
struct Signal<'t>(&'t [u8]);

impl fmt::Display for Signal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SIG{}", self.0.escape_ascii())
    }
}

fn seconds(ns: u64) -> f64 {
    (ns / 1000) as f64 / 1e6
}

fn text(bytes: &[u8]) -> &str {
    core::str::from_utf8(bytes).unwrap_or("")
}

/// Writes an object and what stands behind it.
fn put(out: &mut Out, value: &impl Serialize, behind: &str) {
    if let Ok(len) = serde_json_core::to_slice(value, out.free()) {
        out.advance(len);
        out.str(behind);
    }
}

/// What stands behind a result, without its brackets.
fn note(behind: &[u8]) -> Option<&str> {
    let text = text(behind).trim_start();
    let text = text
        .strip_prefix('(')
        .and_then(|text| text.strip_suffix(')'))
        .unwrap_or(text);
    Some(text).filter(|text| !text.is_empty())
}

/// A call's line. The texts are those of its arguments before it was made and
/// when it had been, and what stands behind the result.
pub(super) fn call(out: &mut Out, record: &Record, clock: &Clock, texts: [&[u8]; 3], stack: Option<Stack<'_>>) {
    let made = matches!(record.kind, Kind::Exit | Kind::Restart);
    let errno = Error::of(record);
    let now = clock.ns(record.time);
    let since = if record.since == 0 { now } else { clock.ns(record.since) };
    let line = Line {
        pid: record.who.pid,
        tid: record.who.tid,
        time: seconds(since),
        name: Shown(Name(record.number)),
        args: Args::of(texts),
        result: made.then_some(if errno.is_some() { -1 } else { record.result }),
        errno: errno.map(Shown),
        // A program that has been executed does not know when.
        duration: made
            .then_some(now.saturating_sub(since) as f64 / 1e9)
            .filter(|_| record.since != 0),
        note: note(texts[2]).filter(|_| made),
        stack,
    };
    put(out, &line, "\n");
}

/// The line of a signal.
pub(super) fn signal(out: &mut Out, record: &Record, clock: &Clock, info: &[u8], stack: Option<Stack<'_>>) {
    let info = Info(text(info));
    let line = SignalLine {
        pid: record.who.pid,
        tid: record.who.tid,
        time: seconds(clock.ns(record.time)),
        signal: info.name(),
        info,
        stack,
    };
    put(out, &line, "\n");
}

/// The line of a thread's end.
pub(super) fn ended(out: &mut Out, who: Who, end: End<'_>, ns: u64) {
    let line = EndLine {
        pid: who.pid,
        tid: who.tid,
        time: seconds(ns),
        exited: match end {
            End::Exited(status) => Some(status),
            _ => None,
        },
        killed: match end {
            End::Killed { signal, .. } => Some(Shown(Signal(signal))),
            _ => None,
        },
    };
    if !matches!(end, End::Gone) {
        put(out, &line, "\n");
    }
}

mod events;
pub(super) use events::Events;

#[cfg(test)]
mod tests;
