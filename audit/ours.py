"""What the library adds to a program's calls, and what it serves itself: the list of docs/calls-of-our-own.md.

A call of ours that is not in this list, at its place, is a difference.
"""
import re

# An exec, also one that is refused.
EXEC = {"execve", "fstat", "newfstatat", "fstatfs", "execveat", "openat", "pread64", "read", "readlinkat", "close", "fcntl",
        "rt_sigprocmask", "rt_sigaction", "mmap", "munmap", "prlimit64", "unshare", "prctl", "set_tid_address", "kill",
        "getpid", "gettid", "sched_yield", "rt_tgsigqueueinfo", "rt_sigtimedwait"}
# A call that the core makes in the application's place, or looks at.
SERVED = {"madvise", "mprotect", "pkey_mprotect", "mremap", "rt_sigaction", "rt_sigprocmask", "sched_yield", "getpid",
          "gettid", "rt_tgsigqueueinfo", "fcntl", "dup", "dup2", "dup3", "close", "close_range", "unshare", "readlink",
          "readlinkat", "fstat", "newfstatat", "openat", "read", "access", "ioctl", "pwrite64", "membarrier",
          "rt_sigtimedwait", "getuid", "clock_gettime"}
# A call that could notice a signalfd.
LOOKING = {"read", "readv", "poll", "ppoll", "select", "pselect6", "epoll_wait", "epoll_pwait", "epoll_pwait2"}
SERVED |= {"poll", "epoll_wait", "select", "preadv2"}

# Calls that say EBADF to a number of ours.
OF_DESCRIPTORS = {"close", "close_range", "dup", "dup2", "dup3", "fcntl", "fstat", "newfstatat", "statx", "lseek", "ioctl",
                  "fchmod", "fchown", "ftruncate", "fsync", "flock"}

# Calls that are made on the program in the place of its exe link.
OF_EXE_LINKS = {"open", "openat", "openat2", "access", "faccessat", "faccessat2", "stat", "lstat", "newfstatat", "statx",
                "readlink", "readlinkat", "chmod", "fchmodat", "chown", "fchownat", "utimensat", "utime", "utimes",
                "futimesat", "statfs", "getxattr", "setxattr", "listxattr", "removexattr", "inotify_add_watch"}

# Where a call of ours is made -> which calls.
OURS = {
    # From the execveat of the tree file to the program's first instruction.
    "start": {"fstat", "fcntl", "getrandom", "brk", "prctl", "pread64", "mmap", "mprotect", "munmap", "close",
              "prlimit64", "membarrier", "sigaltstack", "rt_sigaction", "rt_sigprocmask", "seccomp", "getpid", "gettid",
              "tgkill", "openat", "read", "mremap", "memfd_create", "uname"},
    # In the handler of a trap.
    "trap": {"getpid", "gettid", "rt_tgsigqueueinfo", "rt_sigaction", "openat", "ioctl", "close", "rt_sigprocmask", "pwrite64", "membarrier", "mmap", "mprotect", "mremap",
             "munmap"},
    # In the handler of an application's signal.
    "signal": {"rt_sigprocmask", "rt_sigaction", "rt_tgsigqueueinfo", "getpid", "gettid"},
    # In a new thread or process, before its first call.
    "child": {"getpid", "gettid", "rt_sigaction", "rt_sigprocmask", "sigaltstack", "sched_yield"} | EXEC | SERVED,
    # Around a clone, fork or vfork, in the parent.
    "clone": {"mmap", "mprotect", "munmap", "rt_sigprocmask", "sched_yield", "kill"} | EXEC | SERVED,
    # Before an exec, also one that fails.
    "exec": EXEC,
    # Before exit and exit_group.
    "exit": {"madvise", "rt_sigprocmask"} | EXEC | SERVED,
    # Around a call that the core serves or looks at.
    "served": EXEC | SERVED | OF_EXE_LINKS | OF_DESCRIPTORS | {"getdents", "getdents64", "arch_prctl"},
}

# Calls that are ours to answer: what the kernel is told is something else, or nothing.
ANSWERED = {"rt_sigaction", "sigaltstack", "rt_sigtimedwait", "arch_prctl"}

# Calls that send a signal.
SENDS = {"kill", "rt_sigqueueinfo", "tkill", "tgkill", "rt_tgsigqueueinfo"}

# Calls that depend on how threads happen to meet, in every program.
OF_CHANCE = {"futex", "sched_yield"}

# Calls by which a loop that looks for something waits: how often it looks is chance.
SLEEPS = {"nanosleep", "clock_nanosleep"}

# Calls of the C library that a thread makes or not, by how far it comes before others end it; and execs, of which ours
# looks otherwise. A loose comparison does not miss them.
OF_ENDS = {"madvise", "munmap", "mmap", "mprotect", "exit", "execve", "execveat"}

# Signals that are not compared: when a child's end is told is chance; SIGILL is also how a thread is told that it has
# met a rewrite; SIGSYS and SIGILL come when the kernel has them, not when the application has them unblocked.
SIGNALS_OF_CHANCE = {"SIGCHLD", "SIGSYS", "SIGILL"}

# The end of an image that cannot be completed, by the kernel, by our loader, or by its first instruction.
KILLED_IMAGE = "{si_signo=SIGSEGV, si_code=SI_KERNEL, si_addr=NULL}"

# Calls of which the kernel's view has more in it than the application gets, or what is in a register by chance.
NAME_ONLY = {"getdents", "getdents64", "rt_sigreturn", "restart_syscall"}

# Files by which the application can tell (README, Limits), and what is read of them.
TELLING = re.compile(r"/(?:maps|smaps|smaps_rollup|numa_maps|status|stat|statm|auxv|pagemap|mem|map_files|sched|limits|"
                     r"uptime|loadavg|meminfo|cpuinfo|interrupts|proc/\[?[\w.]+\]?/fd)(?:>|\"|$)")

# An exe link, which leads to the program by way of calls of ours, or by an answer.
EXE_LINK = re.compile(r"\bexe[\">]")


def sends_reserved(event):
    """Whether the call sends one of the reserved signals: within the process the core keeps it until a thread looks."""
    return event.name in SENDS and re.search("SIG(?:SYS|ILL)", event.args) is not None


def is_aside(event, label):
    """Whether a call tells or asks: a line on standard error, and what filters of the application's own say to a call."""
    return (event.result.endswith("(errno 3877)")
            or event.name == "execve" and label == "usertrap_gate_for_application"
            or event.name == "write" and '"usertrap: ' in event.args)


def skippable(event):
    """Whether the core may have answered the call without the kernel."""
    if event.name in ANSWERED:
        return True
    if event.name in ("execve", "execveat"):
        return event.error is not None  # refused before the kernel was asked
    if event.name in LOOKING and "[signalfd]" in event.args:
        return True  # made by ours, without waiting
    if event.name in OF_DESCRIPTORS and event.error == "EBADF" or event.name == "close_range":
        return True  # answered, or made in pieces around ours
    return sends_reserved(event) or EXE_LINK.search(event.args) is not None


# Programs that cannot be compared, and why.
TRACER = "wants its tracer to be another than strace"
STEPS = "single steps, of which those within a call are seen behind it"
CHANCE = "what it does depends on which of several threads or signals is first"
LIMITS = "at limits that the library needs a little of (README, Limits)"
ASKS = "asks whether it is interposed, and does something else then"
SKIPPED = {
    "image_exec_event": TRACER,
    "own_filter_trace": TRACER,
    "resethand_of_sigtrap": STEPS,
    "single_step_over_call": STEPS,
    "single_step_over_short_jump": STEPS,
    "single_steps_as_natively": STEPS,
    "exec_arguments_change_meanwhile": CHANCE,
    "exec_from_two_threads": CHANCE,
    "fork_orphan": CHANCE,
    "handler_context_of_blocked_call": CHANCE,
    "interrupted_calls_give_eintr": CHANCE,
    "gs_taken_while_called": CHANCE,
    "interrupted_calls_restart": CHANCE,
    "leftovers_cancellation": CHANCE,
    "sigsys_among_ending_threads": CHANCE,
    "exec_without_memory": LIMITS,
    "image_arguments_up_to_the_limit": LIMITS,
    "restricted_midway": LIMITS,
    "image_descriptors_all_taken": LIMITS,
    "exec_32_bit_image": ASKS,
    "exec_32_bit_refused_beside_threads": ASKS,
    "exec_from_32_bit_image": ASKS,
    "exec_full_descriptor_table": ASKS,
    "exec_in_chroot": ASKS,
    "exec_set_id": ASKS,
    "exec_unreadable": ASKS,
    "exec_x32_image": ASKS,
    "fds_are_listed_as_natively": "a child's listing shows the program's descriptor that the child has moved (README, Limits)",
}


def skipped(name):
    """Why a c-test or program is not compared, or None."""
    return SKIPPED.get(name)
