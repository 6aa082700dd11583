// Written for syscall_intercept: counts calls and threads, refuses getdents64 (ENOTSUP), says so at the end.
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

// What the library exports (its manual).
extern int (*intercept_hook_point)(long, long, long, long, long, long, long, long *);
extern void (*intercept_hook_point_clone_child)(void);
extern void (*intercept_hook_point_clone_parent)(long pid);
long syscall_no_intercept(long, ...);
int syscall_hook_in_process_allowed(void);

static atomic_long calls, children, parents;

static void say(const char *what, long count)
{
	char line[64];
	int length = snprintf(line, sizeof line, "%s: %ld\n", what, count);

	syscall_no_intercept(SYS_write, 2, line, (long)length);
}

static int hook(long number, long a, long b, long c, long d, long e, long f, long *result)
{
	(void)a, (void)b, (void)c, (void)d, (void)e, (void)f;
	calls++;
	if (number == SYS_getdents64 && !getenv("LISTING")) {
		*result = -ENOTSUP;
		return 0;
	}
	if (number == SYS_exit_group) {
		say("children", children);
		say("parents", parents);
		say("many calls", calls > 20);
	}
	return 1;
}

static void child(void)
{
	children++;
}

static void parent(long pid)
{
	parents += pid > 1;
}

__attribute__((constructor)) static void start(void)
{
	if (!syscall_hook_in_process_allowed())
		say("allowed", 0);
	intercept_hook_point_clone_child = child;
	intercept_hook_point_clone_parent = parent;
	intercept_hook_point = hook;
}
