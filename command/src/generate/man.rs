//! usertrap(1): title, name and options by clap_mangen, the rest as written.

use clap::{Args, Command, CommandFactory};
use clap_mangen::Man;

use crate::cli::{Cli, StatOptions, TraceOptions};

/// SYNOPSIS and DESCRIPTION.
const BEFORE: &str = include_str!("before.roff");
/// EXAMPLES and all that follows.
const AFTER: &str = include_str!("after.roff");

/// The whole page.
pub(super) fn page() -> Vec<u8> {
    let command = Cli::command();
    let man = Man::new(command).title("USERTRAP").section("1").manual("User Commands");
    let stat = StatOptions::augment_args(Command::new("stat").disable_help_flag(true));
    let trace = TraceOptions::augment_args(Command::new("trace").disable_help_flag(true));
    let title = String::from_utf8_lossy(&rendered(|out| man.render_title(out))).into_owned();
    [
        // An empty date is an argument too: without its quotes the others move up.
        title.replacen(" 1  ", " 1 \"\" ", 1).into(),
        rendered(|out| man.render_name_section(out)),
        BEFORE.into(),
        rendered(|out| man.render_options_section(out)),
        options_of(stat, ".SH \"OPTIONS OF STAT\""),
        options_of(trace, ".SH \"OPTIONS OF TRACE\""),
        AFTER.into(),
    ]
    .concat()
}

/// The options of a subcommand under a title of their own.
fn options_of(command: Command, title: &str) -> Vec<u8> {
    let options = rendered(|out| Man::new(command).render_options_section(out));
    String::from_utf8_lossy(&options)
        .replacen(".SH OPTIONS", title, 1)
        .into()
}

/// What `render` writes. Memory takes all.
fn rendered(render: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>) -> Vec<u8> {
    let mut text = Vec::new();
    let _ = render(&mut text);
    text
}
