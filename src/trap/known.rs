//! Calls whose result cannot change while their thread lives: getpid and gettid
//! (`USERTRAP_ANSWER=identity`), which are answered without the kernel.
//!
//! A number of a process or thread is that of its own PID namespace, and it stays:
//! `unshare` and `setns` move children only (pid_namespaces(7)), and an exec, by
//! which a thread takes its leader's number, begins a new image. A child learns its
//! numbers before any code of the application's runs in it.
//!
//! Where the application has a filter of its own, that one is asked about each call
//! (`trap::filters`); where it dispatches its calls (`trap::user_dispatch`), all trap.
//! getppid is not among them: it changes when the parent ends. Nor are the user
//! numbers, which another process may change (user_namespaces(7), `uid_map`).

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::kernel;
use crate::trap::area::ThreadArea;
use crate::trap::entry;

/// The calls.
pub(crate) const NUMBERS: &[i64] = &[libc::SYS_getpid, libc::SYS_gettid];

static ON: AtomicBool = AtomicBool::new(false);

/// What one thread knows. 0: it does not.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Known {
    pub(crate) pid: AtomicU32,
    pub(crate) tid: AtomicU32,
}

/// From now on threads learn their numbers; before the arm.
pub(crate) fn switch_on() {
    ON.store(true, Ordering::Relaxed);
    for number in NUMBERS {
        entry::add_interest(*number as u16, entry::CORE | entry::KEEP_SSE);
    }
}

/// Whether the calls are answered.
pub(crate) fn is_on() -> bool {
    ON.load(Ordering::Relaxed)
}

/// Where trampolines of a number jump that only the core is interested in.
pub(crate) fn entry_of(number: u32) -> Option<u64> {
    if !is_on() || entry::interest(number) & entry::HOOK != 0 {
        return None;
    }
    match i64::from(number) {
        libc::SYS_getpid => Some(entry::known_pid()),
        libc::SYS_gettid => Some(entry::known_tid()),
        _ => None,
    }
}

/// The calling thread, whose area this is, begins.
pub(crate) fn learn(area: &ThreadArea) {
    let known = &area.known;
    if is_on() && !area.filtered.load(Ordering::Relaxed) {
        known.pid.store(kernel::getpid(), Ordering::Relaxed);
        known.tid.store(kernel::gettid(), Ordering::Relaxed);
    } else {
        forget(area);
    }
}

/// The application's filters are asked from now on.
pub(crate) fn forget(area: &ThreadArea) {
    area.known.pid.store(0, Ordering::Relaxed);
    area.known.tid.store(0, Ordering::Relaxed);
}

/// The result of a call that came another way. None: it is not one of these.
pub(crate) fn serve(area: &ThreadArea, number: u32) -> Option<i64> {
    let (known, ask): (_, fn() -> u32) = match i64::from(number) {
        libc::SYS_getpid => (&area.known.pid, kernel::getpid),
        libc::SYS_gettid => (&area.known.tid, kernel::gettid),
        _ => return None,
    };
    match known.load(Ordering::Relaxed) {
        0 if !is_on() => None,
        0 => Some(ask().into()),
        known => Some(known.into()),
    }
}
