//! Signals, sets of them, and what is done with them.

use super::{Call, Words, choice, field, flags, object, object_out};
use crate::tools::trace::names::signal_number;
use crate::tools::trace::names::signals::{ACTION, NAMES, NOTIFY, STACK};
use crate::tools::trace::text::Text;

/// The first of the real-time signals, as strace counts them.
const RTMIN: u64 = 32;

/// A signal's name without its prefix; of an unknown one the number.
fn name(text: &mut Text<'_>, signal: u64) {
    match NAMES.of(signal) {
        Some(name) => text.str(name),
        None if signal == RTMIN => text.str("RTMIN"),
        None => {
            text.str("RT_");
            text.dec(signal.wrapping_sub(RTMIN));
        }
    }
}

/// The signal with such a name, with `SIG` or without, in letters of either case;
/// or with this number.
pub(in crate::tools::trace) fn number_of(name: &[u8]) -> Option<u64> {
    let number = |digits: &[u8]| {
        let digits = core::str::from_utf8(digits)
            .ok()
            .filter(|text| !text.starts_with('+'))?;
        digits.parse::<u64>().ok()
    };
    let bare = match name.split_at_checked(3) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case(b"SIG") => rest,
        _ => name,
    };
    let real_time = || match bare.split_at_checked(3)? {
        (prefix, digits) if prefix.eq_ignore_ascii_case(b"RT_") => number(digits)?.checked_add(RTMIN),
        _ => bare.eq_ignore_ascii_case(b"RTMIN").then_some(RTMIN),
    };
    let known = signal_number(bare).map(u64::from).or_else(real_time);
    known
        .or_else(|| number(name))
        .filter(|number| (1..=64).contains(number))
}

/// A signal.
pub(in crate::tools::trace) fn signal(text: &mut Text<'_>, signal: u64) {
    if (1..=64).contains(&signal) {
        text.str("SIG");
        name(text, signal);
    } else {
        text.int((signal as i32).into());
    }
}

/// A set, or what is missing in it if that is less.
fn show(text: &mut Text<'_>, mut set: u64) {
    const MANY: u32 = 64 * 2 / 3;
    if set.count_ones() >= MANY {
        set = !set;
        text.byte(b'~');
    }
    text.byte(b'[');
    let mut first = true;
    while set != 0 {
        if !first {
            text.byte(b' ');
        }
        first = false;
        name(text, u64::from(set.trailing_zeros()) + 1);
        set &= set - 1;
    }
    text.byte(b']');
}

pub(super) fn set(text: &mut Text<'_>, address: u64, size: u64) {
    if size == 8 {
        object::<8>(text, address, |text, words| show(text, words.u64(0)));
    } else {
        text.pointer(address);
    }
}

pub(super) fn set_out(text: &mut Text<'_>, call: &Call, address: u64, size: u64) {
    if call.failed() {
        text.pointer(address);
    } else {
        set(text, address, size);
    }
}

/// The last argument of pselect6.
pub(super) fn mask_pair(text: &mut Text<'_>, address: u64) {
    object::<16>(text, address, |text, words| {
        text.str("{sigmask=");
        set(text, words.u64(0), words.u64(8));
        text.str(", sigsetsize=");
        text.dec(words.u64(8));
        text.byte(b'}');
    });
}

/// `struct sigevent`.
pub(super) fn event(text: &mut Text<'_>, address: u64) {
    object::<64>(text, address, |text, words| {
        let (value, number, notify) = (words.u64(0), words.u32(8), words.u32(12));
        text.str("{");
        if value != 0 {
            field(text, "sigev_value={sival_int=", (value as i32).into());
            text.str(", sival_ptr=");
            text.hex(value);
            text.str("}, ");
        }
        text.str("sigev_signo=");
        signal(text, number.into());
        text.str(", sigev_notify=");
        choice(text, &NOTIFY, notify.into());
        if notify == libc::SIGEV_THREAD_ID as u32 {
            field(text, ", sigev_notify_thread_id=", words.i32(16).into());
        }
        text.byte(b'}');
    });
}

pub(super) fn action(text: &mut Text<'_>, address: u64) {
    object::<32>(text, address, show_action);
}

pub(super) fn action_out(text: &mut Text<'_>, call: &Call, address: u64) {
    object_out::<32>(text, call, address, show_action);
}

/// `struct sigaction` of the kernel: handler, flags, restorer, mask.
fn show_action(text: &mut Text<'_>, words: Words<'_>) {
    const RESTORER: u64 = 0x0400_0000;
    let (handler, bits) = (words.u64(0), words.u64(8));
    text.str("{sa_handler=");
    match handler {
        0 => text.str("SIG_DFL"),
        1 => text.str("SIG_IGN"),
        u64::MAX => text.str("SIG_ERR"),
        address => text.hex(address),
    }
    text.str(", sa_mask=");
    show(text, words.u64(24));
    text.str(", sa_flags=");
    flags(text, &ACTION, bits);
    if bits & RESTORER != 0 {
        text.str(", sa_restorer=");
        text.pointer(words.u64(16));
    }
    text.byte(b'}');
}

pub(super) fn stack(text: &mut Text<'_>, address: u64) {
    object::<24>(text, address, show_stack);
}

pub(super) fn stack_out(text: &mut Text<'_>, call: &Call, address: u64) {
    object_out::<24>(text, call, address, show_stack);
}

fn show_stack(text: &mut Text<'_>, words: Words<'_>) {
    text.str("{ss_sp=");
    text.pointer(words.u64(0));
    text.str(", ss_flags=");
    flags(text, &STACK, words.u32(8).into());
    text.str(", ss_size=");
    text.dec(words.u64(16));
    text.byte(b'}');
}
