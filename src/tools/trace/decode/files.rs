//! Files: flags of open, modes, and what stat says.

use super::{Call, Words, choice, flags, object_out, some_flags};
use crate::tools::trace::names::files::{
    ACCESS_MODE, AT, AT_STATX_SYNC, FILE_TYPE, MODE_BITS, OPEN, STATX, STATX_ATTRIBUTES,
};
use crate::tools::trace::text::Text;
use crate::trap::copy::Reader;

/// The flags of open: the access mode first.
pub(super) fn open_flags(text: &mut Text<'_>, value: u64) {
    choice(text, &ACCESS_MODE, value & 3);
    if value & !3 != 0 {
        text.byte(b'|');
        some_flags(text, &OPEN, value & !3);
    }
}

/// The flags of statx: how fresh it is to be first.
pub(super) fn statx_flags(text: &mut Text<'_>, value: u64) {
    const SYNC: u64 = 0x6000;
    choice(text, &AT_STATX_SYNC, value & SYNC);
    if value & !SYNC != 0 {
        text.byte(b'|');
        some_flags(text, &AT, value & !SYNC);
    }
}

/// A file's type and access rights.
pub(super) fn mode(text: &mut Text<'_>, mode: u64) {
    const TYPE: u64 = 0o170_000;
    if let Some(name) = FILE_TYPE.of(mode & TYPE).filter(|_| mode & TYPE != 0) {
        text.str(name);
        text.byte(b'|');
        for (bit, name) in MODE_BITS.list {
            if mode & bit != 0 {
                text.str(name);
                text.byte(b'|');
            }
        }
        text.mode(mode & 0o777);
    } else {
        text.mode(mode);
    }
}

/// A device's number as the kernel encodes it in 64 bits.
pub(super) fn device(text: &mut Text<'_>, device: u64) {
    let major = device >> 8 & 0xfff | device >> 32 & 0xffff_f000;
    let minor = device & 0xff | device >> 12 & 0xffff_ff00;
    make_device(text, major, minor);
}

fn make_device(text: &mut Text<'_>, major: u64, minor: u64) {
    text.str("makedev(");
    text.hex(major);
    text.str(", ");
    text.hex(minor);
    text.byte(b')');
}

fn is_device(mode: u64) -> bool {
    matches!(mode & 0o170_000, 0o020_000 | 0o060_000)
}

/// `struct stat`, in short.
pub(super) fn stat(text: &mut Text<'_>, call: &Call, address: u64) {
    object_out::<144>(text, call, address, |text, words| {
        let bits = words.u32(24).into();
        text.str("{st_mode=");
        mode(text, bits);
        if is_device(bits) {
            text.str(", st_rdev=");
            device(text, words.u64(40));
        } else {
            text.str(", st_size=");
            text.int(words.i64(48));
        }
        text.str(", ...}");
    });
}

/// `struct statx`, in short.
pub(super) fn statx(text: &mut Text<'_>, call: &Call, address: u64) {
    object_out::<256>(text, call, address, |text, words| {
        let bits = words.u16(28).into();
        text.str("{stx_mask=");
        flags(text, &STATX, words.u32(0).into());
        text.str(", stx_attributes=");
        flags(text, &STATX_ATTRIBUTES, words.u64(8));
        text.str(", stx_mode=");
        mode(text, bits);
        text.str(", stx_size=");
        text.dec(words.u64(40));
        text.str(", ...}");
    });
}

/// `struct statfs`.
pub(super) fn statfs(text: &mut Text<'_>, call: &Call, address: u64) {
    object_out::<120>(text, call, address, |text, words| {
        text.str("{f_type=");
        choice(text, &MAGIC, words.u64(0));
        for (name, at) in [
            (", f_bsize=", 8),
            (", f_blocks=", 16),
            (", f_bfree=", 24),
            (", f_bavail=", 32),
            (", f_files=", 40),
            (", f_ffree=", 48),
        ] {
            text.str(name);
            text.dec(words.u64(at));
        }
        text.str(", f_fsid={val=[");
        text.hex(words.u32(56).into());
        text.str(", ");
        text.hex(words.u32(60).into());
        text.str("]}, f_namelen=");
        text.dec(words.u64(64));
        text.str(", f_frsize=");
        text.dec(words.u64(72));
        text.str(", f_flags=");
        flags(text, &MOUNT, words.u64(80));
        text.byte(b'}');
    });
}

crate::tools::trace::names::names! {
    /// Types of file systems.
    MAGIC, "???_MAGIC": 0xef53 "EXT2_SUPER_MAGIC", 0x9fa0 "PROC_SUPER_MAGIC", 0x01021994 "TMPFS_MAGIC", 0x62656572 "SYSFS_MAGIC",
        0x794c7630 "OVERLAYFS_SUPER_MAGIC", 0x9123683e "BTRFS_SUPER_MAGIC", 0x58465342 "XFS_SB_MAGIC", 0x6969 "NFS_SUPER_MAGIC",
        0x1cd1 "DEVPTS_SUPER_MAGIC", 0x50495045 "PIPEFS_MAGIC", 0x534f434b "SOCKFS_MAGIC", 0x27e0eb "CGROUP_SUPER_MAGIC",
        0x63677270 "CGROUP2_SUPER_MAGIC", 0x65735546 "FUSE_SUPER_MAGIC", 0x958458f6 "HUGETLBFS_MAGIC",
        0x01021997 "V9FS_MAGIC", 0x6165676c "PSTOREFS_MAGIC";
    MOUNT, "ST_???": 0x20 "ST_VALID", 1 "ST_RDONLY", 2 "ST_NOSUID", 4 "ST_NODEV", 8 "ST_NOEXEC", 0x10 "ST_SYNCHRONOUS",
        0x40 "ST_MANDLOCK", 0x400 "ST_NOATIME", 0x800 "ST_NODIRATIME", 0x1000 "ST_RELATIME", 0x2000 "ST_NOSYMFOLLOW";
}

/// How many entries of a directory were read.
pub(super) fn entries(text: &mut Text<'_>, call: &Call, address: u64) {
    text.pointer(address);
    if call.failed() {
        return;
    }
    const LENGTH: u64 = 16;
    let reader = Reader::default();
    let (mut count, mut at) = (0, 0);
    while at < call.count() {
        let mut length = [0; 2];
        if reader.copy_in(&mut length, address.wrapping_add(at + LENGTH)).is_err() {
            break;
        }
        let length = Words(&length).u16(0);
        if length == 0 {
            break;
        }
        at += u64::from(length);
        count += 1;
    }
    text.str(" /* ");
    text.dec(count);
    text.str(if count == 1 { " entry */" } else { " entries */" });
}
