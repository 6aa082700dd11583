//! Listings of descriptors: getdents and getdents64 of `/proc/PID/fd` and
//! `fdinfo`, of any process or thread of the tree, leave out what we keep.
//!
//! Most listings are of other directories. One costs a look at each entry's
//! type and first byte; only if an entry has a number for a name, and is a link
//! or a file, the kernel is asked whether the directory is in procfs.

#![allow(unsafe_code, reason = "edits what the kernel has just written")]

use crate::abi::errno::Errno;
use crate::exec::open::decimal;
use crate::image::TREE_LINK;
use crate::kernel::{self, checked, syscall};
use crate::trap::area::ThreadArea;
use crate::trap::descriptors::{self, Kept, Numbers};

/// Where an entry has its name; its length lies at 16 in both forms
/// (`linux/dirent.h`, `fs/readdir.c`).
#[derive(Clone, Copy, Debug)]
enum Form {
    /// getdents: the type is the last byte.
    Old,
    /// getdents64: the type is before the name.
    New,
}

const LENGTH: usize = 16;

impl Form {
    fn name(self) -> usize {
        match self {
            Form::Old => 18,
            Form::New => 19,
        }
    }

    /// Length of the entry at `at`.
    fn length(self, entries: &[u8], at: usize) -> Option<usize> {
        let field = entries.get(at + LENGTH..at + LENGTH + 2)?;
        let length = usize::from(u16::from_ne_bytes([*field.first()?, *field.get(1)?]));
        (length > self.name() && at + length <= entries.len()).then_some(length)
    }

    /// The type of an entry, and its name if that is a number that a kept
    /// descriptor may have.
    fn number(self, entry: &[u8]) -> Option<(u8, &[u8])> {
        let name = entry.get(self.name()..)?;
        if !matches!(name.first(), Some(b'1'..=b'9')) {
            return None;
        }
        let kind = match self {
            Form::Old => *entry.last()?,
            Form::New => *entry.get(18)?,
        };
        if kind != libc::DT_LNK && kind != libc::DT_REG {
            return None;
        }
        let len = name.iter().position(|&byte| byte == 0)?;
        let name = name.get(..len)?;
        (len <= 10 && name.iter().all(u8::is_ascii_digit)).then_some((kind, name))
    }
}

/// Takes out the entries that `hidden` says so of, by type and name. Returns
/// how many bytes are left.
fn remove(entries: &mut [u8], form: Form, mut hidden: impl FnMut(u8, &[u8]) -> bool) -> usize {
    let mut from = 0;
    let mut to = 0;
    while let Some(length) = form.length(entries, from) {
        let entry = entries.get(from..from + length).unwrap_or(&[]);
        if !form.number(entry).is_some_and(|(kind, name)| hidden(kind, name)) {
            shift(entries, from, to, length);
            to += length;
        }
        from += length;
    }
    // Another thread has written here; so be it.
    let rest = entries.len() - from;
    shift(entries, from, to, rest);
    to + rest
}

fn shift(bytes: &mut [u8], from: usize, to: usize, length: usize) {
    if from == to {
        return;
    }
    for offset in 0..length {
        let byte = bytes.get(from + offset).copied().unwrap_or(0);
        if let Some(place) = bytes.get_mut(to + offset) {
            *place = byte;
        }
    }
}

/// The exit side of a listing that has `result` bytes: the result that the
/// application gets.
pub(crate) fn finish(area: &ThreadArea, mut result: i64) -> i64 {
    let number = i64::from(area.call.number());
    let form = if number == libc::SYS_getdents {
        Form::Old
    } else {
        Form::New
    };
    let [directory, buffer, ..] = area.call.args;
    let numbers = descriptors::numbers(area);
    let mut in_proc = None;
    let mut elsewhere = None;
    while result > 0 {
        // SAFETY: the kernel has just written that much.
        let entries = unsafe { core::slice::from_raw_parts_mut(buffer as *mut u8, result as usize) };
        let left = remove(entries, form, |_, name| {
            *in_proc.get_or_insert_with(|| is_procfs(directory))
                && (is_ours(numbers, directory, name)
                    || may_be_program(numbers, directory, name)
                        && *elsewhere.get_or_insert_with(|| is_other_program(numbers, directory)))
        });
        if left > 0 {
            return left as i64;
        }
        // Nothing would mean the end.
        // SAFETY: the application's own call with its own arguments.
        result = unsafe { kernel::call(number, area.call.args) };
    }
    result
}

/// A path beside a directory of descriptors, with its final zero.
struct Beside([u8; 24]);

impl Beside {
    fn new(prefix: &[u8], name: &[u8]) -> Beside {
        let mut path = [0; 24];
        // One byte stays zero.
        for (to, from) in path.iter_mut().take(23).zip(prefix.iter().chain(name)) {
            *to = *from;
        }
        Beside(path)
    }

    fn descriptor(name: &[u8]) -> Beside {
        Beside::new(b"../fd/", name)
    }

    /// Whether it is a link to the tree file, as the text says.
    fn links_to_tree(&self, directory: u64) -> bool {
        let mut text = [0; TREE_LINK.len() + 1];
        // SAFETY: a live C string and a live buffer.
        let length = unsafe {
            syscall!(
                SYS_readlinkat,
                directory,
                self.0.as_ptr(),
                text.as_mut_ptr(),
                text.len()
            )
        };
        usize::try_from(length).ok().and_then(|length| text.get(..length)) == Some(TREE_LINK)
    }

    fn is(&self, directory: u64, what: Kept) -> bool {
        descriptors::is_file(what, identity(directory, &self.0))
    }
}

fn value(name: &[u8]) -> i64 {
    name.iter()
        .fold(0, |value, &digit| value * 10 + i64::from(digit.wrapping_sub(b'0')))
}

/// Whether an entry of a directory in procfs stands for a descriptor that we
/// keep, in this process or another one of the tree: the tree file wherever it
/// is, others at our number.
fn is_ours(numbers: &Numbers, directory: u64, name: &[u8]) -> bool {
    let path = Beside::descriptor(name);
    let fd = value(name);
    // The link says enough of most; the file may lie where asking takes long.
    let at = |what| i64::from(numbers.get(what)) == fd && path.is(directory, what);
    path.links_to_tree(directory) && path.is(directory, Kept::Tree) || at(Kept::Report) || at(Kept::Program)
}

/// Whether an entry lies where the descriptor of another process's program may
/// be, and has its flags.
fn may_be_program(numbers: &Numbers, directory: u64, name: &[u8]) -> bool {
    let fd = value(name);
    let near = (fd - i64::from(numbers.get(Kept::Tree))).abs() <= 3;
    if !near && fd != i64::from(numbers.get(Kept::Program)) {
        return false;
    }
    let path = Beside::new(b"../fdinfo/", name);
    let flags = libc::O_RDONLY | libc::O_CLOEXEC;
    // SAFETY: a live C string.
    let opened = checked(unsafe { syscall!(SYS_openat, directory, path.0.as_ptr(), flags, 0) });
    let Ok(info) = opened else { return false };
    let mut text = [0; 64];
    let length = kernel::read(info as i32, &mut text).unwrap_or(0);
    kernel::close(info as i32);
    let mut lines = text.get(..length).unwrap_or(&[]).split(|&byte| byte == b'\n');
    let flags = lines.find_map(|line| line.strip_prefix(b"flags:\t")).unwrap_or(&[]);
    let flags = flags.iter().fold(0i32, |flags, &digit| {
        flags.wrapping_mul(8) | i32::from(digit.wrapping_sub(b'0'))
    });
    flags & libc::O_CLOEXEC != 0 && flags & libc::O_ACCMODE == libc::O_RDONLY
}

/// Whether the directory is of a process that our image was executed for, with
/// another program than this one's.
fn is_other_program(numbers: &Numbers, directory: u64) -> bool {
    let mut digits = [0; 12];
    let own = numbers.get(Kept::Program);
    let len = if own < 0 { 0 } else { decimal(own as u32, &mut digits) };
    let same = own >= 0 && Beside::descriptor(digits.get(..len).unwrap_or(&[])).is(directory, Kept::Program);
    !same && Beside::new(b"../exe", &[]).links_to_tree(directory)
}

/// Device and inode of the file at a path below a directory.
fn identity(directory: u64, path: &[u8]) -> Result<(u64, u64), Errno> {
    // SAFETY: all-zero is a valid `stat`, plain data.
    let mut stat: libc::stat = unsafe { core::mem::zeroed() };
    // SAFETY: a live C string and a live buffer of the kernel's layout.
    checked(unsafe { syscall!(SYS_newfstatat, directory, path.as_ptr(), &raw mut stat, 0) })?;
    Ok((stat.st_dev, stat.st_ino))
}

fn is_procfs(directory: u64) -> bool {
    // `struct statfs` is words on x86-64; the type comes first.
    let mut stat = [0i64; 15];
    // SAFETY: the buffer is live and has the kernel's size.
    let result = unsafe { syscall!(SYS_fstatfs, directory, stat.as_mut_ptr()) };
    result == 0 && stat[0] == libc::PROC_SUPER_MAGIC
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(form: Form, name: &str, kind: u8) -> Vec<u8> {
        let mut entry = vec![0; (form.name() + name.len() + 2).next_multiple_of(8)];
        let len = entry.len();
        entry[..8].copy_from_slice(&7u64.to_ne_bytes());
        entry[LENGTH..LENGTH + 2].copy_from_slice(&(len as u16).to_ne_bytes());
        entry[form.name()..form.name() + name.len()].copy_from_slice(name.as_bytes());
        match form {
            Form::Old => entry[len - 1] = kind,
            Form::New => entry[18] = kind,
        }
        entry
    }

    fn listing(form: Form, names: &[&str]) -> Vec<u8> {
        names.iter().flat_map(|name| entry(form, name, libc::DT_LNK)).collect()
    }

    #[test]
    fn entries_are_taken_out_wherever_they_are() {
        for form in [Form::Old, Form::New] {
            for names in [
                &["4095"][..],
                &["0", "1", "4095"],
                &["4095", "5", "123456"],
                &[".", "..", "0", "4095", "4096", "4095"],
                &["1", "22", "a"],
                &[],
            ] {
                let mut entries = listing(form, names);
                let left = remove(&mut entries, form, |_, name| name == b"4095");
                let others: Vec<&str> = names.iter().copied().filter(|name| *name != "4095").collect();
                assert_eq!(entries[..left], listing(form, &others), "{form:?} {names:?}");
            }
        }
    }

    #[test]
    fn only_numbers_of_links_and_files_are_looked_at() {
        for form in [Form::Old, Form::New] {
            let mut entries = listing(form, &["..", "0", "05", "12", "x9", "9x", "12345678901", "7"]);
            entries.extend(entry(form, "77", libc::DT_DIR));
            entries.extend(entry(form, "78", libc::DT_REG));
            entries.extend(entry(form, "79", libc::DT_UNKNOWN));
            let mut seen = Vec::new();
            let all = entries.len();
            let left = remove(&mut entries, form, |kind, name| {
                seen.push((kind, String::from_utf8(name.to_vec()).unwrap()));
                false
            });
            assert_eq!(left, all);
            let wanted = [(libc::DT_LNK, "12"), (libc::DT_LNK, "7"), (libc::DT_REG, "78")];
            assert_eq!(seen, wanted.map(|(kind, name)| (kind, name.to_string())));
        }
    }

    #[test]
    fn what_is_no_entry_stays() {
        for form in [Form::Old, Form::New] {
            let mut entries = listing(form, &["4095", "4096"]);
            let whole = entries.len();
            // Lengths of nothing, and beyond the end.
            for length in [0u16, 1, 18, 0xffff] {
                entries[whole / 2 + LENGTH..whole / 2 + LENGTH + 2].copy_from_slice(&length.to_ne_bytes());
                let mut broken = entries.clone();
                assert_eq!(remove(&mut broken, form, |_, _| true), whole / 2, "{length}");
            }
            for cut in 0..entries.len() {
                let mut part = entries[..cut].to_vec();
                assert!(remove(&mut part, form, |_, _| true) <= cut);
            }
        }
    }
}
