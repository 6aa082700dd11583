//! Arguments and environment as the kernel gave them, and `execve`.
//!
//! `main` is C's, not Rust's: std's start ignores SIGPIPE and opens closed
//! descriptors 0 to 2, and the program would inherit that. For the same reason
//! std's own `exec` is not used: it sorts the environment, empties the signal
//! mask and resets SIGPIPE.
#![allow(unsafe_code, reason = "C's main, execve and faccessat")]

use std::convert::Infallible;
use std::ffi::{CStr, CString, OsStr, OsString, c_char};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::ptr;

use crate::plan::Exec;

#[cfg(not(test))]
// SAFETY: this is the program's only `main`, with the signature that glibc calls.
#[unsafe(no_mangle)]
extern "C" fn main(_argc: std::ffi::c_int, argv: *const *const c_char, envp: *const *const c_char) -> std::ffi::c_int {
    // SAFETY: C's start passes both as arrays that end with a null pointer and stay for ever.
    let (arguments, environment) = unsafe { (strings(argv), strings(envp)) };
    crate::run(arguments, &environment).into()
}

/// Copies an array of strings that ends with a null pointer.
///
/// # Safety
/// `array` is such an array, its strings are terminated, and none of it changes meanwhile.
unsafe fn strings(mut array: *const *const c_char) -> Vec<OsString> {
    let mut copies = Vec::new();
    loop {
        // SAFETY: not yet behind the null pointer that ends the array.
        let string = unsafe { *array };
        if string.is_null() {
            return copies;
        }
        // SAFETY: a terminated string, by the caller's promise.
        let bytes = unsafe { CStr::from_ptr(string) }.to_bytes();
        copies.push(OsStr::from_bytes(bytes).to_owned());
        // SAFETY: at most one behind the last string, where the null pointer is.
        array = unsafe { array.add(1) };
    }
}

/// Executes `exec`. Returns only if that failed.
///
/// # Errors
/// What the kernel says.
pub(crate) fn execute(exec: &Exec) -> io::Result<Infallible> {
    let path = CString::new(exec.path.as_bytes())?;
    let (argv, envp) = (terminated(&exec.argv)?, terminated(&exec.envp)?);
    let (argv, envp) = (pointers(&argv), pointers(&envp));
    // SAFETY: a terminated path, and two arrays of terminated strings that end with a null pointer; all of
    // them live until the call returns.
    unsafe { libc::execve(path.as_ptr(), argv.as_ptr(), envp.as_ptr()) };
    Err(io::Error::last_os_error())
}

fn terminated(strings: &[OsString]) -> io::Result<Vec<CString>> {
    let copies = strings.iter().map(|string| CString::new(string.as_bytes()));
    Ok(copies.collect::<Result<_, _>>()?)
}

fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    let each = strings.iter().map(|string| string.as_ptr());
    each.chain([ptr::null()]).collect()
}

/// Whether we may execute the file at `path`, by its mode and its mount, as the kernel's execve asks.
pub(crate) fn may_execute(path: &CStr) -> io::Result<()> {
    // SAFETY: a terminated path; the call writes nothing.
    match unsafe { libc::faccessat(libc::AT_FDCWD, path.as_ptr(), libc::X_OK, libc::AT_EACCESS) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_copied_up_to_the_null_pointer() {
        let array = [
            c"A=1".as_ptr(),
            c"".as_ptr(),
            c"\xff".as_ptr(),
            ptr::null(),
            c"no".as_ptr(),
        ];
        // SAFETY: an array of terminated strings with a null pointer.
        let copies = unsafe { strings(array.as_ptr()) };
        assert_eq!(copies, [OsStr::new("A=1"), OsStr::new(""), OsStr::from_bytes(b"\xff")]);
    }

    #[test]
    fn access_is_that_of_the_file() {
        assert!(may_execute(c"/proc/self/exe").is_ok());
        let missing = may_execute(c"/nonexistent/file").map_err(|error| error.raw_os_error());
        assert_eq!(missing, Err(Some(libc::ENOENT)));
    }

    #[test]
    fn a_refused_exec_says_why() {
        let exec = Exec {
            path: "/nonexistent/file".into(),
            argv: vec!["file".into()],
            envp: vec![],
        };
        let Err(error) = execute(&exec);
        assert_eq!(error.raw_os_error(), Some(libc::ENOENT));
    }
}
