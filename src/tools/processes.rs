//! The processes of a tree in the JSON report.

use core::fmt::{self, Write};

use super::json::{PIECE, Total, call, comma, piece};
use super::moments;
use super::timeline::since;
use super::totals::{Counts, Totals};
use crate::hook::{End, Process, Report, Summary, Tree};

/// A process, without its calls.
#[derive(serde::Serialize)]
struct Head<'a> {
    pid: u32,
    parent: u32,
    name: &'a str,
    images: u64,
    end: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u32>,
    threads: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    began_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_ns: Option<u64>,
    total: Total,
    trapped: u64,
    fast: u64,
    int80: u64,
    sites: Sites,
}

/// The processes that the report does not have one by one.
#[derive(serde::Serialize)]
struct Others {
    processes: u64,
    threads: u64,
    total: Total,
    trapped: u64,
    fast: u64,
    int80: u64,
    sites: Sites,
}

#[derive(serde::Serialize)]
struct Sites {
    rewritten: u64,
    refused: u64,
}

/// What is not in the report.
#[derive(serde::Serialize)]
struct Uncounted {
    threads: u64,
    processes: u64,
}

/// Writes the members of the report that are of a tree, with a comma in front.
pub(super) fn write(
    totals: &Totals,
    report: &Report<'_>,
    tree: &dyn Tree,
    buffer: &mut [u8; PIECE],
    out: &mut dyn Write,
) -> fmt::Result {
    out.write_str(",\"processes\":[")?;
    let mut listed = Counts::default();
    let mut result = Ok(());
    let mut index = 0;
    tree.for_each(&mut |each| {
        listed.add(counts(each));
        result = result
            .and_then(|()| comma(index, out))
            .and_then(|()| process(totals, report, each, buffer, out));
        index += 1;
    });
    result?;
    out.write_str("]")?;

    let others = tree.others();
    let Summary {
        threads,
        trapped,
        int80,
        ..
    } = others.summary;
    let rest = totals.all.less(listed);
    let rest = Others {
        processes: others.processes,
        threads,
        total: total(rest),
        trapped,
        fast: rest.calls.saturating_sub(trapped),
        int80,
        sites: sites(&others.summary),
    };
    out.write_str(",\"others\":")?;
    out.write_str(piece(&rest, buffer)?)?;
    let uncounted = Uncounted {
        threads: others.uncounted_threads,
        processes: others.uncounted_processes,
    };
    out.write_str(",\"uncounted\":")?;
    out.write_str(piece(&uncounted, buffer)?)
}

fn process(
    totals: &Totals,
    report: &Report<'_>,
    process: &Process<'_>,
    buffer: &mut [u8; PIECE],
    out: &mut dyn Write,
) -> fmt::Result {
    let Summary {
        pid,
        threads,
        trapped,
        int80,
        ..
    } = process.summary;
    let (end, status) = match process.end {
        End::Running => ("running", None),
        End::Exit(status) => ("exit", Some(status)),
        End::Silent => ("killed", None),
        End::Native => ("native", None),
    };
    let mut name = [0; 16];
    let head = Head {
        pid,
        parent: process.parent,
        name: printable(&process.name, &mut name),
        images: process.images,
        end,
        status,
        threads,
        began_ns: process.began.and_then(|ticks| totals.ns(since(ticks))),
        ended_ns: process.ended.and_then(|ticks| totals.ns(since(ticks))),
        total: total(counts(process)),
        trapped,
        fast: process.calls.saturating_sub(trapped),
        int80,
        sites: sites(&process.summary),
    };
    let head = piece(&head, buffer)?;
    out.write_str(head.strip_suffix('}').ok_or(fmt::Error)?)?;
    out.write_str(",\"calls\":[")?;
    for (index, (row, counts)) in Totals::of_process(process).ranking().enumerate() {
        comma(index, out)?;
        out.write_str(piece(&call(row, counts, None), buffer)?)?;
    }
    out.write_str("]")?;
    moments::write_activity(totals, process, buffer, out)?;
    moments::write_threads(totals, report, process, buffer, out)?;
    out.write_str("}")
}

fn counts(process: &Process<'_>) -> Counts {
    Counts {
        calls: process.calls,
        errors: process.errors,
        ticks: 0,
    }
}

fn total(counts: Counts) -> Total {
    Total {
        calls: counts.calls,
        errors: counts.errors,
        time_ns: None,
    }
}

fn sites(summary: &Summary) -> Sites {
    Sites {
        rewritten: summary.rewritten,
        refused: summary.refused.iter().fold(0, |sum, sites| sum.saturating_add(*sites)),
    }
}

/// A process's name, in which everything that is not printable ASCII became a
/// question mark.
pub(super) fn printable<'b>(name: &[u8; 16], buffer: &'b mut [u8; 16]) -> &'b str {
    let len = name.iter().position(|&byte| byte == 0).unwrap_or(name.len());
    for (to, &from) in buffer.iter_mut().zip(name) {
        *to = if matches!(from, b' '..=b'~') { from } else { b'?' };
    }
    let text = buffer.get(..len).unwrap_or(&[]);
    core::str::from_utf8(text).unwrap_or("?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_printable_and_end_at_their_zero() {
        let text = |name: &[u8; 16]| printable(name, &mut [0; 16]).to_string();
        assert_eq!(text(b"sh\0\0\0\0\0\0rest\0\0\0\0"), "sh");
        assert_eq!(text(b"a\"\\\n\xc3\xa4 b\0\0\0\0\0\0\0\0"), "a\"\\??? b");
        assert_eq!(text(b"0123456789abcdef"), "0123456789abcdef");
    }
}
