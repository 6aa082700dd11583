// static: yes
// Names of more than 255 bytes and paths of more than 4095: ENAMETOOLONG.
#include "exec.h"

static char path[2 * PATH_MAX];

// "././././…/end", `length` bytes in all
static char *of_length(size_t length, const char *end) {
    size_t tail = strlen(end);
    for (size_t i = 0; i < length - tail; i++) path[i] = i % 2 == (length - tail) % 2 ? '.' : '/';
    if (path[0] == '/') path[0] = '.'; // "../" would leave the directory: "." and "/" in turn, twice "." at most
    if (path[0] == '.' && path[1] == '.') path[1] = '/';
    strcpy(path + length - tail, end);
    CHECK_EQ(strlen(path), length);
    return path;
}

int main(int argc, char **argv) {
    if (is_image(argc, argv)) return 0;
    know_self(argv);
    unlink("p");
    CHECK_EQ(symlink(self, "p"), 0);
    char *arguments[] = {"p", image_word(), NULL}, name[300];
    memset(name, 'n', sizeof name);
    name[256] = 0;
    EXEC_FAILS(name, ENAMETOOLONG);
    name[255] = 0;
    EXEC_FAILS(name, ENOENT);
    unlink(name);
    CHECK_EQ(symlink(self, name), 0);
    RUNS(execv(name, arguments));
    RUNS(execv(of_length(PATH_MAX - 1, "p"), arguments));
    EXEC_FAILS(of_length(PATH_MAX, "p"), ENAMETOOLONG);
    EXEC_FAILS(of_length(PATH_MAX + 1, "p"), ENAMETOOLONG);
    EXEC_FAILS(of_length(2 * PATH_MAX - 1, "p"), ENAMETOOLONG);
    EXEC_FAILS(of_length(PATH_MAX - 1, "q"), ENOENT);
    // In interpreters.
    struct tiny elf = tiny_elf(NULL);
    struct long_elf {
        struct tiny tiny;
        char name[300];
    } program = {.tiny = elf};
    memset(program.name, 'n', 256);
    program.tiny.header.e_phnum = 2;
    program.tiny.load.p_filesz = program.tiny.load.p_memsz = sizeof program;
    program.tiny.interp = (Elf64_Phdr){.p_type = PT_INTERP, .p_offset = offsetof(struct long_elf, name), .p_filesz = 257};
    write_file("program", &program, sizeof program, 0755);
    EXEC_FAILS("program", ENAMETOOLONG);
    // With a path of this length a script is run too: its interpreter gets the path as an argument.
    char text[PATH_MAX + 8];
    snprintf(text, sizeof text, "#!%s\n", self);
    write_text("s", text, 0755);
    RUNS(execv(of_length(PATH_MAX - 1, "s"), arguments));
    PASS();
}
