//! From the options and the environment to what is executed. Pure: no file is
//! looked at, nothing of the process is read.
//!
//! The object takes its settings as arguments, up to `--`; then the program's
//! file and the program's own argv:
//!
//! ```text
//! usertrap USERTRAP_TOOL=stat USERTRAP_SUPERVISE=on -- /usr/bin/ls ls -l
//! ```

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::cli::{Expression, InjectOptions, Start, TraceOptions};

/// What `execve` is called with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Exec {
    /// The object's file.
    pub(crate) path: OsString,
    /// The object's arguments.
    pub(crate) argv: Vec<OsString>,
    /// The environment.
    pub(crate) envp: Vec<OsString>,
}

/// What to execute to start `program`, a file that was found, under the object `library`; with the `report` in
/// another file than the options say.
pub(crate) fn plan(
    start: &Start,
    report: Option<&Path>,
    library: &OsStr,
    program: &OsStr,
    environment: &[OsString],
) -> Exec {
    let mut argv = vec![OsString::from("usertrap")];
    argv.extend(settings(start, report));
    argv.push("--".into());
    argv.push(program.to_owned());
    argv.extend_from_slice(start.words());
    Exec {
        path: library.to_owned(),
        argv,
        envp: changed(environment, &start.common.env),
    }
}

/// The options as settings. What was not given is left to the object, and to its environment.
fn settings(start: &Start, report: Option<&Path>) -> Vec<OsString> {
    let common = &start.common;
    let mut settings = Vec::new();
    let mut set = |name: &str, value: &OsStr| {
        let mut setting = OsString::from(name);
        setting.push("=");
        setting.push(value);
        settings.push(setting);
    };
    let tool = match (&start.stat, &start.trace, &start.inject, &start.policy) {
        (Some(_), ..) => Some("stat"),
        (_, Some(_), ..) => Some("trace"),
        (.., Some(_), _) => Some("inject"),
        (.., Some(_)) => Some("policy"),
        _ => None,
    };
    if let Some(tool) = tool {
        set("USERTRAP_TOOL", OsStr::new(tool));
        set("USERTRAP_SUPERVISE", OsStr::new("on"));
    }
    if !common.hooks.is_empty() {
        set("USERTRAP_HOOK", &common.hooks.join(OsStr::new(",")));
    }
    if let Some(file) = report.or(common.output.as_deref()) {
        set("USERTRAP_OUT", file.as_os_str());
    }
    if let Some(stat) = &start.stat {
        let page = stat.html.is_some();
        if stat.json || page {
            set("USERTRAP_FORMAT", OsStr::new("json"));
        }
        if stat.time || page {
            set("USERTRAP_STAT_TIME", OsStr::new("on"));
        }
    }
    if let Some(trace) = &start.trace {
        for (name, value) in traced(trace) {
            set(name, &value);
        }
    }
    if let Some(inject) = &start.inject {
        for (name, value) in injected(inject) {
            set(name, &value);
        }
    }
    if let Some(policy) = &start.policy {
        set("USERTRAP_POLICY", policy.file.as_os_str());
        if policy.explain {
            set("USERTRAP_POLICY_EXPLAIN", OsStr::new("on"));
        }
    }
    if (start.inject.is_some() || start.policy.is_some()) && common.unfit.is_none() {
        // Without its rules the program is not what was asked for.
        set("USERTRAP_UNFIT", OsStr::new("refuse"));
    }
    if common.trap_only {
        set("USERTRAP_REWRITE", OsStr::new("off"));
    }
    for (name, value) in [
        ("USERTRAP_ARM", &common.arm),
        ("USERTRAP_TABLE", &common.table),
        ("USERTRAP_LOG", &common.log),
        ("USERTRAP_UNFIT", &common.unfit),
    ] {
        if let Some(value) = value {
            set(name, OsStr::new(value));
        }
    }
    settings
}

/// The options of `trace` as settings.
fn traced(trace: &TraceOptions) -> Vec<(&'static str, OsString)> {
    let mut settings = Vec::new();
    if let Some(format) = &trace.format {
        settings.push(("USERTRAP_FORMAT", format.into()));
    }
    if let Some(limit) = trace.strings {
        settings.push(("USERTRAP_TRACE_STRINGS", limit.to_string().into()));
    }
    // As strace has it the last one counts; of a setting the first does.
    settings.extend(trace.shown.iter().rev().map(|shown| match shown {
        Expression::Calls(set) => ("USERTRAP_TRACE_CALLS", set.clone()),
        Expression::Signals(set) => ("USERTRAP_TRACE_SIGNALS", set.clone()),
    }));
    let clock = match trace.clock {
        _ if trace.relative => Some("relative"),
        0 => None,
        1 => Some("seconds"),
        2 => Some("microseconds"),
        _ => Some("epoch"),
    };
    if let Some(clock) = clock {
        settings.push(("USERTRAP_TRACE_CLOCK", clock.into()));
    }
    let summary = match (trace.summary_only, trace.summary) {
        (true, _) => Some("only"),
        (_, true) => Some("also"),
        _ => None,
    };
    let sort = trace.sort.as_deref();
    let paths = trace.paths.then_some("on");
    let stacks = trace.stacks.then_some("on");
    for (name, value) in [
        ("USERTRAP_TRACE_PATHS", paths),
        ("USERTRAP_TRACE_STACKS", stacks),
        ("USERTRAP_TRACE_SUMMARY", summary),
        ("USERTRAP_TRACE_SORT", sort),
    ] {
        if let Some(value) = value {
            settings.push((name, value.into()));
        }
    }
    if trace.durations {
        settings.push(("USERTRAP_TRACE_TIME", "on".into()));
    }
    settings
}

/// The options of `inject` as settings.
fn injected(inject: &InjectOptions) -> Vec<(&'static str, OsString)> {
    let mut settings = Vec::new();
    if !inject.rules.is_empty() {
        settings.push(("USERTRAP_INJECT", inject.rules.join(OsStr::new(";"))));
    }
    if let Some(seed) = inject.seed {
        settings.push(("USERTRAP_INJECT_SEED", seed.to_string().into()));
    }
    settings
}

/// The environment after the changes of `-E`, in their order. What is not named stays as and where it was;
/// a new value takes its variable's place.
fn changed(environment: &[OsString], changes: &[OsString]) -> Vec<OsString> {
    let mut environment = environment.to_vec();
    for change in changes {
        let name = name_of(change);
        let is_it = |entry: &OsString| has_value(entry) && name_of(entry) == name;
        let place = environment.iter().position(is_it);
        environment.retain(|entry| !is_it(entry));
        if has_value(change) {
            let place = place.unwrap_or(environment.len());
            environment.insert(place, change.clone());
        }
    }
    environment
}

/// The name in `NAME=value`, or all of a string without `=`.
fn name_of(entry: &OsStr) -> &[u8] {
    entry.as_bytes().split(|&byte| byte == b'=').next().unwrap_or_default()
}

fn has_value(entry: &OsStr) -> bool {
    entry.as_bytes().contains(&b'=')
}

#[cfg(test)]
mod tests;
