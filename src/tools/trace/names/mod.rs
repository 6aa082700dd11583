//! Names of the kernel's constants, as data.

pub(super) mod errors;
pub(super) mod files;
pub(super) mod memory;
pub(super) mod process;
pub(super) mod signals;
pub(super) mod sockets;
pub(super) mod times;

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

macro_rules! names {
    ($($(#[$doc:meta])* $id:ident, $other:literal: $($value:literal $name:literal),+;)+) => {
        $($(#[$doc])* pub(in crate::tools::trace) static $id: $crate::tools::trace::names::Names =
            $crate::tools::trace::names::Names { list: &[$(($value, $name)),+], other: $other };)+
    };
}
pub(super) use names;
