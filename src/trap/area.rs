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

#![allow(unsafe_code, reason = "the area is raw memory shared with assembly")]

use core::mem::offset_of;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering};

use crate::abi::sigaction::NSIG;
use crate::abi::sigframe::{AltStack, SigInfo, UContext, rflags};
use crate::exec::launch::Leftovers;
use crate::hook::Call;
use crate::kernel;
use crate::ledger::{CORE, CoreWord};
use crate::trap::areas;
use crate::trap::copy::Reach;
use crate::trap::descriptors::Numbers;
use crate::trap::dispositions::{Dispositions, Moment};
use crate::trap::exception::LastException;
use crate::trap::known::Known;
use crate::trap::pending::{self, Pending};
use crate::trap::raised::Deferred;
use crate::trap::sigaction::reserved;
use crate::trap::swallowed::LastTrap;
use crate::trap::user_dispatch::UserDispatch;

pub(super) const PAGE: usize = 4096;
pub(super) const SIGNAL_STACK: usize = 64 * 1024;
pub(super) const HOOK_STACK: usize = 128 * 1024;
pub(super) const BELOW: usize = PAGE + SIGNAL_STACK + PAGE + HOOK_STACK;
/// Areas begin at multiples of this.
pub(super) const ALIGN: u64 = 256 * 1024;

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
    /// Like `Pass`, for rt_sigreturn, with `returning.frame`.
    Return = 6,
    /// The same, with all signals blocked until the kernel has loaded it.
    ReturnBlocked = 10,
    /// Like `Pass`, with all signals blocked: until exit_group has ended the
    /// process.
    PassBlocked = 5,
    /// Like `Pass`, where GS is the application's.
    TakenPass = 7,
    /// Like `PassThenExit`, where GS is the application's.
    TakenPassThenExit = 8,
    /// Ask the application's filters about the call, then run the exit side.
    Ask = 9,
    /// Like `PassThenExit`, with all signals blocked, which only the call's own
    /// mask lets in; [`again`](crate::trap::again) makes it so, too.
    WaitBlocked = 11,
    /// The same, where GS is the application's.
    TakenWaitBlocked = 12,
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
    /// Who is interested in the call, as the entry has found it: what it keeps.
    pub(crate) kept: u32,
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
    pub(crate) returning: Returning,
    pub(crate) hook: HookState,
    /// What the core has to do at the exit side.
    pub(crate) post: crate::trap::dispatch::Post,
    /// Reserved signals that the thread does not take now: `virtual_mask`,
    /// or what the call in flight has in its place. Other threads look at it.
    pub(crate) closed: AtomicU64,
    /// The mask that a call in flight waits with ([`Post::Wait`]
    /// (crate::trap::dispatch::Post)).
    pub(crate) wait_mask: u64,
    /// The kernel restarts the call that has been interrupted unnoticed, for a
    /// handler with SA_RESTART (`trap::again`).
    pub(crate) restarts: bool,
    /// Where copies of the application's arguments lie while the kernel reads
    /// them.
    pub(crate) scratch: [u64; 16],
    // Up to here the call in flight ([`ThreadArea::IN_FLIGHT`]).
    /// Link of the free list, as the list's head encodes it.
    pub(crate) next_free: AtomicU64,

    /// Link of the list of all areas.
    pub(super) next: AtomicPtr<ThreadArea>,
    /// Whether a thread has it; for reports and forks only.
    pub(crate) in_use: AtomicBool,
    pub(crate) kind: Kind,
    /// Reserved signals (SIGSYS, SIGILL) that the application has blocked.
    /// Set by [`ThreadArea::set_virtual_mask`].
    pub(crate) virtual_mask: u64,
    /// The thread's number; 0 before it runs and when it ends.
    pub(crate) thread: AtomicU32,
    /// Another thread has sent a [`pending::POKE`].
    pub(crate) poked: AtomicBool,
    /// Reserved signals that wait for the thread.
    pub(crate) pending: Pending,
    /// Those that wait for its process: [`pending::PROCESS`], or `own_process`
    /// of some area.
    pub(crate) process_pending: AtomicPtr<Pending>,
    pub(crate) own_process: Pending,
    /// See [`swallowed`](crate::trap::swallowed).
    pub(crate) last_trap: LastTrap,
    /// What signal frames say besides.
    pub(crate) exception: LastException,
    /// The signal that came in while a hook ran.
    pub(crate) held_signal: Option<SigInfo>,
    /// Those that came in although they are blocked.
    pub(crate) deferred: Deferred,
    /// Whether a filter of the application's own may decide on the thread's
    /// calls (`trap::filters`).
    pub(crate) filtered: AtomicBool,
    /// The thread has our filter beside Syscall User Dispatch (`trap::armed`).
    pub(crate) backed: AtomicBool,
    /// Set by the application's prctl.
    pub(crate) user_dispatch: UserDispatch,
    /// What is answered without the kernel.
    pub(crate) known: Known,
    /// The alternate stack that the application has set.
    pub(crate) altstack: AltStack,
    /// The application's handlers: the process's, or `own_dispositions`.
    pub(crate) dispositions: AtomicPtr<Dispositions>,
    pub(crate) own_dispositions: Dispositions,
    /// The table that a child copies, when its parent began to make it.
    pub(crate) told: Option<Moment>,
    /// The number of a process that shares our memory and has no parent that
    /// waits for it; 0 for all others.
    pub(crate) process: AtomicU32,
    /// Where our descriptors are in the thread's table of descriptors: null for
    /// the process's, or `own_numbers`, or those of another thread's area.
    pub(crate) numbers: AtomicPtr<Numbers>,
    pub(crate) own_numbers: Numbers,
    /// What an exec under way has made in memory that a parent may share.
    pub(crate) leftovers: Leftovers,
    /// The core's own counters, beside the hook's words ([`CoreWord`]).
    pub(crate) core: &'static [AtomicU64],
    /// The ledger's block in which the thread counts, plus 1; 0 if it counts
    /// behind the area.
    pub(crate) block: u32,
    /// The process that has set the three (see [`ledger::epoch`]
    /// (crate::ledger::epoch)).
    pub(crate) epoch: u32,
    pub(crate) vector: crate::trap::vector::State,
    /// Whether a fault of a copy of the application's memory can be caught.
    pub(crate) reach: Reach,
    /// The word by which the hook's words of a thread that it makes begin; of that
    /// thread, until it runs.
    pub(crate) heir: u64,
    /// A clone under way, whose child we wait for.
    pub(crate) waited: crate::trap::waited::Waited,
    /// What hook libraries need of the thread.
    pub(crate) guest: crate::guest::threads::Thread,
    /// The handler, assembly, and what a hook calls come to the area while a function
    /// of ours that has it as `&mut` goes on: so the compiler may not take such a
    /// reference for the only way to it (what `UnsafePinned` is to say some day).
    pub(crate) shared: core::marker::PhantomPinned,
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
    /// Where the kernel reads it: no signal stack, of which a signal that is let in
    /// on the way may take what lies there.
    pub(crate) mask: u64,
}

/// An rt_sigreturn under way.
#[repr(C)]
pub(crate) struct Returning {
    /// The application's frame as the kernel is to load it.
    pub(crate) frame: UContext,
    /// The mask of the reserved signals, and the application's alternate stack,
    /// before it.
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

impl ThreadArea {
    /// Bytes at its head that belong to the call in flight:
    /// `gdb/usertrap-gdb.py` keeps them while gdb calls a function.
    pub(crate) const IN_FLIGHT: usize = offset_of!(ThreadArea, next_free);

    /// Lets the thread count behind the area.
    pub(crate) fn use_private_words(&mut self) {
        let words = areas::words();
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

    /// Whether `address` is where a hook comes to that has used up its stack.
    pub(crate) fn is_behind_hook_stack(&self, address: u64) -> bool {
        let end = core::ptr::from_ref(self) as u64 - HOOK_STACK as u64;
        (end - PAGE as u64..end).contains(&address)
    }

    /// Whether `rsp` lies on one of our stacks, or just over the end of one.
    pub(crate) fn on_our_stack(&self, rsp: u64) -> bool {
        let top = core::ptr::from_ref(self) as u64;
        rsp <= top + 8 && rsp > top - BELOW as u64
    }

    /// The reserved signals that wait for the process.
    pub(crate) fn process_pending(&self) -> &Pending {
        let process = self.process_pending.load(Ordering::Relaxed);
        // SAFETY: the process's own, or in an area, and areas are never
        // unmapped; null only before the thread has begun.
        unsafe { process.as_ref() }.unwrap_or(&pending::PROCESS)
    }

    /// The thread begins, in a process with these signals waiting.
    pub(crate) fn begin(&self, process: &Pending) {
        self.process_pending
            .store(core::ptr::from_ref(process).cast_mut(), Ordering::Relaxed);
        self.thread.store(kernel::gettid(), Ordering::Relaxed);
    }

    /// The application blocks the reserved signals in `mask`, and no others.
    pub(crate) fn set_virtual_mask(&mut self, mask: u64) {
        self.virtual_mask = mask & reserved();
        pending::close(self, mask);
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
        self.pending.drain();
        self.poked.store(false, Ordering::Relaxed);
        self.thread.store(0, Ordering::Relaxed);
        self.process_pending
            .store(parent.process_pending.load(Ordering::Relaxed), Ordering::Relaxed);
        self.set_virtual_mask(parent.virtual_mask);
        self.last_trap = parent.last_trap;
        self.exception = parent.exception;
        self.held_signal = None;
        self.deferred = Deferred::default();
        self.stepping = 0;
        self.reach.begin();
        self.leftovers = Leftovers::NONE;
        self.filtered
            .store(parent.filtered.load(Ordering::Relaxed), Ordering::Relaxed);
        self.backed
            .store(parent.backed.load(Ordering::SeqCst), Ordering::Relaxed);
        self.user_dispatch = UserDispatch::NONE;
        self.altstack = parent.altstack;
        self.dispositions
            .store(parent.dispositions.load(Ordering::Relaxed), Ordering::Relaxed);
        self.numbers
            .store(parent.numbers.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}
