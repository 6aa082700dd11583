// Shows that bytes in text which look like sites, but are data or are never executed, stay as
// they are while true sites around them are called and rewritten.
// also: load
#include "code.h"

enum { SITES = 40, CALLS = 3000 };

// `mov $39,%eax; syscall` as a constant in the program's own text.
extern const unsigned char data_in_text[], data_in_text_end[];
__asm__(".text\n.p2align 4\n"
        "data_in_text:\n"
        "  .rept 16\n  .byte 0xb8,39,0,0,0,0x0f,0x05,0xc3\n  .byte 0xff,0x24,0x25,0,0,0x0f,0x05\n  .endr\n"
        "data_in_text_end:\n");
static const unsigned char data_in_rodata[] = {0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0xc3, 0xb8, 16, 0, 0, 0, 0x0f, 0x05};

static uint64_t sum(const unsigned char *from, const unsigned char *to) {
    uint64_t hash = 0xcbf29ce484222325;
    while (from < to) hash = (hash ^ *from++) * 0x100000001b3;
    return hash;
}

int main(void) {
    uint64_t in_text = sum(data_in_text, data_in_text_end);
    uint64_t in_rodata = sum(data_in_rodata, data_in_rodata + sizeof data_in_rodata);

    // A page of look-alikes; only the sites of even number are ever called.
    unsigned char page[PAGE];
    fill_code(page, PAGE);
    for (int i = 0; i < SITES; i++) put_call(page, page + 160 + i * 97, SYS_getpid);
    unsigned char *text = map_code(page, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE);
    long pid = raw0(SYS_getpid);
    for (int n = 0; n < CALLS; n++)
        for (int i = 0; i < SITES; i += 2) CHECK_EQ(CALL(text + 160 + i * 97), pid);
    for (int i = 0; i < SITES; i++) {
        unsigned char *site = text + 160 + i * 97;
        if (i % 2) CHECK(is_original(site, SYS_getpid));
        else CHECK_SITE(site, SYS_getpid);
        memcpy(page + 160 + i * 97, site, i % 2 ? 0 : 7);
    }
    CHECK(!memcmp(page, text, PAGE));

    CHECK_EQ(sum(data_in_text, data_in_text_end), in_text);
    CHECK_EQ(sum(data_in_rodata, data_in_rodata + sizeof data_in_rodata), in_rodata);
    PASS();
}
