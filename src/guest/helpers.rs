//! Threads that hooks make for themselves. They execute no code of the application's
//! and have no area; all signals are blocked in them for good. The kernel makes them at
//! the very instruction of libc's: all that is ours is who may, and what of the process
//! ends when the application's threads have ended.

#![allow(unsafe_code, reason = "calls the guests' pthread_create")]

use core::ffi::{c_int, c_void};
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};

use crate::guest::program;
use crate::kernel;

type Start = unsafe extern "C" fn(*mut c_void) -> *mut c_void;
type Create = unsafe extern "C" fn(*mut u64, *const c_void, Start, *mut c_void) -> c_int;

/// Numbers of threads that are in it.
static MAKERS: [AtomicU32; 16] = [const { AtomicU32::new(0) }; 16];
/// There ever was one.
static MADE: AtomicBool = AtomicBool::new(false);
/// The status with which the process's first thread has ended.
static STATUS: AtomicI32 = AtomicI32::new(0);

/// libc's function.
pub(super) fn create() -> Option<Create> {
    // SAFETY: it is of that type.
    program::PTHREAD_CREATE
        .get()
        .map(|function| unsafe { core::mem::transmute::<*const (), Create>(function) })
}

/// What hooks get for pthread_create: the thread begins with the mask that its maker
/// has, so all signals are blocked for a moment.
pub(super) unsafe extern "C" fn pthread_create(
    handle: *mut u64,
    attributes: *const c_void,
    start: Start,
    argument: *mut c_void,
) -> c_int {
    let own = kernel::gettid();
    let free = |place: &&AtomicU32| {
        place
            .compare_exchange(0, own, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
    };
    let Some(create) = create() else {
        return libc::EAGAIN;
    };
    // Who has one gives it back soon: nothing of the application's is waited for in between.
    let place = loop {
        match MAKERS.iter().find(free) {
            Some(place) => break place,
            None => kernel::yield_now(),
        }
    };
    let mask = kernel::set_mask(!0);
    // SAFETY: the hook's own arguments.
    let status = unsafe { create(handle, attributes, start, argument) };
    kernel::set_mask(mask);
    place.store(0, Ordering::Relaxed);
    status
}

/// Whether the calling thread is about to make one.
pub(super) fn are_made() -> bool {
    let own = kernel::gettid();
    let makes = MAKERS.iter().any(|place| place.load(Ordering::Relaxed) == own);
    MADE.fetch_or(makes, Ordering::Relaxed);
    makes
}

/// The application's thread ends with this status. If it is the last, and threads of
/// hooks go on, the process has to be ended: Some, with its status.
pub(crate) fn outlive(status: i32, last: bool) -> Option<i32> {
    if kernel::gettid() == kernel::getpid() {
        STATUS.store(status, Ordering::Relaxed);
    }
    let others = last && MADE.load(Ordering::Relaxed) && kernel::thread_count() > 1;
    others.then(|| STATUS.load(Ordering::Relaxed))
}

/// The child of a fork has none.
pub(crate) fn forked() {
    MADE.store(false, Ordering::Relaxed);
    for place in &MAKERS {
        place.store(0, Ordering::Relaxed);
    }
}
