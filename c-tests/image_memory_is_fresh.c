// Shows that nothing of the memory before exec is there after it: private, shared and locked mappings,
// attached segments, the future locking of mlockall.
// forms: pie static
#include "image.h"
#include "proc_file.h"
#include <pthread.h>
#include <sys/shm.h>

#define PLACE ((void *)0x200000000000)

#ifdef IMAGE
int main(void) {
    unsigned char resident;
    CHECK_ERR(mincore(PLACE, PAGE, &resident), ENOMEM);
    CHECK_ERR(msync((char *)PLACE + 16 * PAGE, PAGE, MS_ASYNC), ENOMEM);
    CHECK(!strcmp(status_line("VmLck"), "0 kB"));
    CHECK(!strcmp(status_line("Threads"), "1"));
    return 0;
}
#else
static void *waits(void *nothing) {
    pause();
    return nothing;
}

int main(void) {
    EACH_FORM(form) {
        if (form[0] == 'n' || !strcmp(form, "static-pie")) continue;
        int status, segment = shmget(IPC_PRIVATE, PAGE, 0600);
        char *argv[] = {"image", NULL}, *envp[] = {NULL};
        IN_CHILD(status, {
            pthread_t thread;
            CHECK(mmap(PLACE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == PLACE);
            CHECK(mmap((char *)PLACE + 16 * PAGE, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED);
            if (segment >= 0) CHECK(shmat(segment, (char *)PLACE + (1 << 20), 0) != (void *)-1);
            mlock(PLACE, PAGE);
            mlockall(MCL_FUTURE);
            pthread_create(&thread, NULL, waits, NULL);
            execve(image(form), argv, envp);
        });
        struct shmid_ds about;
        if (segment >= 0) {
            CHECK_EQ(shmctl(segment, IPC_STAT, &about), 0);
            CHECK_EQ(about.shm_nattch, 0);
            shmctl(segment, IPC_RMID, NULL);
        }
        CHECK_EQ(status, 0);
    }
    PASS();
}
#endif
