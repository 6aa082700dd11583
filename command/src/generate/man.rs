//! usertrap(1): title, name and options by clap_mangen, the rest as written.

use clap::{Args, Command, CommandFactory};
use clap_mangen::Man;

use crate::cli::{Cli, InjectOptions, PolicyOptions, SitesOptions, StatOptions, TraceOptions};

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
    let inject = InjectOptions::augment_args(Command::new("inject").disable_help_flag(true));
    let policy = PolicyOptions::augment_args(Command::new("policy").disable_help_flag(true));
    let sites = SitesOptions::augment_args(Command::new("sites").disable_help_flag(true));
    let title = String::from_utf8_lossy(&rendered(|out| man.render_title(out))).into_owned();
    [
        // An empty date is an argument too: without its quotes the others move up.
        title.replacen(" 1  ", " 1 \"\" ", 1).into(),
        rendered(|out| man.render_name_section(out)),
        BEFORE.into(),
        rendered(|out| man.render_options_section(out)),
        options_of(stat, ".SH \"OPTIONS OF STAT\""),
        options_of(trace, ".SH \"OPTIONS OF TRACE\""),
        options_of(inject, ".SH \"OPTIONS OF INJECT\""),
        options_of(policy, ".SH \"OPTIONS OF POLICY\""),
        options_of(sites, ".SH \"OPTIONS OF SITES\""),
        AFTER.into(),
    ]
    .concat()
}

/// The verbs that have a page of their own.
pub(super) fn verbs() -> impl Iterator<Item = String> {
    let shown = Cli::command()
        .get_subcommands()
        .filter(|verb| !verb.is_hide_set())
        .cloned()
        .collect::<Vec<_>>();
    shown.into_iter().map(|verb| verb.get_name().to_owned())
}

/// The page of a verb, usertrap-VERB(1), if there is such a verb.
pub(super) fn page_of(verb: &str) -> Option<Vec<u8>> {
    let name = format!("usertrap-{verb}");
    let command = Cli::command();
    let command = command
        .get_subcommands()
        .find(|one| one.get_name() == verb && !one.is_hide_set())?;
    let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let command = command
        .clone()
        .name(name.clone())
        .display_name(name.clone())
        .disable_help_flag(true)
        .after_help("");
    let man = Man::new(command)
        .title(name.to_uppercase())
        .section("1")
        .manual("User Commands");
    let title = String::from_utf8_lossy(&rendered(|out| man.render_title(out))).into_owned();
    let examples = examples
        .trim_start_matches("Examples:\n")
        .replace('\\', "\\e")
        .replace('-', "\\-");
    Some(
        [
            title.replacen(" 1  ", " 1 \"\" ", 1).into(),
            rendered(|out| man.render_name_section(out)),
            rendered(|out| man.render_synopsis_section(out)),
            rendered(|out| man.render_description_section(out)),
            rendered(|out| man.render_options_section(out)),
            format!(".SH EXAMPLES\n.nf\n{examples}\n.fi\n.SH \"SEE ALSO\"\n.BR usertrap (1)\n").into(),
        ]
        .concat(),
    )
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
