//! `usertrap`: starts a program with every system call of it, and of all that
//! it starts, served in user space.
//!
//! Nothing of that is done here, except to judge files (`sites`). The command reads its options, finds the
//! program and `libusertrap.so`, and executes the object with the settings as
//! its arguments: same process, same descriptors, same signals. Only where the
//! report becomes a page (`stat --html`) does it stay, as the parent.
//!
//! | module | what it does |
//! |---|---|
//! | [`cli`] | the options, as clap takes them |
//! | [`find`] | the program in PATH, the object beside the command |
//! | [`plan`] | options and environment to what will be executed; pure |
//! | [`page`] | the report of `stat` as a page to look at |
//! | [`watch`] | for a page: start the program in a child, and wait |
//! | [`process`] | arguments and environment as they came, and `execve` |
//! | [`failure`] | what can go wrong, its one line and its exit status |
//! | [`sites`] | the `syscall`s of a file or a process, judged by the rewriter's own code, [`prover`] |
//! | [`generate`] | the man page and the completions of shells |

#![cfg_attr(not(test), no_main)]
#![cfg_attr(test, allow(dead_code, reason = "the unit tests call the parts"))]

mod cli;
mod failure;
mod find;
mod generate;
mod page;
mod plan;
mod process;
mod prover;
mod sites;
mod watch;

use std::convert::Infallible;
use std::ffi::OsString;
use std::io::{ErrorKind, Write};
use std::path::Path;

use cli::Request;
use failure::Failure;
use find::Searcher;

/// What `main` does, out of the arguments and the environment as they came. Returns the exit status.
fn run(arguments: Vec<OsString>, environment: &[OsString]) -> u8 {
    let outcome = match cli::parse(arguments) {
        Ok(Request::Start(start)) => match start.html() {
            Some(path) => watch::page(&start, path, environment),
            None => begin(&start, None, environment).map(|never| match never {}),
        },
        Ok(Request::Sites(options)) => sites::run(&options),
        Ok(Request::Generate(what, verb)) => generate::print(what, verb.as_deref()),
        Err(said) => return cli::explain(&said),
    };
    match outcome {
        Ok(()) => 0,
        Err(failure) => failed(&failure),
    }
}

/// Says what went wrong. Returns the exit status.
fn failed(failure: &Failure) -> u8 {
    // Where stderr is closed there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "usertrap: {failure}");
    failure.status()
}

/// A program that is not there may be a verb that was misspelt.
fn meant(start: &cli::Start, failure: Failure) -> Failure {
    match failure {
        Failure::Program { name, error } if error.kind() == ErrorKind::NotFound && !start.has_verb() => {
            match cli::similar_verb(&name) {
                Some(verb) => Failure::NoVerb { name, verb },
                None => Failure::Program { name, error },
            }
        }
        other => other,
    }
}

/// Becomes the program, whose `report` goes to another file than the options say. Returns only if that failed.
fn begin(start: &cli::Start, report: Option<&Path>, environment: &[OsString]) -> Result<Infallible, Failure> {
    let found = find::program(start.program(), Searcher::from_environment(environment));
    let program = found.map_err(|failure| meant(start, failure))?;
    let library = find::library(start.library())?;
    let exec = plan::plan(start, report, &library, &program, environment);
    let Err(error) = process::execute(&exec);
    Err(match error.raw_os_error() {
        // It is the program's arguments that are too long.
        Some(libc::E2BIG) => Failure::Program { name: program, error },
        _ => Failure::Object { path: library, error },
    })
}
