//! usertrap(1): title, name and options by clap_mangen, the rest as written.

use clap::{Args, Command, CommandFactory};
use clap_mangen::Man;

use crate::cli::{Cli, StatOptions};

/// SYNOPSIS and DESCRIPTION.
const BEFORE: &str = include_str!("before.roff");
/// EXAMPLES and all that follows.
const AFTER: &str = include_str!("after.roff");

/// The whole page.
pub(super) fn page() -> Vec<u8> {
    let command = Cli::command();
    let stat = StatOptions::augment_args(Command::new("stat").disable_help_flag(true));
    let man = Man::new(command).title("USERTRAP").section("1").manual("User Commands");
    let stat_options =
        String::from_utf8_lossy(&rendered(|out| Man::new(stat).render_options_section(out))).into_owned();
    let title = String::from_utf8_lossy(&rendered(|out| man.render_title(out))).into_owned();
    [
        // An empty date is an argument too: without its quotes the others move up.
        title.replacen(" 1  ", " 1 \"\" ", 1).into(),
        rendered(|out| man.render_name_section(out)),
        BEFORE.into(),
        rendered(|out| man.render_options_section(out)),
        stat_options
            .replacen(".SH OPTIONS", ".SH \"OPTIONS OF STAT\"", 1)
            .into(),
        AFTER.into(),
    ]
    .concat()
}

/// What `render` writes. Memory takes all.
fn rendered(render: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>) -> Vec<u8> {
    let mut text = Vec::new();
    let _ = render(&mut text);
    text
}
