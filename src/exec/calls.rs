//! The application's calls that follow an exe link of this tree: they get the
//! program that our image has loaded, where the kernel would give the image.
//!
//! They are made first, and only what came back is looked at: so a path is read
//! only after the kernel has read it, and mostly its last four bytes alone.
//!
//! Limits: an open(2) or access(2) through the application's own symbolic link
//! to an exe link finds our image, unless that link is called `exe` as well;
//! attributes and modes (chmod, link, getxattr, statfs, …) are our image's; and
//! so is what processes outside see.

#![allow(unsafe_code, reason = "reads and writes memory that the kernel has just accessed")]

use crate::abi::errno::Errno;
use crate::exec::identity;
use crate::exec::link::{self, Owner};
use crate::exec::path::{PathBuffer, may_be_memfd};
use crate::kernel;
use crate::kernel::path::{access, stat_at};
use crate::trap::area::ThreadArea;

/// The calls that the core sees once the identity is set.
pub(crate) const CORE: &[i64] = &[
    libc::SYS_readlink,
    libc::SYS_readlinkat,
    libc::SYS_open,
    libc::SYS_creat,
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_stat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_access,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
];

/// Where a call has its path, and what it gives back.
struct Form {
    directory: Option<usize>,
    path: usize,
    kind: Kind,
}

enum Kind {
    /// A descriptor.
    Open,
    /// `struct stat` in the buffer that this argument names.
    Stat { buffer: usize },
    /// `struct statx`.
    Statx { buffer: usize },
    /// Nothing but success.
    Access,
    /// The text, in the buffer that this argument names; the next is its size.
    Readlink { buffer: usize },
}

fn form(number: u32) -> Option<Form> {
    let at = |kind| Form {
        directory: Some(0),
        path: 1,
        kind,
    };
    let plain = |kind| Form {
        directory: None,
        path: 0,
        kind,
    };
    Some(match i64::from(number) {
        libc::SYS_open => plain(Kind::Open),
        libc::SYS_creat => plain(Kind::Open),
        libc::SYS_openat => at(Kind::Open),
        libc::SYS_openat2 => at(Kind::Open),
        libc::SYS_stat => plain(Kind::Stat { buffer: 1 }),
        libc::SYS_newfstatat => at(Kind::Stat { buffer: 2 }),
        libc::SYS_statx => at(Kind::Statx { buffer: 4 }),
        libc::SYS_access => plain(Kind::Access),
        libc::SYS_faccessat | libc::SYS_faccessat2 => at(Kind::Access),
        libc::SYS_readlink => plain(Kind::Readlink { buffer: 1 }),
        libc::SYS_readlinkat => at(Kind::Readlink { buffer: 2 }),
        _ => return None,
    })
}

/// The exit side of one of these calls, which the kernel has made with this
/// result: the result that the application gets.
pub(crate) fn finish(area: &ThreadArea, result: i64) -> i64 {
    let Some(form) = form(area.call.number()) else {
        return result;
    };
    let args = &area.call.args;
    let path = args[form.path];
    let concerned = match form.kind {
        Kind::Stat { buffer } => result == 0 && stat_is_image(args[buffer]),
        Kind::Statx { buffer } => result == 0 && statx_is_image(args[buffer]),
        Kind::Readlink { buffer } => {
            // SAFETY: the kernel has written the text, and has read the path.
            result > 0 && unsafe { is_memfd(args[buffer], result) && (ends_in_exe(path) || is_empty(path)) }
        }
        // SAFETY: with these results the kernel has read the path.
        Kind::Open => (result >= 0 || denied(result)) && unsafe { ends_in_exe(path) },
        // SAFETY: as above.
        Kind::Access => (result == 0 || denied(result)) && unsafe { ends_in_exe(path) },
    };
    if concerned { serve(area, &form, result) } else { result }
}

/// Results that say of our image what may not hold for the program: of its mode
/// and of its being executed.
fn denied(result: i64) -> bool {
    result == Errno::EACCES.to_result() || result == Errno::ETXTBSY.to_result()
}

fn stat_is_image(buffer: u64) -> bool {
    let stat = buffer as *const libc::stat;
    // SAFETY: the kernel has just written it.
    unsafe {
        identity::is_image(
            (&raw const (*stat).st_dev).read_unaligned(),
            (&raw const (*stat).st_ino).read_unaligned(),
        )
    }
}

fn statx_is_image(buffer: u64) -> bool {
    let stat = buffer as *const libc::statx;
    // SAFETY: the kernel has just written it.
    let (major, minor, inode) = unsafe {
        (
            (&raw const (*stat).stx_dev_major).read_unaligned(),
            (&raw const (*stat).stx_dev_minor).read_unaligned(),
            (&raw const (*stat).stx_ino).read_unaligned(),
        )
    };
    identity::is_image(libc::makedev(major, minor), inode)
}

/// # Safety
/// `len` bytes at `text` must be readable.
unsafe fn is_memfd(text: u64, len: i64) -> bool {
    // SAFETY: by the contract.
    may_be_memfd(unsafe { core::slice::from_raw_parts(text as *const u8, len as usize) })
}

/// # Safety
/// `path` must be null or a C string.
unsafe fn is_empty(path: u64) -> bool {
    // SAFETY: by the contract.
    path == 0 || unsafe { *(path as *const u8) } == 0
}

/// # Safety
/// As [`is_empty`].
unsafe fn ends_in_exe(path: u64) -> bool {
    if path == 0 {
        return false;
    }
    // SAFETY: by the contract; the bytes read lie in the string.
    unsafe {
        let len = length(path);
        if len < 3 {
            return false;
        }
        let end = (path + len) as *const u8;
        let name = [*end.sub(3), *end.sub(2), *end.sub(1)];
        name == *b"exe" && (len == 3 || *end.sub(4) == b'/')
    }
}

/// strlen, eight bytes at a time: an aligned word lies in one page.
///
/// # Safety
/// `string` must be a C string.
unsafe fn length(string: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    let mut word = string & !7;
    // Bytes before the string count as not null.
    let mut before = !(u64::MAX << ((string & 7) * 8));
    loop {
        // SAFETY: the word shares its page with a byte of the string.
        let bytes = unsafe { (word as *const u64).read_volatile() } | before;
        let nulls = bytes.wrapping_sub(ONES) & !bytes & HIGH;
        if nulls != 0 {
            return word + u64::from(nulls.trailing_zeros() / 8) - string;
        }
        before = 0;
        word += 8;
    }
}

/// A call that has probably met an exe link.
#[cold]
#[inline(never)]
fn serve(area: &ThreadArea, form: &Form, result: i64) -> i64 {
    serve_link(area, form, result).unwrap_or(result)
}

/// None: it has not.
fn serve_link(area: &ThreadArea, form: &Form, result: i64) -> Option<i64> {
    let args = &area.call.args;
    let start = form.directory.map_or(libc::AT_FDCWD, |index| args[index] as i32);
    let mut link = PathBuffer::new();
    // SAFETY: the kernel has read the path.
    unsafe { copy_path(&mut link, args[form.path])? };
    let image = identity::image();
    let met = match form.kind {
        Kind::Open if result >= 0 => kernel::file_identity(result as i32) == Ok((image.device, image.inode)),
        Kind::Open | Kind::Access => stat_at(start, link.c_str()) == Ok(image),
        Kind::Readlink { .. } if link.bytes().is_empty() => link::of_descriptor(start, &mut link).is_ok(),
        _ => true,
    };
    if !met {
        return None;
    }
    let owner = link::owner(start, &mut link, image)?;
    if let Kind::Readlink { buffer } = form.kind {
        return readlink(owner, &mut link, args[buffer], args[buffer + 1]);
    }
    if matches!(form.kind, Kind::Open) && result >= 0 {
        kernel::close(result as i32);
    }
    let mut program = PathBuffer::new();
    Some(match identity::reach(owner, &mut link, &mut program) {
        Err(errno) => errno.to_result(),
        // The kernel keeps no program of ours from being written, but would one
        // that it had started.
        Ok(()) if wants_writing(area, form, result) => access(program.c_str(), libc::W_OK)
            .err()
            .unwrap_or(Errno::ETXTBSY)
            .to_result(),
        Ok(()) => again(area, form, &program),
    })
}

/// # Safety
/// `path` must be null or a C string.
unsafe fn copy_path(to: &mut PathBuffer, path: u64) -> Option<()> {
    if path == 0 {
        return Some(());
    }
    // SAFETY: by the contract.
    let bytes = unsafe { core::slice::from_raw_parts(path as *const u8, length(path) as usize) };
    to.set(bytes).ok()
}

/// Whether an open that the kernel has denied is for writing.
fn wants_writing(area: &ThreadArea, form: &Form, result: i64) -> bool {
    let flags = match form.kind {
        Kind::Open if result == Errno::ETXTBSY.to_result() => return true,
        Kind::Open if result < 0 => match i64::from(area.call.number()) {
            libc::SYS_creat => return true,
            libc::SYS_openat2 => kernel::copy_in_u64(area.call.args[2]).unwrap_or(0),
            _ => area.call.args[form.path + 1],
        },
        _ => return false,
    };
    flags as i32 & (libc::O_ACCMODE | libc::O_TRUNC) != libc::O_RDONLY
}

/// Makes the application's call with the program's path.
fn again(area: &ThreadArea, form: &Form, program: &PathBuffer) -> i64 {
    let number = i64::from(area.call.number());
    let mut args = area.call.args;
    args[form.path] = program.c_str().as_ptr() as u64;
    if let Some(index) = form.directory {
        args[index] = libc::AT_FDCWD as u64;
    }
    if matches!(number, libc::SYS_open | libc::SYS_openat) {
        // The file is there.
        args[form.path + 1] &= !(libc::O_CREAT as u64);
    }
    // SAFETY: the application's own call, with another path.
    unsafe { kernel::call(number, args) }
}

/// Writes the program's name to the application's buffer as readlink does.
/// None: what the kernel has written stays.
fn readlink(owner: Owner, link: &mut PathBuffer, buffer: u64, size: u64) -> Option<i64> {
    let mut name = PathBuffer::new();
    if owner == Owner::Own && identity::own_descriptor(&mut name).is_some() {
        let args = [name.c_str().as_ptr() as u64, buffer, size, 0, 0, 0];
        // SAFETY: the application's own call, with another path.
        return Some(unsafe { kernel::call(libc::SYS_readlink, args) });
    }
    identity::name(owner, link, &mut name)?;
    let size = usize::try_from(size as i32).ok()?;
    let name = name.bytes();
    let name = name.get(..name.len().min(size))?;
    Some(match put(name, buffer) {
        Ok(()) => name.len() as i64,
        Err(errno) => errno.to_result(),
    })
}

/// Copies to the application's buffer, of which the kernel has just written as
/// much as a memfd's name takes.
fn put(name: &[u8], buffer: u64) -> Result<(), Errno> {
    if name.len() >= 8 {
        return kernel::copy_out(buffer, name);
    }
    // SAFETY: fewer bytes than the kernel wrote.
    unsafe { core::ptr::copy_nonoverlapping(name.as_ptr(), buffer as *mut u8, name.len()) };
    Ok(())
}
