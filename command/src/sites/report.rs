//! What was found, as text or JSON.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Value, json};

use super::module::Module;
use super::survey::{Fate, Survey};

/// What is said of one file or mapping.
pub(super) struct Report<'a> {
    /// The file or the mapping.
    pub(super) name: String,
    /// Its code.
    pub(super) module: &'a Module,
    /// What was found in it.
    pub(super) survey: Survey,
    /// The table that was reckoned with.
    pub(super) table: u32,
}

/// Sites by what becomes of them.
#[derive(Default)]
struct Totals {
    sites: usize,
    rewritten: BTreeMap<&'static str, usize>,
    refused: BTreeMap<&'static str, usize>,
    inside: usize,
    unsure: usize,
}

impl Totals {
    fn add(&mut self, survey: &Survey) {
        for site in &survey.sites {
            self.sites += 1;
            let (counts, name) = match site.fate {
                Fate::Rewrite(form) | Fate::Rewritten(form) => (&mut self.rewritten, form),
                Fate::Refuse(refusal) => (&mut self.refused, refusal.name()),
            };
            *counts.entry(name).or_default() += 1;
        }
        self.inside += survey.inside;
        self.unsure += survey.unsure;
    }

    fn rewritten(&self) -> usize {
        self.rewritten.values().sum()
    }

    fn share(&self, count: usize) -> f64 {
        100.0 * count as f64 / self.sites.max(1) as f64
    }
}

/// The percentage, cut and not rounded up: all is all.
fn percent(share: f64) -> f64 {
    (share * 100.0).floor() / 100.0
}

/// What no look at a file can know.
const NOTES: &str = "\
Each site is judged as at a first call that comes by the code before it. Only run
time knows the number in rax (number-mismatch), what else is mapped, protected or
writable there, padding that another site has taken, and whether rewriting is on.
";

/// The reports as text.
pub(super) fn text(reports: &[Report<'_>]) -> String {
    let mut out = String::new();
    let mut all = Totals::default();
    for report in reports {
        let mut totals = Totals::default();
        totals.add(&report.survey);
        all.add(&report.survey);
        let _ = writeln!(out, "{}: table {:#010x}", report.name, report.table);
        lines(&mut out, report);
        sums(&mut out, &totals);
    }
    if reports.len() > 1 {
        out.push_str("all:\n");
        sums(&mut out, &all);
    }
    out.push_str(NOTES);
    out
}

fn lines(out: &mut String, report: &Report<'_>) {
    if report.survey.sites.is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "{:>18} {:>10}  {:>6}  {:<16} function",
        "address", "offset", "number", "what"
    );
    for site in &report.survey.sites {
        let number = site.number.map_or("-".to_owned(), |number| number.to_string());
        let what = match site.fate {
            Fate::Rewrite(form) => form.to_owned(),
            Fate::Rewritten(form) => format!("{form}, done"),
            Fate::Refuse(refusal) => format!("! {}", refusal.name()),
        };
        let _ = writeln!(
            out,
            "{:#18x} {:#10x}  {number:>6}  {what:<16} {}",
            report.address(site.address),
            report.offset(site.address).unwrap_or(0),
            report.module.symbol(site.address).unwrap_or("-")
        );
    }
}

fn sums(out: &mut String, totals: &Totals) {
    let mut line = |count: usize, what: &str| {
        let _ = writeln!(out, "{count:>10} {:>7.2}%  {what}", percent(totals.share(count)));
    };
    line(totals.sites, "sites");
    line(totals.rewritten(), "rewritten");
    for (form, count) in &totals.rewritten {
        line(*count, &format!("  {form}"));
    }
    for (reason, count) in &totals.refused {
        line(*count, &format!("refused: {reason}"));
    }
    let _ = writeln!(
        out,
        "{:>10}           pairs of bytes that are not an instruction",
        totals.inside
    );
    if totals.unsure != 0 {
        let _ = writeln!(
            out,
            "{:>10}           pairs in no function, of which only run time can tell",
            totals.unsure
        );
    }
}

impl Report<'_> {
    /// An address as the file has it; in a process, as it is there.
    fn address(&self, address: u64) -> u64 {
        if self.module.live {
            address
        } else {
            address.wrapping_sub(self.module.bias)
        }
    }

    /// Where in the file an address lies.
    fn offset(&self, address: u64) -> Option<u64> {
        let vma = self.module.part(address)?.vma;
        Some(address - vma.start + vma.offset)
    }
}

/// The reports as JSON: docs/sites-json.md.
pub(super) fn json(reports: &[Report<'_>]) -> String {
    let mut all = Totals::default();
    let modules: Vec<Value> = reports
        .iter()
        .map(|report| {
            let mut totals = Totals::default();
            totals.add(&report.survey);
            all.add(&report.survey);
            let sites: Vec<Value> = report.survey.sites.iter().map(|site| one(report, site)).collect();
            json!({"name": report.name, "table": report.table, "sites": sites, "totals": total(&totals)})
        })
        .collect();
    json!({"usertrap_sites": 1, "modules": modules, "totals": total(&all)}).to_string() + "\n"
}

fn one(report: &Report<'_>, site: &super::survey::Site) -> Value {
    let (fate, form, refusal) = match site.fate {
        Fate::Rewrite(form) => ("rewrite", Some(form), None),
        Fate::Rewritten(form) => ("rewritten", Some(form), None),
        Fate::Refuse(refusal) => ("refuse", None, Some(refusal.name())),
    };
    json!({
        "address": report.address(site.address),
        "offset": report.offset(site.address),
        "function": report.module.symbol(site.address),
        "number": site.number,
        "fate": fate,
        "tactic": form,
        "refusal": refusal,
    })
}

fn total(totals: &Totals) -> Value {
    json!({
        "sites": totals.sites,
        "rewritten": totals.rewritten(),
        "share": percent(totals.share(totals.rewritten())),
        "tactics": totals.rewritten,
        "refused": totals.refused,
        "not_an_instruction": totals.inside,
        "unsure": totals.unsure,
    })
}
