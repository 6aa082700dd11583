//! The gate: the only `syscall` instructions that the arm lets through, those of
//! the application's calls first, our own behind them.

macro_rules! gate {
    () => {
        lines!(
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
            "usertrap_cfi_lost", // rcx is anything, coming from usertrap_pass
            "syscall",
            "usertrap_gate_pass_done:",
            "mov rcx, gs:[{GS_RET}]", // as the instruction leaves it; r11 is right
            "usertrap_cfi_rcx",
            "jmp rcx",
            // The same, and the area has the number.
            "usertrap_gate_any:",
            "usertrap_cfi_lost",
            "syscall",
            "mov rcx, gs:[{GS_RET}]",
            "usertrap_cfi_rcx",
            "jmp rcx",
            // The same for a call that came by the trap; the area keeps the result, too
            // (`trap::swallowed`).
            "usertrap_entry_trapped:",
            "mov gs:[{GS_RET}], rcx",
            "usertrap_gate_trapped:",
            "usertrap_cfi_lost",
            "syscall",
            "usertrap_gate_trapped_done:",
            "mov gs:[{GS_RESULT}], rax",
            "mov rcx, gs:[{GS_RET}]",
            "usertrap_cfi_rcx",
            "jmp rcx",
            // A call of these that a signal has interrupted unnoticed (`trap::again`).
            "usertrap_gate_again:",
            "usertrap_cfi_lost",
            "syscall",
            "jmp usertrap_gate_trapped_done",
            // Where entry_pass leads when its first byte, a prefix, has been changed into
            // the opcode of a short jump: the next one is its distance (`rewrite::reroute`).
            ".org usertrap_gate_start + 2 + 0x48, 0xcc",
            "usertrap_cfi_rcx",
            "usertrap_gate_rerouted:",
            "jmp usertrap_entry_any",
            "usertrap_cfi_lost",
            // As gate_any, but the call has an exit side.
            "usertrap_gate_exit:",
            "syscall",
            "usertrap_gate_exit_done:",
            "jmp usertrap_exit_entry",
            "usertrap_gate_exit_again:",
            "syscall",
            "jmp usertrap_exit_entry",
            // The same two where GS is the application's: rsp = area, registers and flags
            // are the application's.
            "usertrap_gate_taken:",
            "usertrap_cfi_switched",
            "syscall",
            "usertrap_gate_taken_done:",
            "mov [rsp + {RESULT}], rax",
            "mov rcx, [rsp + {RET}]",
            "mov rsp, [rsp + {APP_RSP}]",
            "usertrap_cfi_rcx",
            "jmp rcx",
            "usertrap_cfi_switched",
            "usertrap_gate_taken_again:",
            "syscall",
            "jmp usertrap_gate_taken_done",
            "usertrap_gate_taken_exit:",
            "syscall",
            "usertrap_gate_taken_exit_done:",
            "jmp usertrap_taken_exit_entry",
            "usertrap_gate_taken_exit_again:",
            "syscall",
            "jmp usertrap_taken_exit_entry",
            // rt_sigreturn of the application: rsp = the frame in the area, all else
            // is the application's.
            "usertrap_gate_return:",
            "usertrap_cfi_switched -{RETURN_FRAME}",
            "syscall",
            "ud2",
            // rbx = the child's area, rbp = this thread's, all signals blocked.
            "usertrap_gate_clone:",
            "usertrap_cfi_rbx",
            "syscall",
            "jmp usertrap_clone_done",
            // No stack, no area: the thread ends here.
            "usertrap_gate_last:",
            "usertrap_cfi_lost",
            "syscall",
            "ud2",
            ".cfi_endproc",
            // As gate_own, for what is asked for by the application itself.
            ".globl usertrap_gate_for_application",
            ".hidden usertrap_gate_for_application",
            "usertrap_gate_for_application:",
            "usertrap_c_call",
            // From here on the calls are our own: filters of the application let them
            // through (`arm::own`).
            "usertrap_gate_own_start:",
            // The child on a machine without wrgsbase: arch_prctl(ARCH_SET_GS, …).
            ".cfi_startproc simple",
            "usertrap_cfi_rbx",
            "usertrap_gate_set_gs:",
            "syscall",
            "jmp usertrap_clone_child_gs",
            // The loader's last call: as gate_pass, gs:RET is set.
            ".globl usertrap_gate_enter",
            ".hidden usertrap_gate_enter",
            "usertrap_gate_enter:",
            "usertrap_cfi_lost",
            "syscall",
            "usertrap_gate_enter_done:",
            "mov rcx, gs:[{GS_RET}]",
            "jmp rcx",
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
            "usertrap_gate_own:",
            "usertrap_c_call",
            ".globl usertrap_gate_end",
            ".hidden usertrap_gate_end",
            "usertrap_gate_end:",
            // Behind what the arm lets through: it answers this one itself, unless a
            // filter of the application is stricter. Registers as for gate_taken_exit.
            ".cfi_startproc simple",
            "usertrap_cfi_area",
            "usertrap_gate_ask:",
            "syscall",
            "usertrap_gate_ask_done:",
            "jmp usertrap_taken_exit_entry",
            ".cfi_endproc",
        )
    };
}
