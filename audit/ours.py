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
          "rt_sigtimedwait", "rt_sigpending", "sigaltstack", "getuid", "clock_gettime"}
# A call that could notice a signalfd -> the call of ours in its place, without waiting.
LOOKS = {"read": "preadv2", "readv": "preadv2", "poll": "poll", "ppoll": "poll", "select": "select",
         "pselect6": "select", "epoll_wait": "epoll_wait", "epoll_pwait": "epoll_wait", "epoll_pwait2": "epoll_wait"}
LOOKED_FOR = {own: {name for name in LOOKS if LOOKS[name] == own} for own in LOOKS.values()}
SERVED |= set(LOOKED_FOR)

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
              "tgkill", "openat", "read", "mremap", "memfd_create", "uname", "pwrite64", "fgetxattr"},
    # In the handler of a trap.
    "trap": {"getpid", "gettid", "rt_tgsigqueueinfo", "rt_sigaction", "openat", "ioctl", "close", "rt_sigprocmask",
             "pread64", "pwrite64", "membarrier", "mmap", "mprotect", "mremap", "munmap"},
    # In the handler of an application's signal.
    "signal": {"rt_sigprocmask", "rt_sigaction", "rt_tgsigqueueinfo", "rt_sigpending", "getpid", "gettid"},
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

OUR_DESCRIPTOR = re.compile(r"\b(\d+)</memfd:usertrap>")

# Calls that send a signal.
SENDS = {"kill", "rt_sigqueueinfo", "tkill", "tgkill", "rt_tgsigqueueinfo"}

# Calls that depend on how threads happen to meet, in every program.
OF_CHANCE = {"futex"}

# Calls by which a loop that looks for something waits: how often it looks is chance. Only the application's are left out:
# a sleep of ours is not stated anywhere, and so is a difference.
SLEEPS = {"nanosleep", "clock_nanosleep"}

# Calls of the C library that a thread makes or not, by how far it comes before others end it; and execs, of which ours
# looks otherwise. A loose comparison does not miss them.
OF_ENDS = {"madvise", "munmap", "mmap", "mprotect", "exit", "execve", "execveat"}

# Signals that are not compared: when a child's end is told is chance; SIGILL is also how a thread is told that it has
# met a rewrite; SIGSYS and SIGILL come when the kernel has them, not when the application has them unblocked.
SIGNALS_OF_CHANCE = {"SIGCHLD", "SIGSYS", "SIGILL"}

# The end of an image that cannot be completed, by the kernel, by our loader, or by its first instruction.
KILLED_IMAGE = "{si_signo=SIGSEGV, si_code=SI_KERNEL, si_addr=NULL}"

# As strace shows a call at which the kernel cannot read the selector of Syscall User Dispatch, and ends the process; the
# core ends it by the signal.
UNREADABLE_SELECTOR = ("syscall_0xffffffffffffffda", "?")

# Calls of which the kernel's view has more in it than the application gets.
NAME_ONLY = {"getdents", "getdents64"}

# Calls by which the application can tell (README, Limits), or whose answer the core corrects: of what is registered
# for membarrier its own is taken away. And the times that ld.so prints of itself (LD_DEBUG=statistics).
TELLS = re.compile(r'^prctl\(PR_GET_NO_NEW_PRIVS\b|^membarrier\(0x200 |^writev\(.*iov_base="(?: cycles|            time needed)')

# Files by which the application can tell (README, Limits), and what is read of them.
TELLING = re.compile(r"/(?:maps|smaps|smaps_rollup|numa_maps|status|stat|statm|auxv|pagemap|mem|map_files|sched|limits|"
                     r"uptime|loadavg|meminfo|cpuinfo|interrupts|proc/\[?[\w.]+\]?/fd)(?:>|\"|$)")

# An exe link, which leads to the program by way of calls of ours, or by an answer.
EXE_LINK = re.compile(r"\bexe[\">]")


def finds_no_child(event):
    return event.name == "wait4" and "WNOHANG" in event.args and (event.result == "0" or event.error == "ECHILD")


def is_draw(event):
    """Whether the C library may draw the name of a temporary file: none or more, as numbers suit."""
    return event.name == "getrandom" and event.args.endswith(", 8, GRND_NONBLOCK")


def is_short_sleep(event):
    if event.name in ("select", "pselect6"):
        return event.args.startswith("0, NULL, NULL, NULL, {tv_sec=0,")
    return event.name in SLEEPS and "tv_sec=0," in event.args or event.name == "sched_yield"


def sends_reserved(event):
    """Whether the call sends one of the reserved signals: within the process the core keeps it until a thread looks, and
    sends nothing. That it comes is seen by what the application does then, as SIGSYS and SIGILL are not compared."""
    return event.name in SENDS and re.search("SIG(?:SYS|ILL)", event.args) is not None


def may_let_in(event):
    """Whether the call may let in one of the reserved signals that waits: then two of ours do it."""
    return event.name == "rt_sigprocmask" and event.args.startswith(("SIG_UNBLOCK, [", "SIG_SETMASK, ["))


def is_aside(event, label):
    """Whether a call tells or asks: a line on standard error, and what filters of the application's own say to a call."""
    return (event.result.endswith("(errno 3877)")
            or event.name == "execve" and label == "usertrap_gate_for_application"
            or event.name == "write" and '"usertrap: ' in event.args)


def numbers_in(event):
    """The numbers of descriptors that an event under the library shows to be ours: of our file, of its copies, and of what
    we have moved out of the application's way."""
    found = OUR_DESCRIPTOR.findall(f"{event.args} = {event.result}")
    if event.name == "fcntl" and "F_DUPFD" in event.args or event.name in ("dup", "dup2", "dup3"):
        found += re.findall(r"^\d+", event.result)
    return map(int, found)


def skippable(event, numbers=None):
    """Whether the core may have answered the call without the kernel. `numbers`: of descriptors that are ours, if known."""
    if event.name in ANSWERED:
        return True
    if event.name in ("execve", "execveat"):
        return event.error is not None  # refused before the kernel was asked
    if event.name == "prctl" and "PR_GET_SECCOMP" in event.args:
        return event.result == "0"  # while there is no filter but ours
    if event.name == "membarrier":
        return event.error == "EPERM" and "_SYNC_CORE, 0" in event.args  # as it has not registered, but the core has
    if event.name in ("read", "readv") and "[signalfd]" in event.args:
        return True  # what a look of ours has read comes with another call, or by reading on
    if event.name == "close_range":
        return True  # made in pieces around ours
    if event.name in OF_DESCRIPTORS and event.error == "EBADF":
        first = re.match(r"\d+", event.args)
        return numbers is None or first is not None and int(first.group()) in numbers
    return sends_reserved(event) or EXE_LINK.search(event.args) is not None


# Programs that cannot be compared, and why.
TRACER = "wants its tracer to be another than strace"
STEPS = "single steps, of which those within a call are seen behind it"
CHANCE = "what it does depends on which of several threads or signals is first"
ORDER = "of signals that come together the kernel gives the first by number last; ours are given one by one"
LIMITS = "at limits that the library needs a little of (README, Limits)"
QUEUES = "the kernel queues blocked faults again for ever, for a tracer, where a call traps (README, Limits)"
ASKS = "asks whether it is interposed, and does something else then"
ARM = "is of Syscall User Dispatch, and this is the filter"
SKIPPED = {
    "blocked_faults_beside_others": QUEUES,
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
    "pending_signals_come_in_order": ORDER,
    "interrupted_calls_restart": CHANCE,
    "leftovers_cancellation": CHANCE,
    "waits_in_a_storm_lose_nothing": CHANCE,
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
    "spans_flip_under_threads": ASKS,
    "vectors_survive_call": "makes calls with what XGETBV says of the state in use, in which a trap leaves its mark (README, Limits)",
    "sud_int80_is_enosys_below_4_gib": ARM,
    "sud_keeps_privileges": ARM,
    "sud_leaves_no_mark": ARM,
    "sud_runs_unreadable": ARM,
    "privileges": "a set-user-id program is one natively only (README, What works, and what does not yet)",
    "fds_are_listed_as_natively": "a child's listing shows the program's descriptor that the child has moved (README, Limits)",
}


def skipped(name):
    """Why a c-test or program is not compared, or None."""
    return SKIPPED.get(name)
