//! Answers read by making the call itself: signals that come meanwhile are held back until it has ended.
#![no_std]
#![allow(unsafe_code, reason = "makes a call of the application's")]

use usertrap::hook::{Call, Hook, Interest, VectorUse, Verdict};
use usertrap::kernel;

const READ: usize = 0;

struct Wait;

impl Hook for Wait {
    fn interest(&self) -> Interest {
        Interest::none().with(READ)
    }

    fn vector_use(&self) -> VectorUse {
        VectorUse::All
    }

    fn enter(&self, call: &mut Call<'_>) -> Verdict {
        // SAFETY: the application has asked for this call.
        Verdict::Answer(unsafe { kernel::call(call.number().into(), *call.args()) })
    }
}

usertrap::hook!(Wait);
