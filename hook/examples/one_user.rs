//! Everybody is user 1000.

use usertrap_hook::calls::{Geteuid, Getuid};
use usertrap_hook::{Call, Hook, Verdict, hook, number};

struct OneUser;

impl Hook for OneUser {
    const NAME: &str = "one-user";
    const NUMBERS: Option<&[u16]> = Some(&[number::<Getuid>(), number::<Geteuid>()]);

    fn init(_options: &str) -> Result<OneUser, String> {
        Ok(OneUser)
    }

    fn enter(&self, _: &mut Call) -> Verdict {
        Verdict::Answer(1000)
    }
}

hook!(OneUser);
