//! Reserved signals that a thread sends to its own process, or to a thread of it.
//!
//! The kernel keeps one SIGSYS for a thread, so beside a trap it would drop the
//! one that is sent: it goes by [`pending`] instead. To other processes and their
//! threads it goes by the kernel.

#![allow(unsafe_code, reason = "reads a siginfo out of bytes")]

use crate::abi::sigframe::{SI_KERNEL, SI_TKILL, SI_USER, SigInfo, bit};
use crate::kernel;
use crate::trap::area::ThreadArea;
use crate::trap::pending;
use crate::trap::sigaction::reserved;

/// kill, rt_sigqueueinfo, tkill, tgkill, rt_tgsigqueueinfo: the result, or None
/// if the kernel is to make the call.
pub(crate) fn serve(area: &mut ThreadArea, number: u32) -> Option<i64> {
    let [a, b, c, d, ..] = area.call.args;
    let number = i64::from(number);
    let of_thread = matches!(number, libc::SYS_tgkill | libc::SYS_rt_tgsigqueueinfo);
    let signal = if of_thread { c } else { b } as i32;
    if !(1..=64).contains(&signal) || reserved() & bit(signal) == 0 {
        return None;
    }
    let own = kernel::getpid();
    // A thread of 0 is the process.
    let (process, thread, info) = match number {
        libc::SYS_kill => (a as u32, 0, None),
        libc::SYS_rt_sigqueueinfo => (a as u32, 0, Some((2, c))),
        libc::SYS_tkill if a as i32 > 0 => (own, a as u32, None),
        libc::SYS_tgkill if b as i32 > 0 => (a as u32, b as u32, None),
        libc::SYS_rt_tgsigqueueinfo if b as i32 > 0 => (a as u32, b as u32, Some((3, d))),
        _ => return None,
    };
    if process != own {
        if thread != 0
            && let Some((index, address)) = info
        {
            mark(area, index, read(address, signal)?);
        }
        return None;
    }
    let info = match info {
        Some((_, address)) => {
            let mut info = read(address, signal)?;
            let own_number = if thread == 0 { own } else { thread };
            // From the kernel, or from `tgkill`: only to oneself.
            if (info.code >= 0 || info.code == SI_TKILL) && kernel::gettid() != own_number {
                return None;
            }
            info.signo = signal;
            info
        }
        None => {
            let sender = u64::from(own) | u64::from(kernel::getuid()) << 32;
            SigInfo::new(signal, if thread == 0 { SI_USER } else { SI_TKILL }, sender)
        }
    };
    if thread == 0 {
        pending::send_to_process(area, &info);
        return Some(0);
    }
    pending::send(area, thread, &info).then_some(0)
}

/// A siginfo of the application's; None if the kernel will not take it.
fn read(address: u64, signal: i32) -> Option<SigInfo> {
    /// `sizeof(kernel_siginfo_t)`.
    const KNOWN: usize = 48;
    /// `SI_DETHREAD`, `SI_ASYNCNL`.
    const OF_USERS: i32 = -7;
    const ASYNCNL: i32 = -60;
    let mut bytes = [0; size_of::<SigInfo>()];
    kernel::copy_in(&mut bytes, address).ok()?;
    let (_, unknown) = bytes.split_at_mut_checked(KNOWN)?;
    let plain = unknown.iter().all(|byte| *byte == 0);
    unknown.fill(0);
    // SAFETY: of the same size; any bytes are a valid siginfo.
    let info = unsafe { core::mem::transmute::<[u8; size_of::<SigInfo>()], SigInfo>(bytes) };
    // `known_siginfo_layout` of `kernel/signal.c`: NSIGSYS, NSIGILL.
    let last = if signal == libc::SIGSYS { 2 } else { 11 };
    let known = matches!(info.code, OF_USERS..=0 | SI_KERNEL | ASYNCNL) || (1..=last).contains(&info.code);
    (plain || known).then_some(info)
}

/// Tells the receiver, if it is one of us, that the signal is for a thread.
fn mark(area: &mut ThreadArea, index: usize, mut info: SigInfo) {
    info.padding = pending::FOR_THREAD;
    // SAFETY: of the same size; any bytes are valid words.
    area.scratch = unsafe { core::mem::transmute::<SigInfo, [u64; 16]>(info) };
    let address = &raw const area.scratch as u64;
    area.call.set_arg(index, address);
}
