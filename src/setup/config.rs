//! The settings: `USERTRAP_*` variables of the environment, read once.
//!
//! A variable that is empty counts as not set. If one is given twice the first
//! counts, as `getenv` has it. A name that begins with `USERTRAP_` and is not a
//! setting is an error, for it is a slip of the pen more often than not.

use core::fmt;

use self::values::{limit, seed, table_address};
use crate::guest::libraries;
use crate::tools::inject;
use crate::tools::trace::options::{self, Options, Sort, Summary, Time};
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
    /// Before their first call, where that can be proved; else at the first trap.
    Load,
}

/// What turns system calls into traps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arm {
    /// The filter, or, where the kernel refuses that, Syscall User Dispatch.
    Auto,
    /// A seccomp filter.
    Seccomp,
    /// Syscall User Dispatch.
    Sud,
    /// None where all code is vetted, else Syscall User Dispatch.
    Vetted,
}

/// All settings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config<'a> {
    /// `USERTRAP_TOOL`: the tool to run.
    pub tool: Tool,
    /// `USERTRAP_HOOK`: hook libraries with their options.
    pub hook: Option<&'a [u8]>,
    /// `USERTRAP_OUT`: the file that reports go to; stderr if there is none.
    pub out: Option<&'a [u8]>,
    /// `USERTRAP_FORMAT`: the form of reports.
    pub format: Format,
    /// `USERTRAP_ARM`: what turns system calls into traps.
    pub arm: Arm,
    /// `USERTRAP_REWRITE`: when sites are rewritten.
    pub rewrite: Rewrite,
    /// `USERTRAP_TABLE`: where to map the table, and nowhere else: 0x050f0000,
    /// or 0xNN060000 with NN up to 0x7f.
    pub table: Option<u64>,
    /// `USERTRAP_LOG`: which messages to write.
    pub log: Level,
    /// `USERTRAP_VDSO`: whether programs are started without the vDSO's address.
    pub hide_vdso: bool,
    /// `USERTRAP_ANSWER`: whether getpid and gettid are answered without the kernel.
    pub answer_identity: bool,
    /// `USERTRAP_UNFIT`: what to do where we cannot work.
    pub unfit: Unfit,
    /// `USERTRAP_STAT_TIME`: whether the stat tool times calls.
    pub stat_time: bool,
    /// `USERTRAP_TRACE_…`: what the trace tool shows.
    pub trace: Options<'a>,
    /// `USERTRAP_INJECT`: what the inject tool injects.
    pub inject: Option<&'a [u8]>,
    /// `USERTRAP_INJECT_SEED`: the seed of its random numbers; any, if there is none.
    pub inject_seed: Option<u64>,
    /// `USERTRAP_POLICY`: the file that the policy tool keeps.
    pub policy: Option<&'a [u8]>,
    /// `USERTRAP_POLICY_EXPLAIN`: whether it says who keeps which rule.
    pub policy_explain: bool,
    /// `USERTRAP_SUPERVISE`: whether a process stays behind that writes the
    /// report when the whole tree has ended. For the command alone.
    pub supervise: bool,
}

impl Config<'_> {
    /// The settings of an empty environment.
    pub const DEFAULT: Config<'static> = Config {
        tool: Tool::None,
        hook: None,
        out: None,
        format: Format::Text,
        arm: Arm::Auto,
        rewrite: Rewrite::On,
        table: None,
        log: Level::Warn,
        hide_vdso: false,
        answer_identity: false,
        unfit: Unfit::Run,
        stat_time: false,
        trace: Options::DEFAULT,
        inject: None,
        inject_seed: None,
        policy: None,
        policy_explain: false,
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
    names: &["none", "stat", "trace", "inject", "policy"],
    values: &[Tool::None, Tool::Stat, Tool::Trace, Tool::Inject, Tool::Policy],
};
const FORMAT: Words<Format> = Words {
    names: &["text", "json", "perfetto"],
    values: &[Format::Text, Format::Json, Format::Perfetto],
};
const SWITCH: Words<bool> = Words {
    names: &["on", "off"],
    values: &[true, false],
};
const ARM: Words<Arm> = Words {
    names: &["auto", "seccomp", "sud", "vetted"],
    values: &[Arm::Auto, Arm::Seccomp, Arm::Sud, Arm::Vetted],
};
const REWRITE: Words<Rewrite> = Words {
    names: &["on", "lazy", "load", "off"],
    values: &[Rewrite::On, Rewrite::Lazy, Rewrite::Load, Rewrite::Off],
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
const VDSO: Words<bool> = Words {
    names: &["show", "hide"],
    values: &[false, true],
};
const ANSWER: Words<bool> = Words {
    names: &["none", "identity"],
    values: &[false, true],
};
const SUMMARY: Words<Summary> = Words {
    names: &["none", "only", "also"],
    values: &[Summary::None, Summary::Only, Summary::Also],
};
const SORT: Words<Sort> = Words {
    names: &["time", "calls", "errors", "name", "none"],
    values: &[Sort::Time, Sort::Calls, Sort::Errors, Sort::Name, Sort::None],
};
const UNFIT: Words<Unfit> = Words {
    names: &["run", "refuse"],
    values: &[Unfit::Run, Unfit::Refuse],
};

/// The names of all settings; a place in this list is a bit of
/// [`Config::parse`]'s note of what it has seen.
const NAMES: [&str; 26] = [
    "USERTRAP_TOOL",
    "USERTRAP_HOOK",
    "USERTRAP_OUT",
    "USERTRAP_FORMAT",
    "USERTRAP_ARM",
    "USERTRAP_REWRITE",
    "USERTRAP_TABLE",
    "USERTRAP_LOG",
    "USERTRAP_VDSO",
    "USERTRAP_ANSWER",
    "USERTRAP_UNFIT",
    "USERTRAP_STAT_TIME",
    "USERTRAP_SUPERVISE",
    "USERTRAP_TRACE_STRINGS",
    "USERTRAP_TRACE_CALLS",
    "USERTRAP_TRACE_SIGNALS",
    "USERTRAP_TRACE_CLOCK",
    "USERTRAP_TRACE_TIME",
    "USERTRAP_INJECT",
    "USERTRAP_INJECT_SEED",
    "USERTRAP_TRACE_PATHS",
    "USERTRAP_TRACE_STACKS",
    "USERTRAP_TRACE_SUMMARY",
    "USERTRAP_TRACE_SORT",
    "USERTRAP_POLICY",
    "USERTRAP_POLICY_EXPLAIN",
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
        let mut seen = 0u32;
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
        if config.format == Format::Perfetto && config.tool != Tool::Trace {
            return Err(ConfigError::Value {
                name: "USERTRAP_FORMAT",
                value: b"perfetto",
                valid: &["text", "json"],
            });
        }
        if config.tool == Tool::Inject && config.inject.is_none() {
            return Err(ConfigError::Inject(inject::parse::Error::Nothing));
        }
        Ok(config)
    }

    /// Gives the setting `name` the value that `value` spells.
    fn set(&mut self, name: &'static str, value: &'a [u8]) -> Result<(), ConfigError<'a>> {
        match name {
            "USERTRAP_TOOL" => self.tool = TOOL.find(name, value)?,
            "USERTRAP_HOOK" => {
                self.hook = Some(value).filter(|value| libraries::fit(value));
                if self.hook.is_none() {
                    return Err(ConfigError::Hook { value });
                }
            }
            "USERTRAP_OUT" => self.out = Some(value),
            "USERTRAP_FORMAT" => self.format = FORMAT.find(name, value)?,
            "USERTRAP_ARM" => self.arm = ARM.find(name, value)?,
            "USERTRAP_REWRITE" => self.rewrite = REWRITE.find(name, value)?,
            "USERTRAP_TABLE" => self.table = Some(table_address(value).ok_or(ConfigError::Table { value })?),
            "USERTRAP_LOG" => self.log = LOG.find(name, value)?,
            "USERTRAP_VDSO" => self.hide_vdso = VDSO.find(name, value)?,
            "USERTRAP_ANSWER" => self.answer_identity = ANSWER.find(name, value)?,
            "USERTRAP_UNFIT" => self.unfit = UNFIT.find(name, value)?,
            "USERTRAP_STAT_TIME" => self.stat_time = SWITCH.find(name, value)?,
            "USERTRAP_SUPERVISE" => self.supervise = SWITCH.find(name, value)?,
            "USERTRAP_TRACE_STRINGS" => self.trace.strings = limit(value).ok_or(ConfigError::Limit { name, value })?,
            "USERTRAP_TRACE_CALLS" => {
                options::select(value).map_err(|call| ConfigError::Call { call })?;
                self.trace.calls = Some(value);
            }
            "USERTRAP_TRACE_SIGNALS" => {
                options::select_signals(value).map_err(|signal| ConfigError::Signal { signal })?;
                self.trace.signals = Some(value);
            }
            "USERTRAP_TRACE_CLOCK" => self.trace.time = TIME.find(name, value)?,
            "USERTRAP_POLICY" => self.policy = Some(value),
            "USERTRAP_POLICY_EXPLAIN" => self.policy_explain = SWITCH.find(name, value)?,
            "USERTRAP_INJECT" => {
                inject::plan::check(value).map_err(ConfigError::Inject)?;
                self.inject = Some(value);
            }
            "USERTRAP_INJECT_SEED" => {
                self.inject_seed = Some(seed(value).ok_or(ConfigError::Seed { value })?);
            }
            "USERTRAP_TRACE_TIME" => self.trace.duration = SWITCH.find(name, value)?,
            "USERTRAP_TRACE_STACKS" => self.trace.stacks = SWITCH.find(name, value)?,
            "USERTRAP_TRACE_PATHS" => self.trace.paths = SWITCH.find(name, value)?,
            "USERTRAP_TRACE_SUMMARY" => self.trace.summary = SUMMARY.find(name, value)?,
            "USERTRAP_TRACE_SORT" => self.trace.sort = SORT.find(name, value)?,
            _ => {}
        }
        Ok(())
    }
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
    /// Of `USERTRAP_TRACE_CALLS`: there is no such call, and no such set of calls.
    Call {
        /// The name that is not known.
        call: &'a [u8],
    },
    /// Of `USERTRAP_TRACE_SIGNALS`: there is no such signal.
    Signal {
        /// The name that is not known.
        signal: &'a [u8],
    },
    /// `USERTRAP_HOOK` is no list of hook libraries.
    Hook {
        /// What was given.
        value: &'a [u8],
    },
    /// `USERTRAP_INJECT` is no list of rules.
    Inject(inject::parse::Error<'a>),
    /// `USERTRAP_INJECT_SEED` is no number.
    Seed {
        /// What was given.
        value: &'a [u8],
    },
    /// `USERTRAP_TABLE` is not an address at which a table may lie.
    Table {
        /// What was given.
        value: &'a [u8],
    },
}

impl ConfigError<'_> {
    /// Whether it is about what the trace tool is to show: the command does not start the
    /// program then, as strace does not.
    pub fn is_of_trace(&self) -> bool {
        matches!(self, ConfigError::Call { .. } | ConfigError::Signal { .. })
    }
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
            ConfigError::Call { call } => {
                write!(f, "trace: there is no system call {}", Named(call))
            }
            ConfigError::Signal { signal } => {
                write!(f, "trace: there is no signal {}", Named(signal))
            }
            ConfigError::Hook { value } => write!(
                f,
                "USERTRAP_HOOK={} is no list of hooks; valid: up to {} of `path` or `path:options` with commas between them, {} bytes together",
                value.escape_ascii(),
                libraries::MOST,
                libraries::ROOM / 2
            ),
            ConfigError::Inject(error) => write!(f, "inject: {error}"),
            ConfigError::Seed { value } => write!(
                f,
                "USERTRAP_INJECT_SEED={} is no seed; valid: a number of 64 bits, decimal or 0x…",
                value.escape_ascii()
            ),
            ConfigError::Table { value } => write!(
                f,
                "USERTRAP_TABLE={} is no address for the table; valid: 0x050f0000, and 0xNN060000 with NN from 00 to 7f",
                value.escape_ascii()
            ),
        }
    }
}

/// A name that somebody has written.
struct Named<'a>(&'a [u8]);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => f.write_str("without a name"),
            name => name.escape_ascii().fmt(f),
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

mod values;

#[cfg(test)]
mod tests;
