"""Runs of a program under strace, natively and under the library, none of which can hang: too long ones are cut."""
import ctypes, os, re, shutil, signal, subprocess, tempfile, time

import strace_log, trees

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BASE = 0x580000000000
STRACE = ["strace", "-ff", "-i", "-y", "-q", "-s", "200"]
PR_SET_CHILD_SUBREAPER = 36
MORE = 4, 8  # how much longer a run under the library may be: a trap is seen as four lines or more
MORE_OF_CUT = 2, 3  # the same where the native run was cut: what follows is not compared


class Gate:
    """The library's only syscall instructions: labels and addresses, which are those behind the instruction, as strace
    shows them."""

    def __init__(self, labels):
        self.labels = sorted(labels)
        places = {name: address for address, name in self.labels}
        self.start, self.end = places["usertrap_gate_start"], places["usertrap_gate_end"]
        self.own_start = places["usertrap_gate_own_start"]  # the application's calls are made before it

    @staticmethod
    def of(library):
        symbols = subprocess.run(["nm", library], capture_output=True, text=True, check=True).stdout
        return Gate((BASE + int(line.split()[0], 16), line.split()[2]) for line in symbols.splitlines()
                    if re.search(r" usertrap_gate", line) and not line.endswith("_done"))

    def holds(self, ip):
        return self.start < ip <= self.end

    def near(self, ip):
        """Whether it is an instruction of the library's."""
        return self.start <= ip < self.start + 0x1000000

    def label(self, ip):
        return max(label for label in self.labels if label[0] <= ip - 2)[1] if self.holds(ip) else ""

    def own(self, ip):
        return self.own_start < ip <= self.end

    def again(self, ip):
        """Whether the application's call is made once more."""
        return self.label(ip).endswith("_again")

    def returns(self, ip):
        """Whether the call ends our signal handler: by rt_sigreturn, or with an application's handler."""
        return self.label(ip) in ("usertrap_gate_restorer", "usertrap_gate_begin")


def adopt_orphans():
    """Processes below us whose parent ends become our children: so `descendants` finds all."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def descendants(pid):
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as children:
                for child in children.read().split():
                    found += [int(child), *descendants(int(child))]
    except OSError:
        pass
    return found


def name_of(pid):
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8") as comm:
            return comm.read().strip()
    except OSError:
        return ""


def kill(pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass


def kill_tree(pid):
    """Ends all that `pid` has started; tracers first, so that they write no ends. Collects those that are our children."""
    for _ in range(200):
        found = descendants(pid)
        kill([one for one in found if name_of(one) == "strace"])
        kill(found)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass
        if not found:
            return
        time.sleep(0.01)


def size_of(folder):
    """Bytes in the files of a folder, which may not be there yet."""
    try:
        return sum(entry.stat().st_size for entry in os.scandir(folder))
    except OSError:
        return 0


def header(source, name, default):
    with open(source, encoding="utf-8") as text:
        found = re.search(rf"^(?://|#) {name}: (.*)", text.read(), re.M)
    return found.group(1).strip() if found else default


def kept(chosen, folder, name):
    if chosen.keep:
        place = os.path.join(chosen.keep, name)
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(folder, place)


class Run:
    """One run of a c-test: what it printed, its status, its traces. `cut`: it was ended before its time."""

    def __init__(self, chosen, gate, name, place, more, number):
        """`more`: of a run under the library, how many times the time and the trace it may take; else None."""
        under, (more_time, more_trace) = bool(more), more or (1, 1)
        source = os.path.join(TOP, "c-tests", name + ".c")
        env = {k: v for k, v in os.environ.items() if not k.startswith("USERTRAP_") and k != "LD_PRELOAD"}
        env["C_TESTS_MODE"] = "native"
        if under:
            env.update(pair.split("=", 1) for pair in header(source, "env", "").split())
        folder, traces = os.path.join(place, "dir"), tempfile.mkdtemp(dir=place)
        os.mkdir(folder)
        start = [chosen.usertrap, "--library", chosen.lib, "--unfit", "refuse", *chosen.settings, "--"] if under else []
        with open(os.path.join(place, "out"), "w+b") as out, open(os.path.join(place, "err"), "w+b") as err:
            running = subprocess.Popen([*STRACE, "-o", os.path.join(traces, "t"), *start, os.path.join(chosen.bin, name)],
                                       cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
            end = time.monotonic() + chosen.timeout * more_time
            self.cut = self.timed_out = False
            while running.poll() is None and not self.cut:
                self.timed_out = time.monotonic() > end
                self.cut = self.timed_out or size_of(traces) > chosen.longest * 1_000_000 * more_trace
                time.sleep(0.05)
            kill_tree(os.getpid())
            self.status = running.wait()
            self.output, errors = (file.seek(0) or file.read() for file in (out, err))
            self.errors = errors.decode(errors="replace")[-300:]
        self.trees = [trees.Tree(strace_log.read(os.path.join(traces, "t")), gate if under else None, self.cut)]
        kept(chosen, traces, f"{name}.{'under' if under else 'native'}-{number}")
        shutil.rmtree(traces)
        subprocess.run(["chmod", "-R", "u+rwX", folder], stderr=subprocess.DEVNULL, check=False)
        shutil.rmtree(folder, ignore_errors=True)


def starts(traces):
    """The prefixes of the traces of each start of a program, in the order of the starts."""
    found = {name.rsplit(".", 1)[0] for name in os.listdir(traces)}
    return [os.path.join(traces, name) for name in sorted(found, key=lambda name: name.split("-")[1])]


class Traced:
    """A run of programs/NAME.sh: what it printed, its status, the trees of its starts."""

    def __init__(self, place, label, gate, cut):
        with open(os.path.join(place, label + ".out"), "rb") as out:
            self.output = out.read()
        with open(os.path.join(place, label + ".status"), encoding="utf-8") as status:
            self.status = int(status.read())
        with open(os.path.join(place, label + ".err"), encoding="utf-8", errors="replace") as errors:
            self.errors = errors.read()[-300:]
        self.cut, self.timed_out = cut, False
        self.trees = [trees.Tree(strace_log.read(prefix), gate, cut)
                      for prefix in starts(os.path.join(place, label + ".reports"))]


def trace_program(chosen, gate, name, folder, labels):
    """programs/NAME.sh natively and under the library, as the labels say: native-1, native-2, under -> these runs, or what
    programs/run said."""
    place = os.path.join(folder, name)
    longest = max(chosen.longest, float(header(os.path.join(TOP, "programs", name + ".sh"), "trace", "0"))) * 1_000_000
    shutil.rmtree(place, ignore_errors=True)
    running = subprocess.Popen([os.path.join(TOP, "programs/run"), "--lib", chosen.lib, "--command", chosen.usertrap,
                                "--trace", folder, "--runs", " ".join(labels), "-j", "1", name],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    since, cut = {}, set()
    while running.poll() is None:
        at = next((label for label in reversed(labels) if os.path.exists(os.path.join(place, label + ".reports"))), None)
        if at:
            more_time, more_trace = (MORE_OF_CUT if cut else MORE) if at == "under" else (1, 1)
            since.setdefault(at, time.monotonic())
            if (time.monotonic() - since[at] > chosen.timeout * more_time
                    or size_of(os.path.join(place, at + ".reports")) > longest * more_trace):
                cut.add(at)
                # The tracers and what they trace: the script goes on, or ends, by itself.
                for pid in descendants(running.pid):
                    if name_of(pid) == "strace":
                        traced = descendants(pid)
                        kill([pid, *traced])
        time.sleep(0.05)
    kill_tree(os.getpid())
    with open(os.path.join(place, "text"), encoding="utf-8") as text:
        said = text.read().strip()
    if not said.startswith("traced"):
        return said
    return [Traced(place, label, gate if label == "under" else None, label in cut) for label in labels]
