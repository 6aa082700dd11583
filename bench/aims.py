"""The aims, and what a file of results (bench/run) says of each: rows for the table, the plots and README.md."""

from dataclasses import dataclass

WAYS = {"libc-syscall": "libc `syscall()`", "inline": "inline site", "number-500": "number 500"}
ARMS = ["vetted", "sud", "seccomp"]


@dataclass
class Row:
    name: str
    cells: list  # each a median with quartiles, or None
    aim: float = 0  # 0: none
    least: bool = False  # the aim is the least, not the most
    judged: int = -1  # the cell that counts; -1: all
    instructions: int = 0
    bound: str = ""
    broken: str = ""

    def met(self):
        """None where there is no aim, or nothing was measured."""
        cells = [cell for cell in (self.cells if self.judged < 0 else [self.cells[self.judged]]) if cell]
        if not self.aim or not cells or self.broken:
            return None
        return all(cell["median"] >= self.aim if self.least else cell["median"] <= self.aim for cell in cells)


@dataclass
class Section:
    title: str
    columns: list
    rows: list


# name, the state of loops.py (ARM stands for each arm), the aim
CALLS = [
    ("answered by a hook in the library, all kept", "answer", 0.06),
    ("the same, upper halves of vectors in use", "answer upper", 0.06),
    ("answered by a C hook that uses AVX2", "answer c avx2", 0.25),
    ("the same, with upper halves in use", "answer c avx2 upper", 0.25),
    ("answered by a C hook of any code, without TLS", "answer c any, no tls", 0.25),
    ("the same, with the upper halves in use", "answer c any, no tls upper", 0.25),
    ("answered by a C hook of any code", "answer c any", 0.25),
    ("passed through an empty hook in the library", "pass ARM", {"vetted": 1.08, "sud": 1.35, "seccomp": 1.55}),
    ("passed through an empty C hook", "pass c ARM", {"vetted": 1.08, "sud": 1.35, "seccomp": 1.55}),
    ("a number outside of all interest", "outside ARM", {"vetted": 1.02, "sud": 1.33, "seccomp": 1.40}),
    ("counted by the stat tool", "stat ARM", {"vetted": 1.12}),
]
REFERENCES = [
    ("native", "native"),
    ("answered by a C hook without vectors", "answer c"),
    ("answered by a hook in the library, of any code", "answer any vectors"),
    ("answered by a hook in the library, no vectors kept", "answer no vectors"),
    ("`getpid` known (`USERTRAP_ANSWER=identity`)", "known"),
    ("the kernel alone: a filter of ten steps by address, as ours", "filter"),
    ("the kernel alone: a filter by number", "filter by number"),
    ("the kernel alone: Syscall User Dispatch", "dispatch"),
    ("nothing rewritten: every call takes our trap", "trap"),
    ("plain seccomp trap, a handler of one line", "filter trap"),
    ("plain Syscall User Dispatch, the same handler", "dispatch trap"),
    ("strace -f", "strace"),
]
SPEEDS = {"vetted": 0.98, "seccomp": 0.95}
ALONE = {"seccomp": "filter", "sud": "dispatch"}  # the state of an arm without us


def ways(state):
    return [state["ratio"][way] for way in WAYS] if "ratio" in state else [None] * len(WAYS)


def number(value):
    return f"{value:.2f}" if value >= 0.095 else f"{value:.3f}"


def amount(value):
    """Three digits, or all that stand before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def path_of(state):
    """What a path consists of, in words."""
    path = state.get("path")
    if not path:
        return ""
    parts = [f"{path[kind]} {what}" for kind, what in
             [("vector", "for vectors"), ("control", "for FS, mxcsr, xgetbv"), ("flags", "for flags"), ("jumps", "jumps")] if path[kind]]
    return f"{', '.join(parts)}; {path['code_lines']} cache lines of code" if parts else f"{path['code_lines']} cache lines of code"


def bound_of_call(loops, state, arm):
    """What remains of a path whatever we do: the kernel's share of it, and ours in instructions."""
    alone = loops.get(ALONE.get(arm, ""), {})
    kernel = f"kernel alone {' / '.join(number(cell['median']) for cell in ways(alone))}" if "ratio" in alone else ""
    return "; ".join(part for part in (kernel, path_of(state)) if part)


def calls(results):
    loops, rows = results["loops"], []
    for name, pattern, aim in CALLS:
        for arm in ARMS if "ARM" in pattern else [""]:
            state = loops.get(pattern.replace("ARM", arm))
            if state is None:
                continue
            rows.append(Row(f"{name}, {arm}" if arm else name, ways(state), aim.get(arm, 0) if arm else aim,
                            instructions=(state.get("path") or {}).get("instructions", 0),
                            bound=bound_of_call(loops, state, arm), broken=state.get("broken", "")))
    return Section("Calls: the ratio to native", list(WAYS.values()), rows)


def references(results):
    rows = [Row(name, ways(results["loops"][state]), instructions=(results["loops"][state].get("path") or {}).get("instructions", 0),
                broken=results["loops"][state].get("broken", ""))
            for name, state in REFERENCES if state in results["loops"]]
    return Section("For comparison, in the same run", list(WAYS.values()), rows)


def signals(results):
    titles = {"sent": "sent by `tgkill`", "int3": "`int3`", "ud2": "`ud2`", "jump-out": "`tgkill`, `siglongjmp` out"}
    rows = [Row(name, [results["signals"][state]["ratio"][kind] for kind in titles], aim)
            for name, state, aim in [("a signal to its handler and back", "outside seccomp", 1.5), ("the same, counted by the stat tool", "stat seccomp", 0)]
            if state in results["signals"]]
    return Section("Signals: the ratio to native", list(titles.values()), rows)


def tax(results, arm, state, unit):
    """The share of native speed that is left when a unit's calls cost what the kernel alone takes for them, and its traps."""
    alone, native = (results.get("loops", {}).get(name, {}).get("ns") for name in (ALONE.get(arm, ""), "native"))
    if not alone or not native:
        return None
    one = (alone["libc-syscall"]["median"] - native["libc-syscall"]["median"]) * 1e-9
    trap = results["loops"]["filter trap" if arm == "seccomp" else "dispatch trap"]["ns"]["inline"]["median"] * 1e-9
    return unit / (unit + state["calls"] * one + state["traps"] * trap)


def programs(results):
    rows = []
    for name, work in results["works"].items():
        judged = ["wall", "cpu"].index(work["judged"])
        for arm in ARMS:
            state = work["states"].get(arm)
            if state is None:
                continue
            if "broken" in state:
                rows.append(Row(f"{name}, {arm}", [None, None], SPEEDS.get(arm, 0), True, judged, broken=state["broken"]))
                continue
            bound = f"{amount(state['calls'])} calls, {amount(state['traps'])} by the trap, for {work['unit']}"
            left = tax(results, arm, state, work["states"]["native"][work["judged"]]["seconds"]["median"])
            bound += f"; the kernel alone leaves {left:.3f}" if left else ""
            rows.append(Row(f"{name}, {arm}", [state[what]["speed"] for what in ("wall", "cpu")], SPEEDS.get(arm, 0), True, judged, bound=bound))
    return Section("Programs with the stat tool: the share of native speed", ["throughput", "by CPU time"], rows)


def beginnings(results):
    rows = []
    for arm in ARMS:
        state = results["starts"].get(arm)
        if state is None:
            continue
        if "broken" in state:
            rows.append(Row(f"starts and memory, {arm}", [None], broken=state["broken"]))
            continue
        memory = state["memory_more"]
        kib = {kind: {part: value / (1 if kind == "process" else 1024) for part, value in memory[kind]["resident"].items()}
               for kind in ("process", "threads")}
        written = memory["process"]["written"]["median"]
        rows += [
            Row(f"a site's first call, {arm}: µs", [state["hit"]], 15),
            Row(f"start of `/bin/true` preloaded, {arm}: µs more", [state["start_more"]], 800),
            Row(f"memory of a process, {arm}: KiB resident more", [kib["process"]], 1024,
                bound=f"{written:.0f} of them are the process's own; the rest is the library's file, which all share"),
            Row(f"memory of a thread, {arm}: KiB resident more", [kib["threads"]], 96),
            Row(f"memory of a site, {arm}: bytes resident more", [memory["sites"]["resident"]], 64),
        ]
    return Section("Beginnings", ["measured"], rows)


def sections(results):
    parts = [("loops", calls), ("works", programs), ("starts", beginnings), ("signals", signals), ("loops", references)]
    return [make(results) for part, make in parts if part in results]
