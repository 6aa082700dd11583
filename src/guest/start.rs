//! The guests of a process image are there: ld.so has started its program.

#![allow(unsafe_code, reason = "runs functions of guests")]

use core::fmt;

use crate::guest::{fs, libraries, program, switch, threads};
use crate::kernel;
use crate::kernel::log;
use crate::setup::config::Level;
use crate::trap::area::ThreadArea;
use crate::trap::areas;

/// Ends the process: a program whose hooks are missing is not what was asked for.
pub(super) fn give_up(why: fmt::Arguments<'_>) -> ! {
    log::line(Level::Error, format_args!("{why}; the program is not started"));
    kernel::exit_group(125);
}

pub(super) fn first_area() -> *mut ThreadArea {
    let mut found = core::ptr::null_mut();
    areas::for_each(|area| found = area);
    found
}

/// All is loaded: ld.so has jumped to its program, which we are.
pub(super) unsafe extern "C" fn started() -> ! {
    // SAFETY: the one that `load` has.
    let area = unsafe { &*first_area() };
    threads::first(area, fs::base(), switch::stack_below());
    program::look_behind();
    let functions = program::functions();
    let attributes = (&raw const program::ATTRIBUTES).cast_mut().cast();
    // SAFETY: libc's own functions, on memory that is theirs.
    unsafe {
        (functions.pthread_attr_init)(attributes);
        (functions.pthread_attr_setstacksize)(attributes, libraries::GUEST_STACK);
        (functions.pthread_attr_setdetachstate)(attributes, libc::PTHREAD_CREATE_DETACHED);
    }
    libraries::open_all(&area.guest);
    // SAFETY: `load` waits there.
    unsafe { switch::to(area.guest.guest.as_ptr(), area.guest.core.get()) };
    log::fatal("the guests' program went on");
}
