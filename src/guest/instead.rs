//! Functions that hooks get in libc's place, since the guests' program has symbols of
//! these names: what they do is the application's process's, not theirs.

#![allow(unsafe_code, reason = "called by guests with their pointers")]

use core::arch::naked_asm;
use core::ffi::{c_int, c_void};

use crate::abi::errno::Errno;
use crate::guest::program::{self, functions};
use crate::guest::{calls, helpers, hook, threads};
use crate::kernel;
use crate::kernel::log;
use crate::kernel::process::die_of;
use crate::setup::config::Level;

/// `sizeof(sigset_t)` in libc.
const SIGSET: usize = 128;
/// `SIG_ERR`.
const SIG_ERR: usize = usize::MAX;

/// Names and functions.
pub(super) const FUNCTIONS: [(&[u8], *const ()); 21] = [
    (b"syscall", syscall as *const ()),
    (b"pthread_create", helpers::pthread_create as *const ()),
    (b"pthread_exit", thread_end as *const ()),
    (b"exit", end as *const ()),
    (b"quick_exit", end as *const ()),
    (b"_exit", end as *const ()),
    (b"_Exit", end as *const ()),
    (b"sigaction", sigaction as *const ()),
    (b"signal", signal as *const ()),
    (b"sigaltstack", sigaltstack as *const ()),
    (b"sigprocmask", mask as *const ()),
    (b"pthread_sigmask", mask as *const ()),
    (b"setuid", ids as *const ()),
    (b"setgid", ids as *const ()),
    (b"seteuid", ids as *const ()),
    (b"setegid", ids as *const ()),
    (b"setreuid", ids as *const ()),
    (b"setregid", ids as *const ()),
    (b"setresuid", ids as *const ()),
    (b"setresgid", ids as *const ()),
    (b"setgroups", ids as *const ()),
];

/// A hook that calls exit ends the process.
unsafe extern "C" fn end(status: c_int) -> ! {
    // SAFETY: libc's own function; null means all streams.
    unsafe { (functions().fflush)(core::ptr::null_mut()) };
    say_exit(status);
    kernel::exit_group(status);
}

/// pthread_exit: goes on to libc's as if that had been called. Unwinders would not find
/// their way through a frame of ours.
#[unsafe(naked)]
unsafe extern "C" fn thread_end() {
    naked_asm!(
        ".cfi_startproc",
        "push rdi",
        ".cfi_adjust_cfa_offset 8",
        "call {ending}",
        "pop rdi",
        ".cfi_adjust_cfa_offset -8",
        "jmp rax",
        ".cfi_endproc",
        ending = sym ending,
    )
}

/// A thread of a hook's may end so, one of the application's may not.
extern "C" fn ending() -> *const () {
    if let (false, Some(function)) = (threads::is_applications(), program::PTHREAD_EXIT.get()) {
        return function;
    }
    log::line(
        Level::Error,
        format_args!(
            "the hook {} tried to end the thread, which hooks cannot; it aborts",
            hook::running()
        ),
    );
    die_of(libc::SIGABRT);
}

/// Says that a hook ends the process.
pub(super) fn say_exit(status: c_int) {
    log::line(
        Level::Warn,
        format_args!("the hook {} ends the process with status {status}", hook::running()),
    );
}

fn fail(errno: Errno) -> c_int {
    // SAFETY: libc's own.
    unsafe { (functions().errno_location)().write(errno.number()) };
    -1
}

fn refuse() -> c_int {
    fail(Errno::EPERM)
}

type Syscall = unsafe extern "C" fn(i64, u64, u64, u64, u64, u64, u64) -> i64;

/// libc's function, whose number is in no instruction.
fn behind_syscall() -> Option<Syscall> {
    // SAFETY: it is of that type: the psABI has no other place for a variable argument.
    program::SYSCALL
        .get()
        .map(|function| unsafe { core::mem::transmute::<*const (), Syscall>(function) })
}

/// What [`INTERCEPTED`](calls::INTERCEPTED) calls come to where they are made by number. A
/// thread of the application's must not end unseen, either.
unsafe extern "C" fn syscall(number: i64, a: u64, b: u64, c: u64, d: u64, e: u64, f: u64) -> i64 {
    let number = match i64::from(number as u32) {
        libc::SYS_exit if threads::is_applications() => libc::SYS_exit_group,
        number => number,
    };
    let served = calls::served(number, [a, b, c, d, e, f]);
    match (served, behind_syscall()) {
        (Some(result), _) => Errno::from_result(result).map_or(result, |errno| fail(errno).into()),
        // SAFETY: the hook's own call.
        (None, Some(call)) => unsafe { call(number, a, b, c, d, e, f) },
        (None, None) => fail(Errno::ENOSYS).into(),
    }
}

/// A call as the kernel makes it, with errno untouched: from libc's code, where the kernel knows
/// it to be a guest's.
pub(super) fn call(number: i64, [a, b, c, d, e, f]: [u64; 6]) -> i64 {
    let Some(call) = behind_syscall() else {
        return Errno::ENOSYS.to_result();
    };
    // SAFETY: libc's own place, and the hook's own call.
    unsafe {
        let errno = (functions().errno_location)();
        let before = errno.read();
        let result = call(number, a, b, c, d, e, f);
        let failed = core::mem::replace(&mut *errno, before);
        if result == -1 { -i64::from(failed) } else { result }
    }
}

unsafe extern "C" fn sigaction(_: c_int, new: *const c_void, old: *mut c_void) -> c_int {
    if !new.is_null() {
        return refuse();
    }
    zero(old, size_of::<libc::sigaction>())
}

unsafe extern "C" fn signal(_: c_int, _: usize) -> usize {
    refuse();
    SIG_ERR
}

unsafe extern "C" fn sigaltstack(_: *const c_void, _: *mut c_void) -> c_int {
    refuse()
}

/// libc would have all its threads change theirs, by a signal, and there are blocks of
/// the application's threads among them.
unsafe extern "C" fn ids() -> c_int {
    refuse()
}

/// Nothing to do: all signals wait until the hook returns.
unsafe extern "C" fn mask(_: c_int, _: *const c_void, old: *mut c_void) -> c_int {
    zero(old, SIGSET)
}

fn zero(at: *mut c_void, len: usize) -> c_int {
    if !at.is_null() {
        // SAFETY: the hook's own pointer, where it wants an answer.
        unsafe { core::ptr::write_bytes(at.cast::<u8>(), 0, len) };
    }
    0
}
