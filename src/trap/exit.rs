//! The ends of threads and processes, and the beginning of forked ones.

#![allow(unsafe_code, reason = "visits the areas of other threads")]

use core::sync::atomic::{AtomicBool, Ordering};

use crate::abi::errno::Errno;
use crate::abi::sigframe::rflags;
use crate::guest;
use crate::hook::{Report, Summary};
use crate::kernel::{self, ARCH_GET_GS, ARCH_SET_GS};
use crate::ledger::CoreWord;
use crate::rewrite::rewriter;
use crate::trap::area::{Action, HookState, Kind, ThreadArea};
use crate::trap::areas;
use crate::trap::mask::{self, block_all};
use crate::trap::user_dispatch::UserDispatch;
use crate::trap::{clock, descriptors, dispatch, gs, ledger, pending, sigaction, tiles, tree, waited};

/// The hook has been told that this process ends.
static ENDING: AtomicBool = AtomicBool::new(false);

/// The report of this process has been written.
static REPORTED: AtomicBool = AtomicBool::new(false);

/// exit(2): the last thread reports; the area goes back.
pub(crate) fn thread(area: &mut ThreadArea) -> Action {
    if area.kind != Kind::VforkChild {
        // One that comes in later would end with the thread, but may be the process's.
        block_all(area);
    }
    if area.held_signal.is_some() {
        // Its handler runs first, as it would have: back to the site.
        area.call.return_address = area.call.return_address.wrapping_sub(2);
        return dispatch::answer(area, area.call.number as i64);
    }
    match area.kind {
        Kind::VforkChild => Action::Pass,
        Kind::VmProcess => leave(area),
        Kind::Thread => {
            if dispatch::hook().is_some() {
                mask::let_only_faults_in(area);
            }
            guest::threads::tell(area, false);
            let last = areas::LIVE.fetch_sub(1, Ordering::Relaxed) == 1;
            if last {
                ledger::ending(area.call.args[0]);
                report(area);
            }
            if last {
                waited::ending();
            }
            let ended = guest::helpers::outlive(area.call.args[0] as i32, last);
            let action = leave(area);
            if let Some(status) = ended {
                if ledger::is_alone(area) {
                    ledger::leave();
                }
                kernel::exit_group(status);
            }
            if last && ledger::is_alone(area) {
                ledger::leave();
            }
            action
        }
    }
}

/// exit_group(2).
pub(crate) fn process(area: &mut ThreadArea) -> Action {
    match area.kind {
        Kind::VforkChild => Action::Pass,
        Kind::VmProcess => leave(area),
        Kind::Thread => {
            ledger::ending(area.call.args[0]);
            report(area);
            waited::ending();
            // Others go on counting until the kernel has ended them, and so
            // does the handler of a signal that has come in.
            if area.held_signal.is_some() || !ledger::is_alone(area) {
                return Action::Pass;
            }
            block_all(area);
            // A step would find SIGTRAP blocked.
            area.flags &= !rflags::TF;
            ledger::leave();
            Action::PassBlocked
        }
    }
}

/// The area is given back: from here on no signal may come in.
fn leave(area: &mut ThreadArea) -> Action {
    block_all(area);
    pending::leave(area);
    area.in_use.store(false, Ordering::Relaxed);
    Action::ThreadExit
}

/// The child of a fork: alone, with its parent's memory. Other threads' areas
/// are free, counters start at zero.
pub(crate) fn forked(own: &mut ThreadArea) {
    let own_address = &raw mut *own;
    areas::for_each(|area| {
        // SAFETY: areas are never unmapped, and this is the only thread.
        unsafe {
            if (*area).block == 0 {
                for word in (*area).core.iter().chain((*area).call.words) {
                    // Untouched pages stay untouched.
                    if word.load(Ordering::Relaxed) != 0 {
                        word.store(0, Ordering::Relaxed);
                    }
                }
            }
            (*area).pending.clear();
            if area != own_address && (*area).in_use.load(Ordering::Relaxed) {
                areas::release(area);
            }
        }
    });
    own.kind = Kind::Thread;
    let process = (&raw const sigaction::PROCESS).cast_mut();
    let table = own.dispositions.swap(process, Ordering::Relaxed);
    if table != process {
        // A vfork child's own, which lies in an area that others may get.
        // SAFETY: tables outlive the threads that use them.
        sigaction::PROCESS.fill_from(unsafe { &*table }, false);
    }
    descriptors::forked(own);
    // Pending signals are the parent's alone.
    own.held_signal = None;
    own.user_dispatch = UserDispatch::NONE;
    pending::PROCESS.clear();
    own.begin(&pending::PROCESS);
    areas::LIVE.store(1, Ordering::Relaxed);
    areas::EVER.store(1, Ordering::Relaxed);
    areas::SHARERS.store(0, Ordering::Relaxed);
    guest::helpers::forked();
    REPORTED.store(false, Ordering::Relaxed);
    ENDING.store(false, Ordering::Relaxed);
    ledger::forked(own);
}

/// Lets the hook write its report, once per process, or per tree.
fn report(own: &mut ThreadArea) {
    let Some(hook) = dispatch::hook() else { return };
    own.hook = HookState::Running;
    let of_tree = ledger::reports();
    if !ENDING.swap(true, Ordering::Relaxed) {
        hook.ending();
    }
    if of_tree == Some(false) || REPORTED.swap(true, Ordering::Relaxed) {
        return;
    }
    if of_tree == Some(true)
        && let Some(ledger) = crate::ledger::ledger()
    {
        tree::report(descriptors::numbers(own), hook, ledger);
        return;
    }
    let mut summary = Summary {
        pid: kernel::getpid(),
        threads: areas::EVER.load(Ordering::Relaxed),
        ticks_per_us: clock::ticks_per_us(),
        ticks: clock::now_if_it_runs(),
        ..Summary::default()
    };
    rewriter::summarize(&mut summary);
    areas::for_each(|area| {
        // SAFETY: areas are never unmapped; counters are atomics.
        unsafe {
            let area = &*area;
            summary.trapped += area.counted(CoreWord::Trapped);
            summary.int80 += area.counted(CoreWord::Int80);
        }
    });
    let threads = |visit: &mut dyn FnMut(&[core::sync::atomic::AtomicU64])| {
        areas::for_each(|area| {
            // SAFETY: as above.
            visit(unsafe { (*area).call.words });
        });
    };
    descriptors::write_report(descriptors::numbers(own), |out| {
        hook.report(&Report::new(summary, &threads), out)
    });
}

/// arch_prctl: shows and sets GS as it would be without us, and refuses what the
/// application's signal stacks are too small for. None: the kernel serves it.
pub(crate) fn arch_prctl(area: &mut ThreadArea, option: u64, address: u64) -> Option<i64> {
    if option == tiles::ARCH_REQ_XCOMP_PERM {
        return tiles::refuse(address).map(Errno::to_result);
    }
    if !area.owns_gs {
        return None;
    }
    match option {
        // It is 0 already, as the application sees it.
        ARCH_SET_GS if address == 0 => Some(0),
        ARCH_SET_GS => {
            gs::take();
            gs::give_back(area);
            // SAFETY: the application's own call. It is answered, and so ends
            // without GS.
            Some(unsafe { kernel::call(libc::SYS_arch_prctl, area.call.args) })
        }
        ARCH_GET_GS => Some(match kernel::copy_out(address, &0u64.to_ne_bytes()) {
            Ok(()) => 0,
            Err(errno) => errno.to_result(),
        }),
        _ => None,
    }
}
