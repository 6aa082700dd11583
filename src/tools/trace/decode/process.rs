//! Processes and threads: births, ends, limits, futexes.

use super::{Call, choice, comma, field, flags, object, object_out, signals, times};
use crate::tools::trace::names::process::{CLONE, PRCTL};
use crate::tools::trace::text::Text;
use crate::trap::copy;

/// Bits of clone's flags that are the signal.
const CSIGNAL: u64 = 0xff;
const CLONE_PIDFD: u64 = 0x1000;
const CLONE_SETTLS: u64 = 0x8_0000;
const CLONE_PARENT_SETTID: u64 = 0x10_0000;
const CLONE_CHILD_TID: u64 = 0x20_0000 | 0x100_0000;

/// All arguments of clone.
pub(super) fn clone(text: &mut Text<'_>, call: &Call) {
    let [bits, stack, parent_tid, child_tid, tls, _] = call.args;
    text.str("child_stack=");
    text.pointer(stack);
    comma(text);
    text.str("flags=");
    let bits = u64::from(bits as u32);
    let (names, signal) = (bits & !CSIGNAL, bits & CSIGNAL);
    if names != 0 {
        flags(text, &CLONE, names);
    }
    if signal != 0 {
        if names != 0 {
            text.byte(b'|');
        }
        super::signal(text, signal);
    }
    if bits == 0 {
        text.byte(b'0');
    }
    if bits & (CLONE_PARENT_SETTID | CLONE_PIDFD) != 0 {
        comma(text);
        text.str(if bits & CLONE_PARENT_SETTID != 0 {
            "parent_tid="
        } else {
            "pidfd="
        });
        text.pointer(parent_tid);
    }
    if bits & CLONE_SETTLS != 0 {
        comma(text);
        text.str("tls=");
        text.pointer(tls);
    }
    if bits & CLONE_CHILD_TID != 0 {
        comma(text);
        text.str("child_tidptr=");
        text.pointer(child_tid);
    }
}

/// `struct clone_args`.
pub(super) fn clone3(text: &mut Text<'_>, call: &Call) {
    object::<64>(text, call.arg(0u8), |text, words| {
        let bits = words.u64(0);
        text.str("{flags=");
        flags(text, &CLONE, bits);
        let pointer = |text: &mut Text<'_>, name: &str, at: usize| {
            text.str(name);
            text.pointer(words.u64(at));
        };
        if bits & CLONE_PIDFD != 0 {
            pointer(text, ", pidfd=", 8);
        }
        if bits & CLONE_CHILD_TID != 0 {
            pointer(text, ", child_tid=", 16);
        }
        if bits & CLONE_PARENT_SETTID != 0 {
            pointer(text, ", parent_tid=", 24);
        }
        text.str(", exit_signal=");
        super::signal(text, words.u64(32));
        pointer(text, ", stack=", 40);
        text.str(", stack_size=");
        text.hex(words.u64(48));
        if bits & CLONE_SETTLS != 0 {
            pointer(text, ", tls=", 56);
        }
        text.byte(b'}');
        let made = call.result.is_some_and(|result| result > 0);
        if made && bits & CLONE_PARENT_SETTID != 0 {
            text.str(" => {parent_tid=");
            object::<4>(text, words.u64(24), |text, tid| {
                field(text, "[", tid.i32(0).into());
                text.byte(b']');
            });
            text.byte(b'}');
        }
    });
}

/// What wait4 says of a child.
pub(super) fn wait_status_out(text: &mut Text<'_>, call: &Call, address: u64) {
    if call.result == Some(0) {
        return text.pointer(address);
    }
    object_out::<4>(text, call, address, |text, words| {
        text.byte(b'[');
        wait_status(text, words.i32(0));
        text.byte(b']');
    });
}

/// A status as wait(2) has it.
pub(in crate::tools::trace) fn wait_status(text: &mut Text<'_>, status: i32) {
    const CONTINUED: i32 = 0xffff;
    let signal = |text: &mut Text<'_>, name: &str, signal: i32| {
        text.str(name);
        signals::signal(text, signal as u64);
        text.byte(b'}');
    };
    if status == CONTINUED {
        text.str("{WIFCONTINUED(s)}");
    } else if status & 0xff == 0x7f {
        signal(text, "{WIFSTOPPED(s) && WSTOPSIG(s) == ", status >> 8 & 0xff);
    } else if status & 0x7f != 0 {
        text.str("{WIFSIGNALED(s) && WTERMSIG(s) == ");
        signals::signal(text, (status & 0x7f) as u64);
        text.str(if status & 0x80 != 0 { " && WCOREDUMP(s)}" } else { "}" });
    } else {
        field(text, "{WIFEXITED(s) && WEXITSTATUS(s) == ", (status >> 8 & 0xff).into());
        text.byte(b'}');
    }
}

/// An int that the call writes.
pub(super) fn int_out(text: &mut Text<'_>, call: &Call, address: u64) {
    object_out::<4>(text, call, address, |text, words| {
        field(text, "[", words.i32(0).into());
        text.byte(b']');
    });
}

/// An int that the call reads.
pub(super) fn int_in(text: &mut Text<'_>, address: u64) {
    object::<4>(text, address, |text, words| {
        field(text, "[", words.i32(0).into());
        text.byte(b']');
    });
}

/// Groups that are shown.
const GROUPS: u64 = 32;

pub(super) fn groups(text: &mut Text<'_>, address: u64, count: u64) {
    if address == 0 {
        return text.pointer(address);
    }
    text.byte(b'[');
    for index in 0..u64::from((count as i32).max(0) as u32) {
        if index != 0 {
            text.str(", ");
        }
        let mut group = [0; 4];
        if index == GROUPS || copy::copy_in(&mut group, address.wrapping_add(index * 4)).is_err() {
            text.str("...");
            break;
        }
        text.dec(u32::from_ne_bytes(group).into());
    }
    text.byte(b']');
}

pub(super) fn groups_out(text: &mut Text<'_>, call: &Call, address: u64) {
    if call.failed() || call.arg(0u8) == 0 && call.count() != 0 {
        text.pointer(address);
    } else {
        groups(text, address, call.count());
    }
}

/// A limit: in kilobytes where it is whole ones.
fn limit(text: &mut Text<'_>, value: u64) {
    if value == u64::MAX {
        text.str("RLIM64_INFINITY");
    } else if value > 1024 && value.is_multiple_of(1024) {
        text.dec(value / 1024);
        text.str("*1024");
    } else {
        text.dec(value);
    }
}

pub(super) fn rlimit(text: &mut Text<'_>, address: u64) {
    object::<16>(text, address, |text, words| {
        text.str("{rlim_cur=");
        limit(text, words.u64(0));
        text.str(", rlim_max=");
        limit(text, words.u64(8));
        text.byte(b'}');
    });
}

pub(super) fn rlimit_out(text: &mut Text<'_>, call: &Call, address: u64) {
    if call.failed() {
        text.pointer(address);
    } else {
        rlimit(text, address);
    }
}

/// `struct rusage`, in short.
pub(super) fn rusage(text: &mut Text<'_>, call: &Call, address: u64) {
    object_out::<144>(text, call, address, |text, words| {
        text.str("{ru_utime=");
        times::val(text, words, 0);
        text.str(", ru_stime=");
        times::val(text, words, 16);
        text.str(", ...}");
    });
}

pub(super) fn sysinfo(text: &mut Text<'_>, call: &Call, address: u64) {
    object_out::<112>(text, call, address, |text, words| {
        field(text, "{uptime=", words.i64(0));
        field(text, ", loads=[", words.i64(8));
        field(text, ", ", words.i64(16));
        field(text, ", ", words.i64(24));
        for (name, at) in [
            ("], totalram=", 32),
            (", freeram=", 40),
            (", sharedram=", 48),
            (", bufferram=", 56),
            (", totalswap=", 64),
            (", freeswap=", 72),
        ] {
            field(text, name, words.i64(at));
        }
        field(text, ", procs=", words.u16(80).into());
        field(text, ", totalhigh=", words.i64(88));
        field(text, ", freehigh=", words.i64(96));
        field(text, ", mem_unit=", words.u32(104).into());
        text.byte(b'}');
    });
}

/// `struct utsname`, in short.
pub(super) fn utsname(text: &mut Text<'_>, call: &Call, address: u64) {
    if call.failed() || address == 0 {
        return text.pointer(address);
    }
    text.str("{sysname=");
    super::bytes::string(text, address, 65);
    text.str(", nodename=");
    super::bytes::string(text, address.wrapping_add(65), 65);
    text.str(", ...}");
}

pub(super) fn cpu_set(text: &mut Text<'_>, address: u64, size: u64) {
    super::descriptors::fd_set(text, address, size.min(128) * 8);
}

pub(super) fn cpu_set_out(text: &mut Text<'_>, call: &Call, address: u64) {
    if call.failed() {
        text.pointer(address);
    } else {
        cpu_set(text, address, call.count());
    }
}

const PR_SET_PDEATHSIG: u64 = 1;
const PR_SET_DUMPABLE: u64 = 4;
const PR_SET_NAME: u64 = 15;
const PR_GET_NAME: u64 = 16;
const PR_SET_SECCOMP: u64 = 22;

pub(super) fn prctl_option(text: &mut Text<'_>, option: u64) {
    choice(text, &PRCTL, option);
}

pub(super) fn prctl_has_arguments(option: u64) -> bool {
    // Those that only ask: dumpable, keepcaps, seccomp, securebits, timerslack.
    !matches!(option, 3 | 7 | 21 | 27 | 30)
}

pub(super) fn prctl_is_out(option: u64) -> bool {
    option == PR_GET_NAME
}

/// The arguments of prctl behind the option.
pub(super) fn prctl(text: &mut Text<'_>, call: &Call) {
    let [option, first, rest @ ..] = call.args;
    match option {
        PR_SET_PDEATHSIG => super::signal(text, first),
        PR_SET_DUMPABLE => match first {
            0 => text.str("SUID_DUMP_DISABLE"),
            1 => text.str("SUID_DUMP_USER"),
            2 => text.str("SUID_DUMP_ROOT"),
            other => text.hex(other),
        },
        PR_GET_NAME if call.failed() => text.pointer(first),
        PR_SET_NAME | PR_GET_NAME => super::bytes::string(text, first, 16),
        PR_SET_SECCOMP => {
            text.str(match first {
                1 => "SECCOMP_MODE_STRICT",
                2 => "SECCOMP_MODE_FILTER",
                _ => "SECCOMP_MODE_???",
            });
            comma(text);
            text.pointer(rest[0]);
        }
        _ => {
            text.hex(first);
            for value in rest.iter().take(3) {
                comma(text);
                text.hex(*value);
            }
        }
    }
}
