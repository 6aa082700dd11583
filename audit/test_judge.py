#!/usr/bin/env python3
"""The judge of audit/compare: what is planted in a run under the library is found, in each of its calls; what is chance
natively is not taken for it. A few seconds; `make test-compare` runs it."""
import sys

sys.dont_write_bytecode = True
import copy, itertools, unittest

import judge
from recorded import Call, End, Signal, tree_of


def opened(number, name):
    return Call(f'openat(AT_FDCWD</dir>, "/data/{name}", O_RDONLY)', f"{number}</data/{name}>")


def read(number, name, data):
    return Call(f'read({number}</data/{name}>, "{data}", 4096)', str(len(data)))


def closed(number, name):
    return Call(f"close({number}</data/{name}>)")


def program():
    """Two processes, one of which has two threads, and a signal with a handler."""
    return {
        "0": [opened(3, "one"), read(3, "one", "first"), read(3, "one", "more"), read(3, "one", ""), closed(3, "one"),
              Call('access("/data/none", R_OK)', "-1 ENOENT (No such file or directory)"),
              Call("clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIGCHLD)", "{0.0}"),
              Call("wait4({0.0}, [{WIFEXITED(s) && WEXITSTATUS(s) == 3}], 0, NULL)", "{0.0}"),
              Call("getppid()", "17"), Call('write(1</out>, "done\\n", 5)', "5"),
              Call("exit_group(0)", "?"), End("exited with 0")],
        "0.0": [opened(4, "two"), read(4, "two", "second"), Call("dup(4</data/two>)", "5</data/two>"), closed(5, "two"),
                Call("clone3({flags=CLONE_VM|CLONE_FILES|CLONE_THREAD, exit_signal=0}, 88)", "{0.0.0}"),
                Call("lseek(4</data/two>, 0, SEEK_SET)"), Call("kill({0.0}, SIGUSR1)"), Signal("SIGUSR1"),
                Call("getuid()", "0"), Call("rt_sigreturn({mask=[]})"), Call("lseek(4</data/two>, 2, SEEK_SET)", "2"),
                closed(4, "two"), Call("exit_group(3)", "?"), End("exited with 3")],
        "0.0.0": [opened(6, "three"), read(6, "three", "third"), Call("fsync(6</data/three>)"), closed(6, "three"),
                  Call("umask(022)", "022"), Call("exit(0)", "?"), End("exited with 0")],
    }


def pool(taken):
    """Workers that take pieces of work from one queue. `taken`: which worker takes which."""
    def worker(numbers):
        pieces = [[Call('read(7<pipe:[1]>, "piece", 5)', "5"), opened(3, f"piece{number}"), read(3, f"piece{number}", "data"),
                   closed(3, f"piece{number}"), Call(f'write(8<pipe:[2]>, "{number} done", 6)', "6")] for number in numbers]
        return [*itertools.chain(*pieces), Call('read(7<pipe:[1]>, "", 5)', "0"), Call("exit_group(0)", "?"), End("exited with 0")]

    workers = [f"0.{number}" for number in range(len(taken))]
    fork = "clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIGCHLD)"
    return {"0": [*(Call(fork, f"{{{path}}}") for path in workers), Call('write(2</err>, "ended\\n", 6)', "6"),
                  Call("exit_group(0)", "?"), End("exited with 0")],
            **{path: worker(numbers) for path, numbers in zip(workers, taken)}}


TAKEN = [[1, 2, 3], [4, 5]], [[1, 3], [2, 4, 5]], [[2], [1, 3, 4, 5]], [[1, 4], [2, 3, 5]]
UNLIKE = [[5, 1, 3, 2], [4]]  # as no native run


# What is planted at a call: a function of a thread's events and of its place among them.
def wrong_result(events, at):
    events[at].result = "12" if events[at].result == "11" else "11"


def wrong_argument(events, at):
    name, rest = events[at].text.split("(", 1)
    events[at].text = f"{name}(0x7, {rest}"


def another_number(events, at):
    events[at].text = events[at].text.replace("(3<", "(19<").replace("(4<", "(19<").replace("(6<", "(19<")


def another_error(events, at):
    events[at].result = "-1 ENOSPC (No space left on device)"


def one_missing(events, at):
    del events[at]


def one_too_many(events, at):
    events.insert(at, copy.copy(events[at]))


def another_call(events, at):
    events.insert(at, Call("getpgrp()", "1"))


def two_exchanged(events, at):
    events[at], events[at + 1] = events[at + 1], events[at]


EVERYWHERE = wrong_result, wrong_argument, another_number, another_error, one_missing, one_too_many, another_call, two_exchanged
# What does not come back has no result, and comes last; what makes a thread is found by the threads.
OF_RESULTS = {wrong_result, another_error}
NOT_AT = {"exit": set(EVERYWHERE) - {one_missing}, "exit_group": set(EVERYWHERE) - {one_missing}, "rt_sigreturn": OF_RESULTS,
          "clone": EVERYWHERE, "clone3": EVERYWHERE}


def planted(threads, plants):
    """Each of the program with one thing planted -> (what, where, the threads)."""
    for plant in plants:
        for path, events in threads.items():
            for at, event in enumerate(events):
                if not isinstance(event, Call) or plant in NOT_AT.get(event.name, ()):
                    continue
                changed = copy.deepcopy(threads)
                plant(changed[path], at)
                if [vars(one) for one in changed[path]] != [vars(one) for one in events]:
                    yield plant.__name__, f"{path}, {at}: {event.text}", changed


def judged(natives, unders):
    natives = [tree_of(native, False, 1000 + 100 * number) for number, native in enumerate(natives)]
    return judge.compare(natives, [tree_of(under, True, 5000 + 100 * number) for number, under in enumerate(unders)])


class Alike(unittest.TestCase):
    """Where the native runs do the same."""

    def test_the_same_is_equal(self):
        for natives in 1, 2, 8:
            verdict = judged([program()] * natives, [program()])
            self.assertEqual((verdict.word, verdict.difference, verdict.strict, verdict.loose), ("equal", "", 3, 0))

    def test_what_is_planted_at_any_call_is_found(self):
        count = 0
        for what, where, under in planted(program(), EVERYWHERE):
            for natives in 1, 2:
                with self.subTest(what=what, where=where, natives=natives):
                    self.assertEqual(judged([program()] * natives, [under]).word, "different")
            count += 1
        self.assertGreater(count, 150)

    def test_a_difference_in_one_run_of_several_is_chance(self):
        for what, where, under in itertools.islice(planted(program(), [one_missing, wrong_result]), 0, None, 5):
            with self.subTest(what=what, where=where):
                self.assertEqual(judged([program()] * 4, [under, program()]).word, "equal")

    def test_a_wrong_signal(self):
        for signal in Signal("SIGUSR2"), Signal("SIGUSR1", "SI_TKILL"):
            under = program()
            under["0.0"][7] = signal
            self.assertEqual(judged([program()] * 2, [under]).word, "different")

    def test_a_signal_missing_late_or_twice(self):
        for change in one_missing, one_too_many, two_exchanged:
            under = program()
            change(under["0.0"], 7)
            with self.subTest(change=change.__name__):
                self.assertEqual(judged([program()] * 2, [under]).word, "different")

    def test_a_call_in_the_wrong_thread(self):
        for at in 1, 2, 3, 4:
            under = program()
            under["0.0"].insert(6, under["0.0.0"].pop(at))
            self.assertEqual(judged([program()] * 2, [under]).word, "different")

    def test_another_end(self):
        for path in program():
            under = program()
            under[path][-1] = End("killed by SIGTERM")
            with self.subTest(path=path):
                self.assertEqual(judged([program()] * 2, [under]).word, "different")

    def test_a_thread_that_is_not_made(self):
        under = program()
        del under["0.0.0"], under["0.0"][4]
        self.assertEqual(judged([program()] * 2, [under]).word, "different")

    def test_a_call_of_ours_that_is_not_stated(self):
        under = program()
        under["0"].insert(3, Call("getdents64(5</dir>, 0x1, 32768)", "0"))
        under["0"][3].under = lambda ip, trapped: ["[0000580000001082] setuid(0) = 0"]
        for unders in [under], [under, program()]:
            self.assertIn("not stated", judged([program()] * 2, unders).difference)


class ArgumentsDiffer(unittest.TestCase):
    """Where in the native runs only arguments differ: what they have in common is compared."""

    @staticmethod
    def with_times(data, count):
        threads = program()
        threads["0"][1:1] = [Call(f'read(3</dev/urandom>, "{data}", 16)', "16"), Call(f"getrlimit(RLIMIT_AS, {count})"),
                             Call(f"ioctl(3</data/one>, FIONREAD, [{count}])")]
        return threads

    def setUp(self):
        self.natives = [self.with_times(data, count) for data, count in (("some", 3), ("other \\\" = data", 9), ("third", 4))]

    def test_others_again_are_equal(self):
        self.assertEqual(judged(self.natives, [self.with_times("fourth", 77)]).word, "equal")

    def test_what_is_planted_is_found(self):
        for what, where, under in planted(self.with_times("fourth", 77), EVERYWHERE):
            with self.subTest(what=what, where=where):
                self.assertEqual(judged(self.natives, [under]).word, "different")


class Pools(unittest.TestCase):
    """Where workers take what is next: each run is another one."""

    def setUp(self):
        self.natives = [pool(taken) for taken in TAKEN]

    def test_another_distribution_is_equal(self):
        for taken in UNLIKE, [[], [1, 2, 3, 4, 5]]:
            verdict = judged(self.natives, [pool(taken)])
            self.assertEqual((verdict.word, verdict.difference), ("loosely equal", ""))

    def test_that_of_a_native_run_is_as_good_as_equal(self):
        for taken in TAKEN:
            self.assertEqual(judged(self.natives, [pool(taken)]).word, "equal")

    def test_what_is_planted_is_found(self):
        for what, where, under in planted(pool(UNLIKE), set(EVERYWHERE) - {two_exchanged, another_number}):
            if what == "one_missing" and "exit_group" in where:
                continue  # as where another thread ends the process
            with self.subTest(what=what, where=where):
                self.assertEqual(judged(self.natives, [under]).word, "different")

    def test_of_other_work_in_each_run_something_is_chance(self):
        wrong = pool(UNLIKE)
        wrong["0.0"][1].result = "-1 EMFILE (Too many open files)"
        self.assertEqual(judged(self.natives, [wrong, pool(UNLIKE)]).word, "loosely equal")
        self.assertEqual(judged(self.natives, [wrong, wrong]).word, "different")


class Chance(unittest.TestCase):
    """What is no difference, and what looks like it."""

    def both(self, native, under):
        threads, others = program(), program()
        threads["0"][1:1] = native
        others["0"][1:1] = under
        return judged([threads] * 2, [others]).word

    def test_a_call_made_on_after_a_signal_that_is_not_compared(self):
        once = [Call("poll([{fd=3, events=POLLIN}], 1, 50)", "0 (Timeout)")]
        twice = [Call("poll([{fd=3, events=POLLIN}], 1, 50)", "? ERESTART_RESTARTBLOCK (Interrupted by signal)"),
                 Signal("SIGCHLD", "CLD_EXITED"), Call("restart_syscall(<... resuming interrupted poll ...>)", "0 (Timeout)")]
        self.assertEqual(self.both(once, twice), "equal")
        self.assertEqual(self.both(twice, once), "equal")
        twice[-1].result = "1"
        self.assertEqual(self.both(once, twice), "different")

    def test_a_handler_of_sigchld_that_finds_no_child(self):
        def handler(*calls):
            return [Call("getpgid(0)", "1"), Signal("SIGCHLD", "CLD_EXITED"), *calls, Call("rt_sigreturn({mask=[]})")]

        nothing = Call("wait4(-1, 0x7ffc0010, WNOHANG, NULL)", "-1 ECHILD (No child processes)")
        other = Call("wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 3}], WNOHANG, NULL)", "77")
        plain = [Call("getpgid(0)", "1")]
        for none in handler(), handler(nothing), [*plain, Signal("SIGCHLD", "CLD_EXITED")]:
            self.assertEqual(self.both(plain, none), "equal")
            self.assertEqual(self.both(none, plain), "equal")
        for some in handler(other), handler(Call("getuid()")), handler(other, nothing):
            self.assertEqual(self.both(plain, some), "different")
            self.assertEqual(self.both(some, plain), "different")

    def test_draws_of_names(self):
        draw = Call('getrandom("\\x01\\x02", 8, GRND_NONBLOCK)', "8")
        self.assertEqual(self.both([], [draw, draw]), "equal")
        self.assertEqual(self.both([], [Call('getrandom("\\x01\\x02", 16, 0)', "16")]), "different")

    def test_rounds_of_a_loop_that_sleeps(self):
        def loop(rounds, sleep="nanosleep({tv_sec=0, tv_nsec=1000000}, NULL)"):
            return [Call("getpgid(0)", "1"), Call(sleep)] * rounds

        by_select = "pselect6(0, NULL, NULL, NULL, {tv_sec=0, tv_nsec=1000000}, NULL)"
        self.assertEqual(self.both(loop(2, by_select), loop(3, by_select)), "equal")
        self.assertEqual(self.both(loop(2), loop(5)), "equal")
        self.assertEqual(self.both(loop(2), [*loop(5), Call("getpgid(0)", "2")]), "different")

    def test_the_tree_file_is_not_the_applications(self):
        self.assertEqual(self.both([Call("close(4)", "-1 EBADF (Bad file descriptor)")], []), "equal")
        self.assertEqual(self.both([Call("close(40)", "-1 EBADF (Bad file descriptor)")], []), "different")


if __name__ == "__main__":
    unittest.main()
