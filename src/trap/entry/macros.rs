//! Macros of the assembler: registers to and from the area, flags, and how to
//! unwind (CFI).

macro_rules! assembler_macros {
    () => {
        lines!(
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
            // What is restored is what was saved, whoever takes an interest meanwhile.
            // Destroys rcx and r11; the number is in the area.
            ".macro usertrap_sse op",
            ".ifc \\op, save",
            "movzx ecx, word ptr [rsp + {NUMBER}]",
            "lea r11, [rip + {INTEREST}]",
            "movzx ecx, byte ptr [r11 + rcx]",
            "mov [rsp + {KEPT}], ecx",
            "test cl, {KEEP_SSE}",
            ".else",
            "test byte ptr [rsp + {KEPT}], {KEEP_SSE}",
            ".endif",
            "jz 77f",
            "usertrap_sse_moves \\op",
            "77:",
            ".endm",
            // The psABI's flags for a function: DF clear; and AC clear, since the
            // compiler makes unaligned accesses. Both are rare, cld and popfq slow:
            // who has one of them set takes a way round.
            ".macro usertrap_test_flags rare",
            "test dword ptr [rsp], {RARE_IN_FUNCTIONS}",
            "jnz \\rare",
            ".endm",
            ".macro usertrap_clear_flags",
            "cld",
            "pushfq",
            "usertrap_cfi_area 8",
            "and dword ptr [rsp], ~{AC}",
            "popfq",
            "usertrap_cfi_area",
            ".endm",
            // The application's flags from [rsp] into rflags and r11. sahf and an
            // addition that overflows or not give the six arithmetic flags, in a third
            // of popfq's time; the others are as they were unless the application had
            // one of DF, AC, TF, NT set: then they go by `rare` of this name. Destroys
            // rax.
            ".macro usertrap_restore_flags name",
            "mov r11, [rsp]",
            "test r11d, {RARE_FLAGS}",
            "jnz usertrap_rare_\\name",
            "mov eax, r11d",
            "rol ax, 8",    // ah = SF ZF AF PF CF, al = bits 8..15
            "and al, 8",    // OF is bit 11
            "add al, 0x78", // 0x80 overflows, 0x78 does not
            "sahf",
            "usertrap_flags_\\name:",
            ".endm",
            ".macro usertrap_rare_flags name",
            "usertrap_rare_\\name:",
            "test r11d, {TF}",
            "jz 81f",
            "cmp dword ptr [rsp + {STEPPING}], 0",
            "jne 81f",
            "btr r11d, 8", // a tracer's trap flag, which is not to stay
            "81:",
            "push r11", // on the hook stack
            "usertrap_cfi_area 8",
            "popfq",
            "usertrap_cfi_area",
            "jmp usertrap_flags_\\name",
            ".endm",
            // How to unwind (DWARF 4 section 6.4.2, psABI figure 3.36): rsp + offset as
            // an operand of DW_OP_breg7, in two bytes whatever its value.
            //
            // register \\reg was saved at \\base + \\offset: DW_CFA_expression, DW_OP_breg
            ".macro usertrap_cfi_saved reg, base, offset",
            ".cfi_escape 0x10, \\reg, 3, 0x70 + \\base, ((\\offset) & 0x7f) | 0x80, ((\\offset) >> 7) & 0x7f",
            ".endm",
            // CFA = *(\\base + \\offset): DW_CFA_def_cfa_expression, DW_OP_breg, DW_OP_deref
            ".macro usertrap_cfi_cfa base, offset",
            ".cfi_escape 0x0f, 4, 0x70 + \\base, ((\\offset) & 0x7f) | 0x80, ((\\offset) >> 7) & 0x7f, 0x06",
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
            // A system call as extern "C" fn(number, a, b, c, d, e, f) -> rax.
            ".macro usertrap_c_call",
            ".cfi_startproc",
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
            ".endm",
        )
    };
}
