// POSIX aio: reads and writes with notification by signal, by a thread and by none, lists of them that wait or notify, what
// suspends and cancels; each gives its bytes, once.
// cflags: -lrt
#include "threads.h"
#include <aio.h>
#include <poll.h>

static volatile sig_atomic_t signals, wrong;
static volatile int threads;
static void handler(int sig, siginfo_t *info, void *context) {
    int saved = errno;
    (void)sig, (void)context;
    if (info->si_code != SI_ASYNCIO || info->si_pid != getpid() || info->si_value.sival_int != 9) wrong++;
    CHECK_EQ(raw0(600), -ENOSYS);
    errno = saved;
    signals++;
}
static void notified(union sigval value) {
    if (value.sival_int != 9) wrong++;
    __atomic_fetch_add(&threads, 1, __ATOMIC_SEQ_CST);
}

enum { BLOCKS = 8, SIZE = 512 };
static char out[BLOCKS][SIZE], in[BLOCKS][SIZE];

int main(void) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART};
    CHECK_EQ(sigaction(SIGRTMIN + 3, &action, NULL), 0);
    int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0);
    for (int round = 0; round < 20; round++)
        for (int kind = 0; kind < 4; kind++) {
            int notify[] = {SIGEV_NONE, SIGEV_SIGNAL, SIGEV_THREAD, SIGEV_NONE};
            struct aiocb writes[BLOCKS], reads[BLOCKS], *list[BLOCKS];
            memset(writes, 0, sizeof writes), memset(reads, 0, sizeof reads), memset(in, 0, sizeof in);
            struct sigevent event = {.sigev_notify = notify[kind], .sigev_signo = SIGRTMIN + 3, .sigev_value.sival_int = 9, .sigev_notify_function = notified};
            signals = 0, threads = 0;
            for (int i = 0; i < BLOCKS; i++) {
                memset(out[i], round * 31 + kind * 7 + i, SIZE);
                writes[i] = (struct aiocb){.aio_fildes = fd, .aio_buf = out[i], .aio_nbytes = SIZE, .aio_offset = i * SIZE, .aio_lio_opcode = LIO_WRITE};
                reads[i] = (struct aiocb){.aio_fildes = fd, .aio_buf = in[i], .aio_nbytes = SIZE, .aio_offset = i * SIZE, .aio_lio_opcode = LIO_READ};
                if (kind < 3) writes[i].aio_sigevent = event;
                if (kind < 3) CHECK_EQ(aio_write(&writes[i]), 0);
                list[i] = kind < 3 ? &reads[i] : &writes[i];
            }
            if (kind < 3) {
                for (int i = 0; i < BLOCKS; i++) {
                    const struct aiocb *one = &writes[i];
                    while (aio_error(&writes[i]) == EINPROGRESS) aio_suspend(&one, 1, NULL);
                    CHECK_EQ(aio_return(&writes[i]), SIZE);
                }
                while (kind == 1 && signals < BLOCKS) usleep(20);
                while (kind == 2 && threads < BLOCKS) usleep(20);
                CHECK_EQ(lio_listio(LIO_WAIT, list, BLOCKS, NULL), 0);
            } else {
                event.sigev_notify = round & 1 ? SIGEV_SIGNAL : SIGEV_THREAD;
                CHECK_EQ(lio_listio(LIO_NOWAIT, list, BLOCKS, &event), 0);
                while (signals + threads == 0) usleep(20);
                for (int i = 0; i < BLOCKS; i++) list[i] = &reads[i];
                while (lio_listio(LIO_WAIT, list, BLOCKS, NULL) != 0) CHECK_EQ(errno, EINTR);
            }
            for (int i = 0; i < BLOCKS; i++) CHECK_EQ(aio_return(&reads[i]), SIZE);
            CHECK(memcmp(in, out, sizeof in) == 0);
        }
    // One that waits is canceled, or not, but ends when there is something to read.
    int pipes[2];
    CHECK_EQ(pipe(pipes), 0);
    struct aiocb first = {.aio_fildes = pipes[0], .aio_buf = in[0], .aio_nbytes = 1}, second = {.aio_fildes = pipes[0], .aio_buf = in[1], .aio_nbytes = 1};
    CHECK_EQ(aio_read(&first), 0);
    CHECK_EQ(aio_read(&second), 0);
    usleep(10000);
    CHECK_EQ(aio_cancel(pipes[0], &second), AIO_CANCELED);
    CHECK_EQ(aio_error(&second), ECANCELED);
    CHECK_EQ(write(pipes[1], "x", 1), 1);
    const struct aiocb *one = &first;
    while (aio_error(&first) == EINPROGRESS) aio_suspend(&one, 1, NULL);
    CHECK_EQ(aio_return(&first), 1);
    CHECK_EQ(in[0][0], 'x');
    CHECK_EQ(wrong, 0);
    PASS();
}
