//! System V's semaphores, shared memory and message queues.

use super::{Call, Words, bytes, field, flags, object, object_out};
use crate::tools::trace::names::Names;
use crate::tools::trace::names::ipc::{SEM_OP, STAT_COMMANDS};
use crate::tools::trace::text::Text;
use crate::trap::copy::Reader;

/// Operations on semaphores that are shown.
const OPERATIONS: u64 = 32;

const IPC_SET: u64 = 1;
const SETVAL: u64 = 16;

/// Which of the three a call is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::tools::trace) enum Kind {
    Semaphores,
    Memory,
    Messages,
}

pub(super) fn key(text: &mut Text<'_>, key: u64) {
    if key == 0 {
        text.str("IPC_PRIVATE");
    } else {
        text.hex(key);
    }
}

/// Flags, then access rights.
pub(super) fn get_flags(text: &mut Text<'_>, names: &Names, value: u64) {
    const RIGHTS: u64 = 0o777;
    if value & !RIGHTS != 0 {
        flags(text, names, value & !RIGHTS);
        text.byte(b'|');
    }
    text.mode(value & RIGHTS);
}

/// `struct sembuf`s.
pub(super) fn operations(text: &mut Text<'_>, address: u64, count: u64) {
    let reader = Reader::default();
    let count = u64::from(count as u32);
    if count == 0 {
        return text.pointer(address);
    }
    for index in 0..count {
        let mut operation = [0; 6];
        let copied = reader.copy_in(&mut operation, address.wrapping_add(index * 6));
        if index == 0 && (address == 0 || copied.is_err()) {
            return text.pointer(address);
        }
        text.str(if index == 0 { "[" } else { ", " });
        if index == OPERATIONS || copied.is_err() {
            text.str("...");
            break;
        }
        let words = Words(&operation);
        field(text, "{sem_num=", words.u16(0).into());
        field(text, ", sem_op=", words.u16(2).cast_signed().into());
        text.str(", sem_flg=");
        flags(text, &SEM_OP, words.u16(4).into());
        text.byte(b'}');
    }
    text.byte(b']');
}

/// A message, of which so many bytes are shown.
pub(super) fn message(text: &mut Text<'_>, call: &Call, address: u64, len: u64) {
    object::<8>(text, address, |text, words| {
        field(text, "{mtype=", words.i64(0));
        text.str(", mtext=");
        bytes::bytes(text, address.wrapping_add(8), len, call.most);
        text.byte(b'}');
    });
}

/// Whether semctl and its kin write to their last argument.
pub(super) fn is_out(command: u64) -> bool {
    STAT_COMMANDS.of(u64::from(command as u32)).is_some()
}

/// The last argument of semctl and its kin.
pub(super) fn what(text: &mut Text<'_>, call: &Call, kind: Kind, command: u64, address: u64) {
    match u64::from(command as u32) {
        IPC_SET => object::<112>(text, address, |text, words| set(text, words, kind)),
        SETVAL if kind == Kind::Semaphores => text.hex(address),
        command if is_out(command) => object_out::<120>(text, call, address, |text, words| stat(text, words, kind)),
        _ => text.pointer(address),
    }
}

/// `struct ipc64_perm` up to the mode, without the braces.
fn owner(text: &mut Text<'_>, words: Words<'_>, kind: Kind) {
    text.str(match kind {
        Kind::Semaphores => "{sem_perm={uid=",
        Kind::Memory => "{shm_perm={uid=",
        Kind::Messages => "{msg_perm={uid=",
    });
    text.dec(words.u32(4).into());
    text.str(", gid=");
    text.dec(words.u32(8).into());
    text.str(", mode=");
    text.mode(words.u32(20).into());
}

fn set(text: &mut Text<'_>, words: Words<'_>, kind: Kind) {
    owner(text, words, kind);
    text.byte(b'}');
    if kind == Kind::Messages {
        field(text, ", msg_qbytes=", words.i64(88));
    }
    text.byte(b'}');
}

/// `struct semid64_ds`, `shmid64_ds`, `msqid64_ds`.
fn stat(text: &mut Text<'_>, words: Words<'_>, kind: Kind) {
    owner(text, words, kind);
    field(text, ", key=", words.i32(0).into());
    field(text, ", cuid=", words.u32(12).into());
    field(text, ", cgid=", words.u32(16).into());
    let longs: &[(&str, usize)] = match kind {
        Kind::Semaphores => &[("}, sem_otime=", 48), (", sem_ctime=", 64), (", sem_nsems=", 80)],
        Kind::Memory => &[("}, shm_segsz=", 48)],
        Kind::Messages => &[
            ("}, msg_stime=", 48),
            (", msg_rtime=", 56),
            (", msg_ctime=", 64),
            (", msg_qnum=", 80),
            (", msg_qbytes=", 88),
        ],
    };
    for (name, at) in longs {
        field(text, name, words.i64(*at));
    }
    match kind {
        Kind::Semaphores => {}
        Kind::Memory => {
            field(text, ", shm_cpid=", words.i32(80).into());
            field(text, ", shm_lpid=", words.i32(84).into());
            for (name, at) in [
                (", shm_nattch=", 88),
                (", shm_atime=", 56),
                (", shm_dtime=", 64),
                (", shm_ctime=", 72),
            ] {
                field(text, name, words.i64(at));
            }
        }
        Kind::Messages => {
            field(text, ", msg_lspid=", words.i32(96).into());
            field(text, ", msg_lrpid=", words.i32(100).into());
        }
    }
    text.byte(b'}');
}
