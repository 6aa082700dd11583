//! Moves the clock of day by the seconds that the option gives:
//! `USERTRAP_VDSO=hide usertrap --hook ./libfake_clock.so:-86400 date`.

use usertrap_hook::calls::ClockGettime;
use usertrap_hook::{Address, Call, Hook, Verdict, hook, number};

struct FakeClock {
    shift: i64,
}

impl FakeClock {
    /// timespec, timeval and time_t all begin with the seconds.
    fn shift(&self, seconds: Address) {
        if let Ok(before) = seconds.word() {
            let after = (before as i64).wrapping_add(self.shift);
            let _ = seconds.write(&after.to_ne_bytes());
        }
    }
}

impl Hook for FakeClock {
    const NAME: &str = "fake_clock";
    const NUMBERS: Option<&[u16]> = Some(&[
        number::<ClockGettime>(),
        libc::SYS_gettimeofday as u16,
        libc::SYS_time as u16,
    ]);

    fn init(options: &str) -> Result<FakeClock, String> {
        let shift = options.parse().map_err(|_| "its option is a number of seconds")?;
        Ok(FakeClock { shift })
    }

    fn enter(&self, call: &mut Call) -> Verdict {
        match call.typed::<ClockGettime>() {
            Some(ClockGettime { clock, .. })
                if !matches!(clock, libc::CLOCK_REALTIME | libc::CLOCK_REALTIME_COARSE) =>
            {
                Verdict::Pass
            }
            _ => Verdict::PassThenExit,
        }
    }

    fn exit(&self, call: &mut Call) {
        let Some(Ok(result)) = call.result() else { return };
        match call.typed::<ClockGettime>() {
            Some(get) => self.shift(get.time),
            None => self.shift(Address(call.args()[0])),
        }
        if call.number() as i64 == libc::SYS_time {
            call.set_result((result as i64).wrapping_add(self.shift));
        }
    }
}

hook!(FakeClock);
