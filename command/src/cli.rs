//! The options, as clap takes them.
//!
//! Options end at the first word that is none: what follows is the program's.
//! `stat`, `trace`, `inject` or `policy` as that word is the subcommand, so options may stand before
//! and behind it; behind `--` it is a program.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::Path;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum, ValueHint};

mod options;
mod texts;

pub(crate) use options::{Common, Expression, InjectOptions, PolicyOptions, SitesOptions, StatOptions, TraceOptions};

use crate::failure;
use texts::{EXAMPLES, INJECT_EXAMPLES, LONG_ABOUT, POLICY_EXAMPLES, SITES_EXAMPLES, STAT_EXAMPLES, TRACE_EXAMPLES};

/// Runs a program with its system calls served in user space
#[derive(Parser, Debug)]
#[command(
    name = "usertrap",
    version,
    override_usage = "usertrap [OPTIONS] [--] PROGRAM [ARGS]...\n       usertrap stat [OPTIONS] [--] PROGRAM [ARGS]...\n       usertrap trace [OPTIONS] [--] PROGRAM [ARGS]...\n       usertrap inject -e RULE [OPTIONS] [--] PROGRAM [ARGS]...\n       usertrap policy [OPTIONS] FILE [--] PROGRAM [ARGS]...\n       usertrap sites [--json] FILE... | --pid PID",
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
    Stat(Form<StatOptions>),
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
    Trace(Form<TraceOptions>),
    /// Let calls of a program and of all that it starts fail, or be late
    ///
    /// As strace -e inject= does. Waits until every process of the tree has
    /// ended, reports what was injected, and ends as the program did.
    #[command(
        verbatim_doc_comment,
        override_usage = "usertrap inject -e RULE [OPTIONS] [--] PROGRAM [ARGS]...",
        after_help = INJECT_EXAMPLES,
        args_override_self = true
    )]
    Inject(Form<InjectOptions>),
    /// Deny calls of a program and of all that it starts, by a file of rules
    ///
    /// The kernel keeps them too. Waits until every process of the tree has
    /// ended, reports how often each rule counted, and ends as the program did.
    #[command(
        verbatim_doc_comment,
        override_usage = "usertrap policy [OPTIONS] FILE [--] PROGRAM [ARGS]...",
        after_help = POLICY_EXAMPLES,
        args_override_self = true
    )]
    Policy(Form<PolicyOptions>),
    /// Show the places of calls in files or a process, and their fates
    ///
    /// Files are programs and libraries. For each syscall instruction of their
    /// functions: where it is, its number if the code says it, and in which
    /// form it would be rewritten, or why not.
    #[command(
        verbatim_doc_comment,
        override_usage = "usertrap sites [--json] [--table ADDR] FILE...\n       usertrap sites [--json] --pid PID",
        after_help = SITES_EXAMPLES,
        args_override_self = true
    )]
    Sites(SitesOptions),
    /// Print the man page, or the completions of a shell
    #[command(hide = true)]
    Generate {
        /// What to print
        what: Generated,
        /// The verb whose man page it is to be
        verb: Option<String>,
    },
}

/// A verb's options, and what it is to run.
#[derive(Args, Debug)]
struct Form<T: Args> {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    options: T,
    #[command(flatten)]
    command_line: CommandLine,
}

/// What `generate` prints.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Generated {
    /// The man page, usertrap(1)
    Man,
    /// The verbs, each of which has a man page: usertrap-VERB(1)
    Verbs,
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

/// What the command line asks for.
#[derive(Debug)]
pub(crate) enum Request {
    /// To start a program.
    Start(Box<Start>),
    /// To judge files or a process.
    Sites(SitesOptions),
    /// To print something generated.
    Generate(Generated, Option<String>),
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
    /// What `inject` takes, if it is that.
    pub(crate) inject: Option<InjectOptions>,
    /// What `policy` takes, if it is that.
    pub(crate) policy: Option<PolicyOptions>,
    /// The program as it was named, and its arguments: one word at least.
    words: Vec<OsString>,
}

impl Start {
    /// Takes over a verb's options, which count where they disagree with those before it.
    fn take<T: Args>(&mut self, form: Form<T>) -> T {
        self.common = std::mem::take(&mut self.common).followed_by(form.common);
        self.words = form.command_line.words;
        form.options
    }

    /// Whether there is a verb.
    pub(crate) fn has_verb(&self) -> bool {
        self.stat.is_some() || self.trace.is_some() || self.inject.is_some() || self.policy.is_some()
    }

    /// The program, as it was named.
    pub(crate) fn program(&self) -> &OsStr {
        self.words.first().map_or(OsStr::new(""), OsString::as_os_str)
    }

    /// argv for the program, its name first.
    pub(crate) fn words(&self) -> &[OsString] {
        &self.words
    }

    /// `--html`.
    pub(crate) fn html(&self) -> Option<&Path> {
        self.stat.as_ref()?.html.as_deref()
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
    let mut start = Start {
        common: cli.common,
        stat: None,
        trace: None,
        inject: None,
        policy: None,
        words: cli.command_line.words,
    };
    match cli.subcommand {
        None => {}
        Some(Verb::Generate { what, verb }) => return Ok(Request::Generate(what, verb)),
        Some(Verb::Sites(options)) => return Ok(Request::Sites(options)),
        Some(Verb::Stat(form)) => {
            start.stat = Some(start.take(form));
            if start.html().is_some() && start.common.output.is_some() {
                let text = "--html FILE is where the report goes; leave out -o";
                return Err(Cli::command().error(ErrorKind::ArgumentConflict, text));
            }
        }
        Some(Verb::Trace(form)) => start.trace = Some(start.take(form)),
        Some(Verb::Inject(form)) => start.inject = Some(start.take(form)),
        Some(Verb::Policy(form)) => start.policy = Some(start.take(form)),
    }
    Ok(Request::Start(Box::new(start)))
}

/// The verb that is called nearly like this program, of which there is none.
pub(crate) fn similar_verb(program: &OsStr) -> Option<String> {
    // clap's own measure for what it suggests.
    const ENOUGH: f64 = 0.7;
    let program = program.to_str().filter(|name| !name.contains('/'))?;
    let command = Cli::command();
    let verbs = command.get_subcommands().filter(|verb| !verb.is_hide_set());
    let ranked = verbs.map(|verb| (strsim::jaro(program, verb.get_name()), verb.get_name()));
    let (likeness, verb) = ranked.max_by(|one, other| one.0.total_cmp(&other.0))?;
    (likeness > ENOUGH).then(|| verb.to_owned())
}

/// Prints what clap has to say: help to stdout, errors to stderr. Returns the exit status.
pub(crate) fn explain(said: &clap::Error) -> u8 {
    let printed = said.print().and_then(|()| std::io::stdout().flush());
    match (said.use_stderr(), printed) {
        (false, Ok(())) => 0,
        _ => failure::OURS,
    }
}

#[cfg(test)]
mod tests;
