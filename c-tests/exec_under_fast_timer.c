// A timer that is faster than an exec does not keep it from its end, nor from failing.
#include "exec.h"
#include <time.h>

static void handler(int number) { (void)number; }

int main(int argc, char **argv) {
    if (is_image(argc, argv)) return 0;
    know_self(argv);
    char *arguments[] = {self, image_word(), NULL};
    int status;
    IN_CHILD(status, {
        alarm(20);
        struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
        CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
        struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
        timer_t timer;
        CHECK_EQ(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
        struct itimerspec times = {{0, 20000}, {0, 20000}};
        CHECK_EQ(timer_settime(timer, 0, &times, NULL), 0);
        for (int i = 0; i < 20; i++) CHECK_ERR(execv("/nonexistent/file", arguments), ENOENT);
        execv(self, arguments);
    });
    // The kernel's exec drops the timer, but perhaps not its last signal.
    CHECK(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1));
    PASS();
}
