//! `USERTRAP_ARM=vetted`: a process runs without the kernel's arm as long as all its
//! executable memory is vetted (`rewrite::vetted`).
//!
//! New code comes through a few calls, the doors. It is mapped without the right to be
//! executed, vetted, and only then executable. What cannot be vetted, and what would put
//! a rewritten site's own bytes back, arms the process first, for good: a single thread
//! by Syscall User Dispatch, several by the filter, which the kernel gives to all of them
//! at once (`SECCOMP_FILTER_FLAG_TSYNC`).
//!
//! What is taken for granted: indirect branches lead to instructions (`rewrite::vet`);
//! nobody writes to code by other ways than its address (`/proc/self/mem`,
//! ptrace(2)); two threads do not change the mapping of the same code at once.

#![allow(unsafe_code, reason = "makes the application's calls on its memory")]

use core::ops::Range;
use core::sync::atomic::{AtomicBool, Ordering};

use crate::abi::errno::Errno;
use crate::arm::sud;
use crate::kernel::{self, log};
use crate::rewrite::vetted::{self, Which};
use crate::setup::config::Level;
use crate::trap::area::ThreadArea;
use crate::trap::{areas, armed};

/// The process runs without the arm.
static DISARMED: AtomicBool = AtomicBool::new(false);
/// A thread arms it.
static ENDING: AtomicBool = AtomicBool::new(false);

const READ_IMPLIES_EXEC: u64 = libc::READ_IMPLIES_EXEC as u64;
/// An argument of personality(2) that changes nothing.
const ASK_PERSONALITY: u64 = 0xffff_ffff;
/// `ARCH_MAP_VDSO_X32` to `ARCH_MAP_VDSO_64` (`asm/prctl.h`).
const MAP_VDSO: core::ops::RangeInclusive<u32> = 0x2001..=0x2003;
/// `MADV_DONTNEED_LOCKED`, `MADV_GUARD_INSTALL` (`asm-generic/mman-common.h`).
const MADV_DONTNEED_LOCKED: i32 = 24;
const MADV_GUARD_INSTALL: i32 = 102;

/// The doors besides those that `trap::memory` sees anyway.
pub(crate) const DOORS: [i64; 7] = [
    libc::SYS_mmap,
    libc::SYS_shmat,
    libc::SYS_personality,
    libc::SYS_process_madvise,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_register,
];

/// Whether the process runs without the arm.
pub(crate) fn is() -> bool {
    DISARMED.load(Ordering::Acquire)
}

/// The image is complete and armed: disarms it if all its code can be vetted.
pub(crate) fn begin() {
    if !vetted::is_chosen() {
        return;
    }
    if kernel::process::personality() & READ_IMPLIES_EXEC != 0 {
        log::line(
            Level::Info,
            format_args!("armed: all memory of this program is executable"),
        );
        return;
    }
    match vetted::seal(0..u64::MAX, Which::Executable) {
        Ok(()) if areas::is_alone() && sud::disarm_thread().is_ok() => {
            DISARMED.store(true, Ordering::Release);
            log::line(Level::Info, format_args!("disarmed: all code is vetted"));
        }
        Ok(()) => log::line(Level::Info, format_args!("armed: there are other threads")),
        Err(reason) => log::line(Level::Info, format_args!("armed: {reason}")),
    }
}

/// Arms the process for good, before what cannot be vetted happens. No thread of the
/// application's can be missed: it ends if that fails.
pub(crate) fn end() {
    if !is() {
        return;
    }
    while ENDING.swap(true, Ordering::Acquire) {
        kernel::yield_now();
    }
    if is() {
        arm();
    }
    ENDING.store(false, Ordering::Release);
}

fn arm() {
    let is_armed = if areas::is_alone() {
        sud::is_chosen() && armed::now().is_ok()
    } else {
        armed::all()
    };
    if !is_armed {
        log::fatal("the process cannot be armed again: use USERTRAP_ARM=sud");
    }
    DISARMED.store(false, Ordering::Release);
    log::line(Level::Info, format_args!("armed from now on"));
}

/// A child is about to be made, which shares memory, but not this process: what it
/// does to our code no thread of ours would see.
pub(crate) fn before_sharing(waits: bool) {
    if is() && !(waits && areas::is_alone()) {
        end();
    }
}

/// A child with memory of its own: a thread that its parent has may have been about to
/// arm the parent.
pub(crate) fn forked() {
    ENDING.store(false, Ordering::Release);
}

/// The parent goes on, whose memory a child has had, which may have been killed.
pub(crate) fn after_sharing() {
    if areas::is_alone() {
        ENDING.store(false, Ordering::Release);
    }
    if vetted::is_chosen() && !is() && armed::thread().is_err() {
        log::fatal("the thread cannot be armed: prctl(PR_SET_SYSCALL_USER_DISPATCH) is refused now");
    }
}

/// Whether a call may be a door.
pub(crate) fn is_concerned(area: &ThreadArea, number: u32) -> bool {
    let [first, _, third, ..] = area.call.args;
    is() && match i64::from(number) {
        libc::SYS_mmap | libc::SYS_mprotect | libc::SYS_pkey_mprotect => third as i32 & libc::PROT_EXEC != 0,
        libc::SYS_mremap => true,
        libc::SYS_madvise => drops_pages(third as i32),
        libc::SYS_shmat => third as i32 & libc::SHM_EXEC != 0,
        libc::SYS_personality => first as u32 != ASK_PERSONALITY as u32 && first & READ_IMPLIES_EXEC != 0,
        // The kernel drops, fills and writes pages for those.
        libc::SYS_process_madvise | libc::SYS_userfaultfd => true,
        libc::SYS_io_uring_setup | libc::SYS_io_uring_register => true,
        libc::SYS_arch_prctl => MAP_VDSO.contains(&(first as u32)),
        _ => false,
    }
}

/// Whether pages may be lost, and come back as they are in the file.
const fn drops_pages(advice: i32) -> bool {
    matches!(
        advice,
        libc::MADV_DONTNEED | libc::MADV_FREE | libc::MADV_REMOVE | MADV_DONTNEED_LOCKED | MADV_GUARD_INSTALL
    )
}

/// Serves the call if it makes code that can be vetted; None: it goes on, and the process
/// is armed where it has to be.
pub(crate) fn serve(area: &ThreadArea, number: u32) -> Option<i64> {
    if !is_concerned(area, number) {
        return None;
    }
    let [address, length, ..] = area.call.args;
    let range = address..address.saturating_add(length);
    match i64::from(number) {
        libc::SYS_mmap => map(area),
        libc::SYS_mprotect | libc::SYS_pkey_mprotect => protect(area, number, &range),
        libc::SYS_mremap | libc::SYS_madvise if !vetted::is_executable(&range) => None,
        _ => {
            end();
            None
        }
    }
}

/// Whether memory of this protection can be vetted at all.
const fn is_constant(protection: u64) -> bool {
    // Nothing else: not PROT_GROWSDOWN, for example.
    protection == (libc::PROT_READ | libc::PROT_EXEC) as u64
}

fn map(area: &ThreadArea) -> Option<i64> {
    let [address, length, protection, flags, fd, offset] = area.call.args;
    let is_private = flags as i32 & libc::MAP_TYPE == libc::MAP_PRIVATE;
    if !is_constant(protection) || !is_private {
        end();
        return None;
    }
    if vetted::is_beside_us(&(address..address.saturating_add(length))) {
        end();
        return None;
    }
    if flags as i32 & libc::MAP_ANONYMOUS != 0 {
        // Zeros are no calls.
        return None;
    }
    let readable = libc::PROT_READ as u64;
    // SAFETY: the application's own call; the protection follows.
    let mapped =
        unsafe { kernel::call_for_application(libc::SYS_mmap, [address, length, readable, flags, fd, offset]) };
    if Errno::from_result(mapped).is_some() {
        return Some(mapped);
    }
    let start = mapped as u64;
    vet(&(start..start.saturating_add(length.next_multiple_of(PAGE))));
    // SAFETY: just mapped for the application, with the protection that it wants.
    let made = unsafe { kernel::call_for_application(libc::SYS_mprotect, [start, length, protection, 0, 0, 0]) };
    if Errno::from_result(made).is_none() {
        return Some(mapped);
    }
    // A file system that is mounted noexec, or a rule against code that was written
    // (`PR_SET_MDWE`, SELinux): the kernel has its own word for mmap.
    end();
    if flags as i32 & libc::MAP_FIXED == 0 {
        // SAFETY: nobody knows of it yet.
        unsafe { kernel::unmap(start, length as usize) };
    }
    None
}

const PAGE: u64 = 4096;

fn protect(area: &ThreadArea, number: u32, range: &Range<u64>) -> Option<i64> {
    let [address, length, protection, key, ..] = area.call.args;
    if !is_constant(protection) {
        end();
        return None;
    }
    let range = range.start..address.saturating_add(length.checked_next_multiple_of(PAGE).unwrap_or(length));
    if vetted::is_constant_code(&range) {
        return None;
    }
    if vetted::is_executable(&range) {
        // Some of it: it cannot be taken from who runs there.
        end();
        return None;
    }
    if key_denies(number, key) || refuses_new_code() || vetted::is_beside_us(&range) {
        end();
        return None;
    }
    let readable = libc::PROT_READ as u64;
    // SAFETY: the application's own call; the protection follows.
    let made = unsafe { kernel::call_for_application(number.into(), [address, length, readable, key, 0, 0]) };
    match Errno::from_result(made) {
        None => vet(&range),
        // Some of it is not mapped: what comes before gets its protection all the same.
        Some(Errno::ENOMEM) => end(),
        Some(_) => return Some(made),
    }
    None
}

/// Whether memory of that key may be unreadable to us.
const fn key_denies(number: u32, key: u64) -> bool {
    number as i64 == libc::SYS_pkey_mprotect && key as i32 > 0
}

/// Whether the kernel refuses to make data executable (`PR_SET_MDWE`).
fn refuses_new_code() -> bool {
    const PR_GET_MDWE: i32 = 66;
    // SAFETY: takes no pointer.
    unsafe { kernel::prctl(PR_GET_MDWE, 0, 0, 0, 0) }.is_ok_and(|rules| rules != 0)
}

/// Vets code that nobody can execute yet, or else arms the process.
fn vet(range: &Range<u64>) {
    if let Err(reason) = vetted::seal(range.clone(), Which::All) {
        log::line(Level::Info, format_args!("{reason}"));
        end();
    }
}
