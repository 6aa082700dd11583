//! The object executed as a program, which starts another one:
//! `libusertrap.so [NAME=value…] -- path argv0 args…`. The settings before the
//! `--` are not in the program's environment; the `usertrap` command makes use
//! of it.

#![allow(unsafe_code, reason = "walks the arguments")]

use core::ffi::{CStr, c_char};
use core::fmt;

use super::config::Level;
use super::process::Process;
use crate::abi::errno::Errno;
use crate::arm::sud;
use crate::exec::Request;
use crate::exec::launch;
use crate::exec::message::ARM;
use crate::image::Start;
use crate::kernel;
use crate::kernel::log;
use crate::kernel::process::execveat;
use crate::tools;

/// The exit statuses of env(1), timeout(1) and their like.
const NOT_FOUND: i32 = 127;
const NOT_EXECUTABLE: i32 = 126;
const FAILED: i32 = 125;

/// The arguments, one by one.
fn arguments(process: &Process) -> impl Iterator<Item = &'static CStr> + Clone + use<> {
    let (count, array) = process.arguments();
    // SAFETY: the kernel's array of that many strings, there for good.
    (0..count).map(move |index| unsafe { CStr::from_ptr(*array.add(index)) })
}

/// The settings that were given as arguments.
fn given(process: &Process, start: Start) -> impl Iterator<Item = &'static CStr> + Clone + use<> {
    let count = match start {
        Start::Preloaded => 0,
        Start::Command => arguments(process)
            .skip(1)
            .take_while(|&argument| argument != c"--")
            .count(),
    };
    arguments(process).skip(1).take(count)
}

/// All settings: of the arguments, then of the environment. The first counts.
pub(crate) fn settings(process: &Process, start: Start) -> impl Iterator<Item = &'static [u8]> + Clone + use<> {
    given(process, start).map(CStr::to_bytes).chain(process.environment())
}

/// The value of the setting that begins with `prefix`, `NAME=`.
pub(crate) fn variable(process: &Process, start: Start, prefix: &[u8]) -> Option<&'static CStr> {
    let mut settings = given(process, start).filter(|setting| setting.to_bytes().starts_with(prefix));
    let given = settings.next().map(|setting| {
        // SAFETY: the rest of a C string is one.
        unsafe { CStr::from_ptr(setting.as_ptr().add(prefix.len())) }
    });
    given.or_else(|| process.variable(prefix))
}

/// Where the program's path stands among the arguments.
fn program(process: &Process) -> (*const *const c_char, Request) {
    let before = arguments(process).take_while(|&argument| argument != c"--").count();
    let (count, array) = process.arguments();
    if before + 2 >= count {
        log::line(
            Level::Error,
            format_args!("usage: libusertrap.so [NAME=value...] -- path argv0 [arguments...]"),
        );
        kernel::exit_group(FAILED);
    }
    // SAFETY: within the array, as was just seen; a null ends it.
    let (path, argv) = unsafe { (array.add(before + 1), array.add(before + 2)) };
    let request = Request {
        directory: libc::AT_FDCWD,
        // SAFETY: a string of the array.
        path: unsafe { *path } as u64,
        argv: argv as u64,
        envp: process.environment_array() as u64,
        flags: 0,
    };
    (path, request)
}

/// Starts the program, interposed.
pub(crate) fn run(process: &Process) -> ! {
    let (path, request) = program(process);
    let free = sud::is_chosen() && tools::policy::for_kernel().is_none();
    let errno = launch::first(&request, ARM, free);
    cannot(path, errno)
}

/// Starts the program without us, as the preloaded object lets it run.
pub(crate) fn run_natively(process: &Process, start: Start) -> bool {
    if start == Start::Preloaded {
        return false;
    }
    let (path, request) = program(process);
    cannot(path, natively(&request))
}

/// The object was executed by a program of a tree: the core that is up starts
/// the program like any other.
///
/// # Safety
/// `stack` is the process's initial one.
pub(crate) unsafe fn run_inside(stack: *const usize) -> ! {
    // SAFETY: by the contract.
    let process = unsafe { Process::at(stack) };
    let (path, request) = program(&process);
    cannot(path, natively(&request))
}

fn natively(request: &Request) -> Errno {
    // SAFETY: nothing else runs in this process.
    let result = unsafe { execveat(request.directory, request.path, request.argv, request.envp, 0) };
    result.err().unwrap_or(Errno::ENOEXEC)
}

fn cannot(path: *const *const c_char, errno: Errno) -> ! {
    // SAFETY: a string of the arguments.
    let path = unsafe { CStr::from_ptr(*path) };
    log::configure(Level::Error);
    log::line(
        Level::Error,
        format_args!("cannot run {}: {}", path.to_bytes().escape_ascii(), Text(errno)),
    );
    kernel::exit_group(match errno {
        Errno::ENOENT => NOT_FOUND,
        _ => NOT_EXECUTABLE,
    });
}

/// The text of the errors that are met most.
struct Text(Errno);

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Errno::ENOENT => "No such file or directory",
            Errno::EACCES => "Permission denied",
            Errno::ENOEXEC => "Exec format error",
            Errno::ENOTDIR => "Not a directory",
            Errno::E2BIG => "Argument list too long",
            errno => return write!(f, "errno {}", errno.number()),
        })
    }
}
