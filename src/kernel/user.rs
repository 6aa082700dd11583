//! The application's memory, which may be mapped, or not, or not for us: each
//! access is probed by the kernel first.

#![allow(unsafe_code, reason = "reads and writes memory by address")]

use crate::abi::errno::Errno;
use crate::abi::sigaction::SIGSET_SIZE;
use crate::kernel::syscall;

const PAGE: u64 = 4096;

/// Whether the kernel can read the aligned word at `address`.
///
/// rt_sigprocmask with an operation that does not exist copies the set in
/// before it says EINVAL (`kernel/signal.c`): a probe without an effect, which
/// every sandbox permits and which costs less than process_vm_readv.
pub(crate) fn can_read(address: u64) -> bool {
    const NO_OPERATION: i32 = -1;
    // A null pointer means no set.
    if address == 0 {
        return false;
    }
    // SAFETY: the kernel only reads, and checks the address.
    let result = unsafe { syscall!(SYS_rt_sigprocmask, NO_OPERATION, address, 0, SIGSET_SIZE) };
    Errno::from_result(result) != Some(Errno::EFAULT)
}

/// Whether the kernel can write the eight bytes at `address`; it writes the
/// signal mask there.
fn can_write(address: u64) -> bool {
    if address == 0 {
        return false;
    }
    // SAFETY: the kernel checks the address; the caller is about to overwrite
    // these bytes.
    let result = unsafe { syscall!(SYS_rt_sigprocmask, libc::SIG_BLOCK, 0, address, SIGSET_SIZE) };
    result == 0
}

/// Whether the kernel can write all pages of a range, of which it overwrites
/// some words.
pub fn can_write_range(start: u64, end: u64) -> bool {
    let mut word = start & !7;
    while word < end {
        if !can_write(word) {
            return false;
        }
        word = (word & !(PAGE - 1)) + PAGE;
    }
    true
}

/// Copies memory of the application, or says EFAULT as the kernel would.
///
/// # Errors
/// EFAULT if a part of it cannot be read.
pub fn copy_in(out: &mut [u8], address: u64) -> Result<(), Errno> {
    probe(address, out.len() as u64)?;
    // SAFETY: readable a moment ago. An application that unmaps what it passes
    // to a system call in another thread at the same time faults here.
    unsafe { core::ptr::copy_nonoverlapping(address as *const u8, out.as_mut_ptr(), out.len()) };
    Ok(())
}

/// The opposite of [`copy_in`], for eight bytes to a page.
///
/// # Errors
/// EFAULT if a part of it cannot be written.
pub fn copy_out(address: u64, bytes: &[u8]) -> Result<(), Errno> {
    debug_assert!(bytes.len() >= 8 && bytes.len() as u64 <= PAGE);
    let last = address.checked_add(bytes.len() as u64 - 8).ok_or(Errno::EFAULT)?;
    let one_page = address / PAGE == (last + 7) / PAGE;
    if !can_write(address) || !one_page && !can_write(last) {
        return Err(Errno::EFAULT);
    }
    // SAFETY: writable a moment ago, see `copy_in`.
    unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), address as *mut u8, bytes.len()) };
    Ok(())
}

/// [`copy_in`] of one word.
pub fn copy_in_u64(address: u64) -> Result<u64, Errno> {
    let mut bytes = [0; 8];
    copy_in(&mut bytes, address)?;
    Ok(u64::from_ne_bytes(bytes))
}

/// Whether all of `len` bytes can be read.
///
/// # Errors
/// EFAULT if not.
pub(crate) fn probe(address: u64, len: u64) -> Result<(), Errno> {
    let end = address.checked_add(len).ok_or(Errno::EFAULT)?;
    // One word of each page tells for the page; an aligned one lies in one.
    let mut word = address & !7;
    while word < end {
        if !can_read(word) {
            return Err(Errno::EFAULT);
        }
        word = (word & !(PAGE - 1)) + PAGE;
    }
    Ok(())
}

/// Copies a string of the application with its final zero; its length without.
///
/// # Errors
/// EFAULT if a part of it cannot be read, ENAMETOOLONG if it does not fit.
pub(crate) fn copy_string(out: &mut [u8], address: u64) -> Result<usize, Errno> {
    let mut len = 0;
    loop {
        let at = address.checked_add(len as u64).ok_or(Errno::EFAULT)?;
        let left = (PAGE - at % PAGE) as usize;
        probe(at, 1)?;
        for offset in 0..left {
            let place = out.get_mut(len).ok_or(Errno::ENAMETOOLONG)?;
            // SAFETY: this page was readable a moment ago, see `copy_in`.
            *place = unsafe { ((at + offset as u64) as *const u8).read_volatile() };
            if *place == 0 {
                return Ok(len);
            }
            len += 1;
        }
    }
}

/// Calls `visit` with each of `count` words of the application.
///
/// # Errors
/// EFAULT if one cannot be read; those before it were visited.
pub(crate) fn for_each_word(address: u64, count: usize, visit: &mut impl FnMut(u64)) -> Result<(), Errno> {
    if count == 0 {
        return Ok(());
    }
    probe(address, count as u64 * 8)?;
    for index in 0..count as u64 {
        // SAFETY: readable a moment ago, see `copy_in`.
        visit(unsafe { ((address + index * 8) as *const u64).read_unaligned() });
    }
    Ok(())
}
