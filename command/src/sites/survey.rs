//! The sites of a module, and what the library would do with each.

use std::collections::{BTreeMap, BTreeSet};

use iced_x86::Mnemonic;

use super::module::{Module, Part};
use super::numbers::Registers;
use crate::prover::boundary;
use crate::prover::decide::decide;
use crate::prover::refusal::Refusal;
use crate::prover::site::{Form, Place};
use crate::prover::trampoline::Ours;
use crate::prover::vet::Module as _;
use crate::prover::vma::Policy;

/// What becomes of a site.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fate {
    /// It would be rewritten in this form.
    Rewrite(&'static str),
    /// It is rewritten, in the process that was looked at.
    Rewritten(&'static str),
    /// It would be left to trap.
    Refuse(Refusal),
}

/// One site.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Site {
    /// The address of the `syscall`.
    pub(super) address: u64,
    /// The call's number, where the code says it.
    pub(super) number: Option<u32>,
    /// What becomes of it.
    pub(super) fate: Fate,
}

/// What was found in a module.
#[derive(Default)]
pub(super) struct Survey {
    /// The sites, by address.
    pub(super) sites: Vec<Site>,
    /// Pairs of bytes that look like one and lie in other instructions.
    pub(super) inside: usize,
    /// Pairs of which only run time can say whether they are one.
    pub(super) unsure: usize,
}

const PAIR: [u8; 2] = [0x0f, 0x05];

/// Looks through all executable parts of a module. `rewritten` are the sites
/// that have been rewritten already, with their forms.
pub(super) fn survey(module: &Module, ours: &Ours, rewritten: &BTreeMap<u64, &'static str>) -> Survey {
    let mut survey = Survey::default();
    for part in module.parts.iter().filter(|part| part.vma.protection.execute) {
        look_through(module, part, ours, rewritten, &mut survey);
    }
    survey.sites.sort_by_key(|site| site.address);
    survey
}

fn look_through(
    module: &Module,
    part: &Part,
    ours: &Ours,
    rewritten: &BTreeMap<u64, &'static str>,
    survey: &mut Survey,
) {
    let code = part.code();
    let mut sites = BTreeMap::new();
    // Where straight decodes of functions have been.
    let mut decoded = Vec::new();
    for (start, end) in module.functions(part) {
        let mut registers = Registers::new(code.instructions(start, end));
        let mut behind = start;
        for instruction in code.instructions(start, end) {
            behind = instruction.next_ip();
            let site = behind.wrapping_sub(2);
            if instruction.mnemonic() == Mnemonic::Syscall {
                sites.insert(site, registers.number(instruction.ip()));
            }
            registers.step(&instruction);
        }
        decoded.push((start, behind));
    }
    let mut unsure = BTreeSet::new();
    let pairs = part.bytes.windows(2).enumerate().filter(|(_, pair)| **pair == PAIR);
    for address in pairs.map(|(at, _)| part.vma.start + at as u64) {
        if sites.contains_key(&address) || rewritten.contains_key(&address) {
            continue;
        }
        let at = decoded.partition_point(|(start, _)| *start <= address);
        let in_function = at
            .checked_sub(1)
            .and_then(|at| decoded.get(at))
            .is_some_and(|(_, end)| address < *end);
        if in_function {
            survey.inside += 1;
        } else if boundary::vote(&part.around(address), address).is_some() {
            unsure.insert(address);
        } else {
            survey.unsure += 1;
        }
    }
    for site in unsure {
        sites.insert(site, loaded_by_one(module, part, site));
    }
    for (address, form) in rewritten.iter().filter(|(address, _)| part.vma.contains(**address)) {
        sites.remove(address);
        survey.sites.push(Site {
            address: *address,
            number: None,
            fate: Fate::Rewritten(form),
        });
    }
    for (address, number) in sites {
        survey.sites.push(Site {
            address,
            number,
            fate: judge(module, part, address, number, ours),
        });
    }
}

/// The number that the one instruction before the site loads.
fn loaded_by_one(module: &Module, part: &Part, site: u64) -> Option<u32> {
    let number = |rax: u32| match decide(&Place::new(&part.around(site), site, rax.into(), &Ours::NONE), |at| {
        module.function(at)
    }) {
        Ok(Form::Number { nr } | Form::Wide { nr }) => Some(nr),
        _ => None,
    };
    let four = part.code().array(site.checked_sub(4)?)?;
    number(u32::from_le_bytes(four))
}

/// What the library does when the site is called with this number, by way of the
/// code before it.
fn judge(module: &Module, part: &Part, site: u64, number: Option<u32>, ours: &Ours) -> Fate {
    let policy = match part.vma.policy() {
        Ok(policy) => policy,
        Err(refusal) => return Fate::Refuse(refusal),
    };
    // A number that is in no register of a call is none that anything expects.
    let rax = number.map_or(u64::MAX, u64::from);
    match decide(&Place::new(&part.around(site), site, rax, ours), |at| {
        module.function(at)
    }) {
        Ok(_) if policy == Policy::PatchWhenHot => Fate::Refuse(Refusal::SelfMade),
        Ok(form) => Fate::Rewrite(form.name()),
        Err(refusal) => Fate::Refuse(refusal),
    }
}
