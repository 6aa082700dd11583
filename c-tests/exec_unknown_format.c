// static: yes
// Files that are no program: ENOEXEC, whatever their length.
#include "exec.h"

static void fails_with(const char *what, const void *bytes, size_t length, int want) {
    write_file("file", bytes, length, 0755);
    char text[100];
    snprintf(text, sizeof text, "%s, %zu bytes", what, length);
    exec_fails(__FILE__, __LINE__, text, "file", want);
}

int main(void) {
    char bytes[8192];
    struct tiny elf = tiny_elf(NULL);
    fails_with("empty", "", 0, ENOEXEC);
    fails_with("text", "exit 0\n", 7, ENOEXEC);
    memset(bytes, 0, sizeof bytes);
    fails_with("zeroes", bytes, sizeof bytes, ENOEXEC);
    memset(bytes, 0xff, sizeof bytes);
    fails_with("ones", bytes, sizeof bytes, ENOEXEC);
    fails_with("half a magic", "#", 1, ENOEXEC);
    fails_with("a PE file", "MZ\220\0\3\0\0\0\4\0\0\0\377\377", 14, ENOEXEC);
    // Every beginning of an ELF file up to the end of its program headers.
    for (size_t length = 1; length <= sizeof(Elf64_Ehdr); length += length < 8 ? 1 : 7) fails_with("cut", &elf, length, ENOEXEC);
    fails_with("cut", &elf, sizeof(Elf64_Ehdr) + 1, ENOEXEC);
    fails_with("cut", &elf, offsetof(struct tiny, interp) - 1, ENOEXEC);
    // An interpreter that is no program in a format that is known.
    write_text("text", "exit 0\n", 0755);
    write_text("file", "#!text\n", 0755);
    EXEC_FAILS("file", ENOEXEC);
    write_text("file", "#!file\n", 0755);
    EXEC_FAILS("file", ELOOP);
    // execvp gives such a file to the shell.
    write_text("text", "exit 5\n", 0755);
    RUNS_TO(5, execlp("./text", "text", NULL));
    PASS();
}
