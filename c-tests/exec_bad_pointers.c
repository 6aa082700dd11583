// static: yes
// Pointers that cannot be read: EFAULT for the path, the lists, and strings in them; a null list is
// an empty one.
#include "exec.h"

int main(int argc, char **argv) {
    if (is_image(argc, argv)) return 0;
    know_self(argv);
    char *bad = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(bad != MAP_FAILED);
    CHECK_EQ(mprotect(bad + PAGE, PAGE, PROT_NONE), 0);
    CHECK_EQ(munmap(bad + 2 * PAGE, PAGE), 0);
    char *none = bad + PAGE, *gone = bad + 2 * PAGE, *word = image_word();
    char *arguments[] = {"program", word, NULL}, *environment[] = {"A=1", NULL};
    char *const wrong[] = {NULL, (char *)1, none, gone, (char *)0x8000000000000000, (char *)0xffffffffff600000, (char *)-1, (char *)0x7ffffffff000};

    for (int i = 0; i < 8; i++) {
        char *pointer = wrong[i];
        CHECK_EQ(raw3(SYS_execve, pointer, arguments, environment), -EFAULT);
        CHECK_EQ(raw5(SYS_execveat, AT_FDCWD, pointer, arguments, environment, 0), -EFAULT);
        CHECK_EQ(errno_in_vfork(pointer, arguments, environment), EFAULT);
        if (pointer == NULL) continue; // allowed in the places below
        CHECK_EQ(raw3(SYS_execve, self, pointer, environment), -EFAULT);
        CHECK_EQ(raw3(SYS_execve, self, arguments, pointer), -EFAULT);
        char *with_bad[] = {"program", word, pointer, "more", NULL};
        CHECK_EQ(raw3(SYS_execve, self, with_bad, environment), -EFAULT);
        CHECK_EQ(raw3(SYS_execve, self, arguments, with_bad), -EFAULT);
        CHECK_EQ(raw5(SYS_execveat, AT_FDCWD, self, with_bad, environment, 0), -EFAULT);
        CHECK_EQ(errno_in_vfork(self, with_bad, environment), EFAULT);
    }
    // A list that runs into a bad page, and a string that does.
    char **at_end = (char **)none - 3;
    at_end[0] = "program";
    at_end[1] = word;
    at_end[2] = "no NULL behind";
    CHECK_EQ(raw3(SYS_execve, self, at_end, environment), -EFAULT);
    CHECK_EQ(raw3(SYS_execve, self, arguments, at_end), -EFAULT);
    at_end[2] = NULL;
    RUNS(execve(self, at_end, environment));
    RUNS(execve(self, arguments, at_end));
    memset(bad, 'x', PAGE);
    char *unended[] = {"program", word, none - 7, NULL};
    CHECK_EQ(raw3(SYS_execve, self, unended, environment), -EFAULT);
    CHECK_EQ(raw3(SYS_execve, self, arguments, unended), -EFAULT);
    none[-1] = 0;
    RUNS(execve(self, unended, environment));
    // A path at the end of a page.
    strcpy(none - strlen(self) - 1, self);
    RUNS(execve(none - strlen(self) - 1, arguments, environment));
    memcpy(none - strlen(self), self, strlen(self));
    CHECK_EQ(raw3(SYS_execve, none - strlen(self), arguments, environment), -EFAULT);
    RUNS(execve(self, arguments, NULL));
    RUNS(raw5(SYS_execveat, AT_FDCWD, self, arguments, NULL, 0));
    PASS();
}
