//! One-line messages to the standard error that the process started with.

use core::fmt::{self, Write};
use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use crate::kernel;
use crate::setup::config::Level;

static LEVEL: AtomicU8 = AtomicU8::new(Level::Warn as u8);
/// Device and inode of descriptor 2 at the start: when the application has put
/// another file there, messages are dropped and do not land in that file.
#[unsafe(link_section = ".data")]
static STDERR: [AtomicU64; 2] = [AtomicU64::new(0), AtomicU64::new(0)];

/// Sets the level, and remembers what standard error is.
pub(crate) fn configure(level: Level) {
    LEVEL.store(level as u8, Ordering::Relaxed);
    attach();
}

/// Remembers what standard error is: at the start of each image.
pub(crate) fn attach() {
    if let Ok((device, inode)) = kernel::file_identity(2) {
        STDERR[0].store(device, Ordering::Relaxed);
        STDERR[1].store(inode, Ordering::Relaxed);
    }
}

/// A line that is cut, not refused, at its end.
struct Line {
    bytes: [u8; 512],
    len: usize,
}

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            // The last byte is for the newline.
            if let Some(place) = self.bytes.get_mut(self.len).filter(|_| self.len < 511) {
                *place = byte;
                self.len += 1;
            }
        }
        Ok(())
    }
}

/// Writes `usertrap: message` if the level asks for it.
pub(crate) fn line(level: Level, message: fmt::Arguments<'_>) {
    if level as u8 > LEVEL.load(Ordering::Relaxed) {
        return;
    }
    let now = kernel::file_identity(2).ok();
    let start = (STDERR[0].load(Ordering::Relaxed), STDERR[1].load(Ordering::Relaxed));
    if now != Some(start) {
        return;
    }
    let mut line = Line {
        bytes: [0; 512],
        len: 0,
    };
    let _ = write!(line, "usertrap: {message}");
    if let Some(end) = line.bytes.get_mut(line.len) {
        *end = b'\n';
    }
    let _ = kernel::write_all(2, line.bytes.get(..line.len + 1).unwrap_or(&[]));
}

fn warn_once(said: &AtomicBool, message: &str) {
    if !said.swap(true, Ordering::Relaxed) {
        line(Level::Warn, format_args!("{message}"));
    }
}

/// The application tried to execute another program, and there is no tree file.
pub(crate) fn warn_once_exec() {
    static SAID: AtomicBool = AtomicBool::new(false);
    warn_once(
        &SAID,
        "execve and execveat are answered EPERM: new programs cannot be interposed here",
    );
}

/// A program is executed that is not interposed.
pub(crate) fn warn_native(what: &str) {
    line(
        Level::Warn,
        format_args!("{what} runs natively: its system calls are not seen"),
    );
}

/// A program may be executed, but not read.
pub(crate) fn warn_unreadable() {
    line(
        Level::Warn,
        format_args!("a program that may be executed but not read cannot be interposed: EACCES"),
    );
}

/// The application uses `int $0x80`.
pub(crate) fn warn_once_int80() {
    static SAID: AtomicBool = AtomicBool::new(false);
    warn_once(
        &SAID,
        "int $0x80 is answered ENOSYS: i386 calls of 64-bit code are not served",
    );
}

/// A hook, or the core, has faulted. `place` says more.
pub(crate) fn fault(hook: Option<&str>, signal: i32, rip: u64, address: u64, place: &str) {
    let (by, name) = match hook {
        Some(name) => ("hook ", name),
        None => ("in usertrap itself", ""),
    };
    let signal = match signal {
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGBUS => "SIGBUS",
        libc::SIGFPE => "SIGFPE",
        libc::SIGILL => "SIGILL",
        libc::SIGTRAP => "SIGTRAP",
        _ => "SIGSYS",
    };
    line(
        Level::Error,
        format_args!("{by}{name}: {signal} at pc {rip:#x} (address {address:#x}){place}"),
    );
}

/// An invariant is broken, or cannot be kept: says so and ends the process.
pub(crate) fn fatal(message: &str) -> ! {
    line(Level::Error, format_args!("{message}"));
    kernel::exit_group(125);
}
