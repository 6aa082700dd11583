//! Reserved signals that wait: in the kernel they cannot, since a trap ends a
//! thread that has SIGSYS blocked.
//!
//! As in the kernel, one of each kind can wait for a thread, and one for its
//! process. Who puts a signal here, or a thread that stops taking it, looks for
//! a thread that takes it; who begins to take it looks here. Between its own
//! store and its look each has a fence, so one of the two sees the other.
//!
//! A thread is told by a [`POKE`]: a SIGSYS of our own without a content of its
//! own. It may arrive late, twice, or never (the kernel keeps one SIGSYS for a
//! thread): then another SIGSYS has arrived, and the handler looks here as well.

#![allow(unsafe_code, reason = "shares records between threads, visits their areas")]

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering, fence};

use crate::abi::sigframe::{SI_KERNEL, SI_TKILL, SI_USER, SigInfo, bit};
use crate::kernel;
use crate::trap::area::ThreadArea;
use crate::trap::areas;
use crate::trap::held::MARKED;
use crate::trap::sigaction::{self, FAULTS, reserved};
use crate::trap::signalfd;

/// What tells a thread to look here, sent by itself: as from `kill`, so that a
/// full queue takes it.
pub(crate) const POKE: SigInfo = SigInfo::new(libc::SIGSYS, SI_USER, POKED);
/// The same, sent by another thread, which the kernel lets send negative codes
/// only.
const POKE_FROM_OTHER: SigInfo = SigInfo::new(libc::SIGSYS, libc::SI_QUEUE, POKED);
pub(super) const POKED: u64 = 0x706f_6b65_7472_6170;

/// The kinds of signals that wait here, in the order of their delivery
/// (`next_signal` of `kernel/signal.c`).
pub(super) const KINDS: [i32; 2] = [libc::SIGILL, libc::SIGSYS];

/// Whether this is a [`POKE`]. A full queue loses what it says.
pub(crate) fn is_poke(area: &ThreadArea, info: &SigInfo) -> bool {
    info.signo == POKE.signo
        && (info.address == POKED && matches!(info.code, SI_USER | SI_KERNEL | libc::SI_QUEUE)
            || info.address == 0 && info.code == SI_USER && area.poked.swap(false, Ordering::Relaxed))
}

/// Sends the calling thread a [`POKE`], which is to come in under this mask.
pub(crate) fn poke_self(mask: u64) {
    send_own(&POKE, mask);
}

/// Sends the calling thread a signal of ours, which is to come in under this mask.
///
/// Beside signals that wait blocked with the codes of faults it has such a code, too.
/// Another one the kernel would never find there while a tracer stops it at each signal:
/// it takes one of those in its place, and queues it again
/// (`dequeue_synchronous_signal` and `ptrace_signal` of `kernel/signal.c`).
pub(crate) fn send_own(info: &SigInfo, mask: u64) {
    let blocked = mask & (FAULTS | bit(libc::SIGTRAP));
    let mut own = *info;
    if blocked != 0 && kernel::pending() & blocked != 0 {
        own.code = SI_KERNEL;
    }
    kernel::requeue(&own);
}

/// Sends it again, to come in when it is let in. Never with the code of a fault: so the
/// kernel would deliver it, though blocked, in place of each fault signal that is let in,
/// for ever (`dequeue_synchronous_signal`).
pub(crate) fn send_again(info: &SigInfo) {
    let mut again = *info;
    if info.signo == POKE.signo && matches!(info.address, POKED | MARKED) && info.code == SI_KERNEL {
        again.code = SI_USER;
    }
    kernel::requeue(&again);
}

fn poke(other: &ThreadArea) -> bool {
    other.poked.store(true, Ordering::Relaxed);
    kernel::queue(other.thread.load(Ordering::Relaxed), &POKE_FROM_OTHER).is_ok()
}

/// The signals that wait for one thread, or for one process.
pub(crate) struct Pending {
    places: [Place; KINDS.len()],
}

/// Room for one signal. Zeroed memory is an empty one.
///
/// Writers and readers own a record while they copy, so nobody waits for
/// anybody, whatever thread is stopped where. With more of them stopped in one
/// place than there are records, a signal is lost.
struct Place {
    /// The record that is valid, plus 1; 0 for none.
    current: AtomicU32,
    records: [Record; 4],
}

struct Record {
    taken: AtomicBool,
    info: UnsafeCell<SigInfo>,
}

// SAFETY: `info` is touched by who has set `taken`, or has taken the record's
// number out of `current`; each hands it on by a release.
unsafe impl Sync for Record {}

impl Record {
    const fn new() -> Record {
        Record {
            taken: AtomicBool::new(false),
            info: UnsafeCell::new(SigInfo::new(0, 0, 0)),
        }
    }
}

impl Place {
    const fn new() -> Place {
        Place {
            current: AtomicU32::new(0),
            records: [const { Record::new() }; 4],
        }
    }

    fn is_full(&self) -> bool {
        self.current.load(Ordering::Relaxed) != 0
    }

    /// Keeps a signal, unless one is here: a second one is as nothing.
    fn put(&self, info: &SigInfo) {
        if self.is_full() {
            return;
        }
        let free = (1u32..)
            .zip(&self.records)
            .find(|(_, record)| !record.taken.swap(true, Ordering::Acquire));
        if let Some((number, record)) = free {
            // SAFETY: taken by us.
            unsafe { *record.info.get() = *info };
            let kept = self
                .current
                .compare_exchange(0, number, Ordering::Release, Ordering::Relaxed);
            if kept.is_err() {
                record.taken.store(false, Ordering::Release);
            }
        }
    }

    fn take(&self) -> Option<SigInfo> {
        if !self.is_full() {
            return None;
        }
        let number = self.current.swap(0, Ordering::Acquire);
        let record = self.records.get((number as usize).checked_sub(1)?)?;
        // SAFETY: its number was in `current`, and is ours now.
        let info = unsafe { *record.info.get() };
        record.taken.store(false, Ordering::Release);
        Some(info)
    }

    /// See [`Pending::clear`].
    fn clear(&self) {
        // Untouched pages stay untouched.
        if self.is_full() {
            self.current.store(0, Ordering::Relaxed);
        }
        for record in &self.records {
            if record.taken.load(Ordering::Relaxed) {
                record.taken.store(false, Ordering::Relaxed);
            }
        }
    }
}

/// The signals that wait for this process; a process that shares our memory
/// has its own in its first area.
pub(crate) static PROCESS: Pending = Pending::new();

impl Pending {
    pub(crate) const fn new() -> Pending {
        Pending {
            places: [const { Place::new() }; KINDS.len()],
        }
    }

    fn places(&self) -> impl Iterator<Item = (i32, &Place)> {
        KINDS.into_iter().zip(&self.places)
    }

    /// The signals that wait, as a mask.
    pub(crate) fn set(&self) -> u64 {
        self.places()
            .filter(|(_, place)| place.is_full())
            .fold(0, |set, (signal, _)| set | bit(signal))
    }

    fn put(&self, info: &SigInfo) {
        if let Some((_, place)) = self.places().find(|(signal, _)| *signal == info.signo) {
            place.put(info);
        }
    }

    fn take(&self, signals: u64) -> Option<SigInfo> {
        self.places()
            .filter(|(signal, _)| signals & bit(*signal) != 0)
            .find_map(|(_, place)| place.take())
    }

    /// Forgets what waits.
    pub(crate) fn drain(&self) {
        for place in &self.places {
            while place.take().is_some() {}
        }
    }

    /// Forgets everything, also what other threads were about to do; only while
    /// there are none.
    pub(crate) fn clear(&self) {
        for place in &self.places {
            place.clear();
        }
    }
}

/// What waits for a thread, as a mask: for itself or for its process.
pub(crate) fn set(area: &ThreadArea) -> u64 {
    area.pending.set() | area.process_pending().set()
}

/// In the padding of a siginfo that rt_tgsigqueueinfo has sent: nothing else
/// tells that it was for the thread.
pub(crate) const FOR_THREAD: u32 = 0x7468_7264;

/// As the application may see it: without [`FOR_THREAD`].
pub(crate) fn plain(mut info: SigInfo) -> SigInfo {
    if info.padding == FOR_THREAD {
        info.padding = 0;
    }
    info
}

/// Keeps a signal that this thread does not take now.
pub(crate) fn keep(area: &ThreadArea, info: &SigInfo) {
    if info.code == SI_TKILL || info.padding == FOR_THREAD {
        area.pending.put(info);
        signalfd::look_out();
    } else {
        area.process_pending().put(info);
        offer(area, info.signo);
    }
}

/// Pokes another thread that takes a signal which waits for the process. If there
/// is none, those that may be waiting for it by a signalfd.
fn offer(own: &ThreadArea, signal: i32) {
    if find_taker(own, bit(signal)) == 0 || !signalfd::look_out() {
        return;
    }
    fence(Ordering::SeqCst);
    for_each_of_process(own, |other| {
        if !core::ptr::eq(own, other) {
            poke(other);
        }
    });
}

/// Takes one of these signals out.
pub(crate) fn take(area: &ThreadArea, signals: u64) -> Option<SigInfo> {
    area.pending
        .take(signals)
        .or_else(|| area.process_pending().take(signals))
        .map(plain)
}

/// Sets which reserved signals the calling thread does not take from now on:
/// those in `mask`. What waits and is taken now has to be looked for
/// afterwards.
pub(crate) fn close(area: &ThreadArea, mask: u64) {
    let before = area.closed.swap(mask & reserved(), Ordering::Relaxed);
    fence(Ordering::SeqCst);
    let newly_closed = mask & reserved() & !before;
    if newly_closed != 0 {
        find_taker(area, newly_closed);
    }
}

/// Pokes the calling thread if something waits that it takes.
pub(crate) fn poke_if_due(area: &ThreadArea) {
    if is_due(area) {
        poke_self(mask_of(area));
    }
}

/// Whether something waits that the calling thread takes.
pub(crate) fn is_due(area: &ThreadArea) -> bool {
    set(area) & !area.closed.load(Ordering::Relaxed) != 0
}

/// The mask that the calling thread has, or will have when its entry ends.
pub(crate) fn mask_of(area: &ThreadArea) -> u64 {
    match area.held.load(Ordering::Relaxed) {
        0 => kernel::block(0),
        _ => area.saved_mask.load(Ordering::Relaxed),
    }
}

/// Pokes another thread of the process for each of these signals that waits for
/// the process. Returns those for which there is none.
pub(crate) fn find_taker(own: &ThreadArea, signals: u64) -> u64 {
    fence(Ordering::SeqCst);
    let process = own.process_pending();
    let mut left = 0;
    for signal in KINDS.map(bit) {
        if process.set() & signals & signal == 0 {
            continue;
        }
        let mut found = false;
        for_each_of_process(own, |other| {
            let takes = other.closed.load(Ordering::Relaxed) & signal == 0;
            if !found && takes && !core::ptr::eq(own, other) {
                found = poke(other);
            }
        });
        if !found {
            left |= signal;
        }
    }
    left
}

/// The threads of the calling thread's process.
fn for_each_of_process(own: &ThreadArea, mut visit: impl FnMut(&ThreadArea)) {
    let process = own.process_pending.load(Ordering::Relaxed);
    areas::for_each(|area| {
        // SAFETY: areas are never unmapped; what is looked at is atomic.
        let other = unsafe { &*area };
        if other.in_use.load(Ordering::Relaxed)
            && other.thread.load(Ordering::Relaxed) != 0
            && other.process_pending.load(Ordering::Relaxed) == process
        {
            visit(other);
        }
    });
}

/// Forgets a signal that is ignored from now on, as `do_sigaction` does.
pub(crate) fn discard(own: &ThreadArea, signal: i32) {
    own.process_pending().take(bit(signal));
    for_each_of_process(own, |other| {
        other.pending.take(bit(signal));
    });
}

/// Sends a thread of this process a reserved signal. False: there is no such
/// thread that we know of.
///
/// It does not go by the kernel, which would drop it beside a trap.
pub(crate) fn send(own: &ThreadArea, thread: u32, info: &SigInfo) -> bool {
    let mut sent = false;
    for_each_of_process(own, |other| {
        if !sent && other.thread.load(Ordering::Relaxed) == thread {
            other.pending.put(info);
            signalfd::look_out();
            fence(Ordering::SeqCst);
            sent = if core::ptr::eq(own, other) {
                poke_self(mask_of(own));
                true
            } else {
                other.thread.load(Ordering::Relaxed) == thread && poke(other)
            };
            if !sent {
                // The thread has ended; its area may be another's soon.
                other.pending.take(bit(info.signo));
            }
        }
    });
    sent
}

/// Sends the process a reserved signal: to the calling thread if that takes it,
/// else to another that does.
///
/// It does not go by the kernel, where any thread may take what the one that it
/// has woken was to have.
pub(crate) fn send_to_process(own: &ThreadArea, info: &SigInfo) {
    let leader = kernel::getpid();
    let mut leader_takes = true;
    for_each_of_process(own, |other| {
        if other.thread.load(Ordering::Relaxed) == leader {
            leader_takes = other.closed.load(Ordering::Relaxed) & bit(info.signo) == 0;
        }
    });
    if leader_takes && sigaction::is_ignored(own, info.signo) {
        return;
    }
    own.process_pending().put(info);
    fence(Ordering::SeqCst);
    if own.closed.load(Ordering::Relaxed) & bit(info.signo) == 0 {
        poke_self(mask_of(own));
    } else {
        offer(own, info.signo);
    }
}

/// Whether something waits for the process, or for a thread of it.
pub(crate) fn is_any(own: &ThreadArea) -> bool {
    let mut any = own.process_pending().set() != 0;
    for_each_of_process(own, |other| any |= other.pending.set() != 0);
    any
}

/// The thread ends: it takes nothing more.
pub(crate) fn leave(area: &ThreadArea) {
    area.thread.store(0, Ordering::Relaxed);
    find_taker(area, reserved());
}

/// Gives the kernel back what waits here, all signals being blocked: pending
/// signals go over to a new image.
pub(crate) fn give_back(area: &ThreadArea) {
    while let Some(info) = take(area, reserved()) {
        kernel::requeue(&info);
    }
}
