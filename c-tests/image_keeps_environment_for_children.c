// Shows that what an image finds in its environment it can pass on, grandchildren included: by system,
// popen, setenv and putenv; a shell prints exactly that.
// forms: pie static
#include "image.h"

#ifdef IMAGE
int main(void) {
    char line[256], *own[] = {"/usr/bin/env", NULL};
    int status;
    CHECK(!strcmp(getenv("PLACE"), "here"));
    IN_CHILD(status, execv(own[0], own));
    CHECK_EQ(status, 0);
    CHECK_EQ(setenv("MORE", "two words", 1), 0);
    CHECK_EQ(unsetenv("PLACE"), 0);
    CHECK_EQ(putenv("PATH=/usr/bin:/bin"), 0);
    fflush(stdout);
    CHECK_EQ(system("env | sort | grep -v -e '^_=' -e '^PWD=' -e '^SHLVL=' -e '^OLDPWD='"), 0);
    FILE *pipe = popen("echo \"$MORE,$PLACE\"", "r");
    CHECK(pipe && fgets(line, sizeof line, pipe) && !strcmp(line, "two words,\n"));
    CHECK_EQ(pclose(pipe), 0);
    CHECK_EQ(clearenv(), 0);
    IN_CHILD(status, execv(own[0], own));
    CHECK_EQ(status, 0);
    return 0;
}
#else
int main(void) {
    IMAGE_PASSES("pie");
    IMAGE_PASSES("static");
    PASS();
}
#endif
