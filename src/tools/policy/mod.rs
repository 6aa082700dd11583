//! The policy tool: calls are allowed, denied, told or deadly, by number and by the
//! values of their arguments.
//!
//! The rules are kept twice (`arm::policy`): here, where denied calls are answered
//! without the kernel, and by the kernel, against code that goes past us.
//!
//! | module | what it does |
//! |---|---|
//! | [`parse`] | text to rules |

pub(crate) mod parse;

use core::fmt;
use core::sync::atomic::Ordering::Relaxed;

use crate::arm::policy::program::OWN;
use crate::arm::policy::{Action, IN_PROCESS, MOST, Numbers, Policy as Rules, Rule};
use crate::hook::{Call, Hook, Interest, Report, TreeWords, VectorUse, Verdict};
use crate::kernel::{log, process};
use crate::setup::config::Level;
use crate::tools::trace;

/// The hook that keeps a policy.
#[derive(Debug)]
pub struct Policy;

static RULES: spin::Once<Rules> = spin::Once::new();
static NONE: Rules = Rules::EMPTY;

/// Takes the rules; before the hook is asked for its interest.
pub(crate) fn configure(rules: Rules) {
    RULES.call_once(|| rules);
}

/// The rules, if there are some that the kernel has to keep.
pub(crate) fn for_kernel() -> Option<&'static Rules> {
    RULES.get().filter(|rules| rules.forbids())
}

fn rules() -> &'static Rules {
    RULES.get().unwrap_or(&NONE)
}

/// Says of each rule who keeps it.
pub(crate) fn explain() {
    for rule in rules().rules() {
        log::line(
            Level::Error,
            format_args!("policy line {}: {}: {}", rule.line, Shown(rule.action), Kept(rule)),
        );
    }
    let by = match rules().default {
        Action::Allow | Action::Log => "forbids nothing",
        _ => "kept by the kernel, but not for calls of usertrap's own, and for those by which a program ends",
    };
    log::line(
        Level::Error,
        format_args!("policy default: {}: {by}", Shown(rules().default)),
    );
}

/// By whom a rule is kept.
struct Kept<'a>(&'a Rule);

impl fmt::Display for Kept<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Rule { calls, action, .. } = self.0;
        if matches!(action, Action::Allow | Action::Log) {
            return f.write_str("forbids nothing");
        }
        let (own, in_process) = (calls.among(&OWN), calls.among(&IN_PROCESS));
        if in_process == *calls {
            return f.write_str("kept in the process only: without such calls no program ends, and no handler");
        }
        f.write_str("kept by the kernel")?;
        if own == Numbers::NONE && in_process == Numbers::NONE {
            f.write_str(", wherever the call comes from")?;
        }
        if own != Numbers::NONE {
            f.write_str(", but not at the addresses from which usertrap makes such calls for itself:")?;
            own.iter()
                .try_for_each(|number| write!(f, " {}", Name(number as u32)))?;
        }
        if in_process != Numbers::NONE {
            f.write_str("; in the process only:")?;
            in_process
                .iter()
                .try_for_each(|number| write!(f, " {}", Name(number as u32)))?;
        }
        Ok(())
    }
}

/// An action in the words of a policy.
struct Shown(Action);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Action::Allow => f.write_str("allow"),
            Action::Log => f.write_str("log"),
            Action::Kill => f.write_str("kill"),
            Action::Deny(error) => match trace::error_name(error.into()) {
                Some(name) => write!(f, "deny {name}"),
                None => write!(f, "deny {error}"),
            },
        }
    }
}

/// A call by its name.
struct Name(u32);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match trace::call_name(self.0) {
            Some(name) => f.write_str(name),
            None => write!(f, "syscall_{}", self.0),
        }
    }
}

/// Writes a line of a call that is logged, or deadly.
fn tell(call: &Call<'_>, place: usize, action: Action) {
    let [a, b, c, d, e, f] = *call.args();
    let name = Name(call.number());
    let action = Shown(action);
    match rules().rules().get(place) {
        Some(rule) => log::line(
            Level::Error,
            format_args!(
                "policy line {}: {action} {name}({a:#x}, {b:#x}, {c:#x}, {d:#x}, {e:#x}, {f:#x})",
                rule.line
            ),
        ),
        None => log::line(
            Level::Error,
            format_args!("policy default: {action} {name}({a:#x}, {b:#x}, {c:#x}, {d:#x}, {e:#x}, {f:#x})"),
        ),
    }
}

impl Hook for Policy {
    fn name(&self) -> &'static str {
        "policy"
    }

    fn interest(&self) -> Interest {
        let concerned = (0..Interest::NUMBERS).filter(|&number| rules().concerns(number));
        concerned.fold(Interest::none(), Interest::with)
    }

    fn vector_use(&self) -> VectorUse {
        VectorUse::Sse
    }

    /// One for each rule, and for the default.
    fn thread_words(&self) -> usize {
        MOST + 1
    }

    fn tree(&self) -> Option<TreeWords> {
        Some(TreeWords {
            own: 0,
            rows: 0,
            cells: 0,
            goes_on: false,
        })
    }

    fn enter(&self, call: &mut Call<'_>) -> Verdict {
        let (place, action) = rules().decide(call.number(), call.args());
        if let Some(count) = call.words().get(place) {
            count.store(count.load(Relaxed).wrapping_add(1), Relaxed);
        }
        match action {
            Action::Allow => Verdict::Pass,
            Action::Deny(error) => Verdict::Answer(-i64::from(error)),
            Action::Log => {
                tell(call, place, action);
                Verdict::Pass
            }
            Action::Kill => {
                tell(call, place, action);
                process::die_of(libc::SIGSYS)
            }
        }
    }

    fn report(&self, report: &Report<'_>, out: &mut dyn fmt::Write) -> fmt::Result {
        let mut counts = [0u64; MOST + 1];
        report.for_each_thread(&mut |words| {
            for (count, word) in counts.iter_mut().zip(words) {
                *count = count.wrapping_add(word.load(Relaxed));
            }
        });
        writeln!(out, "usertrap policy: pid {}", report.summary.pid)?;
        writeln!(out, "{:>12}  {:>7}  action", "calls", "line")?;
        for (count, rule) in counts.into_iter().zip(rules().rules()) {
            writeln!(out, "{count:>12}  {:>7}  {}", rule.line, Shown(rule.action))?;
        }
        if let Some(&count) = counts.last()
            && rules().default != Action::Allow
        {
            writeln!(out, "{count:>12}  default  {}", Shown(rules().default))?;
        }
        Ok(())
    }
}
