//! Syscall User Dispatch, as an application sets it with
//! `prctl(PR_SET_SYSCALL_USER_DISPATCH)`: it gets a SIGSYS in place of its calls,
//! but for those from one range of code, while a byte of its memory says so.
//!
//! The kernel's would meet all calls of the gate, or is the arm (`arm::sud`). So it is done here, where calls
//! trap, and from its first use on all do, as where GS is the application's
//! (`trap::gs`). A call that is dispatched is none: no hook sees it.

#![allow(unsafe_code, reason = "asks the kernel what it thinks of arguments")]

use crate::abi::errno::Errno;
use crate::abi::seccomp::SYS_USER_DISPATCH;
use crate::abi::sigframe::SigInfo;
use crate::arm::sud;
use crate::kernel;
use crate::trap::area::ThreadArea;
use crate::trap::gs;

/// The mode that switches it off.
const OFF: u64 = 0;
const INCLUSIVE_ON: u64 = 2;
/// What the selector may say: `SYSCALL_DISPATCH_FILTER_ALLOW` and `_BLOCK`.
const ALLOW: u8 = 0;
const BLOCK: u8 = 1;

/// No memory of the application's has such an address.
const NO_ADDRESS: u64 = 1 << 63;
const APPLICATION_END: u64 = (1 << 47) - 4096;

/// What a thread has set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct UserDispatch {
    on: bool,
    /// Calls from here are let through. Zero bytes long: none are.
    start: u64,
    len: u64,
    /// Address of the byte; 0 for none, and all calls are dispatched.
    selector: u64,
}

impl UserDispatch {
    /// As every thread and every process begins.
    pub(crate) const NONE: UserDispatch = UserDispatch {
        on: false,
        start: 0,
        len: 0,
        selector: 0,
    };
}

/// The prctl. None: the kernel serves it.
pub(crate) fn set(area: &mut ThreadArea) -> Option<i64> {
    let [option, mode, start, len, selector, _] = area.call.args;
    if mode == OFF {
        let is_off = [start, len, selector] == [0; 3];
        if is_off {
            area.user_dispatch = UserDispatch::NONE;
        }
        // Where it is the arm the kernel's stays on.
        let result = if is_off { 0 } else { Errno::EINVAL.to_result() };
        return sud::is_chosen().then_some(result);
    }
    // With a selector that cannot be it says whether the rest can.
    // SAFETY: takes no pointer, and changes nothing.
    let result = unsafe { kernel::call_for_application(libc::SYS_prctl, [option, mode, start, len, NO_ADDRESS, 0]) };
    if result != Errno::EFAULT.to_result() {
        return Some(result);
    }
    if selector >= APPLICATION_END {
        return Some(result);
    }
    let (start, len) = if mode == INCLUSIVE_ON {
        (start.wrapping_add(len), len.wrapping_neg())
    } else {
        (start, len)
    };
    area.user_dispatch = UserDispatch {
        on: true,
        start,
        len,
        selector,
    };
    // This call is answered, and so ends without GS.
    gs::take();
    gs::give_back(area);
    Some(0)
}

/// What becomes of a call that has trapped.
pub(crate) enum Fate {
    /// It is made.
    Made,
    /// The application gets this signal in its place.
    Dispatched(SigInfo),
    /// The process ends by this one.
    Ended(i32),
}

/// `syscall_user_dispatch` of `kernel/entry`; `trap` is the SIGSYS of the arm.
pub(crate) fn of_call(area: &ThreadArea, trap: &SigInfo) -> Fate {
    let set = area.user_dispatch;
    if !set.on || trap.address.wrapping_sub(set.start) < set.len {
        return Fate::Made;
    }
    let mut selected = [BLOCK];
    if set.selector != 0 && kernel::copy_in(&mut selected, set.selector).is_err() {
        return Fate::Ended(libc::SIGSEGV);
    }
    match selected {
        [ALLOW] => Fate::Made,
        [BLOCK] => {
            let mut info = *trap;
            (info.errno, info.code) = (0, SYS_USER_DISPATCH);
            Fate::Dispatched(info)
        }
        _ => Fate::Ended(libc::SIGSYS),
    }
}
