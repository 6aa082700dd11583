"""Compares the calls of a tree of processes under the library with those of its native runs."""
import itertools, re
from collections import Counter
from dataclasses import dataclass, field

import ours, strace_log

LITERAL = re.compile(r'("(?:[^"\\]|\\.)*")')
# A filter of the application's gets a beginning of ours, and its strict mode is one.
FILTER = re.compile(r"\{len=\d+, filter=\w+\}")
STRICT = re.compile(r"MODE_STRICT(, 0)?(?:, NULL)?")
# What the new thread may have changed before strace looks.
PARENT_TID = re.compile(r" => \{parent_tid=[^}]*\}|parent_tid=\[[^]]*\], ")
PATH = re.compile(r"(?<=\d)<[^>]*>(?:\(deleted\))?")  # of a descriptor
OUR_FILE = re.compile(r"</memfd:usertrap>(?:\(deleted\))?")
TREE_FILE = re.compile(r"</memfd:usertrap>.*\{(st_mode=S_IFREG\|0777, st_size=\d+)")
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
    failed = event.error or ("?" if event.result == "?" else "")
    text = f"{event.name}({normalise(event.args, names)}) = {normalise(event.result, names)}"
    if event.name in ours.NAME_ONLY or "PR_GET_NO_NEW_PRIVS" in event.args:
        text, failed = event.name, ""
    elif ours.TELLING.search(event.args) or ours.EXE_LINK.search(event.args):
        text = f"{event.name} of a telling file"
        failed = ""
    return Item(event, by, ("call", event.name, failed), text)


class Tree:
    """One run of a program: items by thread. Those in `open` were not traced to their ends, as the run was `cut`."""

    def __init__(self, threads, gate=None, cut=False):
        self.cut = cut
        names = {thread.tid: f"[{thread.path}]" for thread in threads}
        self.threads = {}
        self.open = {thread.path for thread in threads if not thread.ended}
        self.made = {}
        for thread in threads:
            made = self.native(thread, names) if gate is None else self.under(thread, names, gate)
            self.threads[thread.path] = without_polling(without_restarted([item for item in made if not (
                item.by == "app" and (item.event.name in ours.OF_CHANCE or item.event.name in ours.SIGNALS_OF_CHANCE
                                      or item.key[1:] == ("SIGTRAP", "TRAP_TRACE")
                                      or item.text == "read of a telling file"))]))

    def native(self, thread, names):
        events = thread.events
        if thread.path == "0":
            start = next((i for i, event in enumerate(events) if event.executed), -1)
            events = events[start + 1:]
        for before, event in zip([None, *events], events):
            if event.name == "SIGSEGV" and (before.executed if before else thread.path == "0"):
                event.args = ours.KILLED_IMAGE
        return [self.item_of(event, "app", names) for event in events if not event.trapped]

    def item_of(self, event, by, names):
        """An item, normalised only once for all that look alike."""
        alike = (event.kind, event.name, event.args, event.result, by)
        if alike not in self.made:
            self.made[alike] = item_of(event, by, names)
        like = self.made[alike]
        return Item(event, by, like.key, like.text)

    def under(self, thread, names, gate):
        items, handler, before_first, fresh, tree_file = [], "", "child", False, None
        events = thread.events
        if thread.path == "0":
            start = next((i for i, event in enumerate(events) if event.executed and gate.own(event.ip)), len(events))
            events, before_first, fresh = events[start + 1:], "start", True
        held = None  # a signal that is put off to the end of a hook
        for position, event in enumerate(events):
            outside = not gate.holds(event.ip)
            if shown := TREE_FILE.search(event.args):
                tree_file = shown.group(1)
            if event.trapped or ours.is_aside(event, gate.label(event.ip)):
                continue
            if event.kind == "signal":
                by_filter = re.search(r"SYS_SECCOMP.*si_call_addr=(0x[0-9a-f]+)", event.args)
                if by_filter and not gate.holds(int(by_filter.group(1), 16)):
                    handler = "trap"
                    continue
                if (event.name == "SIGSEGV" and gate.near(event.ip) and strace_log.FAULT.search(event.args)
                        and is_handled(events, position, gate)):
                    handler = "trap"  # the application has changed GS without a call
                    continue
                handler = "signal" if is_handled(events, position, gate) else ""
                if event.name == "SIGSYS" and held and "SI_USER" in event.args:
                    event, held = held, None
                if fresh and event.name == "SIGSEGV":
                    event.args = ours.KILLED_IMAGE
                items.append(self.item_of(event, "app", names))
            elif event.kind == "call" and (gate.own(event.ip) or event.executed and event.name == "execveat"):
                context = handler or before_first or "served"
                item = self.item_of(event, "own", names)
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
                if gate.again(event.ip):
                    leave_out_first(items, event)
                items.append(self.item_of(event, "app", names))
                items[-1].corrected = tree_file is not None and tree_file in event.args
        name_contexts(items)
        return items


# Of a thread that a filter kills. In strict mode it is SIGKILL natively; only a tracer sees that.
DEATHS = ("end", "killed by SIGKILL"), ("end", "killed by SIGSYS")


def without_restarted(items):
    """A thread's items without calls that were made again at once: by signals that are not compared."""
    kept, after = [], None
    for item in reversed(items):
        if item.by == "app":
            if item.key[-1] == "?" and after and after.key in DEATHS:
                after.key, after.text = DEATHS[0], str(DEATHS[0])
                continue  # in strict mode some are shown and some are not
            again = after is not None and after.key[:2] == item.key[:2] and item.event.kind == "call"
            if again and item.key[2].startswith("ERESTART"):
                continue
            after = item
        kept.append(item)
    return kept[::-1]


# The longest round of a loop that looks and sleeps, in calls.
ROUND = 12


def without_polling(items):
    """A thread's items without short sleeps, and with but one round of each loop that looks for something and sleeps:
    how often it does is chance."""
    kept, since, left_out = [], [], set()  # indices: of what is kept up to the last sleep, and of what comes since

    def end_of_round():
        keys = [items[index].key for index in since]
        before = [items[index].key for index in kept[-ROUND:]]
        again = next((n for n in range(min(len(before), len(keys)), 0, -1) if before[-n:] == keys[:n]), 0)
        left_out.update(since[:again])
        kept.extend(since[again:])
        since.clear()

    for index, item in enumerate(items):
        if item.by != "app":
            continue
        if item.event.name in ours.SLEEPS and "tv_sec=0," in item.event.args:
            if kept or left_out:
                end_of_round()
            else:
                kept, since = since, []
            left_out.add(index)
        else:
            since.append(index)
    if left_out:
        end_of_round()
    return [item for index, item in enumerate(items) if index not in left_out]


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


def leave_out_first(items, event):
    """Of a call that is made once more, as a reserved signal has interrupted it unnoticed."""
    last = next((i for i in reversed(range(len(items))) if items[i].by == "app"), None)
    if last is not None and items[last].event.name == event.name:
        del items[last]


def neighbours(items):
    """For each item the name of the next one that is not a call of ours, or execveat if that comes first."""
    found, near = [], ""
    for item in items:
        found.append(near)
        if item.by == "app" or item.context != "served" or item.event.name == "execveat":
            near = item.event.name
    return found


def name_contexts(items):
    """Calls of ours between two of the application's: which one they are for."""
    for item, before, after in zip(items, neighbours(items), neighbours(items[::-1])[::-1]):
        if item.by != "own" or item.context != "served":
            continue
        places = []
        if "execveat" in (item.event.name, before, after):
            places.append("exec")
        if {before, after} & {"clone", "clone3", "fork", "vfork"}:
            places.append("clone")
        if after in ("exit", "exit_group"):
            places.append("exit")
        places.append("served")
        item.context = next((place for place in places if item.event.name in ours.OURS[place]), places[0])


# How many calls of ours one of the application's is sought among.
NEAR = 2000


def plain(event):
    """What is called, with numbers as they are, as one that looks like a thread's may be another one, and without the
    files of descriptors, as the kernel has one of ours at some."""
    return PATH.sub("", normalise(f"{event.args} = {event.result}", {}))


def same(wanted, found, masked):
    return wanted.key == found.key and (masked or found.corrected or wanted.text == found.text
                                        or plain(wanted.event) == plain(found.event))


def for_it(wanted, found, masked):
    """Whether a call of ours is the application's, made for it."""
    if wanted.event.executed:
        return found.event.executed
    if ours.sends_reserved(wanted.event) and ours.sends_reserved(found.event):
        return wanted.key[2] == found.key[2]
    if wanted.event.name != found.event.name:
        return False
    if ours.EXE_LINK.search(wanted.event.args):
        return True
    return same(wanted, found, masked)


def ended_by_others(items):
    """Whether a thread was ended at an instant of chance: by SIGKILL, by another's exit_group, exec or fault."""
    mine = [item for item in items if item.by == "app"]
    calls = [item for item in mine if item.event.kind == "call"]
    if not calls:
        return True
    if calls[-1].event.name in ("exit", "exit_group"):
        return False
    *_, before, end = [None, None, *mine]
    by = end.event.args.removeprefix("killed by ") if end.event.kind == "end" else ""
    own = end.key[1] != end.event.args or before is not None and before.event.name == by
    return end.event.args != f"killed by {by}" or not own


def is_without_frame(items, position):
    """Whether the core does in the kernel's place what comes here: SIGSEGV for a signal's frame that cannot be written
    or read."""
    wanted, after = items[position], items[position + 1] if position + 1 < len(items) else None
    no_frame = ("signal", "SIGSEGV", "SI_KERNEL")
    return wanted.key == no_frame or after is not None and (
        wanted.event.name == "rt_sigreturn" and after.key == no_frame)


def align(natives, under, open_ended=False, loosely=False):
    """The first difference of one thread, or None. `natives` agree by their keys. In an open-ended comparison
    either side may end before the other, in a loose one arguments are not compared."""
    at = app = 0
    if cut := ended_by_others(natives[0]) and ended_by_others(under):
        natives = [[item for item in native if item.event.kind == "call"][:-1] for native in natives]
        under = [item for item in under if item.event.kind == "call"]
        last = max((i for i, item in enumerate(under) if item.by == "app"), default=0)
        under = under[:last]
    for position, wanted in enumerate(natives[0]):
        masked = loosely or any(other[position].text != wanted.text for other in natives[1:])
        app = max(app, at)
        while app < len(under) and under[app].by != "app":
            app += 1
        if app < len(under) and same(wanted, under[app], masked):
            at = app + 1
            continue
        if app < len(under) and under[app].event.name == "close_range" and position and (
                natives[0][position - 1].event.name == "close_range"):
            app += 1  # made in pieces
            while app < len(under) and under[app].by != "app":
                app += 1
            if app < len(under) and same(wanted, under[app], masked):
                at = app + 1
                continue
        own = next((i for i in range(at, min(app, at + NEAR)) if for_it(wanted, under[i], masked)), None)
        if own is not None:
            under[own].context = "for it"
            at = own + 1
        elif not ours.skippable(wanted.event) and not is_without_frame(natives[0], position):
            if (cut or open_ended) and app == len(under):
                return None
            found = under[app] if app < len(under) else "nothing more"
            return f"call {position}: natively {wanted}\n    under us {found}"
        elif app < len(under) and under[app].key[:2] == wanted.key[:2] and (
                wanted.event.name in (*ours.ANSWERED, "close_range") or wanted.key == under[app].key and
                wanted.event.error == "EBADF"):
            at = app + 1  # it went to the kernel all the same, perhaps with another number
    for item in under[at:]:
        if item.by == "app" and not cut and not open_ended:
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
    begun: int = 0  # threads that were compared strictly as far as they were traced
    calls: int = 0
    difference: str = ""
    why: str = ""  # how the native runs of the first loosely compared thread differ
    ours: Counter = field(default_factory=Counter)  # (place, name) -> how many

    def add(self, other):
        """Takes in another tree's verdict."""
        self.strict += other.strict
        self.loose += other.loose
        self.begun += other.begun
        self.calls += other.calls
        self.difference = self.difference or other.difference
        self.why = self.why or other.why
        self.ours.update(other.ours)

    @property
    def word(self):
        return ("different" if self.difference else "loosely equal" if self.loose
                else "begins equal" if self.begun else "equal")


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
        keys = [[item.key for item in side] for side in sides]
        cut = any(path in tree.open for tree in natives)
        if cut:
            length = min(len(side) for side in sides) - 1
            sides, keys = ([one[:length] for one in all_of] for all_of in (sides, keys))
        if all(other == keys[0] for other in keys[1:]):
            compared.add(path)
            open_ended = cut or path in under.open
            verdict.strict += 1
            verdict.begun += open_ended
            verdict.calls += len(sides[0])
            if path not in under.threads:
                if not under.cut:
                    verdict.difference = verdict.difference or f"thread {path}: not made under us"
                continue
            if (found := align(sides, under.threads[path], open_ended)) and not verdict.difference:
                verdict.difference = f"thread {path}, {found}"
            continue
        if not cut and path in under.threads and any(
                not align([side], under.threads[path], path in under.open, True) for side in sides):
            compared.add(path)  # it is as in one of the native runs
            verdict.strict += 1
            verdict.begun += path in under.open
            verdict.calls += len(sides[0])
        elif not verdict.why:
            pairs = itertools.zip_longest(*sides[:2])
            number, pair = next(((i, pair) for i, pair in enumerate(pairs) if not all(pair) or pair[0].key != pair[1].key),
                                (0, ""))
            verdict.why = f"thread {path} natively {number}: " + " or ".join(str(one)[:100] for one in pair)
    for which, tree in enumerate(natives):
        for path in set(tree.threads) - compared:
            pool[which] += loose_keys(tree.threads[path])
    rest = set(under.threads) - compared
    verdict.loose = len(rest)
    for path in rest:
        pooled += loose_keys(under.threads[path])
    every = {key for tree in natives for items in tree.threads.values() for key in loose_keys(items)}
    anywhere = {key for items in under.threads.values() for key in loose_keys(items)}
    always = set(pool[0])
    for one in pool[1:]:
        always &= set(one)
    cut = any(tree.cut for tree in [*natives, under])
    extra = [] if cut else sorted(key for key in pooled if key not in every)
    executed = {name for _, name, _ in pooled}
    lacking = sorted(key for key in always if key not in anywhere and not (
        key[1] in ours.OF_ENDS or key[2] == "EBADF" or key[1] in executed and key[2]))
    verdict.calls += sum(pooled.values())
    if extra and not verdict.difference:
        verdict.difference = "only under us: " + ", ".join(f"{n} {e}".strip() for _, n, e in extra[:8])
    cut = cut or any(ended_by_others(under.threads[path]) for path in rest)
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
