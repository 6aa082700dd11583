//! Opening what is to be executed: with the kernel's own checks, then for
//! reading.

#![allow(unsafe_code, reason = "system calls act on raw memory")]

use crate::abi::errno::Errno;
use crate::exec::Request;
use crate::exec::identity;
use crate::exec::path::{PATH_MAX, PathBuffer};
use crate::kernel;
use crate::kernel::process::{self, AT_EXECVE_CHECK};
use crate::kernel::user;

/// A descriptor that is closed when it is dropped.
#[derive(Debug)]
pub(crate) struct Owned(i32);

impl Owned {
    pub(crate) fn new(fd: i32) -> Owned {
        Owned(fd)
    }

    pub(crate) fn number(&self) -> i32 {
        self.0
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        kernel::close(self.0);
    }
}

const EMPTY_PATH: u64 = libc::AT_EMPTY_PATH as u64;
const NOFOLLOW: u64 = libc::AT_SYMLINK_NOFOLLOW as u64;

/// All that the kernel checks before it looks at the file's format: path,
/// permissions, mount, strings and their sizes, limits.
///
/// Kernels before 6.14 do not have the check; the open's part of it is done
/// here, and the strings' by the execveat(2) that follows.
pub(crate) fn check(request: &Request) -> Result<(), Errno> {
    // SAFETY: nothing is executed.
    let checked = unsafe {
        process::execveat(
            request.directory,
            request.path,
            request.argv,
            request.envp,
            request.flags | AT_EXECVE_CHECK,
        )
    };
    if checked != Err(Errno::EINVAL) || request.flags & !(EMPTY_PATH | NOFOLLOW) != 0 {
        return checked;
    }
    old_check(request)
}

/// The check of an interpreter, which the kernel opens by its path.
pub(crate) fn check_path(path: u64) -> Result<(), Errno> {
    let empty = 0u8;
    let argv = [&raw const empty as u64, 0];
    let envp = [0u64];
    check(&Request {
        directory: libc::AT_FDCWD,
        path,
        argv: argv.as_ptr() as u64,
        envp: envp.as_ptr() as u64,
        flags: 0,
    })
}

/// `do_open_execat` (`fs/exec.c`), as far as it can be had from outside; that
/// somebody has the file open for writing (ETXTBSY) is not seen before 6.8.
fn old_check(request: &Request) -> Result<(), Errno> {
    // An exec that cannot be, for its arguments are not readable: what the
    // kernel finds before it looks at them. From 6.8 on that is all.
    const UNREADABLE: u64 = u64::MAX - 7;
    // SAFETY: nothing is executed.
    let failed = unsafe { process::execveat(request.directory, request.path, UNREADABLE, UNREADABLE, request.flags) };
    if failed != Err(Errno::EFAULT) {
        return failed;
    }
    let mut flags = libc::O_PATH;
    if request.flags & NOFOLLOW != 0 {
        flags |= libc::O_NOFOLLOW;
    }
    let opened;
    let fd = if is_by_descriptor(request)? {
        if request.directory == libc::AT_FDCWD {
            return Err(Errno::EACCES);
        }
        request.directory
    } else {
        opened = with_room(|| process::open_at(request.directory, request.path, flags)).map(Owned)?;
        opened.number()
    };
    let stat = process::stat(fd)?;
    if stat.st_mode & libc::S_IFMT == libc::S_IFLNK {
        return Err(Errno::ELOOP);
    }
    if stat.st_mode & libc::S_IFMT != libc::S_IFREG || process::mount_flags(fd)? & process::NOEXEC != 0 {
        return Err(Errno::EACCES);
    }
    process::may_execute(fd)
}

/// Whether the file is named by its descriptor alone.
pub(crate) fn is_by_descriptor(request: &Request) -> Result<bool, Errno> {
    let mut first = [0];
    user::copy_in(&mut first, request.path)?;
    if first == [0] && request.flags & EMPTY_PATH == 0 {
        return Err(Errno::ENOENT);
    }
    Ok(first == [0])
}

/// Opens what has been checked, for reading.
///
/// # Errors
/// EACCES if it may be executed only; EMFILE if there is no room for it.
pub(crate) fn open(request: &Request) -> Result<Owned, Errno> {
    if is_by_descriptor(request)? {
        if request.directory == libc::AT_FDCWD {
            return Err(Errno::EACCES);
        }
        // A descriptor of our image comes from an exe link, most likely our own.
        let own = c"/proc/self/exe".as_ptr() as u64;
        return follow_identity(reopen(request.directory)?, libc::AT_FDCWD, own);
    }
    let nofollow = if request.flags & NOFOLLOW != 0 {
        libc::O_NOFOLLOW
    } else {
        0
    };
    let file = with_room(|| process::open_at(request.directory, request.path, libc::O_RDONLY | nofollow)).map(Owned)?;
    follow_identity(file, request.directory, request.path)
}

/// An exe link of the tree leads to our image: the program that runs there is
/// meant.
fn follow_identity(file: Owned, directory: i32, path: u64) -> Result<Owned, Errno> {
    let (device, inode) = kernel::file_identity(file.number())?;
    if !identity::is_image(device, inode) {
        return Ok(file);
    }
    let mut link = [0; PATH_MAX];
    let len = user::copy_string(&mut link, path)?;
    let mut program = PathBuffer::new();
    match identity::program_of(directory, link.get(..len).unwrap_or(&[]), &mut program) {
        None => Ok(file),
        Some(reached) => {
            reached?;
            let path = program.c_str().as_ptr() as u64;
            check_path(path)?;
            with_room(|| process::open_at(libc::AT_FDCWD, path, libc::O_RDONLY)).map(Owned)
        }
    }
}

/// Opens the file at a path of ours.
pub(crate) fn open_path(path: u64) -> Result<Owned, Errno> {
    let file = with_room(|| process::open_at(libc::AT_FDCWD, path, libc::O_RDONLY)).map(Owned)?;
    follow_identity(file, libc::AT_FDCWD, path)
}

/// A descriptor of the same file that can be read: a copy, or for O_PATH and
/// the like the file opened anew.
fn reopen(fd: i32) -> Result<Owned, Errno> {
    let mut byte = [0];
    if kernel::pread(fd, &mut byte, 0).is_ok() {
        return with_room(|| kernel::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0).map(|fd| fd as i32)).map(Owned);
    }
    let path = descriptor_path(fd);
    with_room(|| process::open_at(libc::AT_FDCWD, path.as_ptr() as u64, libc::O_RDONLY)).map(Owned)
}

/// `/proc/self/fd/N`, with its final zero.
pub(crate) fn descriptor_path(fd: i32) -> [u8; 32] {
    const PREFIX: &[u8] = b"/proc/self/fd/";
    let mut path = [0; 32];
    let (prefix, rest) = path.split_at_mut(PREFIX.len());
    prefix.copy_from_slice(PREFIX);
    decimal(fd as u32, rest);
    path
}

/// Writes `number` at the start of `out`; returns its length.
pub(crate) fn decimal(number: u32, out: &mut [u8]) -> usize {
    let len = number.checked_ilog10().unwrap_or(0) as usize + 1;
    let mut rest = number;
    for place in out.iter_mut().take(len).rev() {
        *place = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    len
}

/// Opens a descriptor. execve(2) needs none: where the application's table is
/// full, the limit is raised for the moment.
fn with_room(open: impl Fn() -> Result<i32, Errno>) -> Result<i32, Errno> {
    match open() {
        Err(Errno::EMFILE) => {
            let (soft, hard) = kernel::file_limit(None)?;
            if soft >= hard {
                return Err(Errno::EMFILE);
            }
            kernel::file_limit(Some((hard.min(soft + 8), hard)))?;
            let opened = open();
            kernel::file_limit(Some((soft, hard)))?;
            opened
        }
        opened => opened,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_digits() {
        for number in [0, 1, 9, 10, 99, 100, 1023, 999_999_999, i32::MAX as u32] {
            let mut out = [0; 12];
            let len = decimal(number, &mut out);
            assert_eq!(&out[..len], number.to_string().as_bytes());
        }
        assert!(descriptor_path(17).starts_with(b"/proc/self/fd/17\0"));
    }
}
