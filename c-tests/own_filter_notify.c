// A supervisor is asked about the calls that the filter of the supervised says, and about none
// besides: what it answers is the result, it may let the call be made, and give a descriptor; signals
// interrupt the wait.
#include "own_filter.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static int channel[2];

static void send_descriptor(int fd) {
    char byte = 'f';
    union { struct cmsghdr head; char room[CMSG_SPACE(sizeof(int))]; } control;
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control.room};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(head), &fd, sizeof fd);
    CHECK_EQ(sendmsg(channel[1], &message, 0), 1);
}

static int receive_descriptor(void) {
    char byte;
    int fd;
    union { struct cmsghdr head; char room[CMSG_SPACE(sizeof(int))]; } control;
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control.room};
    CHECK_EQ(recvmsg(channel[0], &message, 0), 1);
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    return fd;
}

// Notifies for the given numbers.
static void watch(const int *numbers, size_t count) {
    struct sock_filter code[60];
    size_t n = 0;
    code[n++] = (struct sock_filter)LOAD(nr);
    for (size_t i = 0; i < count; i++) {
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)numbers[i], 0, 1);
        code[n++] = (struct sock_filter)GIVE(SECCOMP_RET_USER_NOTIF);
    }
    code[n++] = (struct sock_filter)GIVE(SECCOMP_RET_ALLOW);
    long listener = install(SECCOMP_FILTER_FLAG_NEW_LISTENER, code, n);
    CHECK(listener >= 0);
    send_descriptor((int)listener);
    CHECK_EQ(close((int)listener), 0);
}

static volatile int handled;
static void on_signal(int sig) {
    (void)sig;
    handled++;
}

static void catch(int flags) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = flags};
    CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
}

static char page[PAGE] __attribute__((aligned(PAGE)));

static void supervised(void) {
    static const int numbers[] = {SYS_getppid, SYS_openat, SYS_setfsuid, SYS_mprotect, SYS_dup2, SYS_execve, SYS_fork};
    CHECK_EQ(prctl(PR_SET_PDEATHSIG, SIGKILL), 0);
    catch(0);
    int known = open("/dev/null", O_RDONLY);
    watch(numbers, LENGTH(numbers));
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(raw0(SYS_getppid), 4711);     // a value
        CHECK_EQ(raw0(SYS_getppid), -EUCLEAN); // an error
        CHECK_EQ(getppid(), 4712); // of libc
        CHECK_EQ(raw0(SYS_getppid), raw0(SYS_getpid)); // as it is asked again
        long fd = raw4(SYS_openat, AT_FDCWD, "/no/such/file", O_RDONLY, 0);
        CHECK(fd > known);
        CHECK_EQ(raw1(SYS_close, fd), 0);
        CHECK_EQ(raw4(SYS_openat, AT_FDCWD, "/no/such/file", O_RDONLY, 0), -ENOENT); // made
        CHECK_EQ(raw3(SYS_mprotect, page, PAGE, PROT_READ | PROT_WRITE), -EXDEV);
        CHECK_EQ(raw3(SYS_mprotect, page, PAGE, PROT_READ | PROT_WRITE), 0);
        CHECK_EQ(raw2(SYS_dup2, known, 40), -EXDEV);
        CHECK_EQ(raw2(SYS_dup2, known, 40), 40);
        catch(0);
        CHECK_EQ(raw1(SYS_setfsuid, 77), -EINTR);
        CHECK_EQ(handled, 2 * i + 1);
        catch(SA_RESTART);
        CHECK_EQ(raw1(SYS_setfsuid, 78), 5);
        CHECK_EQ(handled, 2 * i + 2);
        char *none[] = {NULL};
        CHECK_EQ(raw3(SYS_execve, "/bin/true", none, none), -EXDEV);
    }
    char *none[] = {"true", NULL};
    raw3(SYS_execve, "/bin/true", none, none + 1);
    _exit(9);
}

static int listener;
static struct seccomp_notif last;

static void expect(int pid, int number, uint64_t first) {
    struct seccomp_notif asked = {0};
    CHECK_EQ(ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked), 0);
    if (asked.data.nr != number) printf("asked about %d, want %d\n", asked.data.nr, number);
    CHECK_EQ(asked.data.nr, number);
    CHECK_EQ(asked.data.arch, AUDIT_ARCH_X86_64);
    CHECK_EQ(asked.pid, pid);
    CHECK_EQ(asked.flags, 0);
    if (first) CHECK_EQ(asked.data.args[0], first);
    last = asked;
}

static void answer(long long value, int error, unsigned flags) {
    struct seccomp_notif_resp response = {.id = last.id, .val = value, .error = error, .flags = flags};
    CHECK_EQ(ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response), 0);
}

static void supervise(pid_t pid) {
    for (int i = 0; i < 4; i++) {
        expect(pid, SYS_getppid, 0);
        answer(4711, 0, 0);
        expect(pid, SYS_getppid, 0);
        answer(0, -EUCLEAN, 0);
        expect(pid, SYS_getppid, 0);
        answer(4712, 0, 0);
        expect(pid, SYS_getppid, 0);
        answer(pid, 0, 0);
        expect(pid, SYS_openat, (uint64_t)AT_FDCWD & 0xffffffffffffffff);
        char path[20], name[40];
        sprintf(name, "/proc/%d/mem", pid);
        int memory = open(name, O_RDONLY);
        CHECK_EQ(pread(memory, path, 14, (off_t)last.data.args[1]), 14);
        CHECK(strcmp(path, "/no/such/file") == 0);
        CHECK_EQ(close(memory), 0);
        struct seccomp_notif_addfd add = {.id = last.id, .srcfd = 0, .flags = SECCOMP_ADDFD_FLAG_SEND};
        CHECK(ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add) > 2);
        expect(pid, SYS_openat, 0);
        answer(0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
        for (int n = 0; n < 2; n++) {
            expect(pid, n ? SYS_dup2 : SYS_mprotect, n ? 0 : (uint64_t)page);
            answer(0, -EXDEV, 0);
            expect(pid, n ? SYS_dup2 : SYS_mprotect, n ? 0 : (uint64_t)page);
            answer(0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
        }
        expect(pid, SYS_setfsuid, 77);
        CHECK_EQ(kill(pid, SIGUSR1), 0);
        expect(pid, SYS_setfsuid, 78);
        CHECK_EQ(kill(pid, SIGUSR1), 0);
        expect(pid, SYS_setfsuid, 78);
        answer(5, 0, 0);
        expect(pid, SYS_execve, 0);
        answer(0, -EXDEV, 0);
    }
    expect(pid, SYS_execve, 0);
    answer(0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}

int main(void) {
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, channel), 0);
    pid_t pid = fork();
    if (pid == 0) supervised();
    listener = receive_descriptor();
    supervise(pid);
    // What is asked about the loading of the program is let pass.
    for (;;) {
        struct pollfd ready = {.fd = listener, .events = POLLIN};
        CHECK_EQ(poll(&ready, 1, -1), 1);
        if (!(ready.revents & POLLIN)) break;
        struct seccomp_notif asked = {0};
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) != 0) continue;
        CHECK(asked.data.nr == SYS_openat || asked.data.nr == SYS_mprotect);
        last = asked;
        answer(0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
    }
    int status;
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK_EQ(status, 0);
    PASS();
}
