//! The ledger of this process's tree, and the process's place in it.

#![allow(unsafe_code, reason = "a mapping becomes a slice")]

use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use super::{FIRST, Geometry, Ledger};
use crate::abi::errno::Errno;
use crate::image::BASE;
use crate::kernel::{self, process};

static MEMORY: AtomicPtr<AtomicU64> = AtomicPtr::new(core::ptr::null_mut());
static WORDS: AtomicUsize = AtomicUsize::new(0);
/// This process's record, plus 1; 0 for none.
static RECORD: AtomicUsize = AtomicUsize::new(0);
/// Tells this process from its ancestors, whose memory it has inherited.
static EPOCH: AtomicU32 = AtomicU32::new(1);

/// The ledger, if the tree has one.
pub(crate) fn ledger() -> Option<Ledger<'static>> {
    let memory = MEMORY.load(Ordering::Acquire);
    if memory.is_null() {
        return None;
    }
    // SAFETY: mapped with this many words by `map`, and not unmapped in use; others
    // change them as atomics only.
    Ledger::open(unsafe { core::slice::from_raw_parts(memory, WORDS.load(Ordering::Relaxed)) })
}

/// The ledger and this process's record in it.
pub(crate) fn own_record() -> Option<(Ledger<'static>, usize)> {
    let record = RECORD.load(Ordering::Relaxed).checked_sub(1)?;
    Some((ledger()?, record))
}

/// Sets this process's record: none while it has yet to get one.
pub(crate) fn set_own_record(record: Option<usize>) {
    RECORD.store(record.map_or(0, |record| record + 1), Ordering::Relaxed);
}

/// A number that no ancestor of this process has.
pub(crate) fn epoch() -> u32 {
    EPOCH.load(Ordering::Relaxed)
}

/// This process is a forked child.
pub(crate) fn next_epoch() {
    EPOCH.fetch_add(1, Ordering::Relaxed);
    set_own_record(None);
}

/// Makes the ledger at `offset` of the file, which it extends.
///
/// # Errors
/// ENOMEM if a useful one does not fit the limits; what ftruncate and mmap say.
pub(crate) fn create(fd: i32, offset: u64, shape: super::Shape) -> Result<(), Errno> {
    let address_space = kernel::limit(libc::RLIMIT_AS as i32)?;
    let file_size = kernel::limit(libc::RLIMIT_FSIZE as i32)?.saturating_sub(offset);
    // The program may have meant to use all of its address space itself.
    let mut room = (address_space / 16).min(file_size).min(1 << 40) as usize;
    loop {
        let geometry = Geometry::within(shape, room).ok_or(Errno::ENOMEM)?;
        let bytes = geometry.len() * 8;
        process::set_size(fd, offset + bytes as u64)?;
        match map(fd, offset, geometry.len(), WRITABLE) {
            Ok(memory) => {
                Ledger::create(memory, geometry).ok_or(Errno::ENOMEM)?;
                return Ok(());
            }
            Err(Errno::ENOMEM) => room = bytes / 2,
            Err(errno) => return Err(errno),
        }
    }
}

/// Maps the ledger that another process has made at `offset` of the file.
///
/// # Errors
/// EINVAL if there is none; what mmap says.
pub(crate) fn attach(fd: i32, offset: u64) -> Result<(), Errno> {
    let mut bytes = [0; 8 * FIRST];
    if kernel::pread(fd, &mut bytes, offset)? != bytes.len() {
        return Err(Errno::EINVAL);
    }
    let mut first = [0; FIRST];
    for (word, bytes) in first.iter_mut().zip(bytes.as_chunks().0) {
        *word = u64::from_ne_bytes(*bytes);
    }
    let words = Ledger::len_of(&first).ok_or(Errno::EINVAL)?;
    map(fd, offset, words, WRITABLE).map(drop)
}

/// Maps the ledger by another descriptor of its file, only to be read.
///
/// # Errors
/// What mmap says.
#[cfg(not(any(test, feature = "std")))]
pub(crate) fn reread(fd: i32, offset: u64) -> Result<(), Errno> {
    let words = WORDS.load(Ordering::Relaxed);
    let before = MEMORY.load(Ordering::Relaxed);
    map(fd, offset, words, libc::PROT_READ)?;
    // SAFETY: of that length; the process has no other thread, and the caller
    // no ledger.
    unsafe { kernel::unmap(before as u64, words * 8) };
    Ok(())
}

/// Where the ledger is to lie, if nothing is there: above our image and the
/// thread areas, away from where the kernel puts the application's mappings.
const PLACE: u64 = BASE + (1 << 40);

const WRITABLE: i32 = libc::PROT_READ | libc::PROT_WRITE;

fn map(fd: i32, offset: u64, words: usize, protection: i32) -> Result<&'static [AtomicU64], Errno> {
    let memory = kernel::map_shared(PLACE, fd, offset, words * 8, protection)? as *mut AtomicU64;
    WORDS.store(words, Ordering::Relaxed);
    MEMORY.store(memory, Ordering::Release);
    // SAFETY: just mapped, of that size, never unmapped.
    Ok(unsafe { core::slice::from_raw_parts(memory, words) })
}
