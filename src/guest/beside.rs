//! A tool beside hook libraries: it sees the application's calls as they are made, and
//! the results that the application gets.

use core::fmt;

use once_cell::race::OnceRef;

use crate::guest::hook::Guests;
use crate::guest::threads;
use crate::hook::{Call, Hook, Interest, Outcome, Report, Signal, TreeWords, VectorUse, Verdict, follow};

static TOOL: OnceRef<'static, &'static dyn Hook> = OnceRef::new();
/// What the tool wants to see.
static WANTED: spin::Once<Interest> = spin::Once::new();

/// The tool first, then the libraries.
struct Beside;

static BESIDE: &dyn Hook = &Beside;

/// The tool, if there is one, and the libraries as one hook.
pub(crate) fn with(tool: Option<&'static &'static dyn Hook>) -> &'static &'static dyn Hook {
    let Some(tool) = tool else { return &super::HOOK };
    let _ = TOOL.set(tool);
    WANTED.call_once(|| tool.interest());
    &BESIDE
}

/// Whether there is a tool beside the libraries.
#[inline(always)]
pub(super) fn is_set() -> bool {
    TOOL.get().is_some()
}

fn tool() -> &'static dyn Hook {
    match TOOL.get() {
        Some(tool) => *tool,
        None => &Guests,
    }
}

impl Hook for Beside {
    fn name(&self) -> &'static str {
        if threads::running().is_some() {
            Guests.name()
        } else {
            tool().name()
        }
    }

    fn interest(&self) -> Interest {
        tool().interest().union(&Guests.interest())
    }

    fn vector_use(&self) -> VectorUse {
        let parts = tool().vector_use().parts().with(Guests.vector_use().parts());
        VectorUse::Only(parts)
    }

    fn thread_words(&self) -> usize {
        tool().thread_words()
    }

    fn tree(&self) -> Option<TreeWords> {
        tool().tree()
    }

    fn follow(&self) -> Option<&dyn follow::Follow> {
        tool().follow()
    }

    fn enter(&self, call: &mut Call<'_>) -> Verdict {
        let wanted = WANTED.get().is_some_and(|set| set.contains(call.number() as usize));
        let first = if wanted { tool().enter(call) } else { Verdict::Pass };
        threads::note_tool(call, first == Verdict::PassThenExit);
        if let Verdict::Answer(_) = first {
            return first;
        }
        match Guests.enter(call) {
            Verdict::Answer(result) if first == Verdict::PassThenExit => {
                call.set_result(result);
                tool().exit(call, Outcome::Returned(result));
                Verdict::Answer(call.result())
            }
            Verdict::Pass => first,
            other => other,
        }
    }

    fn exit(&self, call: &mut Call<'_>, outcome: Outcome) {
        Guests.exit(call, outcome);
        if threads::tool_waits(call) {
            let outcome = match outcome {
                Outcome::Returned(_) => Outcome::Returned(call.result()),
                Outcome::Restarting => Outcome::Restarting,
            };
            tool().exit(call, outcome);
        }
    }

    fn wants_signals(&self) -> bool {
        tool().wants_signals()
    }

    fn signal(&self, signal: &Signal<'_>) {
        tool().signal(signal);
    }

    fn forked(&self) {
        tool().forked();
        Guests.forked();
    }

    fn report(&self, report: &Report<'_>, out: &mut dyn fmt::Write) -> fmt::Result {
        tool().report(report, out)
    }

    fn ending(&self) {
        tool().ending();
        Guests.ending();
    }
}
