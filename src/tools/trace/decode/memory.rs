//! Mappings.

use super::{choice, some_flags};
use crate::tools::trace::names::memory::{MAP, MAP_TYPE};
use crate::tools::trace::text::Text;

/// The flags of mmap: the kind of mapping first.
pub(super) fn map_flags(text: &mut Text<'_>, value: u64) {
    const TYPE: u64 = 15;
    let (kind, rest) = (value & TYPE, value & !TYPE);
    if kind == 0 {
        text.str("MAP_FILE");
    } else {
        choice(text, &MAP_TYPE, kind);
    }
    if rest != 0 {
        text.byte(b'|');
        some_flags(text, &MAP, rest);
    }
}
