//! The processes of a tree in the text report: a line each.

use core::fmt::{self, Write};

use super::processes::printable;
use super::totals::{Counts, Totals};
use crate::hook::{End, Process, Report, Tree};

/// The most processes that have a line each.
const LINES: u64 = 256;

/// How a process has ended, as it is shown.
struct Fate(End);

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            End::Running => f.pad("runs"),
            End::Silent => f.pad("killed"),
            End::Native => f.pad("native"),
            End::Exit(status) => {
                let width = f.width().unwrap_or(0).saturating_sub("exit ".len());
                write!(f, "exit {status:<width$}")
            }
        }
    }
}

/// Writes the table of processes, if there are several, and says what is not
/// in the report.
pub(super) fn write(totals: &Totals, report: &Report<'_>, out: &mut dyn Write) -> fmt::Result {
    let Some(tree) = report.tree else { return Ok(()) };
    uncounted(tree, out)?;
    let processes = count(tree);
    if processes < 2 {
        return Ok(());
    }
    writeln!(out)?;
    let titles = ["calls", "errors", "by the trap", "sites", "pid"];
    let [calls, errors, trapped, sites, pid] = titles;
    writeln!(
        out,
        "{calls:>12}  {errors:>10}  {trapped:>12}  {sites:>7}  {pid:>7}  {:<8}  name",
        "end"
    )?;

    let mut lines = 0;
    // What the lines do not show.
    let mut rest = totals.all;
    let mut trapped = report.summary.trapped;
    let mut sites = report.summary.rewritten;
    let mut result = Ok(());
    tree.for_each(&mut |process| {
        if lines < LINES {
            lines += 1;
            rest = rest.less(Counts {
                calls: process.calls,
                errors: process.errors,
                ticks: 0,
            });
            trapped = trapped.saturating_sub(process.summary.trapped);
            sites = sites.saturating_sub(process.summary.rewritten);
            result = result.and_then(|()| line(process, out));
        }
    });
    result?;
    if processes == lines {
        return Ok(());
    }
    let more = processes - lines;
    writeln!(
        out,
        "{:>12}  {:>10}  {trapped:>12}  {sites:>7}  {:>7}  {:<8}  ({more} more)",
        rest.calls, rest.errors, "", ""
    )
}

/// How many processes the tree has had.
pub(super) fn count(tree: &dyn Tree) -> u64 {
    tree.others().processes + tree.len() as u64
}

fn line(process: &Process<'_>, out: &mut dyn Write) -> fmt::Result {
    let summary = &process.summary;
    writeln!(
        out,
        "{:>12}  {:>10}  {:>12}  {:>7}  {:>7}  {:<8}  {}",
        process.calls,
        process.errors,
        summary.trapped,
        summary.rewritten,
        summary.pid,
        Fate(process.end),
        printable(&process.name, &mut [0; 16])
    )
}

fn uncounted(tree: &dyn Tree, out: &mut dyn Write) -> fmt::Result {
    let others = tree.others();
    for (number, what) in [
        (others.uncounted_threads, "threads not counted: no room"),
        (others.uncounted_processes, "processes not counted: no room"),
    ] {
        if number != 0 {
            writeln!(out, "{number:>12}  {what}")?;
        }
    }
    Ok(())
}
