// Shows that libc's rseq area works in a new image: sched_getcpu agrees with the system call while the
// thread moves between processors; also in a thread of the image.
// forms: pie nopie static static-pie
#include "image.h"
#include <pthread.h>
#include <sched.h>
#include <sys/rseq.h>

#ifdef IMAGE
static void *look(void *nothing) {
    cpu_set_t all, one;
    CHECK_EQ(sched_getaffinity(0, sizeof all, &all), 0);
    const struct rseq *area = (void *)((char *)__builtin_thread_pointer() + __rseq_offset);
    CHECK(__rseq_size > 0);
    for (int round = 0; round < 3; round++)
        for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
            unsigned by_call = -1;
            if (!CPU_ISSET(cpu, &all)) continue;
            CPU_ZERO(&one);
            CPU_SET(cpu, &one);
            CHECK_EQ(sched_setaffinity(0, sizeof one, &one), 0);
            CHECK_EQ(syscall(SYS_getcpu, &by_call, NULL, NULL), 0);
            CHECK_EQ(by_call, cpu);
            CHECK_EQ(*(volatile __u32 *)&area->cpu_id, cpu);
            CHECK_EQ(sched_getcpu(), cpu);
        }
    CHECK_EQ(sched_setaffinity(0, sizeof all, &all), 0);
    return nothing;
}

int main(void) {
    pthread_t thread;
    look(NULL);
    CHECK_EQ(pthread_create(&thread, NULL, look, NULL), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    return 0;
}
#else
int main(void) {
    EACH_FORM(form) IMAGE_PASSES(form);
    PASS();
}
#endif
