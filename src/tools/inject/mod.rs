//! The inject tool: calls that fail, or are late, or bring a signal, as strace's
//! `-e inject=` has them.
//!
//! Each thread counts its calls, as each tracee does for strace: from zero for the
//! child of a fork, on and on over an exec. A signal comes while the call is made,
//! by a timer, so that a call which waits is interrupted; if the call has ended
//! before that, at its end.
//!
//! | module | what it does |
//! |---|---|
//! | [`rule`] | what one expression asks for |
//! | [`parse`] | text to rules |
//! | [`plan`] | all rules, as part of the configured core |
//! | [`words`] | a thread's counters and its random numbers |
//! | [`report`] | what was injected |

pub(crate) mod parse;
pub(crate) mod plan;
mod report;
mod rule;
mod words;

use core::fmt;

use crate::hook::{Call, Hook, Interest, Outcome, Report, TreeWords, VectorUse, Verdict};
use crate::kernel::wait::{self, Ends};
use plan::Plan;
use rule::Rule;
use words::Words;

/// The hook that injects.
#[derive(Debug)]
pub struct Inject;

/// Calls that return twice.
const MAKING: [i64; 4] = [libc::SYS_clone, libc::SYS_clone3, libc::SYS_fork, libc::SYS_vfork];
const EXECUTING: [i64; 2] = [libc::SYS_execve, libc::SYS_execveat];
/// Calls after which no signal comes.
const ENDING: [i64; 2] = [libc::SYS_exit, libc::SYS_exit_group];

/// After so long a signal comes to a call that waits.
const SOON: u64 = 1_000_000;

fn is_one_of(calls: &[i64], number: u32) -> bool {
    calls.contains(&number.into())
}

impl Hook for Inject {
    fn name(&self) -> &'static str {
        "inject"
    }

    fn interest(&self) -> Interest {
        let plan = plan::plan();
        let streams = MAKING.into_iter().chain(EXECUTING).filter(|_| plan.is_random());
        streams.fold(plan.numbers(), |set, number| set.with(number as usize))
    }

    fn vector_use(&self) -> VectorUse {
        VectorUse::Sse
    }

    fn thread_words(&self) -> usize {
        words::LEN
    }

    fn tree(&self) -> Option<TreeWords> {
        Some(words::TREE)
    }

    fn enter(&self, call: &mut Call<'_>) -> Verdict {
        let Some(words) = Words::of(call.words()) else {
            return Verdict::Pass;
        };
        let plan = plan::plan();
        let number = call.number();
        if !words.is_again(key(call))
            && let Some(rule) = plan.rule(number)
            && words.is_due(number, rule, plan.seed())
        {
            inject(call, &words, plan, rule)
        } else {
            pass(call, &words, plan)
        }
    }

    fn exit(&self, call: &mut Call<'_>, outcome: Outcome) {
        let Some(words) = Words::of(call.words()) else { return };
        let plan = plan::plan();
        let number = call.number();
        let making = is_one_of(&MAKING, number);
        let executed = is_one_of(&EXECUTING, number) && outcome == Outcome::Returned(0);
        if executed {
            words.executed();
        }
        let Some(timer) = words.take_made() else { return };
        let Some(rule) = plan.rule(number) else { return };
        // Not come yet, or there never was a timer.
        let due = rule.signal != 0 && timer.is_none_or(wait::call_off);
        if outcome == Outcome::Restarting {
            // The same call for us; strace takes it for another one.
            words.set_again(key(call));
        } else if rule.delay_exit != 0 {
            let ends = if making || executed { Ends::Never } else { Ends::Held };
            wait::sleep(rule.delay_exit, ends);
        }
        if due {
            wait::raise(rule.signal);
        }
    }

    fn report(&self, report: &Report<'_>, out: &mut dyn fmt::Write) -> fmt::Result {
        report::write(plan::plan(), report, out)
    }
}

/// Which call of the program's this is, if it has to be made anew.
fn key(call: &Call<'_>) -> u64 {
    call.return_address() << 16 | u64::from(call.number() as u16)
}

fn inject(call: &Call<'_>, words: &Words<'_>, plan: &Plan, rule: &Rule) -> Verdict {
    let whole = rule.delay_enter == 0 || wait::sleep(rule.delay_enter, Ends::Held);
    if let Some(result) = rule.result {
        if rule.delay_exit != 0 {
            wait::sleep(rule.delay_exit, Ends::Held);
        }
        if rule.signal != 0 {
            wait::raise(rule.signal);
        }
        return Verdict::Answer(result);
    }
    let number = call.number();
    let kills = matches!(i32::from(rule.signal), libc::SIGKILL | libc::SIGSTOP);
    // There is no exit side for it to come at.
    let leaves = is_one_of(&EXECUTING, number) || i64::from(number) == libc::SYS_rt_sigreturn;
    let at_once = kills || leaves && rule.signal != 0;
    if rule.signal != 0 && (at_once || !whole) {
        wait::raise(rule.signal);
    }
    if at_once || !whole {
        // A handler runs first; the call is then made anew.
        words.set_again(key(call));
        return pass(call, words, plan);
    }
    if is_one_of(&ENDING, number) {
        return Verdict::Pass;
    }
    let timer = if rule.signal == 0 {
        None
    } else {
        wait::raise_later(rule.signal, SOON)
    };
    words.set_made(timer);
    pass(call, words, plan);
    Verdict::PassThenExit
}

/// Lets a call pass; one that makes a thread, with a stream for it.
fn pass(call: &Call<'_>, words: &Words<'_>, plan: &Plan) -> Verdict {
    if plan.is_random() && is_one_of(&MAKING, call.number()) {
        words.make_stream();
    }
    Verdict::Pass
}
