//! `stat --html`: the program runs in a child, whose report comes by a file in
//! memory; when the child has ended the page is written, and we end as it did.
//!
//! The child becomes the supervisor of the tree (`USERTRAP_SUPERVISE`), which
//! hands signals on to the program. We hand ours on to it, except those that
//! the kernel sends to all of a terminal's processes, and stop when it stops.
#![allow(unsafe_code, reason = "forks, and waits for signals")]

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::mem::{MaybeUninit, zeroed};
use std::os::fd::{AsRawFd, FromRawFd};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::cli::Start;
use crate::failure::{self, Failure};
use crate::page;

/// Runs the program and writes the page to `path`. It returns only if there is nothing to end like.
///
/// # Errors
/// If the page cannot be written, or no process be made.
pub(crate) fn page(start: &Start, path: &Path, environment: &[std::ffi::OsString]) -> Result<(), Failure> {
    let failure = |error| Failure::Page {
        path: path.to_owned(),
        error,
    };
    let mut file = File::create(path).map_err(failure)?;
    let mut memory = memory_file().map_err(failure)?;
    // Not a descriptor of the program's, which would see it: the library opens it by our number.
    let report = PathBuf::from(format!("/proc/{}/fd/{}", std::process::id(), memory.as_raw_fd()));
    let made = SystemTime::now();
    let end = in_a_child(|| {
        let Err(failure) = crate::begin(start, Some(&report), environment);
        crate::failed(&failure)
    })
    .map_err(failure)?;
    let mut text = Vec::new();
    memory
        .rewind()
        .and_then(|()| memory.read_to_end(&mut text))
        .map_err(failure)?;
    if !text.is_empty() {
        let page = page::page(&text, start.words(), made).map_err(|error| failure(error.into()))?;
        file.write_all(page.as_bytes()).map_err(failure)?;
    } else if !(i32::from(failure::OURS)..=127).contains(&libc::WEXITSTATUS(end)) {
        // Else somebody has said already why nothing was run.
        let _ = writeln!(
            io::stderr(),
            "usertrap: there is no report, so {} is empty",
            path.display()
        );
    }
    end_like(end)
}

fn memory_file() -> io::Result<File> {
    // SAFETY: a terminated name; the descriptor is nobody else's.
    unsafe {
        match libc::memfd_create(c"usertrap-report".as_ptr(), libc::MFD_CLOEXEC) {
            -1 => Err(io::Error::last_os_error()),
            fd => Ok(File::from_raw_fd(fd)),
        }
    }
}

/// Does `job` in a child, and waits for its end: its status as waitpid has it.
fn in_a_child(job: impl FnOnce() -> u8) -> io::Result<i32> {
    // SAFETY: sets of signals are numbers; no handler is set; this process has one thread, and the child of a fork
    // goes on with a copy of all that is in it.
    unsafe {
        let (mut all, mut mask) = (zeroed(), zeroed());
        libc::sigfillset(&raw mut all);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const all, &raw mut mask);
        // A child that ends must not vanish because SIGCHLD is ignored here.
        let before = libc::signal(libc::SIGCHLD, libc::SIG_DFL);
        match libc::fork() {
            -1 => Err(io::Error::last_os_error()),
            0 => {
                libc::signal(libc::SIGCHLD, before);
                libc::sigprocmask(libc::SIG_SETMASK, &raw const mask, std::ptr::null_mut());
                libc::_exit(job().into())
            }
            child => Ok(end_of(child, &all)),
        }
    }
}

fn end_of(child: libc::pid_t, all: &libc::sigset_t) -> i32 {
    loop {
        let mut status = 0;
        // SAFETY: a place for a number.
        if unsafe { libc::waitpid(child, &raw mut status, libc::WUNTRACED | libc::WNOHANG) } == child {
            if !libc::WIFSTOPPED(status) {
                return status;
            }
            // So that the shell sees it; SIGCONT, of the shell, lets us go on.
            // SAFETY: takes numbers.
            unsafe { libc::raise(libc::SIGSTOP) };
        }
        let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
        // SAFETY: a set, and a place for what comes; zeros are a value too, if nothing does.
        let info = unsafe {
            libc::sigwaitinfo(all, info.as_mut_ptr());
            info.assume_init()
        };
        if info.si_code <= 0 && !matches!(info.si_signo, 0 | libc::SIGCHLD) {
            // SAFETY: takes numbers; the child was not waited for, so the number is its own.
            unsafe { libc::kill(child, info.si_signo) };
        }
    }
}

/// Ends this process as the child has ended.
fn end_like(status: i32) -> ! {
    if !libc::WIFSIGNALED(status) {
        std::process::exit(libc::WEXITSTATUS(status));
    }
    let signal = libc::WTERMSIG(status);
    // SAFETY: takes numbers and an empty set; no handler is set. A core, if there is to be one, is there already.
    unsafe {
        libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0);
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
        let mut none = zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
    }
    std::process::exit(128 + signal)
}
