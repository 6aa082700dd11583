"""What the scripts here have in common: the machine, where things lie, environments, medians."""

import os, platform, shutil, statistics, subprocess

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILT = os.path.join(TOP, "build/bench")
RELEASE = os.path.join(TOP, "target/release")
LIBRARY = os.path.join(RELEASE, "libusertrap.so")
COMMAND = os.path.join(RELEASE, "usertrap")


def built(name):
    """A program or library of this directory."""
    return os.path.join(BUILT, name)


def environment(settings=None):
    """Ours without any setting of the library's, and these."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("USERTRAP_", "BENCH_")) and k != "LD_PRELOAD"} | (settings or {})


def preloaded(library=LIBRARY, **settings):
    """Settings that have a program preloaded."""
    return {"LD_PRELOAD": library, "USERTRAP_UNFIT": "refuse"} | settings


def is_here(name):
    return os.path.exists(name) or shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") is not None


def arms():
    """The arms that this build has: the one without a kernel's tax only where there is it."""
    vetted = subprocess.run(["true"], env=environment(preloaded(USERTRAP_ARM="vetted")), capture_output=True)
    return ["seccomp", "sud"] + (["vetted"] if vetted.returncode == 0 and not vetted.stderr else [])


def load():
    with open("/proc/loadavg") as text:
        return [float(part) for part in text.read().split()[:3]]


def spread(values):
    """The median and the quartiles of a sample; of a small one, its ends."""
    values = sorted(values)
    low, high = (values[0], values[-1]) if len(values) < 4 else statistics.quantiles(values, n=4, method="inclusive")[::2]
    return {name: float(f"{value:.5g}") for name, value in [("median", statistics.median(values)), ("low", low), ("high", high)]}


def about():
    def first(path, key):
        with open(path) as lines:
            return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(key)), "?")

    folder = "/sys/devices/system/cpu/vulnerabilities"
    mitigations = {}
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        with open(os.path.join(folder, name)) as text:
            if (value := text.read().strip()) != "Not affected":
                mitigations[name] = value
    return {
        "cpu": first("/proc/cpuinfo", "model name"),
        "family_model": f"{first('/proc/cpuinfo', 'cpu family')}/{first('/proc/cpuinfo', 'model')}",
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "libc": " ".join(platform.libc_ver()),
        "commit": subprocess.run(["git", "-C", TOP, "describe", "--always", "--dirty"],
                                 capture_output=True, text=True).stdout.strip() or "none",
        "mitigations": mitigations,
    }


def heading(machine):
    return (f"{machine['cpu']} (family/model {machine['family_model']}), {machine['cores']} cores, Linux {machine['kernel']}, "
            f"{machine['libc']}, commit {machine['commit']}")
