# For the tests of stat over a tree: run the subject under the stat tool, and look into the report.
# shellcheck shell=bash
fail() { echo "$*" >&2; exit 1; }

# subject SETTINGS HOW [NUMBER [EACH]]: leaves the report in ./out, and what the program printed in ./said.
subject() {
    local settings=$1
    shift
    rm -f out
    # shellcheck disable=SC2086
    env $settings LD_PRELOAD="$LIB" USERTRAP_UNFIT=refuse USERTRAP_TOOL=stat USERTRAP_FORMAT=json USERTRAP_OUT="$PWD/out" \
        "$BIN/stat_tree_subject" "$@" >said 2>err || fail "$*: status $?: $(head -c 300 err)"
}

# holds EXPRESSION: a python expression over the report is true. `calls(x)` gives the getppid calls of the whole
# or of a process, `children` all processes but the first.
holds() {
    python3 -m json.tool out >/dev/null || fail "json does not parse: $(head -c 300 out)"
    [ "$(wc -l <out)" = 1 ] || fail "$(wc -l <out) reports, want 1"
    python3 - "$1" <<'PY' || fail "${2:-} $1"
import json, sys
with open("out") as file:
    report = json.load(file)
processes = report["processes"]
root = [p for p in processes if p["pid"] == report["pid"]]
children = [p for p in processes if p["pid"] != report["pid"]]

def calls(what, name="getppid"):
    return sum(call["calls"] for call in what["calls"] if call["name"] == name)

def parts(get):
    return sum(get(p) for p in processes) + get(report["others"])

said = open("said").read()
# The parts make up the whole, in every report.
for get in (lambda p: p["total"]["calls"], lambda p: p["total"]["errors"], lambda p: p["trapped"], lambda p: p["threads"],
            lambda p: p["sites"]["rewritten"]):
    assert parts(get) == get(report), ("parts", parts(get), get(report))
assert all(p["total"]["calls"] == sum(call["calls"] for call in p["calls"]) for p in processes)
assert len(root) == 1 and report["usertrap_stat"] == 2
if not eval(sys.argv[1]):
    print(json.dumps(report)[:3000], file=sys.stderr)
    raise SystemExit(1)
PY
}
