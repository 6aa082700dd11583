//! The stat report for programs: `docs/stat-json.md` describes it.
//!
//! The serializer writes to a slice, so the report is made piece by piece: the
//! object's head, then each call's object by itself, through a buffer that
//! holds the largest of them.

use core::fmt::{self, Write};

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::layout::{self, OTHER};
use super::totals::{Counts, Times, Totals};
use super::{moments, processes};
use crate::hook::{Report, Summary};
use crate::rewrite::refusal::Refusal;

/// The version of the format: raised when a reader of the old one would be
/// misled.
const VERSION: u32 = 2;

/// Room for the head or for one call, with each number at its longest.
pub(super) const PIECE: usize = 1024;

/// All but the calls.
#[derive(serde::Serialize)]
struct Head {
    usertrap_stat: u32,
    pid: u32,
    threads: u64,
    total: Total,
    trapped: u64,
    fast: u64,
    int80: u64,
    sites: Sites,
}

#[derive(serde::Serialize)]
pub(super) struct Total {
    pub(super) calls: u64,
    pub(super) errors: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) time_ns: Option<u64>,
}

#[derive(serde::Serialize)]
struct Sites {
    rewritten: u64,
    refused: Refused,
}

/// A number for each reason.
struct Refused([u64; Refusal::ALL.len()]);

impl Serialize for Refused {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (reason, sites) in Refusal::ALL.iter().zip(&self.0) {
            map.serialize_entry(reason.name(), sites)?;
        }
        map.end()
    }
}

/// One call number.
#[derive(serde::Serialize)]
pub(super) struct Row {
    nr: Option<u32>,
    name: Option<&'static str>,
    calls: u64,
    errors: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p50_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p99_ns: Option<u64>,
}

/// Writes the report, with the end of its line.
pub(super) fn write(totals: &Totals, report: &Report<'_>, out: &mut dyn Write) -> fmt::Result {
    let mut buffer = [0; PIECE];
    let head = piece(&head(totals, report), &mut buffer)?;
    // The rest goes into the head's object.
    out.write_str(head.strip_suffix('}').ok_or(fmt::Error)?)?;
    out.write_str(",\"calls\":[")?;
    for (index, (row, counts)) in totals.ranking().enumerate() {
        comma(index, out)?;
        let times = totals.times(row, counts, report);
        let head = piece(&call(row, counts, times), &mut buffer)?;
        let Some(histogram) = times.and_then(|_| totals.histogram(row, report)) else {
            out.write_str(head)?;
            continue;
        };
        out.write_str(head.strip_suffix('}').ok_or(fmt::Error)?)?;
        out.write_str(",\"histogram\":[")?;
        for (index, [from, to, calls]) in histogram.filled().enumerate() {
            comma(index, out)?;
            let bucket = [totals.ns(from), totals.ns(to), Some(calls)];
            out.write_str(piece(&bucket, &mut buffer)?)?;
        }
        out.write_str("]}")?;
    }
    out.write_str("]")?;
    if totals.timed() {
        moments::write(totals, report, &mut buffer, out)?;
    }
    if let Some(tree) = report.tree {
        processes::write(totals, report, tree, &mut buffer, out)?;
    }
    out.write_str("}\n")
}

fn head(totals: &Totals, report: &Report<'_>) -> Head {
    let Summary {
        pid,
        threads,
        trapped,
        int80,
        rewritten,
        refused,
        ..
    } = report.summary;
    let Counts { calls, errors, .. } = totals.all;
    Head {
        usertrap_stat: VERSION,
        pid,
        threads,
        total: Total {
            calls,
            errors,
            time_ns: totals.all_ns(),
        },
        trapped,
        fast: calls.saturating_sub(trapped),
        int80,
        sites: Sites {
            rewritten,
            refused: Refused(refused),
        },
    }
}

pub(super) fn comma(index: usize, out: &mut dyn Write) -> fmt::Result {
    if index == 0 { Ok(()) } else { out.write_str(",") }
}

pub(super) fn call(row: usize, counts: &Counts, times: Option<Times>) -> Row {
    Row {
        nr: (row != OTHER).then_some(row as u32),
        name: layout::name(row),
        calls: counts.calls,
        errors: counts.errors,
        time_ns: times.map(|times| times.total_ns),
        p50_ns: times.map(|times| times.p50_ns),
        p99_ns: times.map(|times| times.p99_ns),
    }
}

/// `value` as JSON text in `buffer`.
pub(super) fn piece<'b>(value: &impl Serialize, buffer: &'b mut [u8]) -> Result<&'b str, fmt::Error> {
    let length = serde_json_core::to_slice(value, buffer).map_err(|_| fmt::Error)?;
    let bytes = buffer.get(..length).ok_or(fmt::Error)?;
    core::str::from_utf8(bytes).map_err(|_| fmt::Error)
}

#[cfg(test)]
mod tests {
    use super::super::totals::tests::{with_empty_report, with_report, with_tree_report};
    use super::*;

    fn render(report: &Report<'_>, timed: bool) -> String {
        let mut text = String::new();
        write(&Totals::collect(report, timed), report, &mut text).unwrap();
        text
    }

    #[test]
    fn golden() {
        with_report(false, 3000, |report| {
            assert_eq!(render(report, false), include_str!("golden/stat.json"));
        });
    }

    #[test]
    fn golden_with_times() {
        with_report(true, 3000, |report| {
            assert_eq!(render(report, true), include_str!("golden/stat-time.json"));
        });
    }

    #[test]
    fn golden_of_a_tree() {
        with_tree_report(false, |report| {
            assert_eq!(render(report, false), include_str!("golden/stat-tree.json"));
        });
    }

    #[test]
    fn golden_of_a_tree_with_times() {
        with_tree_report(true, |report| {
            assert_eq!(render(report, true), include_str!("golden/stat-tree-time.json"));
        });
    }

    #[test]
    fn golden_of_nothing() {
        with_empty_report(|report| {
            assert_eq!(render(report, false), include_str!("golden/stat-empty.json"));
        });
    }

    #[test]
    fn the_greatest_numbers_fit() {
        let head = Head {
            usertrap_stat: u32::MAX,
            pid: u32::MAX,
            threads: u64::MAX,
            total: Total {
                calls: u64::MAX,
                errors: u64::MAX,
                time_ns: Some(u64::MAX),
            },
            trapped: u64::MAX,
            fast: u64::MAX,
            int80: u64::MAX,
            sites: Sites {
                rewritten: u64::MAX,
                refused: Refused([u64::MAX; Refusal::ALL.len()]),
            },
        };
        assert!(piece(&head, &mut [0; PIECE]).is_ok());
        let longest = (0..OTHER).filter_map(layout::name).max_by_key(|name| name.len());
        let row = Row {
            nr: Some(u32::MAX),
            name: longest,
            calls: u64::MAX,
            errors: u64::MAX,
            time_ns: Some(u64::MAX),
            p50_ns: Some(u64::MAX),
            p99_ns: Some(u64::MAX),
        };
        assert!(piece(&row, &mut [0; PIECE]).is_ok());
        assert!(piece(&row, &mut [0; 16]).is_err());
    }

    #[test]
    fn the_document_shows_this_format_and_names_each_member() {
        let document = include_str!("../../docs/stat-json.md");
        let mut rest = document;
        for json in [
            include_str!("golden/stat-time.json"),
            include_str!("golden/stat-tree.json"),
        ] {
            let json = json.trim_end();
            let (_, example) = rest.split_once("```json\n").unwrap();
            let (example, after) = example.split_once("\n```").unwrap();
            rest = after;
            assert_eq!(example.lines().map(str::trim_start).collect::<String>(), json);
        }
        for json in [
            include_str!("golden/stat-time.json"),
            include_str!("golden/stat-tree-time.json"),
        ] {
            let strings = json.split('"').skip(1).step_by(2);
            for member in strings.filter(|string| json.contains(&format!("\"{string}\":"))) {
                assert!(document.contains(&format!("`{member}`")), "{member}");
            }
        }
    }
}
