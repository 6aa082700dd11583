"""What it takes to begin: the start of a program, a site's first call, and memory."""

import json, os, statistics, subprocess, time

import machine
from machine import built, environment, preloaded

STARTS = 40  # in a slice


def start(settings):
    """Microseconds from posix_spawn to the end of /bin/true, the median of a slice; we ourselves are not interposed."""
    times = []
    for _ in range(STARTS):
        before = time.monotonic()
        child = os.posix_spawn("/bin/true", ["true"], environment(settings))
        _, status = os.waitpid(child, 0)
        times.append((time.monotonic() - before) * 1e6)
        if status != 0:
            raise RuntimeError(f"/bin/true: status {status}")
    return statistics.median(times)


def output(program, settings):
    return subprocess.run([built(program)], env=environment(settings), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=120, check=True).stdout


def first_hit(settings):
    """Microseconds of a site's first call (bench/first_hit.c)."""
    return json.loads(output("first-hit", settings))["hit_1"]["median"] / 1e3


def memory(settings):
    """Kilobytes of a process, and bytes for a site and for a thread: resident, and of these written (bench/memory.c)."""
    before, found = (0, 0), {}
    for name, *numbers in map(str.split, output("memory", settings).splitlines()):
        resident, written, count = map(int, numbers)
        scale = 1 if name == "process" else 1024
        found[name] = {"resident": (resident - before[0]) * scale / count, "written": (written - before[1]) * scale / count}
        before = resident, written
    return found


class Starts:
    """All of it in all states, measured in rounds."""

    def __init__(self, arms):
        self.states = {"native": {}} | {arm: preloaded(USERTRAP_ARM=arm) for arm in arms}
        self.samples = {state: [] for state in self.states}
        self.broken = {}

    def round(self):
        for state, settings in self.states.items():
            if state in self.broken:
                continue
            try:
                self.samples[state].append({"start": start(settings), "hit": first_hit(settings), "memory": memory(settings)})
            except (RuntimeError, subprocess.SubprocessError, OSError, ValueError, KeyError) as why:
                self.broken[state] = str(why)

    def results(self):
        """Microseconds of a start more than natively, those of a first call, and memory more than natively."""
        found = {}
        native = self.samples["native"]
        for state, rounds in self.samples.items():
            if state in self.broken:
                found[state] = {"broken": self.broken[state]}
                continue
            more = {what: {kind: machine.spread([sample["memory"][what][kind] - other["memory"][what][kind]
                                                 for sample, other in zip(rounds, native)]) for kind in ("resident", "written")}
                    for what in ("process", "sites", "threads")}
            found[state] = {"start": machine.spread([sample["start"] for sample in rounds]),
                            "start_more": machine.spread([sample["start"] - other["start"] for sample, other in zip(rounds, native)]),
                            "hit": machine.spread([sample["hit"] for sample in rounds]), "memory_more": more}
        return found
