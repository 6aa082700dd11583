//! From the C interface to the trait.

#![allow(unsafe_code, reason = "the functions that usertrap calls")]

use std::ffi::{CStr, CString, c_char, c_int};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, Ordering};

use crate::Hook;
use crate::abi::{ABI_VERSION, ANSWER, Descriptor, PASS, PASS_THEN_EXIT, RawCall, STORAGE, Services};
use crate::call::{Call, Verdict};

/// The hook of a library, once it is made.
#[derive(Debug)]
pub struct Instance<H>(OnceLock<H>);

impl<H> Instance<H> {
    /// Not made yet.
    pub const fn new() -> Instance<H> {
        Instance(OnceLock::new())
    }
}

impl<H> Default for Instance<H> {
    fn default() -> Instance<H> {
        Instance::new()
    }
}

/// A hook with a place for it; [`hook!`](crate::hook) implements it.
pub trait Linked: Hook {
    /// The place.
    fn instance() -> &'static Instance<Self>;
}

fn hook<H: Linked>() -> Option<&'static H> {
    H::instance().0.get()
}

static SERVICES: AtomicPtr<Services> = AtomicPtr::new(std::ptr::null_mut());

/// What usertrap does for us.
///
/// # Panics
/// Before [`Hook::init`]: outside usertrap, in a unit test for one.
pub(crate) fn services() -> &'static Services {
    // SAFETY: usertrap gave it to `init`, for good.
    match unsafe { SERVICES.load(Ordering::Acquire).as_ref() } {
        Some(services) => services,
        None => panic!("usertrap is not there"),
    }
}

/// Writes a line to the standard error that the program started with, unless it has
/// put another file there.
pub fn log(line: &str) {
    if let Ok(line) = CString::new(line.replace('\0', "\\0")) {
        // SAFETY: a live C string.
        unsafe { (services().log)(line.as_ptr()) };
    }
}

/// What a library exports of its hook.
pub const fn descriptor<H: Linked>() -> Descriptor {
    let (numbers, count) = match H::NUMBERS {
        Some(numbers) => (numbers.as_ptr(), numbers.len()),
        None => (std::ptr::null(), 0),
    };
    Descriptor {
        abi: ABI_VERSION,
        flags: 0,
        // Rust's strings have no zero at their end: `init` tells the name.
        name: const { Name::<H>::BYTES.as_ptr().cast() },
        numbers,
        count,
        init: init::<H>,
        enter: enter::<H>,
        exit: exit::<H>,
        exec: exec::<H>,
        thread_start: thread_start::<H>,
        thread_exit: thread_exit::<H>,
        fork_child: fork_child::<H>,
        fini: fini::<H>,
    }
}

/// A hook's name as a C string.
struct Name<H>(std::marker::PhantomData<H>);

impl<H: Hook> Name<H> {
    const BYTES: &'static [u8; 64] = &{
        let mut bytes = [0; 64];
        let name = H::NAME.as_bytes();
        let mut at = 0;
        while at < name.len() && at < 63 {
            bytes[at] = name[at];
            at += 1;
        }
        bytes
    };
}

unsafe extern "C" fn init<H: Linked>(given: *const Services, options: *const c_char) -> c_int {
    SERVICES.store(given.cast_mut(), Ordering::Release);
    // SAFETY: usertrap's C string.
    let options = unsafe { CStr::from_ptr(options) }.to_string_lossy();
    match H::init(&options) {
        Ok(made) => {
            let _ = H::instance().0.set(made);
            0
        }
        Err(why) => {
            log(&why);
            1
        }
    }
}

fn told(verdict: Verdict, call: &mut Call) -> c_int {
    match verdict {
        Verdict::Pass => PASS,
        Verdict::PassThenExit => PASS_THEN_EXIT,
        Verdict::Answer(result) => {
            call.set_result(result);
            ANSWER
        }
    }
}

unsafe extern "C" fn enter<H: Linked>(call: *mut RawCall) -> c_int {
    // SAFETY: usertrap's, for the time of this function; `Call` is transparent.
    let call = unsafe { &mut *call.cast::<Call>() };
    hook::<H>().map_or(PASS, |hook| told(hook.enter(call), call))
}

unsafe extern "C" fn exec<H: Linked>(call: *mut RawCall) -> c_int {
    // SAFETY: as in `enter`.
    let call = unsafe { &mut *call.cast::<Call>() };
    hook::<H>().map_or(PASS, |hook| told(hook.exec(call), call))
}

unsafe extern "C" fn exit<H: Linked>(call: *mut RawCall) {
    if let Some(hook) = hook::<H>() {
        // SAFETY: as in `enter`.
        hook.exit(unsafe { &mut *call.cast::<Call>() });
    }
}

unsafe extern "C" fn thread_start<H: Linked>(storage: *mut [u64; STORAGE]) {
    if let Some(hook) = hook::<H>() {
        // SAFETY: usertrap's, of the calling thread alone.
        hook.thread_start(unsafe { &mut *storage });
    }
}

unsafe extern "C" fn thread_exit<H: Linked>(storage: *mut [u64; STORAGE]) {
    if let Some(hook) = hook::<H>() {
        // SAFETY: as in `thread_start`.
        hook.thread_exit(unsafe { &mut *storage });
    }
}

unsafe extern "C" fn fork_child<H: Linked>() {
    if let Some(hook) = hook::<H>() {
        hook.fork_child();
    }
}

unsafe extern "C" fn fini<H: Linked>() {
    if let Some(hook) = hook::<H>() {
        hook.fini();
    }
}
