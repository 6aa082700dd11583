"""Events as they are compared: numbers, addresses and times normalised, and what is ours in a call taken away."""
import dataclasses, re
from dataclasses import dataclass

import ours

LITERAL = re.compile(r'("(?:[^"\\]|\\.)*")')
# A filter of the application's gets a beginning of ours, and its strict mode is one.
FILTER = re.compile(r"\{len=\d+, filter=\w+\}")
STRICT = re.compile(r"MODE_STRICT(, 0)?(?:, NULL)?")
# The core asks with a selector that cannot be read whether the rest is right: then it is a bad address, else another error.
DISPATCH = re.compile(r"(prctl\(PR_SET_SYSCALL_USER_DISPATCH, (?!PR_SYS_DISPATCH_OFF).*), (?:NULL|0x[0-9a-f]+|ADDR)\) = (.*)")
# What the new thread may have changed before strace looks.
PARENT_TID = re.compile(r" => \{parent_tid=[^}]*\}|parent_tid=\[[^]]*\], ")
OUR_FILE = re.compile(r"</memfd:usertrap>(?:\(deleted\))?")
TREE_FILE = re.compile(r"</memfd:usertrap>.*\{(st_mode=S_IFREG\|0777, st_size=\d+)")
NUMBER = re.compile(r"(?<![\w.])[1-9]\d*(?!\w)")
ADDRESS = re.compile(r"0x[0-9a-f]+")
TIMES = re.compile(r"((?:tv_[a-z]*sec|si_[us]time|si_overrun|it_value|st_[acm]time(?:_nsec)?|uptime|loads|freeram|sharedram|bufferram|procs|freehigh|f_b?free|f_bavail|f_ffree)=)(?:[-\d]+|\[[^\]]*\])")
INODE = re.compile(r"<(pipe|socket|UNIX|TCP|UDP|NETLINK|PID|net|mnt|user|pid|ipc|uts|cgroup)[^>]*>")
MASK = re.compile(r"~?\[[A-Z0-9_ ]*\]")


@dataclass
class Item:
    """An event as it is compared."""
    event: object
    by: str  # app, own
    key: tuple
    text: str
    context: str = ""
    made_for: bool = False  # a call of ours, in the place of the application's
    corrected: bool = False  # it has met an exe link, and the core puts the program's file into its answer

    def __str__(self):
        return self.text


def without_reserved(found):
    """A signal set without the signals that are ours, which the kernel is told otherwise."""
    start, words = found.group().split("[")
    return f"{start}[{' '.join(word for word in words[:-1].split() if word not in ('ILL', 'SYS'))}]"


def normalise(text, names):
    def number(found):
        return names.get(int(found.group()), found.group()) if len(found.group()) < 8 else found.group()

    parts = LITERAL.split(OUR_FILE.sub("", text))
    for index, part in enumerate(parts):
        if index % 2 == 0:
            part = ADDRESS.sub(lambda found: found.group() if int(found.group(), 16) < 0x10000 else "ADDR", part)
            part = MASK.sub(without_reserved, part)
            part = PARENT_TID.sub("", FILTER.sub("FILTER", STRICT.sub(r"MODE_FILTER\1, FILTER", part)))
            part = INODE.sub(lambda found: f"<{found.group(1)}>", TIMES.sub(r"\1T", part))
        else:
            part = part.replace("image:interposed", "image:native")  # of tests that look where they are
        parts[index] = re.sub(r"(?<![\\\d])\d+", number, part) if index % 2 else NUMBER.sub(number, part)
    return "".join(parts)


def item_of(event, by, names):
    if event.kind == "end":
        return Item(event, by, ("end", event.args), event.args)
    if event.kind == "signal":
        code = re.search(r"si_code=(\w+)", event.args)
        text = normalise(event.args, names)
        return Item(event, by, ("signal", event.name, code and code.group(1)), f"{event.name} {text}")
    if event.name == "rt_sigreturn":  # what it returns is what a register holds
        return Item(event, by, ("call", event.name, ""), f"rt_sigreturn({normalise(event.args, names)})")
    if event.name == "restart_syscall":  # which call it resumes is what the tracer remembers
        event = dataclasses.replace(event, args="")
    failed = event.error or ("?" if event.result == "?" else "")
    text = f"{event.name}({normalise(event.args, names)}) = {normalise(event.result, names)}"
    if of_dispatch := DISPATCH.match(text):
        if failed in ("", "EFAULT"):
            text, failed = of_dispatch.group(1), ""
        else:
            text = " = ".join(of_dispatch.groups())
    elif event.name in ours.NAME_ONLY or ours.TELLS.search(text):
        text, failed = event.name, ""
    elif ours.TELLING.search(event.args) or ours.EXE_LINK.search(event.args):
        text = f"{event.name} of a telling file"
        failed = ""
    return Item(event, by, ("call", event.name, failed), text)
