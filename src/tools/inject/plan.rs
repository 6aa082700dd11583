//! All rules: part of the configured core, and so of the tree file.

use super::parse::{self, Error};
use super::rule::{MILLION, Rule};
use crate::hook::Interest;

/// Rules that there may be.
pub(super) const MOST: usize = 32;

/// Numbers that rules are for.
pub(super) const NUMBERS: usize = 512;

/// Which rule is for which call.
#[derive(Debug)]
pub(crate) struct Plan {
    rules: [Rule; MOST],
    used: usize,
    /// The rule of each number, plus 1.
    of: [u8; NUMBERS],
    seed: u64,
}

static PLAN: spin::Once<Plan> = spin::Once::new();
static NOTHING: Plan = Plan::new(0);

/// The rules that [`configure`] has set.
pub(super) fn plan() -> &'static Plan {
    PLAN.get().unwrap_or(&NOTHING)
}

/// Takes the settings; before the hook is asked for its interest.
#[inline(never)]
pub(crate) fn configure(text: &[u8], seed: u64) {
    if let Ok(plan) = Plan::parse(text, seed) {
        PLAN.call_once(|| plan);
    }
}

/// Whether the text is a list of rules.
pub(crate) fn check(text: &[u8]) -> Result<(), Error<'_>> {
    Plan::parse(text, 0).map(drop)
}

impl Plan {
    const fn new(seed: u64) -> Plan {
        Plan {
            rules: [Rule::NONE; MOST],
            used: 0,
            of: [0; NUMBERS],
            seed,
        }
    }

    /// Expressions with `;` between them. Of two for one call the later counts, as for strace.
    pub(super) fn parse(text: &[u8], seed: u64) -> Result<Plan, Error<'_>> {
        let mut plan = Plan::new(seed);
        for expression in text.split(|&byte| byte == b';') {
            let (calls, rule) = parse::expression(expression)?;
            let place = plan.rules.get_mut(plan.used).ok_or(Error::TooMany)?;
            *place = rule;
            plan.used += 1;
            for (number, of) in plan.of.iter_mut().enumerate() {
                if calls.contains(number) {
                    *of = plan.used as u8;
                }
            }
        }
        Ok(plan)
    }

    /// The rule for a call.
    pub(super) fn rule(&self, number: u32) -> Option<&Rule> {
        let of = *self.of.get(number as usize)?;
        self.rules.get(usize::from(of.checked_sub(1)?))
    }

    /// The calls that there are rules for.
    pub(super) fn numbers(&self) -> Interest {
        let numbers = (0..NUMBERS).filter(|&number| self.rule(number as u32).is_some());
        numbers.fold(Interest::none(), Interest::with)
    }

    pub(super) fn seed(&self) -> u64 {
        self.seed
    }

    /// Whether a rule leaves something to chance.
    pub(super) fn is_random(&self) -> bool {
        self.rules.iter().take(self.used).any(|rule| rule.chance != MILLION)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_later_rule_of_a_call_counts() {
        let plan = Plan::parse(b"read,write:error=EIO;inject=read:retval=7:chance=5%", 3).unwrap();
        assert_eq!(plan.rule(0).unwrap().result, Some(7));
        assert_eq!(plan.rule(1).unwrap().result, Some(-5));
        assert_eq!(plan.rule(2), None);
        assert_eq!(plan.rule(600), None);
        assert!(plan.is_random() && plan.numbers().contains(1) && !plan.numbers().contains(2));
        assert!(!Plan::parse(b"read:error=1", 0).unwrap().is_random());
    }

    #[test]
    fn there_is_room_for_so_many_rules() {
        let text = |count: usize| vec!["read:error=1"; count].join(";");
        assert!(check(text(MOST).as_bytes()).is_ok());
        assert_eq!(check(text(MOST + 1).as_bytes()), Err(Error::TooMany));
    }
}
