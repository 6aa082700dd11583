//! Events of Chrome's trace format, in an array: what is there is shown even
//! if its end is missing.

use core::fmt;

use serde::Serialize;

use super::{Args, Error, Info, Shown, Signal, Stack, note, put, text};
use crate::tools::trace::clock::Clock;
use crate::tools::trace::ends::End;
use crate::tools::trace::out::Out;
use crate::tools::trace::ring::{Kind, Record, Who};
use crate::tools::trace::table::Name;

/// The array that is being written.
pub(in crate::tools::trace) struct Events {
    /// Nanoseconds since 1970 at the first event: times are counted from there.
    first: Option<u64>,
}

/// A call, from its beginning to its end.
#[derive(Serialize)]
struct Complete<'t> {
    ph: &'static str,
    cat: &'static str,
    name: Shown<Name>,
    pid: u32,
    tid: u32,
    /// Microseconds.
    ts: f64,
    dur: f64,
    args: Said<'t>,
}

/// What is said of a call.
#[derive(Serialize)]
struct Said<'t> {
    args: Args<'t>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    errno: Option<Shown<Error>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'t str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stack: Option<Stack<'t>>,
}

/// The name of a process or thread.
#[derive(Serialize)]
struct Metadata<'t> {
    ph: &'static str,
    name: &'static str,
    pid: u32,
    tid: u32,
    args: Called<'t>,
}

#[derive(Serialize)]
struct Called<'t> {
    name: &'t str,
}

/// Something that takes no time.
#[derive(Serialize)]
#[serde(bound(serialize = "T: fmt::Display"))]
struct Instant<'t, T> {
    ph: &'static str,
    /// Of the thread.
    s: &'static str,
    cat: &'static str,
    name: Shown<T>,
    pid: u32,
    tid: u32,
    ts: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    args: Option<Sent<'t>>,
}

/// What is said of a signal.
#[derive(Serialize)]
struct Sent<'t> {
    info: Info<'t>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stack: Option<Stack<'t>>,
}

impl fmt::Display for End<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Exited(status) => write!(f, "exited with {status}"),
            End::Killed { signal, .. } => write!(f, "killed by {}", Signal(signal)),
            End::Gone => f.write_str("gone"),
        }
    }
}

fn microseconds(ns: u64) -> f64 {
    ns as f64 / 1000.0
}

impl Events {
    pub(in crate::tools::trace) const fn new() -> Events {
        Events { first: None }
    }

    /// Where the next event goes; nanoseconds since the first.
    fn begin(&mut self, out: &mut Out, ns: u64) -> u64 {
        out.str(if self.first.is_some() { ",\n" } else { "[\n" });
        ns.saturating_sub(*self.first.get_or_insert(ns))
    }

    /// A call; its record says when it has ended.
    pub(in crate::tools::trace) fn call(
        &mut self,
        out: &mut Out,
        record: &Record,
        clock: &Clock,
        texts: [&[u8]; 3],
        stack: Option<Stack<'_>>,
    ) {
        let now = clock.ns(record.time);
        let since = if record.since == 0 { now } else { clock.ns(record.since) };
        let made = matches!(record.kind, Kind::Exit | Kind::Restart);
        let errno = Error::of(record);
        let event = Complete {
            ph: "X",
            cat: "syscall",
            name: Shown(Name(record.number)),
            pid: record.who.pid,
            tid: record.who.tid,
            ts: microseconds(self.begin(out, since)),
            dur: microseconds(now.saturating_sub(since)),
            args: Said {
                args: Args::of(texts),
                result: made.then_some(if errno.is_some() { -1 } else { record.result }),
                errno: errno.map(Shown),
                note: note(texts[2]).filter(|_| made),
                stack,
            },
        };
        put(out, &event, "");
    }

    /// The name of a thread; of a process's first one it is the process's.
    pub(in crate::tools::trace) fn name(&mut self, out: &mut Out, record: &Record, clock: &Clock, name: &[u8]) {
        let kinds: &[&'static str] = if record.who.tid == record.who.pid {
            &["process_name", "thread_name"]
        } else {
            &["thread_name"]
        };
        for kind in kinds {
            self.begin(out, clock.ns(record.time));
            let event = Metadata {
                ph: "M",
                name: kind,
                pid: record.who.pid,
                tid: record.who.tid,
                args: Called { name: text(name) },
            };
            put(out, &event, "");
        }
    }

    /// The end of a thread.
    pub(in crate::tools::trace) fn ended(&mut self, out: &mut Out, who: Who, end: End<'_>, ns: u64) {
        let event = Instant {
            ph: "i",
            s: "t",
            cat: "end",
            name: Shown(end),
            pid: who.pid,
            tid: who.tid,
            ts: microseconds(self.begin(out, ns)),
            args: None,
        };
        put(out, &event, "");
    }

    /// A signal.
    pub(in crate::tools::trace) fn signal(
        &mut self,
        out: &mut Out,
        record: &Record,
        clock: &Clock,
        info: &[u8],
        stack: Option<Stack<'_>>,
    ) {
        let info = Info(text(info));
        let event = Instant {
            ph: "i",
            s: "t",
            cat: "signal",
            name: Shown(info.name()),
            pid: record.who.pid,
            tid: record.who.tid,
            ts: microseconds(self.begin(out, clock.ns(record.time))),
            args: Some(Sent { info, stack }),
        };
        put(out, &event, "");
    }

    /// Nothing more will come.
    pub(in crate::tools::trace) fn close(&self, out: &mut Out) {
        out.str(if self.first.is_some() { "\n]\n" } else { "[\n]\n" });
    }
}
