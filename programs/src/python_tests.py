"""Parts of Python's own tests: python_tests.py GROUP. Prints the outcome of each test, in the order they run.

Left out: tests that start a program (execve) and tests that hang or differ natively on some machines. All others
of a module run; whether this Python has a test or not, and what it skips, is compared with the native run.
test_signal starts Python with a text; here a forked child runs that text.
"""
import faulthandler, importlib.util, os, re, sys, traceback, unittest, warnings

GROUPS = {
    "os": {
        "test_os": "URandomTests.test_urandom_subprocess|ForkTests|PidTests|test_setregid_neg1|test_setreuid_neg1"
                   "|EnvironTests|SpawnTests|test_stty_match|test_execvpe_with_bad_program",
        "test_posix": "test_fexecve|test_waitid|test_getgroups|test_register_at_fork|TestPosixSpawn",
        "test_fcntl": "", "test_fileio": "", "test_mmap": "LargeMmapTests", "test_pathlib": "", "test_resource": "",
        "test_stat": "", "test_glob": "", "test_pty": "test_spawn_doesnt_hang", "test_openpty": "",
        "test_tempfile": "on_shutdown|test_noinherit", "test_shutil": "vs_zip|vs_tar|test_unzip", "test_file": "", "test_dbm": "",
        "test_fork1": "test_threaded_import_lock_fork|test_nested_import_lock_fork", "test_wait4": "",
        "test_mailbox": "", "test_zipfile": "CommandLineTest|test_execute_zip|test_encoding_warnings", "test_gc": "Finalization|shutdown|test_function_tp_clear"
                   "|test_gc_main|test_gc_ordinary|test_global_del",
    },
    "threads": {
        "test_thread": "", "test_threadsignals": "", "test_threading_local": "", "test_sched": "", "test_queue": "",
        "test_threading": "ThreadJoinOnShutdown|ThreadingExceptionTests.test_print|test_recursion_limit|AtexitTests"
                          "|test_daemon_threads_fatal|_after_fork|_shutdown|test_finalize|_at_exit|test_import_from",
        "test_signal": "test_interprocess_signal|test_keyboard_interrupt|SiginterruptTest|WakeupSignalTests|test_pthread_kill_main"
                       "|test_itimer_virtual|test_itimer_prof",
        "test_time": "",
    },
    "sockets": {
        "test_socket": "VSOCK|testSourceAddress|Timeout",
        "test_select": "SelectTestCase.test_select$", "test_poll": "test_poll2", "test_epoll": "",
        "test_selectors": "DefaultSelector|test_above_fd_setsize", "test_socketserver": "", "test_timeout": "TCPTimeoutTestCase",
        "test_httpservers": "CGI", "test_urllib2_localnet": "", "test_smtplib": "",
        "test_asyncio.test_sock_lowlevel": "", "test_asyncio.test_unix_events": "",
        "test_asyncio.test_events": "subprocess",
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


def in_child(*arguments, **ignored):
    """What test.support.script_helper.assert_python_ok('-c', text) does, without execve."""
    assert arguments[:-1] == ("-c",), arguments
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        os.dup2(writing, 1)
        os.dup2(writing, 2)
        sys.stdout = open(1, "w", closefd=False)
        sys.stderr = open(2, "w", closefd=False)
        try:
            exec(compile(arguments[-1], "<text>", "exec"), {"__name__": "__main__"})
            status = 0
        except SystemExit as end:
            status = end.code or 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    os.close(writing)
    with open(reading, "rb") as pipe:
        output = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status != 0:
        raise AssertionError(f"status {status}: {output.decode()}")
    return status, output, b""


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
        if module == "test_signal":
            sys.modules["test.test_signal"].assert_python_ok = in_child
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
