/* libsyscall_intercept.so.0: runs a hook library that was written for syscall_intercept, as it is.
 *
 *     USERTRAP_HOOK=libsyscall_intercept.so.0:/path/to/its.so
 *
 * The interface, as syscall_intercept's manual documents it: the library's constructor sets the
 * variables below, and calls are given to what they point to. In GekkoFS's branch there is one more
 * variable, and those about clones have clone's arguments. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "forward.h"
#include "intercept_log.h"

#define PUBLIC __attribute__((visibility("default")))

typedef int (*hook_point)(long number, long a, long b, long c, long d, long e, long f, long *result);
typedef void (*post_kernel)(long number, long a, long b, long c, long d, long e, long f, long result);
typedef void (*clone_child)(unsigned long flags, void *stack, int *ptid, int *ctid, long tls);
/* The first one is the manual's form, which has the thread's number alone. */
typedef void (*clone_parent)(unsigned long pid_or_flags, void *stack, int *ptid, int *ctid, long tls, long pid);

PUBLIC hook_point intercept_hook_point;
PUBLIC post_kernel intercept_hook_point_post_kernel;
PUBLIC clone_child intercept_hook_point_clone_child;
PUBLIC clone_parent intercept_hook_point_clone_parent;

static bool allowed;

PUBLIC int syscall_hook_in_process_allowed(void)
{
	const char *wanted = getenv("INTERCEPT_HOOK_CMDLINE_FILTER");
	char line[4096] = "";
	const char *name;
	int fd;

	if (!wanted)
		return 1;
	fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, line, sizeof line - 1) < 0)
		line[0] = 0;
	close(fd);
	name = strrchr(line, '/');
	return strcmp(name ? name + 1 : line, wanted) == 0;
}

PUBLIC long syscall_no_intercept(long number, ...)
{
	long args[6];
	va_list list;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		args[i] = va_arg(list, long);
	va_end(list);
	return forward_call(number, args);
}

static long run(const struct usertrap_call *call)
{
	const uint64_t *args = call->args;
	long result = 0;

	if (intercept_hook_point(call->number, args[0], args[1], args[2], args[3], args[4], args[5], &result) != 0)
		result = forward_pass();
	return result;
}

/* Whether the call makes a thread, and with what arguments. */
static bool makes_thread(const struct usertrap_call *call, struct clone_args *args)
{
	memset(args, 0, sizeof *args);
	if (call->number == SYS_clone) {
		args->flags = call->args[0];
		args->stack = call->args[1];
		args->parent_tid = call->args[2];
		args->child_tid = call->args[3];
		args->tls = call->args[4];
	} else if (call->number == SYS_clone3) {
		size_t size = call->args[1] < sizeof *args ? call->args[1] : sizeof *args;

		if (forward_services()->read(args, call->args[0], size) != 0)
			return false;
	}
	return args->flags & CLONE_THREAD;
}

static bool does_not_return(uint64_t number)
{
	return number == SYS_exit || number == SYS_exit_group || number == SYS_rt_sigreturn;
}

static int enter(struct usertrap_call *call)
{
	struct clone_args args;
	int verdict = USERTRAP_PASS;

	if (!allowed)
		return USERTRAP_PASS;
	if (intercept_hook_point)
		verdict = forward_enter(call, run);
	if (intercept_log_is_open() && (verdict == USERTRAP_ANSWER || does_not_return(call->number)))
		intercept_log_call(call, verdict == USERTRAP_ANSWER ? &call->result : NULL);
	if (verdict != USERTRAP_PASS)
		return verdict;
	if (intercept_hook_point_post_kernel || intercept_log_is_open() ||
	    (intercept_hook_point_clone_parent && makes_thread(call, &args)))
		return USERTRAP_PASS_THEN_EXIT;
	return USERTRAP_PASS;
}

static void leave(struct usertrap_call *call)
{
	const uint64_t *a = call->args;
	bool forwarded = forward_exit(call);
	struct clone_args args;

	if (call->flags & USERTRAP_RESTARTING)
		return;
	if (intercept_log_is_open())
		intercept_log_call(call, &call->result);
	if (!forwarded && intercept_hook_point_post_kernel)
		intercept_hook_point_post_kernel(call->number, a[0], a[1], a[2], a[3], a[4], a[5], call->result);
	if (intercept_hook_point_clone_parent && call->result > 0 && makes_thread(call, &args))
		intercept_hook_point_clone_parent(intercept_hook_point_post_kernel ? args.flags : (uint64_t)call->result,
						  (void *)args.stack, (int *)args.parent_tid, (int *)args.child_tid,
						  args.tls, call->result);
}

static void thread_start(uint64_t *storage)
{
	(void)storage;
	/* The child of a vfork is no thread. */
	if (allowed && intercept_hook_point_clone_child && getpid() != gettid())
		intercept_hook_point_clone_child(0, NULL, NULL, NULL, 0);
}

static int init(const struct usertrap_services *services, const char *path)
{
	static bool begun;
	char line[512];
	Dl_info self;

	forward_init(services);
	if (begun) {
		services->log("it can run one library; name it once");
		return 1;
	}
	begun = true;
	allowed = syscall_hook_in_process_allowed();
	if (allowed)
		intercept_log_open(services);
	/* For libraries that were linked without -lsyscall_intercept. */
	if (dladdr(&intercept_hook_point, &self))
		dlopen(self.dli_fname, RTLD_NOW | RTLD_GLOBAL | RTLD_NOLOAD);
	if (*path && !dlopen(path, RTLD_NOW | RTLD_LOCAL)) {
		snprintf(line, sizeof line, "cannot load the hook: %s", dlerror());
		services->log(line);
		return 1;
	}
	return 0;
}

USERTRAP_HOOK(.name = "syscall_intercept", .init = init, .enter = enter, .exit = leave, .thread_start = thread_start,
	      .fork_child = forward_fork_child);
