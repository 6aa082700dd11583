#include "forward.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STACK ((size_t)1 << 20)
#define GUARD ((size_t)4096)

/* What the psABI lets a caller expect, on the stack that is left. */
struct frame {
	uint64_t r15, r14, r13, r12, rbx, rbp;
	void (*rip)(void);
	uint64_t end; /* the return address of the first function: none */
};

enum state { ENDED, RUNS, STANDS, PASSES };

struct forward {
	char *stack;
	void *own;  /* rsp of the function, while it is left */
	void *core; /* rsp of enter or exit, while it runs */
	enum state state;
	bool made; /* the application's call */
	forward_function function;
	struct usertrap_call call; /* as the function sees it */
	long args[6];              /* as it makes it */
	long result;               /* of the call, then of the function */
};

/* It stays with the thread block, which another thread gets when this one has ended. */
static __thread struct forward *own;
static const struct usertrap_services *services;

void forward_switch(void **save, void *to) __attribute__((visibility("hidden")));
__asm__(".text\n"
	".hidden forward_switch\n"
	"forward_switch:\n"
	"	push %rbp\n"
	"	push %rbx\n"
	"	push %r12\n"
	"	push %r13\n"
	"	push %r14\n"
	"	push %r15\n"
	"	mov %rsp, (%rdi)\n"
	"	mov %rsi, %rsp\n"
	"	pop %r15\n"
	"	pop %r14\n"
	"	pop %r13\n"
	"	pop %r12\n"
	"	pop %rbx\n"
	"	pop %rbp\n"
	"	ret\n");

void forward_init(const struct usertrap_services *given)
{
	services = given;
}

const struct usertrap_services *forward_services(void)
{
	return services;
}

static _Noreturn void leave(enum state state)
{
	struct forward *forward = own;

	forward->state = state;
	forward_switch(&forward->own, forward->core);
	abort();
}

static void begin(void)
{
	struct forward *forward = own;

	forward->result = forward->function(&forward->call);
	leave(ENDED);
}

long forward_pass(void)
{
	if (own->made)
		return forward_call(own->call.number, (const long *)own->call.args);
	leave(PASSES);
}

static struct forward *make(void)
{
	struct forward *forward = calloc(1, sizeof *forward);
	char *stack = mmap(NULL, GUARD + STACK, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (!forward || stack == MAP_FAILED || mprotect(stack, GUARD, PROT_NONE) != 0)
		abort();
	forward->stack = stack + GUARD;
	return forward;
}

int forward_enter(struct usertrap_call *call, forward_function function)
{
	struct forward *forward = own ? own : (own = make());
	struct frame *frame = (struct frame *)(forward->stack + STACK - sizeof *frame);

	/* What stood there from a call that never came back is dropped. */
	*frame = (struct frame){.rip = begin};
	forward->own = frame;
	forward->state = RUNS;
	forward->made = false;
	forward->function = function;
	forward->call = *call;
	forward_switch(&forward->core, forward->own);
	switch (forward->state) {
	case STANDS:
		memcpy(call->args, forward->args, sizeof forward->args);
		return USERTRAP_PASS_THEN_EXIT;
	case PASSES:
		return USERTRAP_PASS;
	default:
		call->result = forward->result;
		return USERTRAP_ANSWER;
	}
}

static void go_on(struct forward *forward, long result)
{
	forward->result = result;
	forward->state = RUNS;
	forward_switch(&forward->core, forward->own);
}

bool forward_exit(struct usertrap_call *call)
{
	struct forward *forward = own;
	bool again = call->flags & USERTRAP_RESTARTING;

	if (!forward || forward->state != STANDS)
		return false;
	go_on(forward, again ? -EINTR : call->result);
	if (!again)
		call->result = forward->result;
	return true;
}

void forward_fork_child(void)
{
	if (own && own->state == STANDS)
		go_on(own, 0);
}

static long raw(long number, const long args[6])
{
	long result;
	register long r10 __asm__("r10") = args[3];
	register long r8 __asm__("r8") = args[4];
	register long r9 __asm__("r9") = args[5];

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(args[0]), "S"(args[1]), "d"(args[2]), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

static long refuse(long number)
{
	char line[96];

	snprintf(line, sizeof line, "call %ld is refused: a hook cannot make it on its own account", number);
	if (services)
		services->log(line);
	return -EPERM;
}

long forward_call(long number, const long args[6])
{
	struct forward *forward = own;

	if (forward && forward->state == RUNS && !forward->made && number == (long)forward->call.number) {
		forward->made = true;
		memcpy(forward->args, args, sizeof forward->args);
		forward->state = STANDS;
		forward_switch(&forward->own, forward->core);
		return forward->result;
	}
	switch (number) {
	case SYS_exit_group:
		_exit((int)args[0]);
	case SYS_clone:
	case SYS_clone3:
	case SYS_fork:
	case SYS_vfork:
	case SYS_execve:
	case SYS_execveat:
	case SYS_exit:
	case SYS_rt_sigreturn:
	case SYS_rt_sigaction:
	case SYS_rt_sigprocmask:
	case SYS_sigaltstack:
	case SYS_arch_prctl:
	case SYS_set_tid_address:
	case SYS_set_robust_list:
	case SYS_rseq:
		return refuse(number);
	default:
		return raw(number, args);
	}
}
