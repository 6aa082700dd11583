//! The thread area: all state of one interposed thread, which GS leads to
//! (`trap::gs`).
//!
//! ```text
//! base  guard page     a multiple of ALIGN: an address on either stack leads
//!                      to its area
//!       signal stack   the kernel's alternate signal stack: every signal frame
//!                      lands here, never on the application's stack
//!       guard page
//!       hook stack     hooks and dispatch run here
//! GS -> ThreadArea     begins with the frame that the entry pushes: the stack
//!       hook's words   grows down from it; the words are used where there is
//!                      no ledger (`trap::ledger`)
//! ```
//!
//! Areas are never unmapped. A thread that exits pushes its area on a free
//! list, with registers alone (`trap::entry`, `thread_exit`); the next clone
//! pops it. So reading an area that has just been taken by another is harmless,
//! and a tag in the list head rules out ABA.

#![allow(unsafe_code, reason = "the area is raw memory shared with assembly")]

use core::mem::{offset_of, size_of};
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering};

use crate::abi::errno::Errno;
use crate::abi::sigaction::NSIG;
use crate::abi::sigframe::{AltStack, SigInfo, rflags};
use crate::exec::launch::Leftovers;
use crate::hook::Call;
use crate::image::BASE;
use crate::kernel;
use crate::ledger::{CORE, CoreWord};
use crate::trap::descriptors::Numbers;
use crate::trap::ledger;
use crate::trap::sigaction::Dispositions;

const PAGE: usize = 4096;
const SIGNAL_STACK: usize = 64 * 1024;
const HOOK_STACK: usize = 128 * 1024;
const BELOW: usize = PAGE + SIGNAL_STACK + PAGE + HOOK_STACK;
/// Areas begin at multiples of this.
const ALIGN: u64 = 256 * 1024;

/// What the entry does when dispatch returns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub(crate) enum Action {
    /// Return `call.result` to the application.
    Answer = 0,
    /// Make the call; the thread returns to the application from the gate.
    Pass = 1,
    /// Make the call, then run the exit side.
    PassThenExit = 2,
    /// Make a call that returns twice.
    Clone = 3,
    /// The thread ends: give the area back, then make the call.
    ThreadExit = 4,
    /// Like `Pass`, for rt_sigreturn: an interruption gives its frame back.
    Return = 6,
    /// Like `Pass`, with all signals blocked: until the kernel loads the frame
    /// of rt_sigreturn, or until exit_group has ended the process.
    PassBlocked = 5,
    /// Like `Pass`, where GS is the application's.
    TakenPass = 7,
    /// Like `PassThenExit`, where GS is the application's.
    TakenPassThenExit = 8,
    /// Ask the application's filters about the call, then run the exit side.
    Ask = 9,
}

/// What the hook has to do with the call in flight; it costs the way through the
/// hook nothing, so that a fault can be told whose it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum HookState {
    /// Nothing: the core is at work.
    Done,
    /// It runs, or has run last: of the core there is only the way out behind it.
    Running,
    /// It has asked for the exit side; the core is at work.
    WantsExit,
}

/// How the thread came to be, which decides who gives its area back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub(crate) enum Kind {
    /// An ordinary thread.
    Thread,
    /// A vfork child: its parent waits, and reclaims the area.
    VforkChild,
    /// A process that shares our memory (CLONE_VM alone).
    VmProcess,
}

/// The state of one thread. The entry's assembly knows the first fields by
/// `offset_of!`.
#[repr(C, align(4096))]
pub(crate) struct ThreadArea {
    /// The application's rflags: `pushfq` of the entry writes here.
    pub(crate) flags: u64,
    pub(crate) call: Call<'static>,
    pub(crate) app_rsp: u64,
    /// Address of `call`, where rsp is set before `pushfq`.
    pub(crate) stack_top: u64,
    pub(crate) action: Action,
    /// Not 0: all signals are blocked, and `saved_mask` is the true mask.
    pub(crate) held: AtomicU32,
    pub(crate) saved_mask: AtomicU64,
    /// Not 0: the trap flag in `flags` is the application's own, not a tracer's.
    pub(crate) stepping: u32,
    /// The application's rbx and rbp, while clone carries the new area and this
    /// one in them.
    pub(crate) rbx: u64,
    pub(crate) rbp: u64,
    /// GS leads to the area, not to something of the application's.
    pub(crate) owns_gs: bool,
    /// The area of the child that it makes; for that child at first its parent's.
    pub(crate) new_area: u64,
    /// Flags of the clone that made this thread, or that it is making.
    pub(crate) clone_flags: u64,
    pub(crate) sse: Sse,
    /// The application's handler that begins.
    pub(crate) beginning: Beginning,
    /// Link of the free list, as the list's head encodes it.
    pub(crate) next_free: AtomicU64,

    /// Link of the list of all areas.
    next: AtomicPtr<ThreadArea>,
    /// Whether a thread has it; for reports and forks only.
    pub(crate) in_use: AtomicBool,
    pub(crate) kind: Kind,
    pub(crate) hook: HookState,
    /// What the core has to do at the exit side.
    pub(crate) post: crate::trap::dispatch::Post,
    /// Reserved signals (SIGSYS, SIGILL) that the application has blocked.
    pub(crate) virtual_mask: u64,
    /// The signal that came in while a hook ran.
    pub(crate) held_signal: Option<SigInfo>,
    /// Reserved signals that wait for being unblocked.
    pub(crate) waiting: [Option<SigInfo>; 2],
    /// What an rt_sigreturn under way has changed.
    pub(crate) returning: Returning,
    /// Whether a filter of the application's own may decide on the thread's
    /// calls (`trap::filters`).
    pub(crate) filtered: AtomicBool,
    /// The alternate stack that the application has set.
    pub(crate) altstack: AltStack,
    /// The application's handlers: the process's, or `own_dispositions`.
    pub(crate) dispositions: AtomicPtr<Dispositions>,
    pub(crate) own_dispositions: Dispositions,
    /// The number of a process that shares our memory and has no parent that
    /// waits for it; 0 for all others.
    pub(crate) process: AtomicU32,
    /// Where our descriptors are in the thread's table of descriptors: null for
    /// the process's, or `own_numbers`, or those of another thread's area.
    pub(crate) numbers: AtomicPtr<Numbers>,
    pub(crate) own_numbers: Numbers,
    /// What an exec under way has made in memory that a parent may share.
    pub(crate) leftovers: Leftovers,
    /// The mask that a call in flight waits with ([`Post::Wait`]
    /// (crate::trap::dispatch::Post)).
    pub(crate) wait_mask: u64,
    /// Where copies of the application's arguments lie while the kernel reads
    /// them.
    pub(crate) scratch: [u64; 8],
    /// The core's own counters, beside the hook's words ([`CoreWord`]).
    pub(crate) core: &'static [AtomicU64],
    /// The ledger's block in which the thread counts, plus 1; 0 if it counts
    /// behind the area.
    pub(crate) block: u32,
    /// The process that has set the three (see [`ledger::epoch`]
    /// (crate::ledger::epoch)).
    pub(crate) epoch: u32,
    pub(crate) vector: crate::trap::vector::State,
}

/// The registers of a handler that begins which are loaded last.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Beginning {
    pub(crate) rip: u64,
    pub(crate) rsp: u64,
    pub(crate) rdi: u64,
    pub(crate) rsi: u64,
    pub(crate) rdx: u64,
    pub(crate) r10: u64,
    pub(crate) rcx: u64,
    pub(crate) r11: u64,
}

/// Masks and alternate stacks before an rt_sigreturn: those in its frame, and
/// ours of the reserved signals and of the application's stack.
#[derive(Clone, Copy)]
pub(crate) struct Returning {
    pub(crate) frame: (u64, AltStack),
    pub(crate) before: (u64, AltStack),
}

/// xmm0–xmm15.
#[repr(C, align(16))]
pub(crate) struct Sse(pub(crate) [[u64; 2]; 16]);

const _: () = {
    // `pushfq` with rsp at `call` must write `flags`, and the stack below the
    // area must be 16-byte aligned there (psABI 3.2.2).
    assert!(offset_of!(ThreadArea, flags) == 0);
    assert!(offset_of!(ThreadArea, call) == 8);
    assert!(offset_of!(ThreadArea, sse).is_multiple_of(16));
    assert!(NSIG == 64);
    assert!(BELOW < ALIGN as usize);
};

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
    let words = WORDS.load(Ordering::Relaxed) as usize;
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
        (&raw mut (*area).waiting).write([None, None]);
        (&raw mut (*area).held_signal).write(None);
        (&raw mut (*area).leftovers).write(Leftovers::NONE);
        (&raw mut (*area).altstack).write(AltStack::DISABLED);
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

impl ThreadArea {
    /// Lets the thread count behind the area.
    pub(crate) fn use_private_words(&mut self) {
        let words = WORDS.load(Ordering::Relaxed) as usize;
        let first = core::ptr::from_mut(self).wrapping_add(1).cast::<AtomicU64>();
        // SAFETY: `allocate` has mapped as many words behind the area, and areas
        // are never unmapped.
        let all = unsafe { core::slice::from_raw_parts(first, CORE + words) };
        if let Some((core, words)) = all.split_at_checked(CORE) {
            self.core = core;
            self.call.words = words;
        }
    }

    /// Adds 1 to a counter of the core.
    pub(crate) fn count(&self, word: CoreWord) {
        if let Some(counter) = self.core.get(word as usize) {
            counter.store(counter.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        }
    }

    /// A counter of the core.
    pub(crate) fn counted(&self, word: CoreWord) -> u64 {
        self.core
            .get(word as usize)
            .map_or(0, |counter| counter.load(Ordering::Relaxed))
    }

    /// The signal stack of this area, as the kernel is told of it.
    pub(crate) fn signal_stack(&self) -> AltStack {
        let base = core::ptr::from_ref(self) as u64 - BELOW as u64;
        AltStack {
            sp: base + PAGE as u64,
            flags: 0,
            pad: 0,
            size: SIGNAL_STACK as u64,
        }
    }

    /// Whether `rsp` lies on the signal stack.
    pub(crate) fn on_signal_stack(&self, rsp: u64) -> bool {
        self.signal_stack().holds(rsp)
    }

    /// Whether `rsp` lies on one of our stacks, or just over the end of one.
    pub(crate) fn on_our_stack(&self, rsp: u64) -> bool {
        let top = core::ptr::from_ref(self) as u64;
        rsp <= top + 8 && rsp > top - BELOW as u64
    }

    /// The application's rflags at the call in flight. A tracer that steps
    /// through the entry leaves its trap flag in what `pushfq` saw.
    pub(crate) fn take_flags(&mut self) -> u64 {
        let tracer = if self.stepping == 0 { rflags::TF } else { 0 };
        self.stepping = 0;
        self.flags & !tracer
    }

    /// Copies what a clone's child takes over from its parent: the call in
    /// flight and the signal state.
    pub(crate) fn inherit(&mut self, parent: &ThreadArea) {
        let words = self.call.words;
        self.flags = parent.flags;
        self.call = Call {
            number: parent.call.number,
            args: parent.call.args,
            original: parent.call.original,
            result: 0,
            return_address: parent.call.return_address,
            changed: parent.call.changed,
            words,
        };
        self.action = Action::Answer;
        self.held.store(1, Ordering::Relaxed);
        self.saved_mask
            .store(parent.saved_mask.load(Ordering::Relaxed), Ordering::Relaxed);
        self.rbx = parent.rbx;
        self.rbp = parent.rbp;
        self.owns_gs = parent.owns_gs;
        self.hook = parent.hook;
        self.post = parent.post;
        self.virtual_mask = parent.virtual_mask;
        self.waiting = [None, None];
        self.held_signal = None;
        self.stepping = 0;
        self.leftovers = Leftovers::NONE;
        self.filtered
            .store(parent.filtered.load(Ordering::Relaxed), Ordering::Relaxed);
        self.altstack = parent.altstack;
        self.dispositions
            .store(parent.dispositions.load(Ordering::Relaxed), Ordering::Relaxed);
        self.numbers
            .store(parent.numbers.load(Ordering::Relaxed), Ordering::Relaxed);
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
