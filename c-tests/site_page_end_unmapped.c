// Shows that a site whose last byte is the last of its mapping is served, with nothing
// (or a page without access) after it, and one at the very start of a mapping too.
// also: load
#include "code.h"

int main(void) {
    // The call is followed by `jmp` back into the page: the site ends at the page's end,
    // so the return address of `syscall` is in the next page, which must not run. Let it
    // be a page that holds only `ret` and takes no part in the mapping of the site.
    unsigned char page[PAGE];
    fill_code(page, PAGE);
    unsigned char call[8];
    emit_call(call, SYS_gettid);
    memcpy(page + PAGE - 7, call, 7);
    memset(page + PAGE - 7 - 16, 0x90, 16);
    emit_call(page, SYS_getpid);

    unsigned char *room = mmap(NULL, 3 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(room != MAP_FAILED);
    int fd = code_fd(page, PAGE);
    CHECK(mmap(room + PAGE, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd, 0) == room + PAGE);
    memset(page, 0xc3, PAGE);
    int ret_fd = code_fd(page, PAGE);
    CHECK(mmap(room + 2 * PAGE, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, ret_fd, 0) == room + 2 * PAGE);
    for (int i = 0; i < 100; i++) CHECK_EQ(CALL((room + 2 * PAGE - 7)), raw0(SYS_gettid));

    // At the very start: nothing is mapped before it.
    for (int i = 0; i < 100; i++) CHECK_EQ(CALL((room + PAGE)), raw0(SYS_getpid));

    // Without the next page, an exit is the last call that such a site can make.
    page[0] = 0x90;
    memset(page, 0x90, PAGE);
    emit_call(call, SYS_exit_group);
    memcpy(page + PAGE - 7, call, 7);
    int exit_fd = code_fd(page, PAGE), status;
    IN_CHILD(status, {
        CHECK(mmap(room + PAGE, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, exit_fd, 0) == room + PAGE);
        CHECK_EQ(munmap(room + 2 * PAGE, PAGE), 0);
        CALL1((room + 2 * PAGE - 7), 23);
    });
    CHECK(WIFEXITED(status));
    CHECK_EQ(WEXITSTATUS(status), 23);
    PASS();
}
