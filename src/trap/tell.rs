//! Signals that the hook is told of, as they are delivered.

use core::mem::replace;
use core::sync::atomic::{AtomicBool, Ordering};

use crate::abi::sigframe::{SigInfo, UContext};
use crate::hook::Signal;
use crate::kernel;
use crate::trap::area::{HookState, ThreadArea};
use crate::trap::{dispatch, mask};

/// Whether the hook wants to be told.
static WANTED: AtomicBool = AtomicBool::new(false);

/// See [`WANTED`]; once, before any signal.
pub(super) fn configure(wanted: bool) {
    WANTED.store(wanted, Ordering::Relaxed);
}

/// Tells the hook of a signal that the application gets now. `uc` shows the
/// application's code already.
#[inline(always)]
pub(super) fn tell(area: &mut ThreadArea, info: &SigInfo, uc: &UContext) {
    if WANTED.load(Ordering::Relaxed) {
        told(area, info, uc);
    }
}

#[cold]
#[inline(never)]
fn told(area: &mut ThreadArea, info: &SigInfo, uc: &UContext) {
    let Some(hook) = dispatch::hook() else { return };
    let signal = Signal {
        info,
        address: uc.uc_mcontext.rip,
        words: area.call.words,
    };
    let before = replace(&mut area.hook, HookState::Running);
    // A fault of the hook's comes through.
    kernel::set_mask(mask::all_but_faults(area, uc.uc_sigmask));
    dispatch::hooked(area, |_| hook.signal(&signal));
    kernel::set_mask(mask::of_handler(area, uc.uc_sigmask));
    area.hook = before;
}
