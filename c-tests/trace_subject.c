// user: root
// cflags: -Wno-unused-result -Wno-nonnull
// The program that the trace_*.sh tests run under the trace tool and under strace: many calls with what can be
// said of their arguments, and the ways to end.
#include "check.h"
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/xattr.h>
#include <time.h>
#include <utime.h>
#include <linux/futex.h>

static char bytes[8192];
// Nothing is mapped there.
static char *volatile nowhere = (char *)16;

static void handler(int signal) { (void)signal; }

static void files(void) {
    struct stat st;
    struct statx sx;
    fstat(0, &st);
    stat("/", &st);
    stat("/nonexistent", &st);
    lstat("/proc/self/exe", &st);
    syscall(SYS_stat, "/dev/null", &st);
    syscall(SYS_lstat, "/etc/passwd", &st);
    statx(AT_FDCWD, "/etc/passwd", 0, STATX_BASIC_STATS | STATX_BTIME, &sx);
    statx(AT_FDCWD, "/etc", AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC, STATX_MODE, &sx);
    int etc = open("/etc", O_RDONLY | O_DIRECTORY);
    syscall(SYS_getdents64, etc, bytes, sizeof bytes);
    close(etc);
    int file = open("file", O_RDWR | O_CREAT | O_TRUNC, 0640);
    write(file, "hello\n\1\377", 8);
    pwrite(file, "x", 1, 100);
    lseek(file, 0, SEEK_SET);
    read(file, bytes, 100);
    read(file, NULL, 10);
    read(file, bytes, 1000);
    struct iovec out[3] = {{"ab", 2}, {"cde", 3}, {NULL, 0}}, in[2] = {{bytes, 3}, {bytes + 10, 100}};
    writev(file, out, 3);
    writev(file, out, 0);
    lseek(file, 0, SEEK_SET);
    readv(file, in, 2);
    preadv(file, in, 2, 1);
    pwritev(file, out, 2, 7);
    fcntl(file, F_GETFD);
    fcntl(file, F_SETFD, FD_CLOEXEC);
    fcntl(file, F_GETFD);
    fcntl(file, F_GETFL);
    fcntl(file, F_SETFL, O_NONBLOCK | O_APPEND);
    fcntl(file, F_DUPFD, 100);
    fcntl(file, F_DUPFD_CLOEXEC, 100);
    struct flock lock = {.l_type = F_WRLCK, .l_len = 10};
    fcntl(file, F_SETLK, &lock);
    fcntl(file, F_GETLK, &lock);
    flock(file, LOCK_EX | LOCK_NB);
    fcntl(file, 99, 1);
    fallocate(file, FALLOC_FL_KEEP_SIZE, 0, 10);
    posix_fadvise(file, 0, 0, POSIX_FADV_SEQUENTIAL);
    fsync(file);
    ftruncate(file, 5);
    access("/x", F_OK);
    access("/x", R_OK | W_OK);
    umask(022);
    mkdir("directory", 0755);
    rmdir("directory");
    chmod("file", 0600 | S_ISUID);
    chown("file", -1, -1);
    rename("file", "moved");
    symlink("a", "link");
    readlink("link", bytes, 100);
    unlink("link");
    link("/a", "/b");
    truncate("moved", 10);
    struct timespec times[2] = {{1, 2}, {0, UTIME_NOW}};
    utimensat(AT_FDCWD, "moved", NULL, 0);
    utimensat(AT_FDCWD, "moved", times, AT_SYMLINK_NOFOLLOW);
    mknod("fifo", S_IFIFO | 0600, 0);
    unlink("fifo");
    openat(AT_FDCWD, nowhere, O_RDONLY);
    open("/nonexistent/a\nb", O_WRONLY | O_EXCL);
    write(file, bytes, 5000);
    write(file, NULL, 0);
    write(-1, bytes, 0);
    write(file, nowhere, 20);
    close(file);
    int here = open(".", O_PATH);
    chdir("/");
    getcwd(bytes, 100);
    fchdir(here);
    int memory = memfd_create("memory", MFD_CLOEXEC);
    mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    void *map = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_POPULATE, memory, 4096);
    mprotect(map, 4096, PROT_NONE);
    mremap(map, 8192, 4096, MREMAP_MAYMOVE);
    madvise(map, 4096, MADV_DONTNEED);
    msync(map, 4096, MS_SYNC);
    munmap(map, 4096);
    mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_FIXED, 9, 0);
}

static void waits(void) {
    int ends[2];
    pipe(ends);
    pipe2(ends, O_CLOEXEC | O_NONBLOCK);
    pipe2(ends, -1);
    struct pollfd polled[2] = {{.fd = ends[0], .events = POLLIN}, {.fd = ends[1], .events = POLLOUT | POLLIN}};
    poll(polled, 2, 0);
    poll(polled, 1, 0);
    poll(NULL, 0, 1);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGRTMIN);
    struct timespec time = {.tv_nsec = 1000};
    ppoll(polled, 1, &time, &set);
    fd_set readable, writable;
    FD_ZERO(&readable);
    FD_ZERO(&writable);
    FD_SET(ends[0], &readable);
    struct timeval none = {0, 0};
    syscall(SYS_select, ends[0] + 1, &readable, NULL, NULL, &none);
    FD_SET(ends[0], &readable);
    FD_SET(ends[1], &writable);
    syscall(SYS_select, ends[1] + 1, &readable, &writable, NULL, &none);
    FD_SET(ends[0], &readable);
    pselect(ends[0] + 1, &readable, NULL, NULL, &time, &set);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = 5}, events[3];
    epoll_ctl(epoll, EPOLL_CTL_ADD, ends[1], &event);
    event.events = EPOLLOUT;
    epoll_ctl(epoll, EPOLL_CTL_MOD, ends[1], &event);
    epoll_wait(epoll, events, 3, 0);
    epoll_pwait(epoll, events, 3, 0, &set);
    epoll_ctl(epoll, EPOLL_CTL_DEL, ends[1], NULL);
    epoll_wait(epoll, events, 3, 0);
    clock_getres(CLOCK_MONOTONIC, &time);
    time.tv_sec = 0;
    time.tv_nsec = 100;
    nanosleep(&time, NULL);
    clock_nanosleep(CLOCK_MONOTONIC, 0, &time, &time);
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct itimerspec interval = {{1, 2}, {3, 4}};
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &interval, &interval);
    signalfd(-1, &set, SFD_CLOEXEC);
    eventfd(3, EFD_SEMAPHORE);
    inotify_init1(IN_CLOEXEC);
    inotify_add_watch(timer, "/tmp", IN_CREATE | IN_DELETE);
    ioctl(timer, TCGETS, bytes);
    ioctl(ends[0], FIONREAD, bytes);
    int one = 1;
    ioctl(ends[0], FIONBIO, &one);
    ioctl(0, 0x1234567, bytes);
    int word = 1, other = 1;
    time.tv_nsec = 100;
    syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 5, &time);
    syscall(SYS_futex, &word, FUTEX_WAKE, 1);
    syscall(SYS_futex, &word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 5, 0, 0, -1);
    syscall(SYS_futex, &word, FUTEX_CMP_REQUEUE_PRIVATE, 1, 2, &other, 7);
    syscall(SYS_futex, &word, FUTEX_WAKE_OP, 1, 1, &other, 0x4000001);
}

static void sockets(void) {
    int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP), one = 1;
    struct sockaddr_in internet = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof internet;
    setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    bind(server, (void *)&internet, sizeof internet);
    listen(server, 5);
    getsockname(server, (void *)&internet, &len);
    int client = socket(AF_INET, SOCK_STREAM, 0);
    connect(client, (void *)&internet, sizeof internet);
    int accepted = accept(server, (void *)&internet, &len);
    accept4(-1, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    send(client, "hi", 2, MSG_NOSIGNAL);
    recv(accepted, bytes, 10, 0);
    len = sizeof one;
    getsockopt(server, SOL_SOCKET, SO_ERROR, &one, &len);
    struct iovec out[2] = {{"ab", 2}, {"cde", 3}}, in = {bytes, 3};
    struct msghdr message = {.msg_iov = out, .msg_iovlen = 2};
    sendmsg(client, &message, 0);
    message.msg_iov = &in;
    message.msg_iovlen = 1;
    recvmsg(accepted, &message, 0);
    shutdown(accepted, SHUT_WR);
    int local = socket(AF_UNIX, SOCK_DGRAM, 0);
    struct sockaddr_un name = {AF_UNIX, "/tmp/nonexistent/socket"};
    connect(local, (void *)&name, sizeof name);
    strcpy(name.sun_path + 1, "usertrap-trace-subject");
    name.sun_path[0] = 0;
    bind(local, (void *)&name, 25);
    sendto(local, "x", 1, 0, (void *)&name, 25);
    len = sizeof name;
    recvfrom(local, bytes, 100, MSG_DONTWAIT, (void *)&name, &len);
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(80), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    connect(-1, (void *)&six, sizeof six);
    int pair[2];
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
}

static void processes(void) {
    struct rusage usage;
    struct utsname name;
    struct rlimit limit;
    cpu_set_t cpus;
    getrlimit(RLIMIT_NOFILE, &limit);
    setrlimit(RLIMIT_NOFILE, &limit);
    uname(&name);
    sched_getaffinity(0, sizeof cpus, &cpus);
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigaddset(&action.sa_mask, SIGUSR1);
    sigaction(SIGUSR2, &action, NULL);
    sigaction(SIGUSR2, NULL, &action);
    sigset_t set;
    sigfillset(&set);
    sigset_t before;
    sigprocmask(SIG_BLOCK, &set, &before);
    sigprocmask(SIG_SETMASK, &before, NULL);
    kill(getpid(), 0);
    raise(SIGUSR2);
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    siginfo_t info;
    struct timespec now = {0, 0};
    sigtimedwait(&set, &info, &now);
    raise(SIGALRM);
    sigtimedwait(&set, &info, &now);
    struct itimerval timer = {{0, 0}, {100, 5}};
    setitimer(ITIMER_REAL, &timer, NULL);
    int status;
    pid_t child = fork();
    if (!child) _exit(3);
    wait4(child, &status, 0, NULL);
    child = fork();
    if (!child) raise(SIGKILL);
    waitid(P_PID, child, &info, WEXITED);
    child = fork();
    if (!child) {
        execve("/nonexistent", (char *[]){"a", "b", NULL}, (char *[]){"X=1", NULL});
        execl("/bin/true", "true", "it is", NULL);
    }
    wait4(child, &status, 0, &usage);
    child = vfork();
    if (!child) _exit(0);
    waitpid(child, &status, 0);
    waitpid(-1, &status, WNOHANG);
    gid_t groups[3];
    uid_t ids[3];
    getgroups(0, groups);
    getresuid(&ids[0], &ids[1], &ids[2]);
    setresuid(-1, ids[1], -1);
    sched_getscheduler(0);
    sched_get_priority_max(1);
    prctl(PR_SET_NAME, "abc");
    prctl(PR_GET_NAME, bytes);
    prctl(PR_SET_DUMPABLE, 1);
    syscall(SYS_getcpu, NULL, NULL, NULL);
    syscall(SYS_close_range, 100, 200, 4);
    syscall(500, 1, 2, 3, 4, 5, 6);
}

// System V's IPC, mounts that fail, capabilities, and vectors of messages.
static void rare(void) {
    struct sembuf operations[2] = {{0, 1, SEM_UNDO}, {1, -1, IPC_NOWAIT | SEM_UNDO}};
    unsigned short values[2] = {1, 2};
    struct semid_ds semaphores;
    int id = semget(IPC_PRIVATE, 2, IPC_CREAT | IPC_EXCL | 0600);
    semop(id, operations, 1);
    semop(id, operations, 2);
    semop(id, (void *)nowhere, 1);
    semctl(id, 0, SETVAL, 5);
    semctl(id, 1, GETVAL);
    semctl(id, 0, SETALL, values);
    semctl(id, 0, IPC_STAT, &semaphores);
    semctl(id, 0, IPC_SET, &semaphores);
    semctl(id, 0, IPC_RMID);
    struct shmid_ds segment;
    id = shmget(IPC_PRIVATE, 8192, IPC_CREAT | SHM_NORESERVE | 0640);
    void *at = shmat(id, NULL, SHM_RDONLY | SHM_RND);
    shmctl(id, IPC_STAT, &segment);
    shmctl(id, IPC_SET, &segment);
    shmctl(-1, IPC_STAT, &segment);
    shmdt(at);
    shmctl(id, IPC_RMID, NULL);
    struct { long type; char text[40]; } message = {5, "a message"};
    struct msqid_ds queue;
    id = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
    msgsnd(id, &message, 4, IPC_NOWAIT);
    msgsnd(id, &message, 39, 0);
    msgrcv(id, &message, 8, -9, MSG_NOERROR);
    msgrcv(id, &message, 40, 0, IPC_NOWAIT);
    msgrcv(id, &message, 40, 0, IPC_NOWAIT);
    msgctl(id, IPC_STAT, &queue);
    msgctl(id, IPC_SET, &queue);
    msgctl(id, IPC_RMID, NULL);
    mount("none", "/nonexistent", "tmpfs", MS_NOSUID | MS_NODEV, "size=1m");
    mount("/a", "/nonexistent", "ext4", MS_BIND | MS_REC, NULL);
    mount(NULL, "/nonexistent", NULL, MS_REC | MS_PRIVATE, NULL);
    mount("x", "/nonexistent", "proc", MS_REMOUNT | MS_RDONLY, "a=b");
    mount("x", "/nonexistent", "tmpfs", 0xc0ed0000 | MS_NOSUID, NULL);
    umount2("/nonexistent", MNT_DETACH | UMOUNT_NOFOLLOW);
    uint64_t how[3] = {O_RDWR | O_CREAT | O_CLOEXEC, 0640, 4}, path_only[3] = {O_PATH};
    syscall(SYS_openat2, AT_FDCWD, "/nonexistent/file", how, 24);
    syscall(SYS_openat2, AT_FDCWD, "/nonexistent", path_only, 24);
    syscall(SYS_openat2, AT_FDCWD, "/", path_only, 8);
    uint32_t head[2] = {0x20080522, 0}, capabilities[6];
    syscall(SYS_capget, head, capabilities);
    syscall(SYS_capset, head, capabilities);
    setxattr("/nonexistent", "user.a", "v", 1, XATTR_CREATE);
    utime("/nonexistent", &(struct utimbuf){1, 2});
    syscall(SYS_utime, "/nonexistent", &(struct utimbuf){1, 2});
    sync_file_range(0, 0, 10, SYNC_FILE_RANGE_WRITE);
    syscall(SYS_arch_prctl, 0x1003, bytes);
    int pair[2];
    socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
    struct iovec out[2] = {{"hello", 5}, {"world!", 6}}, in[2] = {{bytes, 10}, {bytes + 100, 20}};
    struct mmsghdr sent[2] = {{.msg_hdr = {.msg_iov = out, .msg_iovlen = 1}}, {.msg_hdr = {.msg_iov = out, .msg_iovlen = 2}}};
    struct mmsghdr got[2] = {{.msg_hdr = {.msg_iov = in, .msg_iovlen = 1}}, {.msg_hdr = {.msg_iov = in + 1, .msg_iovlen = 1}}};
    sendmmsg(pair[0], sent, 2, MSG_NOSIGNAL);
    sendmmsg(-1, sent, 2, 0);
    recvmmsg(pair[1], got, 2, MSG_DONTWAIT, NULL);
    recvmmsg(pair[1], got, 2, MSG_DONTWAIT, &(struct timespec){7, 8});
    process_vm_readv(getpid(), in, 1, out, 1, 0);
    process_vm_writev(getpid(), out, 1, in, 1, 0);
}

static void *thread(void *unused) {
    for (int i = 0; i < 100; i++) syscall(SYS_getppid);
    return unused;
}

int main(int argc, char **argv) {
    if (argc < 2) PASS();
    const char *how = argv[1];
    long count = argc > 2 ? atol(argv[2]) : 0;
    if (!strcmp(how, "files")) files();
    if (!strcmp(how, "waits")) waits();
    if (!strcmp(how, "sockets")) sockets();
    if (!strcmp(how, "processes")) processes();
    if (!strcmp(how, "rare")) rare();
    if (!strcmp(how, "threads")) {
        pthread_t ids[4];
        for (int i = 0; i < 4; i++) pthread_create(&ids[i], NULL, thread, NULL);
        for (int i = 0; i < 4; i++) pthread_join(ids[i], NULL);
    }
    // Children that make calls, and end as told.
    for (int child = 0; argc > 3 && child < atol(argv[3]); child++)
        if (!fork()) break;
    for (long i = 0; i < count; i++) syscall(SYS_getppid);
    if (!strcmp(how, "killed")) raise(SIGKILL);
    if (!strcmp(how, "crash")) *nowhere = 0;
    return 0;
}
