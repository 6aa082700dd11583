//! Sockets: addresses, options, messages.

use super::{Call, Words, bytes, choice, field, flags, object, paths, some_flags, times};
use crate::tools::trace::args::Arg;
use crate::tools::trace::names::sockets::{
    FAMILY, IP_OPTION, IPV6_OPTION, LEVEL, MSG, NETLINK, PROTOCOL, SOCK, SOCKET_OPTION, TCP_OPTION, TYPE,
};
use crate::tools::trace::text::Text;
use crate::trap::copy;

const AF_UNIX: u64 = 1;
const AF_INET: u64 = 2;
const AF_INET6: u64 = 10;
const AF_NETLINK: u64 = 16;

/// A socket's type, with flags.
pub(super) fn kind(text: &mut Text<'_>, value: u64) {
    const MASK: u64 = 15;
    choice(text, &TYPE, value & MASK);
    if value & !MASK != 0 {
        text.byte(b'|');
        some_flags(text, &SOCK, value & !MASK);
    }
}

/// A protocol of the family in the first argument.
pub(super) fn protocol(text: &mut Text<'_>, call: &Call) {
    let protocol = u64::from(call.arg(2u8) as u32);
    match call.arg(0u8) {
        AF_INET | AF_INET6 => choice(text, &PROTOCOL, protocol),
        AF_NETLINK => choice(text, &NETLINK, protocol),
        _ => text.dec(protocol),
    }
}

/// What an address, an offset or a message says of its length before the call.
pub(super) fn length_before(address: u64, arg: Arg) -> u64 {
    let mut bytes = [0; 16];
    match arg {
        Arg::OffsetInOut => copy::copy_in_u64(address).unwrap_or(0),
        Arg::MsghdrOut => copy::copy_in(&mut bytes, address).map_or(0, |()| Words(&bytes).u32(8).into()),
        Arg::TimespecLimit => copy::copy_in(&mut bytes, address).map_or(0, |()| times::packed(Words(&bytes))),
        _ => copy::copy_in(&mut bytes[..4], address).map_or(0, |()| Words(&bytes).u32(0).into()),
    }
}

/// The address of a socket, of `len` bytes.
pub(super) fn address(text: &mut Text<'_>, address: u64, len: u64) {
    const MOST: usize = 110;
    let mut bytes = [0; MOST];
    let len = (len as u32 as usize).min(MOST);
    let part = bytes.get_mut(..len).unwrap_or(&mut []);
    if address == 0 || len < 2 || copy::copy_in(part, address).is_err() {
        return text.pointer(address);
    }
    let words = Words(part);
    let family = words.u16(0).into();
    text.str("{sa_family=");
    choice(text, &FAMILY, family);
    match family {
        AF_UNIX if len > 2 => unix(text, part.get(2..).unwrap_or(&[])),
        AF_UNIX => {}
        AF_INET if len >= 16 => {
            port(text, ", sin_port=htons(", words);
            text.str(", sin_addr=inet_addr(\"");
            dotted(text, part.get(4..8).unwrap_or(&[]));
            text.str("\")");
        }
        AF_INET6 if len >= 24 => {
            port(text, ", sin6_port=htons(", words);
            text.str(", sin6_flowinfo=htonl(");
            text.dec(u32::from_be(words.u32(4)).into());
            text.str("), inet_pton(AF_INET6, \"");
            let groups: [u16; 8] = core::array::from_fn(|group| u16::from_be(words.u16(8 + 2 * group)));
            colons(text, &groups);
            text.str("\", &sin6_addr), sin6_scope_id=");
            text.dec(words.u32(24).into());
        }
        AF_NETLINK if len >= 12 => {
            field(text, ", nl_pid=", words.u32(4).into());
            text.str(", nl_groups=");
            if words.u32(8) == 0 {
                text.str("00000000");
            } else {
                text.hex(words.u32(8).into());
            }
        }
        _ => {
            text.str(", sa_data=\"");
            text.escaped(part.get(2..).unwrap_or(&[]), None);
            text.byte(b'"');
        }
    }
    text.byte(b'}');
}

fn port(text: &mut Text<'_>, name: &str, words: Words<'_>) {
    text.str(name);
    text.dec(u16::from_be(words.u16(2)).into());
    text.byte(b')');
}

fn unix(text: &mut Text<'_>, path: &[u8]) {
    text.str(", sun_path=");
    let (abstracted, path) = match path.split_first() {
        Some((0, rest)) => (true, rest),
        _ => (false, path.split(|&byte| byte == 0).next().unwrap_or(&[])),
    };
    if abstracted {
        text.byte(b'@');
    }
    text.byte(b'"');
    text.escaped(path, None);
    text.byte(b'"');
}

fn dotted(text: &mut Text<'_>, bytes: &[u8]) {
    for (index, byte) in bytes.iter().enumerate() {
        if index != 0 {
            text.byte(b'.');
        }
        text.dec((*byte).into());
    }
}

/// An IPv6 address: the longest row of zeros is left out, if there is one.
fn colons(text: &mut Text<'_>, groups: &[u16; 8]) {
    let zeros = |start: usize| groups.iter().skip(start).take_while(|group| **group == 0).count();
    let (len, start) = (0..8)
        .map(|start| (zeros(start), core::cmp::Reverse(start)))
        .max()
        .map_or((0, 8), |(len, start)| (len, start.0));
    let left_out = if len > 1 { start..start + len } else { 8..8 };
    let mapped = left_out == (0..5) && groups[5] == 0xffff || left_out == (0..6);
    for (index, group) in groups.iter().enumerate() {
        if left_out.contains(&index) {
            if index == left_out.start {
                text.byte(b':');
            }
            continue;
        }
        if index != 0 {
            text.byte(b':');
        }
        if mapped && index == 6 {
            let [a, b] = groups[6].to_be_bytes();
            let [c, d] = groups[7].to_be_bytes();
            return dotted(text, &[a, b, c, d]);
        }
        text.bare_hex((*group).into());
    }
    if left_out.end == 8 && !left_out.is_empty() {
        text.byte(b':');
    }
}

/// The address that the call has found.
pub(super) fn address_out(text: &mut Text<'_>, call: &Call, at: u64, len_at: u64) {
    if call.failed() || at == 0 {
        return text.pointer(at);
    }
    let mut len = [0; 4];
    if copy::copy_in(&mut len, len_at).is_err() {
        return text.pointer(at);
    }
    address(text, at, u64::from(u32::from_ne_bytes(len)).min(call.note));
}

/// Its length: what it was, and what it is.
pub(super) fn length_out(text: &mut Text<'_>, call: &Call, at: u64) {
    object::<4>(text, at, |text, words| {
        let len = words.u32(0).into();
        text.byte(b'[');
        if !call.failed() && len != call.note {
            text.dec(call.note);
            text.str(" => ");
        }
        text.dec(len);
        text.byte(b']');
    });
}

pub(super) fn level(text: &mut Text<'_>, level: u64) {
    choice(text, &LEVEL, level);
}

pub(super) fn option(text: &mut Text<'_>, call: &Call) {
    let option = u64::from(call.arg(2u8) as u32);
    match call.arg(1u8) as u32 {
        0 => choice(text, &IP_OPTION, option),
        1 => choice(text, &SOCKET_OPTION, option),
        6 => choice(text, &TCP_OPTION, option),
        41 => choice(text, &IPV6_OPTION, option),
        _ => text.hex(option),
    }
}

/// An option's value.
pub(super) fn value(text: &mut Text<'_>, call: &Call, at: u64, len: u64) {
    const SO_LINGER: (u64, u64) = (1, 13);
    const TIMEOUTS: [(u64, u64); 2] = [(1, 20), (1, 21)];
    let option = (call.arg(1u8), call.arg(2u8));
    match len as u32 {
        8 if option == SO_LINGER => object::<8>(text, at, |text, words| {
            field(text, "{l_onoff=", words.i32(0).into());
            field(text, ", l_linger=", words.i32(4).into());
            text.byte(b'}');
        }),
        16 if TIMEOUTS.contains(&option) => object::<16>(text, at, |text, words| {
            field(text, "{tv_sec=", words.i64(0));
            field(text, ", tv_usec=", words.i64(8));
            text.byte(b'}');
        }),
        4 => object::<4>(text, at, |text, words| {
            field(text, "[", words.i32(0).into());
            text.byte(b']');
        }),
        len => bytes::bytes(text, at, len.into(), call.most),
    }
}

/// A value that the call has found.
pub(super) fn value_out(text: &mut Text<'_>, call: &Call, at: u64, len_at: u64) {
    let mut len = [0; 4];
    if call.failed() || copy::copy_in(&mut len, len_at).is_err() {
        text.pointer(at);
    } else {
        value(text, call, at, u32::from_ne_bytes(len).into());
    }
}

/// `struct msghdr`, to be sent.
pub(super) fn message(text: &mut Text<'_>, call: &Call, at: u64) {
    show_message(text, call, at, None, None);
}

/// `struct mmsghdr`s to be sent: those that were have a length.
pub(super) fn messages(text: &mut Text<'_>, call: &Call, at: u64) {
    show_messages(text, call, at, u64::from(call.arg(2u8) as u32), false);
}

/// Those that were received.
pub(super) fn messages_out(text: &mut Text<'_>, call: &Call, at: u64) {
    if call.failed() {
        text.pointer(at);
    } else {
        show_messages(text, call, at, call.count(), true);
    }
}

fn show_messages(text: &mut Text<'_>, call: &Call, at: u64, count: u64, received: bool) {
    const SIZE: u64 = 64;
    const MOST: u64 = 32;
    let mut len = [0; 4];
    let mut len_of =
        |index: u64| copy::copy_in(&mut len, at.wrapping_add(index * SIZE + 56)).map(|()| u32::from_ne_bytes(len));
    if at == 0 || count == 0 || len_of(0).is_err() {
        return text.pointer(at);
    }
    for index in 0..count {
        text.str(if index == 0 { "[" } else { ", " });
        let (Ok(len), true) = (len_of(index), index < MOST) else {
            text.str("...");
            break;
        };
        let done = index < call.count();
        text.str("{msg_hdr=");
        show_message(
            text,
            call,
            at.wrapping_add(index * SIZE),
            received.then_some(len.into()),
            None,
        );
        if done {
            field(text, ", msg_len=", len.into());
        }
        text.byte(b'}');
    }
    text.byte(b']');
}

/// One that was received.
pub(super) fn message_out(text: &mut Text<'_>, call: &Call, at: u64) {
    if call.failed() {
        // Nothing was written to it.
        object::<56>(text, at, |text, words| {
            text.str("{msg_namelen=");
            text.dec(words.u32(8).into());
            text.byte(b'}');
        });
    } else {
        show_message(text, call, at, Some(call.count()), Some(call.note));
    }
}

/// `before`: what its name's length was before the call.
fn show_message(text: &mut Text<'_>, call: &Call, at: u64, got: Option<u64>, before: Option<u64>) {
    object::<56>(text, at, |text, words| {
        let (name, len) = (words.u64(0), u64::from(words.u32(8)));
        text.str("{msg_name=");
        address(text, name, len);
        text.str(", msg_namelen=");
        if let Some(before) = before.filter(|&before| name != 0 && before != len) {
            text.dec(before);
            text.str(" => ");
        }
        text.dec(len);
        text.str(", msg_iov=");
        bytes::iovec(text, call, words.u64(16), words.u64(24), got);
        text.str(", msg_iovlen=");
        text.dec(words.u64(24));
        let (control, control_len) = (words.u64(32), words.u64(40));
        if control != 0 && control_len != 0 {
            text.str(", msg_control=");
            control_messages(text, control, control_len);
        }
        text.str(", msg_controllen=");
        text.dec(control_len);
        text.str(", msg_flags=");
        flags(text, &MSG, words.u32(48).into());
        text.byte(b'}');
    });
}

/// Messages beside the data: descriptors are shown, of all others the kind.
fn control_messages(text: &mut Text<'_>, at: u64, len: u64) {
    const SCM_RIGHTS: (u32, u32) = (1, 1);
    const MOST: u64 = 16;
    text.byte(b'[');
    let mut offset = 0;
    while offset + 16 <= len && offset < 1024 {
        let mut head = [0; 16];
        if copy::copy_in(&mut head, at.wrapping_add(offset)).is_err() {
            break;
        }
        let words = Words(&head);
        let (size, kind) = (words.u64(0), (words.u32(8), words.u32(12)));
        if offset != 0 {
            text.str(", ");
        }
        field(text, "{cmsg_len=", size as i64);
        text.str(", cmsg_level=");
        choice(text, &LEVEL, kind.0.into());
        text.str(", cmsg_type=");
        match kind {
            SCM_RIGHTS => text.str("SCM_RIGHTS"),
            (1, 2) => text.str("SCM_CREDENTIALS"),
            (_, kind) => text.hex(kind.into()),
        }
        if kind == SCM_RIGHTS {
            text.str(", cmsg_data=[");
            for index in 0..(size.saturating_sub(16) / 4).min(MOST) {
                let mut fd = [0; 4];
                if copy::copy_in(&mut fd, at.wrapping_add(offset + 16 + index * 4)).is_err() {
                    break;
                }
                text.str(if index == 0 { "" } else { ", " });
                paths::fd(text, u32::from_ne_bytes(fd).into());
            }
            text.byte(b']');
        }
        text.byte(b'}');
        if size < 16 {
            break;
        }
        offset += size.min(1 << 20).next_multiple_of(8);
    }
    text.byte(b']');
}
