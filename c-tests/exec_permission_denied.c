// static: yes
// What may not be executed: EACCES for files without the mode, for all that is no regular file
// (directories included: no EISDIR), and for interpreters of that kind.
#include "exec.h"
#include <sys/socket.h>
#include <sys/un.h>

int main(void) {
    struct tiny elf = tiny_elf(NULL);
    write_file("plain", &elf, sizeof elf, 0644);
    EXEC_FAILS("plain", EACCES);
    write_file("nothing", &elf, sizeof elf, 0);
    EXEC_FAILS("nothing", EACCES);
    write_text("garbage", "no format at all", 0644);
    EXEC_FAILS("garbage", EACCES); // before ENOEXEC
    EXEC_FAILS("/tmp", EACCES);
    EXEC_FAILS(".", EACCES);
    EXEC_FAILS("/", EACCES);
    EXEC_FAILS("./", EACCES);
    EXEC_FAILS("/dev/null", EACCES);
    EXEC_FAILS("/proc/self/status", EACCES);

    unlink("fifo");
    CHECK_EQ(mkfifo("fifo", 0755), 0);
    EXEC_FAILS("fifo", EACCES); // and does not wait for a writer
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
    unlink("socket");
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK_EQ(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    CHECK_EQ(close(fd), 0);
    CHECK_EQ(chmod("socket", 0755), 0);
    EXEC_FAILS("socket", EACCES);

    write_text("script", "#!plain\n", 0755);
    EXEC_FAILS("script", EACCES);
    write_text("script", "#!/tmp\n", 0755);
    EXEC_FAILS("script", EACCES);
    write_text("script", "#!/dev/null\n", 0755);
    EXEC_FAILS("script", EACCES);
    write_text("inner", "#!/bin/sh\n", 0644);
    write_text("script", "#!inner\n", 0755);
    EXEC_FAILS("script", EACCES);
    static const char *const interpreters[] = {"plain", "/tmp", "/dev/null", "fifo"};
    for (int i = 0; i < 4; i++) {
        elf = tiny_elf(interpreters[i]);
        write_file("program", &elf, sizeof elf, 0755);
        EXEC_FAILS("program", EACCES);
    }

    // A directory without search permission stops an ordinary user.
    elf = tiny_elf(NULL);
    mkdir("closed", 0755);
    write_file("closed/program", &elf, sizeof elf, 0755);
    CHECK_EQ(chmod("closed", 0600), 0);
    if (geteuid() != 0) EXEC_FAILS("closed/program", EACCES);
    CHECK_EQ(chmod("closed", 0755), 0);
    RUNS(execl("closed/program", "program", NULL));
    // Root needs one of the x bits, whosever it is; others need their own.
    write_file("others", &elf, sizeof elf, 0601);
    if (geteuid() != 0)
        EXEC_FAILS("others", EACCES);
    else
        RUNS(execl("others", "others", NULL));
    PASS();
}
