// Written for syscall_intercept: makes every call itself, and tells the results of some. It has a thread of its own.
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

extern int (*intercept_hook_point)(long, long, long, long, long, long, long, long *);
long syscall_no_intercept(long, ...);

static int hook(long number, long a, long b, long c, long d, long e, long f, long *result)
{
	char line[64];

	*result = syscall_no_intercept(number, a, b, c, d, e, f);
	if (number == SYS_clone || number == SYS_clone3 || number == SYS_vfork || number == SYS_wait4) {
		snprintf(line, sizeof line, "%ld: %s\n", number, *result < 0 ? "error" : *result ? "pid" : "0");
		syscall_no_intercept(SYS_write, 2, line, strlen(line));
	}
	return 0;
}

static void *work(void *number)
{
	*(long *)number = syscall_no_intercept(SYS_gettid);
	return NULL;
}

__attribute__((constructor)) static void start(void)
{
	pthread_t thread;
	long number = 0;

	if (pthread_create(&thread, NULL, work, &number) == 0)
		pthread_join(thread, NULL);
	if (number == 0 || number == syscall_no_intercept(SYS_gettid))
		syscall_no_intercept(SYS_write, 2, "no thread\n", 10L);
	intercept_hook_point = hook;
}
