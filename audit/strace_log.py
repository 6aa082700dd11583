"""What `strace -ff -i -y` has written of a tree of processes: its threads, each with its events in order."""
import functools, os, re
from dataclasses import dataclass, field

LINE = re.compile(r"\[([0-9a-f]{16}|\?{16})\] (.*)", re.S)
CALL = re.compile(r"(\w+)\((.*)\)\s+= (.*)", re.S)
# A call that did not come back, or that another thread's exec ended.
CUT = re.compile(r"(\w+)\((.*?)(?: <unfinished \.\.\.>|\)\s+= \?)$", re.S)
RESUMED = re.compile(r"<\.\.\. (\w+) resumed>(.*)\)\s+= (.*)", re.S)
SIGNAL = re.compile(r"--- (SIG\w+) (\{.*\}) ---")
END = re.compile(r"\+\+\+ (exited with \d+|killed by \w+)( \(core dumped\))? \+\+\+")
FAULT = re.compile(r"si_code=(?:SEGV_|BUS_|ILL_|FPE_|TRAP_|SI_KERNEL)")
FORKS = {"clone", "clone3", "fork", "vfork"}
EXECS = {"execve", "execveat"}


@dataclass
class Event:
    kind: str  # call, signal, end
    ip: int  # behind the instruction
    name: str  # the call's or the signal's
    args: str = ""
    result: str = ""  # "?": it did not come back
    trapped: bool = False  # a filter answered it by SIGSYS: what it returned is nothing

    @property
    def error(self):
        found = re.match(r"(?:-1|\?) (E[A-Z0-9_]+)", self.result)
        return found.group(1) if found else None

    @property
    def executed(self):
        checked = re.search(r"\b0x10000\b|AT_EXECVE_CHECK", self.args)
        return self.name in EXECS and re.match(r"0\b", self.result) is not None and not checked

    @property
    def child(self):
        """The new thread's number, for a call that made one."""
        if self.name not in FORKS or self.trapped:
            return 0
        found = re.search(r"/\* (\d+) in strace's PID NS \*/", self.result) or re.match(r"(\d+)", self.result)
        return int(found.group(1)) if found else 0


@dataclass
class Thread:
    tid: int
    path: str = ""  # the parent's and its place among the parent's children: "0.2.1"
    events: list = field(default_factory=list)

    @property
    def ended(self):
        return bool(self.events) and self.events[-1].kind == "end"


@functools.lru_cache(1000)  # loops repeat their lines
def parts_of(line):
    """What an Event is made of, or None."""
    found = LINE.match(line)
    if not found:
        return None
    ip, text = int(found.group(1).replace("?", "0"), 16), found.group(2)
    if found := SIGNAL.match(text):
        return "signal", ip, found.group(1), found.group(2)
    if found := END.match(text):
        return "end", ip, "end", found.group(1)
    if found := RESUMED.match(text):
        return "call", ip, found.group(1), "<resumed>" + found.group(2), found.group(3)
    if found := CALL.match(text):
        return "call", ip, *found.groups()
    if found := CUT.match(text):
        return "call", ip, *found.groups(), "?"
    return None  # stopped by..., superseded by...


def lives_in(log):
    """The threads of one number, of the lines of its file: it can be given again when the first has ended."""
    life = []
    for line in log:
        parts = parts_of(line.rstrip("\n")) if line.endswith("\n") else None  # else the tracer was killed there
        if not parts:
            continue
        event = Event(*parts)
        if event.name == "SIGSYS" and "SYS_SECCOMP" in event.args:
            # The kernel also takes a blocked fault that was sent before it; our handler puts that off.
            while life and life[-1].kind == "signal" and life[-1].ip == event.ip and FAULT.search(life[-1].args):
                life.pop()
            if life:
                life[-1].trapped = f"si_call_addr={life[-1].ip:#x}," in event.args
        life.append(event)
        if event.kind == "end":
            yield life
            life = []
    if life:
        yield life


def roots_of(lives):
    """The threads that no call of another one's is seen to have made."""
    made = {event.child for of_tid in lives.values() for life in of_tid for event in life if event.child}
    return sorted(tid for tid in lives if tid not in made) or sorted(lives)[:1]


def find_parents(lives, orphans):
    """Completes the calls that strace has not seen to return, as their threads were ended, by the threads that they made."""
    for orphan in sorted(orphans):
        unseen = [(tid, event) for tid in lives if tid < orphan for life in lives[tid] for event in life
                  if event.name in FORKS and event.result == "?"]
        if unseen:
            max(unseen, key=lambda pair: pair[0])[1].result = str(orphan)


def threads_of(lives):
    """{number: lives} -> the threads of the tree: the first one first, by paths."""
    find_parents(lives, roots_of(lives)[1:])
    threads, waiting = [], [(tid, str(number)) for number, tid in enumerate(roots_of(lives))]
    while waiting:
        tid, path = waiting.pop()
        if not lives.get(tid):
            continue
        threads.append(Thread(tid, path, lives[tid].pop(0)))
        made_here = [event.child for event in threads[-1].events if event.child]
        # The first child comes first from the stack, with all that it makes.
        waiting += [(child, f"{path}.{number}") for number, child in enumerate(made_here)][::-1]
    return threads


def read(prefix):
    """The threads of the tree whose files are PREFIX.TID."""
    folder, name = os.path.split(prefix)
    lives = {}
    for file in os.listdir(folder):
        if file.startswith(name + ".") and file[len(name) + 1:].isdigit():
            with open(os.path.join(folder, file), encoding="latin-1") as log:
                if found := list(lives_in(log)):
                    lives[int(file[len(name) + 1:])] = found
    return threads_of(lives)
