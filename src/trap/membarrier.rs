//! membarrier(2): the writer of sites has registered the process for one of its
//! commands (`rewrite::writer`), of which the application is not to know.

#![allow(unsafe_code, reason = "makes the application's calls")]

use core::sync::atomic::{AtomicU64, Ordering};

use crate::abi::errno::Errno;
use crate::kernel;
use crate::rewrite::writer;
use crate::trap::area::ThreadArea;

/// `linux/membarrier.h`.
const REGISTER_PRIVATE: u64 = 1 << 4;
const SYNC_CORE: u64 = 1 << 5;
const REGISTER_SYNC_CORE: u64 = 1 << 6;
const REGISTER_RSEQ: u64 = 1 << 8;
const GET_REGISTRATIONS: u64 = 1 << 9;

/// What the application has registered this memory for.
static REGISTERED: AtomicU64 = AtomicU64::new(0);

/// Whether a call asks for something that the registration has changed.
pub(crate) fn is_served(area: &ThreadArea) -> bool {
    let command = area.call.args[0] as u32;
    u64::from(command) & (REGISTER_PRIVATE | REGISTER_RSEQ | REGISTER_SYNC_CORE | SYNC_CORE | GET_REGISTRATIONS) != 0
}

/// Serves the call; None: the kernel does.
pub(crate) fn serve(area: &ThreadArea) -> Option<i64> {
    if !is_served(area) || !writer::is_registered() {
        return None;
    }
    let [command, flags, ..] = area.call.args;
    let command = u64::from(command as u32);
    let registered = REGISTERED.load(Ordering::Relaxed);
    if command == SYNC_CORE && flags as u32 == 0 {
        return (registered & REGISTER_SYNC_CORE == 0).then_some(Errno::EPERM.to_result());
    }
    // SAFETY: takes no pointers.
    let result = unsafe { kernel::call_for_application(libc::SYS_membarrier, area.call.args) };
    match command {
        REGISTER_PRIVATE | REGISTER_RSEQ | REGISTER_SYNC_CORE if result == 0 => {
            REGISTERED.fetch_or(command, Ordering::Relaxed);
        }
        // Each registration counts as the private one as well.
        GET_REGISTRATIONS if result > 0 => {
            let private = if registered == 0 { REGISTER_PRIVATE } else { 0 };
            let ours = REGISTER_SYNC_CORE & !registered | private;
            return Some(result & !(ours as i64));
        }
        _ => {}
    }
    Some(result)
}
