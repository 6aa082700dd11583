//! The handlers of binary formats that the administrator has registered, where
//! there are any (`binfmt_misc`).
//!
//! The kernel asks them before its own formats. Here they are asked for what is
//! neither a script nor a program of this machine: no handler takes those in
//! practice, and the directory is not read for each exec.

use core::ffi::CStr;

use crate::abi::errno::Errno;
use crate::exec::misc::{self, Handler};
use crate::exec::open::Owned;
use crate::exec::script::HEAD_SIZE;
use crate::kernel;
use crate::kernel::process;

const DIRECTORY: &[u8] = b"/proc/sys/fs/binfmt_misc/";

/// The longest text of a handler: the kernel makes it in a page.
pub(crate) type Text = [u8; 4096];

/// The handler that takes a file, of whose text `text` holds a copy. None if
/// there is none.
pub(crate) fn find<'a>(head: &[u8; HEAD_SIZE], path: &[u8], text: &'a mut Text) -> Option<Handler<'a>> {
    let status = read(b"status", text).ok()?;
    if misc::status(text.get(..status)?) != Some(true) {
        return None;
    }
    let len = matching(head, path, text)?;
    Handler::parse(text.get(..len)?)
}

/// Reads handlers until one matches: the length of its text. The directory has
/// the last one registered first, which is the kernel's order.
fn matching(head: &[u8; HEAD_SIZE], path: &[u8], text: &mut Text) -> Option<usize> {
    /// `struct linux_dirent64`: where its length and its name stand.
    const LENGTH: usize = 16;
    const NAME: usize = 19;
    let directory = Owned::new(open(b"", libc::O_DIRECTORY).ok()?);
    let mut entries = [0; 2048];
    loop {
        let read_bytes = process::read_directory(directory.number(), &mut entries).ok()?;
        let mut rest = entries.get(..read_bytes).filter(|entries| !entries.is_empty())?;
        while let Some(&[low, high]) = rest.get(LENGTH..LENGTH + 2) {
            let name = CStr::from_bytes_until_nul(rest.get(NAME..)?).ok()?.to_bytes();
            if let Ok(len) = read(name, text)
                && Handler::parse(text.get(..len)?).is_some_and(|handler| handler.matches(head, path))
            {
                return Some(len);
            }
            rest = rest.get(usize::from(u16::from_le_bytes([low, high])).max(1)..)?;
        }
    }
}

/// Opens a file of the directory, or the directory itself.
fn open(name: &[u8], flags: i32) -> Result<i32, Errno> {
    let mut path = [0; DIRECTORY.len() + 256];
    let (directory, rest) = path.split_at_mut(DIRECTORY.len());
    directory.copy_from_slice(DIRECTORY);
    rest.get_mut(..name.len())
        .ok_or(Errno::ENAMETOOLONG)?
        .copy_from_slice(name);
    let path = CStr::from_bytes_until_nul(&path).map_err(|_| Errno::ENAMETOOLONG)?;
    kernel::open(path, libc::O_RDONLY | flags, 0)
}

/// Reads a file of the directory. `register` cannot be read.
fn read(name: &[u8], text: &mut Text) -> Result<usize, Errno> {
    let file = Owned::new(open(name, 0)?);
    kernel::pread(file.number(), text, 0)
}
