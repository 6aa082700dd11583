"""Compares the calls of a tree of processes under the library with those of its native runs."""
import re
from collections import Counter
from dataclasses import dataclass, field

import ours

LITERAL = re.compile(r'("(?:[^"\\]|\\.)*")')
NUMBER = re.compile(r"(?<![\w.])[1-9]\d*(?!\w)")
ADDRESS = re.compile(r"0x[0-9a-f]+")
TIMES = re.compile(r"((?:tv_[a-z]*sec|si_[us]time|si_overrun|it_value|st_[acm]time(?:_nsec)?|uptime|loads|freeram)=)[-\d]+")
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

    def __str__(self):
        return self.text


def without_reserved(found):
    """A signal set without the signals that are ours, which the kernel is told otherwise."""
    start, words = found.group().split("[")
    return f"{start}[{' '.join(word for word in words[:-1].split() if word not in ('ILL', 'SYS'))}]"


def normalise(text, names):
    def number(found):
        return names.get(int(found.group()), found.group()) if len(found.group()) < 8 else found.group()

    parts = LITERAL.split(text)
    for index, part in enumerate(parts):
        if index % 2 == 0:
            part = ADDRESS.sub(lambda found: found.group() if int(found.group(), 16) < 0x10000 else "ADDR", part)
            part = MASK.sub(without_reserved, part)
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
    failed = event.error or ("?" if event.result == "?" else "")
    text = f"{event.name}({normalise(event.args, names)}) = {normalise(event.result, names)}"
    if event.name in ours.NAME_ONLY or "PR_GET_NO_NEW_PRIVS" in event.args:
        text, failed = event.name, ""
    elif ours.TELLING.search(event.args) or ours.EXE_LINK.search(event.args):
        text = f"{event.name} of a telling file"
        failed = ""
    return Item(event, by, ("call", event.name, failed), text)


class Tree:
    """One run of a program: items by thread."""

    def __init__(self, threads, gate=None):
        names = {thread.tid: f"[{thread.path}]" for thread in threads}
        self.threads = {}
        for thread in threads:
            made = self.native(thread, names) if gate is None else self.under(thread, names, gate)
            self.threads[thread.path] = [item for item in made if not (
                item.by == "app" and (item.event.name in ours.OF_CHANCE or item.event.name in ours.SIGNALS_OF_CHANCE
                                      or item.key[1:] == ("SIGTRAP", "TRAP_TRACE")
                                      or item.text == "read of a telling file"))]

    @staticmethod
    def native(thread, names):
        events = thread.events
        if thread.path == "0":
            start = next((i for i, event in enumerate(events) if event.executed), -1)
            events = events[start + 1:]
        for before, event in zip([None, *events], events):
            if event.name == "SIGSEGV" and (before is None or before.executed):
                event.args = ours.KILLED_IMAGE
        return [item_of(event, "app", names) for event in events]

    @staticmethod
    def under(thread, names, gate):
        items, handler, before_first, fresh = [], "", "child", False
        events = thread.events
        if thread.path == "0":
            start = next((i for i, event in enumerate(events) if event.executed and gate.own(event.ip)), len(events))
            events, before_first, fresh = events[start + 1:], "start", True
        held = None  # a signal that is put off to the end of a hook
        for position, event in enumerate(events):
            outside = not gate.holds(event.ip)
            if event.trapped and outside:
                continue
            if event.kind == "signal":
                by_filter = re.search(r"SYS_SECCOMP.*si_call_addr=(0x[0-9a-f]+)", event.args)
                if by_filter and not gate.holds(int(by_filter.group(1), 16)):
                    handler = "trap"
                    continue
                handler = "signal" if is_handled(events, position, gate) else ""
                if event.name == "SIGSYS" and held and "SI_USER" in event.args:
                    event, held = held, None
                if fresh and event.name == "SIGSEGV":
                    event.args = ours.KILLED_IMAGE
                items.append(item_of(event, "app", names))
            elif event.kind == "call" and gate.own(event.ip):
                context = handler or before_first or "served"
                item = item_of(event, "own", names)
                item.context = context
                if event.result == "?":
                    continue  # strace does not know the last call of a thread that others ended
                if gate.returns(event.ip):
                    handler = ""
                    continue
                if handler == "signal" and event.name in ("rt_tgsigqueueinfo", "rt_sigqueueinfo"):
                    held = put_off(items, event) or held
                items.append(item)
                if event.executed:
                    before_first, fresh = "start", True
            else:
                if before_first == "start" and event.name == "rt_sigprocmask" and not outside:
                    before_first = ""  # the loader's last call
                    continue
                before_first, fresh = "", False
                items.append(item_of(event, "app", names))
        name_contexts(items)
        return items


def is_handled(events, position, gate):
    """Whether our handler runs at this signal: then its return comes before any call of the application."""
    for event in events[position + 1:]:
        if event.kind == "call" and not event.trapped:
            if gate.returns(event.ip):
                return True
            if not gate.own(event.ip) or event.name not in ours.OURS["signal"]:
                return False
    return True


def put_off(items, event):
    """A signal that our handler has queued again: it is seen where it comes then. Returns it if SIGSYS stands for it."""
    last = next((i for i in reversed(range(len(items))) if items[i].event.kind == "signal"), None)
    if last is None:
        return None
    name = re.search(r"SIG\w+", event.args)
    if not name or name.group() not in (items[last].event.name, "SIGSYS"):
        return None
    taken = items.pop(last)
    return taken.event if name.group() == "SIGSYS" and taken.event.name != "SIGSYS" else None


def name_contexts(items):
    """Calls of ours between two of the application's: which one they are for."""
    def around(i, step):
        i += step
        while 0 <= i < len(items) and items[i].by == "own" and items[i].context == "served":
            if items[i].event.name == "execveat":
                return "execveat"
            i += step
        return items[i].event.name if 0 <= i < len(items) else ""

    for i, item in enumerate(items):
        if item.by != "own" or item.context != "served":
            continue
        before, after = around(i, -1), around(i, 1)
        if item.event.name == "execveat" or "execveat" in (before, after):
            item.context = "exec"
        elif {before, after} & {"clone", "clone3", "fork", "vfork"}:
            item.context = "clone"
        elif after in ("exit", "exit_group"):
            item.context = "exit"


def same(wanted, found, masked):
    return wanted.key == found.key and (masked or wanted.text == found.text)


def for_it(wanted, found, masked):
    """Whether a call of ours is the application's, made for it."""
    if wanted.event.executed:
        return found.event.executed
    return wanted.event.name == found.event.name and same(wanted, found, masked)


def ended_by_others(items):
    """Whether a thread was ended at an instant of chance: by SIGKILL, by another's exit_group or exec."""
    calls = [item for item in items if item.by == "app" and item.event.kind == "call"]
    return not calls or calls[-1].event.name not in ("exit", "exit_group") and not (
        items[-1].event.args.startswith("killed by") and items[-1].event.args != "killed by SIGKILL")


def align(natives, under):
    """The first difference of one thread, or None. `natives` agree by their keys."""
    at = 0
    if cut := ended_by_others(natives[0]) and ended_by_others(under):
        natives = [[item for item in native if item.event.kind == "call"][:-1] for native in natives]
        under = [item for item in under if item.event.kind == "call"]
        last = max((i for i, item in enumerate(under) if item.by == "app"), default=0)
        under = under[:last]
    for position, wanted in enumerate(natives[0]):
        masked = any(other[position].text != wanted.text for other in natives[1:])
        app = next((i for i in range(at, len(under)) if under[i].by == "app"), len(under))
        if app < len(under) and same(wanted, under[app], masked):
            at = app + 1
            continue
        own = next((i for i in range(at, app) if for_it(wanted, under[i], masked)), None)
        if own is not None:
            under[own].context = "for it"
            at = own + 1
        elif not ours.skippable(wanted.event):
            if cut and app == len(under):
                return None
            found = under[app] if app < len(under) else "nothing more"
            return f"call {position}: natively {wanted}\n    under us {found}"
        elif app < len(under) and under[app].key[:2] == wanted.key[:2] and wanted.event.name in ours.ANSWERED:
            at = app + 1  # it went to the kernel all the same
    for item in under[at:]:
        if item.by == "app" and not cut:
            return f"call {len(natives[0])}: natively nothing more\n    under us {item}"
    return None


# Errors that a call has or has not by chance, where threads meet.
PASSING = {"EAGAIN", "EINTR", "ERESTARTSYS", "ERESTARTNOHAND", "ERESTARTNOINTR", "ERESTART_RESTARTBLOCK", "ETIMEDOUT", "?"}


def loose_keys(items):
    keys = Counter()
    for item in items:
        if (item.by == "app" and item.event.kind == "call" and item.key[2] not in PASSING
                and not ours.skippable(item.event)):
            keys[item.key] += 1
    return keys


@dataclass
class Verdict:
    strict: int = 0  # threads
    loose: int = 0
    calls: int = 0
    difference: str = ""
    ours: Counter = field(default_factory=Counter)  # (place, name) -> how many

    def add(self, other):
        """Takes in another tree's verdict."""
        self.strict += other.strict
        self.loose += other.loose
        self.calls += other.calls
        self.difference = self.difference or other.difference
        self.ours.update(other.ours)

    @property
    def word(self):
        return "different" if self.difference else "loosely equal" if self.loose else "equal"


def compare(natives, under):
    """Natives and the run under the library -> Verdict. Threads in which the native runs differ are compared as sets."""
    verdict = Verdict()
    paths = set(natives[0].threads)
    pool = [Counter() for _ in natives]
    pooled = Counter()
    common = {path for path in paths if all(path in tree.threads for tree in natives)}
    compared = set()
    for path in sorted(common):
        sides = [tree.threads[path] for tree in natives]
        keys = [[item.key for item in side if item.event.name not in ours.ANSWERED] for side in sides]
        full = [[item.key for item in side] for side in sides]
        if all(other == keys[0] for other in keys[1:]) and all(other == full[0] for other in full[1:]):
            compared.add(path)
            verdict.strict += 1
            verdict.calls += len(sides[0])
            if path not in under.threads:
                verdict.difference = verdict.difference or f"thread {path}: not made under us"
                continue
            if (found := align(sides, under.threads[path])) and not verdict.difference:
                verdict.difference = f"thread {path}, {found}"
    for which, tree in enumerate(natives):
        for path in set(tree.threads) - compared:
            pool[which] += loose_keys(tree.threads[path])
    rest = set(under.threads) - compared
    verdict.loose = len(rest)
    for path in rest:
        pooled += loose_keys(under.threads[path])
    every = Counter()
    for one in pool:
        every |= one
    always = set(pool[0])
    for one in pool[1:]:
        always &= set(one)
    extra = sorted(key for key in pooled if key not in every)
    executed = {name for _, name, _ in pooled}
    lacking = sorted(key for key in always if key not in pooled and not (
        key[1] in ours.OF_ENDS or key[2] == "EBADF" or key[1] in executed and key[2]))
    verdict.calls += sum(pooled.values())
    if extra and not verdict.difference:
        verdict.difference = "only under us: " + ", ".join(f"{n} {e}".strip() for _, n, e in extra[:8])
    cut = any(ended_by_others(under.threads[path]) for path in rest)
    if lacking and not cut and not verdict.difference:
        verdict.difference = "only natively: " + ", ".join(f"{n} {e}".strip() for _, n, e in lacking[:8])
    for items in under.threads.values():
        verdict.ours.update((item.context, item.event.name) for item in items
                            if item.by == "own" and item.context != "for it")
    unstated = {pair: count for pair, count in verdict.ours.items() if pair[1] not in ours.OURS[pair[0]]}
    if unstated and not verdict.difference:
        verdict.difference = "calls of ours that are not stated: " + ", ".join(
            f"{place}: {name} ({count})" for (place, name), count in unstated.items())
    return verdict
