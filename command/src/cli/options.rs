//! The options of all forms, and of each verb.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{ArgAction, Args, ValueHint};

/// What all forms take.
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

    /// What makes calls trap: auto, seccomp, sud, vetted
    ///
    /// A seccomp filter, or Syscall User Dispatch, with which programs keep
    /// the privileges of their files, and then run unseen. auto, the default,
    /// takes the filter if the kernel does. vetted is nothing at all for
    /// processes all of whose code is proved, and Syscall User Dispatch for
    /// the others.
    #[arg(verbatim_doc_comment, long, value_name = "ARM", value_parser = ["auto", "seccomp", "sud", "vetted"], hide_possible_values = true)]
    pub(crate) arm: Option<String>,

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

    /// Let a hook library see the calls; repeatable
    ///
    /// A shared library made with usertrap.h: its file, with a slash
    /// (./hook.so), or its name if ld.so finds it; what follows the : are its
    /// options. Several hooks see each call in the order in which they are
    /// given.
    #[arg(verbatim_doc_comment, long = "hook", value_name = "FILE[:OPTS]", action = ArgAction::Append,
        value_hint = ValueHint::FilePath, value_parser = OsStringValueParser::new().try_map(hook))]
    pub(crate) hooks: Vec<OsString>,

    /// Use this object and not libusertrap.so
    ///
    /// One with a hook of your own, say, built against the library.
    #[arg(verbatim_doc_comment, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) library: Option<PathBuf>,
}

impl Common {
    /// Both sets of options; where they disagree the `later` ones count.
    pub(super) fn followed_by(self, later: Common) -> Common {
        Common {
            output: later.output.or(self.output),
            follow: later.follow | self.follow,
            env: [self.env, later.env].concat(),
            trap_only: later.trap_only | self.trap_only,
            arm: later.arm.or(self.arm),
            table: later.table.or(self.table),
            log: later.log.or(self.log),
            unfit: later.unfit.or(self.unfit),
            hooks: [self.hooks, later.hooks].concat(),
            library: later.library.or(self.library),
        }
    }
}

/// What only `stat` takes.
#[derive(Args, Clone, PartialEq, Eq, Debug)]
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

    /// Write the report to FILE as a page for a browser
    ///
    /// Calls over time, processes, and the time in each call; it is one file
    /// that needs no other and no network. Measures times.
    #[arg(verbatim_doc_comment, long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "json")]
    pub(crate) html: Option<PathBuf>,
}

/// What only `trace` takes: strace's options of the same names.
#[derive(Args, Clone, PartialEq, Eq, Debug)]
pub(crate) struct TraceOptions {
    /// text (default), json: an object a line, perfetto: for ui.perfetto.dev
    ///
    /// text is as strace has it. perfetto is Chrome's trace format.
    #[arg(verbatim_doc_comment, long, value_name = "FORM", value_parser = ["text", "json", "perfetto"], hide_possible_values = true)]
    pub(crate) format: Option<String>,

    /// Show only these calls; signal=SET: signals
    ///
    /// Names and %classes with commas between them; !SET: all others. Classes
    /// are those of strace: %file, %desc, %process, %network, %signal, %memory,
    /// %ipc, %clock, %creds and others; trace=SET is the same as SET, none
    /// shows no call. Signals are named, or numbers; one -e for each of both.
    #[arg(
        verbatim_doc_comment,
        short = 'e',
        long = "calls",
        value_name = "SET",
        allow_hyphen_values = false,
        action = ArgAction::Append,
        value_parser = OsStringValueParser::new().try_map(Expression::parse)
    )]
    pub(crate) shown: Vec<Expression>,

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

    /// What descriptors lead to, behind them: 3</etc/passwd>
    #[arg(short = 'y', long = "decode-fds")]
    pub(crate) paths: bool,

    /// Where each call comes from: file and function
    ///
    /// And the offset in the file. The site of the call, not its callers.
    #[arg(verbatim_doc_comment, short = 'k', long = "stack-traces")]
    pub(crate) stacks: bool,

    /// A table of all calls, and nothing else, at the end
    ///
    /// As strace -c -w has it: the time is that which passed.
    #[arg(verbatim_doc_comment, short = 'c', long = "summary-only", conflicts_with = "format")]
    pub(crate) summary_only: bool,

    /// The same table behind the lines
    #[arg(short = 'C', long = "summary", conflicts_with = "format")]
    pub(crate) summary: bool,

    /// Sort the table by time (default), calls, errors, name or none
    #[arg(short = 'S', long = "summary-sort-by", value_name = "KEY", value_parser = ["time", "calls", "errors", "name", "none"], hide_possible_values = true)]
    pub(crate) sort: Option<String>,

    /// The time in each call, behind it
    #[arg(short = 'T', long = "syscall-times")]
    pub(crate) durations: bool,
}

/// A value of `trace -e`: what is to be shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Expression {
    /// These calls.
    Calls(OsString),
    /// These signals.
    Signals(OsString),
}

impl Expression {
    fn parse(text: OsString) -> Result<Expression, String> {
        let (what, set) = match text.as_bytes().iter().position(|&byte| byte == b'=') {
            Some(at) => text.as_bytes().split_at(at + 1),
            None => (&b"trace="[..], text.as_bytes()),
        };
        if set.is_empty() {
            return Err("there is no name; none stands for no call or signal".to_owned());
        }
        let set = OsStr::from_bytes(set).to_owned();
        match what {
            b"trace=" | b"t=" => Ok(Expression::Calls(set)),
            b"signal=" | b"signals=" | b"s=" => Ok(Expression::Signals(set)),
            b"inject=" | b"fault=" => Err("that is what `usertrap inject` does".to_owned()),
            _ => Err("valid: trace=SET and signal=SET".to_owned()),
        }
    }
}

/// What only `inject` takes.
#[derive(Args, Clone, PartialEq, Eq, Debug)]
pub(crate) struct InjectOptions {
    /// CALLS:FIELD[:FIELD]..., what happens to which calls; repeatable
    ///
    /// CALLS are names and %classes, with commas between them. With
    /// error=NAME|NUMBER or retval=NUMBER the call is not made; signal=NAME
    /// brings a signal; with delay_enter=TIME and delay_exit=TIME it is late
    /// (microseconds, or with s, ms, us, ns). when=FIRST[..LAST][+[STEP]]
    /// says which of a thread's calls, chance=PERCENT% how many of those.
    #[arg(
        verbatim_doc_comment,
        short = 'e',
        long = "inject",
        value_name = "RULE",
        action = ArgAction::Append
    )]
    pub(crate) rules: Vec<OsString>,

    /// The seed for chance=; another one each time if it is not given
    ///
    /// The report has it.
    #[arg(verbatim_doc_comment, long, value_name = "NUMBER")]
    pub(crate) seed: Option<u64>,
}

/// What only `policy` takes.
#[derive(Args, Clone, PartialEq, Eq, Debug)]
pub(crate) struct PolicyOptions {
    /// Say of each rule who keeps it: the kernel, or the process alone
    #[arg(long)]
    pub(crate) explain: bool,

    /// The file of rules
    ///
    /// A line each: allow, deny ERROR, log or kill, then names and %classes,
    /// then conditions: if argN OP VALUE & ..., where lowN is the lower half
    /// of an argument. The first rule that matches counts; default and an
    /// action says what becomes of all other calls.
    #[arg(verbatim_doc_comment, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
}

/// What `sites` takes.
#[derive(Args, Clone, PartialEq, Eq, Debug)]
pub(crate) struct SitesOptions {
    /// Write JSON, not a table
    #[arg(long)]
    pub(crate) json: bool,

    /// Look at the code of this process, as it is now
    #[arg(
        long,
        value_name = "PID",
        required_unless_present = "files",
        conflicts_with = "files",
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    pub(crate) pid: Option<u32>,

    /// Look at all pairs of bytes that could be a call
    ///
    /// Each `0f 05`, `0f 34`, `cd 80`, and whether it is proved to be a call
    /// or to be a part of something else. Those that are not are shown.
    #[arg(verbatim_doc_comment, long)]
    pub(crate) vet: bool,

    /// Reckon with a table at this address
    ///
    /// 0x050f0000, which is that of most programs, or 0xNN060000, that of
    /// programs that are not position-independent.
    #[arg(verbatim_doc_comment, long, value_name = "ADDR", value_parser = |text: &str| table_address(text).map(|_| number(text)))]
    pub(crate) table: Option<u32>,

    /// The programs and libraries to look at
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,
}

/// The value of `-E`: there must be a name.
fn change(text: OsString) -> Result<OsString, &'static str> {
    match text.as_bytes().first() {
        None | Some(b'=') => Err("there is no name of a variable"),
        Some(_) => Ok(text),
    }
}

/// The value of `--hook`: a file, and no comma, which stands between hooks.
fn hook(text: OsString) -> Result<OsString, &'static str> {
    match text.as_bytes() {
        [] | [b':', ..] => Err("there is no file"),
        bytes if bytes.contains(&b',') => Err("there must be no comma; say --hook once for each hook"),
        _ => Ok(text),
    }
}

/// A number in decimal or hexadecimal digits that was found to be one.
fn number(text: &str) -> u32 {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    digits
        .map_or_else(|| text.parse(), |digits| u32::from_str_radix(digits, 16))
        .unwrap_or(0)
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
