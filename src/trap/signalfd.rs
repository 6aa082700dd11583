//! signalfd sees the reserved signals that wait in [`pending`].
//!
//! Once there is a signalfd for one of them, and one waits, the calls by which it
//! could be noticed are looked at ([`LOOKING`]). While all signals are blocked, a
//! mark for each that waits is queued in the kernel, and the call is made at
//! once, without waiting. If nothing is ready the application's own call is made
//! as ever. What is read of a signalfd has the marks in it, which then get their
//! true content; and so has what a thread was waiting to read when another one
//! poked it.

#![allow(unsafe_code, reason = "makes calls with the application's pointers")]

use core::sync::atomic::{AtomicBool, Ordering, fence};

use crate::abi::errno::Errno;
use crate::abi::sigaction::SIGSET_SIZE;
use crate::abi::sigframe::{SI_USER, SigInfo, bit};
use crate::abi::signalfd::Record;
use crate::kernel::{self, syscall};
use crate::rewrite::reroute;
use crate::trap::area::ThreadArea;
use crate::trap::dispatch::Post;
use crate::trap::held::{MARKER, is_marker};
use crate::trap::mask::block_all;
use crate::trap::pending::{self, KINDS, POKED};
use crate::trap::sigaction::reserved;
use crate::trap::{entry, sigwait};

/// The calls that read a signalfd.
const READING: &[i64] = &[libc::SYS_read, libc::SYS_readv];

/// The calls that a signalfd can end.
pub(crate) const LOOKING: &[i64] = &[
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_poll,
    libc::SYS_ppoll,
    libc::SYS_select,
    libc::SYS_pselect6,
    libc::SYS_epoll_wait,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
];

/// There is a signalfd for a reserved signal, or was.
static WATCHED: AtomicBool = AtomicBool::new(false);
/// One has waited since.
static LOOKED_FOR: AtomicBool = AtomicBool::new(false);

/// See [`WATCHED`].
pub(crate) fn is_watched() -> bool {
    WATCHED.load(Ordering::Relaxed)
}

/// A signalfd is about to be made, or changed.
pub(crate) fn made(area: &ThreadArea) {
    if kernel::copy_in_u64(area.call.args[1]).is_ok_and(|mask| mask & reserved() != 0) {
        watch();
        if pending::is_any(area) {
            look_out();
        }
    }
}

/// From now on there may be a signalfd for a reserved signal. Waits for the
/// rewriter's lock.
pub(crate) fn watch() {
    if !WATCHED.swap(true, Ordering::SeqCst) {
        add_interest(READING);
        reroute::passed_calls(entry::entry_pass(), entry::gate_rerouted());
    }
}

fn add_interest(numbers: &[i64]) {
    for number in numbers {
        entry::add_interest(*number as u16, entry::CORE | entry::KEEP_SSE);
    }
}

/// A reserved signal waits. Returns whether a signalfd may be there for it.
pub(crate) fn look_out() -> bool {
    let watched = is_watched();
    if watched && !LOOKED_FOR.swap(true, Ordering::Relaxed) {
        add_interest(LOOKING);
    }
    watched
}

/// Whether a call that is one of [`LOOKING`] may be served by us.
pub(crate) fn is_concerned(area: &ThreadArea) -> bool {
    is_watched() && pending::set(area) != 0
}

/// Looks for the application's call, before it is made. None: it is to be made.
pub(crate) fn look(area: &mut ThreadArea, number: u32) -> Option<i64> {
    let number = i64::from(number);
    if !is_watched() || !LOOKING.contains(&number) {
        return None;
    }
    let found = attempt_if_due(area, number);
    let reads = READING.contains(&number) && destination(number, &area.call.args).is_some();
    if found.is_none() && (reads || number == libc::SYS_epoll_wait) {
        area.post = Post::Signals;
    }
    found
}

/// The same when the call has been made, and is to be made again: the poke for what
/// waits now may have come before.
pub(crate) fn look_behind(area: &mut ThreadArea) -> Option<i64> {
    attempt_if_due(area, i64::from(area.call.number as u32))
}

fn attempt_if_due(area: &mut ThreadArea, number: i64) -> Option<i64> {
    if pending::set(area) == 0 || area.held_signal.is_some() {
        return None;
    }
    block_all(area);
    if area.held_signal.is_some() {
        // Its handler comes first.
        return None;
    }
    let found = attempt(area, number, &area.call.args);
    pending::poke_if_due(area);
    found
}

/// The same for a call that has been interrupted unnoticed, in the handler.
pub(crate) fn look_again(area: &ThreadArea, number: u64, args: [u64; 6]) -> Option<i64> {
    let number = i64::from(number as u32);
    if !is_watched() || !LOOKING.contains(&number) || pending::set(area) == 0 {
        return None;
    }
    attempt(area, number, &args)
}

/// Makes the call without waiting, all signals being blocked. None: it would
/// wait.
fn attempt(area: &ThreadArea, number: i64, args: &[u64; 6]) -> Option<i64> {
    loop {
        take_back(area);
        area.poked.store(false, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        let waiting = pending::set(area);
        for signal in KINDS {
            if waiting & bit(signal) != 0 {
                kernel::requeue(&SigInfo::new(signal, SI_USER, POKED));
            }
        }
        let result = if waiting == 0 { None } else { make(area, number, args) };
        let kept = take_back(area);
        // One that has come meanwhile has not found its mark.
        if result.is_some() || !(kept || area.poked.swap(false, Ordering::Relaxed)) {
            return result;
        }
    }
}

/// Takes all reserved signals out of the kernel's queue. Returns whether there
/// was one of the application's.
fn take_back(area: &ThreadArea) -> bool {
    let (mut kept, mut marked) = (false, false);
    let mut info = SigInfo::new(0, 0, 0);
    while kernel::sigtimedwait(reserved(), &mut info, Some(0)).is_ok() {
        if is_marker(&info) {
            marked = true;
        } else if info.address != POKED && !pending::is_poke(area, &info) {
            pending::keep(area, &info);
            kept = true;
        }
    }
    if marked {
        kernel::requeue(&MARKER);
    }
    kept
}

fn make(area: &ThreadArea, number: i64, args: &[u64; 6]) -> Option<i64> {
    let [first, second, third, fourth, fifth, sixth] = *args;
    let in_order = |time: u64, mask: u64, size: u64| {
        (time == 0 || sigwait::read_timeout(time).is_some()) && (mask == 0 || size == SIGSET_SIZE)
    };
    let result = match number {
        libc::SYS_read | libc::SYS_readv => return read(area, number, args),
        libc::SYS_ppoll if !in_order(third, fourth, fifth) => 0,
        libc::SYS_epoll_pwait if !in_order(0, fifth, sixth) => 0,
        libc::SYS_epoll_pwait2 if !in_order(fourth, fifth, sixth) => 0,
        libc::SYS_pselect6 if !in_order(fifth, 0, 0) => 0,
        libc::SYS_select | libc::SYS_pselect6 => select(args),
        // SAFETY: the application's call, which does not wait.
        libc::SYS_poll | libc::SYS_ppoll => unsafe { syscall!(SYS_poll, first, second, 0) },
        // SAFETY: as above.
        _ => unsafe { syscall!(SYS_epoll_wait, first, second, third, 0) },
    };
    (result != 0).then_some(result)
}

/// select, whose sets are as before if nothing is ready. Of more descriptors than
/// fit here the kernel is left to tell.
fn select(args: &[u64; 6]) -> i64 {
    const MOST: usize = 4096;
    let [count, sets @ .., _, _] = *args;
    let len = (count as i32 as usize).div_ceil(64) * 8;
    let mut before = [[0u8; MOST / 8]; 3];
    for (set, before) in sets.into_iter().zip(&mut before) {
        let Some(before) = before.get_mut(..len) else { return 0 };
        if set != 0 && len != 0 && kernel::copy_in(before, set).is_err() {
            return 0;
        }
    }
    let [read, write, except] = sets;
    let mut none = [0u64; 2];
    // SAFETY: the application's call, which does not wait.
    let result = unsafe { syscall!(SYS_select, count, read, write, except, none.as_mut_ptr()) };
    if result == 0 {
        for (set, before) in sets.into_iter().zip(&before) {
            if set != 0 && len != 0 {
                let _ = kernel::copy_out(set, before.get(..len).unwrap_or(&[]));
            }
        }
    }
    result
}

/// Where a call reads to, if there is room for a record: of several parts, the
/// first one.
fn destination(number: i64, args: &[u64; 6]) -> Option<[u64; 2]> {
    let [_, address, len, ..] = *args;
    let (address, len) = match number {
        libc::SYS_readv if len as i64 > 0 => {
            let second = kernel::copy_in_u64(address.wrapping_add(8)).ok()?;
            (kernel::copy_in_u64(address).ok()?, second)
        }
        libc::SYS_readv => return None,
        _ => (address, len),
    };
    (len >= Record::SIZE).then_some([address, len])
}

/// A read of what may be a signalfd. Other files have a type.
fn read(area: &ThreadArea, number: i64, args: &[u64; 6]) -> Option<i64> {
    const RWF_NOWAIT: u64 = 8;
    let fd = args[0];
    let part = destination(number, args)?;
    if kernel::file_type(fd as i32) != Ok(0) {
        return None;
    }
    // SAFETY: the application's call; the part is live.
    let mut result = unsafe { syscall!(SYS_preadv2, fd, part.as_ptr(), 1, -1i64, -1i64, RWF_NOWAIT) };
    if result == Errno::EOPNOTSUPP.to_result() && kernel::is_readable(fd as i32) {
        // Before Linux 6.10.
        // SAFETY: as above.
        result = unsafe { syscall!(SYS_read, fd, part[0], part[1]) };
    }
    if result <= 0 {
        // The kernel says what is wrong.
        return None;
    }
    Some(fill(area, part[0], result)).filter(|result| *result != 0)
}

/// The exit side of a read: false if there was nothing for the application in
/// what it has got. So it is with an epoll_wait that a signal has ended which
/// another thread has taken.
pub(crate) fn finish(area: &mut ThreadArea) -> bool {
    let number = i64::from(area.call.number as u32);
    if number == libc::SYS_epoll_wait {
        return area.call.result != Errno::EINTR.to_result();
    }
    let Some([address, _]) = destination(number, &area.call.args).filter(|_| area.call.result > 0) else {
        return true;
    };
    area.call.result = fill(area, address, area.call.result);
    area.call.result != 0
}

/// Gives the marks among `len` bytes of records their content, and takes those out
/// whose signal another thread has taken. Returns what is left.
fn fill(area: &ThreadArea, address: u64, len: i64) -> i64 {
    let len = len as u64;
    if !len.is_multiple_of(Record::SIZE) {
        return len as i64;
    }
    let mut to = address;
    for from in (address..address + len).step_by(Record::SIZE as usize) {
        // SAFETY: the kernel has just written as many bytes there.
        let record = unsafe { (from as *const Record).read_unaligned() };
        let record = if record.sender() == POKED && KINDS.contains(&record.signal()) {
            match pending::take(area, bit(record.signal())) {
                Some(info) => Record::of(&info),
                None => continue,
            }
        } else {
            record
        };
        // SAFETY: as above, and not behind `from`.
        unsafe { (to as *mut Record).write_unaligned(record) };
        to += Record::SIZE;
    }
    (to - address) as i64
}
