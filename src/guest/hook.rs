//! The hook that the core sees: all hook libraries, one after the other.

#![allow(unsafe_code, reason = "calls functions of guests")]

use core::cell::UnsafeCell;
use core::ffi::{CStr, c_int};
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};

use crate::guest::descriptor::{self, Descriptor, NO_TLS, NO_VECTORS, STORAGE};
use crate::guest::footprint::Footprint;
use crate::guest::libraries::MOST;
use crate::guest::threads::{self, Thread};
use crate::guest::{program, sweep, visit};
use crate::hook::{Call, Hook, Interest, Outcome, Parts, VectorUse, Verdict};
use crate::trap::dispatch;

/// A library that is loaded.
pub(super) struct Library {
    pub(super) enter: Option<unsafe extern "C" fn(*mut descriptor::Call) -> c_int>,
    pub(super) exit: Option<unsafe extern "C" fn(*mut descriptor::Call)>,
    pub(super) descriptor: &'static Descriptor,
    pub(super) interest: Interest,
    footprint: Footprint,
    pub(super) name: &'static str,
}

struct Libraries(UnsafeCell<[MaybeUninit<Library>; MOST]>);

// SAFETY: filled in before the application runs, and only read since.
unsafe impl Sync for Libraries {}

static LIBRARIES: Libraries = Libraries(UnsafeCell::new([const { MaybeUninit::uninit() }; MOST]));
static COUNT: AtomicUsize = AtomicUsize::new(0);

#[inline(always)]
pub(super) fn libraries() -> &'static [Library] {
    // SAFETY: as many are filled in.
    unsafe { core::slice::from_raw_parts(LIBRARIES.0.get().cast::<Library>(), COUNT.load(Ordering::Relaxed)) }
}

/// Adds a library. Returns its place.
pub(super) fn add(descriptor: &'static Descriptor, path: &'static CStr) -> usize {
    let index = COUNT.load(Ordering::Relaxed);
    let numbers = if descriptor.numbers.is_null() {
        None
    } else {
        // SAFETY: the library's own array.
        Some(unsafe { core::slice::from_raw_parts(descriptor.numbers, descriptor.count) })
    };
    let interest = numbers.map_or(Interest::all(), |numbers| {
        numbers
            .iter()
            .fold(Interest::none(), |set, &number| set.with(number.into()))
    });
    let interest = match descriptor.exec {
        Some(_) => interest
            .with(libc::SYS_execve as usize)
            .with(libc::SYS_execveat as usize),
        None => interest,
    };
    let name = if descriptor.name.is_null() {
        path
    } else {
        // SAFETY: the library's own string.
        unsafe { CStr::from_ptr(descriptor.name) }
    };
    // SAFETY: one thread loads libraries, before there are others.
    if let Some(place) = unsafe { (*LIBRARIES.0.get()).get_mut(index) } {
        place.write(Library {
            enter: descriptor.enter,
            exit: descriptor.exit,
            descriptor,
            interest,
            footprint: footprint(descriptor),
            name: name.to_str().unwrap_or("?"),
        });
        COUNT.store(index + 1, Ordering::Relaxed);
    }
    index
}

/// What the functions of a library change and need while a call waits for them.
fn footprint(descriptor: &Descriptor) -> Footprint {
    let functions = [
        descriptor.enter.map(|function| function as usize as u64),
        descriptor.exec.map(|function| function as usize as u64),
        descriptor.exit.map(|function| function as usize as u64),
    ];
    let all = functions.into_iter().flatten().map(|start| {
        let code = sweep::around(start);
        code.map_or(Footprint::ANYTHING, |code| Footprint::of(&code, start))
    });
    let seen = all.fold(Footprint::NOTHING, Footprint::with);
    Footprint {
        parts: match descriptor.flags & NO_VECTORS {
            0 => seen.parts,
            _ => Parts::NONE,
        },
        thread_block: seen.thread_block && descriptor.flags & NO_TLS == 0,
    }
}

/// Whether FS has to lead to the guests' thread block while they run.
static NEEDS_BLOCK: AtomicBool = AtomicBool::new(true);
/// The one library, if there is nothing beside it.
static ALONE: AtomicPtr<Library> = AtomicPtr::new(core::ptr::null_mut());

/// See [`NEEDS_BLOCK`].
#[inline(always)]
pub(super) fn needs_block() -> bool {
    NEEDS_BLOCK.load(Ordering::Relaxed)
}

/// See [`ALONE`].
#[inline(always)]
pub(super) fn alone() -> Option<&'static Library> {
    // SAFETY: null, or in the list, which stays.
    unsafe { ALONE.load(Ordering::Relaxed).as_ref() }
}

/// No more are to come: the core learns what they want.
pub(super) fn all_added() {
    let needs_block = libraries().iter().any(|library| library.footprint.thread_block);
    NEEDS_BLOCK.store(needs_block, Ordering::Relaxed);
    if let [library] = libraries()
        && !super::beside::is_set()
    {
        ALONE.store(core::ptr::from_ref(library).cast_mut(), Ordering::Relaxed);
    }
    if let Some(hook) = dispatch::hook() {
        dispatch::interest_in(hook);
    }
}

/// The name of the hook that runs in this thread.
pub(super) fn running() -> &'static str {
    let running = match threads::running() {
        Some(thread) => thread.running.get(),
        // A thread of a hook's, or of the application's.
        None if libraries().len() == 1 => 0,
        None => return "of one of the threads that hooks have made",
    };
    libraries().get(running as usize).map_or("?", |library| library.name)
}

impl Library {
    /// What it is told of a thread's beginning, or its end.
    fn of_thread(&self, begins: bool) -> Option<unsafe extern "C" fn(*mut [u64; STORAGE])> {
        if begins {
            self.descriptor.thread_start
        } else {
            self.descriptor.thread_exit
        }
    }
}

/// Whether a library wants to know of threads that begin, or end.
pub(super) fn is_told_of_threads(begins: bool) -> bool {
    libraries().iter().any(|library| library.of_thread(begins).is_some())
}

/// A thread of the application's has begun, or is about to end.
pub(super) fn tell_of_thread(thread: &Thread, begins: bool) {
    for (index, (library, storage)) in libraries().iter().zip(&thread.storage).enumerate() {
        thread.running.set(index as u32);
        if let Some(function) = library.of_thread(begins) {
            // SAFETY: the library's own function.
            unsafe { function(storage.get()) };
        }
    }
}

/// All hook libraries as one hook.
pub(crate) struct Guests;

/// What the core is configured with.
pub(crate) static HOOK: &dyn Hook = &Guests;

impl Hook for Guests {
    fn name(&self) -> &'static str {
        running()
    }

    fn interest(&self) -> Interest {
        libraries()
            .iter()
            .fold(Interest::none(), |set, library| set.union(&library.interest))
    }

    fn vector_use(&self) -> VectorUse {
        // Before there are any no guest runs beside a call.
        let all = libraries().iter().map(|library| library.footprint.parts);
        VectorUse::Only(all.fold(Parts::NONE, Parts::with))
    }

    fn enter(&self, call: &mut Call<'_>) -> Verdict {
        let area = threads::of_call(call);
        // SAFETY: the thread's own; the hooks' part of it is no part of the call.
        let thread = unsafe { &(*area).guest };
        if !thread.has_block() {
            return Verdict::Pass;
        }
        thread.marked.set(0);
        visit::enter(thread, area, call)
    }

    fn exit(&self, call: &mut Call<'_>, outcome: Outcome) {
        let area = threads::of_call(call);
        // SAFETY: as in `enter`.
        let thread = unsafe { &(*area).guest };
        if !thread.has_block() || thread.marked.get() == 0 {
            return;
        }
        visit::exit(thread, area, call, outcome);
    }

    fn forked(&self) {
        threads::in_guest(|thread| {
            for (index, library) in libraries().iter().enumerate() {
                thread.running.set(index as u32);
                if let Some(function) = library.descriptor.fork_child {
                    // SAFETY: the library's own function.
                    unsafe { function() };
                }
            }
        });
    }

    fn ending(&self) {
        threads::in_guest(|thread| {
            for (index, library) in libraries().iter().enumerate().rev() {
                thread.running.set(index as u32);
                if let Some(function) = library.descriptor.fini {
                    // SAFETY: the library's own function.
                    unsafe { function() };
                }
            }
            // SAFETY: libc's own function; null means all streams.
            unsafe { (program::functions().fflush)(core::ptr::null_mut()) };
        });
    }
}
