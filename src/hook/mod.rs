//! What a hook sees and says.
//!
//! A hook runs on the thread area's own stack, with every signal of the
//! application held back until it ends; it may block no longer than the
//! application can wait for a signal.

mod call;
pub mod follow;
mod interest;
mod parts;
mod report;
mod signal;
mod tree;

pub use crate::trap::copy::copy_in;
pub use call::{Call, Outcome};
pub use interest::Interest;
pub use parts::Parts;
pub use report::{Report, Summary, Visit};
pub use signal::Signal;
pub use tree::{End, Others, Process, Tree, TreeWords, VisitRow};

use core::fmt;

/// What a hook says of a call before it is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Make the call (with the number and arguments as the hook left them);
    /// the hook does not want to see the result.
    Pass,
    /// Make the call, then show its result to [`Hook::exit`].
    PassThenExit,
    /// Do not make the call; this is its result: a value, or −4095..=−1 for
    /// an error.
    Answer(i64),
}

/// Which vector registers the code of a hook may change; they are kept around
/// it for the application. The general registers and flags always are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VectorUse {
    /// None at all: nothing is saved.
    None,
    /// The low halves `xmm0`–`xmm15` by legacy SSE instructions only, which
    /// leave the upper halves alone: what Rust compiles to for plain x86-64. No
    /// floating-point arithmetic: it would find the application's mxcsr, and
    /// leave its flags there.
    Sse,
    /// These parts, and xmm0–xmm15.
    Only(Parts),
    /// Anything that the CPU has: x87, ymm, zmm, mask registers, mxcsr.
    All,
}

impl VectorUse {
    /// What is kept beside xmm0–xmm15.
    pub(crate) fn parts(self) -> Parts {
        match self {
            VectorUse::None | VectorUse::Sse => Parts::NONE,
            VectorUse::Only(parts) => parts,
            VectorUse::All => Parts::ALL,
        }
    }
}

/// A hook: decides on calls before they are made, and sees results.
///
/// It must not panic. What it calls must not depend on the application's
/// libc unless [`vector_use`](Hook::vector_use) is [`VectorUse::All`].
pub trait Hook: Sync {
    /// What the hook is called in messages: when it faults, for one.
    fn name(&self) -> &'static str {
        core::any::type_name::<Self>()
    }

    /// The numbers for which the hook is called. Asked once, at the start.
    fn interest(&self) -> Interest {
        Interest::all()
    }

    /// The vector registers that the hook may change. Asked once.
    fn vector_use(&self) -> VectorUse {
        VectorUse::All
    }

    /// How many zeroed 64-bit words of its own the hook wants in each thread's
    /// area ([`Call::words`]). Asked once.
    fn thread_words(&self) -> usize {
        0
    }

    /// Whether the words are kept for the whole tree of processes, and how.
    /// Then there is one [`report`](Hook::report), of the tree; and a program
    /// that another has executed begins with [`exit`](Hook::exit) of that call,
    /// without its arguments. Asked once.
    fn tree(&self) -> Option<TreeWords> {
        None
    }

    /// Of a hook whose words another process reads while they are written:
    /// what it does there. Asked once. Needs [`tree`](Hook::tree).
    fn follow(&self) -> Option<&dyn follow::Follow> {
        None
    }

    /// A call is about to be made.
    fn enter(&self, call: &mut Call<'_>) -> Verdict;

    /// A call has been made, after [`Verdict::PassThenExit`] and only then.
    /// The hook may change the result with [`Call::set_result`].
    fn exit(&self, call: &mut Call<'_>, outcome: Outcome) {
        let _ = (call, outcome);
    }

    /// Whether the hook wants to be told of [`signal`](Hook::signal)s. Asked once.
    fn wants_signals(&self) -> bool {
        false
    }

    /// The application's handler is about to run; or the process is about to die of a
    /// SIGSEGV, SIGBUS, SIGFPE, SIGILL or SIGSYS without one. Each signal is told once, in
    /// the order in which the application gets them: one that comes while a hook runs,
    /// when it is delivered. Of others the process does not learn: those that it
    /// ignores, or that have their default action.
    ///
    /// All signals are blocked meanwhile.
    fn signal(&self, signal: &Signal<'_>) {
        let _ = signal;
    }

    /// This is a forked child; its words have been zeroed, or as much of them
    /// as [`tree`](Hook::tree) says.
    fn forked(&self) {}

    /// The process is about to end, by exit_group or its last thread's exit.
    fn ending(&self) {}

    /// The process ends: write the report, if there is one. Called once per
    /// process, or once per tree of processes, when the first of them ends; the
    /// other threads and processes may still run and count.
    fn report(&self, report: &Report<'_>, out: &mut dyn fmt::Write) -> fmt::Result {
        let _ = (report, out);
        Ok(())
    }
}

/// Links a hook into an object of its own, which is preloaded in place of
/// `libusertrap.so`: a `cdylib` crate that depends on this one and says
/// `usertrap::hook!(MyHook);`, where the expression is a constant.
#[macro_export]
macro_rules! hook {
    ($hook:expr) => {
        #[allow(unsafe_code, reason = "the constructor finds the hook in this section")]
        #[used]
        #[unsafe(link_section = "usertrap_hooks")]
        static USERTRAP_HOOK: Option<&'static dyn $crate::hook::Hook> = Some(&$hook);
    };
}
