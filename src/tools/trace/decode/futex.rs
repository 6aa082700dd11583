//! Futexes: which arguments there are depends on the operation.

use super::{Call, choice, comma, times};
use crate::tools::trace::names::process::FUTEX;
use crate::tools::trace::text::Text;

const PRIVATE: u64 = 128;
const CLOCK_REALTIME: u64 = 256;

/// What futex is to do.
pub(super) fn operation(text: &mut Text<'_>, operation: u64) {
    let base = operation & !(PRIVATE | CLOCK_REALTIME);
    choice(text, &FUTEX, base);
    if operation & PRIVATE != 0 {
        text.str("_PRIVATE");
    }
    if operation & CLOCK_REALTIME != 0 {
        text.str("|FUTEX_CLOCK_REALTIME");
    }
}

/// Whether futex has more than its operation.
pub(super) fn has_arguments(operation: u64) -> bool {
    // FUTEX_UNLOCK_PI, FUTEX_TRYLOCK_PI.
    !matches!(operation & 0x7f, 7 | 8)
}

/// The arguments of futex behind the operation.
pub(super) fn arguments(text: &mut Text<'_>, call: &Call) {
    let [_, operation, value, time, second, third] = call.args;
    let number = |text: &mut Text<'_>, value: u64| text.dec(u64::from(value as u32));
    let mask = |text: &mut Text<'_>, mask: u64| {
        if mask as u32 == u32::MAX {
            text.str("FUTEX_BITSET_MATCH_ANY");
        } else {
            text.hex(u64::from(mask as u32));
        }
    };
    match operation & !(PRIVATE | CLOCK_REALTIME) & 0xffff_ffff {
        0 => {
            number(text, value);
            comma(text);
            times::timespec(text, time);
        }
        1 => number(text, value),
        6 | 13 => times::timespec(text, time),
        9 | 11 => {
            number(text, value);
            comma(text);
            times::timespec(text, time);
            comma(text);
            if operation & 0x7f == 9 {
                mask(text, third);
            } else {
                text.pointer(second);
            }
        }
        10 => {
            number(text, value);
            comma(text);
            mask(text, third);
        }
        3 | 4 | 5 | 12 => {
            number(text, value);
            comma(text);
            number(text, time);
            comma(text);
            text.pointer(second);
            match operation & 0x7f {
                4 | 12 => {
                    comma(text);
                    number(text, third);
                }
                5 => {
                    comma(text);
                    wake_operation(text, third as u32);
                }
                _ => {}
            }
        }
        _ => {
            number(text, value);
            for value in [time, second, third] {
                comma(text);
                text.hex(value);
            }
        }
    }
}

/// What FUTEX_WAKE_OP does with the second word.
fn wake_operation(text: &mut Text<'_>, value: u32) {
    const OPERATIONS: [&str; 5] = ["SET", "ADD", "OR", "ANDN", "XOR"];
    const COMPARISONS: [&str; 6] = ["EQ", "NE", "LT", "LE", "GT", "GE"];
    let (operation, comparison) = (value >> 28 & 7, value >> 24 & 15);
    text.str("FUTEX_OP_");
    text.str(OPERATIONS.get(operation as usize).copied().unwrap_or("???"));
    if value >> 31 != 0 {
        text.str("|FUTEX_OP_OPARG_SHIFT");
    }
    text.str("<<28|");
    text.hex((value >> 12 & 0xfff).into());
    text.str("<<12|FUTEX_OP_CMP_");
    text.str(COMPARISONS.get(comparison as usize).copied().unwrap_or("???"));
    text.str("<<24|");
    text.hex((value & 0xfff).into());
}
