//! Text to rules: `[inject=]CALLS:field[:field…]`, as strace 6.1 has it, and
//! `chance=`, which it has not.

use core::fmt;

use super::plan::MOST;
use super::rule::{MILLION, Rule, When};
use crate::hook::Interest;
use crate::tools::trace;
use crate::tools::trace::options;

/// What is wrong with an expression. Displayed, it is one line without its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error<'a> {
    /// There is nothing.
    Nothing,
    /// There is no such call, and no such set of calls.
    Call(&'a [u8]),
    /// There is no such field.
    Field(&'a [u8]),
    /// A field takes other words.
    Value {
        /// The field, with its `=`.
        field: &'static str,
        /// What was given.
        value: &'a [u8],
        /// What it takes.
        valid: &'static str,
    },
    /// A field is there twice, or both of `error` and `retval`.
    Twice(&'a [u8]),
    /// It says to which calls, and not what.
    NoAction(&'a [u8]),
    /// There are more expressions than there is room for.
    TooMany,
}

impl fmt::Display for Error<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Error::Nothing => write!(
                f,
                "there is nothing to inject; give -e CALLS:error=NAME, or USERTRAP_INJECT=CALLS:error=NAME"
            ),
            Error::Call(name) => write!(
                f,
                "there is no system call {}; valid: names as read,openat and classes as %file, %network",
                name.escape_ascii()
            ),
            Error::Field(field) => {
                write!(f, "{} is no field; valid: ", field.escape_ascii())?;
                for (index, field) in FIELDS.iter().enumerate() {
                    write!(f, "{}{field}", if index == 0 { "" } else { ", " })?;
                }
                Ok(())
            }
            Error::Value { field, value, valid } => {
                write!(f, "{field}{} is not known; valid: {valid}", value.escape_ascii())
            }
            Error::Twice(field) => write!(
                f,
                "{} is one too many: there is one of each field, and one of error= and retval=",
                field.escape_ascii()
            ),
            Error::NoAction(text) => write!(
                f,
                "{} does not say what to inject; add one of error=, retval=, signal=, delay_enter=, delay_exit=",
                text.escape_ascii()
            ),
            Error::TooMany => write!(
                f,
                "there is room for {MOST} expressions; put calls with equal fields into one"
            ),
        }
    }
}

const FIELDS: [&str; 8] = [
    "error=",
    "retval=",
    "signal=",
    "delay_enter=",
    "delay_exit=",
    "when=",
    "chance=",
    "syscall=",
];

/// The calls and the rule of one expression.
pub(super) fn expression(text: &[u8]) -> Result<(Interest, Rule), Error<'_>> {
    let text = text.trim_ascii();
    let (fault, rest) = match (text.strip_prefix(b"fault="), text.strip_prefix(b"inject=")) {
        (Some(rest), _) => (true, rest),
        (_, rest) => (false, rest.unwrap_or(text)),
    };
    let mut fields = rest.split(|&byte| byte == b':');
    let calls = fields.next().unwrap_or_default();
    if calls.is_empty() {
        return Err(Error::Nothing);
    }
    let calls = options::select(calls).map_err(Error::Call)?;
    let mut rule = Rule::NONE;
    let mut seen = 0u32;
    for field in fields {
        let known = FIELDS.iter().position(|known| field.starts_with(known.as_bytes()));
        let Some((index, name)) = known.and_then(|index| Some((index, *FIELDS.get(index)?))) else {
            return Err(Error::Field(field));
        };
        let value = field.strip_prefix(name.as_bytes()).unwrap_or_default();
        // Either of the first two is a result. Of several `when=` the last counts.
        let bit = 1 << index.max(1);
        if seen & bit != 0 && name != "when=" {
            return Err(Error::Twice(field));
        }
        seen |= bit;
        set(&mut rule, name, value)?;
    }
    let acts = rule.result.is_some() || rule.signal != 0 || rule.delay_enter != 0 || rule.delay_exit != 0;
    if fault && !acts {
        rule.result = Some(-i64::from(libc::ENOSYS));
    } else if !acts {
        return Err(Error::NoAction(text));
    }
    Ok((calls, rule))
}

fn set<'a>(rule: &mut Rule, field: &'static str, value: &'a [u8]) -> Result<(), Error<'a>> {
    let wrong = |valid| Error::Value { field, value, valid };
    match field {
        "error=" => {
            let number = number(value, 4095).filter(|&number| number != 0);
            let number = number.or_else(|| trace::error_number(value).map(u64::from));
            let number = number.ok_or(wrong("a name such as EIO, or 1 to 4095"))?;
            rule.result = Some(-(number as i64));
        }
        "retval=" => {
            rule.result = Some(integer(value).ok_or(wrong("a number of 64 bits, decimal or 0x…"))?);
        }
        "signal=" => {
            let number = number(value, 64).filter(|&number| number != 0);
            let signal = number
                .map(|number| number as u8)
                .or_else(|| trace::signal_number(value));
            rule.signal = signal.ok_or(wrong("a name such as SIGTERM or TERM, or 1 to 64"))?;
        }
        "delay_enter=" => rule.delay_enter = time(value).ok_or(wrong(TIMES))?,
        "delay_exit=" => rule.delay_exit = time(value).ok_or(wrong(TIMES))?,
        "when=" => {
            rule.when = when(value).ok_or(wrong("FIRST[..LAST][+[STEP]], numbers from 1 to 65535"))?;
        }
        "chance=" => {
            let chance = value.strip_suffix(b"%").and_then(|number| decimal(number, 4));
            let chance = chance.filter(|chance| (1..=u64::from(MILLION)).contains(chance));
            rule.chance = chance.ok_or(wrong("a percentage from 0.0001% to 100%"))? as u32;
        }
        _ => {
            // The call that strace makes instead has no effect: none is made.
            let pure = |set: Interest| (0..Interest::NUMBERS).all(|number| !set.contains(number) || is_pure(number));
            let known = !value.contains(&b',') && options::select(value).is_ok_and(pure) && !value.is_empty();
            if !known || matches!(value, b"none") {
                return Err(wrong(
                    "getpid, getuid, getgid, geteuid, getegid, getppid, getpgrp, gettid",
                ));
            }
        }
    }
    Ok(())
}

const TIMES: &str = "a decimal number above 0 with s, ms, us or ns behind it; microseconds if there is none";

fn is_pure(number: usize) -> bool {
    options::select(b"%pure").is_ok_and(|set| set.contains(number))
}

/// A decimal number of at most `most`.
fn number(text: &[u8], most: u64) -> Option<u64> {
    decimal(text, 0).filter(|&number| number <= most && !text.contains(&b'.'))
}

/// A number as strtoull(3) reads it.
pub(in crate::tools) fn integer(text: &[u8]) -> Option<i64> {
    let text = core::str::from_utf8(text).ok()?;
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (digits, radix) = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None if digits.len() > 1 && digits.starts_with('0') => (digits, 8),
        None => (digits, 10),
    };
    if !digits.starts_with(|first: char| first.is_ascii_hexdigit()) {
        return None;
    }
    let value = u64::from_str_radix(digits, radix).ok()? as i64;
    Some(if negative { value.wrapping_neg() } else { value })
}

/// A decimal number, times 10 to the power of `places`; digits behind these are
/// dropped.
fn decimal(text: &[u8], places: u32) -> Option<u64> {
    let point = text.iter().position(|&byte| byte == b'.');
    let (whole, rest) = text.split_at(point.unwrap_or(text.len()));
    let rest = rest.strip_prefix(b".").unwrap_or_default();
    if whole.is_empty() && rest.is_empty() || !whole.iter().chain(rest).all(u8::is_ascii_digit) {
        return None;
    }
    let zeros = core::iter::repeat(&b'0');
    let mut digits = whole.iter().chain(rest.iter().chain(zeros).take(places as usize));
    digits.try_fold(0u64, |number, digit| {
        number.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
    })
}

/// Nanoseconds.
fn time(text: &[u8]) -> Option<u64> {
    let units: [(&[u8], u32); 4] = [(b"ns", 0), (b"us", 3), (b"ms", 6), (b"s", 9)];
    let found = units
        .iter()
        .find_map(|(unit, places)| Some((text.strip_suffix(*unit)?, *places)));
    let (number, places) = found.unwrap_or((text, 3));
    decimal(number, places).filter(|&nanoseconds| nanoseconds != 0)
}

fn when(text: &[u8]) -> Option<When> {
    const MOST: u64 = 65535;
    let count = |text: &[u8]| number(text, MOST).filter(|&count| count != 0).map(|count| count as u32);
    let (range, step) = match text.iter().position(|&byte| byte == b'+') {
        None => (text, None),
        Some(plus) => (text.get(..plus)?, Some(text.get(plus + 1..)?)),
    };
    let dots = range.windows(2).position(|two| two == b"..");
    let (first, last) = match dots {
        None => (count(range)?, u32::MAX),
        Some(dots) => (count(range.get(..dots)?)?, count(range.get(dots + 2..)?)?),
    };
    let step = match step {
        None => u32::from(dots.is_some()),
        Some(b"") => 1,
        Some(step) => count(step)?,
    };
    (first <= last && u64::from(last) != MOST).then_some(When { first, last, step })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> Rule {
        expression(text.as_bytes()).unwrap().1
    }

    fn said(text: &str) -> String {
        expression(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn fields_are_those_of_strace() {
        let all =
            rule("read:error=eio:signal=SIGTERM:delay_enter=1.5ms:delay_exit=7:when=3..9+2:chance=0.5%:syscall=getuid");
        assert_eq!(
            all,
            Rule {
                when: When {
                    first: 3,
                    last: 9,
                    step: 2
                },
                chance: 5000,
                result: Some(-5),
                signal: 15,
                delay_enter: 1_500_000,
                delay_exit: 7000,
            }
        );
        assert_eq!(
            all.to_string(),
            "error=EIO:signal=SIGTERM:delay_enter=1500:delay_exit=7:when=3..9+2:chance=0.5000%"
        );
        assert_eq!(rule("fault=read").result, Some(-38));
        assert_eq!(rule("%file:retval=0x10").result, Some(16));
        assert_eq!(rule("!read:retval=-1").result, Some(-1));
        assert_eq!(rule("read:retval=18446744073709551615").result, Some(-1));
        assert_eq!(rule("read:signal=usr1").signal, 10);
        assert_eq!(rule("read:signal=64").signal, 64);
        assert_eq!(rule("read:error=4095").result, Some(-4095));
        assert_eq!(rule("read:delay_enter=2s").delay_enter, 2_000_000_000);
        assert_eq!(rule("read:delay_exit=9ns:chance=100%").delay_exit, 9);
    }

    #[test]
    fn when_has_five_forms() {
        let when = |text: &str| rule(&format!("read:error=1:when={text}")).when;
        let [first, last] = [3, u32::MAX];
        assert_eq!(when("3"), When { first, last, step: 0 });
        assert_eq!(when("3+"), When { first, last, step: 1 });
        assert_eq!(when("3+7"), When { first, last, step: 7 });
        assert_eq!(
            when("3..5"),
            When {
                first,
                last: 5,
                step: 1
            }
        );
        assert_eq!(
            when("3..5+"),
            When {
                first,
                last: 5,
                step: 1
            }
        );
        assert_eq!(
            when("3..5+2"),
            When {
                first,
                last: 5,
                step: 2
            }
        );
        for text in ["3", "3+", "3+7", "3..5", "3..5+2"] {
            let rule = rule(&format!("read:error=1:when={text}"));
            assert_eq!(rule.to_string(), format!("error=EPERM:when={text}"));
        }
        for wrong in [
            "", "0", "+", "5..3", "1..65535", "65536", "1..", "..2", "1+0", "1.5", "1+2+3", "-1",
        ] {
            assert!(
                said(&format!("read:error=1:when={wrong}")).contains("FIRST[..LAST]"),
                "{wrong}"
            );
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_what_is_right() {
        for (text, part) in [
            ("", "there is nothing to inject"),
            ("reed:error=EIO", "there is no system call reed; valid: names"),
            ("read:errno=EIO", "errno=EIO is no field; valid: error=, retval="),
            ("read:poke_enter=@arg1=00", "is no field"),
            ("read:error=EFOO", "error=EFOO is not known; valid: a name such as EIO"),
            ("read:error=0", "or 1 to 4095"),
            ("read:error=4096", "or 1 to 4095"),
            ("read:retval=x", "retval=x is not known"),
            ("read:signal=SIGFOO", "a name such as SIGTERM"),
            ("read:signal=65", "1 to 64"),
            ("read:delay_enter=fast", "a decimal number above 0"),
            ("read:delay_exit=0", "a decimal number above 0"),
            ("read:error=EIO:chance=5", "a percentage"),
            ("read:error=EIO:chance=101%", "a percentage"),
            ("read:error=EIO:syscall=write", "valid: getpid"),
            ("read:error=EIO:retval=3", "retval=3 is one too many"),
            (
                "read:when=3",
                "read:when=3 does not say what to inject; add one of error=",
            ),
            ("read", "does not say what to inject"),
        ] {
            assert!(said(text).contains(part), "{text}: {}", said(text));
        }
    }
}
