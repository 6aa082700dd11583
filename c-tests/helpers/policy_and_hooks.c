// Under a policy that denies sockets, and to ask for a robust list by 0: the hook's sockets are made, this program's are not,
// and what it has registered for its thread stays while hooks run and threads are made.
#include "../check.h"
#include <pthread.h>
#include <sys/socket.h>

static void *run(void *unused) {
    syscall(500);
    return unused;
}

int main(void) {
    static struct { void *next; long offset; void *pending; } head = {&head, 0, NULL}, *found;
    size_t size = 0;
    pthread_t thread;
    CHECK_EQ(raw2(SYS_set_robust_list, &head, sizeof head), 0);
    printf("hook: %ld, own: %ld", syscall(500), raw3(SYS_socket, AF_UNIX, SOCK_STREAM, 0));
    CHECK_EQ(pthread_create(&thread, NULL, run, NULL), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    CHECK_EQ(raw3(SYS_get_robust_list, getpid(), &found, &size), 0);
    printf(", list: %s\n", found == &head && size == sizeof head ? "kept" : "lost");
    return 0;
}
