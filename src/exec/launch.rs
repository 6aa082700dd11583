//! The last steps in the old image.

#![allow(unsafe_code, reason = "makes the execveat")]

use core::sync::atomic::Ordering;

use crate::abi::errno::Errno;
use crate::exec::Request;
use crate::exec::arguments::{Arguments, Leading, Small};
use crate::exec::message::{self, Message};
use crate::exec::open::Owned;
use crate::exec::resolve::{self, Program, Target};
use crate::kernel;
use crate::kernel::log;
use crate::kernel::process::{self, AT_EXECVE_CHECK, execveat};
use crate::rewrite::lock;
use crate::trap::area::{Action, Kind, ThreadArea};
use crate::trap::areas;
use crate::trap::descriptors::{self, Kept};
use crate::trap::mask::hold_all;
use crate::trap::{armed, dispatch, filters, ledger, pending, sigaction, signalfd, waited};

/// What goes over to the new image besides the program.
#[derive(Clone, Copy)]
struct State {
    mask: u64,
    blocked: u64,
    ignored: u64,
    /// Our descriptors; that of the report is −1 if it does not go over.
    tree: i32,
    report: i32,
    flags: u64,
    /// What goes on of the hook's words.
    block: u64,
    word: u64,
}

/// Serves execve and execveat. It returns only if there is no new image.
pub(crate) fn serve(area: &mut ThreadArea) -> Action {
    let request = Request::of(area);
    if request.flags & AT_EXECVE_CHECK != 0 {
        return dispatch::pass(area);
    }
    let Some(tree) = descriptors::tree(area) else {
        log::warn_once_exec();
        return dispatch::answer(area, Errno::EPERM.to_result());
    };
    // Signals from here on wait for the end, as in the kernel: an exec that gave
    // way to each of them would never come to its end under a fast timer.
    hold_all(area);
    if area.held_signal.is_some() {
        // Its handler runs first, as it would have: back to the site.
        area.call.return_address = area.call.return_address.wrapping_sub(2);
        return dispatch::answer(area, area.call.number as i64);
    }
    let mut leading = Leading::new();
    let errno = match resolve::resolve(&request, &mut leading, armed::ends_with_exec(area)) {
        Err(errno) => errno,
        Ok(program) => {
            if let Some(result) = filters::decide_on_exec(area) {
                return dispatch::answer(area, result);
            }
            pending::give_back(area);
            match program {
                Program::Native(what) => natively(area, &request, what),
                Program::Interposed(target) if descriptors::are_shared() => {
                    drop(target);
                    apart(area, &request, &mut leading, tree)
                }
                Program::Interposed(target) => interposed(area, &request, &leading, target, tree),
            }
        }
    };
    dispatch::answer(area, errno.to_result())
}

/// Starts the first program of a tree, from a process that is not armed. `free` as
/// for [`resolve`](resolve::resolve).
pub(crate) fn first(request: &Request, flags: u64, free: bool) -> Errno {
    let mut leading = Leading::new();
    let target = match resolve::resolve(request, &mut leading, free) {
        Ok(Program::Interposed(target)) => target,
        Ok(Program::Native(what)) => {
            log::warn_native(what);
            // SAFETY: nothing else runs in this process.
            let result = unsafe { execveat(request.directory, request.path, request.argv, request.envp, 0) };
            return result.err().unwrap_or(Errno::ENOEXEC);
        }
        Err(errno) => return errno,
    };
    let mask = kernel::mask();
    let state = State {
        mask,
        blocked: mask & sigaction::reserved(),
        ignored: sigaction::ignored_by_kernel(),
        tree: descriptors::PROCESS.get(Kept::Tree),
        report: descriptors::PROCESS.get(Kept::Report),
        flags,
        block: 0,
        word: 0,
    };
    let (mut small, mut leftovers) = (Small::new(), Leftovers::NONE);
    match prepare(request, &leading, &target, &state, &mut small, &mut leftovers) {
        Ok(arguments) => go(&arguments, &target, &state),
        Err(errno) => errno,
    }
}

/// Other processes may share our descriptors, and would keep the target's, so
/// these are opened once more, after the step that ends the sharing. The kernel
/// takes it during the exec; if that fails after all, it has been taken too
/// early.
fn apart(area: &mut ThreadArea, request: &Request, leading: &mut Leading, tree: i32) -> Errno {
    let threads = area.kind == Kind::Thread;
    if threads {
        lock::before_fork();
    }
    // Where an outer filter forbids it (containers' do), the others keep the
    // target's.
    if process::unshare_files().is_ok() {
        descriptors::own_table(area);
    }
    if threads {
        lock::after_fork();
    }
    leading.clear();
    match resolve::resolve(request, leading, armed::ends_with_exec(area)) {
        Err(errno) => errno,
        Ok(Program::Native(what)) => natively(area, request, what),
        Ok(Program::Interposed(target)) => interposed(area, request, leading, target, tree),
    }
}

fn interposed(area: &mut ThreadArea, request: &Request, leading: &Leading, target: Target, tree: i32) -> Errno {
    let table = area.dispositions.load(Ordering::Relaxed);
    let state = State {
        mask: area.saved_mask.load(Ordering::Relaxed),
        blocked: area.virtual_mask,
        // SAFETY: tables outlive the threads that use them.
        ignored: sigaction::ignored(unsafe { &*table }),
        tree,
        report: if area.kind == Kind::Thread {
            descriptors::numbers(area).get(Kept::Report)
        } else {
            -1
        },
        flags: if area.filtered.load(Ordering::Relaxed) {
            message::FILTERED
        } else {
            0
        } | if signalfd::is_watched() { message::WATCHED } else { 0 }
            | if area.backed.load(Ordering::Relaxed) {
                message::BACKED
            } else {
                0
            }
            | if filters::is_outer() { message::OUTER } else { 0 },
        block: if area.kind == Kind::Thread {
            area.block.into()
        } else {
            0
        },
        word: area.call.words.first().map_or(0, |word| word.load(Ordering::Relaxed)),
    };
    let mut small = Small::new();
    // A parent that waits for this child finds here what it leaves in their
    // memory, also if it is killed.
    let arguments = match prepare(request, leading, &target, &state, &mut small, &mut area.leftovers) {
        Ok(arguments) => arguments,
        Err(errno) => return errno,
    };
    // No other thread may fork, or move descriptors of ours, while the target's
    // survive an exec. A vfork child has descriptors of its own.
    let taken = (area.kind == Kind::Thread).then(lock::before_exec);
    ledger::before_exec(area);
    let ours = area.kind == Kind::Thread;
    let errno = waited::leaving(ours, || go(&arguments, &target, &state));
    ledger::after_failed_exec(area);
    if let Some(taken) = taken {
        lock::after_failed_exec(taken);
    }
    area.leftovers = Leftovers::NONE;
    arguments.scratch.unmap();
    errno
}

fn prepare<'m>(
    request: &Request,
    leading: &Leading,
    target: &Target,
    state: &State,
    small: &'m mut Small,
    leftovers: &mut Leftovers,
) -> Result<Arguments<'m>, Errno> {
    let message = Message {
        target: target.file.number(),
        interpreter: target.interpreter.as_ref().map_or(-1, Owned::number),
        tree: state.tree,
        report: state.report,
        mask: state.mask,
        blocked: state.blocked,
        ignored: state.ignored,
        flags: state.flags | target.flags,
        name: target.name,
        block: state.block,
        word: state.word,
    };
    Arguments::new(
        leading,
        request.argv,
        request.envp,
        &message.encode(),
        target.path,
        small,
        leftovers,
    )
}

/// Executes the tree file.
fn go(arguments: &Arguments, target: &Target, state: &State) -> Errno {
    let survive = |fd: i32, flag: u64| {
        if fd >= 0 {
            let _ = kernel::fcntl(fd, libc::F_SETFD, flag);
        }
    };
    let [file, interpreter] = target.descriptors();
    let all = [file, interpreter, state.tree, state.report];
    all.iter().for_each(|&fd| survive(fd, 0));
    let flags = libc::AT_EMPTY_PATH as u64;
    let before = kernel::set_mask(!0);
    // SAFETY: all signals are blocked, and what the new image needs is open.
    let result = unsafe { execveat(state.tree, c"".as_ptr() as u64, arguments.argv, arguments.envp, flags) };
    kernel::set_mask(before);
    all.iter().for_each(|&fd| survive(fd, libc::FD_CLOEXEC as u64));
    result.err().unwrap_or(Errno::ENOEXEC)
}

/// A program that is not interposed is executed as it would have been.
fn natively(area: &mut ThreadArea, request: &Request, what: &str) -> Errno {
    log::warn_native(what);
    let table = area.dispositions.load(Ordering::Relaxed);
    // SAFETY: tables outlive the threads that use them.
    let ignored = sigaction::ignored(unsafe { &*table });
    // Where others share the kernel's handlers, a trap of theirs would find
    // SIGSYS ignored, and be their end: the image then finds it not ignored.
    let apart = table == &raw mut area.own_dispositions || areas::is_alone();
    let ignored = if apart { ignored } else { 0 };
    sigaction::ignore(ignored, true);
    let before = kernel::set_mask(area.saved_mask.load(Ordering::Relaxed) | area.virtual_mask);
    ledger::before_native_exec(area);
    let ours = area.kind == Kind::Thread;
    // SAFETY: the application's own call.
    let result = waited::leaving(ours, || unsafe {
        execveat(
            request.directory,
            request.path,
            request.argv,
            request.envp,
            request.flags,
        )
    });
    ledger::after_failed_exec(area);
    kernel::set_mask(before);
    sigaction::ignore(ignored, false);
    result.err().unwrap_or(Errno::ENOEXEC)
}

/// What an exec leaves behind in memory that is shared with a parent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leftovers {
    pub(crate) address: u64,
    pub(crate) len: usize,
}

impl Leftovers {
    pub(crate) const NONE: Leftovers = Leftovers { address: 0, len: 0 };

    /// The parent of a vfork child is back: what the child has left is given
    /// back.
    pub(crate) fn take(&mut self) {
        let left = core::mem::replace(self, Leftovers::NONE);
        if left.len != 0 {
            // SAFETY: the child has a memory of its own now, or is gone.
            unsafe { kernel::unmap(left.address, left.len) };
        }
    }
}
