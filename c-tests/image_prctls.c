// Shows what prctl tells a new image: dumpable again, the capabilities not kept, the subreaper's mark,
// the timer slack, the machine check policy and the others as before exec.
// (no_new_privs is 1 under the library, and a filter is there.)
// forms: pie static
#include "image.h"
#include "proc_file.h"
#include <sys/prctl.h>

#ifndef PR_GET_THP_DISABLE
#define PR_SET_THP_DISABLE 41
#define PR_GET_THP_DISABLE 42
#endif

#ifdef IMAGE
int main(void) {
    int value = -1;
    SHOW("  dumpable %d", prctl(PR_GET_DUMPABLE));
    SHOW("  keepcaps %d", prctl(PR_GET_KEEPCAPS));
    SHOW("  securebits %d", prctl(PR_GET_SECUREBITS));
    CHECK_EQ(prctl(PR_GET_CHILD_SUBREAPER, &value), 0);
    SHOW("  subreaper %d", value);
    SHOW("  timerslack %d", prctl(PR_GET_TIMERSLACK));
    SHOW("  timing %d", prctl(PR_GET_TIMING));
    CHECK_EQ(prctl(PR_GET_TSC, &value), 0);
    SHOW("  tsc %d", value);
    SHOW("  mce %d", prctl(PR_MCE_KILL_GET, 0, 0, 0, 0));
    SHOW("  thp disable %d", prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
    SHOW("  coredump filter %s", whole_file("/proc/self/coredump_filter", NULL));
    int privileges = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
    CHECK(privileges == 0 || privileges == 1);
    // Dumpable: others of this user may look at it.
    CHECK_EQ(access("/proc/self/mem", W_OK), 0);
    return 0;
}
#else
int main(void) {
    DYNAMIC_AND_STATIC(form) {
        int status;
        char *argv[] = {"image", NULL}, *envp[] = {NULL};
        SHOW("%s:", form);
        IN_CHILD(status, {
            CHECK_EQ(prctl(PR_SET_KEEPCAPS, 1), 0);
            CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
            CHECK_EQ(prctl(PR_SET_TIMERSLACK, 123456), 0);
            CHECK_EQ(prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0), 0);
            prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
            int file = open("/proc/self/coredump_filter", O_WRONLY);
            CHECK_EQ(write(file, "0x21", 4), 4);
            close(file);
            CHECK_EQ(prctl(PR_SET_DUMPABLE, 0), 0);
            execve(image(form), argv, envp);
        });
        CHECK_EQ(status, 0);
    }
    PASS();
}
#endif
