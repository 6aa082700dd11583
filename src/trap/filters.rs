//! Seccomp filters of the application's own.
//!
//! They get a prologue that lets our own calls through (`arm::own`). On the
//! application's calls they decide in the kernel, where the gate makes them. A
//! call that the core serves without making it is asked for first: made behind
//! the gate, where the arm's filter answers it if no other forbids or traps it
//! (`arm::filter`). So no filter has to be kept and run here, and each thread's
//! filters are its own, also behind an exec.
//!
//! The verdicts LOG, TRACE and USER_NOTIF are weaker than the arm's, and are
//! taken for ALLOW when it is asked: they have their say where the core makes the
//! application's call itself (`kernel::call_for_application`).

#![allow(unsafe_code, reason = "reads a program of the application's; visits areas")]

use core::ops::Range;
use core::sync::atomic::{AtomicBool, Ordering};

use crate::abi::errno::Errno;
use crate::abi::seccomp::{
    Instruction, Program, SECCOMP_FILTER_FLAG_TSYNC, SECCOMP_SET_MODE_FILTER, SECCOMP_SET_MODE_STRICT,
};
use crate::abi::sigframe::SigInfo;
use crate::arm::own::{self, MOST, PROLOGUE, STRICT_DATA, STRICT_DEATH};
use crate::arm::sud::PR_SET_SYSCALL_USER_DISPATCH;
use crate::exec::calls;
use crate::guest;
use crate::hook::Outcome;
use crate::kernel::{self, log, process};
use crate::setup::config::Level;
use crate::trap::area::{Kind, ThreadArea};
use crate::trap::areas;
use crate::trap::dispatch::Post;
use crate::trap::{armed, clock, descriptors, entry, known, membarrier, memory, signalfd, tiles, user_dispatch};

/// `SECCOMP_MODE_STRICT` and `SECCOMP_MODE_FILTER` (`linux/seccomp.h`).
const MODE_STRICT: u64 = 1;
const MODE_FILTER: u64 = 2;

/// Where in the area's scratch the program is described while the kernel reads
/// it: `struct sock_fprog`, then the mapping, then what is to be known at the
/// end.
const MAPPING: usize = 2;
const LENGTH: usize = 3;
const WAS_FILTERED: usize = 4;
const IS_STRICT: usize = 5;

/// A thread has entered strict mode.
static STRICT: AtomicBool = AtomicBool::new(false);

/// The tree has started under a filter: then the kernel knows no strict mode.
static OUTER: AtomicBool = AtomicBool::new(false);

/// Notes whether there is a filter already; before the arm.
#[cfg(not(any(test, feature = "std")))]
pub(crate) fn note_outer() {
    // SAFETY: the option takes no pointer.
    let mode = unsafe { kernel::prctl(libc::PR_GET_SECCOMP, 0, 0, 0, 0) };
    OUTER.store(mode == Ok(MODE_FILTER), Ordering::Relaxed);
}

/// The same, of a program that another one of the tree has executed.
#[cfg(not(any(test, feature = "std")))]
pub(crate) fn inherit_outer(outer: bool) {
    OUTER.store(outer, Ordering::Relaxed);
}

/// Whether the tree has started under a filter.
pub(crate) fn is_outer() -> bool {
    OUTER.load(Ordering::Relaxed)
}

/// Where our own calls come from.
fn own_calls() -> Range<u64> {
    entry::gate_own_start()..entry::gate_end()
}

/// Whether the application's filters are to be asked about a call: it has some,
/// and the core may serve the call in another way than by making it.
#[inline]
pub(crate) fn decide_on(area: &ThreadArea, number: u32) -> bool {
    area.filtered.load(Ordering::Relaxed) && is_served(area, number)
}

#[cold]
fn is_served(area: &ThreadArea, number: u32) -> bool {
    if !armed::can_ask(area) {
        return false;
    }
    let [first, second, third, ..] = area.call.args;
    let is_ours = |fd: u64| descriptors::numbers(area).ours(fd as i32).is_some();
    match i64::from(number) {
        libc::SYS_rt_sigaction
        | libc::SYS_rt_sigreturn
        | libc::SYS_sigaltstack
        | libc::SYS_clone
        | libc::SYS_clone3
        | libc::SYS_fork
        | libc::SYS_vfork
        | libc::SYS_execve
        | libc::SYS_execveat
        | libc::SYS_exit
        | libc::SYS_exit_group
        | libc::SYS_close_range
        | libc::SYS_dup
        | libc::SYS_dup2
        | libc::SYS_dup3
        | libc::SYS_unshare => true,
        libc::SYS_kill
        | libc::SYS_rt_sigqueueinfo
        | libc::SYS_tkill
        | libc::SYS_tgkill
        | libc::SYS_rt_tgsigqueueinfo => true,
        number if signalfd::LOOKING.contains(&number) => signalfd::is_concerned(area),
        libc::SYS_arch_prctl => match first {
            kernel::ARCH_SET_GS | kernel::ARCH_GET_GS => true,
            tiles::ARCH_REQ_XCOMP_PERM => tiles::refuse(second).is_some(),
            _ => false,
        },
        libc::SYS_mmap | libc::SYS_mprotect | libc::SYS_pkey_mprotect | libc::SYS_mremap | libc::SYS_madvise => {
            memory::is_concerned(area, number)
        }
        libc::SYS_fcntl => descriptors::duplicates(second as i32) || is_ours(first) || is_ours(third),
        libc::SYS_close => is_ours(first),
        libc::SYS_membarrier => membarrier::is_served(area),
        libc::SYS_prctl => first as i32 == PR_SET_SYSCALL_USER_DISPATCH,
        number if descriptors::NAMING.contains(&number) => is_ours(first),
        number if calls::CORE.contains(&number) => calls::is_served(area),
        number if known::NUMBERS.contains(&number) => known::is_on(),
        _ => false,
    }
}

/// Makes the application's execve with an environment that the kernel cannot
/// read: so a tracer or a supervisor to which its filters leave such calls
/// decides, and nothing is executed. None: it may be.
pub(crate) fn decide_on_exec(area: &ThreadArea) -> Option<i64> {
    if !area.filtered.load(Ordering::Relaxed) {
        return None;
    }
    let number = i64::from(area.call.number());
    let mut args = area.call.args;
    args[if number == libc::SYS_execveat { 3 } else { 2 }] = 1 << 63;
    // SAFETY: the kernel reads the environment's array before anything of the
    // old image goes, and finds none.
    let result = unsafe { kernel::call_for_application(number, args) };
    (result != Errno::EFAULT.to_result()).then_some(result)
}

/// prctl and seccomp. None: the kernel makes the call, perhaps with a program of
/// ours.
pub(crate) fn serve(area: &mut ThreadArea, number: u32) -> Option<i64> {
    let [first, second, third, ..] = area.call.args;
    let by_prctl = i64::from(number) == libc::SYS_prctl;
    if by_prctl && first as i32 == PR_SET_SYSCALL_USER_DISPATCH {
        return user_dispatch::set(area);
    }
    if by_prctl && first as u32 == libc::PR_GET_SECCOMP as u32 {
        // Ours is not told: some programs confine themselves only where nobody has.
        let confined = area.filtered.load(Ordering::Relaxed) || is_outer();
        return (!confined).then_some(0);
    }
    let flags = if by_prctl { 0 } else { second as u32 };
    let strict = match (by_prctl, first as u32, second) {
        (true, option, MODE_STRICT) if option == libc::PR_SET_SECCOMP as u32 => true,
        (true, option, MODE_FILTER) if option == libc::PR_SET_SECCOMP as u32 => false,
        (false, SECCOMP_SET_MODE_STRICT, _) if flags == 0 && third == 0 => true,
        (false, SECCOMP_SET_MODE_FILTER, _) => false,
        _ => return None,
    };
    let made = if strict {
        // Beside a filter the kernel has no strict mode, and says so.
        if area.filtered.load(Ordering::Relaxed) || is_outer() {
            return None;
        }
        if let Err(errno) = armed::back(area, true) {
            return Some(errno.to_result());
        }
        make(own::STRICT, |program| {
            program.copy_from_slice(&own::strict(own_calls(), guest::space::code()));
            Ok(())
        })
    } else {
        // What is wrong with it the kernel says.
        let (len, program) = read_program(third).ok()?;
        if len == 0 || len > MOST {
            return None;
        }
        match armed::back(area, false) {
            Ok(()) => {}
            // The kernel says that of the application's, too.
            Err(Errno::EACCES) => return None,
            Err(errno) => return Some(errno.to_result()),
        }
        if len > MOST - PROLOGUE {
            log::line(
                Level::Warn,
                format_args!(
                    "a seccomp filter of {len} instructions leaves no room for ours: it decides on our calls too"
                ),
            );
            mark(area, flags);
            return None;
        }
        make(PROLOGUE + len, |whole| {
            let (prologue, copy) = whole.split_at_mut(PROLOGUE);
            prologue.copy_from_slice(&own::prologue(own_calls(), guest::space::code()));
            copy_in(copy, program)
        })
    };
    let (address, mapped, len) = match made {
        Ok(made) => made,
        Err(Errno::EFAULT) => return None,
        Err(errno) => return Some(errno.to_result()),
    };
    area.scratch[0] = len as u64;
    area.scratch[1] = address;
    area.scratch[MAPPING] = address;
    area.scratch[LENGTH] = mapped as u64;
    area.scratch[WAS_FILTERED] = area.filtered.load(Ordering::Relaxed).into();
    area.scratch[IS_STRICT] = strict.into();
    let description = &raw const area.scratch as u64;
    if by_prctl {
        area.call.set_arg(1, MODE_FILTER);
    } else {
        area.call.set_arg(0, SECCOMP_SET_MODE_FILTER.into());
    }
    area.call.set_arg(2, description);
    area.post = Post::Filter;
    mark(area, flags);
    None
}

/// From now on the filters are asked: before the kernel has the new one.
fn mark(area: &ThreadArea, flags: u32) {
    area.filtered.store(true, Ordering::Relaxed);
    known::forget(area);
    if flags & SECCOMP_FILTER_FLAG_TSYNC != 0 {
        areas::for_each(|area| {
            // SAFETY: areas are never unmapped; the field is atomic.
            unsafe {
                (*area).filtered.store(true, Ordering::Relaxed);
                known::forget(&*area);
            }
        });
    }
}

/// The exit side of an installation.
pub(crate) fn finish(area: &mut ThreadArea, outcome: Outcome) {
    // SAFETY: mapped by `serve` for this call, which is over.
    unsafe { kernel::unmap(area.scratch[MAPPING], area.scratch[LENGTH] as usize) };
    let installed = matches!(outcome, Outcome::Returned(0..));
    if !installed {
        area.filtered.store(area.scratch[WAS_FILTERED] != 0, Ordering::Relaxed);
        known::learn(area);
    } else if area.scratch[IS_STRICT] != 0 {
        STRICT.store(true, Ordering::Relaxed);
        // As the kernel does it, unless a hook of ours reads the time.
        if !clock::runs() {
            // SAFETY: takes no pointer.
            let _ = unsafe { kernel::prctl(libc::PR_SET_TSC, libc::PR_TSC_SIGSEGV as u64, 0, 0, 0) };
        }
    }
}

/// Makes a program in memory of its own: where, how many bytes, how many
/// instructions.
fn make(len: usize, write: impl FnOnce(&mut [Instruction]) -> Result<(), Errno>) -> Result<(u64, usize, usize), Errno> {
    let mapped = (len * size_of::<Instruction>()).next_multiple_of(4096);
    let address = kernel::map(0, mapped, libc::PROT_READ | libc::PROT_WRITE, 0).map_err(|_| Errno::ENOMEM)?;
    // SAFETY: just mapped, large enough, zeroed, and ours alone.
    let program = unsafe { core::slice::from_raw_parts_mut(address as *mut Instruction, len) };
    match write(program) {
        Ok(()) => Ok((address, mapped, len)),
        Err(errno) => {
            // SAFETY: the slice is gone.
            unsafe { kernel::unmap(address, mapped) };
            Err(errno)
        }
    }
}

/// How long a program of the application's is, and where it is.
fn read_program(address: u64) -> Result<(usize, u64), Errno> {
    let mut bytes = [0; size_of::<Program>()];
    kernel::copy_in(&mut bytes, address)?;
    let [low, high, .., a, b, c, d, e, f, g, h] = bytes;
    Ok((
        u16::from_ne_bytes([low, high]).into(),
        u64::from_ne_bytes([a, b, c, d, e, f, g, h]),
    ))
}

fn copy_in(program: &mut [Instruction], address: u64) -> Result<(), Errno> {
    let len = size_of_val(program);
    // SAFETY: instructions are plain numbers without padding.
    let bytes = unsafe { core::slice::from_raw_parts_mut(program.as_mut_ptr().cast::<u8>(), len) };
    kernel::copy_in(bytes, address)
}

/// Whether a SIGSYS from the gate says that strict mode forbids the call.
pub(crate) fn is_strict_death(info: &SigInfo) -> bool {
    STRICT.load(Ordering::Relaxed) && info.errno as u32 == STRICT_DATA
}

/// Ends the thread as strict mode does, by SIGKILL; another thread of the
/// process lives on, as it does natively.
pub(crate) fn die_strictly(area: &ThreadArea) -> ! {
    if area.kind == Kind::Thread && areas::LIVE.fetch_sub(1, Ordering::Relaxed) > 1 {
        // SAFETY: ends the thread; nothing of it is in use.
        unsafe { kernel::call_for_application(STRICT_DEATH.into(), [0; 6]) };
    }
    process::die_of(libc::SIGKILL)
}
