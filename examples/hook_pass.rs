//! The smallest hook: sees every call and lets it pass.
//!
//! ```sh
//! cargo build --release --examples
//! LD_PRELOAD=target/release/examples/libhook_pass.so ls
//! ```
#![no_std]

use usertrap::hook::{Call, Hook, VectorUse, Verdict};

struct PassAll;

impl Hook for PassAll {
    // This code uses no registers but the general ones.
    fn vector_use(&self) -> VectorUse {
        VectorUse::None
    }

    fn enter(&self, _call: &mut Call<'_>) -> Verdict {
        Verdict::Pass
    }
}

usertrap::hook!(PassAll);
