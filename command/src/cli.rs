//! The options, as clap takes them.
//!
//! Options end at the first word that is none: what follows is the program's.
//! `stat` or `trace` as that word is the subcommand, so options may stand before
//! and behind it; behind `--` it is a program.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum, ValueHint};

use crate::failure;

// Lines as they are printed: clap joins those of a comment.
const LONG_ABOUT: &str = "\
Runs a program with its system calls served in user space

Every system call of the program, from its first instruction on, and of every
program that it starts, goes to a hook in its own process: to count, trace,
change, answer or refuse it. No root, no ptrace, no recompilation.";

const EXAMPLES: &str = "\
Examples:
  usertrap ls -l                      run ls; its hook is USERTRAP_TOOL, if set
  usertrap stat make -j2              count the calls of make and its children
  usertrap stat -o calls.json --json -- ./server --port 80
                                      the report as JSON, to a file
  usertrap trace -e openat,read make  show those calls, as strace does
  usertrap --library ./libhook.so ./app
                                      with the hook of an object of your own
  usertrap -E LANG=C -E DISPLAY ./app
                                      with LANG set and without DISPLAY
  usertrap --trap-only ./app          change no code: every call takes the trap
  usertrap -- stat /etc/passwd        the program stat, not the subcommand

Options end at the first word that is none; the rest is the program's.
man usertrap says more.";

const STAT_EXAMPLES: &str = "\
Examples:
  usertrap stat ls -l                 the report goes to stderr, at the end
  usertrap stat --time -o report.txt make
                                      with the time in each call, to a file
  usertrap stat --json -- sh -c 'ls | wc -l'";

const TRACE_EXAMPLES: &str = "\
Examples:
  usertrap trace ls -l                every call, on stderr
  usertrap trace -o trace.txt -ttt -T make
                                      to a file, with times
  usertrap trace -s 200 -e read,write -- sh -c 'ls | wc -l'
  usertrap trace -e trace=!futex ./app";

/// Runs a program with its system calls served in user space
#[derive(Parser, Debug)]
#[command(
    name = "usertrap",
    version,
    override_usage = "usertrap [OPTIONS] [--] PROGRAM [ARGS]...\n       usertrap stat [OPTIONS] [--] PROGRAM [ARGS]...\n       usertrap trace [OPTIONS] [--] PROGRAM [ARGS]...",
    after_help = EXAMPLES,
    long_about = LONG_ABOUT,
    args_override_self = true,
    disable_help_subcommand = true,
    subcommand_negates_reqs = true
)]
pub(crate) struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    subcommand: Option<Verb>,
    #[command(flatten)]
    command_line: CommandLine,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// Count the calls of a program and of all that it starts
    ///
    /// Waits until every process of the tree has ended, writes one report of
    /// the tree, and ends as the program did.
    #[command(
        verbatim_doc_comment,
        override_usage = "usertrap stat [OPTIONS] [--] PROGRAM [ARGS]...",
        after_help = STAT_EXAMPLES,
        args_override_self = true
    )]
    Stat {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        stat: StatOptions,
        #[command(flatten)]
        command_line: CommandLine,
    },
    /// Show each call of a program and of all that it starts, as strace does
    ///
    /// Waits until every process of the tree has ended, and ends as the program
    /// did.
    #[command(
        verbatim_doc_comment,
        override_usage = "usertrap trace [OPTIONS] [--] PROGRAM [ARGS]...",
        after_help = TRACE_EXAMPLES,
        args_override_self = true
    )]
    Trace {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        trace: TraceOptions,
        #[command(flatten)]
        command_line: CommandLine,
    },
    /// Print the man page, or the completions of a shell
    #[command(hide = true)]
    Generate {
        /// What to print
        what: Generated,
    },
}

/// What `generate` prints.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Generated {
    /// The man page, usertrap(1)
    Man,
    /// Completions for bash
    Bash,
    /// Completions for zsh
    Zsh,
    /// Completions for fish
    Fish,
}

/// The program and its arguments.
#[derive(Args, Clone, Debug, Default)]
struct CommandLine {
    /// The program, and its own arguments
    #[arg(required = true, trailing_var_arg = true, value_name = "PROGRAM", value_hint = ValueHint::CommandWithArguments)]
    words: Vec<OsString>,
}

/// What both forms take.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Common {
    /// Write reports to FILE, not to stderr
    ///
    /// It is emptied first.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,

    /// Follow children and what they run: always the case
    ///
    /// Accepted for those who know strace: there is no way not to.
    #[arg(short, long = "follow-forks", overrides_with = "follow")]
    follow: bool,

    /// Set VAR for the program, or remove it; repeatable
    ///
    /// Changed for the program only, in the order of these options; all other
    /// variables stay as they are. Without a = the variable is removed.
    #[arg(verbatim_doc_comment, short = 'E', long = "env", value_name = "VAR[=VALUE]", action = ArgAction::Append,
        value_parser = OsStringValueParser::new().try_map(change))]
    pub(crate) env: Vec<OsString>,

    /// Change no code: every call takes the trap
    ///
    /// Calls are slower by a factor of ten and more. To see whether rewritten
    /// code is what troubles a program.
    #[arg(verbatim_doc_comment, long)]
    pub(crate) trap_only: bool,

    /// Where to map the table, and nowhere else
    ///
    /// 0x050f0000, which is tried first if this is not given, or 0xNN060000
    /// with NN from 00 to 7f.
    #[arg(verbatim_doc_comment, long, value_name = "ADDR", value_parser = table_address)]
    pub(crate) table: Option<String>,

    /// Messages: off, error, warn (default), info, debug
    ///
    /// They go to stderr, one line each. info says what was set up, debug
    /// tells the fate of each place.
    #[arg(verbatim_doc_comment, long, value_name = "LEVEL", value_parser = ["off", "error", "warn", "info", "debug"], hide_possible_values = true)]
    pub(crate) log: Option<String>,

    /// Where we cannot work: run (default) or refuse
    ///
    /// run says so in one line and runs the program untouched; refuse says so
    /// and ends with status 125.
    #[arg(verbatim_doc_comment, long, value_name = "HOW", value_parser = ["run", "refuse"], hide_possible_values = true)]
    pub(crate) unfit: Option<String>,

    /// Use this object and not libusertrap.so
    ///
    /// One with a hook of your own, say, built against the library.
    #[arg(verbatim_doc_comment, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) library: Option<PathBuf>,
}

impl Common {
    /// Both sets of options; where they disagree the `later` ones count.
    fn followed_by(self, later: Common) -> Common {
        Common {
            output: later.output.or(self.output),
            follow: later.follow | self.follow,
            env: [self.env, later.env].concat(),
            trap_only: later.trap_only | self.trap_only,
            table: later.table.or(self.table),
            log: later.log.or(self.log),
            unfit: later.unfit.or(self.unfit),
            library: later.library.or(self.library),
        }
    }
}

/// What only `stat` takes.
#[derive(Args, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct StatOptions {
    /// Write the report as JSON, not as a table
    ///
    /// Its form is stable.
    #[arg(long)]
    pub(crate) json: bool,

    /// Measure the time in each call as well
    ///
    /// Total, median and 99th percentile of each.
    #[arg(long)]
    pub(crate) time: bool,
}

/// What only `trace` takes: strace's options of the same names.
#[derive(Args, Clone, PartialEq, Eq, Debug)]
pub(crate) struct TraceOptions {
    /// Show these calls only: names and %classes, with commas; !set: all others
    ///
    /// Classes are those of strace: %file, %desc, %process, %network, %signal,
    /// %memory, %ipc, %clock, %creds and others; trace=SET is the same as SET.
    #[arg(
        verbatim_doc_comment,
        short = 'e',
        long = "calls",
        value_name = "SET",
        allow_hyphen_values = false
    )]
    pub(crate) calls: Option<OsString>,

    /// Show so many bytes of strings: 32 if it is not said
    ///
    /// Paths are always shown whole.
    #[arg(verbatim_doc_comment, short, long = "string-limit", value_name = "BYTES")]
    pub(crate) strings: Option<u32>,

    /// The time before each line; -tt: with microseconds, -ttt: since 1970
    ///
    /// In UTC.
    #[arg(verbatim_doc_comment, short = 't', action = ArgAction::Count)]
    pub(crate) clock: u8,

    /// The time since the line before, before each line
    #[arg(short, long = "relative-timestamps")]
    pub(crate) relative: bool,

    /// The time in each call, behind it
    #[arg(short = 'T', long = "syscall-times")]
    pub(crate) durations: bool,
}

/// What the command line asks for.
#[derive(Debug)]
pub(crate) enum Request {
    /// To start a program.
    Start(Box<Start>),
    /// To print something generated.
    Generate(Generated),
}

/// A program to start, and how.
#[derive(Debug)]
pub(crate) struct Start {
    /// What both forms take.
    pub(crate) common: Common,
    /// What `stat` takes, if it is that.
    pub(crate) stat: Option<StatOptions>,
    /// What `trace` takes, if it is that.
    pub(crate) trace: Option<TraceOptions>,
    /// The program as it was named, and its arguments: one word at least.
    words: Vec<OsString>,
}

impl Start {
    /// The program, as it was named.
    pub(crate) fn program(&self) -> &OsStr {
        self.words.first().map_or(OsStr::new(""), OsString::as_os_str)
    }

    /// argv for the program, its name first.
    pub(crate) fn words(&self) -> &[OsString] {
        &self.words
    }

    /// `--library`.
    pub(crate) fn library(&self) -> Option<&Path> {
        self.common.library.as_deref()
    }
}

/// Reads the command line, its first word being our own name.
///
/// # Errors
/// What clap says; for `--help` and `--version` too.
pub(crate) fn parse(arguments: Vec<OsString>) -> Result<Request, clap::Error> {
    let cli = Cli::try_parse_from(arguments)?;
    Ok(match cli.subcommand {
        None => Request::Start(Box::new(Start {
            common: cli.common,
            stat: None,
            trace: None,
            words: cli.command_line.words,
        })),
        Some(Verb::Stat {
            common,
            stat,
            command_line,
        }) => Request::Start(Box::new(Start {
            common: cli.common.followed_by(common),
            stat: Some(stat),
            trace: None,
            words: command_line.words,
        })),
        Some(Verb::Trace {
            common,
            trace,
            command_line,
        }) => Request::Start(Box::new(Start {
            common: cli.common.followed_by(common),
            stat: None,
            trace: Some(trace),
            words: command_line.words,
        })),
        Some(Verb::Generate { what }) => Request::Generate(what),
    })
}

/// Prints what clap has to say: help to stdout, errors to stderr. Returns the exit status.
pub(crate) fn explain(said: &clap::Error) -> u8 {
    let printed = said.print().and_then(|()| std::io::stdout().flush());
    match (said.use_stderr(), printed) {
        (false, Ok(())) => 0,
        _ => failure::OURS,
    }
}

/// The value of `-E`: there must be a name.
fn change(text: OsString) -> Result<OsString, &'static str> {
    match text.as_bytes().first() {
        None | Some(b'=') => Err("there is no name of a variable"),
        Some(_) => Ok(text),
    }
}

/// The value of `--table`: one of the addresses at which a table works. Handed on as it was written.
fn table_address(text: &str) -> Result<String, &'static str> {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None => (text, 10),
    };
    let plain = !digits.starts_with(['+', '-']);
    match u64::from_str_radix(digits, radix) {
        Ok(address) if plain && (address == 0x050f_0000 || address & !0x7f00_0000 == 0x0006_0000) => {
            Ok(text.to_owned())
        }
        _ => Err("valid: 0x050f0000, and 0xNN060000 with NN from 00 to 7f"),
    }
}

#[cfg(test)]
mod tests;
