//! Threads that hooks make for themselves. They execute no code of the application's
//! and have no area; all signals but faults are blocked in them for good. The kernel makes
//! them at the very instruction of libc's: all that is ours is who may, how a fault is told,
//! and what of the process ends when the application's threads have ended.

#![allow(unsafe_code, reason = "calls the guests' pthread_create")]

use core::arch::naked_asm;
use core::ffi::{c_int, c_void};
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};

use crate::abi::sigframe::{SigInfo, UContext, bit};
use crate::guest::program::{self, functions};
use crate::guest::{hook, services, space};
use crate::kernel;
use crate::kernel::log;
use crate::trap::sigaction::FAULTS;

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
    // SAFETY: libc's own function.
    let first = unsafe { (functions().malloc)(size_of::<First>()) }.cast::<First>();
    let mut status = libc::EAGAIN;
    if !first.is_null() {
        // SAFETY: just allocated, for the thread.
        unsafe { first.write(First { start, argument }) };
        let mask = kernel::set_mask(!0);
        // SAFETY: the hook's own arguments.
        status = unsafe { create(handle, attributes, begin, first.cast()) };
        kernel::set_mask(mask);
        if status != 0 {
            // SAFETY: there is no thread that has it.
            unsafe { (functions().free)(first.cast()) };
        }
    }
    place.store(0, Ordering::Relaxed);
    status
}

/// The function that a thread is made for, and its argument.
#[repr(C)]
struct First {
    start: Start,
    argument: *mut c_void,
}

/// Where a thread begins: goes on to its function as if that had been called. Unwinders would
/// not find their way through a frame of ours.
#[unsafe(naked)]
unsafe extern "C" fn begin(first: *mut c_void) -> *mut c_void {
    naked_asm!(
        ".cfi_startproc",
        "push rdi",
        ".cfi_adjust_cfa_offset 8",
        "call {begun}",
        "pop rdi",
        ".cfi_adjust_cfa_offset -8",
        "mov rdi, rdx",
        "jmp rax",
        ".cfi_endproc",
        begun = sym begun,
    )
}

/// Lets faults come through, so that they can be told. What it returns is in rax and rdx.
unsafe extern "C" fn begun(first: *mut First) -> First {
    kernel::unblock(FAULTS);
    // SAFETY: made for this thread, by libc's own function.
    unsafe {
        let read = first.read();
        (functions().free)(first.cast());
        read
    }
}

/// Whether a thread without an area, whose stack is there, is one of these.
pub(crate) fn is_one(rsp: u64) -> bool {
    MADE.load(Ordering::Relaxed) && space::is_theirs(rsp)
}

/// A signal in one of them. True: a fault of its own, which has been told, and of which it is to die.
/// Any other was sent to the process: the first thread gets it.
pub(crate) fn fault(info: &SigInfo, uc: &mut UContext, is_own: bool) -> bool {
    if is_own {
        let rip = uc.uc_mcontext.rip;
        let mut buffer = [0; 300];
        let place = services::place(rip, &mut buffer);
        log::fault(Some(hook::running()), info.signo, rip, info.address, place);
    } else {
        uc.uc_sigmask |= bit(info.signo);
        let _ = kernel::queue(kernel::getpid(), info);
    }
    is_own
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
