//! What we do for hooks (`struct usertrap_services`).

#![allow(unsafe_code, reason = "called by guests with their pointers")]

use core::ffi::{CStr, c_char, c_int, c_void};
use core::fmt::{self, Write};

use crate::abi::errno::Errno;
use crate::guest::descriptor::{ABI_VERSION, Services};
use crate::guest::{calls, hook, instead, symbols};
use crate::kernel;
use crate::kernel::log;
use crate::rewrite::maps;
use crate::setup::config::Level;
use crate::trap::copy;

pub(super) static SERVICES: Services = Services {
    abi: ABI_VERSION,
    size: size_of::<Services>() as u32,
    call,
    read,
    write,
    log,
    locate,
    symbol,
};

unsafe extern "C" fn call(number: i64, a: u64, b: u64, c: u64, d: u64, e: u64, f: u64) -> i64 {
    if number == libc::SYS_rt_sigprocmask {
        copy::mask_changes();
    }
    let args = [a, b, c, d, e, f];
    calls::forbidden(number, args).unwrap_or_else(|| instead::call(number, args))
}

fn status(result: Result<(), Errno>) -> c_int {
    result.map_or_else(|errno| errno.to_result() as c_int, |()| 0)
}

unsafe extern "C" fn read(to: *mut c_void, from: u64, len: usize) -> c_int {
    // SAFETY: the hook's own buffer.
    let out = unsafe { core::slice::from_raw_parts_mut(to.cast::<u8>(), len) };
    status(copy::copy_in(out, from))
}

unsafe extern "C" fn write(to: u64, from: *const c_void, len: usize) -> c_int {
    // SAFETY: the hook's own buffer.
    let bytes = unsafe { core::slice::from_raw_parts(from.cast::<u8>(), len) };
    status(kernel::copy_out_any(to, bytes))
}

unsafe extern "C" fn log(line: *const c_char) {
    // SAFETY: the hook's own string.
    let line = unsafe { CStr::from_ptr(line) };
    log::line(
        Level::Warn,
        format_args!("{}: {}", hook::running(), line.to_bytes().escape_ascii()),
    );
}

/// Text in a buffer, cut at its end.
struct Text<'a> {
    bytes: &'a mut [u8],
    len: usize,
}

impl Text<'_> {
    /// Ends it with a zero, and says how long it is.
    fn finish(self) -> c_int {
        if let Some(place) = self.bytes.get_mut(self.len) {
            *place = 0;
        }
        self.len as c_int
    }
}

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if self.len + 1 < self.bytes.len()
                && let Some(place) = self.bytes.get_mut(self.len)
            {
                *place = byte;
                self.len += 1;
            }
        }
        Ok(())
    }
}

unsafe extern "C" fn locate(address: u64, to: *mut c_char, len: usize) -> c_int {
    // SAFETY: the hook's own buffer.
    let bytes = unsafe { core::slice::from_raw_parts_mut(to.cast::<u8>(), len) };
    let mut text = Text { bytes, len: 0 };
    write_file(address, &mut text);
    text.finish()
}

unsafe extern "C" fn symbol(address: u64, to: *mut c_char, len: usize) -> c_int {
    // SAFETY: the hook's own buffer.
    let bytes = unsafe { core::slice::from_raw_parts_mut(to.cast::<u8>(), len) };
    let mut text = Text { bytes, len: 0 };
    write_function(address, &mut text);
    text.finish()
}

/// Where a guest has faulted, for people: ", enter+0x12 of /path/hook.so+0x1112".
pub(crate) fn place(address: u64, buffer: &mut [u8]) -> &str {
    let mut text = Text { bytes: buffer, len: 0 };
    let _ = text.write_str(", ");
    if write_function(address, &mut text) {
        let _ = text.write_str(" of ");
    }
    write_file(address, &mut text);
    let len = text.len;
    str::from_utf8(buffer.get(..len).unwrap_or(&[])).unwrap_or("")
}

fn write_file(address: u64, text: &mut Text<'_>) {
    let found = maps::file_of(address, |path, offset| {
        let _ = write!(text, "{}+{offset:#x}", path.to_bytes().escape_ascii());
    });
    if found.is_none() {
        let _ = write!(text, "{address:#x}");
    }
}

/// False, and nothing: no function is known there.
fn write_function(address: u64, text: &mut Text<'_>) -> bool {
    let start = text.len;
    let behind = maps::file_of(address, |path, offset| {
        let mut show = |part: &[u8]| {
            let _ = write!(text, "{}", part.escape_ascii());
        };
        if path == c"[vdso]" {
            let start = address - offset;
            return symbols::find(
                &mut |at, out| kernel::copy_in(out, start + at).is_ok(),
                offset,
                &mut show,
            );
        }
        let flags = libc::O_RDONLY | libc::O_CLOEXEC | libc::O_NONBLOCK;
        let fd = path
            .to_bytes()
            .starts_with(b"/")
            .then(|| kernel::open(path, flags, 0).ok())??;
        let mut read = |at, out: &mut [u8]| kernel::pread(fd, out, at) == Ok(out.len());
        let behind = symbols::find(&mut read, offset, &mut show);
        kernel::close(fd);
        behind
    });
    match behind.flatten() {
        Some(behind) => write!(text, "+{behind:#x}").is_ok(),
        None => {
            text.len = start;
            false
        }
    }
}
