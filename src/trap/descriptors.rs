//! The descriptors that we keep: the tree file, the program, and where reports
//! go. They are out of the application's way, above its limit where that can be, and survive
//! its closing everything. To the application they are not open: calls that
//! name them say EBADF, and listings leave them out (`trap::listing`).
//!
//! The kernel has a table of descriptors for each process, or thread, that does
//! not share one (CLONE_FILES). Where ours are is noted for each table, since
//! vfork children and others share our memory and not the table. A number alone
//! is not trusted: what is open there must be the file that we keep. A child
//! with a memory of its own that shares the table (CLONE_FILES alone) is not
//! told when ours move.

#![allow(unsafe_code, reason = "makes the application's calls with other descriptors")]

use core::ffi::CStr;
use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};

use crate::abi::errno::Errno;
use crate::abi::sigframe::bit;
use crate::kernel;
use crate::rewrite::lock;
use crate::trap::area::ThreadArea;
use crate::trap::areas;

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

const ALL: [Kept; 3] = [Kept::Tree, Kept::Report, Kept::Program];

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

/// Where our descriptors are in one table of descriptors; −1 if there is none.
#[derive(Debug)]
pub(crate) struct Numbers([AtomicI32; ALL.len()]);

/// Those of the process's own table.
pub(crate) static PROCESS: Numbers = Numbers([const { AtomicI32::new(-1) }; ALL.len()]);

/// Device and inode of what we keep.
#[unsafe(link_section = ".data")]
static FILES: [[AtomicU64; 2]; ALL.len()] = [const { [const { AtomicU64::new(0) }; 2] }; ALL.len()];

impl Numbers {
    pub(crate) fn get(&self, what: Kept) -> i32 {
        self.0[what as usize].load(Ordering::Relaxed)
    }

    fn set(&self, what: Kept, fd: i32) {
        self.0[what as usize].store(fd, Ordering::Relaxed);
    }

    fn copy_from(&self, other: &Numbers) {
        for what in ALL {
            self.set(what, other.get(what));
        }
    }

    /// What we keep at this number, if it is one of ours.
    #[inline]
    pub(crate) fn ours(&self, fd: i32) -> Option<Kept> {
        ALL.into_iter()
            .find(|&what| fd >= 0 && self.get(what) == fd)
            .filter(|&what| is_file(what, kernel::file_identity(fd)))
    }

    /// Puts ours at another number. The old one is still open.
    fn move_away(&self, what: Kept) -> Result<(), Errno> {
        let fd = self.get(what);
        self.set(what, out_of_the_way(fd, fd as u64 + 1)?);
        Ok(())
    }
}

/// Whether a device and an inode are those of what we keep.
pub(crate) fn is_file(what: Kept, identity: Result<(u64, u64), Errno>) -> bool {
    let [device, inode] = FILES[what as usize].each_ref().map(|word| word.load(Ordering::Relaxed));
    identity == Ok((device, inode))
}

/// Where our descriptors are for this thread.
pub(crate) fn numbers(area: &ThreadArea) -> &'static Numbers {
    let numbers = area.numbers.load(Ordering::Relaxed);
    // SAFETY: areas are never unmapped, and all of it is atomic.
    unsafe { numbers.as_ref() }.unwrap_or(&PROCESS)
}

/// The thread has a table of its own from now on, a copy of the one it had.
pub(crate) fn own_table(area: &mut ThreadArea) {
    area.own_numbers.copy_from(numbers(area));
    area.numbers.store(&raw mut area.own_numbers, Ordering::Relaxed);
}

/// The child of a fork is alone: its table is the process's.
pub(crate) fn forked(area: &ThreadArea) {
    PROCESS.copy_from(numbers(area));
    area.numbers.store(core::ptr::null_mut(), Ordering::Relaxed);
}

/// Where the tree file is; None if there is none.
pub(crate) fn tree(area: &ThreadArea) -> Option<i32> {
    let numbers = numbers(area);
    let fd = numbers.get(Kept::Tree);
    if fd < 0 || numbers.ours(fd) == Some(Kept::Tree) {
        return (fd >= 0).then_some(fd);
    }
    let found = (0..FAR as i32).find(|&fd| is_file(Kept::Tree, kernel::file_identity(fd)))?;
    numbers.set(Kept::Tree, found);
    Some(found)
}

/// The descriptor of the program in this thread's table.
pub(crate) fn program() -> Option<i32> {
    // SAFETY: areas are never unmapped; a thread without one has none yet.
    let numbers = unsafe { areas::current().as_ref() }.map_or(&PROCESS, numbers);
    let fd = numbers.get(Kept::Program);
    numbers.ours(fd).map(|_| fd)
}

/// Takes over a descriptor that has its number already: after an exec.
pub(crate) fn inherit(what: Kept, fd: i32) {
    if fd >= 0
        && let Ok((device, inode)) = kernel::file_identity(fd)
    {
        FILES[what as usize][0].store(device, Ordering::Relaxed);
        FILES[what as usize][1].store(inode, Ordering::Relaxed);
    }
    PROCESS.set(what, fd);
}

/// Puts `fd` out of the application's way and keeps it there. Returns the
/// number; if it is another one, `fd` is still open.
///
/// # Errors
/// What fcntl(2) says.
pub(crate) fn keep(what: Kept, fd: i32) -> Result<i32, Errno> {
    let kept = out_of_the_way(fd, 0)?;
    inherit(what, kept);
    Ok(kept)
}

/// Bytes of a report that are written at once.
const BUFFER: usize = 256 * 1024;

/// Limits above this would make the kernel's descriptor table large for one
/// descriptor; then it goes just below.
const HIGHEST: u64 = 4096;

/// Numbers beyond are not searched.
const FAR: u64 = 65536;

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

/// Duplicates `fd` to a number that the application does not meet, as far from
/// `at`, where it does, as the table's size allows.
fn out_of_the_way(fd: i32, at: u64) -> Result<i32, Errno> {
    let duplicate = |least: u64| kernel::fcntl(fd, libc::F_DUPFD_CLOEXEC, least).map(|fd| fd as i32);
    let (soft, hard) = kernel::file_limit(None)?;
    // Descriptors above the limit stay valid; the application's own number of
    // descriptors is not touched. Its hard limit can be raised by the
    // privileged only.
    let above = || {
        let wanted = soft.saturating_add(ALL.len() as u64);
        let raised = if soft < hard { wanted.min(hard) } else { wanted };
        kernel::file_limit(Some((raised, hard.max(raised))))?;
        let high = duplicate(soft);
        kernel::file_limit(Some((soft, hard)))?;
        high
    };
    let below = || {
        let mut numbers = (3..soft.min(FAR)).rev();
        let free = numbers.find(|&number| kernel::fcntl(number as i32, libc::F_GETFD, 0).is_err());
        duplicate(free.unwrap_or(3))
    };
    if soft <= HIGHEST {
        above().or_else(|_| below())
    } else {
        let least = HIGHEST.max(at.saturating_mul(2)).min(soft);
        duplicate(least - 1).or_else(|_| above()).or_else(|_| below())
    }
}

/// Calls whose first argument is a descriptor, by which programs find out
/// whether it is open.
pub(crate) const NAMING: &[i64] = &[
    libc::SYS_fcntl,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_dup,
    libc::SYS_lseek,
    libc::SYS_ioctl,
    libc::SYS_fchmod,
    libc::SYS_fchown,
    libc::SYS_ftruncate,
    libc::SYS_fsync,
    libc::SYS_flock,
];

/// A number that no descriptor has.
const NOT_OPEN: u64 = i32::MAX as u64;

/// `F_DUPFD_QUERY` (`linux/fcntl.h`, Linux 6.10): compares two descriptors.
const F_DUPFD_QUERY: i32 = 1027;

/// Whether fcntl makes a copy by this command, with the lowest free number.
pub(crate) fn duplicates(command: i32) -> bool {
    matches!(command, libc::F_DUPFD | libc::F_DUPFD_CLOEXEC)
}

/// The calls of [`NAMING`]: None if they do not concern ours.
pub(crate) fn serve_named(area: &ThreadArea, number: u32) -> Option<i64> {
    let number = i64::from(number);
    let [first, second, third, ..] = area.call.args;
    let named = numbers(area).ours(first as i32).is_some();
    if named && NAMING.contains(&number) {
        // The kernel says what it says of one that is not open.
        return Some(instead(area, [NOT_OPEN, second, third]));
    }
    match (number, second as i32) {
        (libc::SYS_dup, _) => duplicate(area, 0, 0),
        (libc::SYS_fcntl, libc::F_DUPFD) => duplicate(area, third as u32, 0),
        (libc::SYS_fcntl, libc::F_DUPFD_CLOEXEC) => duplicate(area, third as u32, libc::O_CLOEXEC),
        (libc::SYS_fcntl, F_DUPFD_QUERY) if numbers(area).ours(third as i32).is_some() => {
            Some(instead(area, [first, second, NOT_OPEN]))
        }
        _ => None,
    }
}

/// Makes the application's call with other arguments at its start.
fn instead(area: &ThreadArea, [first, second, third]: [u64; 3]) -> i64 {
    let [.., fourth, fifth, sixth] = area.call.args;
    // SAFETY: the application's own call, with descriptors that are not open.
    unsafe { kernel::call_for_application(area.call.number().into(), [first, second, third, fourth, fifth, sixth]) }
}

/// A copy with the lowest free number from `least` on: if that is where one of
/// ours is, it moves.
fn duplicate(area: &ThreadArea, least: u32, flags: i32) -> Option<i64> {
    let numbers = numbers(area);
    let in_range = |&what: &Kept| u32::try_from(numbers.get(what)).is_ok_and(|fd| fd >= least);
    let what = ALL.into_iter().filter(in_range).min_by_key(|&what| numbers.get(what))?;
    let at = numbers.get(what);
    let source = area.call.args[0];
    // SAFETY: the application's own call with its own arguments.
    let result = unsafe { kernel::call_for_application(area.call.number().into(), area.call.args) };
    let full = result == Errno::EMFILE.to_result();
    if result <= at.into() && !full || numbers.ours(at).is_none() {
        return Some(result);
    }
    lock::while_idle(|| {
        if full && kernel::file_limit(None).is_ok_and(|(soft, _)| at as u64 >= soft) || numbers.move_away(what).is_err()
        {
            return Some(result);
        }
        // SAFETY: replaces ours, which has moved.
        let placed = unsafe { kernel::call(libc::SYS_dup3, [source, at as u64, flags as u64, 0, 0, 0]) };
        if result >= 0 {
            kernel::close(result as i32);
        }
        Some(placed)
    })
}

/// Keeps our descriptors through the application's closing: the kept ones, and
/// the one that a rewrite has open for a moment. None: the kernel serves the
/// call.
pub(crate) fn serve(area: &mut ThreadArea, number: u32) -> Option<i64> {
    let [first, second, third, ..] = area.call.args;
    match i64::from(number) {
        libc::SYS_close => {
            lock::wait_if_busy();
            let ours = numbers(area).ours(first as i32).is_some();
            ours.then_some(Errno::EBADF.to_result())
        }
        libc::SYS_close_range => {
            lock::wait_if_busy();
            if third & u64::from(libc::CLOSE_RANGE_UNSHARE) != 0 {
                own_table(area);
            }
            close_range(numbers(area), first as u32, second as u32, third)
        }
        libc::SYS_unshare => {
            // SAFETY: the application's own call with its own arguments.
            let result = unsafe { kernel::call_for_application(number.into(), area.call.args) };
            if result == 0 && first as i32 & libc::CLONE_FILES != 0 {
                own_table(area);
            }
            Some(result)
        }
        _ => duplicate_to(area),
    }
}

/// dup2 and dup3.
fn duplicate_to(area: &ThreadArea) -> Option<i64> {
    let numbers = numbers(area);
    let [first, second, third, ..] = area.call.args;
    let (from, to) = (first as i32, second as i32);
    if numbers.ours(from).is_some() {
        let to = if to == from { NOT_OPEN } else { second };
        return Some(instead(area, [NOT_OPEN, to, third]));
    }
    // A number that is free now may be a rewrite's in a moment, which the call
    // would close. One that is taken is the application's own, and closing what
    // it stands for may take long: not under the lock.
    lock::while_idle(|| {
        let is_open = |fd| kernel::fcntl(fd, libc::F_GETFD, 0).is_ok();
        if let Some(what) = numbers.ours(to) {
            let within = kernel::file_limit(None).is_ok_and(|(soft, _)| (to as u64) < soft);
            // The application wants the number: ours moves.
            if within && is_open(from) && numbers.move_away(what).is_err() {
                return Some(Errno::EBADF.to_result());
            }
        }
        (!is_open(to) || numbers.ours(to).is_some()).then(|| {
            // SAFETY: the application's own call with its own arguments.
            unsafe { kernel::call_for_application(area.call.number().into(), area.call.args) }
        })
    })
}

/// `close_range` around what is kept.
fn close_range(numbers: &Numbers, first: u32, last: u32, flags: u64) -> Option<i64> {
    let mut kept = ALL.map(|what| {
        let fd = u32::try_from(numbers.get(what)).ok()?;
        let within = (first..=last).contains(&fd) && numbers.ours(fd as i32).is_some();
        within.then_some(fd)
    });
    if kept == [None; ALL.len()] || flags & !u64::from(libc::CLOSE_RANGE_UNSHARE) != 0 {
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
            result = unsafe {
                kernel::call_for_application(libc::SYS_close_range, [start.into(), to.into(), flags, 0, 0, 0])
            };
        }
        next = end.map_or(Some(0), |fd| fd.checked_add(1));
    }
    Some(result)
}

/// Runs `write` on a buffer and sends it off in one piece if it fits.
pub(crate) fn write_report(numbers: &Numbers, write: impl FnOnce(&mut dyn fmt::Write) -> fmt::Result) {
    let fd = numbers.get(Kept::Report);
    if numbers.ours(fd).is_none() {
        return;
    }
    let Ok(buffer) = kernel::map(0, BUFFER, libc::PROT_READ | libc::PROT_WRITE, 0) else {
        return;
    };
    // SAFETY: just mapped, of that size, ours alone.
    let bytes = unsafe { core::slice::from_raw_parts_mut(buffer as *mut u8, BUFFER) };
    let mut out = Buffer { fd, bytes, len: 0 };
    // That nobody reads the report, or that there is no room for it, is no
    // reason to die of a signal.
    let mask = kernel::set_mask(!0);
    let _ = write(&mut out);
    out.flush();
    kernel::children::take_signals(bit(libc::SIGPIPE) | bit(libc::SIGXFSZ));
    kernel::set_mask(mask);
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
