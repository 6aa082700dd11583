"""One run's threads as items, with what is of chance or of our handlers' inside left out."""
import dataclasses, re

import ours, strace_log
from items import TREE_FILE, Item, item_of

INTERRUPTED = re.compile("ERESTART|EINTR")


class Tree:
    """One run of a program: items by thread. Those in `open` were not traced to their ends, as the run was `cut`."""

    def __init__(self, threads, gate=None, cut=False):
        self.cut = cut
        threads = [thread for thread in threads if not cut or thread.path.startswith("0")]  # else its birth is cut off
        names = {thread.tid: f"[{thread.path}]" for thread in threads}
        self.threads = {}
        self.numbers = set()  # of descriptors that are ours
        self.open = {thread.path for thread in threads if not thread.ended}
        self.made = {}
        for thread in threads:
            made = self.native(thread, names) if gate is None else self.under(thread, names, gate)
            made = [item for item in without_empty_handlers(made) if item.by == "own" or not is_of_chance(item)]
            made = with_restarts(made, lambda event: self.item_of(event, "app", names))
            self.threads[thread.path] = without_polling(without_restarted(made))

    def native(self, thread, names):
        events = thread.events
        if thread.path == "0":
            start = next((i for i, event in enumerate(events) if event.executed), -1)
            events = events[start + 1:]
        for before, event in zip([None, *events], events):
            if event.name == "SIGSEGV" and (before.executed if before else thread.path == "0"):
                event.args = ours.KILLED_IMAGE
        for event in events:
            if (event.name, event.result) == ours.UNREADABLE_SELECTOR:
                event.kind, event.name, event.args, event.result = "signal", "SIGSEGV", ours.KILLED_IMAGE, ""
        return [self.item_of(event, "app", names) for event in events if not event.trapped]

    def item_of(self, event, by, names):
        """An item, normalised only once for all that look alike."""
        alike = (event.kind, event.name, event.args, event.result, by)
        if alike not in self.made:
            self.made[alike] = item_of(event, by, names)
        like = self.made[alike]
        return Item(event, by, like.key, like.text)

    def under(self, thread, names, gate):
        items, handlers, before_first, fresh, tree_file = [], [], "child", False, None
        events = thread.events
        if thread.path == "0":
            start = next((i for i, event in enumerate(events) if event.executed and gate.own(event.ip)), len(events))
            events, before_first, fresh = events[start + 1:], "start", True
        inner = handled_within(events, gate)
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
                    handlers = ["trap"]
                    continue
                handled = is_handled(events, position, gate, handlers, inner)
                if handled and is_of_gs(events, position, gate):
                    handlers = ["trap"]
                    continue
                if handled:
                    handlers.append("signal")
                if event.name == "SIGSYS" and held and re.search("SI_USER|SI_KERNEL", event.args):
                    event, held = held, None
                if fresh and event.name == "SIGSEGV":
                    event.args = ours.KILLED_IMAGE
                items.append(self.item_of(event, "app", names))
            elif event.kind == "call" and (gate.own(event.ip) or event.executed and event.name == "execveat"):
                self.numbers.update(ours.numbers_in(event))
                item = self.item_of(event, "own", names)
                item.context = (handlers or [before_first or "served"])[-1]
                if event.result == "?":
                    continue  # strace does not know the last call of a thread that others ended
                if gate.returns(event.ip):
                    handlers = handlers[:-1]
                    continue
                if item.context == "signal" and event.name in ("rt_tgsigqueueinfo", "rt_sigqueueinfo"):
                    held = put_off(items, event) or held
                if item.context == "served":
                    for name in ours.LOOKED_FOR.get(event.name, ()):
                        leave_out_first(items, name)
                items.append(item)
                if event.executed:
                    handlers, before_first, fresh = [], "start", True
            else:
                handlers = []
                if before_first == "start" and event.name == "rt_sigprocmask" and not outside:
                    before_first = ""  # the loader's last call
                    continue
                before_first, fresh = "", False
                if gate.again(event.ip):
                    leave_out_first(items, event.name)
                items.append(self.item_of(event, "app", names))
                items[-1].corrected = tree_file is not None and tree_file in event.args
        name_contexts(items)
        return items


def is_of_chance(item):
    return (item.event.name in ours.OF_CHANCE or ours.is_draw(item.event) or item.event.name in ours.SIGNALS_OF_CHANCE
            or item.key[1:] == ("SIGTRAP", "TRAP_TRACE") or item.text == "read of a telling file")


def is_of_gs(events, position, gate):
    """Whether it is the fault of our entry's, by which it notices that the application has changed GS without a call.
    One that was sent comes behind a call."""
    event, before = events[position], events[position - 1] if position else None
    return (event.name == "SIGSEGV" and gate.near(event.ip) and strace_log.FAULT.search(event.args) is not None
            and (before is None or before.ip != event.ip))


# Of a thread that a filter kills. In strict mode it is SIGKILL natively; only a tracer sees that.
DEATHS = ("end", "killed by SIGKILL"), ("end", "killed by SIGSYS")


def without_empty_handlers(items):
    """A thread's items without what a handler of SIGCHLD does that finds no child: only its return, or that and looks. When
    a child's end is told is chance, and so is whether it was found before."""
    left_out, since = set(), None  # since: the indices that go if the handler returns
    for index, item in enumerate(items):
        if item.by != "app":
            continue
        if item.event.name == "SIGCHLD":
            since = []
        elif since is not None:
            since.append(index)
            if item.event.name == "rt_sigreturn":
                left_out.update(since)
                since = None
            elif not ours.finds_no_child(item.event):
                since = None
    return [item for index, item in enumerate(items) if index not in left_out]


def with_restarts(items, item_of):
    """A thread's items with one for each call that the kernel has made in two, by `restart_syscall`, as a signal that is
    not compared came in between."""
    kept, begun = [], None  # begun: where the last call is in `kept`
    for item in items:
        if item.by == "app" and item.event.kind == "call":
            if item.event.name == "restart_syscall" and begun is not None and "RESTARTBLOCK" in kept[begun].key[2]:
                event = kept.pop(begun).event
                item = item_of(dataclasses.replace(item.event, name=event.name, args=event.args))
            begun = len(kept)
        kept.append(item)
    return kept


def without_restarted(items):
    """A thread's items without calls that were made again at once: by signals that are not compared."""
    kept, after = [], None
    for item in reversed(items):
        if item.by == "app":
            if item.key[-1] == "?" and after and after.key in DEATHS:
                continue  # in strict mode some are shown and some are not
            if item.key in DEATHS:
                item.key, item.text = DEATHS[0], DEATHS[0][1]
            again = after is not None and after.key[:2] == item.key[:2] and item.event.kind == "call"
            if again and item.key[2].startswith("ERESTART"):
                continue
            after = item
        kept.append(item)
    return kept[::-1]


# The longest round of a loop that looks and sleeps, in calls.
ROUND = 12


def looked(item):
    """What makes one round of a loop like another one: all but what is read."""
    return item.key if item.event.name in ("read", "pread64") else (item.key, item.text)


def without_polling(items):
    """A thread's items without short sleeps, and with but one round of each loop that looks for something and sleeps:
    how often it does is chance."""
    kept, since, left_out = [], [], set()  # indices: of what is kept up to the last sleep, and of what comes since

    def end_of_round():
        keys = [looked(items[index]) for index in since]
        before = [looked(items[index]) for index in kept[-ROUND:]]
        again = next((n for n in range(min(len(before), len(keys)), 0, -1) if before[-n:] == keys[:n]), 0)
        left_out.update(since[:again])
        kept.extend(since[again:])
        since.clear()

    for index, item in enumerate(items):
        if item.by != "app":
            continue
        if ours.is_short_sleep(item.event):
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


def is_handled(events, position, gate, within, inner):
    """Whether our handler runs at this signal: then its return comes before any call of the application. Within our
    handler it does nothing but to queue it again. `inner`: the positions of later signals that it runs at within it."""
    queued, to_return = not within, 1
    for at in range(position + 1, len(events)):
        event = events[at]
        if event.kind == "signal":
            to_return += at in inner
        elif event.kind == "call" and not event.trapped:
            if gate.returns(event.ip):
                to_return -= 1
                if not to_return:
                    return queued
            elif not gate.own(event.ip) or event.name not in ours.OURS["signal"]:
                return False
            elif to_return == 1:
                queued = queued or event.name == "rt_tgsigqueueinfo"
    return queued


def handled_within(events, gate):
    """The positions of the signals that our handler runs at if they come within it."""
    found = set()
    for position in reversed(range(len(events))):
        if events[position].kind == "signal" and is_handled(events, position, gate, True, found):
            found.add(position)
    return found


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


def leave_out_first(items, name):
    """Of a call that is made once more, or looked for in its place, as a reserved signal has interrupted it unnoticed."""
    last = next((i for i in reversed(range(len(items)))
                 if items[i].by == "app" and items[i].event.name not in ours.SIGNALS_OF_CHANCE), None)
    if last is not None and items[last].event.name == name and INTERRUPTED.match(items[last].event.error or ""):
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
