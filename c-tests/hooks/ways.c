/* Makes calls by other ways than libc's functions: by number, through the services, from code made at run time, and those
 * that libc asks the vDSO for. Call 500 is answered with how many went wrong; 501 likewise, in a thread of the hook's own,
 * but for code made at run time. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "usertrap.h"

#define BASE 0x580000000000UL
#define HOLDS(condition) ((condition) ? 0 : (fprintf(stderr, "ways: line %d: %s, errno %d\n", __LINE__, #condition, errno), 1))

static const struct usertrap_services *services;
static _Thread_local int in_thread_start = -1;

static int clocks(void)
{
	static const clockid_t all[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID, CLOCK_TAI};
	struct timespec time;
	int wrong = HOLDS(clock() >= 0);

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		wrong += HOLDS(clock_gettime(all[i], &time) == 0);
	return wrong;
}

static int by_number(void)
{
	static const long refused[] = {SYS_fork, SYS_vfork, SYS_clone, SYS_execve, SYS_execveat};
	int wrong = HOLDS(syscall(SYS_getpid) == getpid());
	char *at;

	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		wrong += HOLDS(syscall(refused[i], 0, 0, 0, 0, 0) == -1 && errno == EPERM);
		wrong += HOLDS(services->call(refused[i], 0, 0, 0, 0, 0, 0) == -EPERM);
	}
	wrong += HOLDS(services->call(SYS_rt_sigaction, SIGUSR1, 0, 0, 8, 0, 0) == -EPERM);
	wrong += HOLDS(syscall(SYS_close, -1) == -1 && errno == EBADF);
	errno = 77;
	wrong += HOLDS(services->call(SYS_close, -1, 0, 0, 0, 0, 0) == -EBADF && errno == 77);
	wrong += HOLDS(services->call(SYS_getpid, 0, 0, 0, 0, 0, 0) == getpid());
	/* The sixth argument arrives: an offset beyond what there is is EOVERFLOW or EINVAL. */
	at = (char *)syscall(SYS_mmap, 0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 1);
	wrong += HOLDS(at == (char *)-1 && errno == EINVAL);
	at = (char *)syscall(SYS_mmap, 0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	wrong += HOLDS((unsigned long)at - BASE < 1UL << 40);
	munmap(at, 4096);
	return wrong;
}

static long made(const unsigned char *code, size_t size, long number)
{
	unsigned char *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long result = number;

	memcpy(at, code, size);
	__asm__ volatile("call *%[at]" : "+a"(result) : [at] "r"(at), "D"(0L), "S"(0L), "d"(0L) : "rcx", "r8", "r9", "r10", "r11", "memory");
	munmap(at, 4096);
	return result;
}

static int by_fresh_code(void)
{
	static const unsigned char call[] = {0x0f, 0x05, 0xc3}, old[] = {0xcd, 0x80, 0xc3};
	int wrong = 0;

	for (int i = 0; i < 3; i++)
		wrong += HOLDS(made(call, sizeof call, SYS_getpid) == getpid());
	wrong += HOLDS(made(call, sizeof call, SYS_fork) == -EPERM);
	wrong += HOLDS(made(old, sizeof old, 20) == -ENOSYS);
	return wrong;
}

static void *run(void *wrong)
{
	*(int *)wrong = clocks() + by_number();
	return NULL;
}

static int enter(struct usertrap_call *call)
{
	int wrong = 0;
	pthread_t thread;

	if (call->number == 500)
		wrong = clocks() + by_number() + by_fresh_code() + (in_thread_start > 0);
	else
		wrong = HOLDS(pthread_create(&thread, NULL, run, &wrong) == 0) || pthread_join(thread, NULL) != 0 ? 1 : wrong;
	call->result = wrong;
	return USERTRAP_ANSWER;
}

static void born(uint64_t *storage)
{
	(void)storage;
	in_thread_start = clocks() + by_number();
}

static int init(const struct usertrap_services *given, const char *options)
{
	(void)options;
	services = given;
	return clocks() + by_number();
}

static const uint16_t numbers[] = {500, 501};
USERTRAP_HOOK(.name = "ways", .numbers = numbers, .count = 2, .init = init, .enter = enter, .thread_start = born);
