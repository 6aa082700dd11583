"use strict";
const { report, meta } = JSON.parse(document.getElementById("data").textContent);
const $ = id => document.getElementById(id);
const COLOURS = ["files", "memory", "network", "processes", "signals", "waiting", "other"];

// Elements and text: nothing of the report is ever taken for markup.
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}
function draw(name, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

// Numbers with units.
const whole = number => Math.round(number).toLocaleString("en").replaceAll(",", "\u202f");
const plural = (number, one, many = one + "s") => `${whole(number)} ${number === 1 ? one : many}`;
function percent(part, all) {
  if (!all) return "0 %";
  const value = 100 * part / all;
  return value > 0 && value < 0.1 ? "< 0.1 %" : `${value.toFixed(value < 10 || value > 99 && value < 100 ? 1 : 0)} %`;
}
function time(ns) {
  if (ns === undefined || ns === null) return "–";
  for (const [unit, size] of [["h", 3.6e12], ["min", 6e10], ["s", 1e9], ["ms", 1e6], ["µs", 1e3]]) {
    if (ns >= size) return `${round(ns / size)} ${unit}`;
  }
  return ns ? `${Math.round(ns)} ns` : "0";
}
const round = value => value >= 100 ? Math.round(value) : Number(value.toPrecision(3));
const many = value => value >= 1e6 ? `${round(value / 1e6)} M` : value >= 1e4 ? `${round(value / 1e3)} k` : value >= 1e3 ? whole(value) : `${round(value)}`;
// About so many steps of a size that people like, up to `most`.
function ticks(most, about) {
  const raw = most / about, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map(one => one * power).find(one => one >= raw) ?? raw;
  const all = [];
  for (let at = 0; at <= most * 1.0001; at += step) all.push(at);
  return all;
}

const name = call => call.name ?? "(other numbers)";
const processes = (report.processes ?? []).map((process, index) => ({ ...process, index }));
const others = report.others ?? { processes: 0 };
const cells = report.timeline?.cells ?? [];
const lastCell = cells.length ? cells.at(-1)[1] : 0;
const ends = process => process.ended_ns ?? (process.end === "running" ? report.timeline?.duration_ns : undefined) ??
  process.activity?.at(-1)?.[1] ?? process.began_ns;
const firstStart = Math.min(...processes.map(process => process.began_ns ?? 0), cells[0]?.[0] ?? Infinity);
const origin = Number.isFinite(firstStart) ? firstStart : 0;
const end = Math.max(lastCell && Math.min(lastCell, report.timeline?.duration_ns || lastCell), ...processes.map(process => ends(process) ?? 0), origin + 1);
const span = end - origin;

// What is to be read first.
function summary() {
  const all = report.total.calls, count = processes.length + others.processes;
  $("what").textContent = meta.command;
  document.title = `System calls of ${meta.command}`;
  $("made").textContent = `Recorded ${new Date(meta.made * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC by usertrap ${meta.version}`;
  const sum = key => report.calls.reduce((most, call) => (call[key] ?? 0) > (most?.[key] ?? 0) ? call : most, undefined);
  const often = sum("calls"), long = sum("time_ns");
  const text = [`In ${time(span)} ${plural(count, "process", "processes")} with ${plural(report.threads, "thread")} made ${plural(all, "system call")}`];
  text.push(report.total.errors ? `, of which ${whole(report.total.errors)} (${percent(report.total.errors, all)}) failed. ` : ", and none failed. ");
  if (often) text.push(`The most frequent one was ${name(often)} (${percent(often.calls, all)})`);
  if (long) text.push(`; the most time, ${time(long.time_ns)} summed over all threads, was spent in ${name(long)}`);
  if (often) text.push(". ");
  text.push(`${percent(report.fast, all)} of the calls came by rewritten code and cost no trap.`);
  $("summary").textContent = text.join("");
  const figures = [
    ["Calls", many(all), `${many(all / (span / 1e9))} a second`],
    ["Errors", many(report.total.errors), percent(report.total.errors, all)],
    ["Time in calls", time(report.total.time_ns), "over all threads, with waiting"],
    ["Processes", whole(count), plural(report.threads, "thread")],
    ["Duration", time(span), "first start to last end"],
    ["Without a trap", percent(report.fast, all), `${whole(report.trapped)} by the trap`],
  ];
  for (const [what, value, more] of figures)
    $("figures").append(make("div", {}, make("dt", {}, what), make("dd", {}, value, make("small", {}, more))));
}

function tip(event, text) {
  const box = $("tip");
  box.hidden = !text;
  if (!text) return;
  box.textContent = text;
  const { width, height } = box.getBoundingClientRect();
  box.style.left = `${Math.max(4, Math.min(event.clientX + 14, innerWidth - width - 8))}px`;
  box.style.top = `${Math.max(4, event.clientY - height - 12)}px`;
}

// Calls over time: cells of the report in steps of one width, that of the widest.
function timeline() {
  const failed = report.total.errors > 0;
  const W = 1060, left = 58, right = 10, top = 18, tall = 186, gap = 22, low = failed ? 44 : 0;
  const floor = top + tall, H = floor + (failed ? gap + low : 0) + 26;
  const host = $("timeline");
  if (!cells.length) { host.textContent = "No times were recorded."; return; }
  const width = Math.max(span / 128, ...cells.map(cell => Math.min(cell[1], end) - Math.min(cell[0], end)));
  const steps = Math.max(1, Math.ceil(span / width * 0.9999));
  const names = report.timeline.series, kinds = names.filter(one => one !== "errors");
  const bins = Array.from({ length: steps }, () => names.map(() => 0));
  for (const [from, to, ...counts] of cells) {
    // A cell goes where most of it lies.
    const step = Math.min(steps - 1, Math.max(0, Math.floor(((from + Math.min(to, end)) / 2 - origin) / width)));
    counts.forEach((count, series) => bins[step][series] += count);
  }
  const hidden = new Set();
  const failures = names.indexOf("errors");
  let chosen = -1, svg;
  const x = step => left + (W - left - right) * step / steps;
  function redraw() {
    const shown = kinds.filter(kind => !hidden.has(kind));
    const height = bin => shown.reduce((sum, kind) => sum + bin[names.indexOf(kind)], 0);
    const most = Math.max(1, ...bins.map(height)), worst = Math.max(1, ...bins.map(bin => bin[failures]));
    const perSecond = 1e9 / width, wide = Math.max(0.5, (W - left - right) / steps - (steps > 40 ? 0.6 : 2));
    const y = value => floor - tall * value / most;
    svg = draw("svg", { viewBox: `0 0 ${W} ${H}`, tabindex: 0, role: "img",
      "aria-label": `Calls per second over ${time(span)}, by kind; at most ${many(most * perSecond)} a second` });
    for (const value of ticks(most * perSecond, 4)) {
      const at = y(value / perSecond);
      svg.append(draw("line", { class: "grid", x1: left, x2: W - right, y1: at, y2: at }),
        draw("text", { x: left - 8, y: at + 4, "text-anchor": "end" }, many(value)));
    }
    svg.append(draw("text", { x: 0, y: 11 }, "calls/s"));
    for (const at of ticks(span, 8)) {
      const place = left + (W - left - right) * at / (steps * width);
      if (place > W - right - 12) continue;
      svg.append(draw("text", { x: place, y: H - 8, "text-anchor": at ? "middle" : "start" }, at ? time(at) : "0"));
    }
    bins.forEach((bin, step) => {
      let at = floor;
      for (const kind of shown) {
        const count = bin[names.indexOf(kind)];
        if (!count) continue;
        const part = tall * count / most;
        at -= part;
        svg.append(draw("rect", { x: x(step), y: at, width: wide, height: part, fill: `var(--${COLOURS.includes(kind) ? kind : "other"})`, class: "bin" }));
      }
      // Failed calls below, on a scale of their own.
      const part = low * bin[failures] / worst;
      if (part) svg.append(draw("rect", { x: x(step), y: floor + gap + low - part, width: wide, height: part, fill: "var(--errors)", class: "bin" }));
    });
    const base = failed ? floor + gap + low : floor;
    svg.append(draw("line", { class: "axis", x1: left, x2: W - right, y1: floor, y2: floor }));
    if (failed) svg.append(draw("line", { class: "axis", x1: left, x2: W - right, y1: base, y2: base }), draw("text", { x: 0, y: floor + gap - 2 }, "errors/s"),
      draw("text", { x: left - 8, y: floor + gap + 14, "text-anchor": "end" }, many(worst * perSecond)));
    const mark = draw("line", { class: "mark", y1: top, y2: base, x1: -9, x2: -9 });
    svg.append(mark);
    const tell = step => `${time(step * width)} to ${time((step + 1) * width)}: ${plural(bins[step].reduce((sum, count, series) => series === failures ? sum : sum + count, 0), "call")}`;
    const parts = step => names.map((kind, series) => [kind, bins[step][series]]).filter(([, count]) => count).map(([kind, count]) => `${kind} ${whole(count)}`);
    const choose = step => {
      chosen = Math.max(0, Math.min(steps - 1, step));
      const at = (x(chosen) + x(chosen + 1)) / 2;
      mark.setAttribute("x1", at); mark.setAttribute("x2", at);
      $("moment").textContent = [tell(chosen), ...parts(chosen)].join(" · ");
    };
    const stepAt = event => {
      const box = svg.getBoundingClientRect();
      return Math.max(0, Math.min(steps - 1, Math.floor(((event.clientX - box.left) / box.width * W - left) / (W - left - right) * steps)));
    };
    svg.addEventListener("keydown", event => {
      const move = { ArrowLeft: chosen - 1, ArrowRight: chosen + 1, Home: 0, End: steps - 1 }[event.key];
      if (move === undefined) return;
      event.preventDefault();
      choose(move);
    });
    svg.addEventListener("pointermove", event => tip(event, [tell(stepAt(event)), ...parts(stepAt(event))].join("\n")));
    svg.addEventListener("pointerleave", event => tip(event, ""));
    svg.addEventListener("click", event => choose(stepAt(event)));
    host.replaceChildren(svg);
    const heights = bins.map(height);
    choose(chosen >= 0 ? chosen : heights.indexOf(Math.max(...heights)));
  }
  kinds.forEach(kind => {
    const sum = cells.reduce((all, cell) => all + cell[2 + names.indexOf(kind)], 0);
    if (!sum) return;
    const button = make("button", { type: "button", "aria-pressed": "true" },
      make("i", { style: `--c: var(--${COLOURS.includes(kind) ? kind : "other"})` }),
      kind, make("span", { class: "quiet" }, many(sum)));
    button.addEventListener("click", () => {
      hidden.has(kind) ? hidden.delete(kind) : hidden.add(kind);
      button.setAttribute("aria-pressed", String(!hidden.has(kind)));
      redraw();
    });
    $("kinds").append(button);
  });
  redraw();
}

const ENDS = { killed: "killed", running: "still running", native: "went on without us" };
const ending = process => process.end === "exit" ? `exit ${process.status}` : ENDS[process.end] ?? process.end;

// Processes, and their threads, from start to end.
function lanes() {
  const box = $("lanes");
  const share = at => 1000 * (at - origin) / span;
  const rate = ([from, to, calls]) => calls / Math.max(1, to - from);
  const rates = processes.flatMap(process => (process.activity ?? []).map(rate)).sort((one, two) => one - two);
  const most = rates[Math.floor(rates.length * 0.95)] || 1;
  const timed = processes.some(process => process.began_ns !== undefined);
  if (!timed) { box.textContent = "No times were recorded."; return; }
  const depth = new Map();
  for (const process of [...processes].sort((one, two) => one.began_ns - two.began_ns)) depth.set(process.pid, (depth.get(process.parent) ?? -1) + 1);
  const hasThreads = processes.some(process => process.lanes?.length);
  $("with-threads").hidden = !hasThreads;
  $("threads").checked = hasThreads && processes.length < 20;

  // The same columns as the lanes, whatever the window's width.
  const scale = make("div");
  for (const at of ticks(span, innerWidth > 640 ? 6 : 2))
    if (at < 0.95 * span) scale.append(make("span", { style: `left: ${100 * at / span}%` }, time(at)));
  $("axis").append(make("div", { class: "ticks", "aria-hidden": "true" }, make("span"), scale, make("span", { class: "count" }, "calls")));

  function bar(from, to, activity) {
    const svg = draw("svg", { viewBox: "0 0 1000 13", preserveAspectRatio: "none", "aria-hidden": "true" });
    svg.append(draw("rect", { x: share(from), width: Math.max(1.5, share(to) - share(from)), y: 0, height: 13, fill: "var(--base)" }));
    for (const cell of activity) {
      const [start, stop] = [Math.max(cell[0], from), Math.min(cell[1], Math.max(to, from + 1))];
      if (stop <= start) continue;
      const dark = 0.2 + 0.8 * Math.min(1, Math.sqrt(rate(cell) / most));
      svg.append(draw("rect", { x: share(start), width: Math.max(1.2, share(stop) - share(start)), y: 0, height: 13, fill: `rgba(var(--heat), ${dark.toFixed(2)})` }));
    }
    return svg;
  }
  const describe = process => `${process.name}, pid ${process.pid}: ${plural(process.total.calls, "call")}, ${plural(process.total.errors, "error")}, ` +
    `from ${time(process.began_ns - origin)} to ${time(ends(process) - origin)} (${time(ends(process) - process.began_ns)}), ${ending(process)}`;
  let rows = [], at = 0;
  function choose(index, scroll) {
    if (!rows.length) return;
    rows[at]?.element.removeAttribute("aria-selected");
    at = Math.max(0, Math.min(rows.length - 1, index));
    const { element, process, text } = rows[at];
    element.setAttribute("aria-selected", "true");
    box.setAttribute("aria-activedescendant", element.id);
    if (scroll) element.scrollIntoView({ block: "nearest" });
    const calls = process.calls.slice(0, 6).map(call => `${name(call)} ${whole(call.calls)}`);
    $("process").textContent = [text, ...calls].join(" · ");
  }
  function redraw() {
    const order = $("order").value, wanted = $("find").value.trim().toLowerCase();
    const by = { start: process => process.began_ns, calls: process => -process.total.calls, life: process => process.began_ns - ends(process) }[order];
    const shown = processes.filter(process => !wanted || process.name.toLowerCase().includes(wanted) || String(process.pid).includes(wanted));
    shown.sort((one, two) => by(one) - by(two) || one.index - two.index);
    rows = [];
    const add = (process, label, pid, calls, indent, svg, text, kind) => {
      const element = make("div", { class: `lane ${kind}`, role: "option", id: `lane-${rows.length}` },
        make("span", { style: `padding-left: ${6 + Math.min(indent, 6) * 12}px` }, label, " ", make("span", { class: "pid" }, String(pid))),
        svg, make("span", { class: "count" }, whole(calls)));
      const index = rows.length;
      element.addEventListener("click", () => choose(index));
      element.addEventListener("pointermove", event => tip(event, text));
      element.addEventListener("pointerleave", event => tip(event, ""));
      rows.push({ element, process, text });
    };
    for (const process of shown) {
      const indent = order === "start" && !wanted ? depth.get(process.pid) ?? 0 : 0;
      add(process, process.name, process.pid, process.total.calls, indent, bar(process.began_ns, ends(process), process.activity ?? []), describe(process), "");
      if (!$("threads").checked) continue;
      for (const [tid, from, to, calls] of process.lanes ?? [])
        add(process, "thread", tid, calls, indent + 1, bar(from, to, [[from, to, calls]]),
          `thread ${tid} of ${process.name}: ${plural(calls, "call")}, from ${time(from - origin)} to ${time(to - origin)}`, "thread");
    }
    box.replaceChildren(...rows.map(row => row.element));
    $("shown").textContent = shown.length < processes.length ? `${shown.length} of ${plural(processes.length, "process", "processes")}` : "";
    $("process").textContent = "";
    choose(0);
  }
  box.addEventListener("keydown", event => {
    const move = { ArrowUp: at - 1, ArrowDown: at + 1, PageUp: at - 20, PageDown: at + 20, Home: 0, End: rows.length - 1 }[event.key];
    if (move === undefined) return;
    event.preventDefault();
    choose(move, true);
  });
  for (const control of ["order", "find", "threads"]) $(control).addEventListener("input", redraw);
  redraw();
}

// The calls, and how long they took: all on one scale.
function calls() {
  const timed = report.calls.some(call => call.histogram);
  const buckets = report.calls.flatMap(call => call.histogram ?? []);
  const floor = 10 ** Math.floor(Math.log10(Math.max(10, Math.min(...buckets.map(([from, to]) => from || to / 2)))));
  const ceiling = 10 ** Math.ceil(Math.log10(Math.max(floor * 10, ...buckets.map(bucket => bucket[1]))));
  const place = ns => Math.log10(Math.max(ns, floor) / floor) / Math.log10(ceiling / floor);
  const tallest = call => Math.max(...(call.histogram ?? []).map(bucket => bucket[2]));
  function small(call) {
    const svg = draw("svg", { viewBox: "0 0 200 18", "aria-hidden": "true", preserveAspectRatio: "none" });
    for (let power = floor * 10; power < ceiling; power *= 10) svg.append(draw("line", { class: "grid", x1: 200 * place(power), x2: 200 * place(power), y1: 0, y2: 18 }));
    for (const [from, to, count] of call.histogram ?? []) {
      const tall = Math.max(1.5, 17 * count / tallest(call));
      svg.append(draw("rect", { x: 200 * place(from), width: Math.max(1, 200 * (place(to) - place(from)) - 0.4), y: 18 - tall, height: tall, fill: "var(--files)" }));
    }
    return svg;
  }
  let chosen;
  function large(call) {
    chosen = call;
    for (const row of $("calls").tBodies[0].rows) row.classList.toggle("on", row.call === call);
    const host = $("histogram"), W = 1060, H = 180, left = 58, right = 12, top = 18, bottom = 26;
    $("chosen").textContent = `${name(call)}: time in each call`;
    $("class").textContent = call.histogram ? `${plural(call.calls, "call")}, ${time(call.time_ns)} in all; half of them took ${time(call.p50_ns)} or less, 99 % of them ${time(call.p99_ns)} or less` : "";
    if (!call.histogram) { host.textContent = "No times: the call does not return, or times were not recorded."; return; }
    const most = tallest(call), x = ns => left + (W - left - right) * place(ns), y = count => H - bottom - (H - top - bottom) * count / most;
    const svg = draw("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": `Histogram of ${name(call)}: ${$("class").textContent}` });
    for (const value of ticks(most, 4).filter(Number.isInteger)) svg.append(draw("line", { class: "grid", x1: left, x2: W - right, y1: y(value), y2: y(value) }),
      draw("text", { x: left - 8, y: y(value) + 4, "text-anchor": "end" }, many(value)));
    svg.append(draw("text", { x: 0, y: 11 }, "calls"));
    for (let power = floor; power <= ceiling * 1.001; power *= 10) svg.append(draw("line", { class: "grid", x1: x(power), x2: x(power), y1: top, y2: H - bottom }),
      draw("text", { x: x(power), y: H - 8, "text-anchor": power >= ceiling ? "end" : power <= floor ? "start" : "middle" }, time(power)));
    for (const [from, to, count] of call.histogram) {
      const bar = draw("rect", { x: x(from), width: Math.max(1.5, x(to) - x(from) - 1.5), y: Math.min(y(count), H - bottom - 1.5), height: Math.max(1.5, H - bottom - y(count)), fill: "var(--files)", rx: 1 });
      const text = `${from ? time(from) : "less"} to ${time(to)}: ${plural(count, "call")} (${percent(count, call.calls)})`;
      bar.addEventListener("pointermove", event => tip(event, text));
      bar.addEventListener("pointerleave", event => tip(event, ""));
      svg.append(bar);
    }
    // Labels of marks that lie close stand on two lines.
    [["median", call.p50_ns], ["99 %", call.p99_ns]].forEach(([label, ns], index) => {
      svg.append(draw("line", { class: "mark", x1: x(ns), x2: x(ns), y1: index ? top + 5 : top - 8, y2: H - bottom, "stroke-dasharray": "3 3" }),
        draw("text", { x: x(ns) + 4, y: index ? top + 16 : top + 2 }, `${label} ${time(ns)}`));
    });
    svg.append(draw("line", { class: "axis", x1: left, x2: W - right, y1: H - bottom, y2: H - bottom }));
    host.replaceChildren(svg);
  }
  const columns = [["Call", name], ["Calls", call => call.calls], ["Share", call => call.calls], ["Errors", call => call.errors]];
  if (timed) columns.push(["Time", call => call.time_ns ?? -1], ["Median", call => call.p50_ns ?? -1], ["99 %", call => call.p99_ns ?? -1]);
  const table = $("calls"), head = make("tr"), body = make("tbody");
  let sorted = 1, down = true;
  function sort(column) {
    down = column === sorted ? !down : column !== 0;
    sorted = column;
    [...head.cells].forEach((cell, index) => index === sorted ? cell.setAttribute("aria-sort", down ? "descending" : "ascending") : cell.removeAttribute("aria-sort"));
    const key = columns[column][1], order = (one, two) => one < two ? -1 : one > two ? 1 : 0;
    body.append(...[...body.rows].sort((one, two) => (down ? -1 : 1) * order(key(one.call), key(two.call)) || two.call.calls - one.call.calls));
    [...head.cells].forEach((cell, index) => { const sign = cell.querySelector("i"); if (sign) sign.textContent = index === sorted ? (down ? " ↓" : " ↑") : ""; });
  }
  columns.forEach(([title], column) => {
    const button = make("button", { type: "button" }, title, make("i"));
    button.addEventListener("click", () => sort(column));
    head.append(make("th", { scope: "col" }, button));
  });
  if (timed) head.append(make("th", { scope: "col", class: "left" }, make("span", {}, `${time(floor)} to ${time(ceiling)}`)));
  for (const call of report.calls) {
    const pick = make("button", { type: "button" }, name(call));
    pick.addEventListener("click", () => large(call));
    const row = make("tr", {}, make("td", {}, pick), make("td", {}, whole(call.calls)), make("td", {}, percent(call.calls, report.total.calls)),
      make("td", call.errors ? { class: "failed" } : {}, call.errors ? whole(call.errors) : "–"));
    if (timed) row.append(make("td", {}, time(call.time_ns)), make("td", {}, time(call.p50_ns)), make("td", {}, time(call.p99_ns)), make("td", { class: "left" }, small(call)));
    row.call = call;
    body.append(row);
  }
  const foot = make("tr", {}, make("td", {}, "all"), make("td", {}, whole(report.total.calls)), make("td", {}, "100 %"), make("td", {}, whole(report.total.errors)));
  if (timed) foot.append(make("td", {}, time(report.total.time_ns)), make("td"), make("td"), make("td"));
  table.append(make("caption", { hidden: "" }, "Calls by name"), make("thead", {}, head), body, make("tfoot", {}, foot));
  sorted = -1;
  sort(1);
  if (report.calls.length) large(report.calls.find(call => call.histogram) ?? report.calls[0]);
}

const REASONS = {
  "signal-return": "returns from a signal handler; debuggers know it by its bytes",
  "number-mismatch": "code jumped straight to the syscall instruction",
  "boundary": "where the instruction before it begins could not be proved",
  "no-room": "no room for a jump at that place",
  "self-made": "code that the program made itself, and that is not hot",
  "writable": "the code is writable: the program may change it",
  "shared": "a shared mapping: a change would reach the file",
  "execute-only": "the code cannot be read",
  "kernel-made": "code of the kernel's",
  "unmapped": "it could not be found out what is mapped there",
  "table-full": "the table of jumps is full",
  "unwritable": "the code cannot be written",
  "page-end": "the jump would lie on two pages",
  "contended": "another thread was rewriting",
  "stopped": "given its bytes back: the program uses GS",
};

function sites() {
  const refused = Object.entries(report.sites.refused).filter(([, count]) => count).sort((one, two) => two[1] - one[1]);
  const most = Math.max(1, report.sites.rewritten, ...refused.map(([, count]) => count));
  const box = make("div", { class: "bars" });
  const add = (label, count, colour, why) => {
    box.append(make("span", {}, label), make("span", { class: "bar" }, make("i", { style: `--c: var(${colour}); width: ${80 * count / most}%` }), whole(count)));
    if (why) box.append(make("small", {}, why));
  };
  add("rewritten", report.sites.rewritten, "--memory");
  for (const [reason, count] of refused) add(`refused: ${reason}`, count, "--waiting", REASONS[reason]);
  $("sites").append(box);
  if (!refused.length) $("sites").append(make("p", { class: "quiet" }, "No site was refused."));
}

function notes() {
  const text = [];
  if (others.processes) text.push(`${plural(others.processes, "later process has", "later processes have")} no lane; their calls are in the totals and in the chart over time.`);
  if (report.uncounted?.threads || report.uncounted?.processes) text.push(`Not counted, for want of room: ${plural(report.uncounted.threads, "thread")}, ${plural(report.uncounted.processes, "process", "processes")}.`);
  if (report.int80) text.push(`${plural(report.int80, "int $0x80 call was", "int $0x80 calls were")} refused, and are not in the figures.`);
  const killed = processes.filter(process => process.end === "killed").length;
  if (killed) text.push(`${plural(killed, "process was", "processes were")} killed: the lane ends with the last call.`);
  text.push("A call is counted when its result is there. Times are measured by the time stamp counter, each to within an eighth.");
  $("notes").textContent = text.join(" ");
}

const dark = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light")) === "dark";
const label = () => { $("theme").textContent = isDark() ? "Light" : "Dark"; };
$("theme").addEventListener("click", () => { document.documentElement.dataset.theme = isDark() ? "light" : "dark"; label(); });
dark.addEventListener("change", label);
label();
for (const part of [summary, timeline, lanes, calls, sites, notes]) part();
document.body.dataset.drawn = "yes";
