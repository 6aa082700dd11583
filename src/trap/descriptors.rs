//! The descriptors that we keep: the tree file, the program, and where reports
//! go. They are out of the application's way, above its limit where that can be, and survive
//! its closing everything.

#![allow(unsafe_code, reason = "makes the application's call in two parts")]

use core::ffi::CStr;
use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use crate::abi::errno::Errno;
use crate::kernel;
use crate::rewrite::rewriter;
use crate::trap::area::ThreadArea;

/// What we keep a descriptor of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kept {
    /// The executable that new programs start with (`image::tree`).
    Tree,
    /// Where the report goes.
    Report,
    /// The program that the process is, if our image was executed for it.
    Program,
}

static KEPT: [AtomicI32; 3] = [const { AtomicI32::new(-1) }; 3];

/// Whether another process may share our descriptors; never false again, for
/// nobody tells when it has gone.
static SHARED: AtomicBool = AtomicBool::new(false);

/// A process that shares our descriptors (CLONE_FILES) is about to be made.
pub(crate) fn share() {
    SHARED.store(true, Ordering::Relaxed);
}

/// Whether another process may share our descriptors.
pub(crate) fn are_shared() -> bool {
    SHARED.load(Ordering::Relaxed)
}

/// The number of a kept descriptor; −1 if there is none.
pub(crate) fn kept(what: Kept) -> i32 {
    KEPT[what as usize].load(Ordering::Relaxed)
}

/// Takes over a descriptor that has its number already: after an exec.
pub(crate) fn inherit(what: Kept, fd: i32) {
    KEPT[what as usize].store(fd, Ordering::Relaxed);
}

/// Puts `fd` out of the application's way and keeps it there. Returns the
/// number; if it is another one, `fd` is still open.
///
/// # Errors
/// What fcntl(2) says.
pub(crate) fn keep(what: Kept, fd: i32) -> Result<i32, Errno> {
    let kept = out_of_the_way(fd)?;
    inherit(what, kept);
    Ok(kept)
}

/// Bytes of a report that are written at once.
const BUFFER: usize = 256 * 1024;

/// Limits above this would make the kernel's descriptor table large for one
/// descriptor; then it goes just below.
const HIGHEST: u64 = 4096;

/// Whether this process writes the report of its tree.
pub(crate) fn reports() -> bool {
    kept(Kept::Report) >= 0
}

/// Opens the report's file, or takes a copy of standard error.
///
/// # Errors
/// What open(2) says of the file.
pub(crate) fn open_report(path: Option<&CStr>) -> Result<(), Errno> {
    match path {
        Some(path) => {
            let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_TRUNC | libc::O_APPEND;
            let low = kernel::open(path, flags, 0o666)?;
            let kept = keep(Kept::Report, low);
            if kept != Ok(low) {
                kernel::close(low);
            }
            kept.map(drop)
        }
        // A process without standard error has nowhere to report to.
        None => {
            let _ = keep(Kept::Report, 2);
            Ok(())
        }
    }
}

/// Duplicates `fd` to a number that the application does not meet.
fn out_of_the_way(fd: i32) -> Result<i32, Errno> {
    let duplicate = |least: u64| kernel::fcntl(fd, libc::F_DUPFD_CLOEXEC, least).map(|fd| fd as i32);
    let (soft, hard) = kernel::file_limit(None)?;
    if soft < hard && soft <= HIGHEST {
        // Descriptors above the limit stay valid; the application's own number
        // of descriptors is not touched.
        kernel::file_limit(Some((soft + KEPT.len() as u64, hard)))?;
        let high = duplicate(soft);
        kernel::file_limit(Some((soft, hard)))?;
        if high.is_ok() {
            return high;
        }
    }
    duplicate(soft.min(HIGHEST).saturating_sub(1)).or_else(|_| duplicate(3))
}

/// Keeps our descriptors through the application's closing: the kept ones, and
/// the one that a rewrite has open for a moment. None: the kernel serves the
/// call.
pub(crate) fn serve(area: &ThreadArea, number: u32) -> Option<i64> {
    let [first, second, third, ..] = area.call.args;
    if i64::from(number) == libc::SYS_close {
        rewriter::wait_if_busy();
        return is_kept(first as i32).then_some(Errno::EBADF.to_result());
    }
    if i64::from(number) == libc::SYS_close_range {
        rewriter::wait_if_busy();
        return close_range(first as u32, second as u32, third);
    }
    // A number that is free now may be a rewrite's in a moment, which the call
    // would close. One that is taken is the application's own, and closing what
    // it stands for may take long: not under the lock.
    rewriter::while_idle(|| {
        for slot in &KEPT {
            let fd = slot.load(Ordering::Relaxed);
            if fd >= 0 && second as i32 == fd && first as i32 != fd {
                // The application wants the number: ours moves.
                if let Ok(moved) = kernel::fcntl(fd, libc::F_DUPFD_CLOEXEC, 3) {
                    slot.store(moved as i32, Ordering::Relaxed);
                }
            }
        }
        kernel::fcntl(second as i32, libc::F_GETFD, 0).is_err().then(|| {
            // SAFETY: the application's own call with its own arguments.
            unsafe { kernel::call(number.into(), area.call.args) }
        })
    })
}

fn is_kept(fd: i32) -> bool {
    fd >= 0 && KEPT.iter().any(|slot| slot.load(Ordering::Relaxed) == fd)
}

/// `close_range` around what is kept.
fn close_range(first: u32, last: u32, flags: u64) -> Option<i64> {
    let kept = KEPT.each_ref().map(|slot| slot.load(Ordering::Relaxed));
    let mut kept = kept.map(|fd| u32::try_from(fd).ok().filter(|fd| (first..=last).contains(fd)));
    if kept == [None; 3] || flags & !u64::from(libc::CLOSE_RANGE_UNSHARE) != 0 {
        return None;
    }
    kept.sort_unstable();
    let mut result = 0;
    let mut next = Some(first);
    // Up to each kept one, then up to the end.
    for end in kept.into_iter().flatten().map(Some).chain([None]) {
        let start = next?;
        let to = end.map_or(Some(last), |fd| fd.checked_sub(1));
        if let Some(to) = to.filter(|&to| start <= to)
            && result == 0
        {
            // SAFETY: the application's own call, less our descriptors.
            result = unsafe { kernel::call(libc::SYS_close_range, [start.into(), to.into(), flags, 0, 0, 0]) };
        }
        next = end.map_or(Some(0), |fd| fd.checked_add(1));
    }
    Some(result)
}

/// Runs `write` on a buffer and sends it off in one piece if it fits.
pub(crate) fn write_report(write: impl FnOnce(&mut dyn fmt::Write) -> fmt::Result) {
    let fd = kept(Kept::Report);
    if fd < 0 {
        return;
    }
    let Ok(buffer) = kernel::map(0, BUFFER, libc::PROT_READ | libc::PROT_WRITE, 0) else {
        return;
    };
    // SAFETY: just mapped, of that size, ours alone.
    let bytes = unsafe { core::slice::from_raw_parts_mut(buffer as *mut u8, BUFFER) };
    let mut out = Buffer { fd, bytes, len: 0 };
    let _ = write(&mut out);
    out.flush();
    // SAFETY: the slice is gone.
    unsafe { kernel::unmap(buffer, BUFFER) };
}

struct Buffer<'a> {
    fd: i32,
    bytes: &'a mut [u8],
    len: usize,
}

impl Buffer<'_> {
    fn flush(&mut self) {
        let _ = kernel::write_all(self.fd, self.bytes.get(..self.len).unwrap_or(&[]));
        self.len = 0;
    }
}

impl fmt::Write for Buffer<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for chunk in text.as_bytes().chunks(1024) {
            if self.len + chunk.len() > self.bytes.len() {
                self.flush();
            }
            let end = self.len + chunk.len();
            self.bytes
                .get_mut(self.len..end)
                .ok_or(fmt::Error)?
                .copy_from_slice(chunk);
            self.len = end;
        }
        Ok(())
    }
}
