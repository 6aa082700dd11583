// static: yes
// A process executes while another of its threads waits for a vfork child, which goes on in the memory
// that both had, makes calls and executes later; it is the new image's child.
#include "exec.h"
#include "threads.h"

static int to_child[2], from_child[2];
static char page[PAGE] __attribute__((aligned(PAGE)));
static char *arguments[] = {"program", NULL, NULL, NULL}, *of_child[] = {"program", NULL, "child", NULL};

static void *has_child(void *unused) {
    pid_t child = vfork();
    if (child == 0) {
        // Says that it is there, and waits for the new image.
        char byte;
        if (write(from_child[1], "a", 1) == 1 && read(to_child[0], &byte, 1) == 1 && getppid() > 0) {
            for (int i = 0; i < 100; i++) raw0(SYS_getuid);
            // What waits for others in this memory: they are gone.
            pid_t grandchild = fork();
            if (grandchild == 0) _exit(0);
            if (waitpid(grandchild, NULL, 0) != grandchild) _exit(2);
            if (mprotect(page, PAGE, PROT_READ | PROT_EXEC) != 0) _exit(3);
            execv("no-such-file", of_child);
            execv(self, of_child);
        }
        _exit(1);
    }
    pause(); // the exec comes while the thread is still in vfork, as a rule
    return unused;
}

static void parent(void) {
    start_thread(has_child, NULL, 0);
    char byte, numbers[20];
    CHECK_EQ(read(from_child[0], &byte, 1), 1);
    sprintf(numbers, "%d %d", to_child[1], from_child[0]);
    arguments[2] = numbers;
    execv(self, arguments);
    _exit(errno);
}

int main(int argc, char **argv) {
    if (is_image(argc, argv)) {
        if (!strcmp(argv[2], "child")) return 9;
        int to, from, status;
        CHECK(sscanf(argv[2], "%d %d", &to, &from) == 2);
        usleep(1000);
        CHECK_EQ(write(to, "b", 1), 1);
        CHECK(wait(&status) > 0);
        CHECK_EQ(status, 9 << 8);
        return 3;
    }
    know_self(argv);
    arguments[1] = of_child[1] = image_word();
    CHECK_EQ(pipe(to_child), 0);
    CHECK_EQ(pipe(from_child), 0);
    for (int i = 0; i < 30; i++) {
        int status;
        IN_CHILD(status, parent());
        CHECK_EQ(status, 3 << 8);
    }
    PASS();
}
