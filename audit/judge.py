"""Compares the calls of a tree of processes under the library with those of its native runs."""
import itertools
from collections import Counter
from dataclasses import dataclass, field

import ours
from align import NUMBERED, Way, align, ended_by_others

# Errors that a call has or has not by chance, where threads meet.
PASSING = {"EAGAIN", "EINTR", "ERESTARTSYS", "ERESTARTNOHAND", "ERESTARTNOINTR", "ERESTART_RESTARTBLOCK", "ETIMEDOUT", "?"}


def loose_items(items):
    return [item for item in items if item.by == "app" and item.event.kind == "call" and item.key[2] not in PASSING
            and not ours.skippable(item.event)]


def loose_keys(items):
    return Counter(item.key for item in loose_items(items))


def counted(items):
    """What is counted where threads meet by chance: calls by name and error, and calls with all that is shown of them but
    the numbers of descriptors. Not what ours may make in an application's place, or in pieces."""
    counts = Counter()
    for item in loose_items(items):
        if item.event.name not in ours.OF_ENDS and not item.corrected:
            counts[item.key] += 1
            if item.key[2] != "?":
                counts["call", NUMBERED.sub("<", item.text)] += 1
    return counts


@dataclass
class Verdict:
    strict: int = 0  # threads
    loose: int = 0
    begun: int = 0  # threads that were compared strictly as far as they were traced
    unseen: int = 0  # threads among the loose ones that were not compared, as a run was cut
    calls: int = 0
    differences: dict = field(default_factory=dict)  # (what, which) -> how it differs
    why: str = ""  # how the native runs of the first loosely compared thread differ
    ours: Counter = field(default_factory=Counter)  # (place, name) -> how many

    def add(self, other):
        """Takes in another tree's verdict."""
        self.strict += other.strict
        self.loose += other.loose
        self.begun += other.begun
        self.unseen += other.unseen
        self.calls += other.calls
        self.differences = self.differences or other.differences
        self.why = self.why or other.why
        self.ours.update(other.ours)

    def keep_lasting(self, others):
        """Leaves out the differences that another run under the library has not: there they are of chance, as are those
        between native runs. What is not stated is not in any run."""
        self.differences = {key: text for key, text in self.differences.items()
                            if key[0] == "not stated" or all(key in other.differences for other in others)}

    @property
    def difference(self):
        return self.differences.get(("not stated", "")) or next(iter(self.differences.values()), "")

    @property
    def is_final(self):
        """Whether more runs say nothing else."""
        return not self.differences or any(what == "not stated" for what, _ in self.differences)

    @property
    def word(self):
        return ("different" if self.differences else "begins equal" if self.begun or self.unseen
                else "loosely equal" if self.loose else "equal")


def compare(natives, unders):
    """Natives and runs under the library -> the Verdict of the last one: of it, what is in all of them."""
    *before, verdict = [compare_one(natives, under) for under in unders]
    verdict.keep_lasting(before)
    for other in before:
        verdict.differences.update((key, text) for key, text in other.differences.items() if key[0] == "not stated")
    return verdict


def sides_of(natives, path):
    """The native items of a thread as far as all were traced, and whether one was not traced to its end."""
    sides = [tree.threads[path] for tree in natives]
    cut = any(path in tree.open for tree in natives)
    if cut:
        length = min(len(side) for side in sides) - 1
        sides = [side[:length] for side in sides]
    return sides, cut


def agree(sides):
    keys = [[item.key for item in side] for side in sides]
    return all(other == keys[0] for other in keys[1:])


def why_loose(path, sides):
    """Where the first native run and another one differ."""
    for other in sides[1:]:
        for number, pair in enumerate(itertools.zip_longest(sides[0], other)):
            if not all(pair) or pair[0].key != pair[1].key:
                return f"thread {path} natively {number}: " + " or ".join(str(one)[:100] for one in pair)
    return ""


def compare_one(natives, under):
    """Threads in which the native runs agree, call by call; a thread that is as in one of them also; the rest as sets."""
    verdict = Verdict()
    for items in under.threads.values():
        for item in items:
            item.made_for = False
    every = set.union(*(set(tree.threads) for tree in natives))
    sides = {path: sides_of(natives, path) for path in sorted(every) if all(path in tree.threads for tree in natives)}
    strict = {path for path in sides if agree(sides[path][0])}
    numbers = strict == every  # else the numbers of descriptors depend on how the threads meet
    held = frozenset(under.numbers)
    compared = set()
    for path, (items, cut) in sides.items():
        if path in strict:
            open_ended = cut or path in under.open
            if path in under.threads:
                found = align(items, under.threads[path], Way(open_ended, False, numbers, held))
            else:
                found = "" if under.cut else "not made under us"
            if found:
                verdict.differences["thread", path] = f"thread {path}, {found}"
            verdict.begun += open_ended
        elif cut or path not in under.threads or all(
                align([side], under.threads[path], Way(path in under.open, True, ours=held)) for side in items):
            verdict.why = verdict.why or why_loose(path, items)
            continue
        else:
            verdict.begun += path in under.open
        compared.add(path)
        verdict.strict += 1
        verdict.calls += len(items[0])
    compare_rest(verdict, natives, under, compared)
    compare_counts(verdict, natives, under, strict)
    for items in under.threads.values():
        verdict.ours.update((item.context, item.event.name) for item in items if item.by == "own" and not item.made_for)
    unstated = {pair: count for pair, count in verdict.ours.items() if pair[1] not in ours.OURS[pair[0]]}
    if unstated:
        verdict.differences["not stated", ""] = "calls of ours that are not stated: " + ", ".join(
            f"{place}: {name} ({count})" for (place, name), count in unstated.items())
    return verdict


def compare_rest(verdict, natives, under, compared):
    """The other threads: as sets of calls and errors, all together."""
    pools = [sum((loose_keys(tree.threads[path]) for path in set(tree.threads) - compared), Counter()) for tree in natives]
    rest = set(under.threads) - compared
    pooled = sum((loose_keys(under.threads[path]) for path in rest), Counter())
    every = {key for tree in natives for items in tree.threads.values() for key in loose_keys(items)}
    anywhere = {key for items in under.threads.values() for key in loose_keys(items)}
    always = set.intersection(*map(set, pools))
    verdict.loose = len(rest)
    if any(tree.cut for tree in [*natives, under]):
        verdict.unseen = verdict.loose
        return
    verdict.calls += sum(pooled.values())
    executed = {name for _, name, _ in pooled}
    for key in sorted(set(pooled) - every):
        verdict.differences["only under us", key] = "only under us: " + " ".join(key[1:])
    if any(ended_by_others(under.threads[path]) for path in rest):
        return
    for key in sorted(always - anywhere):
        # Which numbers are ours is not sought here. Of a refused exec our look may be all that there is.
        if not (key[1] in ours.OF_ENDS or key[2] == "EBADF" or key[1] in executed and key[2]):
            verdict.differences["only natively", key] = "only natively: " + " ".join(key[1:])


def compare_counts(verdict, natives, under, strict):
    """The threads in which the native runs differ, together: which of them does what is chance, but what has been done as
    often in each native run is done as often."""
    if any(tree.cut for tree in [*natives, under]) or all(set(tree.threads) <= strict for tree in natives):
        return
    pools = [[items for path, items in tree.threads.items() if path not in strict] for tree in [*natives, under]]
    if any(ended_by_others(items) for pool in pools for items in pool):
        return
    *before, found = [sum(map(counted, pool), Counter()) for pool in pools]
    # Where a reserved signal may wait the core lets it in.
    lets_in = any(ours.sends_reserved(item.event) for tree in natives for items in tree.threads.values() for item in items)
    for key in set.union(*map(set, before)):
        if lets_in and any("rt_sigprocmask" in part for part in key[1:2]):
            continue
        wanted = {counts[key] for counts in before}
        if len(wanted) == 1 and found[key] not in wanted:
            text = " ".join(key[1:])
            verdict.differences["count", key] = f"natively {wanted.pop()} times, under us {found[key]}: {text}"
