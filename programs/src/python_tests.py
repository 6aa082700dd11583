"""Parts of Python's own tests: python_tests.py GROUP. Prints the outcome of each test, in the order they run.

Left out: tests that only wait (for timeouts of a second and more), and tests that hang or differ natively on some
machines. All others of a module run; whether this Python has a test or not, and what it skips, is compared with the
native run.
"""
import faulthandler, importlib.util, os, re, sys, unittest, warnings

GROUPS = {
    "os": {
        "test_os": "test_stty_match", "test_posix": "test_getgroups",
        "test_fcntl": "", "test_fileio": "", "test_mmap": "LargeMmapTests", "test_pathlib": "", "test_resource": "",
        "test_stat": "", "test_glob": "", "test_pty": "", "test_openpty": "",
        "test_tempfile": "", "test_shutil": "", "test_file": "", "test_dbm": "",
        "test_fork1": "ForkWait", "test_wait4": "ForkWait", "test_mailbox": "", "test_zipfile": "Lzma|Bzip2", "test_gc": "",
    },
    "threads": {
        "test_thread": "", "test_threadsignals": "", "test_threading_local": "", "test_sched": "", "test_queue": "",
        "test_threading": "",
        "test_signal": "test_itimer_virtual|test_itimer_prof|SiginterruptTest",
        "test_time": "",
    },
    "signals": {
        "test_faulthandler": "",
        # What "threads" leaves out.
        "test_signal": "^(?!.*(test_itimer_virtual|test_itimer_prof|SiginterruptTest))",
    },
    "sockets": {
        "test_socket": "VSOCK|testSourceAddress|Timeout",
        "test_select": "SelectTestCase.test_select$", "test_poll": "test_poll2", "test_epoll": "",
        "test_selectors": "DefaultSelector|test_above_fd_setsize", "test_socketserver": "", "test_timeout": "TCPTimeoutTestCase",
        "test_httpservers": "CGI", "test_urllib2_localnet": "", "test_smtplib": "",
        "test_asyncio.test_sock_lowlevel": "", "test_asyncio.test_unix_events": "",
        "test_asyncio.test_events": "",
    },
    "programs": {
        "test_subprocess": "test_check_output_timeout|_dead$|test_communicate_repeated|test_communicate_timeout",
        "test_popen": "", "test_script_helper": "", "test_cmd_line_script": "", "test_atexit": "",
        "test_asyncio.test_subprocess": "SafeWatcher|FastWatcher|test_kill_issue43884|test_read_stdout_after|test_stdin_broken",
        "test_multiprocessing_main_handling": "compiled|subpackage|test_directory|no_suffix|ipython", "test_eintr": "",
    },
}


# The tests' own prints hold process ids, ports and times.
output = os.fdopen(os.dup(1), "w")
sys.stdout = open(os.devnull, "w")


class Printing(unittest.TestResult):
    def say(self, test, outcome, problem=None):
        print(test.id(), outcome, file=output, flush=True)
        if problem:
            print(test.id(), self._exc_info_to_string(problem, test), file=sys.stderr, flush=True)

    def addSuccess(self, test):
        self.say(test, "ok")

    def addSkip(self, test, reason):
        self.say(test, "skipped")

    def addError(self, test, problem):
        super().addError(test, problem)
        self.say(test, "ERROR", problem)

    def addFailure(self, test, problem):
        super().addFailure(test, problem)
        self.say(test, "FAILED", problem)

    def addExpectedFailure(self, test, problem):
        self.say(test, "failed as expected")


def tests_of(suite):
    for member in suite:
        if isinstance(member, unittest.TestSuite):
            yield from tests_of(member)
        else:
            yield member


def main():
    faulthandler.enable()
    faulthandler.dump_traceback_later(150, exit=True)
    warnings.simplefilter("ignore")
    result = Printing()
    for module, left_out in GROUPS[sys.argv[1]].items():
        if importlib.util.find_spec("test." + module) is None:
            print(module, "is not in this Python", file=output)
            continue
        suite = unittest.defaultTestLoader.loadTestsFromName("test." + module)
        if left_out:
            kept = lambda test: not re.search(left_out, test.id())
            # The loader's suites stay as they are, for the fixtures of their classes and modules.
            for part in suite:
                if isinstance(part, unittest.TestSuite):
                    part._tests = [test for test in tests_of(part) if kept(test)]
        suite.run(result)
    print(result.testsRun, "run", file=output)
    sys.exit(0 if result.wasSuccessful() else 1)


main()
