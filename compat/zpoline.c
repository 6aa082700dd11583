/* Runs a hook library that was written for zpoline, as it is.
 *
 *     USERTRAP_HOOK=libzpoline.so:/path/to/its.so     or LIBZPHOOK=/path/to/its.so
 *
 * The interface, as zpoline documents it: the library exports `__hook_init`, which gets a pointer
 * to a pointer to a function. That function makes the call; the library may put another one in its
 * place, which every call is given to from then on, and whose value is the call's result. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "forward.h"

typedef long (*call_function)(long number, long a, long b, long c, long d, long e, long f);
typedef int (*init_function)(long unused, void *function);

static long make_call(long number, long a, long b, long c, long d, long e, long f)
{
	return forward_call(number, (long[]){a, b, c, d, e, f});
}

static call_function hook = make_call;

static long run(const struct usertrap_call *call)
{
	const uint64_t *args = call->args;

	return hook(call->number, args[0], args[1], args[2], args[3], args[4], args[5]);
}

static int enter(struct usertrap_call *call)
{
	/* zpoline makes it before its hooks, too. */
	if (call->number == SYS_rt_sigreturn || hook == make_call)
		return USERTRAP_PASS;
	return forward_enter(call, run);
}

static void leave(struct usertrap_call *call)
{
	forward_exit(call);
}

static int init(const struct usertrap_services *services, const char *path)
{
	static bool begun;
	char line[512];
	void *library;
	init_function hook_init;

	forward_init(services);
	if (begun) {
		services->log("it can run one library; name it once");
		return 1;
	}
	begun = true;
	if (*path == 0)
		path = getenv("LIBZPHOOK");
	if (!path || *path == 0) {
		services->log("no hook: name one, by LIBZPHOOK or behind a colon in USERTRAP_HOOK");
		return 1;
	}
	library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!library) {
		snprintf(line, sizeof line, "cannot load the hook: %s", dlerror());
		services->log(line);
		return 1;
	}
	hook_init = (init_function)dlsym(library, "__hook_init");
	if (!hook_init) {
		snprintf(line, sizeof line, "%s is no hook for zpoline: it has no symbol __hook_init", path);
		services->log(line);
		return 1;
	}
	return hook_init(0, &hook);
}

USERTRAP_HOOK(.name = "zpoline", .init = init, .enter = enter, .exit = leave, .fork_child = forward_fork_child);
