//! Mounts, capabilities, and openat2.

use super::{Call, bytes, choice, field, files, flags, object, object_out, some_flags};
use crate::tools::trace::names::system::{CAPABILITY, CAPABILITY_VERSION, MOUNT, RESOLVE};
use crate::tools::trace::text::Text;

const MAGIC_MASK: u64 = 0xffff_0000;
const MAGIC: u64 = 0xc0ed_0000;
const MS_REMOUNT: u64 = 0x20;
/// `MS_BIND`, `MS_MOVE`, and those that say how mounts spread.
const NEITHER_TYPE_NOR_DATA: u64 = 0x1000 | 0x2000 | 0x1e_0000;

/// The flags of mount, and what its type and data mean by them.
fn mount_bits(call: &Call) -> u64 {
    let bits = call.arg(3u8);
    if bits & MAGIC_MASK == MAGIC {
        bits & !MAGIC_MASK
    } else {
        bits
    }
}

pub(super) fn mount_type(text: &mut Text<'_>, call: &Call, address: u64) {
    if mount_bits(call) & (NEITHER_TYPE_NOR_DATA | MS_REMOUNT) != 0 {
        text.pointer(address);
    } else {
        bytes::string(text, address, call.most);
    }
}

pub(super) fn mount_data(text: &mut Text<'_>, call: &Call, address: u64) {
    let bits = mount_bits(call);
    if bits & MS_REMOUNT == 0 && bits & NEITHER_TYPE_NOR_DATA != 0 {
        text.pointer(address);
    } else {
        bytes::string(text, address, call.most);
    }
}

pub(super) fn mount_flags(text: &mut Text<'_>, value: u64) {
    let is_magic = value & MAGIC_MASK == MAGIC;
    let rest = if is_magic { value & !MAGIC_MASK } else { value };
    if is_magic {
        text.str("MS_MGC_VAL");
        if rest != 0 {
            text.byte(b'|');
            some_flags(text, &MOUNT, rest);
        }
    } else {
        flags(text, &MOUNT, rest);
    }
}

/// `struct open_how`.
pub(super) fn open_how(text: &mut Text<'_>, address: u64, size: u64) {
    const SIZE: usize = 24;
    const CREATES: u64 = 0o100 | 0o20_000_000;
    if size < SIZE as u64 {
        return text.pointer(address);
    }
    object::<SIZE>(text, address, |text, words| {
        text.str("{flags=");
        files::open_flags(text, words.u64(0));
        if words.u64(0) & CREATES != 0 {
            text.str(", mode=");
            text.mode(words.u64(8));
        }
        text.str(", resolve=");
        flags(text, &RESOLVE, words.u64(16));
        text.byte(b'}');
    });
}

/// `struct __user_cap_header_struct`.
pub(super) fn capability_header(text: &mut Text<'_>, address: u64) {
    object::<8>(text, address, |text, words| {
        text.str("{version=");
        choice(text, &CAPABILITY_VERSION, words.u32(0).into());
        field(text, ", pid=", words.i32(4).into());
        text.byte(b'}');
    });
}

/// Two `struct __user_cap_data_struct`, for the versions that have two.
fn capabilities(text: &mut Text<'_>, address: u64) {
    object::<24>(text, address, |text, words| {
        for (index, name) in ["{effective=", ", permitted=", ", inheritable="]
            .into_iter()
            .enumerate()
        {
            let [low, high] = [0, 12].map(|half| u64::from(words.u32(half + index * 4)));
            text.str(name);
            flags(text, &CAPABILITY, low | high << 32);
        }
        text.byte(b'}');
    });
}

pub(super) fn capabilities_in(text: &mut Text<'_>, address: u64) {
    capabilities(text, address);
}

pub(super) fn capabilities_out(text: &mut Text<'_>, call: &Call, address: u64) {
    if call.failed() {
        text.pointer(address);
    } else {
        capabilities(text, address);
    }
}

const ARCH_GET_FS: u64 = 0x1003;
const ARCH_GET_GS: u64 = 0x1004;

pub(super) fn arch_is_out(option: u64) -> bool {
    matches!(option, ARCH_GET_FS | ARCH_GET_GS)
}

/// The argument of arch_prctl.
pub(super) fn arch(text: &mut Text<'_>, call: &Call, value: u64) {
    if arch_is_out(call.arg(0u8)) {
        object_out::<8>(text, call, value, |text, words| {
            text.byte(b'[');
            text.hex(words.u64(0));
            text.byte(b']');
        });
    } else {
        text.hex(value);
    }
}
