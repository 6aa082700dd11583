// Filters that the kernel does not take are refused as natively, those that it just takes work, and
// what it says of filters is what it says.
#include "own_filter.h"
#include <sched.h>

static struct sock_filter big[5000];
static struct sock_filter allow[] = {GIVE(SECCOMP_RET_ALLOW)};

static long with(unsigned flags, void *code, unsigned length) {
    struct sock_fprog program = {(unsigned short)length, code};
    return raw3(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

static void fill(unsigned length, unsigned last) {
    for (unsigned i = 0; i < length; i++) big[i] = (struct sock_filter)LOAD(nr);
    big[length - 1] = (struct sock_filter)GIVE(last);
}

static void all(void) {
    struct sock_fprog program = {1, allow};
    char *end = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK_EQ(mprotect(end + PAGE, PAGE, PROT_NONE), 0);
    end += PAGE;
    printf("%ld %ld %ld\n", raw3(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, NULL), raw3(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, 8),
           raw3(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, end - 8));
    printf("%ld %ld %ld\n", with(0, NULL, 1), with(0, end, 1), with(0, end - 4, 1));
    printf("%ld %ld\n", with(0, end - 8 * 3, 4), with(0, (void *)(1ul << 63), 1));
    printf("%ld %ld\n", with(0, allow, 0), with(0, allow, 4097));
    printf("%ld %ld %ld\n", with(1u << 20, allow, 1), with(SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, allow, 1),
           with(SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC, allow, 1));
    printf("%ld %ld\n", raw3(SYS_seccomp, 99, 0, &program), raw3(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 1, NULL));
    printf("%ld %ld\n", raw5(SYS_prctl, PR_SET_SECCOMP, 3, &program, 0, 0), raw5(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL, 0, 0));
    // No end, a jump out of it, an unknown code, a load from beyond the data, an unaligned one.
    struct sock_filter bad[][3] = {
        {LOAD(nr), LOAD(arch), LOAD(nr)},
        {BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 2, 0), GIVE(SECCOMP_RET_ALLOW), GIVE(SECCOMP_RET_ALLOW)},
        {BPF_JUMP(BPF_JMP | BPF_JA, 2, 0, 0), GIVE(SECCOMP_RET_ALLOW), GIVE(SECCOMP_RET_ALLOW)},
        {{0xff, 0, 0, 0}, GIVE(SECCOMP_RET_ALLOW), GIVE(SECCOMP_RET_ALLOW)},
        {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 64), GIVE(SECCOMP_RET_ALLOW), GIVE(SECCOMP_RET_ALLOW)},
        {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 2), GIVE(SECCOMP_RET_ALLOW), GIVE(SECCOMP_RET_ALLOW)},
        {BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0), GIVE(SECCOMP_RET_ALLOW), GIVE(SECCOMP_RET_ALLOW)},
        {BPF_STMT(BPF_LD | BPF_MEM, 3), GIVE(SECCOMP_RET_ALLOW), GIVE(SECCOMP_RET_ALLOW)},
        {BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), GIVE(SECCOMP_RET_ALLOW), GIVE(SECCOMP_RET_ALLOW)},
    };
    for (size_t i = 0; i < LENGTH(bad); i++) printf("%ld ", with(0, bad[i], 3));
    printf("%d\n", raw0(SYS_getppid) == getppid());
    // A jump right to the end, the accumulator of the start, and the length (which is 64).
    struct sock_filter good[] = {
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0), GIVE(SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 64, 1, 0), GIVE(SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_ST, 15), BPF_STMT(BPF_LDX | BPF_MEM, 15), BPF_STMT(BPF_MISC | BPF_TXA, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 64, 0, 4), LOAD(nr), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_setfsgid, 0, 1),
        GIVE(SECCOMP_RET_ERRNO | 99), GIVE(SECCOMP_RET_ALLOW), GIVE(SECCOMP_RET_KILL_PROCESS),
    };
    printf("%ld ", with(0, good, LENGTH(good)));
    printf("%ld %d\n", raw1(SYS_setfsgid, -1), raw1(SYS_setfsuid, -1) == (long)geteuid());
    // The longest beside which there is room for a prologue, the next, and the longest of all.
    const unsigned lengths[] = {4089, 4090, 4096};
    for (size_t i = 0; i < LENGTH(lengths); i++) {
        fill(lengths[i], SECCOMP_RET_ALLOW);
        printf("%ld\n", with(0, big, lengths[i]));
    }
    printf("%d\n", raw0(SYS_getppid) == getppid());
    long listener = with(SECCOMP_FILTER_FLAG_NEW_LISTENER, allow, 1);
    printf("%d %ld\n", listener > 2, with(SECCOMP_FILTER_FLAG_NEW_LISTENER, allow, 1));
    printf("%d\n", fcntl((int)listener, F_GETFD) == FD_CLOEXEC);
    unsigned action = SECCOMP_RET_TRAP;
    printf("%ld ", raw3(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action));
    action = 0x12340000;
    printf("%ld ", raw3(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action));
    struct seccomp_notif_sizes sizes = {0, 0, 0};
    printf("%ld ", raw3(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes));
    printf("%u %u %u\n", sizes.seccomp_notif, sizes.seccomp_notif_resp, sizes.seccomp_data);
    printf("%ld\n", raw5(SYS_prctl, PR_GET_SECCOMP, 0, 0, 0, 0));
    fflush(stdout);
}

int main(void) {
    int status;
    CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    IN_CHILD(status, all());
    CHECK_EQ(status, 0);
    // As many as fit, then no more.
    IN_CHILD(status, {
        fill(4000, SECCOMP_RET_ALLOW);
        int n = 0;
        long result;
        while ((result = with(0, big, 4000)) == 0) n++;
        printf("%ld after %d\n", result, n);
        fflush(stdout);
    });
    CHECK_EQ(status, 0);
    PASS();
}
