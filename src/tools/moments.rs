//! When calls were made, in the JSON report.

use core::fmt::{self, Write};
use core::sync::atomic::Ordering::Relaxed;

use super::json::{PIECE, comma, piece};
use super::timeline::{self, CELLS, Series};
use super::totals::Totals;
use super::{layout, threads};
use crate::hook::{Process, Report};

/// What there is in front of the cells.
#[derive(serde::Serialize)]
struct Head {
    duration_ns: Option<u64>,
    series: [&'static str; Series::COUNT],
}

/// Writes the timeline of all calls, with a comma in front.
pub(super) fn write(
    totals: &Totals,
    report: &Report<'_>,
    buffer: &mut [u8; PIECE],
    out: &mut dyn Write,
) -> fmt::Result {
    let head = Head {
        duration_ns: totals.ns(timeline::since(report.summary.ticks)),
        series: Series::NAMES,
    };
    out.write_str(",\"timeline\":")?;
    let head = piece(&head, buffer)?;
    out.write_str(head.strip_suffix('}').ok_or(fmt::Error)?)?;
    out.write_str(",\"cells\":[")?;
    let mut index = 0;
    for cell in 0..CELLS {
        let counts = counts(report, cell);
        if counts.iter().all(|&count| count == 0) {
            continue;
        }
        comma(index, out)?;
        index += 1;
        let (from, to) = timeline::bounds(cell);
        out.write_str("[")?;
        out.write_str(inner(&[totals.ns(from), totals.ns(to)], buffer)?)?;
        out.write_str(",")?;
        out.write_str(inner(&counts, buffer)?)?;
        out.write_str("]")?;
    }
    out.write_str("]}")
}

/// The calls of each series in a cell.
fn counts(report: &Report<'_>, cell: usize) -> [u64; Series::COUNT] {
    let mut sums = [0u64; Series::COUNT];
    report.for_each_thread(&mut |words| {
        // Where no call was made, nothing was written: reading would only
        // bring pages in.
        if let Some((calls, series)) = layout::moment(words, cell)
            && calls.load(Relaxed) != 0
        {
            for (sum, word) in sums.iter_mut().zip(series) {
                *sum = sum.saturating_add(word.load(Relaxed));
            }
        }
    });
    sums
}

/// Writes when a process made its calls, with a comma in front; nothing if that
/// is not known.
pub(super) fn write_activity(
    totals: &Totals,
    process: &Process<'_>,
    buffer: &mut [u8; PIECE],
    out: &mut dyn Write,
) -> fmt::Result {
    if !totals.timed() {
        return Ok(());
    }
    let mut calls = [0u64; CELLS];
    process.for_each_word(&mut |word, change| {
        if let Some(sum) = layout::cell(word).and_then(|cell| calls.get_mut(cell)) {
            *sum = sum.saturating_add(change);
        }
    });
    out.write_str(",\"activity\":[")?;
    let filled = calls.iter().enumerate().filter(|&(_, &calls)| calls != 0);
    for (index, (cell, &calls)) in filled.enumerate() {
        comma(index, out)?;
        let (from, to) = timeline::bounds(cell);
        out.write_str(piece(&[totals.ns(from), totals.ns(to), Some(calls)], buffer)?)?;
    }
    out.write_str("]")
}

/// Writes the threads of a process, with a comma in front; nothing if there is
/// none but the first.
pub(super) fn write_threads(
    totals: &Totals,
    report: &Report<'_>,
    process: &Process<'_>,
    buffer: &mut [u8; PIECE],
    out: &mut dyn Write,
) -> fmt::Result {
    if !totals.timed() {
        return Ok(());
    }
    let mut index = 0;
    let mut result = Ok(());
    report.for_each_thread(&mut |words| {
        let all = layout::log(words).map(threads::entries).into_iter().flatten();
        // A number may have been an earlier process's.
        let own = all.filter(|entry| entry.pid == process.summary.pid && Some(entry.began) >= process.began);
        for entry in own {
            let head = if index == 0 { ",\"lanes\":[" } else { "," };
            index += 1;
            let ns = |ticks| totals.ns(timeline::since(ticks));
            let lane = [
                Some(entry.tid.into()),
                ns(entry.began),
                ns(entry.last),
                Some(entry.calls),
            ];
            result = result.and_then(|()| out.write_str(head));
            result = result.and_then(|()| out.write_str(piece(&lane, buffer)?));
        }
    });
    result?;
    if index == 0 { Ok(()) } else { out.write_str("]") }
}

/// An array's text without its brackets.
fn inner<'b>(value: &impl serde::Serialize, buffer: &'b mut [u8; PIECE]) -> Result<&'b str, fmt::Error> {
    let text = piece(value, buffer)?;
    let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    inner.ok_or(fmt::Error)
}
