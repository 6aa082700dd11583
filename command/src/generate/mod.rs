//! The man page and the completions of shells, made from the options as clap
//! knows them; what options do not tell is in the files beside this one.

mod man;

use std::collections::BTreeSet;
use std::io::{self, Write};

use clap::{ArgAction, Command, CommandFactory};
use clap_complete::Shell;

use crate::cli::{Cli, Generated};
use crate::failure::Failure;

/// Completes the program's words as if it had been called alone; clap's own script knows nothing of them.
/// [`bash_program`] fills in the verbs and the options.
const BASH_PROGRAM: &str = include_str!("program.bash");

/// What clap calls the program and its arguments.
const PROGRAM: &str = "words";

/// Prints it to stdout; the man page of a verb, if one is named.
///
/// # Errors
/// If stdout takes no more.
pub(crate) fn print(what: Generated, verb: Option<&str>) -> Result<(), Failure> {
    let text = match (what, verb) {
        (Generated::Man, Some(verb)) => man::page_of(verb).ok_or_else(|| Failure::Output {
            error: io::Error::new(io::ErrorKind::NotFound, format!("there is no verb {verb}")),
        })?,
        _ => text(what),
    };
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(&text)
        .and_then(|()| stdout.flush())
        .map_err(|error| Failure::Output { error })
}

/// All of it.
fn text(what: Generated) -> Vec<u8> {
    match what {
        Generated::Man => man::page(),
        Generated::Verbs => man::verbs().map(|verb| verb + "\n").collect::<String>().into(),
        Generated::Bash => [completions(Shell::Bash), bash_program().into()].concat(),
        Generated::Zsh => completions(Shell::Zsh),
        Generated::Fish => completions(Shell::Fish),
    }
}

/// [`BASH_PROGRAM`] for the verbs that there are, and the options of all of them that have a value.
fn bash_program() -> String {
    let command = Cli::command();
    let verbs = || command.get_subcommands().filter(|verb| !verb.is_hide_set());
    let (starting, others): (Vec<&Command>, Vec<_>) = command
        .get_subcommands()
        .partition(|verb| verb.get_arguments().any(|argument| argument.get_id() == PROGRAM));
    let names = |verbs: &[&Command], between| {
        let names: Vec<_> = verbs.iter().map(|verb| verb.get_name()).collect();
        names.join(between)
    };
    let options: BTreeSet<String> = verbs()
        .chain([&command])
        .flat_map(Command::get_arguments)
        .filter(|argument| matches!(argument.get_action(), ArgAction::Set | ArgAction::Append))
        .flat_map(|argument| {
            let short = argument.get_short().map(|short| format!("-{short}"));
            let long = argument.get_long().map(|long| format!("--{long}"));
            short.into_iter().chain(long)
        })
        .collect();
    BASH_PROGRAM
        .replace("@OPTIONS@", &options.into_iter().collect::<Vec<_>>().join(" | "))
        .replace("@VERBS@", &names(&starting, " | "))
        .replace("@OTHERS@", &names(&others, " | "))
        .replace("@WORDS@", &names(&verbs().collect::<Vec<_>>(), " "))
}

fn completions(shell: Shell) -> Vec<u8> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "usertrap", &mut text);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generated(what: Generated) -> String {
        String::from_utf8_lossy(&text(what)).into_owned()
    }

    #[test]
    fn the_man_page_has_its_sections() {
        let page = generated(Generated::Man);
        let sections: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix(".SH ")).collect();
        assert_eq!(
            sections,
            [
                "NAME",
                "SYNOPSIS",
                "DESCRIPTION",
                "OPTIONS",
                "\"OPTIONS OF STAT\"",
                "\"OPTIONS OF TRACE\"",
                "\"OPTIONS OF INJECT\"",
                "\"OPTIONS OF POLICY\"",
                "\"OPTIONS OF SITES\"",
                "EXAMPLES",
                "ENVIRONMENT",
                "\"EXIT STATUS\"",
                "FILES",
                "BUGS",
                "\"SEE ALSO\"",
            ]
        );
    }

    #[test]
    fn each_option_is_in_the_man_page_and_in_each_completion() {
        let all = [Generated::Man, Generated::Bash, Generated::Zsh, Generated::Fish].map(generated);
        for option in Cli::command().get_arguments().filter_map(clap::Arg::get_long) {
            for text in &all {
                // The man page writes hyphens that are not to be broken as \-.
                assert!(
                    text.replace("\\-", "-").contains(option),
                    "{option} is missing in: {text:.60}"
                );
            }
        }
    }

    #[test]
    fn each_verb_has_a_page() {
        let verbs = generated(Generated::Verbs);
        assert!(verbs.lines().any(|verb| verb == "stat") && !verbs.contains("generate"));
        for verb in verbs.lines() {
            let page = String::from_utf8(man::page_of(verb).unwrap()).unwrap();
            for part in [
                &format!("usertrap\\-{verb} \\-"),
                ".SH SYNOPSIS",
                ".SH OPTIONS",
                "\n.SH EXAMPLES\n",
            ] {
                assert!(page.contains(part), "{verb}: {part}");
            }
        }
        assert!(man::page_of("generate").is_none());
    }

    #[test]
    fn nothing_speaks_of_generate() {
        assert!(!generated(Generated::Man).contains("generate"));
    }
}
