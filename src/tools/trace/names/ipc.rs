//! Of System V's IPC: `sys/ipc.h`, `sys/sem.h`, `sys/shm.h`, `sys/msg.h`.

super::names! {
    SEM_GET, "IPC_???": 0o1000 "IPC_CREAT", 0o2000 "IPC_EXCL", 0o4000 "IPC_NOWAIT";
    SHM_GET, "SHM_???": 0o1000 "IPC_CREAT", 0o2000 "IPC_EXCL", 0o4000 "SHM_HUGETLB", 0o10000 "SHM_NORESERVE";
    SEM_OP, "SEM_???": 0x1000 "SEM_UNDO", 0o4000 "IPC_NOWAIT";
    SHM_AT, "SHM_???": 0o10000 "SHM_RDONLY", 0o20000 "SHM_RND", 0o40000 "SHM_REMAP", 0o100000 "SHM_EXEC";
    MSG, "MSG_???": 0o10000 "MSG_NOERROR", 0o20000 "MSG_EXCEPT", 0o40000 "MSG_COPY", 0o4000 "IPC_NOWAIT";
    SEM_CTL, "SEM_???": 0 "IPC_RMID", 1 "IPC_SET", 2 "IPC_STAT", 3 "IPC_INFO", 11 "GETPID", 12 "GETVAL", 13 "GETALL",
        14 "GETNCNT", 15 "GETZCNT", 16 "SETVAL", 17 "SETALL", 18 "SEM_STAT", 19 "SEM_INFO", 20 "SEM_STAT_ANY";
    SHM_CTL, "SHM_???": 0 "IPC_RMID", 1 "IPC_SET", 2 "IPC_STAT", 3 "IPC_INFO", 11 "SHM_LOCK", 12 "SHM_UNLOCK",
        13 "SHM_STAT", 14 "SHM_INFO", 15 "SHM_STAT_ANY";
    MSG_CTL, "MSG_???": 0 "IPC_RMID", 1 "IPC_SET", 2 "IPC_STAT", 3 "IPC_INFO", 11 "MSG_STAT", 12 "MSG_INFO", 13 "MSG_STAT_ANY";
    /// Commands that fill in a `struct semid64_ds` or its kin.
    STAT_COMMANDS, "IPC_???": 2 "IPC_STAT";
}
