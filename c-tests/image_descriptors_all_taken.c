// Shows that exec needs no free descriptor: with a full table, or with RLIMIT_NOFILE at 0, a static
// program starts.
// forms: static static-pie
#include "image.h"
#include <sys/resource.h>

#ifdef IMAGE
int main(void) {
    CHECK_ERR(dup(0), EMFILE);
    CHECK_EQ(close(2), 0);
    return 0;
}
#else
int main(void) {
    const char *forms[] = {"static", "static-pie"};
    for (int n = 0; n < 2; n++) {
        int status;
        char *argv[] = {"image", NULL}, *envp[] = {NULL};
        IN_CHILD(status, {
            struct rlimit limit = {20, 20};
            CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
            while (dup(0) >= 0) {}
            execve(image(forms[n]), argv, envp);
            perror("execve, table full");
        });
        CHECK_EQ(status, 0);
        IN_CHILD(status, {
            struct rlimit limit = {0, 0};
            CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
            execve(image(forms[n]), argv, envp);
            perror("execve, limit 0");
        });
        CHECK_EQ(status, 0);
    }
    PASS();
}
#endif
