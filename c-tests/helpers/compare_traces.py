"""Compares a trace with strace's of the same program: python3 compare_traces.py STRACE OURS

Lines of one process after the other, in the order in which these begin; what was broken off is put together.
Addresses, process numbers and ports are normalised. Left out on both sides:
  signals (`--- SIG… ---`): the tool does not see them arrive;
  the first execve, which strace's own child makes: the tool begins with the new program;
  the argument and the result of rt_sigreturn, which has none for a hook;
  how c-tests name the native image and ours;
  calls whose answer is a time, or another one in each run.
Prints what differs; the status is 1 then.
"""
import difflib
import re
import sys

VARIES = re.compile(r"(clock_gettime|gettimeofday|time|getrusage|sysinfo|f?statfs|getrandom|timerfd_gettime|times)\(")


def lines(path):
    open_lines, found = {}, []
    with open(path, errors="replace") as file:
        for line in file:
            pid, text = line.rstrip("\n").split(None, 1)
            if text.endswith(" <unfinished ...>"):
                open_lines[pid] = text.removesuffix(" <unfinished ...>")
                continue
            resumed = re.match(r"<\.\.\. \w+ resumed>(.*)", text)
            if resumed:
                text = open_lines.pop(pid) + resumed[1]
            if text.startswith("+++ killed") and pid in open_lines:
                # strace knows that the call will not come back; we see that it has not.
                found.append((pid, open_lines.pop(pid)))
            if not text.startswith("--- ") and not VARIES.match(text):
                found.append((pid, text))
    return found


def normal(text):
    text = re.sub(r"rt_sigreturn\(.*", "rt_sigreturn", text)
    text = re.sub(r"\) += ", ") = ", text)
    text = re.sub(r"^(tgkill\(.*SIGKILL)\) = \?$", r"\1", text)
    text = re.sub(r"^getppid\(\)(.*) = \d+", r"getppid()\1 = PARENT", text)
    text = re.sub(r"0x[0-9a-f]{6,}", "ADDRESS", text)
    text = re.sub(r"htons\(\d{4,5}\)", "htons(PORT)", text)
    text = re.sub(r"/\* \d+ vars \*/", "/* vars */", text)
    text = re.sub(r"image:(native|interposed)", "image", text)
    return re.sub(r"tv_(u?)sec=\d+", r"tv_\1sec=T", text) if "ru_utime" in text else text


def by_process(found):
    order = list(dict.fromkeys(pid for pid, _ in found))
    names = {pid: f"P{place}" for place, pid in enumerate(order)}
    pids = re.compile(r"\b(" + "|".join(order) + r")\b")
    result = {name: [] for name in names.values()}
    for pid, text in found:
        result[names[pid]].append(pids.sub(lambda match: names[match[0]], normal(text)))
    return result


def main():
    theirs, ours = (by_process(lines(path)) for path in sys.argv[1:3])
    first = theirs.get("P0", [""])
    if first[0].startswith("execve("):
        del first[0]
    differs = not theirs
    for name in list(theirs) + [name for name in ours if name not in theirs]:
        left, right = theirs.get(name, []), ours.get(name, [])
        if left != right:
            differs = True
            print(f"{name}: {len(left)} lines of strace, {len(right)} of ours", file=sys.stderr)
            parts = difflib.unified_diff(left[:2000], right[:2000], lineterm="", n=0)
            print("\n".join([part for part in parts if not part.startswith("@@")][:20]), file=sys.stderr)
    sys.exit(differs)


main()
