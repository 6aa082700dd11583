"""Processes of python3: multiprocessing by fork, spawn and forkserver, concurrent.futures, subprocess, os.exec*."""
import asyncio, concurrent.futures, multiprocessing, os, shutil, signal, subprocess, sys, threading, time


def square(number):
    return number * number


def worker(jobs, results, total, lock, barrier):
    barrier.wait()
    while (job := jobs.get()) is not None:
        results.put((job, job * 2))
        with total.get_lock():
            total.value += job
    with lock:
        pass


def stop_self(number):
    os.kill(os.getpid(), number)


def leave(status):
    sys.exit(status)


def say(connection):
    connection.send([connection.recv(), multiprocessing.current_process().name])


def with_method(method):
    context = multiprocessing.get_context(method)
    with context.Pool(3) as pool:
        print(method, "pool", sum(pool.map(square, range(200), chunksize=7)), pool.apply(divmod, (17, 5)))
    jobs, results = context.Queue(), context.Queue()
    total, lock, barrier = context.Value("q", 0), context.Lock(), context.Barrier(2)
    workers = [context.Process(target=worker, args=(jobs, results, total, lock, barrier)) for _ in range(2)]
    for process in workers:
        process.start()
    for job in range(100):
        jobs.put(job)
    for _ in workers:
        jobs.put(None)
    doubled = sorted(results.get(timeout=20) for _ in range(100))
    for process in workers:
        process.join()
    print(method, "queues", sum(b for _, b in doubled), total.value, [process.exitcode for process in workers])
    ends = [context.Process(target=stop_self, args=(signal.SIGTERM,)), context.Process(target=leave, args=(7,))]
    for process in ends:
        process.start()
    for process in ends:
        process.join()
    print(method, "exit codes", [process.exitcode for process in ends])
    here, there = context.Pipe()
    process = context.Process(target=say, args=(there,), name="named")
    process.start()
    here.send({"method": method})
    print(method, "pipe", here.recv())
    process.join()
    if method != "fork":
        return
    with context.Manager() as manager:
        shared = manager.dict(a=1)
        process = context.Process(target=shared.update, args=({"b": 2},))
        process.start()
        process.join()
        print(method, "manager", dict(shared))


def futures():
    for method in ("fork", "spawn"):
        context = multiprocessing.get_context(method)
        with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
            print("futures", method, sum(pool.map(square, range(50))), pool.submit(pow, 3, 4).result())
            try:
                pool.submit(os._exit, 3).result()
            except concurrent.futures.process.BrokenProcessPool:
                print("futures", method, "broken pool")


def programs():
    run = lambda *words, **more: subprocess.run(words, capture_output=True, text=True, **more)
    print(run(sys.executable, "-c", "import sys; print(sys.argv, sys.stdin.read())", "a b", "", input="text"))
    print(run("sh", "-c", "echo out; echo err >&2; kill -9 $$").returncode)
    print(run("cat /proc/self/comm; exit 4", shell=True))
    print(run("/usr/bin/env", env={"ONLY": "one"}).stdout.count("ONLY=one"))
    print(run("sh", "-c", "ls -d /proc/self/fd/[3-9] | wc -l", pass_fds=[os.dup2(1, 7)], close_fds=True).stdout.strip())
    print(run("pwd", cwd="/").stdout, run("sh", "-c", "ulimit -n", preexec_fn=lambda: os.nice(1)).returncode)
    for words in (["/nonexistent"], ["/"], ["/etc/passwd"]):
        try:
            subprocess.run(words)
        except OSError as error:
            print(type(error).__name__, error.errno, words)
    try:
        subprocess.run(["sleep", "30"], timeout=0.1)
    except subprocess.TimeoutExpired:
        print("timed out")
    first = subprocess.Popen(["seq", "1000"], stdout=subprocess.PIPE)
    second = subprocess.Popen(["sort", "-rn"], stdin=first.stdout, stdout=subprocess.PIPE, start_new_session=True)
    print(len(second.communicate()[0]), first.wait(), second.returncode)
    print(os.system("exit 3"), os.popen("echo popen").read(), os.spawnlp(os.P_WAIT, "true", "true"))
    print(os.waitstatus_to_exitcode(os.waitpid(os.posix_spawn("/bin/sh", ["sh", "-c", "exit 5"], {}), 0)[1]))
    print(shutil.which("sh") is not None, os.get_exec_path() != [])
    outcomes = []

    def many():
        for _ in range(15):
            outcomes.append(subprocess.call(["/bin/true"]))

    threads = [threading.Thread(target=many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print("from threads", len(outcomes), sum(outcomes))


def from_a_thread():
    """An exec by a thread that is not the first one, while others run."""
    child = os.fork()
    if child == 0:
        for _ in range(3):
            threading.Thread(target=time.sleep, args=(30,), daemon=True).start()
        threading.Thread(target=os.execv, args=("/bin/sh", ["sh", "-c", "exit $(ls /proc/$$/task | wc -l)"])).start()
        time.sleep(30)
    print("exec by a thread", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


async def asynchronous():
    async def one(number):
        process = await asyncio.create_subprocess_exec("expr", str(number), "*", "2", stdout=asyncio.subprocess.PIPE)
        return int((await process.communicate())[0])

    print("asyncio", await asyncio.gather(*(one(number) for number in range(1, 13))))


if __name__ == "__main__":
    for method in ("fork", "spawn", "forkserver"):
        with_method(method)
    futures()
    sys.stdout.flush()
    programs()
    sys.stdout.flush()
    from_a_thread()
    asyncio.run(asynchronous())
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-c", "print('executed itself')"])
