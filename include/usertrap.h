/* usertrap.h: hooks in C and C++. Version 1.
 *
 * A hook is a shared library that exports one descriptor, usertrap_hook:
 *
 *     #include <usertrap.h>
 *
 *     static int enter(struct usertrap_call *call)
 *     {
 *         call->result = 42;
 *         return USERTRAP_ANSWER;
 *     }
 *     static const uint16_t numbers[] = { 39 };     // getpid
 *     USERTRAP_HOOK(.name = "answer", .numbers = numbers, .count = 1, .enter = enter);
 *
 *     cc -shared -fPIC $(pkg-config --cflags usertrap) -o answer.so answer.c
 *     usertrap --hook ./answer.so ./app             # or USERTRAP_HOOK=./answer.so
 *
 * A name without a slash is looked for where ld.so looks for libraries.
 *
 * The library and all that it needs are loaded beside the application's libraries, into each
 * process of the tree: it may use all of libc, malloc, stdio and locks, whatever the application
 * holds, and threads of its own. Its system calls are seen by no hook. It cannot make processes,
 * execute programs, or handle signals: those of the application's wait until the hook returns.
 */
#ifndef USERTRAP_H
#define USERTRAP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define USERTRAP_ABI_VERSION 1

/* What a hook says of a call. */
enum usertrap_verdict {
	USERTRAP_PASS = 0,           /* make it, with the arguments as they are now */
	USERTRAP_PASS_THEN_EXIT = 1, /* the same, and call exit with its result */
	USERTRAP_ANSWER = 2,         /* do not make it: `result` is its result */
};

/* usertrap_call.flags, in exit: a signal came before a result; the call is made anew later. */
#define USERTRAP_RESTARTING 1u

/* usertrap_hook.flags: what enter, exit and exec do not do, with all that they call. Neither flag is needed where their code
 * shows it: it calls only static functions of the same library, and nothing by a pointer. A wrong one breaks the application. */
#define USERTRAP_NO_VECTORS 1u /* use vector, mask or x87 registers (-mgeneral-regs-only, no libc): none are kept */
#define USERTRAP_NO_TLS 2u     /* use thread-local variables, libc's errno, malloc and locks among them: FS is not changed */

/* Words of storage that each hook has for each thread. */
#define USERTRAP_STORAGE 8

/* One system call. Results are the kernel's: -4095..-1 is an error. */
struct usertrap_call {
	uint64_t number;   /* as in <sys/syscall.h>, below 1024 */
	uint64_t args[6];  /* rdi, rsi, rdx, r10, r8, r9; enter may change them, also to point to memory of
			    * the hook's that stays until the call has ended: static or thread-local */
	int64_t result;    /* set by enter to answer; exit may change it */
	uint64_t site;     /* the address of the syscall instruction */
	uint64_t stack;    /* the caller's rsp */
	uint64_t word;     /* the hook's own, from enter (where it is 0) to exit */
	uint64_t *storage; /* USERTRAP_STORAGE words of the thread's, 0 when it starts */
	uint32_t thread;   /* gettid */
	uint32_t flags;
};

/* What usertrap does for a hook; init gets it, for good. */
struct usertrap_services {
	uint32_t abi;
	uint32_t size; /* of this structure: later versions are longer */
	/* A system call, raw: the kernel's result, errno untouched. What hooks cannot do is EPERM. */
	int64_t (*call)(int64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f);
	/* From and to the application's memory: 0, or -EFAULT, and never a crash. */
	int (*read)(void *to, uint64_t from, size_t size);
	int (*write)(uint64_t to, const void *from, size_t size);
	/* A line on the stderr that the program started with, unless it has put another file there. */
	void (*log)(const char *line);
	/* The file that an address is mapped from, and the offset in it: "/usr/bin/ls+0x1234".
	 * Returns the length; the text is cut to fit, and ends in 0. */
	int (*locate)(uint64_t address, char *text, size_t size);
	/* The function that an address lies in, by that file's symbols: "main+0x12", likewise; of C++ and
	 * Rust the mangled name. "" if they do not say. It reads the file each time: keep what it says. */
	int (*symbol)(uint64_t address, char *text, size_t size);
};

/* A hook. All functions may be null. */
struct usertrap_hook {
	uint32_t abi; /* USERTRAP_ABI_VERSION */
	uint32_t flags;
	const char *name;        /* in messages; the path if null */
	const uint16_t *numbers; /* the calls that it wants to see; null: all */
	size_t count;
	/* In each process image, before the program begins. `options` is what follows the `:` in
	 * USERTRAP_HOOK, "" if nothing does; it stays. Not 0: the program is not started. */
	int (*init)(const struct usertrap_services *services, const char *options);
	int (*enter)(struct usertrap_call *call);  /* enum usertrap_verdict */
	void (*exit)(struct usertrap_call *call);  /* after USERTRAP_PASS_THEN_EXIT */
	int (*exec)(struct usertrap_call *call);   /* execve and execveat, in place of enter; null: enter */
	void (*thread_start)(uint64_t *storage);   /* in each new thread */
	void (*thread_exit)(uint64_t *storage);
	void (*fork_child)(void);                  /* in the child */
	void (*fini)(void);                        /* before exit_group, or the last thread's exit */
};

/* The one symbol that is looked up. In C++: the fields in the order above (C++20). */
#ifdef __cplusplus
#define USERTRAP_EXPORT                                                                                                \
	_Pragma("GCC diagnostic ignored \"-Wmissing-field-initializers\"") /* the rest are null */                     \
	    extern "C" __attribute__((visibility("default")))
#define USERTRAP_ASSERT(what) static_assert(what, #what)
#else
#define USERTRAP_EXPORT extern const struct usertrap_hook usertrap_hook; __attribute__((visibility("default")))
#define USERTRAP_ASSERT(what) _Static_assert(what, #what)
#endif
#define USERTRAP_HOOK(...)                                                                                             \
	USERTRAP_EXPORT const struct usertrap_hook usertrap_hook = {.abi = USERTRAP_ABI_VERSION, __VA_ARGS__}

USERTRAP_ASSERT(sizeof(struct usertrap_call) == 104 && offsetof(struct usertrap_call, word) == 80);
USERTRAP_ASSERT(offsetof(struct usertrap_call, flags) == 100);
USERTRAP_ASSERT(sizeof(struct usertrap_services) == 56 && offsetof(struct usertrap_services, call) == 8);
USERTRAP_ASSERT(sizeof(struct usertrap_hook) == 96 && offsetof(struct usertrap_hook, init) == 32);
USERTRAP_ASSERT(offsetof(struct usertrap_hook, fini) == 88);

#ifdef __cplusplus
}
#endif

#endif
