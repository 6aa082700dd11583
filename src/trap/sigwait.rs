//! rt_sigtimedwait for reserved signals.
//!
//! What waits in [`pending`] is taken from there. Otherwise the kernel waits,
//! inside our own call: it takes a signal of the set out of its queue whether it
//! is blocked or not. Another signal's handler is held back, as in a hook, and
//! ends the wait.

#![allow(unsafe_code, reason = "writes a siginfo as bytes")]

use crate::abi::errno::Errno;
use crate::abi::sigaction::SIGSET_SIZE;
use crate::abi::sigframe::{SigInfo, bit};
use crate::hook::Outcome;
use crate::kernel;
use crate::trap::area::{Action, ThreadArea};
use crate::trap::held::{MARKER, is_marker};
use crate::trap::sigaction::{self, reserved};
use crate::trap::{dispatch, pending};

const NANOSECONDS: i64 = 1_000_000_000;

/// Serves the call; the kernel does, where the set has no reserved signal, or
/// an argument is wrong.
pub(crate) fn serve(area: &mut ThreadArea) -> Action {
    let [set, _, timeout, size, ..] = area.call.args;
    let set = match kernel::copy_in_u64(set) {
        Ok(set) if size == SIGSET_SIZE && set & reserved() != 0 => set,
        _ => return dispatch::pass(area),
    };
    let deadline = match timeout {
        0 => None,
        _ => match read_timeout(timeout) {
            Some(time) => Some(kernel::monotonic_ns().saturating_add(time)),
            None => return dispatch::pass(area),
        },
    };
    pending::close(area, area.virtual_mask & !set);
    let outcome = wait(area, set, deadline);
    pending::close(area, area.virtual_mask);
    match outcome {
        Outcome::Returned(result) => dispatch::answer(area, result),
        Outcome::Restarting => {
            dispatch::exit(area, outcome);
            area.call.return_address = area.call.return_address.wrapping_sub(2);
            dispatch::answer(area, area.call.number as i64)
        }
    }
}

/// A timeout in nanoseconds; None if the kernel will refuse it.
pub(super) fn read_timeout(address: u64) -> Option<u64> {
    let seconds = kernel::copy_in_u64(address).ok()? as i64;
    let nanoseconds = kernel::copy_in_u64(address.wrapping_add(8)).ok()? as i64;
    if seconds < 0 || !(0..NANOSECONDS).contains(&nanoseconds) {
        return None;
    }
    Some(
        (seconds as u64)
            .saturating_mul(NANOSECONDS as u64)
            .saturating_add(nanoseconds as u64),
    )
}

fn wait(area: &mut ThreadArea, set: u64, deadline: Option<u64>) -> Outcome {
    let wanted = set & reserved();
    loop {
        if let Some(info) = pending::take(area, wanted) {
            return give(area, &info);
        }
        let left = deadline.map(|deadline| deadline.saturating_sub(kernel::monotonic_ns()));
        let mut info = SigInfo::new(0, 0, 0);
        // SIGSYS always: pokes and markers come by it.
        match kernel::sigtimedwait(set | bit(libc::SIGSYS), &mut info, left) {
            // Another thread can have taken what the kernel has woken us for.
            Err(Errno::EINTR) if area.held_signal.is_none() => {}
            Err(Errno::EINTR) if is_for_later(area) => return Outcome::Restarting,
            Err(errno) => return Outcome::Returned(errno.to_result()),
            Ok(_) if is_marker(&info) => {
                // A signal came in before the wait: its handler runs first.
                kernel::requeue(&MARKER);
                return Outcome::Restarting;
            }
            Ok(signal) => {
                let poked = pending::is_poke(area, &info);
                if !poked && set & bit(signal) != 0 {
                    return give(area, &info);
                }
                if !poked {
                    pending::keep(area, &info);
                }
                if has_handler_to_run(area, set) {
                    pending::poke_self(pending::mask_of(area));
                    return Outcome::Returned(Errno::EINTR.to_result());
                }
            }
        }
    }
}

/// Whether one waits that the application takes by a handler, not by the call.
/// Those that it ignores are forgotten.
fn has_handler_to_run(area: &ThreadArea, set: u64) -> bool {
    let due = pending::set(area) & reserved() & !area.virtual_mask & !set;
    for signal in pending::KINDS {
        if due & bit(signal) != 0 && is_unnoticed(area, signal) {
            pending::take(area, bit(signal));
        }
    }
    pending::set(area) & due != 0
}

/// Whether the signal that was held back has no handler to run now.
fn is_for_later(area: &ThreadArea) -> bool {
    area.held_signal.is_some_and(|info| {
        pending::is_poke(area, &info) || reserved() & bit(info.signo) != 0 && is_unnoticed(area, info.signo)
    })
}

/// Whether the kernel would not wake the thread for this reserved signal.
fn is_unnoticed(area: &ThreadArea, signal: i32) -> bool {
    area.virtual_mask & bit(signal) != 0 || sigaction::is_ignored(area, signal)
}

/// Lets the call return this signal.
fn give(area: &ThreadArea, info: &SigInfo) -> Outcome {
    let target = area.call.args[1];
    // SAFETY: a siginfo has no padding that is not one of its fields.
    let bytes = unsafe { core::mem::transmute::<SigInfo, [u8; size_of::<SigInfo>()]>(pending::plain(*info)) };
    let written = if target == 0 {
        Ok(())
    } else {
        kernel::copy_out(target, &bytes)
    };
    Outcome::Returned(match written {
        Ok(()) => info.signo.into(),
        Err(errno) => errno.to_result(),
    })
}
