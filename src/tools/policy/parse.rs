//! Text to rules: one a line, `#` begins a comment.
//!
//! ```text
//! default allow
//! deny EPERM ptrace,%network
//! allow socket if low0 == 1
//! deny EACCES socket
//! log openat if arg2 >= 0x40 & low0 != 3
//! kill mount
//! ```

use core::fmt;

use crate::arm::own;
use crate::arm::policy::{Action, CONDITIONS, Condition, MOST, NUMBERS, Numbers, Operator, Policy, Rule, program};
use crate::tools::inject::parse::integer;
use crate::tools::trace;
use crate::tools::trace::options;

/// What is wrong with a policy. Displayed, it is one line without its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Error<'a> {
    /// A word that is none.
    Word {
        /// Where.
        line: u16,
        /// What was given.
        word: &'a [u8],
        /// What may stand there.
        valid: &'static str,
    },
    /// There is no such call, and no such class.
    Call {
        /// Where.
        line: u16,
        /// The name.
        name: &'a [u8],
    },
    /// There are more rules than there is room for.
    TooMany,
    /// The kernel takes no filter of that length.
    TooLong,
}

impl fmt::Display for Error<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Error::Word { line, word: b"", valid } => write!(f, "line {line} ends too early; valid: {valid}"),
            Error::Word { line, word, valid } => {
                write!(f, "line {line}: {} is not known; valid: {valid}", word.escape_ascii())
            }
            Error::Call { line, name } => write!(
                f,
                "line {line}: there is no system call {}; valid: names as read,openat and classes as %file, %network",
                name.escape_ascii()
            ),
            Error::TooMany => write!(f, "there is room for {MOST} rules; put calls with one action into one"),
            Error::TooLong => write!(
                f,
                "the kernel takes no filter of that length; use fewer calls with conditions"
            ),
        }
    }
}

const ACTIONS: &str = "allow, deny ERROR, log, kill, and default before these";

/// The rules of a text.
pub(crate) fn policy(text: &[u8]) -> Result<Policy, Error<'_>> {
    let mut policy = Policy::EMPTY;
    for (index, text) in text.split(|&byte| byte == b'\n').enumerate() {
        let text = text.split(|&byte| byte == b'#').next().unwrap_or_default();
        let mut words = Words {
            words: text,
            line: index as u16 + 1,
        };
        match words.next() {
            b"" => {}
            b"default" => {
                let action = words.next();
                policy.default = words.action(action)?;
                words.end("nothing more")?;
            }
            action => {
                let rule = words.rule(action)?;
                if !policy.add(rule) {
                    return Err(Error::TooMany);
                }
            }
        }
    }
    let mut out = [crate::arm::filter::give(0); own::MOST];
    // The longest that it can be.
    match program::write(&policy, 2..4, Some(8..12), &mut out) {
        Some(_) => Ok(policy),
        None => Err(Error::TooLong),
    }
}

struct Words<'a> {
    words: &'a [u8],
    line: u16,
}

impl<'a> Words<'a> {
    /// The next word; empty if there is none.
    fn next(&mut self) -> &'a [u8] {
        let text = self.words.trim_ascii_start();
        let end = text.iter().position(u8::is_ascii_whitespace).unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        self.words = rest;
        word
    }

    fn wrong<T>(&self, word: &'a [u8], valid: &'static str) -> Result<T, Error<'a>> {
        Err(Error::Word {
            line: self.line,
            word,
            valid,
        })
    }

    fn end(&mut self, valid: &'static str) -> Result<(), Error<'a>> {
        match self.next() {
            b"" => Ok(()),
            word => self.wrong(word, valid),
        }
    }

    fn action(&mut self, word: &'a [u8]) -> Result<Action, Error<'a>> {
        Ok(match word {
            b"allow" => Action::Allow,
            b"log" => Action::Log,
            b"kill" => Action::Kill,
            b"deny" => {
                let error = self.next();
                let number = integer(error).and_then(|number| u16::try_from(number).ok());
                let number = number.filter(|number| (1..=4095).contains(number));
                match number.or_else(|| trace::error_number(error)) {
                    Some(number) => Action::Deny(number),
                    None => return self.wrong(error, "an error's name such as EPERM, or 1 to 4095"),
                }
            }
            word => return self.wrong(word, ACTIONS),
        })
    }

    fn rule(&mut self, action: &'a [u8]) -> Result<Rule, Error<'a>> {
        let action = self.action(action)?;
        let names = self.next();
        if names.is_empty() {
            return self.wrong(names, "names of calls and %classes, with commas between them");
        }
        let set = options::select(names).map_err(|name| Error::Call { line: self.line, name })?;
        let mut calls = Numbers::NONE;
        (0..NUMBERS)
            .filter(|&number| set.contains(number))
            .for_each(|number| calls.add(number));
        let mut conditions = Policy::UNCONDITIONAL;
        match self.next() {
            b"" => {}
            b"if" => self.conditions(&mut conditions)?,
            word => return self.wrong(word, "if, or the end of the line"),
        }
        Ok(Rule {
            calls,
            conditions,
            action,
            line: self.line,
        })
    }

    fn conditions(&mut self, out: &mut [Condition; CONDITIONS]) -> Result<(), Error<'a>> {
        let mut places = out.iter_mut();
        loop {
            let Some(place) = places.next() else {
                return self.wrong(b"&", "four conditions at most");
            };
            *place = self.condition()?;
            match self.next() {
                b"" => return Ok(()),
                b"&" => {}
                word => return self.wrong(word, "&, or the end of the line"),
            }
        }
    }

    fn condition(&mut self) -> Result<Condition, Error<'a>> {
        const ARGUMENTS: &str = "arg0 to arg5, or low0 to low5 for the lower 32 bits";
        let word = self.next();
        let (low, place) = match (word.strip_prefix(b"arg"), word.strip_prefix(b"low")) {
            (Some(place), _) => (false, place),
            (_, Some(place)) => (true, place),
            _ => return self.wrong(word, ARGUMENTS),
        };
        let &[place @ b'0'..=b'5'] = place else {
            return self.wrong(word, ARGUMENTS);
        };
        let operator = self.next();
        let (operator, negated) = match operator {
            b"==" => (Operator::Equal, false),
            b"!=" => (Operator::Equal, true),
            b">" => (Operator::Greater, false),
            b"<=" => (Operator::Greater, true),
            b">=" => (Operator::AtLeast, false),
            b"<" => (Operator::AtLeast, true),
            word => return self.wrong(word, "==, !=, <, <=, >, >="),
        };
        let value = self.next();
        let Some(number) = integer(value) else {
            return self.wrong(value, "a number, decimal or 0x…");
        };
        Ok(Condition {
            argument: place - b'0',
            low,
            operator,
            negated,
            value: if low && (i64::from(i32::MIN)..0).contains(&number) {
                number as u64 & 0xffff_ffff
            } else {
                number as u64
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_matches_counts() {
        let text = b"# a policy\ndefault deny EACCES # at last\n\nallow socket if low0 == 1 & arg2 != 7\n deny 13 socket,%pure\nlog read\nkill mount";
        let policy = policy(text).unwrap();
        let decide = |number, first, third| policy.decide(number, &[first, 0, third, 0, 0, 0]);
        assert_eq!(decide(41, 1, 0), (0, Action::Allow));
        assert_eq!(decide(41, 1 << 32 | 1, 0), (0, Action::Allow));
        assert_eq!(decide(41, 1, 7), (1, Action::Deny(13)));
        assert_eq!(decide(39, 0, 0), (1, Action::Deny(13)));
        assert_eq!(decide(0, 0, 0), (2, Action::Log));
        assert_eq!(decide(165, 0, 0), (3, Action::Kill));
        assert_eq!(decide(1, 0, 0), (MOST, Action::Deny(13)));
        let lines: Vec<u16> = policy.rules().iter().map(|rule| rule.line).collect();
        assert_eq!(lines, [4, 5, 6, 7]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line_and_what_is_right() {
        for (text, part) in [
            ("permit read", "line 1: permit is not known; valid: allow, deny ERROR"),
            ("\ndeny EFOO read", "line 2: EFOO is not known; valid: an error's name"),
            ("deny", "line 1 ends too early; valid: an error's name"),
            ("allow", "line 1 ends too early; valid: names of calls"),
            ("allow reed", "line 1: there is no system call reed"),
            ("allow read when", "when is not known; valid: if"),
            ("allow read if arg6 == 1", "arg6 is not known; valid: arg0 to arg5"),
            ("allow read if arg0 = 1", "= is not known; valid: =="),
            ("allow read if arg0 == x", "x is not known; valid: a number"),
            ("allow read if arg0 == 1 and arg1 == 2", "and is not known; valid: &"),
            ("allow read if arg0 == 1 &", "ends too early; valid: arg0"),
            ("default allow read", "read is not known; valid: nothing more"),
            ("default", "ends too early; valid: allow"),
        ] {
            let said = policy(text.as_bytes()).unwrap_err().to_string();
            assert!(said.contains(part), "{text}: {said}");
        }
        let many = "deny EPERM read\n".repeat(MOST + 1);
        assert_eq!(policy(many.as_bytes()).unwrap_err(), Error::TooMany);
        let long = "deny EPERM all if arg0 > 1 & arg1 > 2 & arg2 > 3 & arg3 > 4";
        assert_eq!(policy(long.as_bytes()).unwrap_err(), Error::TooLong);
    }
}
