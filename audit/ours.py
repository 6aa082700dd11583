"""What the library adds to a program's calls, and what it serves itself: the list of docs/calls-of-our-own.md.

A call of ours that is not in this list, at its place, is a difference.
"""
import re

# From where in the gate the application's own calls are made. All others there are ours.
APPLICATIONS = {"usertrap_gate_pass", "usertrap_gate_any", "usertrap_gate_again", "usertrap_gate_exit",
                "usertrap_gate_exit_again", "usertrap_gate_clone", "usertrap_gate_last", "usertrap_gate_return"}

# An exec, also one that is refused.
EXEC = {"fstat", "newfstatat", "fstatfs", "execveat", "openat", "pread64", "read", "readlinkat", "close", "fcntl",
        "rt_sigprocmask", "rt_sigaction", "mmap", "munmap", "prlimit64", "unshare", "prctl", "set_tid_address", "kill",
        "getpid", "gettid", "sched_yield", "rt_tgsigqueueinfo", "rt_sigtimedwait"}
# A call that the core makes in the application's place, or looks at.
SERVED = {"madvise", "mprotect", "pkey_mprotect", "mremap", "rt_sigaction", "rt_sigprocmask", "sched_yield", "getpid",
          "gettid", "rt_tgsigqueueinfo", "fcntl", "dup", "dup2", "dup3", "close", "close_range", "unshare", "readlink",
          "readlinkat", "fstat", "newfstatat", "openat", "read", "access", "ioctl", "pwrite64", "membarrier",
          "rt_sigtimedwait", "getuid", "clock_gettime"}

# Where a call of ours is made -> which calls.
OURS = {
    # From the execveat of the tree file to the program's first instruction.
    "start": {"fstat", "fcntl", "getrandom", "brk", "prctl", "pread64", "mmap", "mprotect", "munmap", "close",
              "prlimit64", "membarrier", "sigaltstack", "rt_sigaction", "rt_sigprocmask", "seccomp", "getpid", "gettid",
              "tgkill", "openat", "read", "mremap"},
    # In the handler of a trap.
    "trap": {"openat", "ioctl", "close", "rt_sigprocmask", "pwrite64", "membarrier", "mmap", "mprotect", "mremap",
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
    "served": EXEC | SERVED,
}

# Calls that are ours to answer: what the kernel is told is something else, or nothing.
ANSWERED = {"rt_sigaction", "sigaltstack", "rt_sigtimedwait"}

# Calls that send a signal.
SENDS = {"kill", "rt_sigqueueinfo", "tkill", "tgkill", "rt_tgsigqueueinfo"}

# Calls that depend on how threads happen to meet, in every program.
OF_CHANCE = {"futex", "sched_yield"}

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


def skippable(event):
    """Whether the core may have answered the call without the kernel."""
    if event.name in ANSWERED:
        return True
    if event.name in ("execve", "execveat"):
        return event.error is not None  # refused before the kernel was asked
    if event.name in SENDS and re.search("SIGSYS|SIGILL", event.args):
        return True  # to the own process
    if event.name in ("close", "close_range", "dup2", "dup3") and (event.error == "EBADF" or event.name == "close_range"):
        return True  # answered, or made in pieces around ours
    return EXE_LINK.search(event.args) is not None
