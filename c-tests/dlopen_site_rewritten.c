// Shows that a site in a loaded object, described by its .eh_frame, is rewritten in ordinary text,
// and that the object's file and its other bytes stay as they are.
// cflags: -ldl
// also: load
#include "so.h"

int main(void) {
    // Bytes before the function that a careless sweep decodes past its start.
    static const unsigned char code[] = {0xb8, SYS_getpid, 0, 0, 0, 0x0f, 0x05, 0xc3};
    static unsigned char so[SO_SIZE], back[SO_SIZE];
    for (int offset = 0x200; offset < 0x240; offset++) {
        char path[256];
        make_so(so, code, sizeof code, (size_t)offset, "rewritten");
        memset(so + SO_TEXT + offset - 6, 0x48, 6); // prefixes: the function starts after them
        write_so(path, so);
        void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        CHECK(object);
        void *site = dlsym(object, "site");
        CHECK(site);
        for (int n = 0; n < 10; n++) CHECK_EQ(CALL(site), raw0(SYS_getpid));
        CHECK_SITE((unsigned char *)site, SYS_getpid);
        unsigned char *text = (unsigned char *)site - offset;
        CHECK(!memcmp(text, so + SO_TEXT, (size_t)offset));
        CHECK(!memcmp(text + offset + 7, so + SO_TEXT + offset + 7, (size_t)(PAGE - offset - 7)));
        int fd = open(path, O_RDONLY);
        CHECK_EQ(read(fd, back, SO_SIZE), SO_SIZE);
        CHECK(!memcmp(so, back, SO_SIZE));
        CHECK_EQ(close(fd) | unlink(path) | dlclose(object), 0);
    }
    PASS();
}
