//! Threads that existed before us, if the library is loaded by `dlopen`.

#![allow(unsafe_code, reason = "fills an area before its thread has it")]

use core::sync::atomic::Ordering;

use crate::abi::sigframe::UContext;
use crate::kernel;
use crate::kernel::log;
use crate::rewrite::rewriter;
use crate::trap::area::{self, ThreadArea};
use crate::trap::areas;
use crate::trap::exception::LastException;
use crate::trap::swallowed::LastTrap;
use crate::trap::user_dispatch::UserDispatch;
use crate::trap::{gs, known, pending, sigaction};

/// A thread that existed before us: makes its area on its first trap.
pub(super) fn adopt(uc: &mut UContext) -> *mut ThreadArea {
    let Ok(area) = areas::allocate() else {
        log::fatal("no memory for the area of a thread that existed at load");
    };
    // SAFETY: just allocated, ours alone; this thread has no area yet.
    unsafe {
        (*area)
            .dispositions
            .store((&raw const sigaction::PROCESS).cast_mut(), Ordering::Relaxed);
        (*area).kind = area::Kind::Thread;
        gs::install(&mut *area);
        let _ = kernel::sigaltstack(Some(&(*area).signal_stack()));
        (*area).altstack = uc.uc_stack;
        (*area).pending.drain();
        (*area).last_trap = LastTrap::UNKNOWN;
        (*area).exception = LastException::default();
        (*area).begin(&pending::PROCESS);
        (*area).set_virtual_mask(uc.uc_sigmask);
        uc.uc_sigmask &= !sigaction::reserved();
        (*area).filtered.store(false, Ordering::Relaxed);
        (*area).backed.store(false, Ordering::Relaxed);
        known::learn(&*area);
        (*area).user_dispatch = UserDispatch::NONE;
        (*area).held.store(0, Ordering::Relaxed);
        (*area).reach.begin();
    }
    areas::LIVE.fetch_add(1, Ordering::Relaxed);
    areas::EVER.fetch_add(1, Ordering::Relaxed);
    rewriter::stranger_adopted();
    // sigreturn sets the alternate stack from the frame.
    // SAFETY: as above.
    uc.uc_stack = unsafe { (*area).signal_stack() };
    area
}
