//! The first instructions of our signal handler, and from there to those of the
//! application's.

macro_rules! handler {
    () => {
        lines!(
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
            "mov eax, 0", // leaves the flags alone
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
            "pushfq", // and so the stack is aligned for a call
            ".cfi_adjust_cfa_offset 8",
            "test dword ptr [rsp], {AC}",
            "jnz 3f",
            "2:",
            "call {signal}",
            "lea rsp, [rsp + 8]",
            ".cfi_adjust_cfa_offset -8",
            "test al, al",
            "jnz usertrap_begin",
            "ret", // to the restorer
            "3:",
            ".cfi_adjust_cfa_offset 8",
            "and dword ptr [rsp], ~{AC}", // and ID stays: sigreturn does not restore it
            "popfq",
            ".cfi_adjust_cfa_offset -8",
            "lea rsp, [rsp - 8]",
            ".cfi_adjust_cfa_offset 8",
            "jmp 2b",
            ".cfi_adjust_cfa_offset -8",
            //
            // ---- starts the application's handler as the frame at rsp says, in place
            //      of an rt_sigreturn, which would cost twice as much. All signals are
            //      blocked but quiet ones. The vector state is the initial one but for
            //      xmm0-15, which Rust code may have used.
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
            "usertrap_begin_later {UC_MASK}, {GS_BEGIN_MASK}",
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
            "popfq", // the handler's flags from here on
            ".cfi_adjust_cfa_offset -8",
            "mov rsi, gs:[{GS_STACK_TOP}]", // 8 above the area
            "lea rsi, [rsi + {BEGIN_MASK_FROM_TOP}]",
            "mov eax, {SYS_RT_SIGPROCMASK}",
            "mov edi, {SIG_SETMASK}",
            "mov edx, 0",
            "mov r10d, 8",
            "mov rsp, gs:[{GS_BEGIN_RSP}]",
            "jmp usertrap_gate_begin",
            ".cfi_endproc",
        )
    };
}
