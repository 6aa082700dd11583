// readlink and readlinkat of /proc/self/exe name the program, in every form of the path and for
// every size of the buffer.
#include "exe_link.h"

static char text[PATH_MAX];

static void form(const char *path) {
    CHECK_LINK(path, program);
    memset(text, 'x', sizeof text);
    long length = (long)strlen(program);
    CHECK_EQ(raw3(SYS_readlink, path, text, sizeof text), length);
    CHECK(text[length] == 'x');
    CHECK_EQ(raw4(SYS_readlinkat, AT_FDCWD, path, text, sizeof text), length);
    CHECK_EQ(rawreg(SYS_readlink, (long)path, (long)text, sizeof text, 0, 0, 0), length);
}

static void forms_from(const char *directory) {
    int fd = open(directory, O_RDONLY | O_DIRECTORY);
    CHECK(fd >= 0);
    long length = (long)strlen(program);
    memset(text, 0, sizeof text);
    CHECK_EQ(readlinkat(fd, "exe", text, sizeof text), length);
    CHECK(!strcmp(text, program));
    CHECK_EQ(readlinkat(fd, "./exe", text, sizeof text), length);
    CHECK_EQ(readlinkat(fd, "../self/exe", text, sizeof text), length);
    close(fd);
    CHECK_EQ(chdir(directory), 0);
    form("exe");
    form(".//exe");
    CHECK_EQ(chdir("/"), 0);
}

int main(int argc, char **argv) {
    STARTED_BY_EXEC(argc, argv);
    char path[PATH_MAX], here[PATH_MAX];
    CHECK(getcwd(here, sizeof here) != NULL);
    long length = (long)strlen(program);

    each_form(form);
    form("/proc/self/../self/exe");
    form("/proc/self/root" "/proc/self/exe");
    form("/proc/self/cwd/../../../../../../../../proc/self/exe");
    snprintf(path, sizeof path, "/proc/self/task/%d/exe", getpid());
    form(path);
    char *real = realpath("/proc/self/exe", NULL);
    CHECK(real && !strcmp(real, program));
    free(real);
    forms_from("/proc/self");
    snprintf(path, sizeof path, "/proc/%d", getpid());
    forms_from(path);

    // A symbolic link to the link has a text of its own; one to its directory is a part of a path.
    CHECK_EQ(chdir(here), 0);
    unlink("link"), unlink("directory"), unlink("exe");
    CHECK_EQ(symlink("/proc/self/exe", "link"), 0);
    CHECK_EQ(symlink("/proc/self/exe", "exe"), 0);
    CHECK_EQ(symlink("/proc/self", "directory"), 0);
    CHECK_LINK("link", "/proc/self/exe");
    CHECK_LINK("exe", "/proc/self/exe");
    form("directory/exe");
    unlink("link"), unlink("directory"), unlink("exe");

    // The link itself as a descriptor.
    int fd = open("/proc/self/exe", O_PATH | O_NOFOLLOW);
    CHECK(fd >= 0);
    memset(text, 0, sizeof text);
    CHECK_EQ(readlinkat(fd, "", text, sizeof text), length);
    CHECK(!strcmp(text, program));
    close(fd);

    // Every size; nothing is written behind it.
    for (long size = 1; size < length + 40; size++) {
        memset(text, 'x', sizeof text);
        long want = size < length ? size : length;
        CHECK_EQ(readlink("/proc/self/exe", text, size), want);
        CHECK(!memcmp(text, program, want));
        for (long at = want; at < length + 64; at++) CHECK(text[at] == 'x');
    }
    CHECK_EQ(raw3(SYS_readlink, "/proc/self/exe", text, 0), -EINVAL);
    CHECK_EQ(raw3(SYS_readlink, "/proc/self/exe", text, -1), -EINVAL);
    CHECK_EQ(raw3(SYS_readlink, "/proc/self/exe", text, 0x80000000l), -EINVAL);
    CHECK_EQ(raw3(SYS_readlink, "/proc/self/exe", text, 0x100000000l + sizeof text), length);
    CHECK_EQ(raw3(SYS_readlink, "/proc/self/exe", 8, sizeof text), -EFAULT);
    CHECK_EQ(raw3(SYS_readlink, 8, text, sizeof text), -EFAULT);
    CHECK_EQ(raw3(SYS_readlink, "/proc/self/exe/", text, sizeof text), -ENOTDIR);
    CHECK_EQ(raw3(SYS_readlink, "/proc/self/exe/exe", text, sizeof text), -ENOTDIR);
    CHECK_EQ(raw3(SYS_readlink, "/proc/self/nexe", text, sizeof text), -ENOENT);
    CHECK_EQ(raw4(SYS_readlinkat, -1, "exe", text, sizeof text), -EBADF);

    // A buffer, and a path, that end where memory ends.
    char *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(pages != MAP_FAILED);
    CHECK_EQ(mprotect(pages + PAGE, PAGE, PROT_NONE), 0);
    for (long room = 1; room < length + 10; room++) {
        char *at = pages + PAGE - room;
        CHECK_EQ(raw3(SYS_readlink, "/proc/self/exe", at, PAGE), room < length ? -EFAULT : length);
        CHECK_EQ(raw3(SYS_readlink, "/proc/self/exe", at, room), room < length ? room : length);
        CHECK(!memcmp(at, program, room < length ? room : length));
    }
    char *at = pages + PAGE - sizeof "/proc/self/exe";
    strcpy(at, "/proc/self/exe");
    form(at);
    PASS();
}
