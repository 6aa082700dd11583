// Shows that what belongs to the process stays over exec: its numbers, directory, umask, niceness,
// limits, personality, scheduling, processors, groups, start time.
// forms: pie static
#include "image.h"
#include "proc_file.h"
#include <grp.h>
#include <sched.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/stat.h>

// Everything, as text.
static void describe(char *text, size_t room) {
    size_t used = 0;
#define ADD(...) used += snprintf(text + used, room - used, __VA_ARGS__)
    char directory[4096];
    CHECK(getcwd(directory, sizeof directory));
    ADD("pid %d %d %d %d\n", getpid(), getppid(), getpgid(0), getsid(0));
    ADD("directory %s\n", directory);
    mode_t mask = umask(0);
    umask(mask);
    ADD("umask %o\nnice %d\n", mask, getpriority(PRIO_PROCESS, 0));
    ADD("personality %#x\n", personality(0xffffffff));
    for (int n = 0; n < RLIM_NLIMITS; n++) {
        struct rlimit limit;
        CHECK_EQ(getrlimit(n, &limit), 0);
        ADD("limit %d: %lx %lx\n", n, limit.rlim_cur, limit.rlim_max);
    }
    struct sched_param parameters;
    CHECK_EQ(sched_getparam(0, &parameters), 0);
    ADD("scheduling %d %d\n", sched_getscheduler(0), parameters.sched_priority);
    const char *lines[] = {"Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "Cpus_allowed", "Mems_allowed", "NSpid"};
    for (int n = 0; n < 11; n++) ADD("%s %s\n", lines[n], status_line(lines[n]));
    ADD("started %lu\n", stat_field("/proc/self/stat", 22));
    ADD("terminal %ld\n", stat_field("/proc/self/stat", 7));
    ADD("io priority %ld\n", syscall(SYS_ioprio_get, 1, 0));
    ADD("oom %s", whole_file("/proc/self/oom_score_adj", NULL));
    ADD("cgroup %s", whole_file("/proc/self/cgroup", NULL));
    ADD("exit signal %ld\n", stat_field("/proc/self/stat", 38));
}

#ifdef IMAGE
int main(int argc, char **argv) {
    static char text[32768];
    CHECK_EQ(argc, 2);
    describe(text, sizeof text);
    size_t length = strlen(text);
    for (size_t n = 0; n <= length; n++)
        if (text[n] != argv[1][n]) {
            while (n > 0 && text[n - 1] != '\n') n--;
            fprintf(stderr, "now:    %.60s\nbefore: %.60s\n", text + n, argv[1] + n);
            CHECK(!"the same");
        }
    return 0;
}
#else
int main(void) {
    const char *forms[] = {"pie", "static"};
    mkdir("somewhere", 0755);
    for (int n = 0; n < 2; n++) {
        int status;
        static char text[32768];
        char *argv[] = {"image", text, NULL}, *envp[] = {NULL};
        IN_CHILD(status, {
            CHECK_EQ(chdir("somewhere"), 0);
            umask(0137);
            CHECK_EQ(setpriority(PRIO_PROCESS, 0, 7), 0);
            CHECK(personality(ADDR_NO_RANDOMIZE | UNAME26 | STICKY_TIMEOUTS) != -1);
            CHECK_EQ(setrlimit(RLIMIT_CPU, &((struct rlimit){1000, 2000})), 0);
            CHECK_EQ(setrlimit(RLIMIT_NOFILE, &((struct rlimit){100, 200})), 0);
            CHECK_EQ(setrlimit(RLIMIT_STACK, &((struct rlimit){4 << 20, 64 << 20})), 0);
            CHECK_EQ(setpgid(0, 0), 0);
            CHECK_EQ(sched_setscheduler(0, SCHED_BATCH, &((struct sched_param){0})), 0);
            cpu_set_t one;
            sched_getaffinity(0, sizeof one, &one);
            for (int cpu = 0, seen = 0; cpu < CPU_SETSIZE; cpu++)
                if (CPU_ISSET(cpu, &one) && seen++) CPU_CLR(cpu, &one);
            CHECK_EQ(sched_setaffinity(0, sizeof one, &one), 0);
            syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 6);
            int file = open("/proc/self/oom_score_adj", O_WRONLY);
            CHECK_EQ(write(file, "500", 3), 3);
            close(file);
            if (getuid() == 0) CHECK(setgroups(0, NULL) == 0 && setresgid(7, 7, 7) == 0 && setresuid(7, 7, 7) == 0);
            describe(text, sizeof text);
            execve(image(forms[n]), argv, envp);
            _exit(errno == EACCES && getuid() == 7 ? 77 : 126);
        });
        if (status == 77 << 8) SKIP("the images are not to be read by another user");
        CHECK_EQ(status, 0);
    }
    PASS();
}
#endif
