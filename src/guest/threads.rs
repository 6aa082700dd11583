//! A thread of the application's as guests know it.

#![allow(unsafe_code, reason = "runs code of guests on stacks of theirs")]

use core::cell::{Cell, UnsafeCell};
use core::ffi::c_void;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed, Ordering::Release};

use crate::guest::descriptor::STORAGE;
use crate::guest::libraries::MOST;
use crate::guest::program::{ATTRIBUTES, functions};
use crate::guest::switch::{self, Registers};
use crate::guest::{fs, helpers, hook, libraries, space};
use crate::kernel;
use crate::kernel::log;
use crate::kernel::process::Registrations;
use crate::trap::area::ThreadArea;
use crate::trap::{areas, vector};

/// What the guests' clone means that is under way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub(crate) enum Step {
    /// It is a hook's own, and refused.
    None = 0,
    /// pthread_create makes a thread block.
    Birth = 1,
    /// fork is to go on when the application's fork has been made.
    Fork = 2,
}

/// The guests' part of a thread area. Zero bytes are one without a thread block. It
/// stays with the area when a thread has ended, for the next one.
///
/// All of it is changed through shared references: what a guest calls comes back to
/// the core, and to this, while the core is still in the function that runs the guest.
#[repr(C)]
pub(crate) struct Thread {
    /// What FS leads to: glibc's `struct pthread`. Other threads read it.
    pub(crate) block: AtomicU64,
    /// Where libc keeps the thread's number.
    pub(crate) number: Cell<u64>,
    /// rsp on the guests' own stack of the thread, below what is in use there.
    pub(crate) aside: Cell<u64>,
    /// rsp of the core, while the guests' own stack is in use, and the other way round.
    pub(crate) core: Cell<u64>,
    pub(crate) guest: Cell<u64>,
    pub(crate) step: Cell<Step>,
    /// Which of the hooks runs, or has run last.
    pub(crate) running: Cell<u32>,
    /// Whether it runs; not kept while there is but one.
    pub(crate) within: Cell<bool>,
    /// The tool beside the hooks wants to see the result of the call in flight.
    pub(crate) tool: Cell<bool>,
    /// Which of the hooks want to see the result of the call in flight: a bit each.
    pub(crate) marked: Cell<u32>,
    /// What the guests' clone returns.
    pub(crate) result: Cell<i64>,
    /// Whose thread block is being made, and who makes it.
    pub(crate) child: Cell<*const Thread>,
    pub(crate) maker: Cell<*const Thread>,
    pub(crate) words: [Cell<u64>; MOST],
    pub(crate) storage: [UnsafeCell<[u64; STORAGE]>; MOST],
}

/// `struct clone_args` (`linux/sched.h`), as much of it as libc fills in.
#[derive(Clone, Copy)]
#[repr(C)]
struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
}

/// Gives the area of a thread that is about to be made a thread block. False: there
/// is no memory for one.
pub(crate) fn equip(parent: &mut ThreadArea, child: &mut ThreadArea) -> bool {
    if !libraries::are_loaded() || child.guest.has_block() {
        return true;
    }
    let born_one = &raw const child.guest;
    let mut made = false;
    with_block(parent, |maker| {
        let Some(create) = helpers::create() else { return };
        let mut handle = 0u64;
        maker.step.set(Step::Birth);
        maker.child.set(born_one);
        // SAFETY: nobody else uses it yet.
        unsafe { (*born_one).maker.set(maker) };
        let attributes = (&raw const ATTRIBUTES).cast();
        // SAFETY: FS leads to the maker's own thread block; the functions are the
        // guests' libc's.
        let failed = unsafe { create(&raw mut handle, attributes, born, born_one.cast_mut().cast()) };
        maker.step.set(Step::None);
        maker.child.set(null_mut());
        made = failed == 0;
    });
    made && child.guest.has_block()
}

/// Runs guests' code for a thread that is on its hook stack: with FS at its block,
/// and all vector state kept.
fn with_block(area: &mut ThreadArea, mut run: impl FnMut(&Thread)) {
    let before = Registrations::get();
    let mask = kernel::mask();
    let vector = &raw mut area.vector;
    let thread = &area.guest;
    vector::keep_around(vector, &mut || fs::with(thread.block(), || run(thread)));
    // A thread that begins, or that has forked, registers itself: as if the kernel's
    // were libc's.
    before.put_back();
    kernel::set_mask(mask);
}

/// The first function of a thread block's thread. It never goes on: from here down
/// the stack is free.
unsafe extern "C" fn born(thread: *mut c_void) -> *mut c_void {
    // SAFETY: the one that `equip` is about, whose maker waits.
    unsafe {
        let thread = &*thread.cast::<Thread>();
        thread.aside.set(switch::stack_below());
        switch::to(thread.guest.as_ptr(), (*thread.maker.get()).core.get());
    }
    log::fatal("a guest's thread went on");
}

/// clone3 in a guest, in one of the steps above.
pub(super) fn clone3(registers: &Registers) -> Option<i64> {
    // SAFETY: libc's own arguments.
    let args = unsafe { *(registers.args[0] as *const CloneArgs) };
    clone(registers, &args)
}

/// clone in a guest, likewise.
pub(super) fn clone_as_registers(registers: &Registers) -> Option<i64> {
    let [flags, stack, parent_tid, child_tid, tls, _] = registers.args;
    clone(
        registers,
        &CloneArgs {
            flags,
            pidfd: 0,
            child_tid,
            parent_tid,
            exit_signal: 0,
            stack,
            stack_size: 0,
            tls,
        },
    )
}

fn clone(registers: &Registers, args: &CloneArgs) -> Option<i64> {
    let thread = current()?;
    let shares_memory = args.flags & libc::CLONE_VM as u64 != 0;
    match thread.step.get() {
        // A hook's own, perhaps in a handler of pthread_atfork.
        Step::None => None,
        Step::Fork if shares_memory => None,
        Step::Fork => {
            // SAFETY: the core waits in `before_fork`, and comes back in `after_fork`.
            unsafe { switch::to(thread.guest.as_ptr(), thread.core.get()) };
            Some(thread.result.get())
        }
        Step::Birth => {
            let number = kernel::gettid();
            // SAFETY: libc's own memory; the child's stack is nobody's yet.
            unsafe {
                let child = thread.child.get().as_ref()?;
                (args.parent_tid as *mut u32).write(number);
                child.number.set(args.child_tid);
                child.block.store(args.tls, Relaxed);
                fs::set(args.tls);
                switch::as_child(thread.core.as_ptr(), registers, args.stack + args.stack_size);
                fs::set(thread.block());
            }
            Some(number.into())
        }
    }
}

/// Whether the calling thread runs code of guests, on whatever stack: then FS leads to
/// its block. ld.so, before there is one, runs on a stack of theirs.
pub(crate) fn runs(area: &ThreadArea, rip: u64, rsp: u64) -> bool {
    libraries::count() > 0 && (space::is_guest(rip, rsp) || area.guest.has_block() && fs::base() == area.guest.block())
}

/// The thread whose block FS leads to.
pub(super) fn current() -> Option<&'static Thread> {
    let block = fs::base();
    let mut found = None;
    areas::for_each(|area| {
        // SAFETY: areas are never unmapped; of another thread's only the block is read.
        let thread = unsafe { &(*area).guest };
        if block != 0 && thread.block() == block {
            found = Some(thread);
        }
    });
    found
}

/// Whether the calling thread is one of the application's: FS need not say so, nor GS.
pub(super) fn is_applications() -> bool {
    let own = kernel::gettid();
    let mut found = current().is_some();
    areas::for_each(|area| {
        // SAFETY: areas are never unmapped; what is read is atomic.
        let (used, thread) = unsafe { ((*area).in_use.load(Relaxed), (*area).thread.load(Relaxed)) };
        found |= used && thread == own;
    });
    found
}

/// The calling thread, if it runs code of guests. FS need not lead to its block.
pub(super) fn running() -> Option<&'static Thread> {
    current().or_else(|| {
        // SAFETY: the calling thread's own; areas are never unmapped.
        let area = unsafe { areas::current().as_ref() }?;
        Some(&area.guest).filter(|thread| thread.within.get())
    })
}

/// The application forks: the guests' fork begins.
pub(crate) fn before_fork(area: &mut ThreadArea) {
    if !libraries::are_loaded() || !area.guest.has_block() {
        return;
    }
    with_block(area, |thread| {
        thread.step.set(Step::Fork);
        // SAFETY: nothing is in use there.
        unsafe { switch::call_aside(thread.core.as_ptr(), thread.aside.get(), functions().fork) };
    });
}

/// It has forked, or not: the guests' fork ends. `result` is 0 in the child.
pub(crate) fn after_fork(area: &mut ThreadArea, result: i64) {
    if area.guest.step.get() != Step::Fork {
        return;
    }
    if result == 0 {
        forget_others(area);
    }
    with_block(area, |thread| {
        if result == 0 {
            thread.rename();
        }
        thread.result.set(result);
        // SAFETY: it waits in `clone`.
        unsafe { switch::to(thread.core.as_ptr(), thread.guest.get()) };
        thread.step.set(Step::None);
    });
}

/// Where the guests' fork has ended.
pub(super) unsafe extern "C" fn forked() -> ! {
    if let Some(thread) = current() {
        // SAFETY: the core waits in `after_fork`.
        unsafe { switch::to(thread.guest.as_ptr(), thread.core.get()) };
    }
    log::fatal("a guest's fork went on");
}

/// In the child, libc takes the blocks of all other threads back, and what they were
/// about to do is not done.
fn forget_others(own: &mut ThreadArea) {
    let own = core::ptr::from_mut(own);
    areas::for_each(|area| {
        if area != own {
            // SAFETY: areas are never unmapped, and this is the only thread.
            unsafe {
                (*area).guest.block.store(0, Relaxed);
                (*area).guest.step.set(Step::None);
            }
        }
    });
}

impl Thread {
    /// What FS leads to while its guests run.
    #[inline(always)]
    pub(super) fn block(&self) -> u64 {
        self.block.load(Relaxed)
    }

    #[inline(always)]
    pub(crate) fn has_block(&self) -> bool {
        self.block() != 0
    }

    /// Lets libc know the number of the kernel's thread that has the block now.
    fn rename(&self) {
        if self.number.get() != 0 {
            // SAFETY: where libc keeps it.
            unsafe { (self.number.get() as *mut u32).write(kernel::gettid()) };
        }
    }
}

/// A thread begins, or ends: hooks are told.
pub(crate) fn tell(area: &mut ThreadArea, begins: bool) {
    if !libraries::are_loaded() || !area.guest.has_block() {
        return;
    }
    if begins {
        area.guest.rename();
        area.guest.storage = [const { UnsafeCell::new([0; STORAGE]) }; MOST];
        area.guest.marked.set(0);
    }
    if hook::is_told_of_threads(begins) {
        with_block(area, |thread| hook::tell_of_thread(thread, begins));
    }
}

/// Runs guests' code for the calling thread, which is on its hook stack.
pub(crate) fn in_guest(run: impl FnMut(&Thread)) {
    let area = areas::current();
    // SAFETY: the calling thread's own.
    let Some(area) = (unsafe { area.as_mut() }) else { return };
    if libraries::are_loaded() && area.guest.has_block() {
        with_block(area, run);
    }
}

/// The thread of the area that a call lies in.
pub(crate) fn of_call(call: &crate::hook::Call<'_>) -> *mut ThreadArea {
    let offset = core::mem::offset_of!(ThreadArea, call);
    (core::ptr::from_ref(call) as u64 - offset as u64) as *mut ThreadArea
}

/// Notes whether the tool wants to see the result of the call.
pub(super) fn note_tool(call: &crate::hook::Call<'_>, wants: bool) {
    // SAFETY: the thread's own; it is no part of the call.
    unsafe { (*of_call(call)).guest.tool.set(wants) };
}

/// Whether it does.
pub(super) fn tool_waits(call: &crate::hook::Call<'_>) -> bool {
    // SAFETY: as above.
    unsafe { (*of_call(call)).guest.tool.get() }
}

/// The first thread of an image has got the block that ld.so has made.
pub(crate) fn first(area: &ThreadArea, block: u64, aside: u64) {
    area.guest.block.store(block, Relaxed);
    area.guest.aside.set(aside);
    libraries::LOADED.store(true, Release);
}
