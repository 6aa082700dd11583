//! The entry, the exit and the gate: all the assembly that runs between the
//! application and the hook.
//!
//! # The way of one call
//!
//! ```text
//!  site ──jmp *slot──▶ trampoline: mov $nr,%eax; movabs $ret,%rcx; jmp ─┐
//!                                               entry_any               │
//!                                                 │ interesting?        │
//!        ┌──────────── no ─────────┬──────────────┘                     │
//!        ▼                         │ yes                                │
//!   gate_any, gate_pass       entry_full ◀────────────── entry_full or ─┘
//!        │                         │ save, switch stack   entry_pass
//!        ▼                         ▼
//!   back to the site         dispatch::enter_from_entry (Rust)
//!                                  │
//!                              resume: signals held?  by `action`:
//!        ┌─────────┬───────────────┼───────────────┬──────────────┐
//!     Answer     Pass      PassThenExit, Ask     Clone       ThreadExit
//!        │     gate_any    gate_exit, gate_ask  gate_clone    gate_last
//!        │                exit_from_gate (Rust)  clone::{parent,child}_from_gate
//!        ▼                         ▼                   ▼
//!      leave ◀──────────────── resume ◀────────────────┘
//! ```
//!
//! An rt_sigreturn of the application goes by gate_return, with rsp at a copy of
//! its frame in the area (`trap::deliver`): its own stays as it is.
//!
//! A call that traps goes by entry_trapped and gate_trapped, if nobody is interested
//! in it. Otherwise the handler itself puts it into the area and lets rsp lead
//! there: from `taken` the way is the same.
//!
//! Where the application uses GS for itself (`trap::gs`) every call comes by `taken`,
//! and goes to the kernel by gate_taken or gate_taken_exit, with rsp at the area.
//!
//! A call that a signal has interrupted of which the application is to notice
//! nothing goes on at a gate_*_again, which tells a signal that comes in before
//! it from one before a call (`trap::again`).
//!
//! Calls that we make for ourselves come from the second part of the gate, from
//! `gate_own_start` on.
//!
//! A getpid that the area knows goes by known_pid, and no further (`trap::known`).
//!
//! # Stacks
//!
//! ```text
//!  application's stack        thread area's hook stack
//!  ┌──────────────┐           ┌──────────────────┐ ThreadArea
//!  │ its frames   │           │ call, app_rsp, … │ ← stack_top
//!  │ rsp ─▶       │           │ flags            │ ← rsp after pushfq, gs:0
//!  │ red zone     │           ├──────────────────┤
//!  │ (untouched)  │           │ Rust frames      │
//!  └──────────────┘           ▼                  ▼
//! ```
//!
//! Nothing is ever written through the application's rsp. Only one call is in
//! flight per thread: an application's signal handler runs only when the
//! interrupted entry was rolled back, rolled forward or has ended
//! (`trap::signal`), so the area needs no nesting.
//!
//! Its parts lie in the files of `trap::entry`, in the order in which they are
//! assembled; here are their operands and labels.
//!
//! # Zones
//!
//! `trap::zone` classifies an interrupted rip by the labels here. Who moves an
//! instruction over a label changes what a signal does.
//!
//! # Unwinding
//!
//! Each state above is described by CFI, which emits no code, so that a
//! debugger comes from a hook to the application's function that made the
//! call: `usertrap_cfi_area` where rsp leads to the area, `usertrap_cfi_rcx`
//! where rcx still has the return address, `usertrap_cfi_rbx` where rbx is the
//! area. Where only GS leads there (in the gate: a thread that waits in the
//! kernel), DWARF has no way to say it: `usertrap_cfi_lost` ends a backtrace,
//! and `gdb/usertrap-gdb.py` goes on.
//!
//! # Scratch
//!
//! The `syscall` instruction destroys rcx (return address) and r11 (rflags);
//! these two are free on the way in. Flags are live until `pushfq`: until then
//! only instructions that leave them alone are used.

#![allow(unsafe_code, reason = "this is the assembly")]

/// Lines of assembly as one string.
macro_rules! lines {
    ($($line:literal,)*) => { concat!($($line, "\n",)*) };
}

#[macro_use]
mod macros;
#[macro_use]
mod gate;
#[macro_use]
mod call;
#[macro_use]
mod known;
#[macro_use]
mod births;
#[macro_use]
mod taken;
#[macro_use]
mod handler;

use core::arch::global_asm;
use core::mem::offset_of;
use core::sync::atomic::{AtomicU8, Ordering};

use crate::abi::sigframe::{RtSigFrame, SigContext, UContext, rflags};
use crate::hook::Call;
use crate::trap::area::{Action, Beginning, Returning, ThreadArea};
use crate::trap::areas::{FREE_AREAS, FREE_PAGE_BITS};
use crate::trap::gs::{self, FSGSBASE};
use crate::trap::known::Known;
use crate::trap::{clone, dispatch, signal};

/// One byte for each value of the low 16 bits of a call number: whether the
/// full entry has to look at it. Greater numbers share entries with smaller
/// ones; dispatch looks at the whole number.
static INTEREST: [AtomicU8; 65536] = [const { AtomicU8::new(0) }; 65536];

/// The hook is interested in the number.
pub(crate) const HOOK: u8 = 1;
/// The core has to do something about the number.
pub(crate) const CORE: u8 = 2;

/// The entry keeps xmm0–xmm15 around Rust code.
pub(crate) const KEEP_SSE: u8 = 4;
/// More of what the CPU has is kept around the hook (`trap::vector`).
pub(crate) const MORE_VECTORS: u8 = 8;

/// Adds `bits` to a number's interest.
pub(crate) fn add_interest(number: u16, bits: u8) {
    INTEREST[number as usize].fetch_or(bits, Ordering::Relaxed);
}

/// Who is interested in the low 16 bits of a number.
pub(crate) fn interest(number: u32) -> u8 {
    INTEREST[number as usize & 0xffff].load(Ordering::Relaxed)
}

const BEGIN: usize = offset_of!(ThreadArea, beginning);
const CONTEXT: usize = offset_of!(UContext, uc_mcontext);
const ARGS: usize = offset_of!(ThreadArea, call) + offset_of!(Call<'static>, args);

global_asm!(
    assembler_macros!(),
    gate!(),
    call!(),
    known!(),
    births!(),
    taken!(),
    handler!(),
    ".text",
    // For gdb/usertrap-gdb.py.
    ".set usertrap_area_bias, {GS_BIAS}",
    ".set usertrap_area_in_flight, {IN_FLIGHT}",
    INTEREST = sym INTEREST,
    KEEP_SSE = const KEEP_SSE,
    KEPT = const offset_of!(ThreadArea, kept),
    FSGSBASE = sym FSGSBASE,
    FREE_AREAS = sym FREE_AREAS,
    signal = sym signal::handler,
    enter = sym dispatch::enter_from_entry,
    enter_taken = sym dispatch::enter_taken,
    exit = sym dispatch::exit_from_gate,
    clone_parent = sym clone::parent_from_gate,
    clone_child_setup = sym clone::child_from_gate,
    ARGS = const ARGS,
    NUMBER = const offset_of!(ThreadArea, call) + offset_of!(Call<'static>, number),
    RESULT = const offset_of!(ThreadArea, call) + offset_of!(Call<'static>, result),
    RET = const offset_of!(ThreadArea, call) + offset_of!(Call<'static>, return_address),
    APP_RSP = const offset_of!(ThreadArea, app_rsp),
    GS_RESULT = const gs::BIAS + offset_of!(ThreadArea, call) + offset_of!(Call<'static>, result),
    GS_NUMBER = const gs::BIAS + offset_of!(ThreadArea, call) + offset_of!(Call<'static>, number),
    GS_RET = const gs::BIAS + offset_of!(ThreadArea, call) + offset_of!(Call<'static>, return_address),
    GS_APP_RSP = const gs::BIAS + offset_of!(ThreadArea, app_rsp),
    GS_STACK_TOP = const gs::BIAS + offset_of!(ThreadArea, stack_top),
    GS_KNOWN_PID = const gs::BIAS + offset_of!(ThreadArea, known) + offset_of!(Known, pid),
    GS_KNOWN_TID = const gs::BIAS + offset_of!(ThreadArea, known) + offset_of!(Known, tid),
    GS_BIAS = const gs::BIAS,
    IN_FLIGHT = const ThreadArea::IN_FLIGHT,
    OWNS_GS = const offset_of!(ThreadArea, owns_gs),
    ACTION = const offset_of!(ThreadArea, action),
    HELD = const offset_of!(ThreadArea, held),
    SAVED_MASK = const offset_of!(ThreadArea, saved_mask),
    RBX = const offset_of!(ThreadArea, rbx),
    RBP = const offset_of!(ThreadArea, rbp),
    NEW_AREA = const offset_of!(ThreadArea, new_area),
    SSE = const offset_of!(ThreadArea, sse),
    NEXT_FREE = const offset_of!(ThreadArea, next_free),
    FREE_PAGE_BITS = const FREE_PAGE_BITS,
    PASS_THEN_EXIT = const Action::PassThenExit as u32,
    CLONE = const Action::Clone as u32,
    THREAD_EXIT = const Action::ThreadExit as u32,
    RETURN = const Action::Return as u32,
    RETURN_BLOCKED = const Action::ReturnBlocked as u32,
    RETURN_FRAME = const offset_of!(ThreadArea, returning) + offset_of!(Returning, frame),
    PASS_BLOCKED = const Action::PassBlocked as u32,
    TAKEN_PASS = const Action::TakenPass as u32,
    TAKEN_PASS_THEN_EXIT = const Action::TakenPassThenExit as u32,
    ASK = const Action::Ask as u32,
    WAIT_BLOCKED = const Action::WaitBlocked as u32,
    TAKEN_WAIT_BLOCKED = const Action::TakenWaitBlocked as u32,
    AC = const rflags::AC,
    TF = const rflags::TF,
    STEPPING = const offset_of!(ThreadArea, stepping),
    RARE_IN_FUNCTIONS = const rflags::DF | rflags::AC,
    RARE_FLAGS = const rflags::TF | rflags::DF | rflags::NT | rflags::AC,
    SYS_RT_SIGRETURN = const libc::SYS_rt_sigreturn,
    SYS_RT_SIGPROCMASK = const libc::SYS_rt_sigprocmask,
    SYS_ARCH_PRCTL = const libc::SYS_arch_prctl,
    ARCH_SET_GS = const crate::kernel::ARCH_SET_GS,
    SIG_SETMASK = const libc::SIG_SETMASK,
    GS_BEGIN_RIP = const gs::BIAS + BEGIN + offset_of!(Beginning, rip),
    GS_BEGIN_RSP = const gs::BIAS + BEGIN + offset_of!(Beginning, rsp),
    GS_BEGIN_RDI = const gs::BIAS + BEGIN + offset_of!(Beginning, rdi),
    GS_BEGIN_RSI = const gs::BIAS + BEGIN + offset_of!(Beginning, rsi),
    GS_BEGIN_RDX = const gs::BIAS + BEGIN + offset_of!(Beginning, rdx),
    GS_BEGIN_R10 = const gs::BIAS + BEGIN + offset_of!(Beginning, r10),
    GS_BEGIN_RCX = const gs::BIAS + BEGIN + offset_of!(Beginning, rcx),
    GS_BEGIN_R11 = const gs::BIAS + BEGIN + offset_of!(Beginning, r11),
    GS_BEGIN_MASK = const gs::BIAS + BEGIN + offset_of!(Beginning, mask),
    BEGIN_MASK_FROM_TOP = const BEGIN + offset_of!(Beginning, mask) - 8,
    UC = const offset_of!(RtSigFrame, uc),
    UC_RAX = const CONTEXT + offset_of!(SigContext, rax),
    UC_RIP = const CONTEXT + offset_of!(SigContext, rip),
    UC_RSP = const CONTEXT + offset_of!(SigContext, rsp),
    UC_RDI = const CONTEXT + offset_of!(SigContext, rdi),
    UC_RSI = const CONTEXT + offset_of!(SigContext, rsi),
    UC_RDX = const CONTEXT + offset_of!(SigContext, rdx),
    UC_R10 = const CONTEXT + offset_of!(SigContext, r10),
    UC_RCX = const CONTEXT + offset_of!(SigContext, rcx),
    UC_R11 = const CONTEXT + offset_of!(SigContext, r11),
    UC_RBX = const CONTEXT + offset_of!(SigContext, rbx),
    UC_RBP = const CONTEXT + offset_of!(SigContext, rbp),
    UC_R8 = const CONTEXT + offset_of!(SigContext, r8),
    UC_R9 = const CONTEXT + offset_of!(SigContext, r9),
    UC_R12 = const CONTEXT + offset_of!(SigContext, r12),
    UC_R13 = const CONTEXT + offset_of!(SigContext, r13),
    UC_R14 = const CONTEXT + offset_of!(SigContext, r14),
    UC_R15 = const CONTEXT + offset_of!(SigContext, r15),
    UC_FLAGS = const CONTEXT + offset_of!(SigContext, eflags),
    UC_MASK = const offset_of!(UContext, uc_sigmask),
);

macro_rules! labels {
    ($($(#[$doc:meta])* $name:ident = $symbol:ident;)*) => {
        unsafe extern "C" { $(static $symbol: u8;)* }
        $($(#[$doc])* pub(crate) fn $name() -> u64 {
            (&raw const $symbol) as u64
        })*
    };
}

labels! {
    /// First byte of the gate.
    gate_start = usertrap_gate_start;
    /// Behind the last byte of the gate.
    gate_end = usertrap_gate_end;
    /// Trampolines of numbers outside the interest set jump here.
    entry_pass = usertrap_entry_pass;
    gate_pass = usertrap_gate_pass;
    gate_pass_done = usertrap_gate_pass_done;
    gate_any = usertrap_gate_any;
    gate_again = usertrap_gate_again;
    /// Trapped calls that nobody is interested in come in here.
    entry_trapped = usertrap_entry_trapped;
    gate_trapped = usertrap_gate_trapped;
    gate_exit = usertrap_gate_exit;
    gate_exit_done = usertrap_gate_exit_done;
    gate_exit_again = usertrap_gate_exit_again;
    /// Calls of [`entry_pass`] come in here once they are looked at.
    gate_rerouted = usertrap_gate_rerouted;
    gate_taken = usertrap_gate_taken;
    gate_taken_done = usertrap_gate_taken_done;
    gate_taken_again = usertrap_gate_taken_again;
    gate_taken_exit = usertrap_gate_taken_exit;
    gate_taken_exit_done = usertrap_gate_taken_exit_done;
    gate_taken_exit_again = usertrap_gate_taken_exit_again;
    gate_return = usertrap_gate_return;
    gate_clone = usertrap_gate_clone;
    /// First byte of the part of the gate from which our own calls come.
    gate_own_start = usertrap_gate_own_start;
    gate_enter_done = usertrap_gate_enter_done;
    gate_unmask = usertrap_gate_unmask;
    gate_unmask_done = usertrap_gate_unmask_done;
    gate_begin_done = usertrap_gate_begin_done;
    gate_restorer = usertrap_gate_restorer;
    /// The call by which the application's filters are asked.
    gate_ask = usertrap_gate_ask;
    gate_ask_done = usertrap_gate_ask_done;
    /// Calls of unknown number come in here.
    entry_any = usertrap_entry_any;
    entry_any_saved = usertrap_entry_any_saved;
    /// What is done before [`entry_full_rdi`] for an application with rare flags.
    entry_full_rare = usertrap_entry_full_rare;
    /// Trampolines of interesting numbers jump here.
    entry_full = usertrap_entry_full;
    entry_full_saved = usertrap_entry_full_saved;
    entry_full_switched = usertrap_entry_full_switched;
    entry_full_flags = usertrap_entry_full_flags;
    entry_full_rdi = usertrap_entry_full_rdi;
    resume = usertrap_resume;
    resume_end = usertrap_resume_end;
    exit_entry = usertrap_exit_entry;
    exit_saved = usertrap_exit_saved;
    exit_called = usertrap_exit_called;
    /// What is done before the call for an application with rare flags.
    exit_rare = usertrap_exit_rare;
    exit_rare_end = usertrap_exit_rare_end;
    /// Trampolines of getpid jump here where the area has its result.
    known_pid = usertrap_known_pid;
    known_pid_saved = usertrap_known_pid_saved;
    known_pid_switched = usertrap_known_pid_switched;
    known_pid_back = usertrap_known_pid_back;
    known_pid_done = usertrap_known_pid_done;
    /// The same of gettid, the same code.
    known_tid = usertrap_known_tid;
    known_end = usertrap_known_end;
    /// Trapped calls that the handler has put into the area come in here.
    taken = usertrap_taken;
    taken_rdi = usertrap_taken_rdi;
    taken_exit_entry = usertrap_taken_exit_entry;
    taken_exit_saved = usertrap_taken_exit_saved;
    taken_exit_called = usertrap_taken_exit_called;
    taken_exit_rare = usertrap_taken_exit_rare;
    taken_exit_rare_end = usertrap_taken_exit_rare_end;
    begun = usertrap_begun;
    entry_end = usertrap_entry_end;
    /// What the kernel is told to call.
    signal_entry = usertrap_signal_entry;
}
