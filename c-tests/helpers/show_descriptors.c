// Writes to the file named which of the first 1,100 descriptors are open, and which the next one is.
#include "../code.h"

int main(int argc, char **argv) {
    CHECK_EQ(argc, 2);
    char text[8000];
    int length = 0;
    for (int fd = 0; fd < 1100; fd++)
        if (fcntl(fd, F_GETFD) >= 0) length += snprintf(text + length, sizeof text - (size_t)length, "open %d\n", fd);
    int fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0);
    length += snprintf(text + length, sizeof text - (size_t)length, "next %d\n", fd);
    CHECK_EQ(write(fd, text, (size_t)length), length);
    return 0;
}
