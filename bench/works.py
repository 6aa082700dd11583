"""Real programs at work, natively and with the stat tool: how long a unit of work takes, and how much CPU time.

Servers answer clients that run natively (redis-benchmark, wrk); their CPU time is that of the server's side while it is
asked. Other programs run to their end; their CPU time is that of all their processes. All files lie in memory, if there is
/dev/shm. A run under the library is one only if its report tells of the calls.
"""

import functools, json, os, resource, signal, socket, subprocess, tempfile, time

import machine, project
from machine import built, environment

PYTHON = "/usr/bin/python3"
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # where files lie in memory
NGINX = """daemon off; master_process off; worker_processes 1; pid nginx.pid; error_log error.log; {user}
events {{ worker_connections 256; }}
http {{ access_log off; sendfile on;
client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
server {{ listen 127.0.0.1:{port}; root site; }} }}
"""
LEAST_CALLS = 300  # of a slice


def cpu_of(pid):
    """Seconds of CPU time of a process and of its children, to the nanosecond."""
    clock = (~pid << 3) | 2  # as clock_getcpuclockid makes it
    used = time.clock_gettime(clock)
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as children:
            return used + sum(cpu_of(int(child)) for child in children.read().split())
    except OSError:
        return used


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Server:
    """A server under the settings of a state, until the block ends."""

    def __init__(self, command, settings, folder, stop, statuses=(0,)):
        self.command, self.settings, self.folder, self.stop, self.statuses = command, settings, folder, stop, statuses
        self.units = 0

    def __enter__(self):
        self.process = subprocess.Popen(self.command, env=environment(self.settings), cwd=self.folder, text=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        return self

    def __exit__(self, kind, *_):
        try:
            self.stop(self.process)
            status = self.process.wait(timeout=30)
        finally:
            self.process.kill()
            self.process.stdout.close()
        if kind is None and status not in self.statuses:
            raise RuntimeError(f"{self.command[0]}: status {status}")

    def port(self):
        """What it prints first."""
        return int(self.process.stdout.readline() or 0)

    def wait_for(self, port):
        for _ in range(1000):
            if self.process.poll() is not None:
                break
            try:
                return socket.create_connection(("127.0.0.1", port), timeout=10).close()
            except ConnectionRefusedError:
                time.sleep(0.01)
        raise RuntimeError(f"{self.command[0]} does not answer")

    def asked(self, ask, *arguments):
        """What `ask` gives, units and the seconds that they took: the seconds of wall clock and CPU time for one."""
        cpu = cpu_of(self.process.pid)
        units, wall = ask(*arguments)
        self.units += units
        return {"wall": wall / units, "cpu": (cpu_of(self.process.pid) - cpu) / units, "units": self.units}


def wrk(port, path, seconds):
    """Requests made, and in how many seconds."""
    done = subprocess.run(["wrk", "-t", "1", "-c", "16", "-d", f"{seconds}s", f"http://127.0.0.1:{port}{path}"],
                          env=environment(), capture_output=True, text=True, timeout=60, check=True)
    if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise RuntimeError(done.stdout)
    rate = float(done.stdout.split("Requests/sec:")[1].split()[0])
    requests = int(done.stdout.split(" requests in ")[0].split()[-1])
    return requests, requests / rate


def terminate(process):
    process.send_signal(signal.SIGTERM)


def redis(settings, folder):
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]

    def ask(requests):
        done = subprocess.run(["redis-benchmark", "-p", str(port), "-t", "set,get", "-n", str(requests), "-c", "20", "--csv"],
                              env=environment(), capture_output=True, text=True, timeout=60, check=True)
        rates = [float(line.split(",")[1].strip('"')) for line in done.stdout.splitlines() if line.startswith(('"SET"', '"GET"'))]
        return requests * len(rates), sum(requests / rate for rate in rates)

    with Server(command, settings, folder, terminate) as server:
        server.wait_for(port)
        server.asked(ask, 2000)
        return server.asked(ask, 40_000)


def nginx(settings, folder):
    port = free_port()
    os.makedirs(os.path.join(folder, "site"), exist_ok=True)
    with open(os.path.join(folder, "site/small"), "w") as out:
        out.write("x" * 1000)
    with open(os.path.join(folder, "nginx.conf"), "w") as out:
        out.write(NGINX.format(port=port, user="user root;" if os.getuid() == 0 else ""))
    with Server([SBIN_NGINX, "-p", folder + "/", "-c", "nginx.conf", "-e", "error.log"], settings, folder, terminate) as server:
        server.wait_for(port)
        return server.asked(wrk, port, "/small", 1)


def web(command, warm_up, statuses):
    """A server that prints its port."""
    def measure(settings, folder):
        with Server(command, settings, folder, terminate, statuses) as server:
            port = server.port()
            server.asked(wrk, port, "/", warm_up)
            return server.asked(wrk, port, "/", 1)
    return measure


def executed(settings, command, folder, times=1, text=None):
    """A program that runs to its end, so many times: seconds of wall clock and of CPU time for once."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    for _ in range(times):
        done = subprocess.run(command, env=environment(settings), cwd=folder, input=text or "", text=True,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=300)
        if done.returncode != 0 or done.stderr:
            raise RuntimeError(f"{command[0]}: status {done.returncode}: {done.stderr.strip()[:300]}")
    wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall": wall / times, "cpu": cpu / times, "units": 1}


TRANSACTIONS = [
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT);"] + [
    f"INSERT INTO item VALUES ({i}, 'name {i * 7919 % 100003}');" for i in range(30_000)]


def sqlite(settings, folder):
    return executed(settings, ["sqlite3", "database"], folder, text="\n".join(TRANSACTIONS))


def build(settings, folder):
    project.write(folder)
    return executed(settings, ["make", "-s", "-j2"], folder)


@functools.cache
def tree():
    """30,000 small files, made once; they go when the last one who asks has ended."""
    kept = tempfile.TemporaryDirectory(prefix="bench-tree.", dir=MEMORY)
    for part in range(100):
        os.makedirs(os.path.join(kept.name, f"tree/{part}"))
        for name in range(300):
            with open(os.path.join(kept.name, f"tree/{part}/{name}"), "w") as out:
                out.write(f"{name}\n" * 40)
    return kept


def tar(settings, folder):
    return executed(settings, ["tar", "-cf", os.path.join(folder, "tree.tar"), "-C", tree().name, "tree"], folder, times=2)


def python(settings, folder):
    return executed(settings, [PYTHON, "-c", "pass"], folder, times=20)


SBIN_NGINX = "/usr/sbin/nginx"
SERVER_JS = os.path.join(machine.TOP, "bench/servers/server.js")
JAVA = ["java", "-Xshare:auto", "-Xmx256m", "-cp", machine.BUILT, "Server"]

# name: how, what it needs, what is judged (the other is shown), the unit
WORKS = {
    "redis": (redis, ["redis-server", "redis-benchmark"], "cpu", "a request (the start among them)"),
    "nginx": (nginx, [SBIN_NGINX, "wrk"], "wall", "a request (the start among them)"),
    "sqlite": (sqlite, ["sqlite3"], "wall", "30,000 transactions"),
    "make -j2": (build, ["make", "cc"], "wall", "a build of 40 files"),
    "tar": (tar, ["tar"], "wall", "30,000 files"),
    "python start-up": (python, [PYTHON], "wall", "a start"),
    "node server": (web(["node", SERVER_JS], 1, (0,)), ["node", "wrk"], "wall", "a request (the start among them)"),
    "java server": (web(JAVA, 2, (143,)), ["java", built("Server.class"), "wrk"], "wall", "a request (the start among them)"),
}


def counted(report):
    """All calls that a report tells of, and those of them by the trap."""
    with open(report) as lines:
        reports = [json.loads(line) for line in lines]
    calls = sum(one["total"]["calls"] for one in reports)
    return calls, calls - sum(one["fast"] for one in reports)


class Works:
    """All works in all states, measured in rounds."""

    def __init__(self, arms):
        self.states = ["native", *arms]
        self.missing = {name: [need for need in needs if not machine.is_here(need)] for name, (_, needs, _, _) in WORKS.items()}
        self.works = [name for name in WORKS if not self.missing[name]]
        self.samples = {(work, state): [] for work in self.works for state in self.states}
        self.broken = {}

    def slice_of(self, work, state):
        with tempfile.TemporaryDirectory(prefix="bench.", dir=MEMORY) as folder:
            if state == "native":
                return WORKS[work][0]({}, folder)
            report = os.path.join(folder, "report")
            stat = machine.preloaded(USERTRAP_ARM=state, USERTRAP_TOOL="stat", USERTRAP_FORMAT="json", USERTRAP_OUT=report)
            found = WORKS[work][0](stat, folder)
            calls, traps = counted(report)
            if calls < LEAST_CALLS:
                raise RuntimeError(f"{calls} calls were counted")
            return found | {"calls": calls / found["units"], "traps": traps / found["units"]}

    def round(self):
        for work in self.works:
            for state in self.states:
                if (work, state) in self.broken or (work, "native") in self.broken:
                    continue
                try:
                    self.samples[work, state].append(self.slice_of(work, state))
                except (RuntimeError, subprocess.SubprocessError, OSError, ValueError, IndexError, KeyError) as why:
                    self.broken[work, state] = str(why)

    def results(self):
        """By work and state: seconds for a unit, and how much of the native speed that is (in the same round)."""
        found = {}
        for work in self.works:
            found[work] = {"judged": WORKS[work][2], "unit": WORKS[work][3], "states": {}}
            for state in self.states:
                if (work, state) in self.broken or (work, "native") in self.broken:
                    found[work]["states"][state] = {"broken": self.broken.get((work, state)) or "not natively either"}
                    continue
                rounds, native = self.samples[work, state], self.samples[work, "native"]
                found[work]["states"][state] = {
                    what: {"seconds": machine.spread([sample[what] for sample in rounds]),
                           "speed": machine.spread([other[what] / sample[what] for sample, other in zip(rounds, native)])}
                    for what in ("wall", "cpu")}
                for what in ("calls", "traps") if state != "native" else ():
                    found[work]["states"][state][what] = machine.spread([sample[what] for sample in rounds])["median"]
        return found
