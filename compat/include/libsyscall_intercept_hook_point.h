/* The interface of syscall_intercept, as its manual documents it, for hook libraries that are
 * compiled anew. Those that are compiled already do without: see docs/from-syscall-intercept.md. */
#ifndef LIBSYSCALL_INTERCEPT_HOOK_POINT_H
#define LIBSYSCALL_INTERCEPT_HOOK_POINT_H

#ifdef __cplusplus
extern "C" {
#endif

/* Called for each call, once the library has set it. 0: *result is the call's result; else the
 * call is made. */
extern int (*intercept_hook_point)(long syscall_number, long arg0, long arg1, long arg2, long arg3, long arg4,
				   long arg5, long *result);

/* Called when a thread was made on a stack of its own: in it, and in the thread that made it. */
extern void (*intercept_hook_point_clone_child)(void);
extern void (*intercept_hook_point_clone_parent)(long pid);

/* A system call that no hook sees. */
long syscall_no_intercept(long syscall_number, ...);

/* The errno in a result, or 0. */
static inline int syscall_error_code(long result)
{
	return result < 0 && result >= -4095 ? (int)-result : 0;
}

/* Whether calls of this process come to the hook (INTERCEPT_HOOK_CMDLINE_FILTER). */
int syscall_hook_in_process_allowed(void);

#ifdef __cplusplus
}
#endif

#endif
