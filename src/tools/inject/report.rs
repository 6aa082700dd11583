//! The report: which calls were injected what, and how often.

use core::fmt::{self, Write};

use super::plan::{NUMBERS, Plan};
use super::words::Words;
use crate::hook::Report;
use crate::tools::trace;

/// Writes the report.
pub(super) fn write(plan: &Plan, report: &Report<'_>, out: &mut dyn Write) -> fmt::Result {
    let mut sums = [[0u64; 2]; NUMBERS];
    report.for_each_thread(&mut |words| {
        let Some(words) = Words::of(words) else { return };
        for (number, sums) in sums.iter_mut().enumerate() {
            for (sum, more) in sums.iter_mut().zip(words.sums(number)) {
                *sum = sum.wrapping_add(more);
            }
        }
    });
    write!(out, "usertrap inject: pid {}", report.summary.pid)?;
    if plan.is_random() {
        write!(out, ", seed {}", plan.seed())?;
    }
    writeln!(out, "\n{:>12}  {:>12}  name", "injected", "calls")?;
    for (number, [calls, injected]) in sums.into_iter().enumerate() {
        if calls == 0 {
            continue;
        }
        write!(out, "{injected:>12}  {calls:>12}  ")?;
        match trace::call_name(number as u32) {
            Some(name) => write!(out, "{name}")?,
            None => write!(out, "syscall_{number}")?,
        }
        match plan.rule(number as u32) {
            Some(rule) => writeln!(out, "  {rule}")?,
            None => writeln!(out)?,
        }
    }
    Ok(())
}
