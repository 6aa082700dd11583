"""Programs' calls as `strace -ff -i -y` would write them, natively and under the library: what test_judge.py judges."""
import runs, strace_log, trees

GATE = runs.Gate([(0x580000001000 + 0x10 * number, "usertrap_gate_" + name) for number, name in enumerate(
    ("start", "pass", "again", "trapped", "own_start", "enter", "begin", "restorer", "own", "end"))])
PLACES = {name.removeprefix("usertrap_gate_"): address + 2 for address, name in GATE.labels}
SITE = 0x7F0000000000


class Call:
    """`text` as strace shows it, with {PATH} for the number of a thread: of the new one in what makes one."""

    def __init__(self, text, result="0"):
        self.text, self.result = text, result

    @property
    def name(self):
        return self.text.split("(")[0]

    def native(self, ip):
        return [f"[{ip:016x}] {self.text} = {self.result}"]

    def under(self, ip, trapped):
        """By the trap for the first time, which is seen twice, else by the jump."""
        if not trapped:
            return self.native(PLACES["pass"])
        own = f"[{PLACES['own']:016x}] "
        return [f"[{ip:016x}] {self.text} = 39",
                f"[{ip:016x}] --- SIGSYS {{si_signo=SIGSYS, si_code=SYS_SECCOMP, si_errno=0, si_call_addr={ip:#x}, "
                f"si_syscall=__NR_{self.name}, si_arch=AUDIT_ARCH_X86_64}} ---",
                own + 'openat(AT_FDCWD</dir>, "/proc/self/mem", O_RDWR|O_CLOEXEC) = 9</proc/{0}/mem>',
                own + r'pwrite64(9</proc/{0}/mem>, "\377$%\210\0", 5, 140062183764870) = 5',
                own + "close(9</proc/{0}/mem>) = 0",
                f"[{PLACES['restorer']:016x}] rt_sigreturn({{mask=[]}}) = 39",
                f"[{PLACES['trapped']:016x}] {self.text} = {self.result}"]


class Signal:
    def __init__(self, name, code="SI_USER"):
        self.name = name
        self.text = f"--- {name} {{si_signo={name}, si_code={code}, si_pid={{0}}, si_uid=0}} ---"

    def native(self, ip):
        return [f"[{ip:016x}] {self.text}"]

    def under(self, ip, _):
        del ip
        return [f"[{PLACES['pass']:016x}] {self.text}",
                f"[{PLACES['own']:016x}] rt_sigprocmask(0xffffffff /* SIG_??? */, [HUP INT], NULL, 8) = -1 EINVAL (Invalid argument)",
                f"[{PLACES['begin']:016x}] rt_sigprocmask(SIG_SETMASK, [], NULL, 8) = 0"]


class End:
    def __init__(self, text):
        self.name, self.text = "end", text

    def native(self, _):
        return [f"[????????????????] +++ {self.text} +++"]

    def under(self, ip, _):
        return self.native(ip)


def lines_of(path, events, is_under):
    """What strace writes of one thread."""
    start, lines, sites = [], [], {}
    execve = 'execve("/bin/it", ["it"], {at} /* 3 vars */) = 0'
    if path == "0":
        start = [f"[{SITE:016x}] {execve.replace('{at}', '0x7fff5fe90100')}"]
        if is_under:
            start += [f"[{SITE + 2:016x}] brk(NULL) = 0x5574f8714000",
                      f"[{PLACES['own']:016x}] execveat(4</memfd:usertrap>(deleted), \"\", [\"it\"], 0x7fff5fe90100 /* 3 vars */, AT_EMPTY_PATH) = 0",
                      f"[{PLACES['own']:016x}] mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 4</memfd:usertrap>(deleted), 0) = 0x7f0000000000"]
    elif is_under:
        start = [f"[{PLACES['own']:016x}] gettid() = {{{path}}}"]
    for event in events:
        trapped = event.name not in sites
        ip = sites.setdefault(event.name, SITE + 16 * len(sites))
        lines += event.under(ip, trapped) if is_under else event.native(ip)
    return start + lines


def tree_of(threads, is_under, first=1000):
    """{path: [events]} -> the trees.Tree of what strace would have written of it. `first`: the first thread's number."""
    numbers = {path: str(first + 7 * at) for at, path in enumerate(threads)}
    lives = {}
    for path, events in threads.items():
        text = "\n".join(lines_of(path, events, is_under)) + "\n"
        for other, number in numbers.items():
            text = text.replace("{" + other + "}", number)
        lives[int(numbers[path])] = list(strace_log.lives_in(text.splitlines(keepends=True)))
    return trees.Tree(strace_log.threads_of(lives), GATE if is_under else None)
