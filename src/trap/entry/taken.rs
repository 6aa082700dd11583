//! Calls that come by the trap, and those of threads whose GS is the application's.

macro_rules! taken {
    () => {
        lines!(
            //
            // ---- GS may be the application's, and stays it all the way: the signal
            //      handler has put the call into the area (trapped::enter_taken)
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
            "usertrap_test_flags 2f",
            "3:",
            "mov rdi, rsp",
            "call {exit}",
            "usertrap_taken_exit_called:",
            "usertrap_sse_moves restore",
            "jmp usertrap_resume",
            "usertrap_taken_exit_rare:",
            "2:",
            "usertrap_clear_flags",
            "jmp 3b",
            "usertrap_taken_exit_rare_end:",
        )
    };
}
