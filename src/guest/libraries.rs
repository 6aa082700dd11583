//! The hook libraries that `USERTRAP_HOOK` names.

#![allow(unsafe_code, reason = "the list is part of the image")]

use core::cell::UnsafeCell;
use core::ffi::CStr;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The most hooks.
pub(crate) const MOST: usize = 8;
/// The most bytes that their paths and options take.
pub(crate) const ROOM: usize = 4096;

/// The stack that a thread block comes with: forks run on it.
pub(crate) const GUEST_STACK: usize = 256 << 10;

/// They are loaded, in this process.
pub(crate) static LOADED: AtomicBool = AtomicBool::new(false);

/// Whether guests run here.
pub(crate) fn are_loaded() -> bool {
    LOADED.load(Ordering::Relaxed)
}

/// Paths and options, each with a zero at its end.
struct List(UnsafeCell<[u8; ROOM]>);

// SAFETY: written once, at the start of the first process.
unsafe impl Sync for List {}

static LIST: List = List(UnsafeCell::new([0; ROOM]));
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// How many there are.
pub(crate) fn count() -> usize {
    COUNT.load(Ordering::Relaxed)
}

/// The entries of a `USERTRAP_HOOK`: path and options.
pub(crate) fn entries(value: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> + Clone {
    value
        .split(|&byte| byte == b',')
        .map(|entry| match entry.iter().position(|&byte| byte == b':') {
            Some(at) => (&entry[..at], &entry[at + 1..]),
            None => (entry, &[][..]),
        })
}

/// Whether they fit: no empty path, not too many, not too long.
pub(crate) fn fit(value: &[u8]) -> bool {
    entries(value).all(|(path, _)| !path.is_empty()) && entries(value).count() <= MOST && value.len() < ROOM / 2
}

/// Notes them for this process and those to come, whose directories are others: a
/// relative path with a `/` in it is one from `directory`.
pub(crate) fn configure(value: &[u8], directory: &[u8]) -> bool {
    // SAFETY: one thread, before the tree file is made.
    let list = unsafe { &mut *LIST.0.get() };
    let mut len = 0;
    let mut put = |bytes: &[u8]| match list.get_mut(len..len + bytes.len()) {
        Some(place) => {
            place.copy_from_slice(bytes);
            len += bytes.len();
            true
        }
        None => false,
    };
    let mut fits = true;
    for (path, options) in entries(value) {
        if path.contains(&b'/') && !path.starts_with(b"/") {
            fits &= put(directory) && put(b"/");
        }
        fits &= put(path) && put(b"\0") && put(options) && put(b"\0");
    }
    COUNT.store(entries(value).count(), Ordering::Relaxed);
    fits
}

/// Path and options, one by one.
fn each() -> impl Iterator<Item = (&'static CStr, &'static CStr)> {
    // SAFETY: written before, once.
    let mut rest: &[u8] = unsafe { &*LIST.0.get() };
    let mut next = move || {
        let text = CStr::from_bytes_until_nul(rest).unwrap_or(c"");
        rest = rest.get(text.count_bytes() + 1..).unwrap_or(&[]);
        text
    };
    (0..count()).map(move |_| (next(), next()))
}

pub(crate) use opened::open_all;

mod opened {
    use core::ffi::CStr;

    use super::each;
    use crate::guest::descriptor::{ABI_VERSION, Descriptor};
    use crate::guest::program::functions;
    use crate::guest::start::give_up;
    use crate::guest::threads::Thread;
    use crate::guest::{hook, services};

    /// How hooks for others are run.
    const INTERCEPT: &str =
        "; put /path/to/libsyscall_intercept.so.0 of usertrap and a colon before it (docs/from-syscall-intercept.md)";
    const ZPOLINE: &str = ": put /path/to/libzpoline.so of usertrap and a colon before it (docs/from-zpoline.md)";

    fn names(text: &[u8], name: &[u8]) -> bool {
        text.windows(name.len()).any(|part| part == name)
    }

    /// Loads them all, in their order.
    pub(crate) fn open_all(thread: &Thread) {
        let functions = functions();
        for (path, options) in each() {
            let shown = path.to_bytes().escape_ascii();
            // SAFETY: libc's own functions, on the thread block that ld.so has made.
            let descriptor = unsafe {
                let library = (functions.dlopen)(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL);
                if library.is_null() {
                    let why = CStr::from_ptr((functions.dlerror)());
                    let hint = match why.to_bytes() {
                        why if names(why, b"intercept_hook_point") || names(why, b"libsyscall_intercept") => INTERCEPT,
                        _ if !names(path.to_bytes(), b"/") => "; write ./ before the name of a file that lies here",
                        _ => "",
                    };
                    give_up(format_args!(
                        "cannot load the hook: {}{hint}",
                        why.to_bytes().escape_ascii()
                    ));
                }
                if !(functions.dlsym)(library, c"__hook_init".as_ptr()).is_null() {
                    give_up(format_args!("{shown} is a hook for zpoline{ZPOLINE}"));
                }
                (functions.dlsym)(library, c"usertrap_hook".as_ptr()).cast::<Descriptor>()
            };
            // SAFETY: the library's own, for good.
            let Some(descriptor) = (unsafe { descriptor.as_ref() }) else {
                give_up(format_args!(
                    "{shown} is no hook: it has no symbol usertrap_hook (see usertrap.h)"
                ));
            };
            if descriptor.abi != ABI_VERSION {
                give_up(format_args!(
                    "{shown} is for version {} of usertrap.h, and this is version {ABI_VERSION}; compile it anew",
                    descriptor.abi
                ));
            }
            let index = hook::add(descriptor, path);
            thread.running.set(index as u32);
            if let Some(init) = descriptor.init {
                // SAFETY: the library's own function.
                let status = unsafe { init(&raw const services::SERVICES, options.as_ptr()) };
                if status != 0 {
                    give_up(format_args!(
                        "the hook {shown} has refused to start (init returned {status})"
                    ));
                }
            }
        }
        hook::all_added();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_have_paths_and_options() {
        let all: Vec<_> = entries(b"a.so:x=1:2,/b/c.so,d.so:").collect();
        assert_eq!(all, [(&b"a.so"[..], &b"x=1:2"[..]), (b"/b/c.so", b""), (b"d.so", b"")]);
        assert!(fit(b"a.so") && !fit(b"") && !fit(b"a.so,,b.so") && !fit(b"a,a,a,a,a,a,a,a,a"));
    }

    #[test]
    fn relative_paths_are_from_the_directory() {
        assert!(configure(b"./a.so:o,b.so,/c.so", b"/home"));
        let all: Vec<_> = each().collect();
        assert_eq!(all, [(c"/home/./a.so", c"o"), (c"b.so", c""), (c"/c.so", c"")]);
    }
}
