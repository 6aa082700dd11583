//! `usertrap`: starts a program with every system call of it, and of all that
//! it starts, served in user space.
//!
//! Nothing of that is done here. The command reads its options, finds the
//! program and `libusertrap.so`, and executes the object with the settings as
//! its arguments: same process, same descriptors, same signals.
//!
//! | module | what it does |
//! |---|---|
//! | [`cli`] | the options, as clap takes them |
//! | [`find`] | the program in PATH, the object beside the command |
//! | [`plan`] | options and environment to what will be executed; pure |
//! | [`process`] | arguments and environment as they came, and `execve` |
//! | [`failure`] | what can go wrong, its one line and its exit status |
//! | [`generate`] | the man page and the completions of shells |

#![cfg_attr(not(test), no_main)]
#![cfg_attr(test, allow(dead_code, reason = "the unit tests call the parts"))]

mod cli;
mod failure;
mod find;
mod generate;
mod plan;
mod process;

use std::convert::Infallible;
use std::ffi::OsString;
use std::io::Write;

use cli::Request;
use failure::Failure;
use find::Searcher;

/// What `main` does, out of the arguments and the environment as they came. Returns the exit status.
fn run(arguments: Vec<OsString>, environment: &[OsString]) -> u8 {
    let outcome = match cli::parse(arguments) {
        Ok(Request::Start(start)) => begin(&start, environment).map(|never| match never {}),
        Ok(Request::Generate(what)) => generate::print(what),
        Err(said) => return cli::explain(&said),
    };
    match outcome {
        Ok(()) => 0,
        Err(failure) => {
            // Where stderr is closed there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "usertrap: {failure}");
            failure.status()
        }
    }
}

/// Becomes the program. Returns only if that failed.
fn begin(start: &cli::Start, environment: &[OsString]) -> Result<Infallible, Failure> {
    let program = find::program(start.program(), Searcher::from_environment(environment))?;
    let library = find::library(start.library())?;
    let exec = plan::plan(start, &library, &program, environment);
    let Err(error) = process::execute(&exec);
    Err(match error.raw_os_error() {
        // It is the program's arguments that are too long.
        Some(libc::E2BIG) => Failure::Program { name: program, error },
        _ => Failure::Object { path: library, error },
    })
}
