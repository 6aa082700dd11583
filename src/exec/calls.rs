//! The application's calls that follow an exe link of this tree: they get the
//! program that our image has loaded, where the kernel would give the image.
//!
//! They are made first, and only what came back is looked at: so a path is read
//! only after the kernel has read it, and mostly its last four bytes alone.
//! Two kinds are looked at before, and cost a probe of the path: readlink, which
//! would leave more in the application's buffer than the program's name may
//! overwrite, and calls that would change our image.
//!
//! Limits: through the application's own symbolic link to an exe link only
//! stat(2) and execve(2) find the program, the others find our image, unless
//! that link is called `exe` as well. linkat(2) links our image. Processes
//! outside of the tree see our image.

#![allow(unsafe_code, reason = "reads and writes memory that the kernel has just accessed")]

use crate::abi::errno::Errno;
use crate::exec::identity;
use crate::exec::link::{self, Owner};
use crate::exec::path::{PATH_MAX, PathBuffer, may_be_memfd};
use crate::kernel;
use crate::kernel::path::{access, readlink_at, stat_at};
use crate::kernel::user;
use crate::trap::area::ThreadArea;
use crate::trap::dispatch::Post;

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
    libc::SYS_chmod,
    libc::SYS_fchmodat,
    SYS_FCHMODAT2,
    libc::SYS_chown,
    libc::SYS_fchownat,
    libc::SYS_utime,
    libc::SYS_utimes,
    libc::SYS_futimesat,
    libc::SYS_utimensat,
    libc::SYS_setxattr,
    libc::SYS_getxattr,
    libc::SYS_listxattr,
    libc::SYS_removexattr,
    libc::SYS_statfs,
    libc::SYS_inotify_add_watch,
];

/// `fchmodat2` (Linux 6.6).
const SYS_FCHMODAT2: i64 = 452;

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
    /// A text in a buffer of the application's.
    Readlink,
    /// What a file is given, or has besides; argument `flags` may say that a
    /// link's own is meant.
    Attribute { flags: Option<usize> },
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
        libc::SYS_readlink => plain(Kind::Readlink),
        libc::SYS_readlinkat => at(Kind::Readlink),
        libc::SYS_fchmodat | libc::SYS_futimesat => at(Kind::Attribute { flags: None }),
        SYS_FCHMODAT2 | libc::SYS_utimensat => at(Kind::Attribute { flags: Some(3) }),
        libc::SYS_fchownat => at(Kind::Attribute { flags: Some(4) }),
        libc::SYS_inotify_add_watch => Form {
            directory: None,
            path: 1,
            kind: Kind::Attribute { flags: None },
        },
        number if CORE.contains(&number) => plain(Kind::Attribute { flags: None }),
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
        Kind::Readlink | Kind::Attribute { .. } => false,
        // SAFETY: so the kernel has read the path.
        Kind::Open if result > 0 => unsafe { ends_in_exe(path, user::length(path)) },
        // SAFETY: as above.
        Kind::Access if result == 0 => unsafe { ends_in_exe(path, user::length(path)) },
        // A filter of the application's own may have answered this.
        Kind::Open | Kind::Access => (result == 0 || denied(result)) && may_end_in_exe(path),
    };
    if concerned {
        follow(area, &form, result).unwrap_or(result)
    } else {
        result
    }
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

fn may_end_in_exe(path: u64) -> bool {
    // SAFETY: it could be read a moment ago.
    user::string_length(path, PATH_MAX as u64).is_ok_and(|len| unsafe { ends_in_exe(path, len) })
}

/// # Safety
/// `path` must be a C string of this length.
unsafe fn ends_in_exe(path: u64, len: u64) -> bool {
    if len < 3 {
        return false;
    }
    let end = (path + len) as *const u8;
    // SAFETY: the bytes lie in the string.
    unsafe {
        let name = [*end.sub(3), *end.sub(2), *end.sub(1)];
        name == *b"exe" && (len == 3 || *end.sub(4) == b'/')
    }
}

/// Whether [`serve`] may answer a call without the kernel's having made it.
pub(crate) fn is_served(area: &ThreadArea) -> bool {
    let Some(form) = form(area.call.number()) else {
        return false;
    };
    let path = area.call.args[form.path];
    match form.kind {
        Kind::Readlink => concerns_link(path),
        Kind::Attribute { flags } => concerns_program(area, flags, path),
        _ => false,
    }
}

/// Whether a readlink may be of an exe link: by its path, or by a descriptor.
fn concerns_link(path: u64) -> bool {
    // SAFETY: it could be read a moment ago.
    user::string_length(path, PATH_MAX as u64).is_ok_and(|len| len == 0 || unsafe { ends_in_exe(path, len) })
}

fn concerns_program(area: &ThreadArea, flags: Option<usize>, path: u64) -> bool {
    let flags = flags.map_or(0, |index| area.call.args[index]);
    flags as i32 & libc::AT_SYMLINK_NOFOLLOW == 0 && may_end_in_exe(path)
}

/// The enter side. None: the kernel makes the call, and [`finish`] looks at
/// what comes of it.
pub(crate) fn serve(area: &mut ThreadArea) -> Option<i64> {
    let form = form(area.call.number())?;
    let path = area.call.args[form.path];
    match form.kind {
        Kind::Readlink if concerns_link(path) => readlink(area, &form),
        Kind::Attribute { flags } if concerns_program(area, flags, path) => follow(area, &form, 0),
        Kind::Readlink | Kind::Attribute { .. } => None,
        _ => {
            area.post = Post::Path;
            None
        }
    }
}

/// A call that has probably met an exe link. None: it has not.
#[cold]
#[inline(never)]
fn follow(area: &ThreadArea, form: &Form, result: i64) -> Option<i64> {
    let args = &area.call.args;
    let start = directory_of(area, form);
    let mut link = PathBuffer::new();
    // SAFETY: the kernel has read the path.
    unsafe { copy_path(&mut link, args[form.path])? };
    let image = identity::image();
    let met = match form.kind {
        Kind::Open if result >= 0 => kernel::file_identity(result as i32) == Ok((image.device, image.inode)),
        Kind::Stat { .. } | Kind::Statx { .. } => true,
        _ => stat_at(start, link.c_str()) == Ok(image),
    };
    if !met {
        return None;
    }
    let owner = link::owner(start, &mut link, image)?;
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
    let bytes = unsafe { core::slice::from_raw_parts(path as *const u8, user::length(path) as usize) };
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

/// readlink of what may be an exe link. None: it is none of ours.
#[cold]
#[inline(never)]
fn readlink(area: &ThreadArea, form: &Form) -> Option<i64> {
    let args = &area.call.args;
    let start = directory_of(area, form);
    let mut link = PathBuffer::new();
    // SAFETY: it could be read a moment ago.
    unsafe { copy_path(&mut link, args[form.path])? };
    let mut text = [0; 16];
    let len = readlink_at(start, link.c_str(), &mut text).ok()?;
    if !may_be_memfd(text.get(..len)?) {
        return None;
    }
    if link.bytes().is_empty() {
        link::of_descriptor(start, &mut link).ok()?;
    }
    let owner = link::owner(start, &mut link, identity::image())?;
    let mut name = PathBuffer::new();
    let buffer = args[form.path + 1];
    // The kernel takes an int, and says what is wrong with others.
    let size = u32::try_from(args[form.path + 2] as i32)
        .ok()
        .filter(|&size| size > 0)?;
    if owner == Owner::Own && identity::own_descriptor(&mut name) {
        let args = [name.c_str().as_ptr() as u64, buffer, size.into(), 0, 0, 0];
        // SAFETY: the application's own call, with another path.
        return Some(unsafe { kernel::call(libc::SYS_readlink, args) });
    }
    identity::name(owner, &mut link, &mut name)?;
    let name = name.bytes();
    let name = name.get(..name.len().min(size as usize))?;
    if name.len() >= 8 {
        return Some(match kernel::copy_out(buffer, name) {
            Ok(()) => name.len() as i64,
            Err(errno) => errno.to_result(),
        });
    }
    // So few bytes the kernel can write, and says whether it can.
    let mut shorter = *args;
    shorter[form.path + 2] = name.len() as u64;
    // SAFETY: the application's own call, with a smaller buffer, of which the
    // kernel fills as much with our image's longer name.
    let written = unsafe { kernel::call(area.call.number().into(), shorter) };
    if written == name.len() as i64 {
        // SAFETY: the kernel has just written it.
        unsafe { core::ptr::copy_nonoverlapping(name.as_ptr(), buffer as *mut u8, name.len()) };
    }
    Some(written)
}

fn directory_of(area: &ThreadArea, form: &Form) -> i32 {
    form.directory
        .map_or(libc::AT_FDCWD, |index| area.call.args[index] as i32)
}
