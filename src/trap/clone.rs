//! clone, clone3, fork, vfork: the child gets an area before it exists.
//!
//! All signals are blocked from here until parent and child are back at the
//! end of their entries, so no handler runs in a child that has no area yet.
//! A child with memory of its own keeps its parent's area, at the same address.

#![allow(unsafe_code, reason = "hands areas to other threads")]

use core::sync::atomic::Ordering;

use crate::abi::errno::Errno;
use crate::abi::sigframe::AltStack;
use crate::guest;
use crate::hook::Outcome;
use crate::kernel;
use crate::rewrite::lock;
use crate::trap::area::{Action, HookState, Kind, ThreadArea};
use crate::trap::areas;
use crate::trap::dispatch;
use crate::trap::known;
use crate::trap::mask::{self, block_all, hold_all};
use crate::trap::{armed, descriptors, disarmed, exit, ledger, sigaction, waited};

const CLONE_VM: u64 = libc::CLONE_VM as u64;
const CLONE_FILES: u64 = libc::CLONE_FILES as u64;
const CLONE_VFORK: u64 = libc::CLONE_VFORK as u64;
const CLONE_SIGHAND: u64 = libc::CLONE_SIGHAND as u64;
const CLONE_THREAD: u64 = libc::CLONE_THREAD as u64;
/// `CLONE_CLEAR_SIGHAND`, clone3 only.
const CLONE_CLEAR_SIGHAND: u64 = 0x1_0000_0000;
/// `CLONE_ARGS_SIZE_VER0`: smaller structures are refused by the kernel.
const CLONE_ARGS_SIZE_VER0: u64 = 64;

/// Prepares a call that makes a child with these flags.
pub(crate) fn enter(area: &mut ThreadArea, flags: u64) -> Action {
    let own = &raw mut *area;
    let flags = match waited::begin(area, flags) {
        Ok(flags) => flags,
        Err(errno) => return dispatch::answer(area, errno.to_result()),
    };
    let vm = flags & CLONE_VM != 0;
    let child = if vm {
        match areas::allocate() {
            Ok(child) => child,
            Err(_) => return dispatch::answer(area, Errno::EAGAIN.to_result()),
        }
    } else {
        own
    };
    if vm && flags & CLONE_THREAD == 0 {
        disarmed::before_sharing(flags & CLONE_VFORK != 0);
    }
    hold_all(area);
    if flags & (CLONE_FILES | CLONE_THREAD) == CLONE_FILES {
        descriptors::share();
    }
    area.new_area = child as u64;
    area.clone_flags = flags;
    area.told = Some(sigaction::table(area).moment());
    area.heir = ledger::heir(area);
    if vm {
        // SAFETY: just allocated: nobody else uses it yet.
        let made = unsafe { &mut *child };
        prepare(made, area, flags);
        if !guest::threads::equip(area, made) {
            // SAFETY: nobody uses it.
            unsafe { areas::release(child) };
            return dispatch::answer(area, Errno::EAGAIN.to_result());
        }
        if flags & CLONE_THREAD == 0 && !areas::is_alone() {
            // An exec in another thread may have descriptors open that the
            // child must not have. The child frees the lock, for we may have to
            // wait for it.
            lock::before_fork();
        }
    } else {
        guest::threads::before_fork(area);
        lock::before_fork();
        if flags & CLONE_VFORK != 0 {
            // The kernel keeps us until the child has ended, which may wait for
            // another thread of ours: it must find the lock free.
            lock::after_fork();
        }
    }
    if flags & CLONE_THREAD != 0 {
        // Counted before it runs: the last thread to exit must not be mistaken.
        areas::LIVE.fetch_add(1, Ordering::Relaxed);
    } else if vm && flags & CLONE_VFORK == 0 {
        areas::SHARERS.fetch_add(1, Ordering::Relaxed);
    }
    if !vm {
        ledger::birth();
    }
    block_all(area);
    Action::Clone
}

/// clone3: the flags are the first word of the structure.
pub(crate) fn enter_clone3(area: &mut ThreadArea) -> Action {
    let [pointer, size, ..] = area.call.args;
    if size < CLONE_ARGS_SIZE_VER0 {
        return dispatch::pass(area);
    }
    match kernel::copy_in_u64(pointer) {
        Ok(flags) => enter(area, flags),
        // The kernel says EFAULT, or E2BIG first.
        Err(_) => dispatch::pass(area),
    }
}

/// Makes the area of a child that shares our memory.
fn prepare(child: &mut ThreadArea, parent: &ThreadArea, flags: u64) {
    child.inherit(parent);
    child.clone_flags = flags;
    child.heir = parent.heir;
    child.told = parent.told;
    child.process.store(0, Ordering::Relaxed);
    child.new_area = core::ptr::from_ref(parent) as u64;
    child.kind = match () {
        () if flags & CLONE_THREAD != 0 => parent.kind,
        () if flags & CLONE_VFORK != 0 => Kind::VforkChild,
        () => Kind::VmProcess,
    };
    if flags & CLONE_THREAD != 0 && parent.kind == Kind::VforkChild {
        child.kind = Kind::VmProcess;
    }
    if flags & CLONE_VFORK == 0 {
        child.altstack = AltStack::DISABLED;
    }
    if flags & CLONE_THREAD == 0 {
        child.own_process.clear();
        child
            .process_pending
            .store(&raw mut child.own_process, Ordering::Relaxed);
    }
    if flags & CLONE_FILES == 0 {
        descriptors::own_table(child);
    }
    if flags & CLONE_SIGHAND == 0 {
        child
            .own_dispositions
            .fill_from(sigaction::table(parent), flags & CLONE_CLEAR_SIGHAND != 0);
        child
            .dispositions
            .store(&raw mut child.own_dispositions, Ordering::Relaxed);
    }
}

/// The parent is back from the kernel.
///
/// # Safety
/// `area` is the calling thread's own.
pub(crate) unsafe extern "C" fn parent_from_gate(area: *mut ThreadArea) {
    // SAFETY: by the contract.
    let area = unsafe { &mut *area };
    let flags = area.clone_flags;
    let result = area.call.result;
    let waited_for = flags & (CLONE_VFORK | CLONE_THREAD) == CLONE_VFORK;
    if flags & CLONE_VM == 0 {
        if flags & CLONE_VFORK == 0 {
            lock::after_fork();
        }
        guest::threads::after_fork(area, result);
        waited::parent(area, result);
        if result < 0 {
            ledger::born();
        }
    } else {
        // Taken in `enter`; a vfork child has freed it, if it came to run.
        lock::release(area);
    }
    if flags & CLONE_VM != 0 && waited_for {
        disarmed::after_sharing();
    }
    if flags & CLONE_VM != 0 && (result < 0 || waited_for) {
        // The child never was, or has left our memory: vfork has waited.
        if result > 0 {
            lock::release(area.new_area as *const ThreadArea);
        }
        let child = area.new_area as *mut ThreadArea;
        // SAFETY: so nobody uses its area.
        unsafe {
            (*child).leftovers.take();
            areas::release(child);
        }
    }
    if result < 0 {
        if flags & CLONE_THREAD != 0 {
            areas::LIVE.fetch_sub(1, Ordering::Relaxed);
        } else if flags & (CLONE_VM | CLONE_VFORK) == CLONE_VM {
            areas::SHARERS.fetch_sub(1, Ordering::Relaxed);
        }
    }
    dispatch::exit(area, Outcome::Returned(result));
}

/// The child runs, on its own area.
///
/// # Safety
/// `area` is the calling thread's own.
pub(crate) unsafe extern "C" fn child_from_gate(area: *mut ThreadArea) {
    // SAFETY: by the contract.
    let area = unsafe { &mut *area };
    armed::child(area);
    let flags = area.clone_flags;
    // Another thread has changed actions while the kernel copied its own.
    let untold = flags & CLONE_SIGHAND == 0 && area.told.is_none_or(|told| told.is_over());
    if flags & CLONE_VM == 0 {
        exit::forked(area);
        disarmed::forked();
        sigaction::table(area).forked(flags & CLONE_CLEAR_SIGHAND != 0);
        lock::after_fork();
        guest::threads::after_fork(area, 0);
        ledger::born();
        waited::child(area);
        if let Some(hook) = dispatch::hook() {
            mask::let_faults_in(area);
            area.hook = HookState::Running;
            hook.forked();
        }
    } else {
        if flags & CLONE_VFORK != 0 {
            lock::release(area.new_area as *const ThreadArea);
        }
        if area.kind == Kind::VmProcess && flags & CLONE_THREAD == 0 {
            area.process.store(kernel::getpid(), Ordering::Relaxed);
        }
        areas::EVER.fetch_add(1, Ordering::Relaxed);
        ledger::thread_began();
        area.thread.store(kernel::gettid(), Ordering::Relaxed);
        // SAFETY: the stack is this area's.
        let _ = unsafe { kernel::sigaltstack(Some(&area.signal_stack())) };
    }
    known::learn(area);
    if untold {
        sigaction::tell_all(sigaction::table(area));
    } else if flags & CLONE_CLEAR_SIGHAND != 0 {
        let _ = sigaction::install_own(sigaction::table(area));
    }
    if flags & CLONE_VM != 0 {
        guest::threads::tell(area, true);
    }
    ledger::begin(area);
    area.last_trap.move_to(area.app_rsp);
    area.hook = HookState::Done;
    area.call.result = 0;
    dispatch::exit(area, Outcome::Returned(0));
}
