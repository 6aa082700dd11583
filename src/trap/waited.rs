//! A clone with CLONE_VFORK but without CLONE_VM, beside hook libraries.
//!
//! The kernel would keep the parent inside of the call until the child has ended or
//! executed a program. But there the guests' libc is in the middle of its fork, with
//! its locks taken (`guest::threads::before_fork`), and hooks in other threads would
//! wait for these. So the kernel makes a plain child, the guests' fork ends, and then
//! we wait: for a word that both processes have, which the child changes before it
//! executes or ends, and now and then we look whether it has been killed.

#![allow(unsafe_code, reason = "memory that two processes share")]

use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use crate::abi::errno::Errno;
use crate::guest::space;
use crate::kernel::{self, futex};
use crate::trap::area::ThreadArea;

const CLONE_VM: u64 = libc::CLONE_VM as u64;
const CLONE_VFORK: u64 = libc::CLONE_VFORK as u64;

/// How often a parent looks whether its child has been killed, in milliseconds.
const OFTEN: u64 = 10;
const PAGE: usize = 4096;

/// In a child whose parent waits: the word.
static OURS: AtomicPtr<AtomicU64> = AtomicPtr::new(core::ptr::null_mut());

/// The word's values.
const HERE: u64 = 0;
const LEFT: u64 = 1;

/// What a clone under way has of it; zero bytes for the others.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Waited {
    /// The word's address; 0 if nobody is waited for.
    word: u64,
    /// The first argument, as the hooks and the application have it.
    argument: u64,
}

impl Waited {
    const NONE: Waited = Waited { word: 0, argument: 0 };
}

/// The flags that the kernel is to get in place of these, and gets.
pub(super) fn begin(area: &mut ThreadArea, flags: u64) -> Result<u64, Errno> {
    area.waited = Waited::NONE;
    if flags & (CLONE_VM | CLONE_VFORK) != CLONE_VFORK || !area.guest.has_block() {
        return Ok(flags);
    }
    let [argument, size, ..] = area.call.args;
    let flags = flags & !CLONE_VFORK;
    let new = if i64::from(area.call.number as u32) == libc::SYS_clone3 {
        let mut copy = [0; 16];
        let Some(place) = copy.get_mut(..size as usize / 8).filter(|_| size.is_multiple_of(8)) else {
            // A kernel that knows more than we do: it keeps us, as natively.
            return Ok(flags | CLONE_VFORK);
        };
        for (index, word) in place.iter_mut().enumerate() {
            *word = kernel::copy_in_u64(argument + index as u64 * 8)?;
        }
        copy[0] &= !CLONE_VFORK;
        area.scratch = copy;
        &raw const area.scratch as u64
    } else {
        argument & !CLONE_VFORK
    };
    let word = kernel::map_for_children(space::reserve(PAGE as u64, false), PAGE)?;
    area.waited = Waited { word, argument };
    area.call.args[0] = new;
    Ok(flags)
}

/// The parent is back, and the guests' fork has ended in it.
pub(super) fn parent(area: &mut ThreadArea, result: i64) {
    let Waited { word, argument } = core::mem::replace(&mut area.waited, Waited::NONE);
    if word == 0 {
        return;
    }
    area.call.args[0] = argument;
    // SAFETY: mapped in `begin`, until below.
    let shared = unsafe { &*(word as *const AtomicU64) };
    while result > 0 && shared.load(Ordering::Acquire) == HERE && !kernel::is_dead(result as u32) {
        futex::wait(shared, HERE, OFTEN);
    }
    // SAFETY: this process has no other use for it.
    unsafe { kernel::unmap(word, PAGE) };
}

/// The child of a fork begins: somebody waits for it, or nobody does.
pub(super) fn child(area: &mut ThreadArea) {
    let Waited { word, argument } = core::mem::replace(&mut area.waited, Waited::NONE);
    if word != 0 {
        area.call.args[0] = argument;
    }
    let before = OURS.swap(word as *mut AtomicU64, Ordering::Relaxed);
    if !before.is_null() {
        // SAFETY: the parent's own parent waits for that one, not for this child.
        unsafe { kernel::unmap(before as u64, PAGE) };
    }
}

fn say(value: u64) {
    // SAFETY: mapped by the parent, and in this process for good.
    if let Some(word) = unsafe { OURS.load(Ordering::Relaxed).as_ref() } {
        word.store(value, Ordering::Release);
        futex::wake(word);
    }
}

/// The process is about to end: who waits for that goes on.
pub(crate) fn ending() {
    say(LEFT);
}

/// Lets the process execute a program, if it is one of its own threads that does (and no
/// vfork child). `run` comes back if that fails.
pub(crate) fn leaving<R>(ours: bool, run: impl FnOnce() -> R) -> R {
    if ours {
        say(LEFT);
    }
    let failed = run();
    if ours {
        say(HERE);
    }
    failed
}
