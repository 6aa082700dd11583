"""getpid loops natively and in each state, the instructions of each path, and deliveries of signals.

In every round each state gets a short slice, a process of its own (bench/getpid.c); its ratio is to the native slice of
the same round. What a slice says of itself (was its site rewritten, what did the calls return, how many filters are
armed) is checked, so a state is what its name says.
"""

import os, subprocess
from dataclasses import dataclass, field

import machine
from machine import built, environment, preloaded

SITES = ["libc-syscall", "inline", "number-500", "libc-getpid"]
SIGNALS = ["sent", "int3", "ud2", "jump-out"]
ANSWER = 4242  # what the hooks answer


@dataclass
class State:
    name: str
    calls: int  # in one slice, at each site
    settings: dict = field(default_factory=dict)
    prefix: tuple = ()
    rewritten: bool = True
    answered: bool = False
    filters: int = 0  # at least; none where it is 0
    signals: bool = False  # deliveries are measured, too
    upper: bool = False  # upper halves of vector registers are in use

    def sees_path(self):
        """The whole path can be stepped through."""
        return not self.prefix and (self.rewritten or not self.settings)


def example(name):
    """A hook library in C (examples/c)."""
    return os.path.join(machine.TOP, "build/examples", name + ".so")


def linked(name, **settings):
    """A core with a hook in it (examples)."""
    return preloaded(os.path.join(machine.RELEASE, f"examples/lib{name}.so"), **settings)


def by_arm(arm):
    """The states that there are for each arm."""
    filters = 1 if arm == "seccomp" else 0
    stat = preloaded(USERTRAP_ARM=arm, USERTRAP_TOOL="stat", USERTRAP_OUT="/dev/null")
    return [
        State(f"outside {arm}", 200_000, preloaded(USERTRAP_ARM=arm), filters=filters, signals=arm == "seccomp"),
        State(f"pass {arm}", 200_000, linked("hook_pass", USERTRAP_ARM=arm), filters=filters),
        State(f"pass c {arm}", 200_000, preloaded(USERTRAP_ARM=arm, USERTRAP_HOOK=example("empty")), filters=filters),
        State(f"stat {arm}", 200_000, stat, filters=filters, signals=arm == "seccomp"),
    ]


def answered(name, settings, upper=False):
    return State(name, 1_000_000, settings | {"USERTRAP_ARM": "seccomp"}, answered=True, filters=1, upper=upper)


def bare(name, calls, how, filters):
    """An arm without the library (bench/arms.c)."""
    return State(name, calls, {"LD_PRELOAD": built("arms.so"), "BENCH_ARM": how}, rewritten=False, filters=filters)


def states(arms):
    chosen = [State("native", 200_000, rewritten=False, signals=True)]
    for arm in arms:
        chosen += by_arm(arm)
    chosen += [
        # Legacy SSE code leaves all vector state alone but xmm0-15, which are kept: so all of it is.
        answered("answer", linked("hook_answer_sse")),
        answered("answer upper", linked("hook_answer_sse"), upper=True),
        answered("answer any vectors", linked("hook_answer")),
        answered("answer no vectors", linked("hook_answer_scalar")),
        answered("answer c", preloaded(USERTRAP_HOOK=built("answer.so"))),
        answered("answer c avx2", preloaded(USERTRAP_HOOK=built("answer_vectors.so"))),
        answered("answer c avx2 upper", preloaded(USERTRAP_HOOK=built("answer_vectors.so")), upper=True),
        answered("answer c any, no tls", preloaded(USERTRAP_HOOK=built("answer_no_tls.so"))),
        answered("answer c any, no tls upper", preloaded(USERTRAP_HOOK=built("answer_no_tls.so")), upper=True),
        answered("answer c any", preloaded(USERTRAP_HOOK=built("answer_pointer.so"))),
        State("known", 500_000, preloaded(USERTRAP_ARM="seccomp", USERTRAP_ANSWER="identity"), filters=1),
        bare("filter", 200_000, "filter", 1),
        bare("filter by number", 200_000, "number", 1),
        bare("dispatch", 200_000, "dispatch", 0),
        bare("filter trap", 10_000, "filter-trap", 1),
        bare("dispatch trap", 10_000, "dispatch-trap", 0),
        State("trap", 10_000, preloaded(USERTRAP_ARM="seccomp", USERTRAP_REWRITE="off"), rewritten=False, filters=1),
    ]
    if machine.is_here("strace"):
        chosen.append(State("strace", 1_000, prefix=("strace", "-f", "-o", "/dev/null"), rewritten=False))
    return chosen


def run(state, program, *arguments):
    done = subprocess.run([*state.prefix, built(program), *map(str, arguments)], env=environment(state.settings),
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    if done.returncode != 0 or done.stderr:
        raise RuntimeError(f"status {done.returncode}: {done.stderr.strip()}")
    return [line.split() for line in done.stdout.splitlines()]


def slice_of(state):
    """One process: nanoseconds per call by site."""
    lines = {name: (float(value), int(result)) for name, value, result in run(state, "getpid", state.calls, *["upper"] * state.upper)}
    if bool(lines["rewritten"][0]) != state.rewritten:
        raise RuntimeError(f"the inline site is {'' if lines['rewritten'][0] else 'not '}rewritten")
    if (lines["filters"][0] >= 1) != (state.filters >= 1):
        raise RuntimeError(f"{lines['filters'][0]} seccomp filters are armed")
    for site in SITES:
        if (lines[site][1] == ANSWER) != state.answered:
            raise RuntimeError(f"{site} returned {lines[site][1]}")
    return {site: lines[site][0] for site in SITES}


def signals(state):
    """One process: nanoseconds per delivery by kind of signal (bench/signals.c)."""
    lines = run(state, "signals", 10_000)
    if any(int(handled) != 10_000 for _, _, handled in lines):
        raise RuntimeError(f"not every signal was handled: {lines}")
    return {name: float(value) for name, value, _ in lines}


def path(state):
    """What the path at the inline site consists of, by name."""
    if not state.sees_path():
        return None
    settings = [f"{name}={value}" for name, value in state.settings.items()]
    return {name: int(count) for name, count in run(State("", 0), "path-length", "--kinds", "--least", *["--upper"] * state.upper, *settings)}


class Loops:
    """All states, measured in rounds."""

    def __init__(self, arms):
        self.states = states(arms)
        self.samples = {state.name: [] for state in self.states}
        self.delivered = {state.name: [] for state in self.states if state.signals}
        self.broken = {}

    def round(self):
        for state in self.states:
            if state.name in self.broken:
                continue
            try:
                self.samples[state.name].append(slice_of(state))
                if state.signals:
                    self.delivered[state.name].append(signals(state))
            except (RuntimeError, subprocess.TimeoutExpired, OSError, KeyError, ValueError) as why:
                self.broken[state.name] = str(why)

    def results(self):
        """By state and site: nanoseconds, and the ratio to the native slice of the same round."""
        found = {}
        for state in self.states:
            if state.name in self.broken:
                found[state.name] = {"broken": self.broken[state.name]}
                continue
            found[state.name] = compared(self.samples[state.name], self.samples["native"], SITES)
            try:
                found[state.name]["path"] = path(state)
            except RuntimeError as why:
                found[state.name]["broken"] = str(why)
        return found

    def deliveries(self):
        return {name: compared(rounds, self.delivered["native"], SIGNALS)
                for name, rounds in self.delivered.items() if name not in self.broken}


def compared(rounds, native, kinds):
    return {
        "ns": {kind: machine.spread([sample[kind] for sample in rounds]) for kind in kinds},
        "ratio": {kind: machine.spread([sample[kind] / other[kind] for sample, other in zip(rounds, native)]) for kind in kinds},
    }
