"""Checks the trace tool's JSON: python3 check_json_trace.py json|perfetto FILE CALLS [END]

CALLS getppids were made, by one thread or several. Calls of a thread do not overlap, every process and thread has
its name, and with END some process has ended so.
"""
import json
import sys

form, path, calls, *end = sys.argv[1:]
with open(path) as file:
    if form == "json":
        events = [json.loads(line) for line in file]
    else:
        events = json.load(file)


def as_call(event):
    """thread, beginning, end, name, arguments, result and error of a call's object"""
    if form == "json":
        if "name" not in event:
            return None
        assert list(event)[:8] == ["pid", "tid", "time", "name", "args", "result", "errno", "duration"], event
        begin, duration, said = event["time"], event["duration"] or 0, event
    else:
        if event["ph"] != "X":
            return None
        begin, duration, said = event["ts"] / 1e6, event["dur"] / 1e6, event["args"]
    return event["tid"], begin, begin + duration, event["name"], said["args"], said.get("result"), said.get("errno")


found = [call for call in map(as_call, events) if call]
named = [call for call in found if call[3] == "getppid"]
assert len(named) == int(calls), f"{len(named)} getppids, want {calls}"
assert all(call[4] == [] and call[5] > 0 and call[6] is None for call in named), named[:3]

# The time is in microseconds in one form, and its sum with a duration is rounded.
ends = {}
for tid, begin, done, *rest in sorted(found, key=lambda call: call[:2]):
    assert begin >= ends.get(tid, 0) - 2e-6, f"overlaps: {tid} {begin} {rest}"
    ends[tid] = done

for name, args, result, errno in {(c[3], tuple(c[4]), c[5], c[6]) for c in found if c[3] in ("access", "openat", "mmap")}:
    assert len(args) in {"access": (2,), "openat": (3, 4), "mmap": (6,)}[name], args
    assert (result == -1) == (errno is not None) and (errno is None or errno.startswith("E")), (name, result, errno)

if form == "perfetto":
    for kind in ("process_name", "thread_name"):
        names = {(e["pid"], e["tid"]): e["args"]["name"] for e in events if e["ph"] == "M" and e["name"] == kind}
        assert set(names.values()) == {"trace_subject"}, names
        if kind == "thread_name":
            assert {tid for _, tid in names} == set(ends), names
    said = {e["name"] for e in events if e["ph"] == "i" and e["cat"] == "end"}
else:
    said = {f"exited with {e['exited']}" if "exited" in e else f"killed by {e['killed']}" for e in events if not {"name", "signal"} & set(e)}
assert not end or end[0] in said, said
