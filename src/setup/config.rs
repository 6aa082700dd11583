//! The settings: `USERTRAP_*` variables of the environment, read once.
//!
//! A variable that is empty counts as not set. If one is given twice the first
//! counts, as `getenv` has it. A name that begins with `USERTRAP_` and is not a
//! setting is an error, for it is a slip of the pen more often than not.

use core::fmt;

use crate::tools::trace::options::{self, Options, Time};
use crate::tools::{Format, Tool};

const PREFIX: &[u8] = b"USERTRAP_";

/// Which messages are written to stderr.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Level {
    /// None.
    Off,
    /// What makes the library stay out or give up.
    Error,
    /// And what the application may not like.
    Warn,
    /// And what was set up.
    Info,
    /// And each site's fate.
    Debug,
}

/// What to do in a process where the library cannot work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unfit {
    /// Say so, and run the application untouched.
    Run,
    /// Say so, and end the process.
    Refuse,
}

/// When sites are rewritten.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rewrite {
    /// Never: all calls trap.
    Off,
    /// At the first trap.
    On,
    /// When they have trapped a few times.
    Lazy,
}

/// All settings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config<'a> {
    /// `USERTRAP_TOOL`: the tool to run.
    pub tool: Tool,
    /// `USERTRAP_OUT`: the file that reports go to; stderr if there is none.
    pub out: Option<&'a [u8]>,
    /// `USERTRAP_FORMAT`: the form of reports.
    pub format: Format,
    /// `USERTRAP_REWRITE`: when sites are rewritten.
    pub rewrite: Rewrite,
    /// `USERTRAP_TABLE`: where to map the table, and nowhere else: 0x050f0000,
    /// or 0xNN060000 with NN up to 0x7f.
    pub table: Option<u64>,
    /// `USERTRAP_LOG`: which messages to write.
    pub log: Level,
    /// `USERTRAP_UNFIT`: what to do where we cannot work.
    pub unfit: Unfit,
    /// `USERTRAP_STAT_TIME`: whether the stat tool times calls.
    pub stat_time: bool,
    /// `USERTRAP_TRACE_…`: what the trace tool shows.
    pub trace: Options<'a>,
    /// `USERTRAP_SUPERVISE`: whether a process stays behind that writes the
    /// report when the whole tree has ended. For the command alone.
    pub supervise: bool,
}

impl Config<'_> {
    /// The settings of an empty environment.
    pub const DEFAULT: Config<'static> = Config {
        tool: Tool::None,
        out: None,
        format: Format::Text,
        rewrite: Rewrite::On,
        table: None,
        log: Level::Warn,
        unfit: Unfit::Run,
        stat_time: false,
        trace: Options::DEFAULT,
        supervise: false,
    };
}

/// The words that a setting takes, and what each means.
struct Words<T: 'static> {
    names: &'static [&'static str],
    values: &'static [T],
}

impl<T: Copy> Words<T> {
    fn find<'a>(&self, name: &'static str, value: &'a [u8]) -> Result<T, ConfigError<'a>> {
        let pairs = self.names.iter().zip(self.values);
        match pairs.into_iter().find(|(word, _)| word.as_bytes() == value) {
            Some((_, meaning)) => Ok(*meaning),
            None => Err(ConfigError::Value {
                name,
                value,
                valid: self.names,
            }),
        }
    }
}

const TOOL: Words<Tool> = Words {
    names: &["none", "stat", "trace"],
    values: &[Tool::None, Tool::Stat, Tool::Trace],
};
const FORMAT: Words<Format> = Words {
    names: &["text", "json"],
    values: &[Format::Text, Format::Json],
};
const SWITCH: Words<bool> = Words {
    names: &["on", "off"],
    values: &[true, false],
};
const REWRITE: Words<Rewrite> = Words {
    names: &["on", "lazy", "off"],
    values: &[Rewrite::On, Rewrite::Lazy, Rewrite::Off],
};
const LOG: Words<Level> = Words {
    names: &["off", "error", "warn", "info", "debug"],
    values: &[Level::Off, Level::Error, Level::Warn, Level::Info, Level::Debug],
};
const TIME: Words<Time> = Words {
    names: &["none", "seconds", "microseconds", "epoch", "relative"],
    values: &[
        Time::None,
        Time::Seconds,
        Time::Microseconds,
        Time::Epoch,
        Time::Relative,
    ],
};
const UNFIT: Words<Unfit> = Words {
    names: &["run", "refuse"],
    values: &[Unfit::Run, Unfit::Refuse],
};

/// The names of all settings; a place in this list is a bit of
/// [`Config::parse`]'s note of what it has seen.
const NAMES: [&str; 13] = [
    "USERTRAP_TOOL",
    "USERTRAP_OUT",
    "USERTRAP_FORMAT",
    "USERTRAP_REWRITE",
    "USERTRAP_TABLE",
    "USERTRAP_LOG",
    "USERTRAP_UNFIT",
    "USERTRAP_STAT_TIME",
    "USERTRAP_SUPERVISE",
    "USERTRAP_TRACE_STRINGS",
    "USERTRAP_TRACE_CALLS",
    "USERTRAP_TRACE_CLOCK",
    "USERTRAP_TRACE_TIME",
];

impl<'a> Config<'a> {
    /// Reads the settings from an environment block, given as its `NAME=value`
    /// strings without their final zeros. Other variables, and strings without
    /// a `=`, are passed over.
    ///
    /// # Errors
    /// At the first name or value that is not known.
    pub fn parse(vars: impl Iterator<Item = &'a [u8]>) -> Result<Config<'a>, ConfigError<'a>> {
        let mut config = Config::DEFAULT;
        let mut seen = 0u16;
        for var in vars {
            let Some(equals) = var.iter().position(|&byte| byte == b'=') else {
                continue;
            };
            let (name, value) = (&var[..equals], &var[equals + 1..]);
            if !name.starts_with(PREFIX) {
                continue;
            }
            let known = NAMES.iter().position(|known| known.as_bytes() == name);
            let Some(index) = known else {
                return Err(ConfigError::Name { name });
            };
            let again = seen & 1 << index != 0;
            seen |= 1 << index;
            if !again && !value.is_empty() {
                config.set(NAMES[index], value)?;
            }
        }
        Ok(config)
    }

    /// Gives the setting `name` the value that `value` spells.
    fn set(&mut self, name: &'static str, value: &'a [u8]) -> Result<(), ConfigError<'a>> {
        match name {
            "USERTRAP_TOOL" => self.tool = TOOL.find(name, value)?,
            "USERTRAP_OUT" => self.out = Some(value),
            "USERTRAP_FORMAT" => self.format = FORMAT.find(name, value)?,
            "USERTRAP_REWRITE" => self.rewrite = REWRITE.find(name, value)?,
            "USERTRAP_TABLE" => self.table = Some(table_address(value).ok_or(ConfigError::Table { value })?),
            "USERTRAP_LOG" => self.log = LOG.find(name, value)?,
            "USERTRAP_UNFIT" => self.unfit = UNFIT.find(name, value)?,
            "USERTRAP_STAT_TIME" => self.stat_time = SWITCH.find(name, value)?,
            "USERTRAP_SUPERVISE" => self.supervise = SWITCH.find(name, value)?,
            "USERTRAP_TRACE_STRINGS" => self.trace.strings = limit(value).ok_or(ConfigError::Limit { name, value })?,
            "USERTRAP_TRACE_CALLS" => {
                options::select(value).map_err(|call| ConfigError::Call { name, call })?;
                self.trace.calls = Some(value);
            }
            "USERTRAP_TRACE_CLOCK" => self.trace.time = TIME.find(name, value)?,
            "USERTRAP_TRACE_TIME" => self.trace.duration = SWITCH.find(name, value)?,
            _ => {}
        }
        Ok(())
    }
}

/// The address that `text` spells, decimal or hexadecimal with `0x`, if a table
/// may lie there: 0x050f0000, whose upper half is `syscall` itself, or
/// 0xNN060000 with NN up to 0x7f, where byte 5 of a site becomes an invalid
/// opcode. All of these are multiples of 64 KiB, above the lowest address that
/// a process may map (`vm.mmap_min_addr`, 0x10000), and below 2 GiB.
fn table_address(text: &[u8]) -> Option<u64> {
    let text = core::str::from_utf8(text).ok()?;
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None => (text, 10),
    };
    // from_str_radix would take a sign.
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let address = u64::from_str_radix(digits, radix).ok()?;
    let fallback = address & !0x7f00_0000 == 0x0006_0000;
    (address == 0x050f_0000 || fallback).then_some(address)
}

/// A number of bytes.
fn limit(text: &[u8]) -> Option<u32> {
    let text = core::str::from_utf8(text).ok()?;
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
}

/// Why the settings were refused. Displayed, it is one line without its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConfigError<'a> {
    /// There is no such setting.
    Name {
        /// The name that was given.
        name: &'a [u8],
    },
    /// The setting takes other words.
    Value {
        /// The setting.
        name: &'static str,
        /// What was given.
        value: &'a [u8],
        /// What it takes.
        valid: &'static [&'static str],
    },
    /// The setting takes a number of bytes.
    Limit {
        /// The setting.
        name: &'static str,
        /// What was given.
        value: &'a [u8],
    },
    /// There is no such call, and no such set of calls.
    Call {
        /// The setting.
        name: &'static str,
        /// The name that is not known.
        call: &'a [u8],
    },
    /// `USERTRAP_TABLE` is not an address at which a table may lie.
    Table {
        /// What was given.
        value: &'a [u8],
    },
}

impl fmt::Display for ConfigError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            ConfigError::Name { name } => {
                write!(f, "{} is not a setting; valid: ", name.escape_ascii())?;
                list(f, &NAMES)
            }
            ConfigError::Value { name, value, valid } => {
                write!(f, "{name}={} is not known; valid: ", value.escape_ascii())?;
                list(f, valid)
            }
            ConfigError::Limit { name, value } => {
                write!(f, "{name}={} is no number of bytes", value.escape_ascii())
            }
            ConfigError::Call { name, call } => {
                write!(f, "{name}: there is no system call {}", call.escape_ascii())
            }
            ConfigError::Table { value } => write!(
                f,
                "USERTRAP_TABLE={} is no address for the table; valid: 0x050f0000, and 0xNN060000 with NN from 00 to 7f",
                value.escape_ascii()
            ),
        }
    }
}

fn list(f: &mut fmt::Formatter<'_>, words: &[&str]) -> fmt::Result {
    for (index, word) in words.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        write!(f, "{comma}{word}")?;
    }
    Ok(())
}

/// What to do where we cannot work, out of an environment that is not right as
/// a whole.
pub fn unfit_of<'a>(mut vars: impl Iterator<Item = &'a [u8]>) -> Unfit {
    if vars.any(|var| var == b"USERTRAP_UNFIT=refuse") {
        Unfit::Refuse
    } else {
        Unfit::Run
    }
}

#[cfg(test)]
mod tests;
