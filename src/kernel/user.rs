//! The application's memory, which may be mapped, or not, or not for us: each
//! access is probed by the kernel first.

#![allow(unsafe_code, reason = "reads and writes memory by address")]

use core::cell::Cell;

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

/// Whether the kernel can write all pages of a range of at least eight bytes,
/// of which it overwrites some: four on each side of every other page's end,
/// so that one call tells of two pages.
pub fn can_write_range(start: u64, end: u64) -> bool {
    debug_assert!(end >= start + 8 && start.is_multiple_of(4) && end.is_multiple_of(4));
    let mut page_end = (start & !(PAGE - 1)) + PAGE;
    while page_end < end {
        if !can_write(page_end - 4) {
            return false;
        }
        page_end += 2 * PAGE;
    }
    // All is known up to a page before `page_end`.
    end <= page_end - PAGE || can_write(end - 8)
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

/// Pages that are remembered by a [`Reader`].
const REMEMBERED: usize = 8;

/// [`copy_in`] for who reads much in a few pages: each is probed once in the
/// time that this lives, which is short.
#[derive(Default)]
pub(crate) struct Reader {
    /// Addresses of pages that can be read; 0 for none, which cannot.
    pages: [Cell<u64>; REMEMBERED],
    next: Cell<usize>,
    /// That which was read last.
    latest: Cell<u64>,
}

impl Reader {
    /// Copies memory of the application.
    ///
    /// # Errors
    /// EFAULT if a part of it cannot be read.
    // A proof makes some thirty of these, of a few bytes each: where their number is known
    // they are a move.
    #[inline(always)]
    pub(crate) fn copy_in(&self, out: &mut [u8], address: u64) -> Result<(), Errno> {
        let end = address.checked_add(out.len() as u64).ok_or(Errno::EFAULT)?;
        let latest = self.latest.get();
        if latest == 0 || address < latest || end - latest > PAGE {
            self.look(address, end)?;
        }
        // SAFETY: readable a short time ago, see `copy_in`.
        unsafe { core::ptr::copy_nonoverlapping(address as *const u8, out.as_mut_ptr(), out.len()) };
        Ok(())
    }

    #[inline(never)]
    fn look(&self, address: u64, end: u64) -> Result<(), Errno> {
        let mut page = address & !(PAGE - 1);
        while page < end {
            if !self.can_read(page) {
                return Err(Errno::EFAULT);
            }
            self.latest.set(page);
            page += PAGE;
        }
        Ok(())
    }

    fn can_read(&self, page: u64) -> bool {
        let known = page != 0 && self.pages.iter().any(|known| known.get() == page);
        if known || !can_read(page) {
            return known;
        }
        let next = self.next.get();
        if let Some(place) = self.pages.get(next % REMEMBERED) {
            place.set(page);
        }
        self.next.set(next.wrapping_add(1));
        true
    }
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

/// [`copy_out`] of any length. What a probe overwrites is overwritten anyway: of less than eight
/// bytes getrandom tells, which writes just as many.
///
/// # Errors
/// EFAULT if a part of it cannot be written.
pub(crate) fn copy_out_any(address: u64, bytes: &[u8]) -> Result<(), Errno> {
    let len = bytes.len() as u64;
    let end = address.checked_add(len).ok_or(Errno::EFAULT)?;
    let writable = if len < 8 {
        // SAFETY: the kernel checks the address; these bytes are overwritten below.
        len == 0 || unsafe { syscall!(SYS_getrandom, address, len, libc::GRND_NONBLOCK) } == len as i64
    } else {
        let mut at = address;
        loop {
            if !can_write(at.min(end - 8)) {
                break false;
            }
            at = (at & !(PAGE - 1)) + PAGE;
            if at >= end {
                break true;
            }
        }
    };
    if !writable {
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

/// The length of a string that can be read, eight bytes at a time: an aligned
/// word lies in one page.
///
/// # Safety
/// `string` must be a C string.
pub(crate) unsafe fn length(string: u64) -> u64 {
    let mut word = string & !7;
    loop {
        // SAFETY: the word shares its page with a byte of the string.
        if let Some(end) = unsafe { end_in_word(string, word) } {
            return end - string;
        }
        word += 8;
    }
}

/// The length of a string of the application.
///
/// # Errors
/// EFAULT if a part of it cannot be read, ENAMETOOLONG if it is longer than
/// `most` and a page.
pub(crate) fn string_length(string: u64, most: u64) -> Result<u64, Errno> {
    let mut word = string & !7;
    loop {
        if word > string.saturating_add(most) {
            return Err(Errno::ENAMETOOLONG);
        }
        probe(word, 8)?;
        let page_end = (word & !(PAGE - 1)) + PAGE;
        while word < page_end {
            // SAFETY: this page was readable a moment ago, see `copy_in`.
            if let Some(end) = unsafe { end_in_word(string, word) } {
                return Ok(end - string);
            }
            word += 8;
        }
    }
}

/// Where in the aligned word at `word` the string ends.
///
/// # Safety
/// The word must be readable.
unsafe fn end_in_word(string: u64, word: u64) -> Option<u64> {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    // Bytes before the string count as not null.
    let before = if word < string {
        !(u64::MAX << ((string & 7) * 8))
    } else {
        0
    };
    // SAFETY: by the contract.
    let bytes = unsafe { (word as *const u64).read_volatile() } | before;
    let nulls = bytes.wrapping_sub(ONES) & !bytes & HIGH;
    (nulls != 0).then(|| word + u64::from(nulls.trailing_zeros() / 8))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel;

    #[test]
    fn strings_have_their_length_at_every_alignment() {
        let mut bytes = [b'a'; 64];
        for start in 0..16 {
            for len in 0..32 {
                bytes[start + len] = 0;
                // Bytes with their high bit set, and nulls before the string, mislead nobody.
                bytes[start..start + len].fill(0x80 | len as u8);
                bytes[..start].fill(if len % 2 == 0 { 0 } else { 1 });
                let address = &raw const bytes[start] as u64;
                // SAFETY: it ends at the null just written.
                assert_eq!(unsafe { length(address) }, len as u64);
                assert_eq!(string_length(address, 4096), Ok(len as u64));
                bytes.fill(b'a');
            }
        }
    }

    #[test]
    fn strings_end_with_memory_or_at_the_limit() {
        let pages = kernel::map(0, 3 * PAGE as usize, libc::PROT_READ | libc::PROT_WRITE, 0).unwrap();
        let end = pages + 2 * PAGE;
        // SAFETY: fresh memory of ours.
        unsafe {
            ((pages) as *mut u8).write_bytes(b'a', 2 * PAGE as usize);
            kernel::protect(end, PAGE as usize, libc::PROT_NONE).unwrap();
            assert_eq!(string_length(end - 9, 4096), Err(Errno::EFAULT));
            assert_eq!(string_length(pages, 3 * PAGE), Err(Errno::EFAULT));
            assert_eq!(string_length(pages, 64), Err(Errno::ENAMETOOLONG));
            assert_eq!(string_length(0, 64), Err(Errno::EFAULT));
            ((end - 1) as *mut u8).write(0);
            assert_eq!(string_length(end - 9, 4096), Ok(8));
            assert_eq!(string_length(end - 1, 4096), Ok(0));
            kernel::unmap(pages, 3 * PAGE as usize);
        }
    }

    #[test]
    fn a_range_is_writable_if_all_its_pages_are_and_nothing_beside_it_is_touched() {
        const PAGES: u64 = 6;
        let pages = kernel::map(0, (PAGES * PAGE) as usize, libc::PROT_READ | libc::PROT_WRITE, 0).unwrap();
        let all = (pages..pages + PAGES * PAGE).step_by(4);
        let edges: Vec<u64> = all.filter(|at| matches!(at % PAGE, 0 | 4 | 8 | 4088 | 4092)).collect();
        for &start in &edges {
            for &end in edges.iter().filter(|&&end| end >= start + 8) {
                // SAFETY: memory of ours.
                let bytes = unsafe { core::slice::from_raw_parts_mut(pages as *mut u8, (PAGES * PAGE) as usize) };
                bytes.fill(0xaa);
                assert!(can_write_range(start, end), "{start:#x}..{end:#x}");
                let (from, to) = ((start - pages) as usize, (end - pages) as usize);
                assert!(bytes[..from].iter().chain(&bytes[to..]).all(|byte| *byte == 0xaa));
                for hole in 0..PAGES {
                    let at = pages + hole * PAGE;
                    let wanted = at >= end || at + PAGE <= start;
                    let set = |protection| {
                        // SAFETY: memory of ours; nothing else uses it meanwhile.
                        unsafe { kernel::protect(at, PAGE as usize, protection).unwrap() };
                    };
                    set(libc::PROT_READ);
                    assert_eq!(
                        can_write_range(start, end),
                        wanted,
                        "{start:#x}..{end:#x}, hole at {at:#x}"
                    );
                    set(libc::PROT_READ | libc::PROT_WRITE);
                }
            }
        }
        // SAFETY: nobody uses it any more.
        unsafe { kernel::unmap(pages, (PAGES * PAGE) as usize) };
    }
}
