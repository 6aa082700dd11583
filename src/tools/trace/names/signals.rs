//! Of signals: `signal.h`.

super::names! {
    /// With the prefix `SIG`.
    NAMES, "SIG???": 1 "HUP", 2 "INT", 3 "QUIT", 4 "ILL", 5 "TRAP", 6 "ABRT", 7 "BUS", 8 "FPE", 9 "KILL", 10 "USR1", 11 "SEGV",
        12 "USR2", 13 "PIPE", 14 "ALRM", 15 "TERM", 16 "STKFLT", 17 "CHLD", 18 "CONT", 19 "STOP", 20 "TSTP", 21 "TTIN", 22 "TTOU",
        23 "URG", 24 "XCPU", 25 "XFSZ", 26 "VTALRM", 27 "PROF", 28 "WINCH", 29 "IO", 30 "PWR", 31 "SYS";
    HOW, "SIG_???": 0 "SIG_BLOCK", 1 "SIG_UNBLOCK", 2 "SIG_SETMASK";
    ACTION, "SA_???": 0x04000000 "SA_RESTORER", 0x08000000 "SA_ONSTACK", 0x10000000 "SA_RESTART", 1 "SA_NOCLDSTOP", 2 "SA_NOCLDWAIT",
        0x40000000 "SA_NODEFER", 0x80000000 "SA_RESETHAND", 4 "SA_SIGINFO", 0x400 "SA_UNSUPPORTED", 0x800 "SA_EXPOSE_TAGBITS";
    STACK, "SS_???": 1 "SS_ONSTACK", 2 "SS_DISABLE", 0x80000000 "SS_AUTODISARM";
    CLD, "CLD_???": 1 "CLD_EXITED", 2 "CLD_KILLED", 3 "CLD_DUMPED", 4 "CLD_TRAPPED", 5 "CLD_STOPPED", 6 "CLD_CONTINUED";
    CODE, "SI_???": 0 "SI_USER", 0x80 "SI_KERNEL", 0xffffffff "SI_QUEUE", 0xfffffffe "SI_TIMER", 0xfffffffd "SI_MESGQ",
        0xfffffffc "SI_ASYNCIO", 0xfffffffb "SI_SIGIO", 0xfffffffa "SI_TKILL";
}
