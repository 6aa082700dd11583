"""The markdown table of programs/run --coverage: coverage.py DIRECTORY NAME..."""
import json, os, sys
from shares import Shares

AIMS = (99.5, 99.9)


def down(share):
    """Two digits, cut: what is not all does not become all."""
    return f"{int(share * 100) / 100:.2f} %"


def main():
    scratch, names = sys.argv[1], sys.argv[2:]
    met = [0, 0, 0]
    print("| program | processes | executed sites | rewritten | calls | by the fast path | without first calls | refused |")
    print("|---|---:|---:|---:|---:|---:|---:|---|")
    for name in names:
        folder, shares = os.path.join(scratch, f"out-{name}"), Shares()
        with open(os.path.join(folder, "verdict")) as verdict:
            if verdict.read().strip() != "passed":
                continue
        with open(os.path.join(folder, "root-rewrite.report")) as lines:
            for line in lines:
                shares.add(json.loads(line))
        if shares.executed() == 0:
            continue
        met = [met[0] + 1, met[1] + (shares.sites() >= AIMS[0]), met[2] + (shares.settled() >= AIMS[1])]
        refused = sorted(shares.refused.items(), key=lambda item: -item[1])
        print(f"| {name} | {shares.processes:,} | {shares.executed():,} | {down(shares.sites())} | {shares.calls:,} "
              f"| {down(shares.fast())} | {down(shares.settled())} "
              f"| {', '.join(f'{reason} {sites:,}' for reason, sites in refused) or '-'} |")
    print(f"\nThe aim of {AIMS[0]} % of the executed sites is met by {met[1]} of {met[0]} programs, "
          f"that of {AIMS[1]} % of the calls by {met[2]}.")


main()
