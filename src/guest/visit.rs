//! The way of a call through the hook libraries, and back.

#![allow(unsafe_code, reason = "calls functions of guests")]

use core::ffi::c_int;
use core::sync::atomic::Ordering;

use crate::guest::descriptor::{self, ANSWER, PASS, PASS_THEN_EXIT};
use crate::guest::fs;
use crate::guest::hook::{Library, alone, libraries, needs_block};
use crate::guest::libraries::MOST;
use crate::guest::threads::Thread;
use crate::hook::{Call, Outcome, Verdict};
use crate::kernel::log;
use crate::setup::config::Level;
use crate::trap::area::ThreadArea;

/// A call is about to be made. One library that needs no thread block, without a tool
/// beside it, has the shortest way.
#[inline(always)]
pub(super) fn enter(thread: &Thread, area: *const ThreadArea, call: &mut Call<'_>) -> Verdict {
    match alone() {
        Some(library) if !needs_block() => enter_alone(library, thread, area, call),
        _ => enter_with_block(thread, area, call),
    }
}

/// A call has been made that a library has marked.
#[inline(always)]
pub(super) fn exit(thread: &Thread, area: *const ThreadArea, call: &mut Call<'_>, outcome: Outcome) {
    match alone() {
        Some(library) if !needs_block() => exit_alone(library, thread, area, call, outcome),
        _ => exit_with_block(thread, area, call, outcome),
    }
}

/// The call as libraries see it.
#[inline(always)]
fn shown(area: *const ThreadArea, call: &Call<'_>, result: i64, flags: u32) -> descriptor::Call {
    // SAFETY: the thread's own, of which the call is another part.
    let (stack, thread) = unsafe { ((*area).app_rsp, (*area).thread.load(Ordering::Relaxed)) };
    descriptor::Call {
        number: call.number().into(),
        args: *call.args(),
        result,
        site: call.return_address().wrapping_sub(2),
        stack,
        word: 0,
        storage: core::ptr::null_mut(),
        thread,
        flags,
    }
}

/// [`enter`] with FS at the guests' block, if any of them needs it; out of line,
/// so that the way above stays short.
#[inline(never)]
fn enter_with_block(thread: &Thread, area: *const ThreadArea, call: &mut Call<'_>) -> Verdict {
    let own = begin(thread);
    let verdict = match alone() {
        Some(library) => enter_alone(library, thread, area, call),
        None => enter_each(thread, area, call),
    };
    end(thread, own);
    verdict
}

/// The same for [`exit`].
#[inline(never)]
fn exit_with_block(thread: &Thread, area: *const ThreadArea, call: &mut Call<'_>, outcome: Outcome) {
    let own = begin(thread);
    exit_each(thread, area, call, outcome);
    end(thread, own);
}

/// Code of guests is about to run: what FS is to be set to when it has, if anything.
#[inline(always)]
fn begin(thread: &Thread) -> Option<u64> {
    thread.within.set(true);
    needs_block().then(|| {
        let own = fs::base();
        // SAFETY: code of the guests runs, whose block it is, until `end`.
        unsafe { fs::set(thread.block()) };
        own
    })
}

#[inline(always)]
fn end(thread: &Thread, own: Option<u64>) {
    if let Some(own) = own {
        // SAFETY: as before.
        unsafe { fs::set(own) };
    }
    thread.within.set(false);
}

/// The function that a library has for a call.
#[inline(always)]
fn function_for(library: &Library, number: u32) -> Option<unsafe extern "C" fn(*mut descriptor::Call) -> c_int> {
    if matches!(i64::from(number), libc::SYS_execve | libc::SYS_execveat) {
        library.descriptor.exec.or(library.enter)
    } else {
        library.enter
    }
}

/// [`exit`] for the only library, which has marked the call.
#[inline(always)]
fn exit_alone(library: &Library, thread: &Thread, area: *const ThreadArea, call: &mut Call<'_>, outcome: Outcome) {
    thread.marked.set(0);
    let Some(function) = library.exit else { return };
    let mut seen = result(area, call, outcome);
    let ([word, ..], [storage, ..]) = (&thread.words, &thread.storage);
    (seen.word, seen.storage) = (word.get(), storage.get());
    // SAFETY: the library's own function.
    unsafe { function(&raw mut seen) };
    if matches!(outcome, Outcome::Returned(_)) {
        call.set_result(seen.result);
    }
}

/// The call as libraries see it when it ends.
#[inline(always)]
fn result(area: *const ThreadArea, call: &Call<'_>, outcome: Outcome) -> descriptor::Call {
    match outcome {
        Outcome::Returned(result) => shown(area, call, result, 0),
        Outcome::Restarting => shown(area, call, 0, descriptor::RESTARTING),
    }
}

/// [`enter`] where there is but one library, whose interest the entry knows, and no
/// tool: the shortest way.
#[inline(always)]
fn enter_alone(library: &Library, thread: &Thread, area: *const ThreadArea, call: &mut Call<'_>) -> Verdict {
    let Some(function) = function_for(library, call.number()) else {
        return Verdict::Pass;
    };
    let mut seen = shown(area, call, 0, 0);
    let [storage, ..] = &thread.storage;
    seen.storage = storage.get();
    // SAFETY: the library's own function.
    match unsafe { function(&raw mut seen) } {
        // Nobody sees the arguments any more.
        ANSWER => return Verdict::Answer(seen.result),
        PASS => {}
        PASS_THEN_EXIT => {
            thread.marked.set(1);
            let [word, ..] = &thread.words;
            word.set(seen.word);
        }
        other => unknown(library.name, other),
    }
    if differ(call.args(), &seen.args) {
        take_over(call, &seen.args);
    }
    if thread.marked.get() != 0 {
        Verdict::PassThenExit
    } else {
        Verdict::Pass
    }
}

#[inline(always)]
fn differ(before: &[u64; 6], now: &[u64; 6]) -> bool {
    let pairs = before.iter().zip(now);
    pairs.fold(0, |differing, (before, now)| differing | before ^ now) != 0
}

#[inline(always)]
fn enter_each(thread: &Thread, area: *const ThreadArea, call: &mut Call<'_>) -> Verdict {
    let number = call.number();
    let mut seen = shown(area, call, 0, 0);
    for (index, (library, storage)) in libraries().iter().zip(&thread.storage).enumerate() {
        let (true, Some(function)) = (
            library.interest.contains(number as usize),
            function_for(library, number),
        ) else {
            continue;
        };
        thread.running.set(index as u32);
        seen.word = 0;
        seen.storage = storage.get();
        // SAFETY: the library's own function.
        let verdict = unsafe { function(&raw mut seen) };
        if differ(call.args(), &seen.args) {
            take_over(call, &seen.args);
        }
        match verdict {
            PASS => {}
            PASS_THEN_EXIT => {
                thread.marked.set(thread.marked.get() | 1 << index);
                thread.words[index % MOST].set(seen.word);
            }
            ANSWER if thread.marked.get() == 0 => return Verdict::Answer(seen.result),
            ANSWER => {
                call.set_result(seen.result);
                exit_each(thread, area, call, Outcome::Returned(seen.result));
                return Verdict::Answer(call.result());
            }
            other => unknown(library.name, other),
        }
    }
    if thread.marked.get() != 0 {
        Verdict::PassThenExit
    } else {
        Verdict::Pass
    }
}

fn exit_each(thread: &Thread, area: *const ThreadArea, call: &mut Call<'_>, outcome: Outcome) {
    let mut seen = result(area, call, outcome);
    let marked = thread.marked.take();
    for (index, library) in libraries().iter().enumerate().rev() {
        let (true, Some(function)) = (marked >> index & 1 != 0, library.exit) else {
            continue;
        };
        thread.running.set(index as u32);
        seen.word = thread.words[index % MOST].get();
        seen.storage = thread.storage[index % MOST].get();
        // SAFETY: the library's own function.
        unsafe { function(&raw mut seen) };
    }
    if matches!(outcome, Outcome::Returned(_)) {
        call.set_result(seen.result);
    }
}

/// The library has changed arguments.
#[cold]
#[inline(never)]
fn take_over(call: &mut Call<'_>, args: &[u64; 6]) {
    for (at, &value) in args.iter().enumerate() {
        if call.args().get(at) != Some(&value) {
            call.set_arg(at, value);
        }
    }
}

#[cold]
fn unknown(name: &str, verdict: c_int) {
    log::line(
        Level::Warn,
        format_args!("the hook {name} returned {verdict}, which is no verdict: the call passes"),
    );
}
