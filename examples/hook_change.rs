//! A hook that lets a call pass and changes its result: parents have other numbers.
#![no_std]

use usertrap::hook::{Call, Hook, Interest, Outcome, VectorUse, Verdict};

const GETPPID: usize = 110;

struct Change;

impl Hook for Change {
    fn interest(&self) -> Interest {
        Interest::none().with(GETPPID)
    }

    fn vector_use(&self) -> VectorUse {
        VectorUse::Sse
    }

    fn enter(&self, _call: &mut Call<'_>) -> Verdict {
        Verdict::PassThenExit
    }

    fn exit(&self, call: &mut Call<'_>, outcome: Outcome) {
        if let Outcome::Returned(number) = outcome {
            call.set_result(number.wrapping_add(1_000_000));
        }
    }
}

usertrap::hook!(Change);
