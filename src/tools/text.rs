//! The stat report for people: a table, then what the core did.

use core::fmt::{self, Write};

use super::totals::Totals;
use super::{layout, lines};
use crate::hook::Report;
use crate::rewrite::refusal::Refusal;

/// Parts of a whole, shown as a percentage with one decimal place. Rounded
/// down, so that 100.0 is all and nothing less.
struct Percent(u64, u64);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = self.0.saturating_mul(1000).checked_div(self.1).unwrap_or(0);
        let width = f.width().unwrap_or(0).saturating_sub(".0%".len());
        write!(f, "{:>width$}.{}%", tenths / 10, tenths % 10)
    }
}

/// Nanoseconds, if there are any, as microseconds.
struct Micros(Option<u64>);

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = f.width().unwrap_or(0);
        match self.0 {
            Some(ns) => {
                let width = width.saturating_sub(".000".len());
                write!(f, "{:>width$}.{:03}", ns / 1000, ns % 1000)
            }
            None => write!(f, "{:>width$}", "-"),
        }
    }
}

/// Writes the report.
pub(super) fn write(totals: &Totals, report: &Report<'_>, out: &mut dyn Write) -> fmt::Result {
    write!(out, "usertrap stat: pid {}", report.summary.pid)?;
    match report.tree.map_or(0, lines::count) {
        0 | 1 => writeln!(out)?,
        processes => writeln!(out, ", {processes} processes")?,
    }
    table(totals, report, out)?;
    writeln!(out)?;
    core(totals, report, out)?;
    lines::write(totals, report, out)
}

/// The calls, one row a number.
fn table(totals: &Totals, report: &Report<'_>, out: &mut dyn Write) -> fmt::Result {
    write!(out, "{:>12}  {:>10}", "calls", "errors")?;
    if totals.timed() {
        write!(out, "  {:>13}  {:>13}  {:>13}", "total us", "p50 us", "p99 us")?;
    }
    writeln!(out, "  {:>7}  name", "share")?;

    let all = &totals.all;
    for (row, counts) in totals.ranking() {
        write!(out, "{:>12}  {:>10}", counts.calls, counts.errors)?;
        if totals.timed() {
            let times = totals.times(row, counts, report);
            let total = Micros(times.map(|times| times.total_ns));
            let p50 = Micros(times.map(|times| times.p50_ns));
            let p99 = Micros(times.map(|times| times.p99_ns));
            write!(out, "  {total:>13}  {p50:>13}  {p99:>13}")?;
        }
        let share = Percent(counts.calls, all.calls);
        writeln!(out, "  {share:>7}  {}", layout::name(row).unwrap_or("(other)"))?;
    }

    write!(out, "{:>12}  {:>10}", all.calls, all.errors)?;
    if totals.timed() {
        write!(out, "  {:>13}  {:>13}  {:>13}", Micros(totals.all_ns()), "", "")?;
    }
    writeln!(out, "  {:>7}  total", Percent(all.calls, all.calls))
}

/// What the core did to serve them.
fn core(totals: &Totals, report: &Report<'_>, out: &mut dyn Write) -> fmt::Result {
    let summary = &report.summary;
    let all = totals.all.calls;
    let fast = all.saturating_sub(summary.trapped);
    writeln!(out, "{:>12}  sites rewritten", summary.rewritten)?;
    for (reason, &sites) in Refusal::ALL.iter().zip(&summary.refused) {
        if sites != 0 {
            writeln!(out, "{sites:>12}  sites refused: {}", reason.name())?;
        }
    }
    writeln!(
        out,
        "{:>12}  calls by the trap ({})",
        summary.trapped,
        Percent(all - fast, all)
    )?;
    writeln!(out, "{fast:>12}  calls by the fast path ({})", Percent(fast, all))?;
    if summary.int80 != 0 {
        writeln!(out, "{:>12}  int $0x80 calls, refused", summary.int80)?;
    }
    writeln!(out, "{:>12}  threads", summary.threads)
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
            assert_eq!(render(report, false), include_str!("golden/stat.txt"));
        });
    }

    #[test]
    fn golden_with_times() {
        with_report(true, 3000, |report| {
            assert_eq!(render(report, true), include_str!("golden/stat-time.txt"));
        });
    }

    #[test]
    fn golden_of_a_tree() {
        with_tree_report(false, |report| {
            assert_eq!(render(report, false), include_str!("golden/stat-tree.txt"));
        });
    }

    #[test]
    fn without_a_rate_the_table_has_no_times() {
        with_report(true, 0, |report| {
            assert_eq!(render(report, true), include_str!("golden/stat.txt"));
        });
    }

    #[test]
    fn golden_of_nothing() {
        with_empty_report(|report| {
            assert_eq!(render(report, false), include_str!("golden/stat-empty.txt"));
        });
    }

    #[test]
    fn percentages_are_rounded_down() {
        for (part, whole, text) in [
            (0, 0, "0.0%"),
            (1, 3, "33.3%"),
            (9999, 10_000, "99.9%"),
            (7, 7, "100.0%"),
        ] {
            assert_eq!(Percent(part, whole).to_string(), text);
        }
        assert_eq!(format!("{:>7}|{:>7}", Percent(1, 2), Percent(1, 1)), "  50.0%| 100.0%");
    }
}
