"""Checks the stat tool's reports of one run: reports.py FOLDER FILE PROCESSES MODE SITES CALLS.

FOLDER has one report for each start of a program; FILE gets all of them, one a line. There must be PROCESSES
processes at least, all of them with calls, none executed natively or left out; and none still running where the
command waits for the whole tree. Of the executed sites SITES percent at least must be rewritten, and of the calls no
more than CALLS leaves be traps but for the first one of each of these sites. Says what is wrong on standard output.
"""
import json, os, sys
from shares import Shares

folder, file, least, mode = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
# The least shares of the executed sites that are rewritten, and of the calls that do not trap for want of that.
least_sites, least_calls = float(sys.argv[5]), float(sys.argv[6])
shares = Shares()
processes, problems = 0, []
with open(file, "w") as together:
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name)) as lines:
            for line in lines:
                together.write(line)
                report = json.loads(line)
                shares.add(report)
                parts, others = report["processes"], report["others"]
                processes += len(parts) + others["processes"]
                total = sum(part["total"]["calls"] for part in parts) + others["total"]["calls"]
                # What still runs is looked at twice, and may have gone on in between.
                if not total * (1 if mode == "command" else 0.99) <= report["total"]["calls"] <= total:
                    problems.append(f"a total of {report['total']['calls']} calls, but {total} of processes")
                if any(report["uncounted"].values()):
                    problems.append(f"uncounted: {report['uncounted']}")
                for part in parts:
                    what = f"{part['name']} ({part['images']} images, {part['end']})"
                    if part["total"]["calls"] == 0 and part["end"] != "killed":
                        problems.append(f"no calls of {what}")
                    if part["end"] == "native" or part["end"] == "running" and mode == "command":
                        problems.append(f"not followed to its end: {what}")
if processes < least:
    problems.append(f"{processes} processes, want {least}")
if shares.sites() < least_sites:
    problems.append(f"{shares.sites():.2f} % of the executed sites are rewritten, want {least_sites}: {shares.refused}")
if shares.settled() < least_calls:
    problems.append(f"{shares.settled():.3f} % of the calls do not trap again and again, want {least_calls}")
print("; ".join(problems[:5]))
