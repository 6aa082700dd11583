"""The markdown table of programs/run --table: table.py DIRECTORY ROUNDS NAME..."""
import json, os, statistics, sys

# What the time of a program is, where it is not the wall clock of its run.
UNITS = {"redis": " CPU", "nginx": " for 10,000 requests", "go": " for 16,000 requests"}


def seconds(folder, mode, rounds):
    times = []
    for number in range(1, rounds + 1):
        with open(os.path.join(folder, f"{mode}-{number}.time")) as lines:
            times.append(sum(float(line) for line in lines))
    return statistics.median(times)


def calls(folder):
    """Sums over the processes: calls, those on the fast path, sites refused by reason."""
    total = fast = 0
    refused = {}
    with open(os.path.join(folder, "root-rewrite.report")) as lines:
        for report in map(json.loads, lines):
            total += report["total"]["calls"]
            fast += report["fast"]
            for reason, sites in report["sites"]["refused"].items():
                if sites:
                    refused[reason] = refused.get(reason, 0) + sites
    return total, fast, refused


def main():
    scratch, rounds, names = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    print("| program | calls | fast path | native | under usertrap | ratio | sites refused |")
    print("|---|---:|---:|---:|---:|---:|---|")
    for name in names:
        folder = os.path.join(scratch, f"out-{name}")
        with open(os.path.join(folder, "verdict")) as verdict:
            if verdict.read().strip() != "passed":
                print(f"| {name} | does not work | | | | | |")
                continue
        total, fast, refused = calls(folder)
        times = "- | - | -"
        if os.path.exists(os.path.join(folder, f"none-{rounds}.time")):
            native, under = seconds(folder, "native", rounds), seconds(folder, "none", rounds)
            unit = " s" + UNITS.get(name, "")
            times = f"{native:.3f}{unit} | {under:.3f}{unit} | {under / native:.2f}"
        print(f"| {name} | {total:,} | {100 * fast / max(total, 1):.2f} % | {times} "
              f"| {', '.join(f'{reason} {sites}' for reason, sites in refused.items()) or '-'} |")


main()
