"""Plots of a file of results as SVG, by hand: rows of marks on an axis, readable in light and in dark."""

import html, math

import aims

WIDTH, LEFT, RIGHT, ROW, TOP, FOOT = 960, 380, 30, 24, 76, 56
STYLE = """
  svg { --ink: #1f2328; --dim: #59636e; --line: #d1d9e0; --ground: #ffffff; --a: #0969da; --b: #bc4c00; --c: #1a7f37; --aim: #8250df }
  @media (prefers-color-scheme: dark) {
    svg { --ink: #f0f6fc; --dim: #9198a1; --line: #3d444d; --ground: #0d1117; --a: #58a6ff; --b: #f0883e; --c: #3fb950; --aim: #bc8cff }
  }
  text { font: 13px system-ui, sans-serif; fill: var(--ink) }
  .title { font-size: 16px; font-weight: 600 } .dim { fill: var(--dim) } .end { text-anchor: end } .middle { text-anchor: middle }
  .line { stroke: var(--line) } .aim { stroke: var(--aim); stroke-width: 3 }
  .m0 { fill: var(--a); stroke: var(--a) } .m1 { fill: var(--b); stroke: var(--b) } .m2 { fill: var(--c); stroke: var(--c) }
"""
SHAPES = ["circle", "square", "triangle"]


class Axis:
    def __init__(self, low, high, ticks, logarithmic):
        self.low, self.high, self.ticks, self.map = low, high, ticks, math.log if logarithmic else float

    def x(self, value):
        low, high = self.map(self.low), self.map(self.high)
        share = (self.map(min(max(value, self.low), self.high)) - low) / (high - low)
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)


def mark(kind, x, y, title):
    shape = {
        "circle": f'<circle cx="{x}" cy="{y}" r="4.5"',
        "square": f'<rect x="{x - 4}" y="{y - 4}" width="8" height="8"',
        "triangle": f'<path d="M{x - 5} {y + 4}h10l-5 -9z"',
    }[SHAPES[kind]]
    return f'{shape} class="m{kind}"><title>{html.escape(title)}</title></{shape[1:].split()[0]}>'


def plot(title, note, legend, rows, axis):
    """Rows: a label, a list of cells (median and quartiles, or None) for the entries of the legend, and the aim or 0."""
    height = TOP + ROW * len(rows) + FOOT
    bottom = height - FOOT
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{html.escape(title)}">',
           f"<style>{STYLE}</style>", f'<rect width="{WIDTH}" height="{height}" rx="6" style="fill: var(--ground)"/>',
           f'<text x="16" y="28" class="title">{html.escape(title)}</text>']
    x = 20
    for kind, name in enumerate(legend):
        out += [mark(kind, x, 50, name), f'<text x="{x + 10}" y="54" class="dim">{html.escape(name)}</text>']
        x += 36 + 7 * len(name)
    out += [f'<path d="M{x} 43v14" class="aim"/>', f'<text x="{x + 10}" y="54" class="dim">aim</text>']
    for tick in axis.ticks:
        out += [f'<path d="M{axis.x(tick)} {TOP - 6}V{bottom}" class="line"/>',
                f'<text x="{axis.x(tick)}" y="{bottom + 18}" class="dim middle">{tick:g}</text>']
    for index, (label, cells, aim) in enumerate(rows):
        y = TOP + ROW * index + ROW // 2
        out.append(f'<text x="{LEFT - 14}" y="{y + 4}" class="end">{html.escape(label)}</text>')
        if aim:
            out.append(f'<path d="M{axis.x(aim)} {y - 9}v18" class="aim"/>')
        for kind, cell in enumerate(cells):
            if cell:
                out.append(f'<path d="M{axis.x(cell["low"])} {y}H{axis.x(cell["high"])}" class="m{kind}" stroke-width="1.5"/>')
                out.append(mark(kind, axis.x(cell["median"]), y, f"{legend[kind]}: {cell['median']:.3f} ({cell['low']:.3f}–{cell['high']:.3f})"))
    out += [f'<text x="16" y="{height - 14}" class="dim">{html.escape(note)}</text>', "</svg>"]
    return "\n".join(out) + "\n"


def note(results, what):
    about = results["machine"]
    return f"{what} {about['cpu']}, {about['cores']} cores, Linux {about['kernel']}, {results['rounds']} rounds; medians and quartiles."


def clean(text):
    return text.replace("`", "")


def of_calls(results):
    rows = [(clean(row.name), row.cells, row.aim) for section in (aims.calls(results), aims.references(results))
            for row in section.rows if not row.broken and row.name != "native"]
    return plot("What a call costs, as a ratio to native", note(results, "Logarithmic; less is better."), [clean(way) for way in aims.WAYS.values()],
                rows, Axis(0.02, 1000, [0.02, 0.1, 0.5, 1, 2, 5, 20, 100, 1000], True))


def of_programs(results):
    rows = []
    for name, work in results["works"].items():
        cells = [work["states"].get(arm, {}).get(work["judged"], {}).get("speed") for arm in ("seccomp", "sud", "vetted")]
        rows.append((name + (" (by CPU time)" if work["judged"] == "cpu" else ""), cells, aims.SPEEDS["seccomp"]))
    arms = [arm for arm in ("seccomp", "sud", "vetted") if arm in results["arms"]]
    lowest = min([cell["low"] for _, cells, _ in rows for cell in cells if cell], default=0.5)
    low = min(0.8, math.floor(lowest * 10) / 10)
    return plot("Programs with the stat tool, as a share of native speed", note(results, "More is better; the aim is seccomp's."), arms,
                [(label, cells[:len(arms)], aim) for label, cells, aim in rows],
                Axis(low, 1.1, [round(low + 0.1 * step, 1) for step in range(round((1.1 - low) * 10) + 1)], False))


def all_of(results):
    """Names of files and what is in them."""
    if "loops" in results:
        yield "calls.svg", of_calls(results)
    if "works" in results:
        yield "programs.svg", of_programs(results)
