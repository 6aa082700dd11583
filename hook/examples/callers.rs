//! Says, when a process ends, from which functions it has made which calls how often: by the
//! address to return to that lies on top of the stack in libc's wrappers.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use usertrap_hook::{Address, Call, Hook, Verdict, hook};

#[derive(Default)]
struct Callers {
    /// How often each number came from an address.
    counts: Mutex<HashMap<(u64, Address), u64>>,
}

/// `main+0x12` without the offset, or the file where there is no name.
fn function(address: Address) -> String {
    let place = |text: String| text.rsplit_once('+').map_or(text.clone(), |(name, _)| name.to_owned());
    place(address.symbol().unwrap_or_else(|| address.place()))
}

impl Hook for Callers {
    const NAME: &str = "callers";

    fn init(_options: &str) -> Result<Callers, String> {
        Ok(Callers::default())
    }

    fn enter(&self, call: &mut Call) -> Verdict {
        let caller = call.stack().word().map_or(call.site(), Address);
        if let Ok(mut counts) = self.counts.lock() {
            *counts.entry((call.number(), caller)).or_default() += 1;
        }
        Verdict::Pass
    }

    fn fork_child(&self) {
        if let Ok(mut counts) = self.counts.lock() {
            counts.clear();
        }
    }

    fn fini(&self) {
        let Ok(counts) = self.counts.lock() else { return };
        let mut named = BTreeMap::<(u64, String), u64>::new();
        for (&(number, caller), count) in counts.iter() {
            *named.entry((number, function(caller))).or_default() += count;
        }
        for ((number, function), count) in named {
            eprintln!("{count:>8} syscall_{number} {function}");
        }
    }
}

hook!(Callers);
