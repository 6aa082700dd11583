//! Strings, buffers, and vectors of them.

use super::{Call, Words};
use crate::abi::errno::Errno;
use crate::tools::trace::text::Text;
use crate::trap::copy::{self, Reader};

/// Bytes that are copied at a time.
const PIECE: usize = 64;
/// Longest path, with its final zero.
const PATH_MAX: usize = 4096;
/// Entries of vectors that are shown.
const ENTRIES: u64 = 32;

/// A string up to its zero, cut behind `most` bytes.
pub(super) fn string(text: &mut Text<'_>, address: u64, most: usize) {
    let mut piece = [0; PIECE];
    let (mut at, mut left) = (address, most);
    let mut open = false;
    loop {
        // One more, to see whether it ends there.
        let len = (left + 1).min(PIECE);
        let out = piece.get_mut(..len).unwrap_or(&mut []);
        let (got, ends) = match copy::copy_string(out, at) {
            Ok(got) => (got, true),
            Err(Errno::ENAMETOOLONG) => (len.min(left), len > left),
            Err(_) if !open => return text.pointer(address),
            Err(_) => return text.str("\"..."),
        };
        if !open {
            text.byte(b'"');
            open = true;
        }
        let bytes = piece.get(..got).unwrap_or(&[]);
        text.escaped(bytes, None);
        if ends {
            text.byte(b'"');
            if got == left && len > left && piece.get(got).is_some_and(|&next| next != 0) {
                text.str("...");
            }
            return;
        }
        left -= got;
        at = at.wrapping_add(got as u64);
    }
}

/// A path: all of it.
pub(super) fn path(text: &mut Text<'_>, address: u64) {
    string(text, address, PATH_MAX - 1);
}

/// A path that the call has written.
pub(super) fn out_path(text: &mut Text<'_>, call: &Call, address: u64) {
    if call.failed() {
        text.pointer(address);
    } else {
        path(text, address);
    }
}

/// `len` bytes, of which `most` are shown.
pub(super) fn bytes(text: &mut Text<'_>, address: u64, len: u64, most: usize) {
    quoted(text, address, len, most, false);
}

fn quoted(text: &mut Text<'_>, address: u64, len: u64, most: usize, hex: bool) {
    let shown = len.min(most as u64);
    let mut piece = [0; PIECE + 1];
    let mut done = 0;
    // Looked at once if it is in one piece.
    if address == 0 || shown > PIECE as u64 && copy::probe(address, shown).is_err() {
        return text.pointer(address);
    }
    loop {
        let here = (shown - done).min(PIECE as u64) as usize;
        let more = usize::from(shown - done > PIECE as u64);
        let out = piece.get_mut(..here + more).unwrap_or(&mut []);
        let copied = copy::copy_in(out, address.wrapping_add(done));
        if done == 0 {
            if copied.is_err() {
                return text.pointer(address);
            }
            text.byte(b'"');
        } else if copied.is_err() {
            break;
        }
        let next = out.get(here).copied();
        let bytes = out.get(..here).unwrap_or(&[]);
        if hex {
            text.escaped_hex(bytes);
        } else {
            text.escaped(bytes, next);
        }
        done += here as u64;
        if done == shown {
            break;
        }
    }
    text.byte(b'"');
    if len > shown {
        text.str("...");
    }
}

/// What the call has read, as much as its result says.
pub(super) fn out(text: &mut Text<'_>, call: &Call, address: u64, hex: bool) {
    if call.failed() {
        text.pointer(address);
    } else {
        quoted(text, address, call.count(), call.most, hex);
    }
}

/// An array of `struct iovec`; of what was read only `left` bytes are there.
pub(super) fn iovec(text: &mut Text<'_>, call: &Call, address: u64, count: u64, mut left: Option<u64>) {
    if count == 0 {
        return text.str("[]");
    }
    let mut entry = [0; 16];
    let reader = Reader::default();
    for index in 0..count {
        let at = address.wrapping_add(index * 16);
        let copied = reader.copy_in(&mut entry, at);
        if index == 0 {
            if copied.is_err() {
                return text.pointer(address);
            }
            text.byte(b'[');
        } else {
            text.str(", ");
        }
        if index == ENTRIES {
            text.str("...");
            break;
        }
        if copied.is_err() {
            text.str("... /* ");
            text.hex(at);
            text.str(" */");
            break;
        }
        let (base, len) = (Words(&entry).u64(0), Words(&entry).u64(8));
        text.str("{iov_base=");
        let here = left.map_or(len, |left| left.min(len));
        bytes(text, base, here, call.most);
        left = left.map(|left| left - here);
        text.str(", iov_len=");
        text.dec(len);
        text.byte(b'}');
    }
    text.byte(b']');
}

/// The same of a call that has read into them.
pub(super) fn iovec_out(text: &mut Text<'_>, call: &Call, address: u64, count: u64) {
    if call.failed() {
        text.pointer(address);
    } else {
        iovec(text, call, address, count, Some(call.count()));
    }
}

/// Places of memory in another process.
pub(super) fn iovec_elsewhere(text: &mut Text<'_>, address: u64, count: u64) {
    let reader = Reader::default();
    if address == 0 {
        return text.pointer(address);
    }
    if count == 0 {
        return text.str("[]");
    }
    for index in 0..count {
        let at = address.wrapping_add(index * 16);
        let (base, len) = (word_at(&reader, at), word_at(&reader, at.wrapping_add(8)));
        if index == 0 && base.is_err() {
            return text.pointer(address);
        }
        text.str(if index == 0 { "[" } else { ", " });
        let (Ok(base), Ok(len), true) = (base, len, index < ENTRIES) else {
            text.str("...");
            break;
        };
        text.str("{iov_base=");
        text.pointer(base);
        text.str(", iov_len=");
        text.dec(len);
        text.byte(b'}');
    }
    text.byte(b']');
}

/// A program's arguments.
pub(super) fn arguments(text: &mut Text<'_>, call: &Call, address: u64) {
    let reader = Reader::default();
    for index in 0.. {
        let word = word_at(&reader, address.wrapping_add(index * 8));
        if index == 0 {
            if word.is_err() {
                return text.pointer(address);
            }
            text.byte(b'[');
        }
        let string_at = match word {
            Ok(0) => break,
            Ok(string_at) => string_at,
            Err(_) => {
                text.str(", ... /* ");
                text.hex(address.wrapping_add(index * 8));
                text.str(" */");
                break;
            }
        };
        if index != 0 {
            text.str(", ");
        }
        if index == ENTRIES {
            text.str("...");
            break;
        }
        string(text, string_at, call.most);
    }
    text.byte(b']');
}

fn word_at(reader: &Reader, address: u64) -> Result<u64, Errno> {
    let mut bytes = [0; 8];
    reader.copy_in(&mut bytes, address)?;
    Ok(u64::from_ne_bytes(bytes))
}

/// How many variables there are.
pub(super) fn environment(text: &mut Text<'_>, address: u64) {
    text.pointer(address);
    if address == 0 {
        return;
    }
    let reader = Reader::default();
    let mut count = 0;
    while word_at(&reader, address.wrapping_add(count * 8)).is_ok_and(|string_at| string_at != 0) && count < 1 << 16 {
        count += 1;
    }
    text.str(" /* ");
    text.dec(count);
    text.str(if count == 1 { " var */" } else { " vars */" });
}
