use std::os::unix::ffi::OsStrExt;

use super::*;

fn parsed(words: &[&str]) -> Result<Request, clap::Error> {
    let words = std::iter::once("usertrap").chain(words.iter().copied());
    parse(words.map(OsString::from).collect())
}

fn start(words: &[&str]) -> Start {
    match parsed(words) {
        Ok(Request::Start(start)) => *start,
        other => panic!("{words:?} gave {other:?}"),
    }
}

fn error(words: &[&str]) -> String {
    match parsed(words) {
        Err(said) if said.use_stderr() => said.to_string(),
        other => panic!("{words:?} gave {other:?}"),
    }
}

#[test]
fn definitions_are_sound() {
    use clap::CommandFactory;
    Cli::command().debug_assert();
}

#[test]
fn options_end_at_the_first_word_that_is_none() {
    let start = start(&[
        "-f", "-o", "out", "ls", "-l", "-o", "theirs", "--json", "-h", "--", "-V",
    ]);
    assert_eq!(start.words(), ["ls", "-l", "-o", "theirs", "--json", "-h", "--", "-V"]);
    assert_eq!(start.common.output.as_deref(), Some(Path::new("out")));
    assert_eq!(start.stat, None);
}

#[test]
fn two_hyphens_end_the_options_and_are_dropped_once() {
    assert_eq!(start(&["--", "ls", "--", "-x"]).words(), ["ls", "--", "-x"]);
    assert_eq!(start(&["--", "-odd", "-x"]).words(), ["-odd", "-x"]);
    assert_eq!(start(&["--", "--", "x"]).words(), ["--", "x"]);
    assert_eq!(start(&["stat", "--", "ls", "--", "-x"]).words(), ["ls", "--", "-x"]);
    assert_eq!(start(&["stat", "--", "--json"]).words(), ["--json"]);
}

#[test]
fn a_program_may_have_the_name_of_a_subcommand() {
    for name in ["stat", "generate", "help"] {
        let start = start(&["--", name, "man"]);
        assert_eq!(start.words(), [name, "man"]);
        assert_eq!(start.stat, None);
    }
    assert_eq!(start(&["help", "me"]).words(), ["help", "me"]);
    let counted = start(&["stat", "stat", "/"]);
    assert_eq!(counted.words(), ["stat", "/"]);
    assert!(counted.stat.is_some());
    assert_eq!(
        start(&["echo", "stat", "generate"]).words(),
        ["echo", "stat", "generate"]
    );
    assert_eq!(
        start(&["stat", "echo", "stat", "--time"]).words(),
        ["echo", "stat", "--time"]
    );
}

#[test]
fn stat_takes_options_before_and_behind_its_name() {
    let start = start(&[
        "-E", "A=1", "-o", "first", "--log", "info", "stat", "--json", "-E", "B", "-o", "last", "ls",
    ]);
    assert_eq!(start.common.env, ["A=1", "B"]);
    assert_eq!(start.common.output.as_deref(), Some(Path::new("last")));
    assert_eq!(start.common.log.as_deref(), Some("info"));
    assert_eq!(
        start.stat,
        Some(StatOptions {
            json: true,
            time: false,
            html: None,
        })
    );
    assert_eq!(start.words(), ["ls"]);
}

#[test]
fn a_page_is_the_whole_report() {
    assert_eq!(start(&["stat", "--html", "page", "ls"]).html(), Some(Path::new("page")));
    assert!(error(&["stat", "--html", "page", "--json", "ls"]).contains("--json"));
    for words in [
        ["-o", "text", "stat", "--html", "page", "ls"],
        ["stat", "-o", "text", "--html", "page", "ls"],
    ] {
        assert!(error(&words).contains("leave out -o"), "{words:?}");
    }
}

#[test]
fn the_last_of_equal_options_counts() {
    let start = start(&[
        "-o",
        "a",
        "-fo",
        "b",
        "-ff",
        "--trap-only",
        "--trap-only",
        "--unfit=run",
        "--unfit=refuse",
        "x",
    ]);
    assert_eq!(start.common.output.as_deref(), Some(Path::new("b")));
    assert_eq!(start.common.unfit.as_deref(), Some("refuse"));
    assert!(start.common.trap_only);
}

#[test]
fn a_program_must_be_named() {
    for words in [&[][..], &["-f"], &["stat"], &["stat", "--json"], &["--"]] {
        assert!(error(words).contains("PROGRAM"), "{words:?}");
    }
}

#[test]
fn wrong_options_are_refused_with_the_valid_ones() {
    assert!(error(&["--bogus", "ls"]).contains("--bogus"));
    // An option of stat's is none of the plain form.
    assert!(error(&["--json", "ls"]).contains("--json"));
    assert!(error(&["--log", "loud", "ls"]).contains("debug"));
    assert!(error(&["--unfit", "maybe", "ls"]).contains("refuse"));
    assert!(error(&["-E", "=1", "ls"]).contains("no name"));
    assert!(error(&["-E", "", "ls"]).contains("VAR"));
    assert!(error(&["-o", "", "ls"]).contains("-o"));
    assert!(error(&["generate", "csh"]).contains("fish"));
}

#[test]
fn tables_lie_where_a_table_works() {
    for address in [
        "0x050f0000",
        "0X50F0000",
        "84869120",
        "0x40060000",
        "0x00060000",
        "0x7f060000",
    ] {
        assert_eq!(
            start(&["--table", address, "ls"]).common.table.as_deref(),
            Some(address)
        );
    }
    for address in [
        "0",
        "0x50f0008",
        "0x40070000",
        "0x80060000",
        "+84869120",
        "0x+60000",
        "0x",
        "x",
        "0x10000050f0000",
    ] {
        assert!(error(&["--table", address, "ls"]).contains("0x050f0000"), "{address}");
    }
}

#[test]
fn help_and_version_are_no_errors() {
    for words in [
        &["-h"][..],
        &["--help"],
        &["-V"],
        &["--version"],
        &["stat", "-h"],
        &["stat", "--help"],
    ] {
        assert!(matches!(parsed(words), Err(said) if !said.use_stderr()), "{words:?}");
    }
}

#[test]
fn trace_shows_calls_and_signals_and_nothing_else() {
    let said = |expression: &str| match parsed(&["trace", "-e", expression, "prog"]) {
        Ok(_) => String::new(),
        Err(said) => said.to_string(),
    };
    for expression in ["read", "!read", "t=none", "signal=none", "s=hup"] {
        assert_eq!(said(expression), "");
    }
    for (expression, words) in [
        ("trace=", "there is no name"),
        ("", "there is no name"),
        ("abbrev=none", "valid: trace=SET and signal=SET"),
        ("inject=read:error=EIO", "`usertrap inject`"),
    ] {
        assert!(said(expression).contains(words), "{expression}: {}", said(expression));
    }
}

#[test]
fn help_fits_80_columns_and_hides_generate() {
    for words in [
        &["-h"][..],
        &["--help"],
        &["stat", "-h"],
        &["inject", "--help"],
        &["policy", "--help"],
        &["sites", "--help"],
    ] {
        let help = parsed(words).map_or_else(|said| said.to_string(), |_| String::new());
        assert!(help.contains("Examples:"));
        assert!(!help.contains("generate"), "{help}");
        let long: Vec<&str> = help.lines().filter(|line| line.len() > 80).collect();
        assert!(long.is_empty(), "{long:#?}");
    }
}

#[test]
fn words_need_not_be_utf8() {
    let odd = OsStr::from_bytes(b"\xff=\xfe").to_owned();
    let words = [
        "usertrap".into(),
        "-E".into(),
        odd.clone(),
        "-o".into(),
        odd.clone(),
        odd.clone(),
        odd.clone(),
    ];
    let Ok(Request::Start(start)) = parse(words.to_vec()) else {
        panic!("refused");
    };
    assert_eq!(start.common.env, std::slice::from_ref(&odd));
    assert_eq!(start.common.output.as_deref(), Some(Path::new(&odd)));
    assert_eq!(start.words(), [odd.clone(), odd]);
}
