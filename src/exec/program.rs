//! What program another process of the tree is: the kernel names our image in
//! its exe link, but the program's headers lie where its auxiliary vector says,
//! and what is mapped there is the program's file.

use crate::exec::path::{PathBuffer, auxv_value, maps_name, set_unescaped};
use crate::kernel;
use crate::kernel::path::FileId;
use crate::kernel::process;
use crate::rewrite::vma::{Vma, parse_maps_line};

/// A process that is just starting still has our image there: so often is it
/// looked at again.
const TRIES: usize = 200;

/// The program's mapping, found in the directory of /proc that `link` ends in;
/// its name, as readlink would give it, goes to `name`.
pub(crate) fn find(start: i32, link: &mut PathBuffer, image: FileId, name: &mut PathBuffer) -> Option<Vma> {
    for _ in 0..TRIES {
        let headers = headers(start, link)?;
        let mapping = mapping(start, link, headers, name)?;
        if mapping.inode != image.inode {
            return Some(mapping);
        }
        kernel::yield_now();
    }
    None
}

fn open(start: i32, path: &PathBuffer) -> Option<i32> {
    process::open_at(start, path.c_str().as_ptr() as u64, libc::O_RDONLY).ok()
}

/// `AT_PHDR` of the process.
fn headers(start: i32, link: &mut PathBuffer) -> Option<u64> {
    let mut auxv = [0; 1024];
    link.set_name(format_args!("auxv")).ok()?;
    let fd = open(start, link)?;
    let len = kernel::read(fd, &mut auxv);
    kernel::close(fd);
    auxv_value(auxv.get(..len.ok()?)?, libc::AT_PHDR)
}

/// The mapping that `address` lies in.
fn mapping(start: i32, link: &mut PathBuffer, address: u64, name: &mut PathBuffer) -> Option<Vma> {
    link.set_name(format_args!("maps")).ok()?;
    let fd = open(start, link)?;
    let found = search(fd, address, name);
    kernel::close(fd);
    found
}

fn search(fd: i32, address: u64, name: &mut PathBuffer) -> Option<Vma> {
    // The longest line is a path of PATH_MAX behind 73 characters.
    let mut buffer = [0; 8192];
    let mut filled = 0;
    loop {
        let read = kernel::read(fd, buffer.get_mut(filled..)?).ok()?;
        if read == 0 {
            return None;
        }
        filled += read;
        let mut rest = buffer.get(..filled)?;
        while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
            let (line, behind) = rest.split_at(end);
            if let Some(mapping) = parse_maps_line(line)
                && mapping.contains(address)
            {
                set_unescaped(name, maps_name(line)).ok()?;
                return Some(mapping).filter(|mapping| mapping.inode != 0);
            }
            rest = behind.get(1..)?;
        }
        let kept = rest.len();
        buffer.copy_within(filled - kept..filled, 0);
        filled = kept;
    }
}
