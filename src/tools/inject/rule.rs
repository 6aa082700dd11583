//! What one expression asks for.

use core::fmt;

use crate::abi::errno::Errno;
use crate::tools::trace;

/// A rule; the calls that it is for are the plan's to know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Rule {
    pub(super) when: When,
    /// In how many of a million cases, of those that `when` has.
    pub(super) chance: u32,
    /// The call is not made, and this is its result.
    pub(super) result: Option<i64>,
    /// 0 for none.
    pub(super) signal: u8,
    /// In nanoseconds.
    pub(super) delay_enter: u64,
    pub(super) delay_exit: u64,
}

/// Always.
pub(super) const MILLION: u32 = 1_000_000;

impl Rule {
    pub(super) const NONE: Rule = Rule {
        when: When::ALWAYS,
        chance: MILLION,
        result: None,
        signal: 0,
        delay_enter: 0,
        delay_exit: 0,
    };
}

/// Which of a thread's calls, from 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct When {
    pub(super) first: u32,
    /// `u32::MAX` for no end.
    pub(super) last: u32,
    /// 0 for the first alone.
    pub(super) step: u32,
}

impl When {
    pub(super) const ALWAYS: When = When {
        first: 1,
        last: u32::MAX,
        step: 1,
    };

    pub(super) fn has(&self, count: u64) -> bool {
        let Some(behind) = count.checked_sub(self.first.into()) else {
            return false;
        };
        let within = self.last == u32::MAX || count <= self.last.into();
        within && (behind == 0 || behind.checked_rem(self.step.into()) == Some(0))
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut colon = "";
        if let Some(result) = self.result {
            match Errno::from_result(result).map(Errno::number) {
                None => write!(f, "retval={result}")?,
                Some(number) => match trace::error_name(number) {
                    Some(name) => write!(f, "error={name}")?,
                    None => write!(f, "error={number}")?,
                },
            }
            colon = ":";
        }
        if self.signal != 0 {
            match trace::signal_name(self.signal) {
                Some(name) => write!(f, "{colon}signal=SIG{name}")?,
                None => write!(f, "{colon}signal={}", self.signal)?,
            }
            colon = ":";
        }
        for (name, nanoseconds) in [("enter", self.delay_enter), ("exit", self.delay_exit)] {
            if nanoseconds != 0 {
                write!(f, "{colon}delay_{name}={}", nanoseconds / 1000)?;
                if !nanoseconds.is_multiple_of(1000) {
                    write!(f, ".{:03}", nanoseconds % 1000)?;
                }
                colon = ":";
            }
        }
        let When { first, last, step } = self.when;
        match (self.when, last) {
            (When::ALWAYS, _) => {}
            (_, u32::MAX) => write!(f, ":when={first}")?,
            _ => write!(f, ":when={first}..{last}")?,
        }
        match (self.when == When::ALWAYS, last, step) {
            (true, ..) | (_, u32::MAX, 0) | (_, 0..u32::MAX, 1) => {}
            (_, _, 1) => write!(f, "+")?,
            _ => write!(f, "+{step}")?,
        }
        if self.chance != MILLION {
            write!(f, ":chance={}", self.chance / 10_000)?;
            if !self.chance.is_multiple_of(10_000) {
                write!(f, ".{:04}", self.chance % 10_000)?;
            }
            write!(f, "%")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(first: u32, last: u32, step: u32) -> Vec<u64> {
        let when = When { first, last, step };
        (0..13).filter(|&count| when.has(count)).collect()
    }

    #[test]
    fn when_is_counted_from_the_first_to_the_last_in_steps() {
        assert_eq!(members(3, u32::MAX, 0), [3]);
        assert_eq!(members(3, u32::MAX, 4), [3, 7, 11]);
        assert_eq!(members(3, 10, 4), [3, 7]);
        assert_eq!(members(3, 5, 1), [3, 4, 5]);
        assert_eq!(members(1, u32::MAX, 1), (1..13).collect::<Vec<_>>());
    }
}
