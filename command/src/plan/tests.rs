use super::*;
use crate::cli::{self, Request};

fn owned(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

/// The plan of a command line, for a program that was found in /bin.
fn planned(words: &[&str], environment: &[&str]) -> Exec {
    let words = [&["usertrap"], words].concat();
    let Ok(Request::Start(start)) = cli::parse(owned(&words)) else {
        panic!("{words:?} was refused");
    };
    plan(
        &start,
        None,
        OsStr::new("/lib.so"),
        OsStr::new("/bin/found"),
        &owned(environment),
    )
}

#[test]
fn a_plain_start_sets_nothing() {
    let exec = planned(&["prog", "-x", ""], &["A=1"]);
    assert_eq!(exec.path, "/lib.so");
    assert_eq!(exec.argv, ["usertrap", "--", "/bin/found", "prog", "-x", ""]);
    assert_eq!(exec.envp, ["A=1"]);
}

#[test]
fn stat_names_the_tool_and_waits() {
    let exec = planned(&["stat", "--", "prog"], &[]);
    let argv = [
        "usertrap",
        "USERTRAP_TOOL=stat",
        "USERTRAP_SUPERVISE=on",
        "--",
        "/bin/found",
        "prog",
    ];
    assert_eq!(exec.argv, argv);
}

#[test]
fn each_option_is_a_setting() {
    for (option, setting) in [
        (&["-o", "a b"][..], "USERTRAP_OUT=a b"),
        (&["--trap-only"], "USERTRAP_REWRITE=off"),
        (&["--arm", "sud"], "USERTRAP_ARM=sud"),
        (&["--arm", "vetted"], "USERTRAP_ARM=vetted"),
        (&["--table", "0x40060000"], "USERTRAP_TABLE=0x40060000"),
        (&["--log", "debug"], "USERTRAP_LOG=debug"),
        (&["--unfit", "refuse"], "USERTRAP_UNFIT=refuse"),
    ] {
        let exec = planned(&[option, &["prog"]].concat(), &[]);
        assert_eq!(exec.argv, ["usertrap", setting, "--", "/bin/found", "prog"]);
    }
    for (option, setting) in [("--json", "USERTRAP_FORMAT=json"), ("--time", "USERTRAP_STAT_TIME=on")] {
        let exec = planned(&["stat", option, "prog"], &[]);
        assert_eq!(exec.argv[3], setting);
    }
}

#[test]
fn a_page_is_made_of_json_with_times() {
    let words = ["usertrap", "stat", "--html", "page", "prog"];
    let Ok(Request::Start(start)) = cli::parse(owned(&words)) else {
        panic!("refused");
    };
    let exec = plan(
        &start,
        Some(Path::new("/memory")),
        OsStr::new("/lib.so"),
        OsStr::new("/prog"),
        &[],
    );
    let settings = ["USERTRAP_OUT=/memory", "USERTRAP_FORMAT=json", "USERTRAP_STAT_TIME=on"];
    assert_eq!(exec.argv[3..6], settings);
}

#[test]
fn trace_takes_the_options_of_strace() {
    let exec = planned(
        &[
            "trace",
            "-e",
            "trace=read,write",
            "-s",
            "7",
            "-tt",
            "-T",
            "-fo",
            "f",
            "prog",
            "-e",
        ],
        &[],
    );
    let argv = [
        "usertrap",
        "USERTRAP_TOOL=trace",
        "USERTRAP_SUPERVISE=on",
        "USERTRAP_OUT=f",
        "USERTRAP_TRACE_STRINGS=7",
        "USERTRAP_TRACE_CALLS=read,write",
        "USERTRAP_TRACE_CLOCK=microseconds",
        "USERTRAP_TRACE_TIME=on",
        "--",
        "/bin/found",
        "prog",
        "-e",
    ];
    assert_eq!(exec.argv, argv);
    for (options, setting) in [
        (&["-t"][..], "USERTRAP_TRACE_CLOCK=seconds"),
        (&["-t", "-t", "-t"], "USERTRAP_TRACE_CLOCK=epoch"),
        (&["-r"], "USERTRAP_TRACE_CLOCK=relative"),
        (&["-e", "!futex"], "USERTRAP_TRACE_CALLS=!futex"),
        (&["-e", "read", "-e", "t=write"], "USERTRAP_TRACE_CALLS=write"),
        (&["-e", "signal=!chld"], "USERTRAP_TRACE_SIGNALS=!chld"),
        (&["--format=perfetto"], "USERTRAP_FORMAT=perfetto"),
        (&["-y"], "USERTRAP_TRACE_PATHS=on"),
        (&["-k"], "USERTRAP_TRACE_STACKS=on"),
        (&["-c"], "USERTRAP_TRACE_SUMMARY=only"),
        (&["-C"], "USERTRAP_TRACE_SUMMARY=also"),
        (&["-S", "calls"], "USERTRAP_TRACE_SORT=calls"),
    ] {
        let exec = planned(&[&["trace"], options, &["prog"]].concat(), &[]);
        assert_eq!(exec.argv[3], setting);
    }
}

#[test]
fn inject_joins_its_rules_and_refuses_to_run_without_them() {
    let exec = planned(
        &[
            "inject",
            "-e",
            "inject=read:error=EIO",
            "-e",
            "write:retval=1",
            "--seed",
            "7",
            "prog",
        ],
        &[],
    );
    let settings = [
        "USERTRAP_TOOL=inject",
        "USERTRAP_SUPERVISE=on",
        "USERTRAP_INJECT=inject=read:error=EIO;write:retval=1",
        "USERTRAP_INJECT_SEED=7",
        "USERTRAP_UNFIT=refuse",
    ];
    assert_eq!(exec.argv[1..6], settings);
    let exec = planned(&["inject", "--unfit", "run", "prog"], &[]);
    assert_eq!(exec.argv[3..5], ["USERTRAP_UNFIT=run", "--"]);
}

#[test]
fn policy_takes_a_file_before_the_program() {
    let exec = planned(&["policy", "--explain", "rules", "--", "prog", "--explain"], &[]);
    let argv = [
        "usertrap",
        "USERTRAP_TOOL=policy",
        "USERTRAP_SUPERVISE=on",
        "USERTRAP_POLICY=rules",
        "USERTRAP_POLICY_EXPLAIN=on",
        "USERTRAP_UNFIT=refuse",
        "--",
        "/bin/found",
        "prog",
        "--explain",
    ];
    assert_eq!(exec.argv, argv);
}

#[test]
fn options_that_are_ours_alone_set_nothing() {
    let exec = planned(&["-f", "--library", "x.so", "-E", "A=1", "prog"], &[]);
    assert_eq!(exec.argv, ["usertrap", "--", "/bin/found", "prog"]);
}

#[test]
fn settings_of_the_environment_stay_there() {
    let exec = planned(&["-o", "x", "prog"], &["USERTRAP_OUT=y", "USERTRAP_LOG=info"]);
    assert_eq!(exec.envp, ["USERTRAP_OUT=y", "USERTRAP_LOG=info"]);
    assert_eq!(exec.argv[1], "USERTRAP_OUT=x");
}

#[test]
fn the_environment_keeps_its_order_its_doubles_and_what_is_no_variable() {
    let environment = ["Z=1", "A=1", "Z=2", "odd", "=x", "E="];
    assert_eq!(planned(&["prog"], &environment).envp, environment);
}

#[test]
fn changes_of_the_environment_are_made_in_order() {
    let environment = ["A=1", "B=1", "C=1"];
    for (changes, expected) in [
        (&["B=2"][..], &["A=1", "B=2", "C=1"][..]),
        (&["D=1=2"], &["A=1", "B=1", "C=1", "D=1=2"]),
        (&["B"], &["A=1", "C=1"]),
        (&["B", "B=3"], &["A=1", "C=1", "B=3"]),
        (&["B=3", "B"], &["A=1", "C=1"]),
        (&["B="], &["A=1", "B=", "C=1"]),
        (&["none"], &["A=1", "B=1", "C=1"]),
    ] {
        let options: Vec<&str> = changes.iter().flat_map(|&change| ["-E", change]).collect();
        assert_eq!(
            planned(&[&options[..], &["prog"]].concat(), &environment).envp,
            expected,
            "{changes:?}"
        );
    }
}

#[test]
fn a_change_hits_all_doubles_and_no_longer_name() {
    let environment = ["A=1", "AB=1", "A=2", "A"];
    assert_eq!(planned(&["-E", "A=3", "prog"], &environment).envp, ["A=3", "AB=1", "A"]);
    assert_eq!(planned(&["-E", "A", "prog"], &environment).envp, ["AB=1", "A"]);
}
