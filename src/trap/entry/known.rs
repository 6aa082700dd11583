//! Calls whose result the area has (`trap::known`): answered without our Rust code.

macro_rules! known {
    () => {
        lines!(
            // The whole of an answer; register and stack pictures:
            //
            //   rax = number, rcx = return address, r11 free; rsp and all else are the
            //   application's. Between the two labels rsp is the area's stack, of which
            //   `pushfq` needs the one word that is the area's `flags`.
            //
            // Nothing here changes flags, so a signal rolls the call back to its site up
            // to `done`, and forward from there.
            ".macro usertrap_known name, result",
            ".p2align 4, 0xcc",
            "usertrap_cfi_rcx",
            "\\name:",
            "mov gs:[{GS_RET}], rcx",
            "usertrap_cfi_lost",
            "\\name\\()_saved:",
            "mov ecx, gs:[\\result]",
            "jrcxz 2f", // not known, or a filter of the application's has to be asked
            "mov gs:[{GS_APP_RSP}], rsp",
            "mov rsp, gs:[{GS_STACK_TOP}]",
            "\\name\\()_switched:",
            "usertrap_cfi_switched -8",
            "pushfq",
            "usertrap_cfi_switched",
            "pop r11", // as `syscall` leaves it
            "usertrap_cfi_switched -8",
            "mov rsp, gs:[{GS_APP_RSP}]",
            "\\name\\()_back:",
            "usertrap_cfi_lost",
            "mov rax, rcx", // the upper half is zero
            "\\name\\()_done:",
            "mov rcx, gs:[{GS_RET}]",
            "usertrap_cfi_rcx",
            "jmp rcx",
            "2:",
            "usertrap_cfi_lost",
            "jmp usertrap_entry_full_saved",
            ".endm",
            "usertrap_known usertrap_known_pid, {GS_KNOWN_PID}",
            "usertrap_known usertrap_known_tid, {GS_KNOWN_TID}",
            "usertrap_known_end:",
            "usertrap_cfi_area", // of what follows
        )
    };
}
