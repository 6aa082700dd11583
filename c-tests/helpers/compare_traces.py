"""Compares a trace with strace's of the same program: python3 compare_traces.py STRACE OURS

Lines of one process after the other, in the order in which these begin; what was broken off is put together.
Addresses, numbers of processes, ports, pipes, sockets and System V's objects are normalised. Left out on both sides:
  signals that have no handler, and are none of a fault's without one, in strace's trace: we do not see them arrive;
  the first execve, which strace's own child makes: the tool begins with the new program;
  the argument and the result of rt_sigreturn, which has none for a hook;
  why a call that a signal has interrupted will be made anew;
  how c-tests name the native image and ours;
  between which calls a SIGCHLD comes;
  calls whose answer is a time, or another one in each run.
Prints what differs; the status is 1 then.
"""
import difflib
import re
import sys

VARIES = re.compile(r"(clock_gettime|gettimeofday|time|getrusage|sysinfo|f?statfs|getrandom|timerfd_gettime|times)\(")
# Lines in which a number that is a process's means that process: elsewhere it is a size, say.
OF_PROCESSES = re.compile(
    r"--- |(clone3?|v?fork|get\w*id|getpgrp|set\w*id|set_tid_address|wait4|waitid|t?g?kill|rt_\w*queueinfo|rt_sigtimedwait"
    r"|pidfd_\w+|prlimit64|sched_\w+|fcntl|ioctl|ptrace|process_\w+|prctl|shmctl|msgctl)\b"
)
# Without a handler their process dies of them, and we see it.
DEADLY = {"SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGSYS"}


class Handlers:
    """Which signals have a handler, or are ignored, by process, as far as the lines tell."""

    def __init__(self):
        self.of = {}

    def begin(self, pid, open_lines):
        """A process that is new has those of the one that is making it."""
        if pid not in self.of:
            makers = [maker for maker, text in open_lines.items() if re.match(r"(clone3?|v?fork)\(", text)]
            self.of[pid] = dict(self.of.get(makers[0], {})) if makers else {}

    def line(self, pid, text):
        made = re.match(r"(?:clone3?|v?fork)\(.* = (\d+)$", text)
        if made and made[1] not in self.of:
            self.of[made[1]] = self.of[pid] if "CLONE_SIGHAND" in text else dict(self.of[pid])
        action = re.match(r"rt_sigaction\((\w+), {sa_handler=(\w+).* = 0$", text)
        if action:
            self.of[pid][action[1]] = action[2]
        if text.startswith("execve") and text.endswith(" = 0"):
            self.of[pid] = {signal: how for signal, how in self.of[pid].items() if how == "SIG_IGN"}

    def shown(self, pid, text):
        """Whether a signal's line is one that we have too."""
        signal = text.split()[1]
        how = self.of[pid].get(signal, "SIG_DFL")
        return how not in ("SIG_DFL", "SIG_IGN") or how == "SIG_DFL" and signal in DEADLY


def lines(path, all_signals):
    open_lines, found, handlers = {}, [], Handlers()
    with open(path, errors="replace") as file:
        for line in file:
            pid, text = line.rstrip("\n").split(None, 1)
            handlers.begin(pid, open_lines)
            if text.endswith(" <unfinished ...>"):
                open_lines[pid] = text.removesuffix(" <unfinished ...>")
                continue
            resumed = re.match(r"<\.\.\. \w+ resumed>(.*)", text)
            if resumed:
                text = open_lines.pop(pid) + resumed[1]
            handlers.line(pid, text)
            if text.startswith("+++ killed") and pid in open_lines:
                # strace knows that the call will not come back; we see that it has not.
                found.append((pid, open_lines.pop(pid)))
            if text.startswith("--- ") and not all_signals and not handlers.shown(pid, text):
                continue
            if not VARIES.match(text):
                found.append((pid, text))
    return found


def normal(text):
    text = re.sub(r"rt_sigreturn\(.*", "rt_sigreturn", text)
    text = re.sub(r"\) += ", ") = ", text)
    text = re.sub(r"= \? ERESTART.*|= -1 EINTR .*", "= interrupted", text)
    text = re.sub(r"^(tgkill\(.*SIGKILL)\) = \?$", r"\1", text)
    text = re.sub(r"^getppid\(\)(.*) = \d+", r"getppid()\1 = PARENT", text)
    text = re.sub(r"0x[0-9a-f]{6,}", "ADDRESS", text)
    text = re.sub(r"si_(u|s)time=\d+", r"si_\1time=T", text)
    text = re.sub(r"<(pipe|socket):\[\d+\]>", r"<\1>", text)
    text = re.sub(r"htons\(\d{4,5}\)", "htons(PORT)", text)
    text = re.sub(r"/\* \d+ vars \*/", "/* vars */", text)
    text = re.sub(r"^((sem|shm|msg)get\(.*\) = )\d+$", r"\1ID", text)
    text = re.sub(r"^((sem|shm|msg)(?!get)\w+\()\d+", r"\1ID", text)
    text = re.sub(r"((sem|shm|msg)_\w?time)=\d+", r"\1=T", text)
    text = re.sub(r"image:(native|interposed)", "image", text)
    return re.sub(r"tv_(u?)sec=\d+", r"tv_\1sec=T", text) if "ru_utime" in text else text


def by_process(found):
    order = list(dict.fromkeys(pid for pid, _ in found))
    names = {pid: f"P{place}" for place, pid in enumerate(order)}
    pids = re.compile(r"\b(" + "|".join(order) + r")\b")
    result = {name: [] for name in names.values()}
    for pid, text in found:
        text = normal(text)
        if OF_PROCESSES.match(text):
            text = pids.sub(lambda match: names[match[0]], text)
        text = re.sub(r"/proc/(\d+)", lambda match: "/proc/" + names.get(match[1], match[1]), text)
        result[names[pid]].append(text)
    return {name: with_ends_of_children_last(texts) for name, texts in result.items()}


def with_ends_of_children_last(texts):
    """Between which calls a SIGCHLD comes is chance; that it comes, and is returned from, is not."""
    ends = [text for text in texts if text.startswith("--- SIGCHLD")]
    rest = [text for text in texts if not text.startswith("--- SIGCHLD")]
    for _ in ends:
        if "rt_sigreturn" in rest:
            rest.remove("rt_sigreturn")
    return rest + sorted(ends)


def main():
    theirs, ours = (by_process(lines(path, all_signals)) for path, all_signals in zip(sys.argv[1:3], (False, True)))
    first = theirs.get("P0", [""])
    if first[0].startswith("execve("):
        del first[0]
    differs = not theirs
    for name in list(theirs) + [name for name in ours if name not in theirs]:
        left, right = theirs.get(name, []), ours.get(name, [])
        if left != right:
            differs = True
            print(f"{name}: {len(left)} lines of strace, {len(right)} of ours", file=sys.stderr)
            parts = difflib.unified_diff(left[:2000], right[:2000], lineterm="", n=0)
            print("\n".join([part for part in parts if not part.startswith("@@")][:20]), file=sys.stderr)
    sys.exit(differs)


main()
