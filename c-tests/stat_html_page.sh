#!/bin/bash
# timeout: 120
# The page of `usertrap stat --html`, drawn by a browser: it shows what the report in it says, without an error and
# without a request, and can be used with the keyboard alone.
set -eu
fail() { echo "$*" >&2; exit 1; }
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || { echo "skipped: no chromium"; exit 77; }
[ -n "$COMMAND" ] || { echo "skipped: no command"; exit 77; }
opened() { # opened FILE OPTION...: what the browser says goes to `said`
    local file=$1
    shift
    HOME=$PWD timeout 50 "$browser" --headless --no-sandbox --disable-gpu --user-data-dir="$PWD/profile" --enable-logging=stderr \
        --window-size=1200,1600 "$@" "file://$PWD/$file" 2>said
    ! grep CONSOLE said || fail "the console is not empty"
}
threads='import threading, time
for _ in range(3): threading.Thread(target=time.sleep, args=(0.05,)).start()'
status=0
# shellcheck disable=SC2016 # for the inner shell
"$COMMAND" stat --html page.html -- bash -c 'ls /nonexistent; /bin/true & /usr/bin/python3 -c "$1"; wait; exit 3' sh "$threads" 2>/dev/null || status=$?
[ "$status" = 3 ] || fail "status $status"
opened page.html --screenshot="$PWD/page.png" >/dev/null
[ "$(stat -c %s page.png)" -gt 50000 ] || fail "hardly anything was drawn"

# The same page with one script more, which works it and writes down what it finds.
cat >check.js <<'JS'
const told = {}, key = (element, key) => element.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
const all = (selector, from = document) => [...from.querySelectorAll(selector)];
told.drawn = document.body.dataset.drawn;
told.title = document.title;
told.names = all("#lanes .lane:not(.thread) > span:first-child").map(lane => lane.firstChild.textContent).sort();
told.threads = all("#lanes .lane.thread").length;
told.rows = all("#calls tbody tr").length;
told.steps = all("#timeline .bin").length;
told.histogram = all("#histogram rect").length;
told.refused = all("#sites .bars > span:nth-child(n+3):not(.bar)").length;
told.summary = document.getElementById("summary").textContent;
const chart = document.querySelector("#timeline svg");
key(chart, "Home");
const before = document.getElementById("moment").textContent;
key(chart, "ArrowRight");
told.moment = before !== document.getElementById("moment").textContent;
key(document.getElementById("lanes"), "End");
told.last = all("#lanes .lane").at(-1).getAttribute("aria-selected");
all("#calls thead button")[3].click();
told.sorted = all("#calls thead th")[3].getAttribute("aria-sort");
told.errors = all("#calls tbody tr").map(row => row.call.errors);
all("#calls tbody button")[2].click();
told.chosen = document.getElementById("chosen").textContent.startsWith(all("#calls tbody button")[2].textContent + ":");
document.getElementById("find").value = "ls";
document.getElementById("find").dispatchEvent(new Event("input"));
told.found = all("#lanes .lane").length;
const paper = () => getComputedStyle(document.body).backgroundColor, light = paper();
document.getElementById("theme").click();
told.dark = paper() !== light;
told.reachable = all("button, select, input, [tabindex='0']").filter(one => !one.closest("[hidden]")).every(one => one.tabIndex >= 0);
told.wide = document.documentElement.scrollWidth <= innerWidth;
// The times above the lanes stand where the bars are.
const [scale, bar] = ["#axis .ticks div", "#lanes .lane svg"].map(one => document.querySelector(one).getBoundingClientRect());
told.aligned = Math.abs(scale.left - bar.left) < 1 && Math.abs(scale.right - bar.right) < 1;
told.report = report;
document.body.append(Object.assign(document.createElement("pre"), { id: "told", textContent: JSON.stringify(told) }));
JS
python3 - <<'PY'
page = open("page.html").read()
end = page.rindex("</script>")
open("checked.html", "w").write(page[:end] + open("check.js").read() + page[end:])
PY
opened checked.html --dump-dom >dom.html
python3 - <<'PY' || fail "the page is not as it should be"
import html, json, re
told = json.loads(html.unescape(re.search('<pre id="told">(.*?)</pre>', open("dom.html").read(), re.S)[1]))
report = told["report"]
def holds(what, condition):
    if not condition:
        raise SystemExit(f"{what}: { {key: value for key, value in told.items() if key != 'report'} }")
holds("drawn", told["drawn"] == "yes" and told["title"].startswith("System calls of bash -c 'ls "))
holds("lanes", told["names"] == sorted(process["name"] for process in report["processes"]) and told["threads"] == 3 and {"bash", "ls", "true"} < set(told["names"]))
holds("table", told["rows"] == len(report["calls"]))
holds("time", told["steps"] > 10 and told["histogram"] > 3)
holds("sites", told["refused"] == sum(count > 0 for count in report["sites"]["refused"].values()))
holds("summary", "4 processes" in told["summary"] and " ms " in told["summary"])
holds("keys", told["moment"] and told["last"] == "true" and told["reachable"])
holds("sorting", told["sorted"] == "descending" and told["errors"] == sorted(told["errors"], reverse=True))
holds("choice", told["chosen"] and told["found"] == 1)
holds("looks", told["dark"] and told["wide"] and told["aligned"])
PY
