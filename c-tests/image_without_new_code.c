// Shows that an image starts and works where memory may not become executable (PR_SET_MDWE, which
// stays over fork and exec).
// forms: pie nopie static static-pie
#include "image.h"
#include <sys/prctl.h>

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_GET_MDWE 66
#endif

#ifdef IMAGE
int main(void) {
    CHECK_EQ(prctl(PR_GET_MDWE, 0, 0, 0, 0), 1);
    void *memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK_ERR(mprotect(memory, PAGE, PROT_READ | PROT_EXEC), EACCES);
    for (int n = 0; n < 1000; n++) CHECK_EQ(raw0(SYS_getpid), getpid());
    return 0;
}
#else
int main(void) {
    if (prctl(PR_SET_MDWE, 1, 0, 0, 0) != 0) SKIP("no PR_SET_MDWE here (Linux 6.3)");
    EACH_FORM(form) IMAGE_PASSES(form);
    PASS();
}
#endif
