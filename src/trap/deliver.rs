//! Calls the application's signal handler, on the stack and with the frame that
//! the kernel would have given it.
//!
//! The kernel's frame lies on our signal stack. A copy of it goes where
//! `get_sigframe` (`arch/x86/kernel/signal.c`) would have put it; our own frame
//! is then changed to start the handler, and the entry does what `rt_sigreturn`
//! would do of it: mask, registers, stack, initial vector state.

#![allow(unsafe_code, reason = "writes a signal frame to the application's stack")]

use core::mem::offset_of;
use core::sync::atomic::Ordering;

use crate::abi::sigaction::{KernelSigaction, SA_RESTORER, SIG_DFL, SIG_IGN};
use crate::abi::sigframe::{
    AltStack, FP_XSTATE_MAGIC1, FPX_SW_BYTES, FXSAVE_SIZE, RED_ZONE, RtSigFrame, SI_KERNEL, SigInfo, UContext, bit,
    rflags,
};
use crate::kernel;
use crate::trap::altstack::{self, SS_AUTODISARM};
use crate::trap::area::{Action, ThreadArea};
use crate::trap::context;
use crate::trap::dispatch::Post;
use crate::trap::mask::block_all;
use crate::trap::pending;
use crate::trap::sigaction;
use crate::trap::swallowed;
use crate::trap::tell::tell;

/// Starts `action`'s handler at the end of our own. `uc` shows the
/// application's code already; `waiting` is the mask of a wait that the signal
/// has ended. Returns whether it starts: the process may have to die instead.
pub(crate) fn deliver(
    area: &mut ThreadArea,
    action: &KernelSigaction,
    info: &SigInfo,
    uc: &mut UContext,
    waiting: Option<u64>,
) -> bool {
    tell(area, info, uc);
    let rsp = uc.uc_mcontext.rsp;
    let below = rsp.wrapping_sub(RED_ZONE);
    let stack = area.altstack;
    // Whether it is in use is asked below the red zone, unlike the overflow.
    let switch = action.flags & libc::SA_ONSTACK as u64 != 0 && stack.size != 0 && !stack.in_use(below);
    let top = if switch {
        stack.sp.wrapping_add(stack.size)
    } else {
        below
    };
    let fpstate_size = fpstate_size(uc);
    // 64 bytes: xsave's alignment. Then as `align_sigframe`: the handler starts
    // as if called.
    let fpstate = top.wrapping_sub(fpstate_size) & !63;
    let frame = (fpstate.wrapping_sub(size_of::<RtSigFrame>() as u64) & !15).wrapping_sub(8);
    // What lies between the vector state and `top` is not touched.
    let written_to = if fpstate_size == 0 {
        frame + size_of::<RtSigFrame>() as u64
    } else {
        fpstate + fpstate_size
    };
    let overflows = (switch || stack.in_use(rsp)) && !stack.holds(frame);
    let restores = action.flags & SA_RESTORER != 0;
    if overflows || !restores || !kernel::can_write_range(frame, written_to) {
        return force_fault(area, info.signo, uc, waiting);
    }
    let handler_mask = action.mask
        | if action.flags & libc::SA_NODEFER as u64 == 0 {
            bit(info.signo)
        } else {
            0
        };
    let mask = uc.uc_sigmask | area.virtual_mask;
    let mut copy = RtSigFrame {
        pretcode: action.restorer,
        uc: UContext {
            uc_stack: stack,
            uc_sigmask: mask,
            ..*uc
        },
        info: *info,
    };
    copy.uc.uc_mcontext.oldmask = mask;
    let target = frame as *mut RtSigFrame;
    // SAFETY: this is the memory below the application's rsp or its alternate
    // stack, where the kernel would write the same. If it is not writable the
    // kernel ends the process by SIGSEGV, as it does natively.
    unsafe {
        if uc.uc_mcontext.fpstate != 0 {
            core::ptr::copy_nonoverlapping(
                uc.uc_mcontext.fpstate as *const u8,
                fpstate as *mut u8,
                fpstate_size as usize,
            );
        }
        target.write_unaligned(copy);
        if uc.uc_mcontext.fpstate != 0 {
            (&raw mut (*target).uc.uc_mcontext.fpstate).write_unaligned(fpstate);
        }
    }
    if stack.flags & SS_AUTODISARM != 0 {
        area.altstack = AltStack::DISABLED;
    }
    let mask = waiting.unwrap_or(mask) | handler_mask;
    area.set_virtual_mask(mask);
    uc.uc_sigmask = mask;
    let context = &mut uc.uc_mcontext;
    context.rip = action.handler;
    context.rsp = frame;
    context.rdi = info.signo as u64;
    context.rsi = frame + offset_of!(RtSigFrame, info) as u64;
    context.rdx = frame + offset_of!(RtSigFrame, uc) as u64;
    context.rax = 0;
    context.eflags &= !(rflags::DF | rflags::RF | rflags::TF);
    context.fpstate = 0;
    true
}

/// There is no room for the frame of the signal `failed`, or none was found (0):
/// SIGSEGV instead, as `force_sigsegv` has it, which ends the process if the
/// application cannot take that either.
fn force_fault(area: &mut ThreadArea, failed: i32, uc: &mut UContext, waiting: Option<u64>) -> bool {
    let fault = SigInfo::new(libc::SIGSEGV, SI_KERNEL, 0);
    let action = sigaction::take(area, libc::SIGSEGV);
    let caught = action.handler != SIG_DFL && action.handler != SIG_IGN;
    if failed != libc::SIGSEGV && caught && waiting.unwrap_or(uc.uc_sigmask) & bit(libc::SIGSEGV) == 0 {
        return deliver(area, &action, &fault, uc, waiting);
    }
    tell(area, &fault, uc);
    sigaction::set_default(libc::SIGSEGV);
    uc.uc_sigmask &= !bit(libc::SIGSEGV);
    kernel::requeue(&fault);
    false
}

/// Bytes of the vector state that the kernel's frame has.
fn fpstate_size(uc: &UContext) -> u64 {
    let fpstate = uc.uc_mcontext.fpstate;
    if fpstate == 0 {
        return 0;
    }
    // SAFETY: the kernel wrote `struct _fpx_sw_bytes` there.
    let [magic1, extended_size] = unsafe { ((fpstate + FPX_SW_BYTES) as *const [u32; 2]).read_unaligned() };
    if magic1 == FP_XSTATE_MAGIC1 {
        extended_size.into()
    } else {
        FXSAVE_SIZE
    }
}

/// rt_sigreturn of the application: takes its virtual state out of the frame, and
/// puts the kernel's into a copy, which the kernel loads. All signals stay
/// blocked until then only if one has to find it loaded.
pub(crate) fn sigreturn(area: &mut ThreadArea) -> Action {
    // The kernel takes the flags from the frame.
    area.flags &= !rflags::TF;
    area.reach.forget();
    area.returning.before = (area.virtual_mask, area.altstack);
    let mut frame = core::mem::MaybeUninit::<UContext>::uninit();
    // By assembly, and volatile: the handler of a fault of this read has to see
    // that it is one.
    // SAFETY: rt_sigreturn has its frame at rsp; if there is none the fault is
    // the application's ([`bad_frame`]). Any bytes are a valid frame.
    let mut frame = unsafe {
        (&raw mut area.post).write_volatile(Post::Frame);
        core::arch::asm!(
            "rep movsb",
            inout("rcx") size_of::<UContext>() => _,
            inout("rsi") area.app_rsp => _,
            inout("rdi") frame.as_mut_ptr() => _,
            options(nostack, preserves_flags),
        );
        (&raw mut area.post).write_volatile(Post::None);
        frame.assume_init()
    };
    let (mask, stack) = (frame.uc_sigmask, frame.uc_stack);
    frame.uc_sigmask = mask & !sigaction::reserved();
    frame.uc_stack = area.signal_stack();
    swallowed::mark_return(&mut frame.uc_mcontext);
    swallowed::enter_at_site(area, &mut frame.uc_mcontext);
    // One that is let in must find the frame loaded.
    let waits = pending::set(area) & !mask != 0;
    if waits {
        block_all(area);
    }
    area.set_virtual_mask(mask);
    // As `restore_altstack`: errors are ignored.
    let rsp = altstack::rsp_of_return(area.app_rsp, frame.uc_mcontext.rsp);
    let _ = altstack::set(&mut area.altstack, rsp, stack);
    area.returning.frame = frame;
    if waits {
        if pending::is_due(area) {
            pending::poke_self(mask);
        }
        return Action::ReturnBlocked;
    }
    Action::Return
}

/// The rt_sigreturn under way is not made now.
pub(crate) fn undo_return(area: &mut ThreadArea) {
    area.altstack = area.returning.before.1;
    area.set_virtual_mask(area.returning.before.0);
}

/// There is no frame for the rt_sigreturn under way: the application's SIGSEGV,
/// behind the call (`signal_fault` of `arch/x86/kernel/signal.c`). Returns
/// whether a handler starts.
pub(crate) fn bad_frame(area: &mut ThreadArea, uc: &mut UContext) -> bool {
    area.post = Post::None;
    area.call.result = 0;
    context::roll_forward(area, &mut uc.uc_mcontext);
    if area.held.swap(0, Ordering::Relaxed) != 0 {
        uc.uc_sigmask = area.saved_mask.load(Ordering::Relaxed);
    }
    force_fault(area, 0, uc, None)
}
