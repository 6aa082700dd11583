//! The process that stays behind when the command starts a program, waits for
//! all that comes of it, writes the report, and ends as the program did.
//!
//! The tree file tells when the tree is gone. Its processes have it by one open
//! file description, which they keep open and mapped as long as they live, and
//! which holds a lock on it. We have it by another one: when we get the lock,
//! nobody has the first any more. That needs no descriptor but those that are
//! there, finds processes whoever their parent is by now, and asks nothing of
//! them.

#![allow(unsafe_code, reason = "forks")]

use core::fmt::Write;

use super::follow::{self, Follower, Looks};
use crate::abi::errno::Errno;
use crate::abi::sigaction::{KernelSigaction, SIG_IGN};
use crate::image::tree as tree_file;
use crate::kernel::{self, children, log, process};
use crate::ledger;
use crate::setup::config::Level;
use crate::trap::descriptors::{self, Kept};
use crate::trap::tree;

/// Between two looks at a tree whose first process has ended.
const MOST_MILLISECONDS: u64 = 20;

/// What the supervisor has of the tree file.
pub(crate) struct Watch {
    /// Of another open file description than the tree's, if `locked`.
    fd: i32,
    locked: bool,
}

/// Takes the tree file a second time. Without /proc it is the same open file
/// description.
pub(crate) fn watch() -> Result<Watch, Errno> {
    let tree = descriptors::PROCESS.get(Kept::Tree);
    let mut path = Path::new();
    let _ = write!(path, "/proc/self/fd/{tree}");
    let own = path.as_c_str().ok_or(Errno::EINVAL);
    // To read: a file that somebody may write is not executed (ETXTBSY).
    let own = own.and_then(|path| kernel::open(path, libc::O_RDONLY, 0));
    if let Ok(fd) = own
        && children::lock(tree, libc::F_WRLCK).is_ok()
    {
        return Ok(Watch { fd, locked: true });
    }
    let fd = kernel::fcntl(tree, libc::F_DUPFD_CLOEXEC, 3)? as i32;
    Ok(Watch { fd, locked: false })
}

/// Splits the process in two. It returns in the child, which is to become the
/// program; or if there can be no child.
pub(crate) fn split(mut watch: Watch) {
    let Some(ledger) = ledger::ledger() else {
        kernel::close(watch.fd);
        return;
    };
    ledger.supervise();
    let follower = Follower::new();
    if let Some(follower) = &follower {
        follower.begin(kernel::getpid());
    }
    // A child that ends must not vanish because SIGCHLD is ignored here.
    let mask = kernel::set_mask(!0);
    // SAFETY: no handler is set.
    let before = unsafe { kernel::sigaction(libc::SIGCHLD, Some(&KernelSigaction::default())) };
    // SAFETY: the only thread; nothing of its memory depends on the process.
    match unsafe { children::fork() } {
        Ok(0) => {
            kernel::close(watch.fd);
            kernel::close(descriptors::PROCESS.get(Kept::Report));
            descriptors::inherit(Kept::Report, -1);
            if let Ok(before) = before
                && before.handler == SIG_IGN
            {
                // SAFETY: as it was.
                let _ = unsafe { kernel::sigaction(libc::SIGCHLD, Some(&before)) };
            }
            kernel::set_mask(mask);
        }
        Ok(child) => supervise(&mut watch, child, follower),
        Err(errno) => {
            log::line(
                Level::Error,
                format_args!("no process can be made (errno {})", errno.number()),
            );
            kernel::exit_group(125);
        }
    }
}

fn supervise(watch: &mut Watch, child: u32, mut follower: Option<Follower>) -> ! {
    if follower.is_some() {
        // It writes to what is mapped, and so keeps it.
        watch.locked = false;
    } else if watch.locked && ledger::reread(watch.fd, tree_file::image_end()).is_err() {
        // What is mapped keeps the open file description.
        watch.locked = false;
    }
    close_all_but([2, watch.fd, descriptors::PROCESS.get(Kept::Report)]);
    let status = end_of(child, &mut follower);
    let gone = wait_for_others(watch, &mut follower);
    match &follower {
        Some(follower) => follower.finish(Some((child, status))),
        None => tree::report_all(gone),
    }
    match status & 0x7f {
        0 => kernel::exit_group(status >> 8 & 0xff),
        signal => {
            // Its core is there already, if it is to be.
            // SAFETY: takes no pointer.
            let _ = unsafe { kernel::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) };
            process::die_of(signal)
        }
    }
}

/// Waits for the program, and hands over the signals that we get for it.
fn end_of(child: u32, follower: &mut Option<Follower>) -> i32 {
    loop {
        // Taken first: the child may have ended before its SIGCHLD was blocked.
        if let Some(status) = children::status_of(child) {
            if !libc::WIFSTOPPED(status) {
                return status;
            }
            // So that the shell sees it; SIGCONT, of the shell, lets us go on.
            // Who stops the program alone continues it alone, too.
            if matches!(libc::WSTOPSIG(status), libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU) {
                children::kill(kernel::getpid(), libc::SIGSTOP);
            }
        }
        let info = match follower {
            None => children::next_signal(None),
            Some(follower) => children::next_signal(Some(0)).or_else(|| {
                follower.round();
                None
            }),
        };
        let Some(info) = info else { continue };
        // Those that the kernel sends, of a terminal, go to the program too.
        if info.code <= 0 && info.signo != libc::SIGCHLD {
            children::kill(child, info.signo);
        }
    }
}

/// Waits for all other processes of the tree, unless we are told not to. Returns
/// whether it is certain that they are gone.
fn wait_for_others(watch: &Watch, follower: &mut Option<Follower>) -> bool {
    let mut milliseconds = 0;
    let mut looks = Looks::default();
    loop {
        // The kernel knows of every process that has the lock: then one look will do.
        if looks.add(|| is_gone(watch)) || watch.locked && looks.seem_gone() {
            return watch.locked;
        }
        if let Some(follower) = follower {
            follower.round();
        }
        let info = children::next_signal(Some(milliseconds));
        if info.is_some_and(|info| matches!(info.signo, libc::SIGINT | libc::SIGTERM | libc::SIGHUP | libc::SIGQUIT)) {
            return false;
        }
        milliseconds = (2 * milliseconds + 1).min(MOST_MILLISECONDS);
    }
}

fn is_gone(watch: &Watch) -> bool {
    if watch.locked {
        return children::lock(watch.fd, libc::F_RDLCK).is_ok();
    }
    ledger::ledger().is_none_or(follow::is_gone)
}

/// Pipes of the program must not stay open because of us.
pub(super) fn close_all_but(mut kept: [i32; 3]) {
    kept.sort_unstable();
    let mut next = 0;
    for fd in kept {
        // SAFETY: only these are used from here on.
        unsafe { children::close_range(next, fd - 1) };
        next = next.max(fd + 1);
    }
    // SAFETY: as above.
    unsafe { children::close_range(next, i32::MAX) };
}

/// A short path.
struct Path {
    bytes: [u8; 32],
    len: usize,
}

impl Path {
    fn new() -> Path {
        Path { bytes: [0; 32], len: 0 }
    }

    fn as_c_str(&self) -> Option<&core::ffi::CStr> {
        core::ffi::CStr::from_bytes_until_nul(&self.bytes).ok()
    }
}

impl Write for Path {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        for byte in text.bytes() {
            *self.bytes.get_mut(self.len).ok_or(core::fmt::Error)? = byte;
            self.len += 1;
        }
        Ok(())
    }
}
