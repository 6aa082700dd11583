//! `usertrap sites --vet`: every pair of bytes that could be a system call, and
//! whether it is proved to be one or to be none.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Value, json};

use super::module::Module;
use crate::prover::trampoline::Ours;
use crate::prover::vet::{Verdict, judge, pairs, room};
use crate::prover::vma::Vma;

/// One pair.
struct Pair {
    address: u64,
    bytes: [u8; 2],
    verdict: Verdict,
}

/// What is said of one file or mapping.
pub(super) struct Vetted<'a> {
    name: String,
    module: &'a Module,
    pairs: Vec<Pair>,
    /// Why what was found may not be what is there a moment later.
    changes: Option<&'static str>,
}

/// Vets all executable parts of a module.
pub(super) fn vet<'a>(name: String, module: &'a Module, ours: &Ours) -> Vetted<'a> {
    let mut room = Box::new(room());
    let mut found = Vec::new();
    let mut changes = None;
    for part in module.parts.iter().filter(|part| part.vma.protection.execute) {
        let code = part.code();
        match part.vma {
            Vma { protection, .. } if protection.write => changes = Some("writable"),
            Vma { shared: true, .. } => changes = Some("shared"),
            _ => {}
        }
        let next = module.part(part.vma.end).filter(|next| next.vma.protection.execute);
        let next = next
            .and_then(|next| next.code().array::<1>(part.vma.end))
            .map(|[byte]| byte);
        for at in pairs(&part.bytes, next) {
            let address = part.vma.start + at as u64;
            let first = part.bytes.get(at).copied().unwrap_or(0);
            let second = part.bytes.get(at + 1).copied().or(next).unwrap_or(0);
            found.push(Pair {
                address,
                bytes: [first, second],
                verdict: judge(&mut room, &code, address, ours, module),
            });
        }
    }
    found.sort_by_key(|pair| pair.address);
    Vetted {
        name,
        module,
        pairs: found,
        changes,
    }
}

/// The words for a verdict: what it is, and the form or the reason.
fn words(verdict: &Verdict) -> (&'static str, Option<&'static str>) {
    match verdict {
        Verdict::Site(form) => ("site", Some(form.name())),
        Verdict::Trap(refusal) => ("trap", Some(refusal.name())),
        Verdict::Inside => ("inside", None),
        Verdict::Unproven(doubt) => ("unproven", Some(doubt.name())),
    }
}

impl Vetted<'_> {
    fn totals(&self) -> BTreeMap<(&'static str, Option<&'static str>), usize> {
        let mut totals = BTreeMap::new();
        for pair in &self.pairs {
            *totals.entry(words(&pair.verdict)).or_default() += 1;
        }
        totals
    }

    fn unproven(&self) -> usize {
        let is_unproven = |pair: &&Pair| matches!(pair.verdict, Verdict::Unproven(_));
        self.pairs.iter().filter(is_unproven).count()
    }

    /// An address as the file has it; in a process, as it is there.
    fn address(&self, address: u64) -> u64 {
        let bias = if self.module.live { 0 } else { self.module.bias };
        address.wrapping_sub(bias)
    }
}

/// As text: the pairs that are unproven one by one, the others by number.
pub(super) fn text(reports: &[Vetted<'_>]) -> String {
    let mut out = String::new();
    let (mut all, mut unproven) = (0, 0);
    for report in reports {
        let _ = write!(out, "{}: {} pairs", report.name, report.pairs.len());
        let _ = match report.changes {
            Some(changes) => writeln!(out, ", {changes}"),
            None => writeln!(out),
        };
        for pair in &report.pairs {
            if let Verdict::Unproven(doubt) = pair.verdict {
                let [first, second] = pair.bytes;
                let symbol = report.module.symbol(pair.address).unwrap_or("-");
                let address = report.address(pair.address);
                let _ = writeln!(
                    out,
                    "{address:#18x}  {first:02x} {second:02x}  {:<12} {symbol}",
                    doubt.name()
                );
            }
        }
        for ((verdict, detail), count) in report.totals() {
            let detail = detail.map_or_else(String::new, |detail| format!(": {detail}"));
            let _ = writeln!(out, "{count:>10}  {verdict}{detail}");
        }
        all += report.pairs.len();
        unproven += report.unproven();
    }
    let changing = changing(reports);
    let _ = writeln!(
        out,
        "all: {all} pairs, {unproven} unproven; {changing} mappings writable or shared"
    );
    out
}

/// How many may change.
fn changing(reports: &[Vetted<'_>]) -> usize {
    reports.iter().filter(|report| report.changes.is_some()).count()
}

/// As JSON: docs/sites-json.md.
pub(super) fn json(reports: &[Vetted<'_>]) -> String {
    let modules: Vec<Value> = reports
        .iter()
        .map(|report| {
            let pairs: Vec<Value> = report.pairs.iter().map(|pair| one(report, pair)).collect();
            json!({"name": report.name, "pairs": pairs, "unproven": report.unproven(), "changes": report.changes})
        })
        .collect();
    let unproven: usize = reports.iter().map(Vetted::unproven).sum();
    let changing = changing(reports);
    json!({"usertrap_vet": 1, "modules": modules, "unproven": unproven, "changing": changing}).to_string() + "\n"
}

fn one(report: &Vetted<'_>, pair: &Pair) -> Value {
    let [first, second] = pair.bytes;
    let (verdict, detail) = words(&pair.verdict);
    json!({
        "address": report.address(pair.address),
        "bytes": format!("{first:02x} {second:02x}"),
        "function": report.module.symbol(pair.address),
        "verdict": verdict,
        "detail": detail,
    })
}
