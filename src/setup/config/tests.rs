//! Each setting, each refusal.

use super::*;

fn parse<'a>(vars: &[&'a str]) -> Result<Config<'a>, String> {
    Config::parse(vars.iter().map(|var| var.as_bytes())).map_err(|error| error.to_string())
}

#[test]
fn without_settings_the_defaults_hold() {
    let vars = [
        "PATH=/bin",
        "usertrap_tool=x",
        "USERTRAP=1",
        "MY_USERTRAP_TOOL=x",
        "USERTRAP_TOOL",
        "",
    ];
    assert_eq!(parse(&vars), Ok(Config::DEFAULT));
}

#[test]
fn each_word_of_each_setting_has_its_meaning() {
    for (text, tool) in [("none", Tool::None), ("stat", Tool::Stat)] {
        assert_eq!(parse(&[&format!("USERTRAP_TOOL={text}")]).unwrap().tool, tool);
    }
    for (text, format) in [("text", Format::Text), ("json", Format::Json)] {
        assert_eq!(parse(&[&format!("USERTRAP_FORMAT={text}")]).unwrap().format, format);
    }
    for (text, on) in [("on", true), ("off", false)] {
        assert_eq!(parse(&[&format!("USERTRAP_STAT_TIME={text}")]).unwrap().stat_time, on);
    }
    for (text, when) in [
        ("on", Rewrite::On),
        ("lazy", Rewrite::Lazy),
        ("load", Rewrite::Load),
        ("off", Rewrite::Off),
    ] {
        assert_eq!(parse(&[&format!("USERTRAP_REWRITE={text}")]).unwrap().rewrite, when);
    }
    for (text, arm) in [
        ("auto", Arm::Auto),
        ("seccomp", Arm::Seccomp),
        ("sud", Arm::Sud),
        ("vetted", Arm::Vetted),
    ] {
        assert_eq!(parse(&[&format!("USERTRAP_ARM={text}")]).unwrap().arm, arm);
    }
    for (text, level) in [
        ("off", Level::Off),
        ("error", Level::Error),
        ("warn", Level::Warn),
        ("info", Level::Info),
        ("debug", Level::Debug),
    ] {
        assert_eq!(parse(&[&format!("USERTRAP_LOG={text}")]).unwrap().log, level);
    }
    for (text, unfit) in [("run", Unfit::Run), ("refuse", Unfit::Refuse)] {
        assert_eq!(parse(&[&format!("USERTRAP_UNFIT={text}")]).unwrap().unfit, unfit);
    }
}

#[test]
fn settings_do_not_touch_each_other() {
    let all = [
        "USERTRAP_TOOL=stat",
        "HOME=/",
        "USERTRAP_OUT=a=b",
        "USERTRAP_TABLE=0x40060000",
    ];
    let expected = Config {
        tool: Tool::Stat,
        out: Some(b"a=b"),
        table: Some(0x4006_0000),
        ..Config::DEFAULT
    };
    assert_eq!(parse(&all), Ok(expected));
}

#[test]
fn a_file_name_is_taken_byte_for_byte() {
    let vars: [&[u8]; 1] = [b"USERTRAP_OUT=\xff x\n"];
    assert_eq!(Config::parse(vars.into_iter()).unwrap().out, Some(&b"\xff x\n"[..]));
}

#[test]
fn empty_is_the_default() {
    let empty: Vec<String> = NAMES.iter().map(|name| format!("{name}=")).collect();
    let empty: Vec<&str> = empty.iter().map(String::as_str).collect();
    assert_eq!(parse(&empty), Ok(Config::DEFAULT));
}

#[test]
fn the_first_of_two_counts() {
    assert_eq!(
        parse(&["USERTRAP_TOOL=stat", "USERTRAP_TOOL=none"]).unwrap().tool,
        Tool::Stat
    );
    assert_eq!(
        parse(&["USERTRAP_TOOL=", "USERTRAP_TOOL=stat"]).unwrap().tool,
        Tool::None
    );
    assert!(parse(&["USERTRAP_TOOL=stat", "USERTRAP_TOOL=nonsense"]).is_ok());
}

#[test]
fn unknown_values_are_refused_with_the_valid_ones() {
    for (var, message) in [
        (
            "USERTRAP_TOOL=strace",
            "USERTRAP_TOOL=strace is not known; valid: none, stat, trace, inject, policy",
        ),
        (
            "USERTRAP_TOOL=Stat",
            "USERTRAP_TOOL=Stat is not known; valid: none, stat, trace, inject, policy",
        ),
        (
            "USERTRAP_FORMAT=xml",
            "USERTRAP_FORMAT=xml is not known; valid: text, json, perfetto",
        ),
        (
            "USERTRAP_REWRITE=1",
            "USERTRAP_REWRITE=1 is not known; valid: on, lazy, load, off",
        ),
        (
            "USERTRAP_STAT_TIME= on",
            "USERTRAP_STAT_TIME= on is not known; valid: on, off",
        ),
        (
            "USERTRAP_LOG=trace",
            "USERTRAP_LOG=trace is not known; valid: off, error, warn, info, debug",
        ),
        ("USERTRAP_VDSO=off", "USERTRAP_VDSO=off is not known; valid: show, hide"),
        (
            "USERTRAP_ANSWER=on",
            "USERTRAP_ANSWER=on is not known; valid: none, identity",
        ),
        (
            "USERTRAP_UNFIT=die",
            "USERTRAP_UNFIT=die is not known; valid: run, refuse",
        ),
        (
            "USERTRAP_FORMAT=perfetto",
            "USERTRAP_FORMAT=perfetto is not known; valid: text, json",
        ),
        (
            "USERTRAP_TRACE_STRINGS=-1",
            "USERTRAP_TRACE_STRINGS=-1 is no number of bytes",
        ),
        ("USERTRAP_TRACE_CALLS=read,reed", "trace: there is no system call reed"),
        ("USERTRAP_TRACE_SIGNALS=usr1,!usr2", "trace: there is no signal !usr2"),
        (
            "USERTRAP_HOOK=a.so,",
            "USERTRAP_HOOK=a.so, is no list of hooks; valid: up to 8 of `path` or `path:options` with commas between \
             them, 2048 bytes together",
        ),
        (
            "USERTRAP_TOOL=a\nb\x1b",
            "USERTRAP_TOOL=a\\nb\\x1b is not known; valid: none, stat, trace, inject, policy",
        ),
    ] {
        assert_eq!(parse(&[var]), Err(message.to_owned()));
    }
}

#[test]
fn what_to_inject_is_checked_at_once() {
    let config = parse(&[
        "USERTRAP_TOOL=inject",
        "USERTRAP_INJECT=read:error=EIO",
        "USERTRAP_INJECT_SEED=0x10",
    ])
    .unwrap();
    assert_eq!(
        (config.inject, config.inject_seed),
        (Some(&b"read:error=EIO"[..]), Some(16))
    );
    for (settings, part) in [
        (
            &["USERTRAP_TOOL=inject"][..],
            "inject: there is nothing to inject; give -e",
        ),
        (
            &["USERTRAP_INJECT=reed:error=EIO"],
            "inject: there is no system call reed",
        ),
        (
            &["USERTRAP_INJECT_SEED=-1"],
            "USERTRAP_INJECT_SEED=-1 is no seed; valid: a number",
        ),
    ] {
        let said = parse(settings).unwrap_err();
        assert!(said.starts_with(part), "{said}");
    }
}

#[test]
fn unknown_names_are_refused_with_the_valid_ones() {
    let valid = "USERTRAP_TOOL, USERTRAP_HOOK, USERTRAP_OUT, USERTRAP_FORMAT, USERTRAP_ARM, USERTRAP_REWRITE, USERTRAP_TABLE, \
                 USERTRAP_LOG, USERTRAP_VDSO, USERTRAP_ANSWER, USERTRAP_UNFIT, USERTRAP_STAT_TIME, USERTRAP_SUPERVISE, \
                 USERTRAP_TRACE_STRINGS, USERTRAP_TRACE_CALLS, USERTRAP_TRACE_SIGNALS, USERTRAP_TRACE_CLOCK, USERTRAP_TRACE_TIME, \
                 USERTRAP_INJECT, USERTRAP_INJECT_SEED, \
                 USERTRAP_TRACE_PATHS, USERTRAP_TRACE_STACKS, USERTRAP_TRACE_SUMMARY, USERTRAP_TRACE_SORT, \
                 USERTRAP_POLICY, USERTRAP_POLICY_EXPLAIN";
    for name in ["USERTRAP_TOOLS", "USERTRAP_TOO", "USERTRAP_tool", "USERTRAP_"] {
        for value in ["", "stat"] {
            let message = format!("{name} is not a setting; valid: {valid}");
            assert_eq!(parse(&[&format!("{name}={value}")]), Err(message));
        }
    }
}

#[test]
fn the_table_goes_only_where_sites_stay_safe() {
    for (text, address) in [
        ("0x050f0000", 0x050f_0000),
        ("0X50F0000", 0x050f_0000),
        ("84869120", 0x050f_0000),
        ("0x00060000", 0x0006_0000),
        ("393216", 0x0006_0000),
        ("0x40060000", 0x4006_0000),
        ("0x7f060000", 0x7f06_0000),
    ] {
        assert_eq!(
            parse(&[&format!("USERTRAP_TABLE={text}")]).unwrap().table,
            Some(address),
            "{text}"
        );
    }
    for text in [
        "0",
        "0x10000",
        "0x050f0008",
        "0x050e0000",
        "0x40068000",
        "0x40070000",
        "0x80060000",
        "0x140060000",
        "0x10000000040060000",
        "-0x40060000",
        "+393216",
        "0x+60000",
        "050f0000",
        "0x",
        "0x40060000 ",
        "auto",
    ] {
        let message = format!(
            "USERTRAP_TABLE={text} is no address for the table; \
             valid: 0x050f0000, and 0xNN060000 with NN from 00 to 7f"
        );
        assert_eq!(parse(&[&format!("USERTRAP_TABLE={text}")]), Err(message));
    }
}
