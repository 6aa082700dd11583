//! `sigaltstack`, as `do_sigaltstack` of `kernel/signal.c` does it, on the
//! application's stack as we keep it: the kernel's is ours.

use core::sync::atomic::{AtomicBool, Ordering};

use crate::abi::errno::Errno;
use crate::abi::sigframe::AltStack;
use crate::kernel;
use crate::trap::area::ThreadArea;
use crate::trap::tiles;

/// `SS_AUTODISARM`.
pub(crate) const SS_AUTODISARM: i32 = 1 << 31;
/// `MINSIGSTKSZ`, the least that the kernel takes.
const MIN_SIZE: u64 = 2048;

impl AltStack {
    /// Whether a thread with this `rsp` counts as running on it.
    pub(crate) fn in_use(&self, rsp: u64) -> bool {
        self.flags & SS_AUTODISARM == 0 && self.size != 0 && self.holds(rsp)
    }

    fn to_bytes(self) -> [u8; 24] {
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&self.sp.to_ne_bytes());
        bytes[8..12].copy_from_slice(&self.flags.to_ne_bytes());
        bytes[16..].copy_from_slice(&self.size.to_ne_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8; 24]) -> AltStack {
        let word = |at: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&bytes[at..at + 8]);
            u64::from_ne_bytes(word)
        };
        AltStack {
            sp: word(0),
            flags: word(8) as i32,
            pad: 0,
            size: word(16),
        }
    }
}

/// Whether the kernel's rt_sigreturn sets the alternate stack before it loads the
/// registers, so that one in use is not set (`arch/x86/kernel/signal_64.c`; Linux
/// 6.12 does, for the sake of protection keys).
static SET_FIRST: AtomicBool = AtomicBool::new(true);

/// Looks at the kernel's release.
pub(crate) fn configure() {
    SET_FIRST.store(kernel::release() >= (6, 12), Ordering::Relaxed);
}

/// Which rsp decides for an rt_sigreturn whether the alternate stack is in use:
/// the handler's, or that in its frame.
pub(crate) fn rsp_of_return(handler: u64, frame: u64) -> u64 {
    if SET_FIRST.load(Ordering::Relaxed) {
        handler
    } else {
        frame
    }
}

/// Serves the call.
pub(crate) fn serve(area: &mut ThreadArea) -> i64 {
    let [new, old, ..] = area.call.args;
    let rsp = area.app_rsp;
    match change(area, rsp, new, old) {
        Ok(()) => 0,
        Err(errno) => errno.to_result(),
    }
}

fn change(area: &mut ThreadArea, rsp: u64, new: u64, old: u64) -> Result<(), Errno> {
    let stack = &area.altstack;
    let before = AltStack {
        flags: match () {
            () if stack.size == 0 => libc::SS_DISABLE,
            () if stack.in_use(rsp) => libc::SS_ONSTACK,
            () => 0,
        } | stack.flags & SS_AUTODISARM,
        ..*stack
    };
    if new != 0 {
        let mut bytes = [0; 24];
        kernel::copy_in(&mut bytes, new)?;
        let mut changed = area.altstack;
        set(&mut changed, rsp, AltStack::from_bytes(&bytes))?;
        if changed.size != 0 && !tiles::fit(area, changed.size) {
            return Err(Errno::ENOMEM);
        }
        area.altstack = changed;
    }
    if old != 0 {
        kernel::copy_out(old, &before.to_bytes())?;
    }
    Ok(())
}

/// Sets a new stack, or says what the kernel would.
pub(crate) fn set(stack: &mut AltStack, rsp: u64, new: AltStack) -> Result<(), Errno> {
    if stack.in_use(rsp) {
        return Err(Errno::EPERM);
    }
    match new.flags & !SS_AUTODISARM {
        libc::SS_DISABLE => *stack = AltStack { sp: 0, size: 0, ..new },
        0 | libc::SS_ONSTACK if new.size < MIN_SIZE => return Err(Errno::ENOMEM),
        0 | libc::SS_ONSTACK => *stack = new,
        _ => return Err(Errno::EINVAL),
    }
    Ok(())
}
