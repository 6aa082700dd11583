// Shows that ld.so finds libraries for a new image as natively: by LD_LIBRARY_PATH, by a run path of
// $ORIGIN, by LD_PRELOAD; also through a link to the program, and when run by its relative name.
// form library.so: -shared -fPIC -DLIBRARY
// form origin: -pie -fPIE -Wl,-rpath,$ORIGIN -Wl,--enable-new-dtags
// form nopie-origin: -no-pie -fno-pie -Wl,-rpath,$ORIGIN
// form plain: -pie -fPIE
#include "image.h"

#ifdef LIBRARY
int answer_of_library(void) { return 42; }
#elif defined IMAGE
#include <dlfcn.h>
int answer_of_library(void) __attribute__((weak));

int main(int argc, char **argv) {
    CHECK_EQ(argc, 2);
    if (argv[1][0] == 'p') {
        CHECK(answer_of_library != NULL);
        CHECK_EQ(answer_of_library(), 42);
        return 0;
    }
    CHECK(answer_of_library == NULL);
    void *library = dlopen("image_libraries.library.so", RTLD_NOW);
    if (!library) fprintf(stderr, "%s\n", dlerror());
    CHECK(library);
    CHECK_EQ(((int (*)(void))dlsym(library, "answer_of_library"))(), 42);
    return 0;
}
#else
#include <libgen.h>

int main(void) {
    char directory[4096], path[4200], preload[4200], here[4096];
    CHECK(realpath(image("plain"), directory));
    dirname(directory);
    snprintf(path, sizeof path, "LD_LIBRARY_PATH=%s", directory);
    snprintf(preload, sizeof preload, "LD_PRELOAD=%s", image("library.so"));
    char *open_it[] = {"image", "open", NULL}, *preloaded[] = {"image", "preloaded", NULL};
    char *by_path[] = {path, NULL}, *by_preload[] = {preload, NULL}, *none[] = {NULL};
    CHECK_EQ(run_image(image("plain"), open_it, by_path), 0);
    CHECK_EQ(run_image(image("plain"), preloaded, by_preload), 0);
    CHECK_EQ(run_image(image("origin"), open_it, none), 0);
    CHECK_EQ(run_image(image("nopie-origin"), open_it, none), 0);
    unlink("link");
    CHECK(realpath(image("origin"), here));
    CHECK_EQ(symlink(here, "link"), 0);
    CHECK_EQ(run_image("./link", open_it, none), 0);
    CHECK_EQ(chdir(directory), 0);
    CHECK_EQ(run_image("image_libraries.origin", open_it, none), 0);
    CHECK_EQ(run_image("./image_libraries.nopie-origin", open_it, none), 0);
    PASS();
}
#endif
