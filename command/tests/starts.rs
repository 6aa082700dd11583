//! What the command executes, seen from the other side: its libusertrap.so is
//! a shell script here that tells how it was started.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::RwLock;

/// Arguments and environment of the script, as the kernel has them, with a line between.
const TELLS: &[u8] = b"#!/bin/sh\n/bin/cat /proc/$$/cmdline\nprintf '\\n'\n/bin/cat /proc/$$/environ\n";

/// Held while a file is written, and shared while a program starts: a child that has not executed yet would
/// hold the file open, and nobody could execute it.
static FILES: RwLock<()> = RwLock::new(());

/// A directory of a test's own with `bin/usertrap` in it, removed at its end.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Place {
        let root = std::env::temp_dir().join(format!("usertrap-starts-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(root.join("bin")).expect("a directory for the test");
        let root = fs::canonicalize(root).expect("its real name");
        // A symbolic link would be resolved.
        let writing = FILES.write();
        let own = env!("CARGO_BIN_EXE_usertrap");
        if fs::hard_link(own, root.join("bin/usertrap")).is_err() {
            fs::copy(own, root.join("bin/usertrap")).expect("a copy of the command");
        }
        drop(writing);
        Place(root)
    }

    /// A place whose object beside the command tells how it was started.
    fn telling(name: &str) -> Place {
        let place = Place::new(name);
        place.script("bin/libusertrap.so", TELLS);
        place
    }

    fn script(&self, name: &str, text: &[u8]) -> PathBuf {
        let _writing = FILES.write();
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().expect("a directory")).expect("directories");
        fs::write(&path, text).expect("a script");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("its mode");
        path
    }

    /// The command, without an environment and without stdin.
    fn usertrap(&self) -> Command {
        let mut command = Command::new(self.0.join("bin/usertrap"));
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .stdin(Stdio::null())
            .current_dir(&self.0);
        command
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn finished(command: &mut Command) -> Output {
    let starting = FILES.read();
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().expect("the command starts");
    drop(starting);
    child.wait_with_output().expect("the command ends")
}

/// The words behind the script's name, and the environment.
fn told(command: &mut Command) -> (Vec<OsString>, Vec<OsString>) {
    let output = finished(command);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let end = output.stdout.iter().position(|&byte| byte == b'\n').expect("two lines");
    let strings = |bytes: &[u8]| {
        let each = bytes.split_inclusive(|&byte| byte == 0);
        each.map(|string| OsString::from_vec(string[..string.len() - 1].to_vec()))
            .collect::<Vec<_>>()
    };
    // The kernel put /bin/sh and the script's name for argv[0].
    (
        strings(&output.stdout[..end])[2..].to_vec(),
        strings(&output.stdout[end + 1..]),
    )
}

/// Status and stderr of a start that fails.
fn refused(command: &mut Command) -> (Option<i32>, String) {
    let output = finished(command);
    assert!(output.stdout.is_empty(), "{output:?}");
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn settings_program_and_arguments_arrive() {
    let place = Place::telling("arguments");
    let mut command = place.usertrap();
    command.args([
        "--log", "info", "stat", "--json", "-o", "a b", "--", "sh", "-c", "exit 1", "",
    ]);
    let (words, _) = told(&mut command);
    let settings = ["USERTRAP_TOOL=stat", "USERTRAP_SUPERVISE=on", "USERTRAP_OUT=a b"];
    let rest = [
        "USERTRAP_FORMAT=json",
        "USERTRAP_LOG=info",
        "--",
        "/usr/bin/sh",
        "sh",
        "-c",
        "exit 1",
        "",
    ];
    assert_eq!(words, [&settings[..], &rest].concat());
}

#[test]
fn arguments_and_variables_need_not_be_utf8() {
    let place = Place::telling("bytes");
    let odd = OsStr::from_bytes(b"\xff\xc0\x80 \x01");
    let mut change = OsString::from("V=");
    change.push(odd);
    let (words, environment) = told(place.usertrap().arg("-E").arg(&change).arg("/bin/sh").arg(odd));
    assert_eq!(
        words,
        [OsStr::new("--"), OsStr::new("/bin/sh"), OsStr::new("/bin/sh"), odd]
    );
    assert_eq!(environment, [OsString::from("PATH=/usr/bin:/bin"), change]);
}

#[test]
fn the_environment_stays_but_for_changes() {
    let place = Place::telling("environment");
    // env -i sets the variables in this order; std would sort them.
    let mut command = Command::new("env");
    command.args(["-i", "Z=1", "PATH=/bin", "A=1", "USERTRAP_LOG=off", "M=1"]);
    command
        .arg(place.0.join("bin/usertrap"))
        .args(["-E", "A=2", "-E", "M", "-E", "N=", "-E", "PATH=/none", "sh"]);
    let (words, environment) = told(&mut command);
    assert_eq!(words, ["--", "/bin/sh", "sh"]);
    assert_eq!(environment, ["Z=1", "PATH=/none", "A=2", "USERTRAP_LOG=off", "N="]);
}

#[test]
fn the_program_is_looked_for_in_our_own_path() {
    let place = Place::telling("path");
    place.script("one/tool", b"#!/bin/true\n");
    place.script("two/tool", b"#!/bin/true\n");
    fs::set_permissions(place.0.join("one/tool"), fs::Permissions::from_mode(0o644)).expect("a mode");
    let found = |path: &str, name: &str| told(place.usertrap().env("PATH", path).arg(name)).0;
    let two = place.0.join("two/tool");
    let path = format!("/none:{}/one:{}/two", place.0.display(), place.0.display());
    assert_eq!(
        found(&path, "tool"),
        [OsStr::new("--"), two.as_os_str(), OsStr::new("tool")]
    );
    assert_eq!(found("two", "tool"), ["--", "two/tool", "tool"]);
    assert_eq!(found("/none", "two/tool"), ["--", "two/tool", "two/tool"]);
    let (words, environment) = told(place.usertrap().env_remove("PATH").arg("sh"));
    assert_eq!(words, ["--", "/bin/sh", "sh"]);
    assert!(environment.is_empty());
}

#[test]
fn statuses_of_failures_are_those_of_env() {
    let place = Place::telling("failures");
    place.script("plain", b"");
    fs::set_permissions(place.0.join("plain"), fs::Permissions::from_mode(0o644)).expect("a mode");
    let says = |words: &[&str]| refused(place.usertrap().args(words));
    let missing = |name: &str| (Some(127), format!("usertrap: {name}: No such file or directory\n"));
    let denied = |name: &str| (Some(126), format!("usertrap: {name}: Permission denied\n"));
    assert_eq!(says(&["no-such-program"]), missing("no-such-program"));
    assert_eq!(says(&["stat", "./none"]), missing("./none"));
    assert_eq!(says(&[""]), missing(""));
    let meant = |name: &str, verb: &str| {
        let (status, text) = missing(name);
        let text = text.replace('\n', &format!("; is `usertrap {verb}` meant?\n"));
        (status, text)
    };
    assert_eq!(says(&["statt"]), meant("statt", "stat"));
    assert_eq!(says(&["-o", "f", "tracee", "ls"]), meant("tracee", "trace"));
    assert_eq!(says(&["stat", "tracee"]), missing("tracee"));
    assert_eq!(says(&["./plain"]), denied("./plain"));
    assert_eq!(says(&["/"]), denied("/"));
    let (status, text) = says(&["--bogus", "ls"]);
    assert_eq!(status, Some(125));
    assert!(text.contains("--bogus"));
    assert_eq!(says(&[]).0, Some(125));
    // One string may have 128 KiB. This one is longer as a setting.
    let long = "x".repeat(128 * 1024 - 5);
    let mut command = place.usertrap();
    command.args(["-o", &long, "/bin/true"]);
    assert_eq!(
        refused(&mut command),
        (Some(126), "usertrap: /bin/true: Argument list too long\n".into())
    );
}

#[test]
fn without_its_object_it_says_where_it_looked() {
    let place = Place::new("missing");
    let (status, text) = refused(place.usertrap().arg("/bin/true"));
    assert_eq!(status, Some(125));
    for path in ["bin", "lib/usertrap", "lib"] {
        assert!(
            text.contains(&format!("{}/{path}/libusertrap.so", place.0.display())),
            "{text}"
        );
    }
    assert!(text.contains("--library") && text.lines().count() == 1, "{text}");
    let (status, text) = refused(place.usertrap().args(["--library", "./none.so", "/bin/true"]));
    assert_eq!(status, Some(125));
    assert!(text.contains("cannot start ./none.so: No such file"), "{text}");
    let object = place.script("bin/libusertrap.so", TELLS);
    fs::set_permissions(object, fs::Permissions::from_mode(0o644)).expect("a mode");
    let (status, text) = refused(place.usertrap().arg("/bin/true"));
    assert_eq!(status, Some(125));
    assert!(text.contains("Permission denied; it must be executable"), "{text}");
}

#[test]
fn the_object_is_found_from_the_real_command() {
    let place = Place::new("found");
    place.script("lib/libusertrap.so", b"#!/bin/sh\necho lib\n");
    let link = place.0.join("link");
    symlink(place.0.join("bin/usertrap"), &link).expect("a link");
    let started = |given: &[&str]| {
        let output = finished(Command::new(&link).args(given).arg("/bin/true").current_dir(&place.0));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert_eq!(started(&[]), "lib\n");
    place.script("lib/usertrap/libusertrap.so", b"#!/bin/sh\necho own\n");
    assert_eq!(started(&[]), "own\n");
    place.script("bin/libusertrap.so", b"#!/bin/sh\necho beside\n");
    assert_eq!(started(&[]), "beside\n");
    place.script("hook.so", b"#!/bin/sh\necho hook\n");
    assert_eq!(started(&["--library", "hook.so"]), "hook\n");
}

#[test]
fn status_and_signal_are_the_programs() {
    let place = Place::new("status");
    place.script("bin/libusertrap.so", b"#!/bin/sh\nexit 42\n");
    assert_eq!(finished(place.usertrap().arg("/bin/true")).status.code(), Some(42));
    place.script("killed.so", b"#!/bin/sh\nkill -9 $$\n");
    let killed = finished(place.usertrap().args(["--library", "./killed.so", "/bin/true"])).status;
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&killed), Some(9));
}

#[test]
fn a_page_is_made_and_the_end_is_the_programs() {
    let place = Place::new("page");
    let report = b"#!/bin/sh\nfor word; do case $word in USERTRAP_OUT=*) out=${word#*=};; esac; done\n\
        echo '{\"usertrap_stat\":2}' >$out\n\
        for fd in /proc/$$/fd/[3-9]*; do case $(readlink $fd) in */page.html | *memfd*) exit 1;; esac; done\n";
    for (end, code, signal) in [
        (&b"exit 42\n"[..], Some(42), None),
        (&b"kill -9 $$\n"[..], None, Some(9)),
        // What is sent to us is the program's.
        (
            &b"trap 'exit 7' TERM\nkill -TERM $PPID\nwhile :; do sleep 0.01; done\n"[..],
            Some(7),
            None,
        ),
    ] {
        let object = place.script("tells.so", &[report, end].concat());
        let mut command = place.usertrap();
        command.arg("stat").arg("--library").arg(object);
        let status = finished(command.args(["--html", "page.html", "/bin/true", "a b"])).status;
        assert_eq!(status.code(), code);
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), signal);
        let page = fs::read_to_string(place.0.join("page.html")).expect("a page");
        assert!(page.starts_with("<!DOCTYPE html>") && page.contains("{\"usertrap_stat\":2}"));
        assert!(page.contains("/bin/true 'a b'"));
    }
}

#[test]
fn without_a_report_the_page_is_empty_and_that_is_told() {
    let place = Place::new("no-page");
    place.script("bin/libusertrap.so", b"#!/bin/sh\nexit 3\n");
    let page = ["stat", "--html", "page.html", "/bin/true"];
    let (code, said) = refused(place.usertrap().args(page));
    assert_eq!(
        (code, said.as_str()),
        (Some(3), "usertrap: there is no report, so page.html is empty\n")
    );
    let (code, said) = refused(place.usertrap().args(["stat", "--html", "no/page.html", "/bin/true"]));
    assert_eq!(code, Some(125));
    assert!(
        said.starts_with("usertrap: cannot make the page no/page.html: No such file"),
        "{said}"
    );
    let (code, said) = refused(place.usertrap().args(["stat", "--html", "page.html", "/nowhere"]));
    assert_eq!(
        (code, said.as_str()),
        (Some(127), "usertrap: /nowhere: No such file or directory\n")
    );
}

/// Dispositions, mask, and descriptors: what std's start and std's exec would have changed.
#[test]
fn signals_and_descriptors_stay_as_they_are() {
    let place = Place::new("process");
    // Only what the shell does itself: for other programs it blocks signals for a while.
    let tells = b"#!/bin/sh\n\
        while read -r line; do case $line in Sig[BI]*) echo \"$line\";; esac; done </proc/$$/status\n\
        for fd in 0 1 2; do [ -e /proc/$$/fd/$fd ] && echo $fd; done; exit 0\n";
    let object = place.script("bin/libusertrap.so", tells);
    let told = |program: &Path, prefix: &str| {
        let line = format!("{prefix} exec \"$0\" /bin/true");
        let output = finished(Command::new("/bin/bash").args(["-c", &line]).arg(program));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let command = place.0.join("bin/usertrap");
    let all = ["", "trap '' PIPE;", "trap '' PIPE USR1;", "exec <&-;", "exec <&- 2>&-;"];
    let natively = all.map(|prefix| told(&object, prefix));
    assert_eq!(all.map(|prefix| told(&command, prefix)), natively);
    // The script does see the differences.
    let mut different = natively.to_vec();
    different.sort();
    different.dedup();
    assert_eq!(different.len(), all.len(), "{natively:?}");
}

#[test]
fn the_page_renders_without_warnings() {
    let place = Place::new("page");
    let page = finished(place.usertrap().args(["generate", "man"]));
    assert!(page.status.success());
    let file = place.0.join("usertrap.1");
    fs::write(&file, page.stdout).expect("the page");
    // Whichever is here; a machine without both has no pages to read.
    for (tool, options) in [
        ("groff", &["-ww", "-man", "-Tascii", "-P-cbou"][..]),
        ("mandoc", &["-Tlint", "-Wwarning"]),
    ] {
        let Ok(output) = Command::new(tool).args(options).arg(&file).output() else {
            continue;
        };
        assert!(
            output.stderr.is_empty(),
            "{tool}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        if tool == "groff" {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(text.contains("EXIT STATUS"), "{text}");
        }
    }
}

#[test]
fn completions_are_read_by_their_shells() {
    let place = Place::new("completions");
    for (shell, check) in [("bash", "bash"), ("zsh", "zsh"), ("fish", "fish")] {
        let script = finished(place.usertrap().args(["generate", shell]));
        assert!(script.status.success() && script.stdout.len() > 500, "{shell}");
        let file = place.0.join(shell);
        fs::write(&file, script.stdout).expect("the script");
        // A shell that is not installed is passed over.
        if let Ok(output) = Command::new(check).arg("-n").arg(&file).output() {
            assert!(
                output.status.success(),
                "{shell}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
    }
    completes(&place.0.join("bash"), &["usertrap", "sta"], "stat");
    completes(&place.0.join("bash"), &["usertrap", "--tra"], "--trap-only");
    completes(&place.0.join("bash"), &["usertrap", "stat", "--js"], "--json");
    completes(&place.0.join("bash"), &["usertrap", "-o", "x", "ech"], "echo");
    completes(&place.0.join("bash"), &["usertrap", "--unfit", "ref"], "refuse");
    // Each verb has its own options, and those with a value are no programs.
    for (words, expected) in [
        (&["usertrap", "inj"][..], "inject"),
        (&["usertrap", "inject", "--se"], "--seed"),
        (&["usertrap", "inject", "-e", "read:error=EIO", "ech"], "echo"),
        (&["usertrap", "inject", "--seed", "7", "ech"], "echo"),
        (&["usertrap", "--hook", "./hook.so", "ech"], "echo"),
        (&["usertrap", "policy", "--exp"], "--explain"),
        (&["usertrap", "policy", "/bi"], "/bin"),
        (&["usertrap", "policy", "rules.txt", "ech"], "echo"),
        (&["usertrap", "sites", "--js"], "--json"),
    ] {
        completes(&place.0.join("bash"), words, expected);
    }
}

/// Whether bash, asked to complete the last word, has `expected` among its answers.
fn completes(script: &Path, words: &[&str], expected: &str) {
    let line = "source \"$1\"; shift; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); COMP_LINE=\"$*\"; \
                _usertrap_words usertrap \"${@: -1}\" \"${@: -2:1}\"; printf '%s\\n' \"${COMPREPLY[@]}\"";
    // Without a PATH only the shell's own commands are there: not stat(1).
    let mut command = Command::new("/bin/bash");
    command.env("PATH", "/nonexistent");
    let output = finished(command.args(["-c", line, "bash"]).arg(script).args(words));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.lines().any(|line| line == expected), "{words:?}: {output:?}");
}

#[test]
fn a_full_disk_is_told() {
    let place = Place::new("full");
    for words in ["\"$0\" generate man", "\"$0\" --help"] {
        let mut command = Command::new("/bin/sh");
        let full = finished(
            command
                .args(["-c", &format!("{words} >/dev/full")])
                .arg(place.0.join("bin/usertrap")),
        );
        assert_eq!(full.status.code(), Some(125));
    }
    let mut command = Command::new("/bin/sh");
    let full = finished(
        command
            .args(["-c", "\"$0\" generate fish >/dev/full"])
            .arg(place.0.join("bin/usertrap")),
    );
    let text = String::from_utf8_lossy(&full.stderr).into_owned();
    assert_eq!(text, "usertrap: cannot write: No space left on device\n");
}

#[test]
fn our_own_name_is_of_no_concern() {
    let place = Place::telling("name");
    let (words, _) = told(place.usertrap().arg0("").arg("/bin/true"));
    assert_eq!(words, ["--", "/bin/true", "/bin/true"]);
}
