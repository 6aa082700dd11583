// Makes getppid from different sites: trace_sites LIBRARY NAME..., where each library is closed before the next one
// is opened; then executes itself.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static __attribute__((noipa)) long own_site(void) {
    long result;
    __asm__ volatile("mov %1, %%eax\n\tsyscall" : "=a"(result) : "i"(SYS_getppid) : "rcx", "r11", "memory");
    return result;
}

static const unsigned char code[] = {0xb8, SYS_getppid, 0, 0, 0, 0x0f, 0x05, 0xc3};

int main(int argc, char **argv) {
    own_site();
    getppid();
    if (argc < 3) return 0;
    void *last = NULL;
    for (int i = 1; i + 1 < argc; i += 2) {
        void *library = dlopen(argv[i], RTLD_NOW | RTLD_LOCAL);
        if (!library) return puts(dlerror()), 1;
        long (*site)(void) = (long (*)(void))dlsym(library, argv[i + 1]);
        site();
        site();
        // Told for the test: whether the same address has had two files.
        printf("%s\n", (void *)site == last ? "same" : "other");
        last = (void *)site;
        dlclose(library);
    }
    fflush(stdout);
    void *made = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(made, code, sizeof code);
    ((long (*)(void))made)();
    execl("/proc/self/exe", "again", NULL);
    return 1;
}
