//! Reserved signals that a thread sends to a thread of its own process.
//!
//! The kernel keeps one SIGSYS for a thread, so beside a trap it would drop the
//! one that is sent: it goes by [`pending`] instead. To threads of other
//! processes it goes by the kernel.

#![allow(unsafe_code, reason = "reads a siginfo out of bytes")]

use crate::abi::sigframe::{SI_TKILL, SigInfo, bit};
use crate::kernel;
use crate::trap::area::ThreadArea;
use crate::trap::pending;
use crate::trap::sigaction::reserved;

/// tkill, tgkill, rt_tgsigqueueinfo: the result, or None if the kernel is to
/// make the call.
pub(crate) fn serve(area: &mut ThreadArea, number: u32) -> Option<i64> {
    let [a, b, c, d, ..] = area.call.args;
    let number = i64::from(number);
    let (process, thread, signal) = match number {
        libc::SYS_tkill => (kernel::getpid(), a as i32, b as i32),
        _ => (a as u32, b as i32, c as i32),
    };
    if !(1..=64).contains(&signal) || reserved() & bit(signal) == 0 || thread <= 0 {
        return None;
    }
    let ours = process == kernel::getpid();
    if !ours && number != libc::SYS_rt_tgsigqueueinfo {
        return None;
    }
    let mut info = if number == libc::SYS_rt_tgsigqueueinfo {
        let mut bytes = [0; size_of::<SigInfo>()];
        kernel::copy_in(&mut bytes, d).ok()?;
        // SAFETY: of the same size; any bytes are a valid siginfo.
        unsafe { core::mem::transmute::<[u8; size_of::<SigInfo>()], SigInfo>(bytes) }
    } else {
        let sender = u64::from(kernel::getpid()) | u64::from(kernel::getuid()) << 32;
        SigInfo::new(signal, SI_TKILL, sender)
    };
    info.signo = signal;
    if !ours {
        // The receiver, if it is one of us, is to know.
        info.padding = pending::FOR_THREAD;
        // SAFETY: as above, the other way round.
        area.scratch = unsafe { core::mem::transmute::<SigInfo, [u64; 16]>(info) };
        let address = &raw const area.scratch as u64;
        area.call.set_arg(3, address);
        return None;
    }
    pending::send(area, thread as u32, &info).then_some(0)
}
