//! The table of slots below 2 GB, and the trampolines that the slots lead to.
//!
//! The table is data, never executable. The trampolines lie in our own image,
//! so that they reach the entry by a 32-bit jump; a page of them is never
//! writable and executable (I11): a new one is written through /proc/self/mem,
//! or, where that is refused, made in a copy of its page, which then takes the
//! page's place at once (`mremap`).

#![allow(unsafe_code, reason = "maps the table, replaces pages of trampolines")]

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use crate::abi::errno::Errno;
use crate::kernel;
use crate::rewrite::site::Form;
use crate::rewrite::trampoline::{self, Ours, Slot};
use crate::rewrite::vetted;
use crate::rewrite::writer::OwnMemory;

/// Slots of 8 bytes in 64 KiB.
pub(crate) const SLOTS: usize = 8192;
/// Bytes of the table.
pub(crate) const TABLE_SIZE: usize = SLOTS * 8;
/// With the table here, bytes 5 and 6 of the long jump are `0f 05`.
pub(crate) const PREFERRED: u64 = 0x050f_0000;
const PAGE: usize = 4096;
/// How far above its end the heap is left alone.
const HEAP_ROOM: u64 = 1 << 30;

static TABLE: AtomicU64 = AtomicU64::new(0);
/// Where the slots lie whose addresses have 06 as their third byte, for spans; 0
/// if there are none.
static SPANS: AtomicU64 = AtomicU64::new(0);
/// That table's address beside the preferred one: its fourth byte is the first of
/// `syscall`.
const SPANS_PREFERRED: u64 = 0x0f06_0000;
/// No slot is taken from here on.
static USED: AtomicUsize = AtomicUsize::new(0);
/// None is free before this one.
static FREE: AtomicUsize = AtomicUsize::new(0);
/// The trampolines' pages are executable, even those that hold none yet.
#[unsafe(link_section = ".data")]
static EXECUTABLE: AtomicBool = AtomicBool::new(false);
/// For each slot: the return address; above [`HEAD`] the length of the site's
/// own instructions with which the trampoline begins, or 0; above [`GROWN`] by how
/// much longer they are there.
static RETURNS: [AtomicU64; SLOTS] = [const { AtomicU64::new(0) }; SLOTS];
const HEAD: u32 = 56;
const GROWN: u32 = 61;
const ADDRESS: u64 = (1 << HEAD) - 1;

/// The length of the instructions before the site that belong to a slot, at the
/// site and in the trampoline.
fn lengths(word: u64) -> (u64, u64) {
    let head = word >> HEAD & 0x1f;
    (head, head + (word >> GROWN))
}

#[repr(C, align(4096))]
struct Arena(UnsafeCell<[u8; SLOTS * trampoline::SIZE]>);

// SAFETY: its bytes are only reached by raw addresses: executed, and written or
// replaced page-wise by the kernel under the rewriter's lock.
unsafe impl Sync for Arena {}

static ARENA: Arena = Arena(UnsafeCell::new([0; SLOTS * trampoline::SIZE]));

fn arena() -> u64 {
    ARENA.0.get() as u64
}

/// Maps the table: at `wanted`, or at the preferred address, or at a fallback
/// address 0xNN060000. Returns where.
///
/// # Errors
/// What mmap says of the last address tried.
pub(crate) fn map(wanted: Option<u64>) -> Result<u64, Errno> {
    // It would leave the `syscall` behind each jump.
    let preferred = Some(PREFERRED).filter(|_| !vetted::is_chosen());
    let chosen = free_of_heap(preferred.into_iter().chain(fallbacks()));
    let candidates = wanted.into_iter().chain(chosen.filter(|_| wanted.is_none()));
    let mut error = Errno::ENOMEM;
    for address in candidates {
        match map_at(address) {
            Ok(()) => {
                TABLE.store(address, Ordering::Relaxed);
                SPANS.store(span_table(address), Ordering::Relaxed);
                make_executable();
                return Ok(address);
            }
            Err(errno) => error = errno,
        }
    }
    Err(error)
}

/// Addresses for tables whose slots have 06 as their third byte.
fn fallbacks() -> impl Iterator<Item = u64> {
    let highest = (0x40u64..=0x7f).rev().chain((0x06..0x40).rev());
    highest.map(|high| high << 24 | 0x06_0000)
}

/// Those that are not in the way of the heap: that of a program that is not PIE begins
/// low, anywhere in a gigabyte behind its image, and has room to grow.
fn free_of_heap(addresses: impl Iterator<Item = u64>) -> impl Iterator<Item = u64> {
    let heap = kernel::heap_end();
    addresses.filter(move |address| address + TABLE_SIZE as u64 <= heap || *address >= heap.saturating_add(HEAP_ROOM))
}

/// The table for jumps over several instructions, beside the one at `table`; 0 if
/// there is none.
fn span_table(table: u64) -> u64 {
    if table != PREFERRED {
        return table;
    }
    let candidates = core::iter::once(SPANS_PREFERRED).chain(fallbacks());
    free_of_heap(candidates)
        .find(|address| map_at(*address).is_ok())
        .unwrap_or(0)
}

/// The trampolines' pages are never written again but through the kernel.
fn make_executable() {
    let (start, len) = (arena(), core::mem::size_of::<Arena>());
    // SAFETY: nobody writes there by an address.
    let made = unsafe { kernel::protect(start, len, libc::PROT_READ | libc::PROT_EXEC) };
    EXECUTABLE.store(made.is_ok(), Ordering::Relaxed);
}

fn map_at(address: u64) -> Result<(), Errno> {
    let flags = libc::MAP_32BIT | libc::MAP_FIXED_NOREPLACE;
    let got = kernel::map(address, TABLE_SIZE, libc::PROT_READ | libc::PROT_WRITE, flags)?;
    if got == address {
        return Ok(());
    }
    // A kernel before 4.17 takes the address for a hint.
    // SAFETY: just mapped, nobody knows of it.
    unsafe { kernel::unmap(got, TABLE_SIZE) };
    Err(Errno::ENOMEM)
}

/// Gives the table back: we do not run after all.
pub(crate) fn unmap() {
    let tables = [&TABLE, &SPANS].map(|table| table.swap(0, Ordering::Relaxed));
    for address in tables.into_iter().filter(|address| *address != 0) {
        // SAFETY: no site leads here yet. Of one that is both, nothing is left
        // the second time.
        unsafe { kernel::unmap(address, TABLE_SIZE) };
    }
}

/// Whether `rip` lies in a trampoline.
pub(crate) fn in_trampolines(rip: u64) -> bool {
    rip.wrapping_sub(arena()) < (USED.load(Ordering::Acquire) * trampoline::SIZE) as u64
}

/// Where all trampolines lie.
pub(super) fn trampolines() -> core::ops::Range<u64> {
    arena()..arena() + size_of::<Arena>() as u64
}

/// The trampoline's address of a slot.
pub(crate) fn trampoline_address(slot: usize) -> u64 {
    arena() + (slot * trampoline::SIZE) as u64
}

/// The addresses of a slot and of its trampoline, for jumps of this form.
pub(crate) fn slot(index: usize, form: &Form) -> Slot {
    Slot {
        address: ours().table_of(form) + index as u32 * 8,
        trampoline: trampoline_address(index),
    }
}

/// The code of a slot's trampoline.
pub(crate) fn trampoline_of(slot: usize) -> &'static [u8; trampoline::SIZE] {
    let place = trampoline_address(slot.min(SLOTS - 1)) as *const [u8; trampoline::SIZE];
    // SAFETY: the arena is readable, and the bytes of a trampoline that a slot
    // leads to never change.
    unsafe { &*place }
}

/// Where all slots and trampolines lie.
pub(crate) fn ours() -> Ours {
    Ours {
        table: TABLE.load(Ordering::Relaxed) as u32,
        spans: SPANS.load(Ordering::Relaxed) as u32,
        trampolines: arena(),
        slots: SLOTS as u32,
    }
}

/// All slots that are taken are below this one.
pub(crate) fn used() -> usize {
    USED.load(Ordering::Acquire)
}

/// The return address of the site that a slot belongs to.
pub(crate) fn return_address(slot: usize) -> u64 {
    RETURNS
        .get(slot)
        .map_or(0, |word| word.load(Ordering::Acquire) & ADDRESS)
}

/// The place in the application that a place in a trampoline stands for: one of
/// the site's own instructions that has not been executed, else the `syscall`.
pub(crate) fn site_position(rip: u64) -> Option<u64> {
    if !in_trampolines(rip) {
        return None;
    }
    let offset = rip - arena();
    let word = RETURNS.get(offset as usize / trampoline::SIZE)?.load(Ordering::Acquire);
    let site = (word & ADDRESS).wrapping_sub(2);
    // Only the last instruction may be longer than at the site.
    let (head, _) = lengths(word);
    Some(site.wrapping_sub(head.saturating_sub(offset % trampoline::SIZE as u64)))
}

/// Whether a trampoline has just executed one of the instructions that stood
/// before the `syscall`: natively a step ends there.
pub(crate) fn stepped_to_call(rip: u64) -> bool {
    if !in_trampolines(rip) {
        return false;
    }
    let offset = rip - arena();
    let word = RETURNS.get(offset as usize / trampoline::SIZE);
    let (_, moved) = word.map_or((0, 0), |word| lengths(word.load(Ordering::Acquire)));
    (1..=moved).contains(&(offset % trampoline::SIZE as u64))
}

/// The number that the trampolines of a site load, for a call that came by one
/// of them; None if they load different ones.
pub(crate) fn number_of(site_end: u64) -> Option<u32> {
    let mut numbers = (0..used())
        .filter(|slot| return_address(*slot) == site_end)
        .filter_map(|slot| {
            let word = RETURNS.get(slot)?.load(Ordering::Acquire);
            // Behind a load that is not all of them the number may change.
            let (_, moved) = lengths(word);
            trampoline::number(trampoline_of(slot)).filter(|_| matches!(moved, 5 | 7))
        });
    let first = numbers.next()?;
    numbers.all(|number| number == first).then_some(first)
}

/// The first free slot whose address fits this form; None if there is none left.
/// Under the rewriter's lock.
pub(crate) fn next_slot(form: &Form) -> Option<usize> {
    (FREE.load(Ordering::Relaxed)..SLOTS)
        .filter(|index| return_address(*index) == 0)
        .find(|index| form.fits(slot(*index, form).address))
}

/// Makes a trampoline executable and lets its slot, the one [`next_slot`] gave,
/// lead to it, for jumps of this form. Under the rewriter's lock.
///
/// # Errors
/// What the kernel says: no memory, or no new executable memory.
pub(crate) fn install(
    slot: usize,
    form: &Form,
    new: &trampoline::Trampoline,
    return_address: u64,
    memory: Option<&OwnMemory>,
) -> Result<(), Errno> {
    // Nobody executes these bytes before the slot leads to them.
    let written = EXECUTABLE.load(Ordering::Relaxed)
        && memory.is_some_and(|memory| memory.write(trampoline_address(slot), &new.bytes));
    if !written {
        swap_page(trampoline_address(slot), &new.bytes)?;
    }
    let grown = new.prologue.saturating_sub(new.head) as u64;
    let word = return_address | (new.head as u64) << HEAD | grown << GROWN;
    RETURNS[slot].store(word, Ordering::Release);
    USED.fetch_max(slot + 1, Ordering::Release);
    if slot == FREE.load(Ordering::Relaxed) {
        FREE.store(slot + 1, Ordering::Relaxed);
    }
    let place = self::slot(slot, form).address as usize as *const AtomicU64;
    // SAFETY: the table is mapped, and this slot lies in it.
    unsafe { (*place).store(trampoline_address(slot), Ordering::Release) };
    Ok(())
}

/// Puts a copy of a page of our code in the page's place, with these bytes in it.
/// Under the rewriter's lock.
pub(super) fn swap_page(at: u64, bytes: &[u8]) -> Result<(), Errno> {
    let page = at & !(PAGE as u64 - 1);
    let offset = (at - page) as usize;
    let bytes = bytes.get(..PAGE - offset).unwrap_or(bytes);
    let copy = kernel::map(0, PAGE, libc::PROT_READ | libc::PROT_WRITE, 0)?;
    // SAFETY: `copy` is a fresh page of ours, `page` one of our code, which is
    // readable and changes only under the rewriter's lock; bytes that would lie
    // behind it have been cut off.
    let made = unsafe {
        let to = copy as *mut u8;
        core::ptr::copy_nonoverlapping(page as *const u8, to, PAGE);
        core::ptr::copy_nonoverlapping(bytes.as_ptr(), to.add(offset), bytes.len());
        kernel::protect(copy, PAGE, libc::PROT_READ | libc::PROT_EXEC)
            .and_then(|()| kernel::move_pages(copy, page, PAGE))
    };
    if let Err(errno) = made {
        // SAFETY: nobody else knows of the copy.
        unsafe { kernel::unmap(copy, PAGE) };
        return Err(errno);
    }
    Ok(())
}
