//! A policy: rules on calls by number and arguments, of which the first that matches
//! counts. It is decided on twice: in the process by [`Policy::decide`], and by the
//! kernel, which gets the [`program`].

pub mod program;

/// Rules that there may be.
pub const MOST: usize = 64;
/// Conditions that a rule may have.
pub const CONDITIONS: usize = 4;
/// Numbers that rules are for.
pub const NUMBERS: usize = 512;

/// What becomes of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// It is made.
    Allow,
    /// It is made, and told.
    Log,
    /// It fails with this error, 1 to 4095.
    Deny(u16),
    /// The process ends by SIGSYS.
    Kill,
}

/// How a value is compared, unsigned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operator {
    /// `==`, or `!=` if negated.
    Equal,
    /// `>`, or `<=`.
    Greater,
    /// `>=`, or `<`.
    AtLeast,
}

/// A comparison of an argument with a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Condition {
    /// 0 to 5.
    pub argument: u8,
    /// Only the lower half counts, as for arguments that are no wider in the kernel.
    pub low: bool,
    /// How.
    pub operator: Operator,
    /// The opposite.
    pub negated: bool,
    /// With what.
    pub value: u64,
}

impl Condition {
    const ALWAYS: Condition = Condition {
        argument: 0,
        low: false,
        operator: Operator::AtLeast,
        negated: false,
        value: 0,
    };

    fn holds(&self, args: &[u64; 6]) -> bool {
        let given = args.get(usize::from(self.argument)).copied().unwrap_or(0);
        let given = if self.low { given & 0xffff_ffff } else { given };
        let holds = match self.operator {
            Operator::Equal => given == self.value,
            Operator::Greater => given > self.value,
            Operator::AtLeast => given >= self.value,
        };
        holds != self.negated
    }
}

/// Numbers of calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Numbers([u64; NUMBERS / 64]);

impl Numbers {
    /// No number.
    pub const NONE: Numbers = Numbers([0; NUMBERS / 64]);

    /// Adds a number; one out of range changes nothing.
    pub const fn add(&mut self, number: usize) {
        if number < NUMBERS {
            self.0[number / 64] |= 1 << (number % 64);
        }
    }

    /// Whether it is among them.
    pub const fn contains(&self, number: usize) -> bool {
        number < NUMBERS && self.0[number / 64] >> (number % 64) & 1 != 0
    }

    /// Those that are among others too.
    pub fn among(&self, others: &[i64]) -> Numbers {
        let mut both = Numbers::NONE;
        for &other in others {
            if self.contains(other as usize) {
                both.add(other as usize);
            }
        }
        both
    }

    /// One by one.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        (0..NUMBERS).filter(|&number| self.contains(number))
    }
}

/// A rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rule {
    /// The calls that it is for.
    pub calls: Numbers,
    /// All of them must hold.
    pub conditions: [Condition; CONDITIONS],
    /// What becomes of the call.
    pub action: Action,
    /// The line in which it stands.
    pub line: u16,
}

/// All rules.
#[derive(Clone, Debug)]
pub struct Policy {
    rules: [Rule; MOST],
    used: usize,
    /// What becomes of calls that no rule matches.
    pub default: Action,
}

/// Calls that the kernel lets pass: a thread or a process has to end, a handler to return,
/// and the kernel restarts calls by itself.
pub const IN_PROCESS: [i64; 4] = [
    libc::SYS_rt_sigreturn,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_restart_syscall,
];

impl Policy {
    /// A policy without rules.
    pub const EMPTY: Policy = Policy {
        rules: [Rule {
            calls: Numbers::NONE,
            conditions: [Condition::ALWAYS; CONDITIONS],
            action: Action::Allow,
            line: 0,
        }; MOST],
        used: 0,
        default: Action::Allow,
    };

    /// No condition.
    pub const UNCONDITIONAL: [Condition; CONDITIONS] = [Condition::ALWAYS; CONDITIONS];

    /// Adds a rule. False: there is no room.
    pub fn add(&mut self, rule: Rule) -> bool {
        let Some(place) = self.rules.get_mut(self.used) else {
            return false;
        };
        *place = rule;
        self.used += 1;
        true
    }

    /// The rules in their order.
    pub fn rules(&self) -> &[Rule] {
        self.rules.get(..self.used).unwrap_or(&[])
    }

    /// What becomes of a call, and the place of the rule that says so; [`MOST`] for none.
    pub fn decide(&self, number: u32, args: &[u64; 6]) -> (usize, Action) {
        let matches = |rule: &Rule| {
            rule.calls.contains(number as usize) && rule.conditions.iter().all(|condition| condition.holds(args))
        };
        match self.rules().iter().enumerate().find(|(_, rule)| matches(rule)) {
            Some((place, rule)) => (place, rule.action),
            None => (MOST, self.default),
        }
    }

    /// Whether a call may fare otherwise than without a policy.
    pub fn concerns(&self, number: usize) -> bool {
        self.default != Action::Allow
            || self
                .rules()
                .iter()
                .any(|rule| rule.action != Action::Allow && rule.calls.contains(number))
    }

    /// Whether anything is forbidden.
    pub fn forbids(&self) -> bool {
        let forbids = |action: Action| matches!(action, Action::Deny(_) | Action::Kill);
        forbids(self.default) || self.rules().iter().any(|rule| forbids(rule.action))
    }
}

impl Rule {
    /// The conditions that there are.
    pub fn tests(&self) -> impl Iterator<Item = &Condition> {
        self.conditions
            .iter()
            .filter(|condition| **condition != Condition::ALWAYS)
    }
}
