# needs: /usr/bin/python3
# timeout: 90
# subprocess in its forms, multiprocessing by each start method, threads, a pool.
cat >tree.py <<'X'
import multiprocessing, os, subprocess, sys, threading
from concurrent.futures import ThreadPoolExecutor

def square(n):
    return n * n + (os.getppid() and 0)

def main():
    print(subprocess.run([sys.executable, "-c", "import sys; print(sys.argv, sys.executable)", "x"], capture_output=True, text=True).stdout)
    print(subprocess.run("echo $0 | cat; exit 4", shell=True).returncode)
    print(subprocess.run(["/bin/sh", "-c", "kill -9 $$"]).returncode)
    print(subprocess.run(["/usr/bin/env"], env={"A": "b"}, capture_output=True, text=True).stdout)
    print(subprocess.check_output(["cat"], input=b"in", preexec_fn=lambda: os.setpgrp(), close_fds=True))
    for method in ["fork", "spawn", "forkserver"]:
        with multiprocessing.get_context(method).Pool(2) as pool:
            print(method, sum(pool.map(square, range(50))))
    with ThreadPoolExecutor(8) as pool:
        print(list(pool.map(lambda n: subprocess.run(["/bin/true"]).returncode, range(24))))
    pid = os.posix_spawn("/bin/echo", ["echo", "spawned"], os.environ)
    print(os.waitpid(pid, 0)[1])
    threads = [threading.Thread(target=lambda: [os.stat("/") for _ in range(500)]) for _ in range(6)]
    [t.start() for t in threads], [t.join() for t in threads]
    if os.fork() == 0:
        os.execv("/bin/sh", ["sh", "-c", "exit 0"])
    os.wait()
    # From a thread that is not the leader.
    sys.stdout.flush()
    threading.Thread(target=lambda: os.execv("/bin/echo", ["echo", "from a thread"])).start()
    threading.Event().wait()

if __name__ == "__main__":
    main()
X
/usr/bin/python3 -u tree.py
