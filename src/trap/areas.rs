//! All areas of a process: making them, handing them out, finding one.
//!
//! Areas are never unmapped. A thread that exits pushes its area on a free
//! list, with registers alone (`trap::entry`, `thread_exit`); the next clone
//! pops it. So reading an area that has just been taken by another is harmless,
//! and a tag in the list head rules out ABA.

#![allow(unsafe_code, reason = "the area is raw memory shared with assembly")]

use core::mem::size_of;
use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};

use crate::abi::errno::Errno;
use crate::abi::sigframe::AltStack;
use crate::exec::launch::Leftovers;
use crate::image::BASE;
use crate::kernel;
use crate::ledger::CORE;
use crate::trap::area::{ALIGN, BELOW, PAGE, SIGNAL_STACK, ThreadArea};
use crate::trap::ledger;
use crate::trap::raised::Deferred;
use crate::trap::swallowed::LastTrap;
use crate::trap::user_dispatch::UserDispatch;

static ALL: AtomicPtr<ThreadArea> = AtomicPtr::new(core::ptr::null_mut());

/// Head of the free list: page number of the first area in the low 36 bits, a
/// tag above them that each pop increments.
pub(crate) static FREE_AREAS: AtomicU64 = AtomicU64::new(0);

/// The bits of [`FREE_AREAS`] that hold the page number.
pub(crate) const FREE_PAGE_BITS: u32 = 36;
const FREE_PAGE_MASK: u64 = (1 << FREE_PAGE_BITS) - 1;

/// Where the first area is to be mapped: above our image.
const FIRST_PLACE: u64 = BASE + (4 << 30);
/// Where the next one is to be, if nothing is there.
static NEXT_PLACE: AtomicU64 = AtomicU64::new(FIRST_PLACE);

/// Whether `address` is where areas lie, unless something else took their place.
#[cfg(not(any(test, feature = "std")))]
pub(crate) fn is_near(address: u64) -> bool {
    const SPAN: u64 = 1 << 40;
    (BASE..BASE + SPAN).contains(&address)
}

/// Threads that live now, and that ever were, in this process.
pub(crate) static LIVE: AtomicU32 = AtomicU32::new(0);
/// See [`LIVE`].
pub(crate) static EVER: AtomicU64 = AtomicU64::new(0);
/// Processes beside this one that ever shared our memory while we went on: made
/// with CLONE_VM, neither threads nor waited for. When they end nobody knows.
pub(crate) static SHARERS: AtomicU32 = AtomicU32::new(0);

/// Whether the calling thread is the only one that can execute the
/// application's code before the caller lets it.
///
/// Threads, and processes that share our memory, are counted before they are
/// made. A vfork child is the exception: its parent waits in the kernel until
/// the child has left our memory, and of the two only one ever runs. A thread
/// that has been counted out never returns to the application.
pub(crate) fn is_alone() -> bool {
    LIVE.load(Ordering::Acquire) == 1 && SHARERS.load(Ordering::Acquire) == 0
}

/// Words that each area has for the hook; set once, before the first area.
static WORDS: AtomicU64 = AtomicU64::new(0);

/// See [`WORDS`].
pub(super) fn words() -> usize {
    WORDS.load(Ordering::Relaxed) as usize
}

/// Sets what areas look like; before the first one is made.
pub(crate) fn configure(words: usize) {
    WORDS.store(words as u64, Ordering::Relaxed);
}

/// Takes an area from the free list, or maps one. It is in use, its frame and
/// signal state are undefined.
pub(crate) fn allocate() -> Result<*mut ThreadArea, Errno> {
    if let Some(area) = pop_free() {
        // SAFETY: popped, so it is ours alone.
        unsafe {
            (*area).in_use.store(true, Ordering::Relaxed);
            ledger::equip(area);
        }
        return Ok(area);
    }
    let words = words();
    let len = (BELOW + size_of::<ThreadArea>() + (CORE + words) * 8).next_multiple_of(PAGE);
    let base = map_aligned(len)?;
    let area = (base + BELOW as u64) as *mut ThreadArea;
    let writable = libc::PROT_READ | libc::PROT_WRITE;
    let signal_stack = base + PAGE as u64;
    let rest = signal_stack + (SIGNAL_STACK + PAGE) as u64;
    // SAFETY: the range was just mapped and is ours alone.
    let made = unsafe {
        kernel::protect(signal_stack, SIGNAL_STACK, writable)
            .and_then(|()| kernel::protect(rest, len - (PAGE + SIGNAL_STACK + PAGE), writable))
    };
    if let Err(errno) = made {
        // SAFETY: nobody else knows of the range.
        unsafe { kernel::unmap(base, len) };
        return Err(errno);
    }
    // SAFETY: mapped, writable, zeroed, aligned to pages, and ours alone until
    // it is linked into the list; zero bytes are valid for all fields but
    // `call.words` and `core`, which are written before anyone reads them.
    unsafe {
        (&raw mut (*area).stack_top).write(&raw const (*area).call as u64);
        (&raw mut (*area).call.words).write(&[]);
        (&raw mut (*area).core).write(&[]);
        (&raw mut (*area).last_trap).write(LastTrap::NONE);
        (&raw mut (*area).held_signal).write(None);
        (&raw mut (*area).deferred).write(Deferred::default());
        (&raw mut (*area).leftovers).write(Leftovers::NONE);
        (&raw mut (*area).altstack).write(AltStack::DISABLED);
        (&raw mut (*area).user_dispatch).write(UserDispatch::NONE);
        (*area).in_use.store(true, Ordering::Relaxed);
        (*area).use_private_words();
        ledger::equip(area);
        let mut head = ALL.load(Ordering::Relaxed);
        loop {
            (*area).next.store(head, Ordering::Relaxed);
            match ALL.compare_exchange(head, area, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return Ok(area),
                Err(now) => head = now,
            }
        }
    }
}

/// Address space for an area.
fn map_aligned(len: usize) -> Result<u64, Errno> {
    let map = |place, len| kernel::map(place, len, libc::PROT_NONE, libc::MAP_NORESERVE);
    // A hint: away from where the kernel puts the application's mappings, which
    // then lie as they would without us.
    let place = NEXT_PLACE.fetch_add((len as u64).next_multiple_of(ALIGN), Ordering::Relaxed);
    let base = map(place, len)?;
    if base.is_multiple_of(ALIGN) {
        return Ok(base);
    }
    // SAFETY: just mapped, nobody knows of it.
    unsafe { kernel::unmap(base, len) };
    let wide = len + ALIGN as usize;
    let start = map(0, wide)?;
    let base = start.next_multiple_of(ALIGN);
    let before = (base - start) as usize;
    // SAFETY: as above; of the fresh range the middle is kept.
    unsafe {
        if before != 0 {
            kernel::unmap(start, before);
        }
        kernel::unmap(base + len as u64, wide - before - len);
    }
    Ok(base)
}

fn pop_free() -> Option<*mut ThreadArea> {
    let mut head = FREE_AREAS.load(Ordering::Acquire);
    loop {
        let area = ((head & FREE_PAGE_MASK) << 12) as *mut ThreadArea;
        if area.is_null() {
            return None;
        }
        // SAFETY: areas are never unmapped; a stale link fails the exchange.
        let next = unsafe { (*area).next_free.load(Ordering::Relaxed) } & FREE_PAGE_MASK;
        let tag = (head >> FREE_PAGE_BITS).wrapping_add(1) << FREE_PAGE_BITS;
        match FREE_AREAS.compare_exchange(head, next | tag, Ordering::Acquire, Ordering::Acquire) {
            Ok(_) => return Some(area),
            Err(now) => head = now,
        }
    }
}

/// Gives an area back whose thread is gone, or never came to be.
///
/// # Safety
/// No thread may use it any more.
pub(crate) unsafe fn release(area: *mut ThreadArea) {
    // SAFETY: by the contract it is ours; areas are never unmapped.
    let area = unsafe { &*area };
    area.in_use.store(false, Ordering::Relaxed);
    let page = core::ptr::from_ref(area) as u64 >> 12;
    let mut head = FREE_AREAS.load(Ordering::Relaxed);
    loop {
        area.next_free.store(head, Ordering::Relaxed);
        let new = page | head & !FREE_PAGE_MASK;
        match FREE_AREAS.compare_exchange(head, new, Ordering::Release, Ordering::Relaxed) {
            Ok(_) => return,
            Err(now) => head = now,
        }
    }
}

/// Calls `visit` with every area that was ever made in this process.
pub(crate) fn for_each(mut visit: impl FnMut(*mut ThreadArea)) {
    let mut area = ALL.load(Ordering::Acquire);
    while !area.is_null() {
        visit(area);
        // SAFETY: listed areas are initialised and never unmapped.
        area = unsafe { (*area).next.load(Ordering::Relaxed) };
    }
}

/// The area on one of whose stacks `address` lies; null if there is none.
pub(crate) fn around(address: u64) -> *mut ThreadArea {
    if (FIRST_PLACE..NEXT_PLACE.load(Ordering::Relaxed)).contains(&address) {
        return ((address & !(ALIGN - 1)) + BELOW as u64) as *mut ThreadArea;
    }
    let mut found = core::ptr::null_mut();
    for_each(|area| {
        let top = area as u64;
        if (top - BELOW as u64..top).contains(&address) {
            found = area;
        }
    });
    found
}

/// The calling thread's area, found by the stack that we run on; null if it has
/// none yet.
pub(crate) fn current() -> *mut ThreadArea {
    let on_the_stack = 0u8;
    around(&raw const on_the_stack as u64)
}
