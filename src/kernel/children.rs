//! System calls of a process that looks after others.

#![allow(unsafe_code, reason = "system calls act on raw memory")]

use crate::abi::errno::Errno;
use crate::abi::sigaction::SIGSET_SIZE;
use crate::abi::sigframe::SigInfo;
use crate::kernel::{checked, syscall};

/// fork(2): the child's number, or 0 in the child.
///
/// # Safety
/// There must be no other thread, and the child must get along with a copy of
/// all memory.
pub(crate) unsafe fn fork() -> Result<u32, Errno> {
    // SAFETY: by the contract.
    checked(unsafe { syscall!(SYS_fork) }).map(|pid| pid as u32)
}

/// The same, of whose end the parent is not told by a signal.
///
/// # Safety
/// As [`fork`].
pub(crate) unsafe fn fork_silently() -> Result<u32, Errno> {
    // SAFETY: by the contract.
    checked(unsafe { syscall!(SYS_clone, 0, 0, 0, 0, 0) }).map(|pid| pid as u32)
}

/// wait4(2) for the end of a child that was made like that.
pub(crate) fn wait_for(child: u32) {
    // SAFETY: no status is asked for.
    while checked(unsafe { syscall!(SYS_wait4, child, 0, libc::__WALL, 0) }) == Err(Errno::EINTR) {}
}

/// The same: the status with which it has ended.
pub(crate) fn end_of(child: u32) -> i32 {
    let mut status = 0i32;
    // SAFETY: a live place for the status.
    while checked(unsafe { syscall!(SYS_wait4, child, &raw mut status, libc::__WALL, 0) }) == Err(Errno::EINTR) {}
    status
}

/// wait4(2) without waiting: the status of a child that has ended or stopped.
pub(crate) fn status_of(child: u32) -> Option<i32> {
    let mut status = 0i32;
    let options = libc::WNOHANG | libc::WUNTRACED;
    // SAFETY: a live place for the status.
    let result = checked(unsafe { syscall!(SYS_wait4, child, &raw mut status, options, 0) });
    (result == Ok(child.into())).then_some(status)
}

/// rt_sigtimedwait(2) for any blocked signal, for as long if that is said.
pub(crate) fn next_signal(milliseconds: Option<u64>) -> Option<SigInfo> {
    let all = !0u64;
    let time = milliseconds.map(|milliseconds| [milliseconds / 1000, milliseconds % 1000 * 1_000_000]);
    let time = time.as_ref().map_or(core::ptr::null(), |time| time.as_ptr());
    let mut info = SigInfo::new(0, 0, 0);
    // SAFETY: live places for the set, the siginfo and the time.
    let result = checked(unsafe { syscall!(SYS_rt_sigtimedwait, &raw const all, &raw mut info, time, SIGSET_SIZE) });
    result.is_ok().then_some(info)
}

/// Takes those of these signals that are pending, and blocked; each once.
pub(crate) fn take_signals(mut set: u64) {
    while set != 0 {
        // SAFETY: live places for the set and the time; the siginfo is not asked for.
        let result = unsafe { syscall!(SYS_rt_sigtimedwait, &raw const set, 0, [0u64; 2].as_ptr(), SIGSET_SIZE) };
        match checked(result) {
            Ok(signal) => set &= !(1 << (signal - 1)),
            Err(_) => return,
        }
    }
}

/// kill(2).
pub(crate) fn kill(pid: u32, signal: i32) {
    // SAFETY: takes no pointers.
    unsafe { syscall!(SYS_kill, pid, signal) };
}

/// fcntl(2) F_OFD_SETLK: locks the file (F_RDLCK, F_WRLCK) for the open file
/// description of `fd`.
///
/// # Errors
/// EAGAIN if another open file description has it.
pub(crate) fn lock(fd: i32, kind: i32) -> Result<(), Errno> {
    // SAFETY: all-zero is a valid `flock`: from the start, to the end.
    let mut lock: libc::flock = unsafe { core::mem::zeroed() };
    lock.l_type = kind as i16;
    // SAFETY: a live structure of the kernel's layout.
    checked(unsafe { syscall!(SYS_fcntl, fd, libc::F_OFD_SETLK, &raw const lock) }).map(drop)
}

/// close_range(2).
///
/// # Safety
/// None of these may be in use any more.
pub(crate) unsafe fn close_range(first: i32, last: i32) {
    if first <= last {
        // SAFETY: by the contract.
        unsafe { syscall!(SYS_close_range, first, last, 0) };
    }
}
