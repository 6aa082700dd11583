//! Whose exe link a path leads to.

use crate::abi::errno::Errno;
use crate::exec::path::{PATH_MAX, PathBuffer, directory, is_own_exe, may_be_memfd};
use crate::kernel::path::{FileId, readlink_at, stat_at};

/// Whose it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Owner {
    /// This process's.
    Own,
    /// The process's in whose directory of /proc the path, which starts at this
    /// descriptor, now ends.
    In(i32),
}

/// Symbolic links of the application's that are followed: as many as the kernel
/// follows.
const LINKS: usize = 40;

/// Finds the process whose exe link `path` leads to, through symbolic links of
/// the application's too, and leaves the path at the link itself. None if it is
/// no exe link, or not of a process that our `image` was executed for.
pub(crate) fn owner(start: i32, path: &mut PathBuffer, image: FileId) -> Option<Owner> {
    for _ in 0..LINKS {
        if is_own_exe(path.bytes()) {
            return own(path);
        }
        let mut text = [0; PATH_MAX];
        let len = readlink_at(start, path.c_str(), &mut text).ok()?;
        let text = text.get(..len)?;
        if may_be_memfd(text) {
            if stat_at(start, path.c_str()) != Ok(image) {
                return None;
            }
            if is_own_directory(start, path) {
                return own(path);
            }
            return Some(Owner::In(start));
        }
        path.follow(text).ok()?;
    }
    None
}

/// The link of this process under its one name.
fn own(path: &mut PathBuffer) -> Option<Owner> {
    path.set(b"/proc/self/exe").ok()?;
    Some(Owner::Own)
}

/// Whether the path ends in this process's directory of /proc. While one name
/// of a directory is known, the kernel gives it one inode.
fn is_own_directory(start: i32, path: &PathBuffer) -> bool {
    let mut here = PathBuffer::new();
    if here.set(directory(path.bytes())).is_err() || here.push(b".").is_err() {
        return false;
    }
    let Ok(here) = stat_at(start, here.c_str()) else {
        return false;
    };
    [c"/proc/self/.", c"/proc/thread-self/."]
        .iter()
        .any(|own| stat_at(libc::AT_FDCWD, own) == Ok(here))
}

/// The path at which a descriptor of this process is found.
pub(crate) fn set_descriptor(path: &mut PathBuffer, fd: i32) -> Result<(), Errno> {
    path.set(b"/proc/self/fd/exe")
        .and_then(|()| path.set_name(format_args!("{fd}")))
        .map_err(|_| Errno::ENAMETOOLONG)
}

/// The path of the symbolic link that a descriptor stands for.
pub(crate) fn of_descriptor(fd: i32, path: &mut PathBuffer) -> Result<(), Errno> {
    set_descriptor(path, fd)?;
    let mut text = [0; PATH_MAX];
    let len = readlink_at(libc::AT_FDCWD, path.c_str(), &mut text)?;
    path.set(text.get(..len).unwrap_or(&[]))
        .map_err(|_| Errno::ENAMETOOLONG)
}
