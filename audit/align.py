"""One thread's calls under the library, beside those of its native runs."""
import re
from dataclasses import dataclass

import ours
from items import normalise

PATH = re.compile(r"(?<=\d)<[^>]*>(?:\(deleted\))?")  # of a descriptor
NUMBERED = re.compile(r"\b\d+<")
WORD = re.compile(r'"(?:[^"\\]|\\.)*"|\[[\d.]+\]|\w+|\W')

# How many calls of ours one of the application's is sought among.
NEAR = 2000


def words_of(item, change):
    """What is shown of a call, word by word, before and behind its last `=`: with the numbers of threads named by their
    places, and with all numbers as they are, as one that looks like a thread's may be another one."""
    texts = item.text, normalise(f"({item.event.args}) = {item.event.result}", {})
    named, plain = ([WORD.findall(change(part)) for part in text.rpartition(" = ")[::2]] for text in texts)
    named[0] = named[0][-len(plain[0]):]  # without the call's name
    return list(zip(named, plain))


def fits(wanted, found, change):
    """Whether an item has all that those of the native runs have in common, where these have as many words."""
    for here, *natives in zip(words_of(found, change), *(words_of(item, change) for item in wanted)):
        if len({tuple(map(len, native)) for native in natives}) > 1:
            continue  # lists of chance
        if any(len(ours) != len(theirs) for ours, theirs in zip(here, natives[0])):
            return False
        in_names, in_plain = ([set(column) for column in zip(*(native[form] for native in natives))] for form in (0, 1))
        for name, number, names, numbers in zip(*here, in_names, in_plain):
            if name not in names and number not in numbers and (len(names) == 1 or len(numbers) == 1):
                return False
    return True


def same(wanted, found, numbers=True):
    """Whether what is found is the same call, signal or end as `wanted`: one item of each native run."""
    if wanted[0].key != found.key:
        return False
    if found.corrected or any(one.text == found.text for one in wanted):
        return True
    # Without the files of descriptors, as the kernel has one of ours at some.
    return (fits(wanted, found, lambda text: text) or fits(wanted, found, lambda text: PATH.sub("", text))
            or not numbers and fits(wanted, found, lambda text: NUMBERED.sub("<", text)))


def looks_alike(wanted, found):
    """Whether a look of ours at a signalfd has found what the application's call has: in the same descriptors, and as much.
    What is read and what sets of events say is put together from what waits for the application and the kernel."""
    first, result = ([part(item) for item in (wanted, found)] for part in (
        lambda item: item.text.split("(", 1)[1].split(",")[0], lambda item: item.event.result.split(" (")[0]))
    return first[0] == first[1] and result[0] == result[1]


def for_it(every, found, way):
    """Whether a call of ours is the application's, made for it."""
    wanted = every[0]
    if wanted.event.executed:
        return found.event.executed
    if ours.LOOKS.get(wanted.event.name) == found.event.name and found.context == "served":
        return looks_alike(wanted, found)
    if ours.sends_reserved(wanted.event) and ours.sends_reserved(found.event):
        return wanted.key[2] == found.key[2]
    if wanted.event.name != found.event.name:
        return False
    if ours.may_let_in(wanted.event) and found.context == "served":
        return found.event.args.startswith("SIG_SETMASK")
    if ours.EXE_LINK.search(wanted.event.args):
        return True
    return way.same(every, found)


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


def went_on(items, position, found):
    """Whether a call that the core may have answered went to the kernel all the same, perhaps with another number."""
    wanted = items[position]
    if found.key[:2] != wanted.key[:2]:
        return False
    if wanted.event.name in (*ours.ANSWERED, "close_range"):
        return True
    return wanted.event.error == "EBADF" and wanted.key == found.key and not any(
        same([after], found) for after in items[position + 1:position + 9])


@dataclass(frozen=True)
class Way:
    """How to compare. Open-ended: either side may end before the other; loosely: arguments are not compared."""
    open_ended: bool = False
    loosely: bool = False
    numbers: bool = True  # of descriptors: whether they are compared
    ours: frozenset = frozenset()  # those that are ours

    def same(self, wanted, found):
        return wanted[0].key == found.key if self.loosely else same(wanted, found, self.numbers)


def align(natives, under, way):
    """The first difference of one thread, or None. `natives` agree by their keys."""
    at = app = 0
    if cut := ended_by_others(natives[0]) and ended_by_others(under):
        natives = [[item for item in native if item.event.kind == "call"][:-1] for native in natives]
        under = [item for item in under if item.event.kind == "call"]
        last = max((i for i, item in enumerate(under) if item.by == "app"), default=0)
        under = under[:last]

    def next_of_app(at):
        while at < len(under) and under[at].by != "app":
            at += 1
        return at

    for position, every in enumerate(zip(*natives)):
        wanted, app = every[0], next_of_app(max(app, at))
        if app < len(under) and way.same(every, under[app]):
            at = app + 1
            continue
        if app < len(under) and under[app].event.name == "close_range" and position and (
                natives[0][position - 1].event.name == "close_range"):
            app = next_of_app(app + 1)  # made in pieces
            if app < len(under) and way.same(every, under[app]):
                at = app + 1
                continue
        own = next((i for i in range(at, min(app, at + NEAR)) if for_it(every, under[i], way)), None)
        if own is not None:
            under[own].made_for = True
            at = own + 1
        elif not ours.skippable(wanted.event, way.ours) and not is_without_frame(natives[0], position):
            if (cut or way.open_ended) and app == len(under):
                return None
            found = under[app] if app < len(under) else "nothing more"
            return f"call {position}: natively {wanted}\n    under us {found}"
        elif app < len(under) and went_on(natives[0], position, under[app]):
            at = app + 1
    for item in under[at:]:
        if item.by == "app" and not cut and not way.open_ended:
            return f"call {len(natives[0])}: natively nothing more\n    under us {item}"
    return None
