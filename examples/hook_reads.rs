//! Looks at the path of every chdir, before it is made and behind it.
//!
//! ```sh
//! cargo build --release --examples
//! LD_PRELOAD=target/release/examples/libhook_reads.so ls
//! ```
#![no_std]

use usertrap::hook::{Call, Hook, Interest, Outcome, VectorUse, Verdict, copy_in};

struct Reads;

const CHDIR: usize = 80;

fn look(call: &Call<'_>) {
    let mut start = [0; 16];
    // An error is the application's, or there are no 16 bytes: the kernel will say.
    let _ = copy_in(&mut start, call.args()[0]);
}

impl Hook for Reads {
    fn interest(&self) -> Interest {
        Interest::none().with(CHDIR)
    }

    fn vector_use(&self) -> VectorUse {
        VectorUse::Sse
    }

    fn enter(&self, call: &mut Call<'_>) -> Verdict {
        look(call);
        Verdict::PassThenExit
    }

    fn exit(&self, call: &mut Call<'_>, _: Outcome) {
        look(call);
    }
}

usertrap::hook!(Reads);
