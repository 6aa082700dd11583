//! Our own system calls. They are made from the gate, so the arm lets them
//! through and no hook sees them (I13). No errno, no libc.

#![allow(unsafe_code, reason = "system calls act on raw memory")]

pub(crate) mod children;
pub(crate) mod futex;
mod limits;
pub(crate) mod log;
pub(crate) mod pages;
pub(crate) mod path;
pub(crate) mod process;
pub(crate) mod user;
pub(crate) mod wait;

pub use limits::{file_limit, limit, limits};
pub(crate) use user::copy_out_any;
pub use user::{can_write_range, copy_in, copy_in_u64, copy_out};

use core::ffi::CStr;

use crate::abi::errno::Errno;
use crate::abi::sigaction::{KernelSigaction, SIGSET_SIZE};
use crate::abi::sigframe::{AltStack, SI_USER, SigInfo};

unsafe extern "C" {
    /// `syscall` with the number and six arguments in C order; the raw result.
    /// Defined in `trap::entry`, inside the gate.
    fn usertrap_gate_own(number: i64, a: u64, b: u64, c: u64, d: u64, e: u64, f: u64) -> i64;
    /// The same from the part of the gate on which the application's own
    /// seccomp filters decide.
    fn usertrap_gate_for_application(number: i64, a: u64, b: u64, c: u64, d: u64, e: u64, f: u64) -> i64;
}

/// Makes a system call from the gate and returns its raw result.
///
/// # Safety
/// The call must be sound with these arguments: pointers valid for what the
/// kernel does with them, and nothing unmapped or closed that is in use.
pub unsafe fn call(number: i64, args: [u64; 6]) -> i64 {
    let [a, b, c, d, e, f] = args;
    // SAFETY: the caller vouches for the call itself; the gate keeps to the C
    // calling convention.
    unsafe { usertrap_gate_own(number, a, b, c, d, e, f) }
}

/// Makes a call that the application has asked for: a seccomp filter of its own
/// sees it, and has been asked whether it traps it (`trap::filters`).
///
/// # Safety
/// As [`call`].
pub(crate) unsafe fn call_for_application(number: i64, args: [u64; 6]) -> i64 {
    let [a, b, c, d, e, f] = args;
    // SAFETY: as in `call`.
    unsafe { usertrap_gate_for_application(number, a, b, c, d, e, f) }
}

pub(crate) fn checked(result: i64) -> Result<u64, Errno> {
    match Errno::from_result(result) {
        Some(errno) => Err(errno),
        None => Ok(result as u64),
    }
}

pub(crate) fn six<const N: usize>(given: [u64; N]) -> [u64; 6] {
    let mut args = [0; 6];
    for (arg, given) in args.iter_mut().zip(given) {
        *arg = given;
    }
    args
}

macro_rules! syscall {
    ($number:ident $(, $arg:expr)*) => {{
        $crate::kernel::call(libc::$number, $crate::kernel::six([$($arg as u64),*]))
    }};
}
pub(crate) use syscall;

/// mmap(2) of anonymous private memory.
pub fn map(address: u64, len: usize, protection: i32, flags: i32) -> Result<u64, Errno> {
    let flags = flags | libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    debug_assert!(flags & libc::MAP_FIXED == 0);
    // SAFETY: without MAP_FIXED no existing mapping is touched.
    checked(unsafe { syscall!(SYS_mmap, address, len, protection, flags, -1i64) })
}

/// mmap(2) of anonymous memory that a forked child shares.
pub fn map_for_children(address: u64, len: usize) -> Result<u64, Errno> {
    let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: no existing mapping is touched.
    checked(unsafe { syscall!(SYS_mmap, address, len, protection, flags, -1i64) })
}

/// mmap(2) of a file's memory, shared, and left out of core dumps: at `address`,
/// if nothing is there.
pub fn map_shared(address: u64, fd: i32, offset: u64, len: usize, protection: i32) -> Result<u64, Errno> {
    // SAFETY: no existing mapping is touched.
    let address = checked(unsafe { syscall!(SYS_mmap, address, len, protection, libc::MAP_SHARED, fd, offset) })?;
    // SAFETY: the range was just mapped; the advice changes no contents.
    unsafe { syscall!(SYS_madvise, address, len, libc::MADV_DONTDUMP) };
    Ok(address)
}

/// munmap(2).
///
/// # Safety
/// Nothing may use the range any more.
pub unsafe fn unmap(address: u64, len: usize) {
    // SAFETY: by the contract.
    unsafe { syscall!(SYS_munmap, address, len) };
}

/// mprotect(2).
///
/// # Safety
/// Whoever uses the range must get along with the new protection.
pub unsafe fn protect(address: u64, len: usize, protection: i32) -> Result<(), Errno> {
    // SAFETY: by the contract.
    checked(unsafe { syscall!(SYS_mprotect, address, len, protection) }).map(drop)
}

/// mremap(2) of `len` bytes at `from` to exactly `to`, over what is there.
///
/// # Safety
/// Both ranges must be ours.
pub unsafe fn move_pages(from: u64, to: u64, len: usize) -> Result<(), Errno> {
    let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
    // SAFETY: by the contract.
    checked(unsafe { syscall!(SYS_mremap, from, len, len, flags, to) }).map(drop)
}

/// rt_sigprocmask(SIG_SETMASK): sets the thread's mask, returns the old one.
pub fn set_mask(mask: u64) -> u64 {
    change_mask(libc::SIG_SETMASK, mask)
}

/// rt_sigprocmask(SIG_BLOCK): adds to the thread's mask, returns the old one.
pub fn block(mask: u64) -> u64 {
    change_mask(libc::SIG_BLOCK, mask)
}

fn change_mask(how: i32, mask: u64) -> u64 {
    let mut old = 0u64;
    // SAFETY: both pointers are to live locals of the kernel's sigset size.
    unsafe { syscall!(SYS_rt_sigprocmask, how, &raw const mask, &raw mut old, SIGSET_SIZE) };
    old
}

/// rt_sigprocmask(SIG_UNBLOCK).
pub fn unblock(mask: u64) {
    // SAFETY: the pointer is to a live local of the kernel's sigset size.
    unsafe { syscall!(SYS_rt_sigprocmask, libc::SIG_UNBLOCK, &raw const mask, 0, SIGSET_SIZE) };
}

/// The thread's signal mask.
pub fn mask() -> u64 {
    let mut old = 0u64;
    // SAFETY: the pointer is to a live local of the kernel's sigset size.
    unsafe { syscall!(SYS_rt_sigprocmask, libc::SIG_SETMASK, 0, &raw mut old, SIGSET_SIZE) };
    old
}

/// rt_sigaction(2): sets (if given) and returns the old action.
///
/// # Safety
/// A handler that is set must be one that can run in this process.
pub unsafe fn sigaction(signal: i32, new: Option<&KernelSigaction>) -> Result<KernelSigaction, Errno> {
    let mut old = KernelSigaction::default();
    let new = new.map_or(core::ptr::null(), core::ptr::from_ref);
    // SAFETY: pointers to live values; the handler by the contract.
    checked(unsafe { syscall!(SYS_rt_sigaction, signal, new, &raw mut old, SIGSET_SIZE) })?;
    Ok(old)
}

/// sigaltstack(2): sets (if given) and returns the old stack.
///
/// # Safety
/// The new stack must stay mapped and unused while it is set.
pub unsafe fn sigaltstack(new: Option<&AltStack>) -> Result<AltStack, Errno> {
    let mut old = AltStack::DISABLED;
    let new = new.map_or(core::ptr::null(), core::ptr::from_ref);
    // SAFETY: pointers to live values; the stack by the contract.
    checked(unsafe { syscall!(SYS_sigaltstack, new, &raw mut old) })?;
    Ok(old)
}

/// rt_sigpending(2).
pub fn pending() -> u64 {
    let mut set = 0u64;
    // SAFETY: a live set of the size that is told.
    let _ = unsafe { syscall!(SYS_rt_sigpending, &raw mut set, size_of::<u64>()) };
    set
}

/// rt_tgsigqueueinfo(2) to the calling thread: queues `info` again as it was.
/// Where the queue is full, without what it says but its number: the kernel
/// takes that of one who asks like `kill`.
pub fn requeue(info: &SigInfo) {
    let thread = gettid();
    if queue(thread, info) == Err(Errno::EAGAIN) {
        let _ = queue(thread, &SigInfo::new(info.signo, SI_USER, 0));
    }
}

/// rt_tgsigqueueinfo(2) to a thread of the calling process.
pub fn queue(thread: u32, info: &SigInfo) -> Result<(), Errno> {
    // SAFETY: `info` is live; a process may send any siginfo to itself.
    let result = unsafe {
        syscall!(
            SYS_rt_tgsigqueueinfo,
            getpid(),
            thread,
            info.signo,
            core::ptr::from_ref(info)
        )
    };
    checked(result).map(drop)
}

/// rt_sigtimedwait(2) for a time in nanoseconds, or for ever.
pub fn sigtimedwait(set: u64, info: &mut SigInfo, nanoseconds: Option<u64>) -> Result<i32, Errno> {
    let time = nanoseconds.map(|time| [time / 1_000_000_000, time % 1_000_000_000]);
    let time = time.as_ref().map_or(core::ptr::null(), |time| time.as_ptr());
    // SAFETY: all pointers are to live values of the kernel's layouts.
    let result = unsafe {
        syscall!(
            SYS_rt_sigtimedwait,
            &raw const set,
            core::ptr::from_mut(info),
            time,
            SIGSET_SIZE
        )
    };
    checked(result).map(|signal| signal as i32)
}

/// getpid(2).
pub fn getpid() -> u32 {
    // SAFETY: takes no pointers, has no effect.
    unsafe { syscall!(SYS_getpid) as u32 }
}

/// The kernel's release: its first two numbers.
pub fn release() -> (u32, u32) {
    let mut name = [[0u8; 65]; 6];
    // SAFETY: `struct new_utsname` is six strings of 65 bytes.
    unsafe { syscall!(SYS_uname, &raw mut name) };
    let mut numbers = name[2].split(|byte| !byte.is_ascii_digit()).map(|digits| {
        let add = |number: u32, digit: &u8| number.saturating_mul(10).saturating_add(u32::from(digit - b'0'));
        digits.iter().fold(0, add)
    });
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

/// getuid(2).
pub fn getuid() -> u32 {
    // SAFETY: takes no pointers, has no effect.
    unsafe { syscall!(SYS_getuid) as u32 }
}

/// getppid(2): 0 if the parent is in another pid namespace.
pub fn getppid() -> u32 {
    // SAFETY: takes no pointers, has no effect.
    unsafe { syscall!(SYS_getppid) as u32 }
}

/// Whether a process is gone, or is a zombie. False if that cannot be found
/// out.
pub fn is_dead(pid: u32) -> bool {
    // SAFETY: takes no pointers; signal 0 has no effect.
    let result = unsafe { syscall!(SYS_kill, pid, 0) };
    if result != 0 {
        return Errno::from_result(result) == Some(Errno::ESRCH);
    }
    // A zombie still has its number; its descriptor is readable.
    // SAFETY: takes no pointers.
    let Ok(fd) = checked(unsafe { syscall!(SYS_pidfd_open, pid, 0) }) else {
        return false;
    };
    let dead = is_readable(fd as i32);
    close(fd as i32);
    dead
}

/// The end of the heap: brk(0).
pub fn heap_end() -> u64 {
    // SAFETY: 0 changes nothing.
    unsafe { syscall!(SYS_brk, 0) as u64 }
}

/// How many threads the process has: /proc/self/task has a link for each, and
/// two of its own. 1 without /proc.
pub fn thread_count() -> u32 {
    // SAFETY: all-zero is a valid `stat`, plain data.
    let mut stat: libc::stat = unsafe { core::mem::zeroed() };
    let path = c"/proc/self/task";
    // SAFETY: a live C string and a live buffer of the kernel's layout.
    let result = unsafe { syscall!(SYS_newfstatat, libc::AT_FDCWD as i64, path.as_ptr(), &raw mut stat, 0) };
    if result == 0 {
        (stat.st_nlink as u32).saturating_sub(2).max(1)
    } else {
        1
    }
}

/// gettid(2).
pub fn gettid() -> u32 {
    // SAFETY: takes no pointers, has no effect.
    unsafe { syscall!(SYS_gettid) as u32 }
}

/// exit_group(2).
pub fn exit_group(status: i32) -> ! {
    loop {
        // SAFETY: the process ends.
        unsafe { syscall!(SYS_exit_group, status) };
    }
}

/// sched_yield(2).
pub fn yield_now() {
    // SAFETY: takes no pointers.
    unsafe { syscall!(SYS_sched_yield) };
}

/// arch_prctl(ARCH_GET_GS): the thread's GS base.
pub fn gs_base() -> u64 {
    let mut base = 0u64;
    // SAFETY: the pointer is to a live local.
    unsafe { syscall!(SYS_arch_prctl, ARCH_GET_GS, &raw mut base) };
    base
}

/// arch_prctl(ARCH_SET_GS).
///
/// # Safety
/// GS must be unused by the application; the base must be an area or 0.
pub unsafe fn set_gs_base(base: u64) {
    // SAFETY: by the contract.
    unsafe { syscall!(SYS_arch_prctl, ARCH_SET_GS, base) };
}

/// `ARCH_SET_GS` of `asm/prctl.h`.
pub const ARCH_SET_GS: u64 = 0x1001;
/// `ARCH_GET_GS` of `asm/prctl.h`.
pub const ARCH_GET_GS: u64 = 0x1004;

/// prctl(2) without pointers.
///
/// # Safety
/// The option must take no pointer.
pub unsafe fn prctl(option: i32, a: u64, b: u64, c: u64, d: u64) -> Result<u64, Errno> {
    // SAFETY: by the contract.
    checked(unsafe { syscall!(SYS_prctl, option, a, b, c, d) })
}

/// seccomp(2).
///
/// # Safety
/// `args` must be valid for `operation`.
pub unsafe fn seccomp(operation: u32, flags: u64, args: *const u8) -> Result<u64, Errno> {
    // SAFETY: by the contract.
    checked(unsafe { syscall!(SYS_seccomp, operation, flags, args) })
}

/// membarrier(2); the flags and CPU are 0.
pub fn membarrier(command: i32) -> Result<(), Errno> {
    // SAFETY: takes no pointers.
    checked(unsafe { syscall!(SYS_membarrier, command, 0, 0) }).map(drop)
}

/// openat(2) below the current directory, close-on-exec.
pub fn open(path: &CStr, flags: i32, mode: u32) -> Result<i32, Errno> {
    let flags = flags | libc::O_CLOEXEC;
    // SAFETY: the path is a live C string.
    checked(unsafe { syscall!(SYS_openat, libc::AT_FDCWD as i64, path.as_ptr(), flags, mode) }).map(|fd| fd as i32)
}

/// close(2) of a descriptor of ours.
pub fn close(fd: i32) {
    // SAFETY: takes no pointers; callers pass what they opened.
    unsafe { syscall!(SYS_close, fd) };
}

/// read(2).
pub fn read(fd: i32, out: &mut [u8]) -> Result<usize, Errno> {
    // SAFETY: the buffer is live and exclusively ours.
    checked(unsafe { syscall!(SYS_read, fd, out.as_mut_ptr(), out.len()) }).map(|n| n as usize)
}

/// write(2) until all is written or an error ends it.
pub fn write_all(fd: i32, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        // SAFETY: the buffer is live.
        match checked(unsafe { syscall!(SYS_write, fd, bytes.as_ptr(), bytes.len()) }) {
            Ok(n) => bytes = bytes.get(n as usize..).unwrap_or(&[]),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// pwrite64(2): how many bytes were written.
pub fn pwrite(fd: i32, bytes: &[u8], offset: u64) -> Result<usize, Errno> {
    // SAFETY: the buffer is live; what the descriptor stands for is the
    // caller's business.
    checked(unsafe { syscall!(SYS_pwrite64, fd, bytes.as_ptr(), bytes.len(), offset) }).map(|n| n as usize)
}

/// pread64(2): how many bytes were read.
pub fn pread(fd: i32, out: &mut [u8], offset: u64) -> Result<usize, Errno> {
    // SAFETY: the buffer is live and exclusively ours.
    checked(unsafe { syscall!(SYS_pread64, fd, out.as_mut_ptr(), out.len(), offset) }).map(|n| n as usize)
}

/// fcntl(2) with a number argument.
pub fn fcntl(fd: i32, command: i32, arg: u64) -> Result<u64, Errno> {
    // SAFETY: the commands used here take no pointer.
    checked(unsafe { syscall!(SYS_fcntl, fd, command, arg) })
}

/// ioctl(2).
///
/// # Safety
/// `arg` must be valid for `request`.
pub unsafe fn ioctl(fd: i32, request: u64, arg: *mut u8) -> Result<u64, Errno> {
    // SAFETY: by the contract.
    checked(unsafe { syscall!(SYS_ioctl, fd, request, arg) })
}

/// Device and inode of an open file.
pub fn file_identity(fd: i32) -> Result<(u64, u64), Errno> {
    // SAFETY: all-zero is a valid `stat`, plain data.
    let mut stat: libc::stat = unsafe { core::mem::zeroed() };
    // SAFETY: the buffer is live and has the kernel's layout.
    checked(unsafe { syscall!(SYS_fstat, fd, &raw mut stat) })?;
    Ok((stat.st_dev, stat.st_ino))
}

/// The type of an open file, `S_IFMT` of its mode; 0 for those without a file
/// system: event counters, timers, epolls, signalfds.
pub fn file_type(fd: i32) -> Result<u32, Errno> {
    // SAFETY: all-zero is a valid `stat`, plain data.
    let mut stat: libc::stat = unsafe { core::mem::zeroed() };
    // SAFETY: the buffer is live and has the kernel's layout.
    checked(unsafe { syscall!(SYS_fstat, fd, &raw mut stat) })?;
    Ok(stat.st_mode & libc::S_IFMT)
}

/// Whether something can be read, without waiting.
pub fn is_readable(fd: i32) -> bool {
    let mut poll = libc::pollfd {
        fd,
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: one live `struct pollfd`; it does not wait.
    let ready = unsafe { syscall!(SYS_poll, &raw mut poll, 1, 0) };
    ready == 1 && poll.revents & libc::POLLIN != 0
}

/// clock_gettime(CLOCK_MONOTONIC) in nanoseconds.
pub fn monotonic_ns() -> u64 {
    clock_ns(libc::CLOCK_MONOTONIC)
}

/// clock_gettime(CLOCK_REALTIME) in nanoseconds.
pub fn realtime_ns() -> u64 {
    clock_ns(libc::CLOCK_REALTIME)
}

fn clock_ns(clock: i32) -> u64 {
    let mut time = [0u64; 2];
    // SAFETY: the pointer is to a live `struct timespec`.
    unsafe { syscall!(SYS_clock_gettime, clock, time.as_mut_ptr()) };
    time[0] * 1_000_000_000 + time[1]
}
