//! Answers getpid with 42, and says at the end how often.

use std::sync::atomic::{AtomicU64, Ordering};

use usertrap_hook::calls::Getpid;
use usertrap_hook::{Call, Hook, Verdict, hook, number};

#[derive(Default)]
struct Answer {
    count: AtomicU64,
}

impl Hook for Answer {
    const NAME: &str = "answer";
    const NUMBERS: Option<&[u16]> = Some(&[number::<Getpid>()]);

    fn init(_options: &str) -> Result<Answer, String> {
        Ok(Answer::default())
    }

    fn enter(&self, _: &mut Call) -> Verdict {
        self.count.fetch_add(1, Ordering::Relaxed);
        Verdict::Answer(42)
    }

    fn fini(&self) {
        eprintln!("answered {} times", self.count.load(Ordering::Relaxed));
    }
}

hook!(Answer);
