//! Which program this process is: the kernel knows that our image was executed,
//! and says so in `/proc/PID/exe`.
//!
//! A process keeps a descriptor of its program. So its link follows the file
//! that is renamed or deleted, and leads to it from any root directory. Of other
//! processes, and where no descriptor was to be had, the program is looked up
//! in their memory's list ([`program`]).

use core::sync::atomic::{AtomicU64, Ordering};

use crate::abi::errno::Errno;
use crate::exec::link::{self, Owner};
use crate::exec::path::{DELETED, PATH_MAX, PathBuffer};
use crate::exec::program;
use crate::kernel;
use crate::kernel::path::{FileId, readlink_at, stat_at};
use crate::trap::descriptors::{self, Kept};

/// Device and inode of our image; an inode of 0 is none. They are in the image.
static IMAGE: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];

/// Says which file our image is in, before it is written there.
///
/// # Errors
/// What fstat(2) says.
#[cfg(not(any(test, feature = "std")))]
pub(crate) fn set_image(fd: i32) -> Result<(), Errno> {
    let (device, inode) = kernel::file_identity(fd)?;
    IMAGE[0].store(device, Ordering::Relaxed);
    IMAGE[1].store(inode, Ordering::Relaxed);
    Ok(())
}

/// Our image's file.
pub(crate) fn image() -> FileId {
    FileId {
        device: IMAGE[0].load(Ordering::Relaxed),
        inode: IMAGE[1].load(Ordering::Relaxed),
    }
}

/// Whether a file is our image: what the exe link of an interposed process
/// leads to for the kernel.
pub(crate) fn is_image(device: u64, inode: u64) -> bool {
    inode != 0 && image() == FileId { device, inode }
}

/// Makes this process that of a program, which `fd` has open; once, before the
/// program starts, in a process that the kernel has started from our image.
#[cfg(not(any(test, feature = "std")))]
pub(crate) fn set(fd: i32) {
    use crate::exec::calls::CORE;
    use crate::trap::entry;
    // The rare process without room for one has to look itself up.
    let _ = descriptors::keep(Kept::Program, fd);
    for number in CORE {
        entry::add_interest(*number as u16, entry::CORE | entry::KEEP_SSE);
    }
}

/// The path by which to open the program of the process whose exe link a path
/// leads to; for whoever has found our image there. None: it is no process's
/// exe link.
pub(crate) fn program_of(directory: i32, path: &[u8], out: &mut PathBuffer) -> Option<Result<(), Errno>> {
    let mut link = PathBuffer::new();
    link.set(path).ok()?;
    let owner = link::owner(directory, &mut link, image())?;
    Some(reach(owner, &mut link, out))
}

/// The path by which the program of a link's owner can be opened.
pub(crate) fn reach(owner: Owner, link: &mut PathBuffer, out: &mut PathBuffer) -> Result<(), Errno> {
    let directory = match owner {
        Owner::Own if own_descriptor(out) => return Ok(()),
        Owner::Own => libc::AT_FDCWD,
        Owner::In(directory) => directory,
    };
    let found = program::find(directory, link, image(), out).ok_or(Errno::ENOENT)?;
    // Another process of the same program, perhaps of a deleted one.
    let mut own = PathBuffer::new();
    if own_descriptor(&mut own)
        && stat_at(libc::AT_FDCWD, own.c_str()).is_ok_and(|id| id.inode == found.inode)
        && is_link_to(&own, out.bytes())
    {
        return out.set(own.bytes()).map_err(|_| Errno::ENAMETOOLONG);
    }
    let there = |path: &PathBuffer| stat_at(libc::AT_FDCWD, path.c_str()).ok();
    if there(out).is_some_and(|id| id.inode == found.inode) {
        return Ok(());
    }
    // What is mapped can be opened, by the privileged.
    if directory == libc::AT_FDCWD
        && link
            .set_name(format_args!("map_files/{:x}-{:x}", found.start, found.end))
            .is_ok()
        && there(link).is_some_and(|id| id.inode == found.inode)
    {
        return out.set(link.bytes()).map_err(|_| Errno::ENAMETOOLONG);
    }
    // File systems that are stacked have numbers of their own.
    if out.bytes().ends_with(DELETED) || there(out).is_none() {
        return Err(Errno::ENOENT);
    }
    Ok(())
}

/// The text of the exe link of a link's owner. None: it cannot be found.
pub(crate) fn name(owner: Owner, link: &mut PathBuffer, out: &mut PathBuffer) -> Option<()> {
    let directory = match owner {
        Owner::Own => libc::AT_FDCWD,
        Owner::In(directory) => directory,
    };
    program::find(directory, link, image(), out).map(drop)
}

/// The path of the kept descriptor, if there is one. Whoever has found its own
/// exe link has found out that /proc is there.
pub(crate) fn own_descriptor(out: &mut PathBuffer) -> bool {
    descriptors::program().is_some_and(|fd| link::set_descriptor(out, fd).is_ok())
}

fn is_link_to(link: &PathBuffer, name: &[u8]) -> bool {
    let mut text = [0; PATH_MAX];
    readlink_at(libc::AT_FDCWD, link.c_str(), &mut text).is_ok_and(|len| text.get(..len) == Some(name))
}
