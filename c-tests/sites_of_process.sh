#!/bin/bash
# arm: seccomp sud
# What `usertrap sites --pid` says of a process under the library: the sites that are rewritten, as its memory has
# them, the same fate for all others as without the library, and nothing of the library's own code.
set -eu
fail() { echo "$*" >&2; exit 1; }
[ -n "$COMMAND" ] || { echo "skipped: no command"; exit 77; }
mkfifo end
touch native.out under.out fallback.out
told() { # told NAME COMMAND...: of COMMAND, once it has said that it is ready
    local name=$1 pid
    shift
    "$@" bash -c 'echo ready; read -r x <end' >>"$name.out" 2>"$name.err" &
    pid=$!
    until grep -q ready "$name.out"; do
        kill -0 "$pid" || fail "$name: $(cat "$name.err")"
        sleep 0.05
    done
    "$COMMAND" sites --json --pid "$pid" >"$name.json"
    "$COMMAND" sites --pid "$pid" >"$name.txt"
    echo >end
    wait "$pid"
}
told native env
told under "$COMMAND" --library "$LIB" --unfit refuse --
told fallback "$COMMAND" --library "$LIB" --unfit refuse --table 0x40060000 --
python3 - <<'PY'
import json
def libc(name):
    report = json.load(open(f"{name}.json"))
    found = [module for module in report["modules"] if "/libc.so" in module["name"]]
    assert len(found) == 1, (name, [module["name"] for module in report["modules"]])
    return report, found[0]
_, native = libc("native")
assert not any(site["fate"] == "rewritten" for site in native["sites"])
tactics = {site["offset"]: (site["tactic"], site["refusal"]) for site in native["sites"]}
for name, table in ("under", 0x050f0000), ("fallback", 0x40060000):
    report, module = libc(name)
    assert module["table"] == table, module["table"]
    # As many sites as without us, where they were.
    offsets = [site["offset"] for site in module["sites"]]
    assert offsets == sorted(tactics), set(offsets) ^ set(tactics)
    done = [site for site in module["sites"] if site["fate"] == "rewritten"]
    assert len(done) >= 15, len(done)
    for site in module["sites"]:
        # Spans are not told apart by their trampolines; in another table page ends are others, and padding may be taken.
        if site["fate"] == "rewritten" and site["tactic"] != "span" and name == "under":
            assert site["tactic"] == tactics[site["offset"]][0], site
    assert not any("usertrap" in module["name"] for module in report["modules"]), name
    assert f"{len(done)} " in open(f"{name}.txt").read() and ", done" in open(f"{name}.txt").read()
PY
echo ok
