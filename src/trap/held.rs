//! Signals that come in while a hook runs are held back until it has ended.

use core::sync::atomic::Ordering;

use crate::abi::sigframe::{SI_KERNEL, SI_USER, SigContext, SigInfo, UContext, bit};
use crate::trap::area::ThreadArea;
use crate::trap::dispatch::Post;
use crate::trap::{entry, mask, pending, sigaction};

/// A signal that was held back in a hook stays in the area, and this one is
/// queued for it: SIGSYS is among the signals that the kernel delivers before
/// all others but faults', so the order of the application's signals stays.
pub(crate) const MARKER: SigInfo = SigInfo::new(libc::SIGSYS, SI_USER, MARKED);
/// What tells it.
pub(crate) const MARKED: u64 = 0x7573_6572_7472_6170;

/// Whether this is such a signal's place in the kernel's queue.
pub(crate) fn is_marker(info: &SigInfo) -> bool {
    info.signo == MARKER.signo && matches!(info.code, SI_USER | SI_KERNEL) && info.address == MARKED
}

/// Whether the interrupted code holds all signals back: that alone blocks SIGSYS,
/// but for an rt_sigprocmask that has just been made.
pub(crate) fn is_held_back(area: &ThreadArea, uc: &UContext) -> bool {
    uc.uc_sigmask & bit(libc::SIGSYS) != 0 && !is_just_set(area, &uc.uc_mcontext)
}

/// Whether the mask is that of the application's rt_sigprocmask, whose exit side
/// has not unblocked SIGSYS yet. Before the call, on the way through an unmasking,
/// and on the signal stack, where an exit side runs too, it is one of ours.
fn is_just_set(area: &ThreadArea, context: &SigContext) -> bool {
    let unmasking =
        (entry::resume_end()..entry::exit_entry()).contains(&context.rip) || context.rip == entry::gate_unmask();
    area.post == Post::Mask
        && area.held.load(Ordering::Relaxed) == 0
        && !unmasking
        && !area.on_signal_stack(context.rsp)
}

/// Inside a hook: blocks everything but faults until the entry ends, and keeps
/// the signal until then. A fault signal that was sent then still waits in the
/// kernel.
pub(crate) fn hold(area: &mut ThreadArea, info: &SigInfo, uc: &mut UContext) {
    if !is_held_back(area, uc) {
        let mask = uc.uc_sigmask & !sigaction::reserved();
        if area.held.load(Ordering::Relaxed) == 0 {
            area.saved_mask.store(mask, Ordering::Relaxed);
            area.held.store(1, Ordering::Relaxed);
        }
        uc.uc_sigmask = mask::all_but_faults(area, mask);
        if area.held_signal.is_none() {
            area.held_signal = Some(*info);
            pending::send_own(&MARKER, mask);
            return;
        }
    }
    uc.uc_sigmask |= bit(info.signo);
    pending::send_again(info);
}
