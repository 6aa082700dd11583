//! The assembly: into the core at a guest's call, and between the stacks of a thread.

#![allow(unsafe_code, reason = "this is the assembly")]

use core::arch::global_asm;

use crate::guest::{calls, start, threads};

/// The registers of a guest at its call, as the entry pushes them.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Registers {
    pub(super) number: u64,
    /// rdi, rsi, rdx, r10, r8, r9.
    pub(super) args: [u64; 6],
    /// r15, r14, r13, r12, rbx, rbp.
    pub(super) kept: [u64; 6],
    pub(super) return_address: u64,
}

/// What the psABI (3.2.2) lets a function use below rsp.
const RED_ZONE: u64 = 128;

/// A stack that is switched to: what [`usertrap_guest_switch`] pops.
#[repr(C)]
struct Frame {
    /// r15, r14, r13, r12, rbx, rbp.
    kept: [u64; 6],
    rip: u64,
}

global_asm!(
    ".text",
    // rax = number, rcx = return address, rsp = the guest's; all others are its own
    // and are kept: a `syscall` changes but rcx and r11.
    //
    //   rsp - 128  red zone
    //              rcx rbp rbx r12 r13 r14 r15 r9 r8 r10 rdx rsi rdi rax   Registers
    //              xmm0-15
    ".globl usertrap_guest_entry",
    ".hidden usertrap_guest_entry",
    ".cfi_startproc",
    ".cfi_undefined rip",
    "usertrap_guest_entry:",
    "lea rsp, [rsp - {RED_ZONE}]",
    ".irp r, rcx,rbp,rbx,r12,r13,r14,r15,r9,r8,r10,rdx,rsi,rdi,rax",
    "push \\r",
    ".endr",
    "mov rbp, rsp",
    "and rsp, -16",
    "sub rsp, 256",
    ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15",
    "movaps [rsp + \\n * 16], xmm\\n",
    ".endr",
    "cld",
    "mov rdi, rbp",
    "call {call}",
    ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15",
    "movaps xmm\\n, [rsp + \\n * 16]",
    ".endr",
    "mov rsp, rbp",
    // rsp = Registers, rax = the result.
    "usertrap_guest_return:",
    "lea rsp, [rsp + 8]",
    ".irp r, rdi,rsi,rdx,r10,r8,r9,r15,r14,r13,r12,rbx,rbp,rcx",
    "pop \\r",
    ".endr",
    "lea rsp, [rsp + {RED_ZONE}]",
    "jmp rcx",
    ".cfi_endproc",
    // A child begins behind its clone: rsp = Registers.
    ".cfi_startproc",
    ".cfi_undefined rip",
    "usertrap_guest_child:",
    "xor eax, eax",
    "jmp usertrap_guest_return",
    ".cfi_endproc",
    // extern "C" fn(save: *mut u64, rsp: u64): keeps what the psABI lets a caller
    // expect on the one stack, and goes on with the other.
    ".cfi_startproc",
    "usertrap_guest_switch:",
    ".irp r, rbp,rbx,r12,r13,r14,r15",
    "push \\r",
    ".endr",
    "mov [rdi], rsp",
    "mov rsp, rsi",
    ".irp r, r15,r14,r13,r12,rbx,rbp",
    "pop \\r",
    ".endr",
    "ret",
    ".cfi_endproc",
    // rbx = a function of the guests' libc, rsp a multiple of 16.
    ".cfi_startproc",
    ".cfi_undefined rip",
    "usertrap_guest_aside:",
    "call rbx",
    "call {forked}",
    "ud2",
    ".cfi_endproc",
    // rbx = ld.so's entry, rsp = argc: as the kernel starts a program.
    ".cfi_startproc",
    ".cfi_undefined rip",
    "usertrap_guest_launch:",
    "xor edx, edx",
    "xor ebp, ebp",
    "jmp rbx",
    ".cfi_endproc",
    // Where ld.so goes when all is loaded.
    ".cfi_startproc",
    ".cfi_undefined rip",
    "usertrap_guest_started:",
    "and rsp, -16",
    "call {started}",
    "ud2",
    ".cfi_endproc",
    RED_ZONE = const RED_ZONE,
    call = sym calls::from_entry,
    forked = sym threads::forked,
    started = sym start::started,
);

unsafe extern "C" {
    static usertrap_guest_entry: u8;
    static usertrap_guest_child: u8;
    static usertrap_guest_aside: u8;
    static usertrap_guest_launch: u8;
    static usertrap_guest_started: u8;
    fn usertrap_guest_switch(save: *mut u64, rsp: u64);
}

/// Where guests' rewritten calls come in.
pub(crate) fn entry() -> u64 {
    (&raw const usertrap_guest_entry) as u64
}

/// What ld.so is told to be the program's entry point.
pub(super) fn started() -> u64 {
    (&raw const usertrap_guest_started) as u64
}

/// Goes on where the stack at `rsp` was left; comes back when that one switches to
/// what `save` holds then.
///
/// # Safety
/// `rsp` must be what a switch has saved, and not been used since.
pub(super) unsafe fn to(save: *mut u64, rsp: u64) {
    // SAFETY: by the contract.
    unsafe { usertrap_guest_switch(save, rsp) };
}

/// Puts a frame below `top`, and switches to it.
///
/// # Safety
/// The stack below `top` must be free.
unsafe fn begin(save: *mut u64, top: u64, rbx: u64, rip: *const u8) {
    let frame = (top - size_of::<Frame>() as u64) as *mut Frame;
    // SAFETY: by the contract.
    unsafe {
        frame.write(Frame {
            kept: [0, 0, 0, 0, rbx, 0],
            rip: rip as u64,
        });
        usertrap_guest_switch(save, frame as u64);
    }
}

/// Goes on as the child of the clone that these registers are about, on a stack that
/// ends at `top`.
///
/// # Safety
/// The stack must be the child's, and FS lead to its block.
pub(super) unsafe fn as_child(save: *mut u64, registers: &Registers, top: u64) {
    let place = top - RED_ZONE - size_of::<Registers>() as u64;
    // SAFETY: by the contract.
    unsafe {
        (place as *mut Registers).write(*registers);
        begin(save, place, 0, &raw const usertrap_guest_child);
    }
}

/// Calls a function of the guests' on the stack below `top`; it ends in
/// `threads::forked`.
///
/// # Safety
/// The stack must be free, and FS lead to the thread's block.
pub(super) unsafe fn call_aside(save: *mut u64, top: u64, function: unsafe extern "C" fn() -> i32) {
    // SAFETY: by the contract.
    unsafe { begin(save, top, function as usize as u64, &raw const usertrap_guest_aside) };
}

/// Starts ld.so on this initial stack.
///
/// # Safety
/// As the kernel would.
pub(super) unsafe fn launch(save: *mut u64, argc: u64, entry: u64) {
    // SAFETY: by the contract.
    unsafe { begin(save, argc, entry, &raw const usertrap_guest_launch) };
}

/// An address on the calling function's stack below which nothing is in use, once
/// that function is left for good.
#[inline(never)]
pub(super) fn stack_below() -> u64 {
    let here = 0u64;
    (&raw const here as u64 & !15) - 256
}
