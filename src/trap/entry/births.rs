//! A clone, fork or vfork around the call itself, and the end of a thread.

macro_rules! births {
    () => {
        lines!(
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
            "mov rsp, [rsp + {APP_RSP}]", // the child's rsp, unless it gets a stack
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
            "shr rdx, {FREE_PAGE_BITS}", // keep the tag,
            "shl rdx, {FREE_PAGE_BITS}",
            "or rdx, rbx", // replace the page
            "lock cmpxchg [r8], rdx",
            "jne 3b",
            "mov rax, r9",
            "jmp usertrap_gate_last",
        )
    };
}
