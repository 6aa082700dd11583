//! What Syscall User Dispatch asks of each thread (`arm::sud`), and the filter beside
//! it: nothing, where the arm is the filter alone.
//!
//! The kernel gives it to no child, so each arms itself, before any code of the
//! application's runs there: first thing behind the clone, with all signals blocked.
//!
//! When the application installs a seccomp filter of its own, the arm's comes before
//! it: so the application's is asked as ever about calls that we serve ourselves
//! (`trap::filters`), and nothing else changes. Which threads have it, their areas
//! say. It outlives an exec, and so no program can be started natively from there on.

#![allow(unsafe_code, reason = "visits areas")]

use core::ops::Range;
use core::sync::atomic::Ordering;

use crate::abi::errno::Errno;
use crate::arm::{ArmError, seccomp, sud};
use crate::guest;
use crate::kernel::log;
use crate::setup::config::Level;
use crate::trap::area::ThreadArea;
use crate::trap::{areas, disarmed, entry};

fn gate() -> Range<u64> {
    entry::gate_start()..entry::gate_end()
}

/// Arms the calling thread, if that is how it is done.
///
/// # Errors
/// prctl's, of an outer filter.
pub(crate) fn thread() -> Result<(), Errno> {
    if !sud::is_chosen() || disarmed::is() {
        return Ok(());
    }
    now()
}

/// The same, whether or not the process runs without it.
pub(super) fn now() -> Result<(), Errno> {
    sud::arm_thread(entry::gate_start()..entry::gate_ask_done(), guest::space::code())
}

/// The same for a child of a clone. Where it cannot be, the filter has to be there.
pub(crate) fn child(area: &ThreadArea) {
    if thread().is_err() && !area.backed.load(Ordering::Relaxed) {
        log::fatal("a new thread cannot be armed: prctl(PR_SET_SYSCALL_USER_DISPATCH) is refused now");
    }
}

/// Whether the application's filters can be asked: by a call that our filter
/// answers, and without it the kernel would make.
pub(crate) fn can_ask(area: &ThreadArea) -> bool {
    !sud::is_chosen() || area.backed.load(Ordering::Relaxed)
}

/// Whether nothing of ours would be left in the kernel behind an exec, so that a
/// program can be started without us.
pub(crate) fn ends_with_exec(area: &ThreadArea) -> bool {
    sud::is_chosen() && !area.backed.load(Ordering::Relaxed)
}

/// The application is about to install a filter of its own: `strict`, one that needs
/// no privilege.
///
/// # Errors
/// Of the kernel; EACCES: the application may not either.
pub(crate) fn back(area: &ThreadArea, strict: bool) -> Result<(), Errno> {
    // Later the kernel could not give ours to all threads.
    disarmed::end();
    if can_ask(area) {
        return Ok(());
    }
    if strict {
        // Nothing can be executed there any more.
        let _ = seccomp::set_no_new_privs();
    }
    match seccomp::install_beside(gate(), guest::space::code()) {
        Ok(all) => {
            area.backed.store(true, Ordering::Relaxed);
            if all {
                mark_all(area);
            }
            log::line(
                Level::Info,
                format_args!("the program installs a seccomp filter: ours is there, too, from now on"),
            );
            Ok(())
        }
        Err(ArmError::Seccomp(errno)) => Err(errno),
        Err(_) => Err(Errno::ENOMEM),
    }
}

/// Arms all threads of the process by the filter. False if that cannot be.
pub(super) fn all() -> bool {
    let installed = seccomp::set_no_new_privs().and_then(|()| seccomp::install_beside(gate(), guest::space::code()));
    if installed != Ok(true) {
        return false;
    }
    // SAFETY: areas are never unmapped; no other reference to ours is used meanwhile.
    if let Some(area) = unsafe { areas::current().as_ref() } {
        mark_all(area);
    }
    true
}

/// All threads of the process have it. Twice, since a child that is being made takes
/// over what its parent has: that is marked when it is visited again.
fn mark_all(area: &ThreadArea) {
    let process = core::ptr::from_ref(area.process_pending());
    for _ in 0..2 {
        areas::for_each(|other| {
            // SAFETY: areas are never unmapped; both fields are atomic.
            let other = unsafe { &*other };
            if core::ptr::eq(other.process_pending(), process) {
                other.backed.store(true, Ordering::SeqCst);
            }
        });
    }
}
