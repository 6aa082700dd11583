//! Signal masks: the reserved signals are taken out of every mask that reaches
//! the kernel, and the application reads back what it set (I4).

#![allow(unsafe_code, reason = "reads and writes masks that the kernel has just accessed")]

use core::sync::atomic::Ordering;

use crate::abi::sigaction::SIGSET_SIZE;
use crate::abi::sigframe::bit;
use crate::kernel;
use crate::trap::area::{Action, ThreadArea};
use crate::trap::dispatch::{self, Post};
use crate::trap::pending;
use crate::trap::sigaction::{self, FAULTS, reserved};

/// Blocks all signals until the end of the entry.
pub(crate) fn block_all(area: &ThreadArea) {
    save(area, kernel::set_mask(!0));
}

/// [`block_all`], but for faults: for the time before the last step, which must
/// not be interrupted.
pub(crate) fn hold_all(area: &ThreadArea) {
    save(area, kernel::block(!FAULTS));
}

fn save(area: &ThreadArea, old: u64) {
    area.reach.forget();
    // A signal that came in before the call has blocked and noted already.
    if area.held.load(Ordering::Relaxed) == 0 {
        area.saved_mask.store(old & !reserved(), Ordering::Relaxed);
        area.held.store(1, Ordering::Relaxed);
    }
}

/// The mask while all signals are held back: a fault comes through still, so that
/// it can be told, and so does a quiet signal that nobody catches, so that the kernel
/// can drop it. A fault signal that was sent waits in the kernel (`held::hold`).
pub(crate) fn all_but_faults(area: &ThreadArea, saved: u64) -> u64 {
    !((FAULTS | sigaction::quiet(area)) & !saved)
}

/// The mask under which our handler runs that has interrupted code under this one.
pub(crate) fn of_handler(area: &ThreadArea, interrupted: u64) -> u64 {
    !(sigaction::quiet(area) & !interrupted)
}

/// Lets faults come through where all signals have been blocked.
pub(crate) fn let_faults_in(area: &ThreadArea) {
    area.reach.forget();
    kernel::set_mask(all_but_faults(area, area.saved_mask.load(Ordering::Relaxed)));
}

/// The same for a thread that ends, and would take quiet ones that are caught with it.
pub(crate) fn let_only_faults_in(area: &ThreadArea) {
    area.reach.forget();
    kernel::set_mask(!(FAULTS & !area.saved_mask.load(Ordering::Relaxed)));
}

/// An rt_sigprocmask is made: notes which reserved signals it is about, if its old
/// set is written to the same place. Returns the result if it is not for the kernel.
pub(crate) fn about_to_change(area: &mut ThreadArea) -> Option<i64> {
    let [_, set, old, ..] = area.call.args;
    if let Some(result) = let_in_at_once(area) {
        return Some(result);
    }
    if overlap(set, old) {
        area.scratch[3] = kernel::copy_in_u64(set).unwrap_or(0);
    }
    area.reach.forget();
    area.post = Post::Mask;
    None
}

/// An rt_sigprocmask that lets in a reserved signal which waits: does what the kernel
/// would, with all blocked until the end of the entry. So that signal and the others
/// come in the kernel's order. Returns the result.
fn let_in_at_once(area: &mut ThreadArea) -> Option<i64> {
    let [how, set, old, size, ..] = area.call.args;
    let waiting = pending::set(area);
    if waiting == 0 || set == 0 || size != SIGSET_SIZE {
        return None;
    }
    let set = kernel::copy_in_u64(set).ok()?;
    let how = how as i32;
    let change = |before: u64| match how {
        libc::SIG_BLOCK => Some(before | set),
        libc::SIG_UNBLOCK => Some(before & !set),
        libc::SIG_SETMASK => Some(set),
        _ => None,
    };
    if waiting & !change(area.virtual_mask)? == 0 {
        return None;
    }
    block_all(area);
    let before = area.saved_mask.load(Ordering::Relaxed) | area.virtual_mask;
    let after = change(before)? & !(bit(libc::SIGKILL) | bit(libc::SIGSTOP));
    area.saved_mask.store(after & !reserved(), Ordering::Relaxed);
    area.set_virtual_mask(after);
    pending::poke_if_due(area);
    Some(match kernel::copy_out(old, &before.to_ne_bytes()) {
        Err(errno) if old != 0 => errno.to_result(),
        _ => 0,
    })
}

/// Whether two sets share a byte.
fn overlap(set: u64, old: u64) -> bool {
    set.abs_diff(old) < SIGSET_SIZE
}

/// The exit side of an rt_sigprocmask, which the kernel has carried out as it
/// was: also when it could not write the old set, and not when it could not read
/// the new one.
pub(crate) fn changed(area: &mut ThreadArea, written: bool) {
    let [how, set, old, ..] = area.call.args;
    let before = area.virtual_mask;
    if !written && set != 0 && kernel::copy_in_u64(set).is_err() {
        return;
    }
    let named = match () {
        () if set == 0 => 0,
        () if overlap(set, old) => area.scratch[3],
        // SAFETY: the kernel has just read it.
        () => unsafe { (set as *const u64).read_unaligned() },
    } & reserved();
    if set != 0 {
        area.set_virtual_mask(match how as i32 {
            libc::SIG_BLOCK => before | named,
            libc::SIG_UNBLOCK => before & !named,
            libc::SIG_SETMASK => named,
            _ => before,
        });
        if named != 0 && how as i32 != libc::SIG_UNBLOCK {
            unblock_reserved(area);
        }
        pending::poke_if_due(area);
    }
    if written && old != 0 && before != 0 {
        // SAFETY: the kernel has just written it.
        unsafe { (old as *mut u64).write_unaligned((old as *const u64).read_unaligned() | before) };
    }
}

fn unblock_reserved(area: &mut ThreadArea) {
    area.saved_mask.fetch_and(!reserved(), Ordering::Relaxed);
    if area.held.load(Ordering::Relaxed) == 0 {
        kernel::unblock(reserved());
    }
}

/// The exit side of a successful rt_sigpending: of a set of as many bytes as it
/// has asked for.
pub(crate) fn add_waiting(area: &ThreadArea) {
    let waiting = pending::set(area) & area.virtual_mask;
    let [pending, size, ..] = area.call.args;
    for (at, bits) in waiting.to_ne_bytes().into_iter().enumerate().take(size as usize) {
        if bits != 0 {
            // SAFETY: the kernel has just written it.
            unsafe { *(pending as *mut u8).add(at) |= bits };
        }
    }
}

/// How a wait under [`ThreadArea::wait_mask`] is made. If a signal waits that
/// the mask lets in, it is queued, and the kernel lets it in when it has set the
/// mask: until then all are blocked.
pub(crate) fn wait_action(area: &mut ThreadArea) -> Action {
    pending::close(area, area.wait_mask);
    if pending::set(area) & !area.wait_mask == 0 {
        return dispatch::pass(area);
    }
    block_all(area);
    if area.held_signal.is_some() {
        // Its handler comes before the wait.
        return dispatch::pass(area);
    }
    if area.stepping != 0 {
        // The step over the call would find SIGTRAP blocked.
        kernel::set_mask(!bit(libc::SIGTRAP));
    }
    pending::poke_self(area.wait_mask);
    Action::WaitBlocked
}

/// A call that waits with a mask: argument `index` points to it, the next is
/// its size. The kernel gets a copy without the reserved signals.
pub(crate) fn wait(area: &mut ThreadArea, index: usize) {
    let (pointer, size) = (area.call.args[index], area.call.args.get(index + 1));
    if size == Some(&SIGSET_SIZE)
        && let Some(copy) = wait_mask(area, pointer)
    {
        area.call.set_arg(index, copy);
    }
}

/// The same where argument 5 points to `{mask pointer, size}`: pselect6,
/// io_pgetevents.
pub(crate) fn wait_indirect(area: &mut ThreadArea) {
    let packed = area.call.args[5];
    if packed == 0 {
        return;
    }
    let (Ok(pointer), Ok(SIGSET_SIZE)) = (kernel::copy_in_u64(packed), kernel::copy_in_u64(packed.wrapping_add(8)))
    else {
        return;
    };
    if let Some(copy) = wait_mask(area, pointer) {
        area.scratch[1] = copy;
        area.scratch[2] = SIGSET_SIZE;
        let address = &raw const area.scratch[1] as u64;
        area.call.set_arg(5, address);
    }
}

/// Notes the mask at `pointer`, and copies it to where the kernel may read it;
/// None if there is none, or it cannot be read (the kernel will say so).
fn wait_mask(area: &mut ThreadArea, pointer: u64) -> Option<u64> {
    if pointer == 0 {
        return None;
    }
    let mask = kernel::copy_in_u64(pointer).ok()?;
    area.post = Post::Wait;
    // As the kernel does; and so it is never the mask of a held signal, all ones.
    area.wait_mask = mask & !(bit(libc::SIGKILL) | bit(libc::SIGSTOP));
    area.scratch[0] = mask & !reserved();
    Some(&raw const area.scratch[0] as u64)
}
