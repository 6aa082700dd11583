//! What is done with descriptors: fcntl, ioctl, poll, select, epoll, pipes.

use super::{Call, Words, choice, field, files, flags, object, object_out, paths, times};
use crate::tools::trace::names::files::{EPOLL, FD, IOCTL, LOCK, POLL, SEALS, WHENCE};
use crate::tools::trace::text::Text;
use crate::trap::copy::{self, Reader};

const FIONREAD: u64 = 0x541b;
const FIONBIO: u64 = 0x5421;
const FICLONE: u64 = 0x4004_9409;

const F_DUPFD: u64 = 0;
const F_GETFD: u64 = 1;
const F_SETFD: u64 = 2;
const F_GETFL: u64 = 3;
const F_SETFL: u64 = 4;
const F_SETSIG: u64 = 10;
const F_GETLK: u64 = 5;
const F_SETLKW: u64 = 7;
const F_SETOWN: u64 = 8;
const F_GETOWN: u64 = 9;
const F_GETSIG: u64 = 11;
const F_GETOWN_EX: u64 = 16;
const F_OFD_GETLK: u64 = 36;
const F_OFD_SETLKW: u64 = 38;
const F_GETLEASE: u64 = 1025;
const F_DUPFD_CLOEXEC: u64 = 1030;
const F_SETPIPE_SZ: u64 = 1031;
const F_GETPIPE_SZ: u64 = 1032;
const F_ADD_SEALS: u64 = 1033;
const F_GET_SEALS: u64 = 1034;

pub(super) fn fcntl_has_argument(command: u64) -> bool {
    !matches!(
        u64::from(command as u32),
        F_GETFD | F_GETFL | F_GETOWN | F_GETSIG | F_GETLEASE | F_GETPIPE_SZ | F_GET_SEALS
    )
}

pub(super) fn fcntl_is_out(command: u64) -> bool {
    matches!(u64::from(command as u32), F_GETLK | F_OFD_GETLK | F_GETOWN_EX)
}

/// The argument of fcntl.
pub(super) fn fcntl(text: &mut Text<'_>, call: &Call, value: u64) {
    let low = u64::from(value as u32);
    match u64::from(call.arg(1u8) as u32) {
        F_DUPFD | F_DUPFD_CLOEXEC | F_SETOWN | F_SETPIPE_SZ => text.int((value as i32).into()),
        F_SETFD => flags(text, &FD, low),
        F_SETFL => files::open_flags(text, low),
        F_SETSIG => super::signal(text, low),
        F_ADD_SEALS => flags(text, &SEALS, low),
        F_GETLK..=F_SETLKW | F_OFD_GETLK..=F_OFD_SETLKW => lock(text, call, value),
        F_GETOWN_EX => object_out::<8>(text, call, value, |text, words| {
            text.str("{type=");
            text.str(match words.u32(0) {
                0 => "F_OWNER_TID",
                1 => "F_OWNER_PID",
                _ => "F_OWNER_PGRP",
            });
            field(text, ", pid=", words.i32(4).into());
            text.byte(b'}');
        }),
        _ => text.hex(value),
    }
}

fn lock(text: &mut Text<'_>, call: &Call, address: u64) {
    object_out::<32>(text, call, address, |text, words| {
        text.str("{l_type=");
        choice(text, &LOCK, words.u16(0).into());
        text.str(", l_whence=");
        choice(text, &WHENCE, words.u16(2).into());
        field(text, ", l_start=", words.i64(8));
        field(text, ", l_len=", words.i64(16));
        if fcntl_is_out(call.arg(1u8)) {
            field(text, ", l_pid=", words.i32(24).into());
        }
        text.byte(b'}');
    });
}

/// What fcntl has found, in words; its result is a number in base 16 then.
pub(super) fn fcntl_result(text: &mut Text<'_>, command: u64, result: u64) {
    if result == 0 && matches!(command, F_GETFD | F_GET_SEALS) {
        return;
    }
    match command {
        F_GETFD => {
            text.str(" (flags ");
            flags(text, &FD, result);
        }
        F_GETFL => {
            text.str(" (flags ");
            files::open_flags(text, result);
        }
        F_GET_SEALS => {
            text.str(" (seals ");
            flags(text, &SEALS, result);
        }
        _ => return,
    }
    text.byte(b')');
}

/// Whether the result of fcntl is one of these.
pub(in crate::tools::trace) fn fcntl_is_hex(command: u64, result: i64) -> bool {
    match command {
        F_GETFD | F_GET_SEALS => result != 0,
        F_GETFL => true,
        _ => false,
    }
}

pub(super) fn ioctl_has_argument(request: u64) -> bool {
    // FIOCLEX, FIONCLEX, TIOCNOTTY.
    !matches!(request as u32, 0x5451 | 0x5450 | 0x5422)
}

pub(super) fn ioctl_is_out(request: u64) -> bool {
    // Of those that are shown in full.
    matches!(request as u32, 0x5413 | 0x540f | 0x541b | 0x5429 | 0x80045430)
}

/// A request of ioctl: by its name, or its parts.
pub(super) fn ioctl_request(text: &mut Text<'_>, request: u64) {
    if let Some(name) = IOCTL.of(request) {
        return text.str(name);
    }
    text.str("_IOC(");
    text.str(match request >> 30 & 3 {
        0 => "_IOC_NONE",
        1 => "_IOC_WRITE",
        2 => "_IOC_READ",
        _ => "_IOC_READ|_IOC_WRITE",
    });
    for part in [request >> 8 & 0xff, request & 0xff, request >> 16 & 0x3fff] {
        text.str(", ");
        text.hex(part);
    }
    text.byte(b')');
}

/// The argument of ioctl.
pub(super) fn ioctl(text: &mut Text<'_>, call: &Call, value: u64) {
    const TIOCGWINSZ: u64 = 0x5413;
    const TIOCSWINSZ: u64 = 0x5414;
    const INTS: [u64; 7] = [FIONREAD, FIONBIO, 0x540f, 0x5410, 0x5429, 0x5452, 0x8004_5430];
    let request = u64::from(call.arg(1u8) as u32);
    match request {
        TIOCGWINSZ | TIOCSWINSZ => object_out::<8>(text, call, value, |text, words| {
            field(text, "{ws_row=", words.u16(0).into());
            field(text, ", ws_col=", words.u16(2).into());
            field(text, ", ws_xpixel=", words.u16(4).into());
            field(text, ", ws_ypixel=", words.u16(6).into());
            text.byte(b'}');
        }),
        request if INTS.contains(&request) => super::process::int_out(text, call, value),
        FICLONE => paths::fd(text, value),
        _ => text.hex(value),
    }
}

/// The place in a file that a call uses and moves.
pub(super) fn offset(text: &mut Text<'_>, call: &Call, address: u64) {
    object::<8>(text, address, |text, words| {
        let (before, now) = (call.note as i64, words.i64(0));
        field(text, "[", if call.result.is_some() { before } else { now });
        text.byte(b']');
        if call.count() != 0 && before != now {
            field(text, " => [", now);
            text.byte(b']');
        }
    });
}

/// Two descriptors.
pub(super) fn pair(text: &mut Text<'_>, call: &Call, address: u64) {
    object_out::<8>(text, call, address, |text, words| {
        text.byte(b'[');
        paths::fd(text, words.u32(0).into());
        text.str(", ");
        paths::fd(text, words.u32(4).into());
        text.byte(b']');
    });
}

/// Entries of an array that are shown.
const ENTRIES: u64 = 32;

/// `struct pollfd`s, as the call finds them.
pub(super) fn poll_fds(text: &mut Text<'_>, address: u64, count: u64) {
    let mut entry = [0; 8];
    let count = u64::from(count as u32);
    if count == 0 && address != 0 {
        return text.str("[]");
    }
    let reader = Reader::default();
    if address == 0 || reader.copy_in(&mut entry, address).is_err() {
        return text.pointer(address);
    }
    text.byte(b'[');
    for index in 0..count {
        if index != 0 {
            text.str(", ");
        }
        if index == ENTRIES || reader.copy_in(&mut entry, address.wrapping_add(index * 8)).is_err() {
            text.str("...");
            break;
        }
        let words = Words(&entry);
        text.str("{fd=");
        paths::fd(text, words.u32(0).into());
        if words.i32(0) >= 0 {
            text.str(", events=");
            flags(text, &POLL, words.u16(4).into());
        }
        text.byte(b'}');
    }
    text.byte(b']');
}

/// What poll and ppoll have found.
pub(super) fn polled(text: &mut Text<'_>, call: &Call, result: i64) {
    if result == 0 {
        return text.str(" (Timeout)");
    }
    text.str(" ([");
    let mut entry = [0; 8];
    let reader = Reader::default();
    let mut shown = 0;
    for index in 0..u64::from(call.arg(1u8) as u32) {
        if reader
            .copy_in(&mut entry, call.arg(0u8).wrapping_add(index * 8))
            .is_err()
        {
            break;
        }
        let words = Words(&entry);
        let found = words.u16(6);
        if found == 0 || words.i32(0) < 0 {
            continue;
        }
        if shown != 0 {
            text.str(", ");
        }
        if shown == ENTRIES {
            text.str("...");
            break;
        }
        shown += 1;
        field(text, "{fd=", words.i32(0).into());
        text.str(", revents=");
        flags(text, &POLL, found.into());
        text.byte(b'}');
    }
    text.byte(b']');
    if i64::from(call.number) == libc::SYS_ppoll && call.arg(2u8) != 0 {
        text.str(", left ");
        times::timespec(text, call.arg(2u8));
    }
    text.byte(b')');
}

/// Bits of a set that are looked at.
const MOST_FDS: u64 = 1024;

/// A set of descriptors below `count`.
pub(super) fn fd_set(text: &mut Text<'_>, address: u64, count: u64) {
    show_set(text, address, count, paths::fd);
}

fn show_set(text: &mut Text<'_>, address: u64, count: u64, show: impl Fn(&mut Text<'_>, u64)) {
    let mut word = [0; 8];
    let reader = Reader::default();
    if address == 0 || reader.copy_in(&mut word, address).is_err() {
        return text.pointer(address);
    }
    let count = u64::from((count as i32).max(0) as u32).min(MOST_FDS);
    text.byte(b'[');
    let mut first = true;
    for base in (0..count).step_by(64) {
        if reader.copy_in(&mut word, address.wrapping_add(base / 8)).is_err() {
            break;
        }
        let mut bits = u64::from_ne_bytes(word);
        while bits != 0 {
            let fd = base + u64::from(bits.trailing_zeros());
            bits &= bits - 1;
            if fd >= count {
                break;
            }
            if !first {
                text.byte(b' ');
            }
            first = false;
            show(text, fd);
        }
    }
    text.byte(b']');
}

/// What select and pselect6 have found.
pub(super) fn selected(text: &mut Text<'_>, call: &Call, result: i64) {
    if result == 0 {
        return text.str(" (Timeout)");
    }
    let mut first = true;
    let mut part = |text: &mut Text<'_>, name: &str| {
        text.str(if first { " (" } else { ", " });
        first = false;
        text.str(name);
    };
    for (name, index) in [("in ", 1u8), ("out ", 2), ("except ", 3)] {
        let address = call.arg(index);
        if address != 0 && has_some(address, call.arg(0u8)) {
            part(text, name);
            show_set(text, address, call.arg(0u8), |text, fd| text.dec(fd));
        }
    }
    if call.arg(4u8) != 0 {
        part(text, "left ");
        if i64::from(call.number) == libc::SYS_select {
            times::timeval(text, call.arg(4u8));
        } else {
            times::timespec(text, call.arg(4u8));
        }
    }
    if !first {
        text.byte(b')');
    }
}

fn has_some(address: u64, count: u64) -> bool {
    let count = u64::from(count as u32).min(MOST_FDS);
    (0..count).step_by(64).any(|base| {
        let below = count - base;
        let mask = if below < 64 { (1 << below) - 1 } else { u64::MAX };
        copy::copy_in_u64(address.wrapping_add(base / 8)).is_ok_and(|word| word & mask != 0)
    })
}

fn event(text: &mut Text<'_>, words: Words<'_>) {
    text.str("{events=");
    flags(text, &EPOLL, words.u32(0).into());
    text.str(", data={u32=");
    text.dec(words.u32(4).into());
    text.str(", u64=");
    text.dec(words.u64(4));
    text.str("}}");
}

/// A `struct epoll_event`.
pub(super) fn epoll_event(text: &mut Text<'_>, address: u64) {
    object::<12>(text, address, event);
}

/// Those that epoll_wait has found.
pub(super) fn epoll_events(text: &mut Text<'_>, call: &Call, address: u64) {
    if call.failed() {
        return text.pointer(address);
    }
    text.byte(b'[');
    for index in 0..call.count() {
        if index != 0 {
            text.str(", ");
        }
        if index == ENTRIES {
            text.str("...");
            break;
        }
        object::<12>(text, address.wrapping_add(index * 12), event);
    }
    text.byte(b']');
}
