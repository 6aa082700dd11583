//! Names of the kernel's constants, as data.

pub(super) mod errors;
pub(super) mod files;
pub(super) mod ipc;
pub(super) mod memory;
pub(super) mod process;
pub(super) mod signals;
pub(super) mod sockets;
pub(super) mod system;
pub(super) mod times;

use crate::abi::errno::Errno;

/// Names of values, or of bits, in the order in which they are looked for.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) list: &'static [(u64, &'static str)],
    /// What a comment calls a value without a name.
    pub(super) other: &'static str,
}

impl Names {
    /// The name of a value.
    pub(super) fn of(&self, value: u64) -> Option<&'static str> {
        self.list
            .iter()
            .find(|(known, _)| *known == value)
            .map(|(_, name)| *name)
    }
}

/// The name of an error.
pub(in crate::tools) fn error_name(number: i32) -> Option<&'static str> {
    errors::error(number).map(|(name, _)| name)
}

/// What an error is called, as strerror says it.
pub(crate) fn error_text(error: Errno) -> &'static str {
    errors::error(error.number()).map_or("an unknown error", |(_, text)| text)
}

/// The error with this name, in letters of either case.
pub(in crate::tools) fn error_number(name: &[u8]) -> Option<u16> {
    let known = errors::ERRORS
        .iter()
        .find(|(_, known, _)| known.as_bytes().eq_ignore_ascii_case(name));
    known.map(|(number, ..)| *number)
}

/// The name of a signal, without `SIG`.
pub(in crate::tools) fn signal_name(number: u8) -> Option<&'static str> {
    signals::NAMES.of(number.into())
}

/// The signal with this name, with `SIG` or without, in letters of either case.
pub(in crate::tools) fn signal_number(name: &[u8]) -> Option<u8> {
    let bare = match name.split_at_checked(3) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case(b"SIG") => rest,
        _ => name,
    };
    let known = signals::NAMES
        .list
        .iter()
        .find(|(_, known)| known.as_bytes().eq_ignore_ascii_case(bare));
    known.map(|(number, _)| *number as u8)
}

macro_rules! names {
    ($($(#[$doc:meta])* $id:ident, $other:literal: $($value:literal $name:literal),+;)+) => {
        $($(#[$doc])* pub(in crate::tools::trace) static $id: $crate::tools::trace::names::Names =
            $crate::tools::trace::names::Names { list: &[$(($value, $name)),+], other: $other };)+
    };
}
pub(super) use names;
