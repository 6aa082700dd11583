// Shows that forks of forks, eight deep, and grandchildren whose parent is gone, each know their
// own ids, keep their sites working and reach sites that none of them has called yet.
#include "code.h"

enum { DEPTH = 8 };

static unsigned char *text;

static int descend(int depth) {
    long me = raw0(SYS_getpid), parent = raw0(SYS_getppid);
    CHECK_EQ(raw0(SYS_gettid), me);
    // One old site, one that was cold until this generation.
    CHECK_EQ(CALL(text + 100), me);
    for (int n = 0; n < 5; n++) CHECK_EQ(CALL(text + 100 + (depth + 1) * 200), me);
    CHECK_SITE(text + 100 + (depth + 1) * 200, SYS_getpid);
    CHECK_EQ(getppid(), parent);
    if (depth == DEPTH) return 1;
    int status;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK_EQ(raw0(SYS_getppid), me);
        CHECK(raw0(SYS_getpid) != me);
        _exit(descend(depth + 1));
    }
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status));
    return WEXITSTATUS(status) + 1;
}

int main(void) {
    unsigned char bytes[PAGE];
    fill_code(bytes, PAGE);
    for (int i = 0; i < DEPTH + 2; i++) put_call(bytes, bytes + 100 + i * 200, SYS_getpid);
    text = map_code(bytes, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE);
    CHECK_EQ(CALL(text + 100), getpid());
    CHECK_EQ(descend(0), DEPTH + 1);
    // What the children rewrote is theirs alone.
    for (int i = 2; i < DEPTH + 2; i++) CHECK(is_original(text + 100 + i * 200, SYS_getpid));
    PASS();
}
