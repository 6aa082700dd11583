// Shows that personality is read and set as natively, and that READ_IMPLIES_EXEC, which makes each
// new mapping executable, harms nothing.
#include "code.h"
#include <sys/personality.h>

int main(void) {
    int before = personality(0xffffffff);
    CHECK(before >= 0);
    CHECK_EQ(personality(before | READ_IMPLIES_EXEC), before);
    CHECK_EQ(personality(0xffffffff), before | READ_IMPLIES_EXEC);
    for (int n = 0; n < 50; n++) {
        unsigned char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK(page != MAP_FAILED);
        emit_call(page, SYS_getpid);
        for (int i = 0; i < 10; i++) CHECK_EQ(CALL(page), raw0(SYS_getpid));
        CHECK(is_original(page, SYS_getpid));
        CHECK_EQ(munmap(page, PAGE), 0);
    }
    int status;
    IN_CHILD(status, CHECK_EQ(personality(0xffffffff), before | READ_IMPLIES_EXEC));
    CHECK_EQ(status, 0);
    CHECK_EQ(personality(before), before | READ_IMPLIES_EXEC);
    CHECK_EQ(personality(before | ADDR_NO_RANDOMIZE), before);
    CHECK_EQ(personality(before), before | ADDR_NO_RANDOMIZE);
    PASS();
}
