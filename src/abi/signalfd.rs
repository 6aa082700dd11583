//! What a signalfd gives to read: `struct signalfd_siginfo` of
//! `linux/signalfd.h`, filled as `signalfd_copyinfo` of `fs/signalfd.c` does.

use crate::abi::sigframe::SigInfo;

/// `struct signalfd_siginfo`, as words of four bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct Record([u32; 32]);

// Places of words.
const SIGNO: usize = 0;
const ERRNO: usize = 1;
const CODE: usize = 2;
const PID: usize = 3;
const UID: usize = 4;
const FD: usize = 5;
const TID: usize = 6;
const BAND: usize = 7;
const OVERRUN: usize = 8;
const INT: usize = 11;
const PTR: usize = 12;
const ADDR: usize = 18;
const SYSCALL: usize = 21;
const CALL_ADDR: usize = 22;
const ARCH: usize = 24;

const SI_TIMER: i32 = -2;
const SI_SIGIO: i32 = -5;
/// `NSIGPOLL`: codes of signals that have none of their own.
const NSIGPOLL: i32 = 6;

impl Record {
    /// Bytes of one.
    pub const SIZE: u64 = 128;

    /// The signal's number.
    pub const fn signal(&self) -> i32 {
        self.0[SIGNO] as i32
    }

    /// Sender and user as one word, as they lie in a siginfo.
    pub const fn sender(&self) -> u64 {
        self.0[PID] as u64 | (self.0[UID] as u64) << 32
    }

    /// What there is to read of a SIGSYS or SIGILL.
    pub const fn of(info: &SigInfo) -> Record {
        let mut words = [0; 32];
        let (low, high) = (info.address as u32, (info.address >> 32) as u32);
        let value = (info.syscall as u32, info.arch);
        words[SIGNO] = info.signo as u32;
        words[ERRNO] = info.errno as u32;
        words[CODE] = info.code as u32;
        // `siginfo_layout` of `kernel/signal.c`: NSIGSYS, NSIGILL.
        let last = if info.signo == libc::SIGSYS { 2 } else { 11 };
        let code = info.code;
        match code {
            _ if code > 0 && code <= last && info.signo == libc::SIGSYS => {
                (words[CALL_ADDR], words[CALL_ADDR + 1]) = (low, high);
                (words[SYSCALL], words[ARCH]) = value;
            }
            _ if code > 0 && code <= last => (words[ADDR], words[ADDR + 1]) = (low, high),
            1..=NSIGPOLL | SI_SIGIO => (words[BAND], words[FD]) = (low, value.0),
            SI_TIMER => {
                (words[TID], words[OVERRUN]) = (low, high);
                (words[INT], words[PTR], words[PTR + 1]) = (value.0, value.0, value.1);
            }
            _ if code < 0 => {
                (words[PID], words[UID]) = (low, high);
                (words[INT], words[PTR], words[PTR + 1]) = (value.0, value.0, value.1);
            }
            _ => (words[PID], words[UID]) = (low, high),
        }
        Record(words)
    }
}

const _: () = {
    use core::mem::{offset_of, size_of};
    assert!(size_of::<Record>() as u64 == Record::SIZE);
    assert!(size_of::<libc::signalfd_siginfo>() as u64 == Record::SIZE);
    assert!(offset_of!(libc::signalfd_siginfo, ssi_signo) == 4 * SIGNO);
    assert!(offset_of!(libc::signalfd_siginfo, ssi_errno) == 4 * ERRNO);
    assert!(offset_of!(libc::signalfd_siginfo, ssi_code) == 4 * CODE);
    assert!(offset_of!(libc::signalfd_siginfo, ssi_pid) == 4 * PID);
    assert!(offset_of!(libc::signalfd_siginfo, ssi_uid) == 4 * UID);
    assert!(offset_of!(libc::signalfd_siginfo, ssi_fd) == 4 * FD);
    assert!(offset_of!(libc::signalfd_siginfo, ssi_tid) == 4 * TID);
    assert!(offset_of!(libc::signalfd_siginfo, ssi_band) == 4 * BAND);
    assert!(offset_of!(libc::signalfd_siginfo, ssi_overrun) == 4 * OVERRUN);
    assert!(offset_of!(libc::signalfd_siginfo, ssi_int) == 4 * INT);
    assert!(offset_of!(libc::signalfd_siginfo, ssi_ptr) == 4 * PTR);
    assert!(offset_of!(libc::signalfd_siginfo, ssi_addr) == 4 * ADDR);
    assert!(offset_of!(libc::signalfd_siginfo, ssi_syscall) == 4 * SYSCALL);
    assert!(offset_of!(libc::signalfd_siginfo, ssi_call_addr) == 4 * CALL_ADDR);
    assert!(offset_of!(libc::signalfd_siginfo, ssi_arch) == 4 * ARCH);
};
