"""Threads of python3: locks, queues, files, sockets, signals, timers, forks (no exec)."""
import hashlib, os, queue, select, signal, socket, sys, tempfile, threading, time
from concurrent.futures import ThreadPoolExecutor


def pipeline():
    jobs, done = queue.Queue(16), queue.Queue()

    def work():
        while (job := jobs.get()) is not None:
            done.put(hashlib.sha256(str(job).encode()).hexdigest())

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for job in range(3000):
        jobs.put(job)
    for _ in threads:
        jobs.put(None)
    for thread in threads:
        thread.join()
    every = sorted(done.get() for _ in range(3000))
    print("pipeline", hashlib.sha256("".join(every).encode()).hexdigest()[:16])


def files():
    def one(number):
        with tempfile.NamedTemporaryFile(dir=".") as file:
            file.write(b"x" * number)
            file.flush()
            return os.stat(file.name).st_size

    with ThreadPoolExecutor(6) as pool:
        print("files", sum(pool.map(one, range(1500))))


def echo():
    server = socket.create_server(("127.0.0.1", 0))

    def serve():
        poll, peers, open_peers = select.epoll(), {server.fileno(): server}, 4
        poll.register(server, select.EPOLLIN)
        while open_peers:
            for fd, _ in poll.poll():
                if fd == server.fileno():
                    peer, _ = server.accept()
                    peers[peer.fileno()] = peer
                    poll.register(peer, select.EPOLLIN)
                elif data := peers[fd].recv(4096):
                    peers[fd].sendall(data)
                else:
                    poll.unregister(fd)
                    peers.pop(fd).close()
                    open_peers -= 1

    thread = threading.Thread(target=serve)
    thread.start()

    def client(number):
        total = 0
        with socket.create_connection(server.getsockname()) as link:
            for i in range(500):
                link.sendall(f"{number} {i:06}\n".encode())
                want = len(f"{number} {i:06}\n")
                while want:
                    data = link.recv(want)
                    want -= len(data)
                    total += len(data)
        return total

    with ThreadPoolExecutor(4) as pool:
        print("echo", sum(pool.map(client, range(4))))
    thread.join()
    server.close()


def timers():
    ticks = 0

    def tick(number, frame):
        nonlocal ticks
        ticks += 1

    signal.signal(signal.SIGALRM, tick)
    signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
    end = time.monotonic() + 0.5
    reads = 0
    with open("/dev/zero", "rb", buffering=0) as zero:
        while time.monotonic() < end:
            reads += len(zero.read(512)) == 512
            time.sleep(0.0005)
    signal.setitimer(signal.ITIMER_REAL, 0)
    print("timers", ticks > 50, reads > 100)


def forks():
    for code in range(30):
        child = os.fork()
        if child == 0:
            os._exit(code if os.getppid() > 0 else 99)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == code
    print("forks", 30)


def many_threads():
    count, lock = [0], threading.Lock()

    def one():
        with lock:
            count[0] += 1

    for _ in range(20):
        threads = [threading.Thread(target=one) for _ in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    print("threads", count[0])


for part in (pipeline, files, echo, timers, forks, many_threads):
    part()
sys.exit(7)
