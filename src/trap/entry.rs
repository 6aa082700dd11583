//! The entry, the exit and the gate: all the assembly that runs between the
//! application and the hook.
//!
//! # The way of one call
//!
//! ```text
//!  site ──jmp *slot──▶ trampoline: mov $nr,%eax; movabs $ret,%rcx; jmp ─┐
//!  SIGSYS handler ──sigreturn with rcx = ret──▶ entry_any               │
//!                                                 │ interesting?        │
//!        ┌──────────── no ─────────┬──────────────┘                     │
//!        ▼                         │ yes                                │
//!   gate_pass: syscall        entry_full ◀────────────── entry_full or ─┘
//!        │                         │ save, switch stack   entry_pass
//!        ▼                         ▼
//!   back to the site         dispatch::enter_from_entry (Rust)
//!                                  │
//!                              resume: signals held?  by `action`:
//!        ┌─────────┬───────────────┼───────────────┬──────────────┐
//!     Answer     Pass        PassThenExit        Clone       ThreadExit
//!        │     gate_pass      gate_exit         gate_clone    gate_last
//!        │                exit_from_gate (Rust)  clone::{parent,child}_from_gate
//!        ▼                         ▼                   ▼
//!      leave ◀──────────────── resume ◀────────────────┘
//! ```
//!
//! Where the application uses GS for itself (`trap::gs`) every call traps, the
//! handler itself puts it into the area and lets rsp lead there: from `taken`
//! the way is the same, and to the kernel by gate_taken or gate_taken_exit,
//! with rsp at the area.
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

use core::arch::global_asm;
use core::mem::offset_of;
use core::sync::atomic::{AtomicU8, Ordering};

use crate::abi::sigframe::{RtSigFrame, SigContext, UContext, rflags};
use crate::hook::Call;
use crate::trap::area::{Action, Beginning, FREE_AREAS, FREE_PAGE_BITS, ThreadArea};
use crate::trap::gs::{self, FSGSBASE};
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
/// Everything else that the CPU has is kept around the hook.
pub(crate) const ALL_VECTORS: u8 = 8;

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
    // Loads or stores the six argument registers; rsp = area.
    ".macro usertrap_store_args",
    "mov [rsp + {ARGS}], rdi",
    "mov [rsp + {ARGS} + 8], rsi",
    "mov [rsp + {ARGS} + 16], rdx",
    "mov [rsp + {ARGS} + 24], r10",
    "mov [rsp + {ARGS} + 32], r8",
    "mov [rsp + {ARGS} + 40], r9",
    ".endm",
    ".macro usertrap_load_args",
    "mov rdi, [rsp + {ARGS}]",
    "mov rsi, [rsp + {ARGS} + 8]",
    "mov rdx, [rsp + {ARGS} + 16]",
    "mov r10, [rsp + {ARGS} + 24]",
    "mov r8, [rsp + {ARGS} + 32]",
    "mov r9, [rsp + {ARGS} + 40]",
    ".endm",
    ".macro usertrap_sse_moves op",
    ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15",
    ".ifc \\op, save",
    "movaps [rsp + {SSE} + \\n * 16], xmm\\n",
    ".else",
    "movaps xmm\\n, [rsp + {SSE} + \\n * 16]",
    ".endif",
    ".endr",
    ".endm",
    // Baseline Rust touches xmm0-15 only with legacy SSE instructions, which
    // leave bits 128 and up alone: so plain 16-byte moves keep zmm state too.
    // Destroys rcx and r11; the number is in the area.
    ".macro usertrap_sse op",
    "movzx ecx, word ptr [rsp + {NUMBER}]",
    "lea r11, [rip + {INTEREST}]",
    "test byte ptr [r11 + rcx], {KEEP_SSE}",
    "jz 77f",
    "usertrap_sse_moves \\op",
    "77:",
    ".endm",
    // The psABI's flags for a function: DF clear; and AC clear, since the
    // compiler makes unaligned accesses. AC is rare, popfq slow.
    ".macro usertrap_abi_flags",
    "cld",
    "test dword ptr [rsp], {AC}",
    "jz 78f",
    "pushfq",
    "usertrap_cfi_area 8",
    "and dword ptr [rsp], ~{AC}",
    "popfq",
    "usertrap_cfi_area",
    "78:",
    ".endm",
    // The application's flags from [rsp] into rflags and r11. sahf and an
    // addition that overflows or not give the six arithmetic flags, in a third
    // of popfq's time; the others are as they were unless the application had
    // one of DF, AC, TF, NT set. Destroys rax.
    ".macro usertrap_restore_flags",
    "mov r11, [rsp]",
    "test r11d, {RARE_FLAGS}",
    "jnz 79f",
    "mov eax, r11d",
    "rol ax, 8",            // ah = SF ZF AF PF CF, al = bits 8..15
    "and al, 8",            // OF is bit 11
    "add al, 0x78",         // 0x80 overflows, 0x78 does not
    "sahf",
    "jmp 80f",
    "79:",
    "test r11d, {TF}",
    "jz 81f",
    "cmp dword ptr [rsp + {STEPPING}], 0",
    "jne 81f",
    "btr r11d, 8",          // a tracer's trap flag, which is not to stay
    "81:",
    "push r11",             // on the hook stack
    "usertrap_cfi_area 8",
    "popfq",
    "usertrap_cfi_area",
    "80:",
    ".endm",
    // How to unwind (DWARF 4 section 6.4.2, psABI figure 3.36): rsp + offset as
    // an operand of DW_OP_breg7, in two bytes whatever its value.
    //
    // register \\reg was saved at \\base + \\offset: DW_CFA_expression, DW_OP_breg
    ".macro usertrap_cfi_saved reg, base, offset",
    ".cfi_escape 0x10, \\reg, 3, 0x70 + \\base, ((\\offset) & 0x7f) | 0x80, (\\offset) >> 7",
    ".endm",
    // CFA = *(\\base + \\offset): DW_CFA_def_cfa_expression, DW_OP_breg, DW_OP_deref
    ".macro usertrap_cfi_cfa base, offset",
    ".cfi_escape 0x0f, 4, 0x70 + \\base, ((\\offset) & 0x7f) | 0x80, (\\offset) >> 7, 0x06",
    ".endm",
    // rsp + \\above = area, which has the argument registers too.
    ".macro usertrap_cfi_area above=0",
    "usertrap_cfi_switched \\above",
    "usertrap_cfi_saved 5, 7, {ARGS} + \\above",
    "usertrap_cfi_saved 4, 7, {ARGS} + 8 + \\above",
    "usertrap_cfi_saved 1, 7, {ARGS} + 16 + \\above",
    "usertrap_cfi_saved 10, 7, {ARGS} + 24 + \\above",
    "usertrap_cfi_saved 8, 7, {ARGS} + 32 + \\above",
    "usertrap_cfi_saved 9, 7, {ARGS} + 40 + \\above",
    ".endm",
    // The same, but these are the application's.
    ".macro usertrap_cfi_switched above=0",
    "usertrap_cfi_own",
    "usertrap_cfi_cfa 7, {APP_RSP} + \\above",
    "usertrap_cfi_saved 16, 7, {RET} + \\above",
    ".endm",
    // All registers are the application's.
    ".macro usertrap_cfi_own",
    ".cfi_def_cfa rsp, 0",
    ".irp reg, rdi, rsi, rdx, r10, r8, r9, rbx, rbp",
    ".cfi_same_value \\reg",
    ".endr",
    ".endm",
    // The same, and rcx = the return address.
    ".macro usertrap_cfi_rcx",
    "usertrap_cfi_own",
    ".cfi_register rip, rcx",
    ".endm",
    // The same, but only gs:RET has the return address.
    ".macro usertrap_cfi_lost",
    "usertrap_cfi_own",
    ".cfi_undefined rip",
    ".endm",
    // rsp is what a handler begins with: the frame's address, which holds the
    // return address.
    ".macro usertrap_cfi_begun",
    "usertrap_cfi_own",
    ".cfi_def_cfa rsp, 8",
    ".cfi_offset rip, -8",
    ".endm",
    // The application's registers but rbx, which is the (child's) area, and rbp.
    ".macro usertrap_cfi_rbx",
    "usertrap_cfi_own",
    "usertrap_cfi_saved 16, 3, {RET}",
    "usertrap_cfi_saved 3, 3, {RBX}",
    "usertrap_cfi_saved 6, 3, {RBP}",
    ".endm",
    // rsp = area, which has rbx and rbp.
    ".macro usertrap_cfi_born",
    "usertrap_cfi_area",
    "usertrap_cfi_saved 3, 7, {RBX}",
    "usertrap_cfi_saved 6, 7, {RBP}",
    ".endm",
    //
    // ---- the gate: the only syscall instructions that the arm lets through
    //
    // 512-byte alignment keeps it inside one 4 GiB line, as the filter needs
    // (and checks when it is built).
    ".section .text.usertrap_gate, \"ax\", @progbits",
    ".p2align 9, 0xcc",
    ".globl usertrap_gate_start",
    ".hidden usertrap_gate_start",
    "usertrap_gate_start:",
    // rax = number, rcx = return address, r11 free; all else the application's.
    ".globl usertrap_entry_pass",
    ".hidden usertrap_entry_pass",
    ".cfi_startproc simple",
    "usertrap_cfi_rcx",
    "usertrap_entry_pass:",
    "mov gs:[{GS_RET}], rcx",
    // gs:RET = return address; registers, flags and rsp are the application's.
    // The kernel holds nothing of ours meanwhile but that one word.
    "usertrap_gate_pass:",
    "usertrap_cfi_lost",    // rcx is anything, coming from usertrap_pass
    "syscall",
    "usertrap_gate_pass_done:",
    "mov rcx, gs:[{GS_RET}]",  // as the instruction leaves it; r11 is right
    "usertrap_cfi_rcx",
    "jmp rcx",
    // As gate_pass, but the call has an exit side.
    "usertrap_gate_exit:",
    "usertrap_cfi_lost",
    "syscall",
    "usertrap_gate_exit_done:",
    "jmp usertrap_exit_entry",
    // The same two where GS is the application's: rsp = area, registers and flags
    // are the application's.
    "usertrap_gate_taken:",
    "usertrap_cfi_switched",
    "syscall",
    "usertrap_gate_taken_done:",
    "mov rcx, [rsp + {RET}]",
    "mov rsp, [rsp + {APP_RSP}]",
    "usertrap_cfi_rcx",
    "jmp rcx",
    "usertrap_cfi_switched",
    "usertrap_gate_taken_exit:",
    "syscall",
    "usertrap_gate_taken_exit_done:",
    "jmp usertrap_taken_exit_entry",
    // rt_sigreturn of the application, its frame made ready for the kernel.
    "usertrap_gate_return:",
    "usertrap_cfi_lost",
    "syscall",
    "ud2",
    // rbx = the child's area, rbp = this thread's, all signals blocked.
    "usertrap_gate_clone:",
    "usertrap_cfi_rbx",
    "syscall",
    "jmp usertrap_clone_done",
    // The child on a machine without wrgsbase: arch_prctl(ARCH_SET_GS, …).
    "usertrap_gate_set_gs:",
    "syscall",
    "jmp usertrap_clone_child_gs",
    // No stack, no area: the thread ends here.
    "usertrap_gate_last:",
    "usertrap_cfi_lost",
    "syscall",
    "ud2",
    // rt_sigprocmask at the end of an entry; signals come in right behind it.
    "usertrap_gate_unmask:",
    "usertrap_cfi_area",
    "syscall",
    "usertrap_gate_unmask_done:",
    "jmp usertrap_resume",
    // rt_sigprocmask before an application's handler starts; signals come in
    // right behind it. rsp is the handler's: it stands at the return address.
    "usertrap_gate_begin:",
    "usertrap_cfi_begun",
    "syscall",
    "usertrap_gate_begin_done:",
    "jmp usertrap_begun",
    ".cfi_endproc",
    // The restorer of our own signal handler, in the bytes by which unwinders
    // know one (`mov $15,%rax` in its long form), and with the CFI of one: rsp =
    // UContext. An unwinder takes it for a return address and looks one byte
    // before it.
    ".globl usertrap_gate_restorer",
    ".hidden usertrap_gate_restorer",
    ".cfi_startproc simple",
    ".cfi_signal_frame",
    "usertrap_cfi_cfa 7, {UC_RSP}",
    "usertrap_cfi_saved 0, 7, {UC_RAX}",
    "usertrap_cfi_saved 1, 7, {UC_RDX}",
    "usertrap_cfi_saved 2, 7, {UC_RCX}",
    "usertrap_cfi_saved 3, 7, {UC_RBX}",
    "usertrap_cfi_saved 4, 7, {UC_RSI}",
    "usertrap_cfi_saved 5, 7, {UC_RDI}",
    "usertrap_cfi_saved 6, 7, {UC_RBP}",
    "usertrap_cfi_saved 7, 7, {UC_RSP}",
    ".irp n, 8,9,10,11,12,13,14,15",
    "usertrap_cfi_saved \\n, 7, {UC_R8} + (\\n - 8) * 8",
    ".endr",
    "usertrap_cfi_saved 16, 7, {UC_RIP}",
    "nop",
    "usertrap_gate_restorer:",
    ".byte 0x48, 0xc7, 0xc0",
    ".long {SYS_RT_SIGRETURN}",
    "syscall",
    "ud2",
    ".cfi_endproc",
    // extern "C" fn(number, a, b, c, d, e, f) -> rax
    ".globl usertrap_gate_own",
    ".hidden usertrap_gate_own",
    ".cfi_startproc",
    "usertrap_gate_own:",
    "mov rax, rdi",
    "mov rdi, rsi",
    "mov rsi, rdx",
    "mov rdx, rcx",
    "mov r10, r8",
    "mov r8, r9",
    "mov r9, [rsp + 8]",
    "syscall",
    "ret",
    ".cfi_endproc",
    ".globl usertrap_gate_end",
    ".hidden usertrap_gate_end",
    "usertrap_gate_end:",
    //
    // ---- entry
    //
    ".section .text.usertrap_entry, \"ax\", @progbits",
    ".p2align 6, 0xcc",
    // rax = number as the application gave it, rcx = return address.
    ".globl usertrap_entry_any",
    ".hidden usertrap_entry_any",
    ".cfi_startproc simple",
    "usertrap_cfi_rcx",
    "usertrap_entry_any:",
    "mov gs:[{GS_RET}], rcx",
    "usertrap_entry_any_saved:",
    "movzx ecx, ax",
    "usertrap_cfi_lost",
    "lea r11, [rip + {INTEREST}]",
    "movzx ecx, byte ptr [r11 + rcx]",
    "jrcxz 2f",             // a branch that needs no flags
    "jmp usertrap_entry_full_saved",
    "2: jmp usertrap_gate_pass",
    // rax = number, rcx = return address, r11 free; all else the application's.
    ".p2align 4, 0xcc",
    ".globl usertrap_entry_full",
    ".hidden usertrap_entry_full",
    "usertrap_cfi_rcx",
    "usertrap_entry_full:",
    "mov gs:[{GS_RET}], rcx",
    "usertrap_entry_full_saved:",
    "usertrap_cfi_lost",    // rcx is anything, coming from entry_any
    "mov gs:[{GS_APP_RSP}], rsp",
    "mov rsp, gs:[{GS_STACK_TOP}]",
    "usertrap_entry_full_switched:",
    "usertrap_cfi_switched -8",
    "pushfq",               // to area.flags; rsp = area
    "usertrap_entry_full_flags:",
    "usertrap_cfi_switched",
    "mov [rsp + {NUMBER}], rax",
    "usertrap_store_args",
    "usertrap_cfi_area",
    "usertrap_sse save",
    "usertrap_abi_flags",
    "usertrap_entry_full_rdi:",
    "mov rdi, rsp",
    "call {enter}",
    "usertrap_sse restore",
    //
    // ---- the end of every entry: all of the application's state is in the
    //      area but its callee-saved and vector registers, which are live
    //
    "usertrap_resume:",
    "cmp dword ptr [rsp + {HELD}], 0",
    "jne usertrap_unmask",
    "mov eax, [rsp + {ACTION}]",
    "cmp eax, {PASS}",
    "je usertrap_pass",
    "ja usertrap_other",
    "usertrap_load_args",
    "mov rcx, [rsp + {RET}]",
    "usertrap_restore_flags",
    "mov rax, [rsp + {RESULT}]",
    "mov rsp, [rsp + {APP_RSP}]",
    "usertrap_cfi_rcx",
    "jmp rcx",
    "usertrap_cfi_area",
    "usertrap_pass:",
    "usertrap_load_args",
    "usertrap_restore_flags",
    "mov rax, [rsp + {NUMBER}]",
    "mov rsp, [rsp + {APP_RSP}]",
    "usertrap_cfi_lost",
    "jmp usertrap_gate_pass",
    "usertrap_cfi_area",
    "usertrap_pass_then_exit:",
    "usertrap_load_args",
    "usertrap_restore_flags",
    "mov rax, [rsp + {NUMBER}]",
    "mov rsp, [rsp + {APP_RSP}]",
    "usertrap_cfi_lost",
    "jmp usertrap_gate_exit",
    "usertrap_cfi_area",
    "usertrap_return:",
    "usertrap_load_args",
    "usertrap_restore_flags",
    "mov rax, [rsp + {NUMBER}]",
    "mov rsp, [rsp + {APP_RSP}]",
    "usertrap_cfi_lost",
    "jmp usertrap_gate_return",
    "usertrap_cfi_area",
    "usertrap_other:",
    "cmp eax, {PASS_THEN_EXIT}",
    "je usertrap_pass_then_exit",
    "cmp eax, {RETURN}",
    "je usertrap_return",
    "cmp eax, {CLONE}",
    "je usertrap_clone",
    "cmp eax, {THREAD_EXIT}",
    "je usertrap_thread_exit",
    "cmp eax, {TAKEN_PASS}",
    "je usertrap_taken_pass",
    "cmp eax, {TAKEN_PASS_THEN_EXIT}",
    "je usertrap_taken_pass_then_exit",
    "ud2",
    "usertrap_taken_pass:",
    "usertrap_load_args",
    "usertrap_restore_flags",
    "mov rax, [rsp + {NUMBER}]",
    "jmp usertrap_gate_taken",
    "usertrap_taken_pass_then_exit:",
    "usertrap_load_args",
    "usertrap_restore_flags",
    "mov rax, [rsp + {NUMBER}]",
    "jmp usertrap_gate_taken_exit",
    "usertrap_resume_end:",
    // All signals are blocked here, so the flag can be cleared first.
    "usertrap_unmask:",
    "mov eax, [rsp + {ACTION}]",
    "cmp eax, {CLONE}",     // these two go on with signals blocked
    "je usertrap_other",
    "cmp eax, {THREAD_EXIT}",
    "je usertrap_other",
    "cmp eax, {WAIT_BLOCKED}",  // and so does this one
    "je usertrap_pass_then_exit",
    "cmp eax, {TAKEN_WAIT_BLOCKED}",
    "je usertrap_taken_pass_then_exit",
    "mov dword ptr [rsp + {HELD}], 0",
    "cmp eax, {PASS_BLOCKED}",  // the frame has the mask
    "je usertrap_pass",
    "lea rsi, [rsp + {SAVED_MASK}]",
    "mov eax, {SYS_RT_SIGPROCMASK}",
    "mov edi, {SIG_SETMASK}",
    "xor edx, edx",
    "mov r10d, 8",
    "jmp usertrap_gate_unmask",
    //
    // ---- the exit side of a call: rax = the kernel's result, rcx and r11 as
    //      the instruction left them, all else the application's
    //
    ".p2align 4, 0xcc",
    "usertrap_cfi_lost",
    "usertrap_exit_entry:",
    "mov gs:[{GS_RESULT}], rax",
    "usertrap_exit_saved:",
    "mov rsp, gs:[{GS_STACK_TOP}]",
    "usertrap_cfi_area -8",
    "lea rsp, [rsp - 8]",   // area.flags still has the flags
    "usertrap_cfi_area",
    "usertrap_sse save",
    "usertrap_abi_flags",
    "mov rdi, rsp",
    "call {exit}",
    "usertrap_exit_called:",
    "usertrap_sse restore",
    "jmp usertrap_resume",
    //
    // ---- clone, fork, vfork: all signals blocked throughout
    //
    "usertrap_clone:",
    "mov rax, [rsp + {NEW_AREA}]",
    "mov [rsp + {RBX}], rbx",
    "mov [rax + {RBX}], rbx",
    "mov [rsp + {RBP}], rbp",
    "mov [rax + {RBP}], rbp",
    "mov rbx, rax",
    "usertrap_cfi_born",
    "mov rbp, rsp",
    "usertrap_load_args",
    "mov rax, [rsp + {NUMBER}]",
    "mov rsp, [rsp + {APP_RSP}]",   // the child's rsp, unless it gets a stack
    "usertrap_cfi_rbx",
    "jmp usertrap_gate_clone",
    "usertrap_clone_done:",
    "test rax, rax",
    "jz usertrap_clone_child",
    "mov rsp, rbp",
    "usertrap_cfi_born",
    "mov [rsp + {RESULT}], rax",
    "mov rbx, [rsp + {RBX}]",
    "mov rbp, [rsp + {RBP}]",
    "usertrap_cfi_area",
    "usertrap_sse save",
    "mov rdi, rsp",
    "call {clone_parent}",
    "usertrap_sse restore",
    "jmp usertrap_resume",
    "usertrap_cfi_rbx",
    // rbx = own area, gs = as in the parent, rsp = the child's stack.
    "usertrap_clone_child:",
    "cmp byte ptr [rbx + {OWNS_GS}], 0",
    "je usertrap_clone_child_gs",
    "lea rax, [rbx - {GS_BIAS}]",
    "cmp byte ptr [rip + {FSGSBASE}], 0",
    "je usertrap_clone_child_prctl",
    "wrgsbase rax",
    "usertrap_clone_child_gs:",
    "mov [rbx + {APP_RSP}], rsp",
    "mov rsp, rbx",
    "usertrap_cfi_born",
    "mov rbx, [rsp + {RBX}]",
    "mov rbp, [rsp + {RBP}]",
    "usertrap_cfi_area",
    "usertrap_sse save",
    "mov rdi, rsp",
    "call {clone_child_setup}",
    "usertrap_sse restore",
    "jmp usertrap_resume",
    "usertrap_cfi_rbx",
    "usertrap_clone_child_prctl:",
    "mov rsi, rax",
    "mov eax, {SYS_ARCH_PRCTL}",
    "mov edi, {ARCH_SET_GS}",
    "jmp usertrap_gate_set_gs",
    //
    // ---- a thread ends: its area goes on the free list, by registers alone,
    //      and from the exchange on it may belong to another thread
    //
    "usertrap_cfi_area",
    "usertrap_thread_exit:",
    "mov rdi, [rsp + {ARGS}]",
    "mov r9, [rsp + {NUMBER}]",
    "mov rbx, rsp",
    "shr rbx, 12",
    "lea r8, [rip + {FREE_AREAS}]",
    "mov rax, [r8]",
    "3:",
    "mov [rsp + {NEXT_FREE}], rax",
    "mov rdx, rax",
    "shr rdx, {FREE_PAGE_BITS}",    // keep the tag,
    "shl rdx, {FREE_PAGE_BITS}",
    "or rdx, rbx",                  // replace the page
    "lock cmpxchg [r8], rdx",
    "jne 3b",
    "mov rax, r9",
    "jmp usertrap_gate_last",
    //
    // ---- GS is the application's, and stays it all the way: the signal handler
    //      has put the call into the area (signal::enter_taken)
    //
    // rsp = area, flags as the psABI has them; all else the application's.
    ".p2align 4, 0xcc",
    "usertrap_cfi_area",
    "usertrap_taken:",
    "usertrap_sse_moves save",
    "usertrap_taken_rdi:",
    "mov rdi, rsp",
    "call {enter_taken}",
    "usertrap_sse_moves restore",
    "jmp usertrap_resume",
    // rsp = area, rax = the kernel's result; all else the application's.
    "usertrap_taken_exit_entry:",
    "mov [rsp + {RESULT}], rax",
    "usertrap_taken_exit_saved:",
    "usertrap_sse_moves save",
    "usertrap_abi_flags",
    "mov rdi, rsp",
    "call {exit}",
    "usertrap_taken_exit_called:",
    "usertrap_sse_moves restore",
    "jmp usertrap_resume",
    //
    // ---- the application's handler starts: the mask is its own, rsp, the
    //      flags, vector state, rbx, rbp, r8, r9, r12-r15 are as it finds
    //      them; the rest is in the area
    //
    "usertrap_cfi_begun",
    "usertrap_begun:",
    "mov rdi, gs:[{GS_BEGIN_RDI}]",
    "mov rsi, gs:[{GS_BEGIN_RSI}]",
    "mov rdx, gs:[{GS_BEGIN_RDX}]",
    "mov r10, gs:[{GS_BEGIN_R10}]",
    "mov rcx, gs:[{GS_BEGIN_RCX}]",
    "mov r11, gs:[{GS_BEGIN_R11}]",
    "mov eax, 0",           // leaves the flags alone
    "jmp gs:[{GS_BEGIN_RIP}]",
    ".cfi_endproc",
    ".globl usertrap_entry_end",
    ".hidden usertrap_entry_end",
    "usertrap_entry_end:",
    //
    // ---- the signal handler's first instructions: as the kernel calls it, on
    //      the signal stack: rsp = its frame, whose first word is the restorer.
    //      The kernel clears DF and TF, but not AC.
    //
    ".p2align 4, 0xcc",
    ".globl usertrap_signal_entry",
    ".hidden usertrap_signal_entry",
    ".cfi_startproc",
    "usertrap_signal_entry:",
    "pushfq",               // and so the stack is aligned for a call
    ".cfi_adjust_cfa_offset 8",
    "test dword ptr [rsp], {AC}",
    "jnz 3f",
    "2:",
    "call {signal}",
    "lea rsp, [rsp + 8]",
    ".cfi_adjust_cfa_offset -8",
    "test al, al",
    "jnz usertrap_begin",
    "ret",                  // to the restorer
    "3:",
    ".cfi_adjust_cfa_offset 8",
    "and dword ptr [rsp], ~{AC}",   // and ID stays: sigreturn does not restore it
    "popfq",
    ".cfi_adjust_cfa_offset -8",
    "lea rsp, [rsp - 8]",
    ".cfi_adjust_cfa_offset 8",
    "jmp 2b",
    ".cfi_adjust_cfa_offset -8",
    //
    // ---- starts the application's handler as the frame at rsp says, in place
    //      of an rt_sigreturn, which would cost twice as much. All signals are
    //      blocked. The vector state is the initial one but for xmm0-15, which
    //      Rust code may have used.
    //
    "usertrap_begin:",
    "lea rsi, [rsp + {UC}]",
    ".macro usertrap_begin_later from, to",
    "mov rax, [rsi + \\from]",
    "mov gs:[\\to], rax",
    ".endm",
    "usertrap_begin_later {UC_RIP}, {GS_BEGIN_RIP}",
    "usertrap_begin_later {UC_RSP}, {GS_BEGIN_RSP}",
    "usertrap_begin_later {UC_RDI}, {GS_BEGIN_RDI}",
    "usertrap_begin_later {UC_RSI}, {GS_BEGIN_RSI}",
    "usertrap_begin_later {UC_RDX}, {GS_BEGIN_RDX}",
    "usertrap_begin_later {UC_R10}, {GS_BEGIN_R10}",
    "usertrap_begin_later {UC_RCX}, {GS_BEGIN_RCX}",
    "usertrap_begin_later {UC_R11}, {GS_BEGIN_R11}",
    ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15",
    "xorps xmm\\n, xmm\\n",
    ".endr",
    "mov rbx, [rsi + {UC_RBX}]",
    "mov rbp, [rsi + {UC_RBP}]",
    "mov r8, [rsi + {UC_R8}]",
    "mov r9, [rsi + {UC_R9}]",
    "mov r12, [rsi + {UC_R12}]",
    "mov r13, [rsi + {UC_R13}]",
    "mov r14, [rsi + {UC_R14}]",
    "mov r15, [rsi + {UC_R15}]",
    "push [rsi + {UC_FLAGS}]",
    ".cfi_adjust_cfa_offset 8",
    "popfq",                // the handler's flags from here on
    ".cfi_adjust_cfa_offset -8",
    "lea rsi, [rsi + {UC_MASK}]",
    "mov eax, {SYS_RT_SIGPROCMASK}",
    "mov edi, {SIG_SETMASK}",
    "mov edx, 0",
    "mov r10d, 8",
    "mov rsp, gs:[{GS_BEGIN_RSP}]",
    "jmp usertrap_gate_begin",
    ".cfi_endproc",
    ".text",
    INTEREST = sym INTEREST,
    KEEP_SSE = const KEEP_SSE,
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
    GS_RET = const gs::BIAS + offset_of!(ThreadArea, call) + offset_of!(Call<'static>, return_address),
    GS_APP_RSP = const gs::BIAS + offset_of!(ThreadArea, app_rsp),
    GS_STACK_TOP = const gs::BIAS + offset_of!(ThreadArea, stack_top),
    GS_BIAS = const gs::BIAS,
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
    PASS = const Action::Pass as u32,
    PASS_THEN_EXIT = const Action::PassThenExit as u32,
    CLONE = const Action::Clone as u32,
    THREAD_EXIT = const Action::ThreadExit as u32,
    RETURN = const Action::Return as u32,
    PASS_BLOCKED = const Action::PassBlocked as u32,
    TAKEN_PASS = const Action::TakenPass as u32,
    TAKEN_PASS_THEN_EXIT = const Action::TakenPassThenExit as u32,
    WAIT_BLOCKED = const Action::WaitBlocked as u32,
    TAKEN_WAIT_BLOCKED = const Action::TakenWaitBlocked as u32,
    AC = const rflags::AC,
    TF = const rflags::TF,
    STEPPING = const offset_of!(ThreadArea, stepping),
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
    gate_exit = usertrap_gate_exit;
    gate_exit_done = usertrap_gate_exit_done;
    gate_taken = usertrap_gate_taken;
    gate_taken_done = usertrap_gate_taken_done;
    gate_taken_exit = usertrap_gate_taken_exit;
    gate_taken_exit_done = usertrap_gate_taken_exit_done;
    gate_return = usertrap_gate_return;
    gate_clone = usertrap_gate_clone;
    gate_unmask_done = usertrap_gate_unmask_done;
    gate_begin_done = usertrap_gate_begin_done;
    gate_restorer = usertrap_gate_restorer;
    /// Calls of unknown number come in here.
    entry_any = usertrap_entry_any;
    entry_any_saved = usertrap_entry_any_saved;
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
    /// Calls of threads whose GS is the application's come in here.
    taken = usertrap_taken;
    taken_rdi = usertrap_taken_rdi;
    taken_exit_entry = usertrap_taken_exit_entry;
    taken_exit_saved = usertrap_taken_exit_saved;
    taken_exit_called = usertrap_taken_exit_called;
    begun = usertrap_begun;
    entry_end = usertrap_entry_end;
    /// What the kernel is told to call.
    signal_entry = usertrap_signal_entry;
}
