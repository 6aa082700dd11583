/* Reads what the first argument of each call points to, before and behind it, of chdir a MB; at call 500 it answers how many of its own
 * reads went wrong, with fault signals blocked and let in by libc's functions. */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "usertrap.h"

#define PAGE 4096
#define PAGES 5

static const struct usertrap_services *services;
static char much[1 << 20];

static int init(const struct usertrap_services *given, const char *options)
{
	(void)options;
	services = given;
	return 0;
}

static int is_wrong(uint64_t from, size_t size, int want)
{
	static char to[PAGES * PAGE];

	memset(to, '.', sizeof to);
	if (services->read(to, from, size) != want)
		return 1;
	for (size_t i = want == 0 ? 0 : sizeof to; i < sizeof to; i++)
		if (to[i] != (i < size ? 'x' : '.'))
			return 1;
	return 0;
}

static int wrong(uint64_t at)
{
	static const size_t faults[][2] = {{8192, 1}, {8190, 4}, {8185, 8}, {8191, 2}, {12287, 1}, {0, PAGES * PAGE}};
	int count = 0;

	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
		count += is_wrong(at + faults[i][0], faults[i][1], -14);
	count += is_wrong(0, 1, -14) + is_wrong(1ull << 63, 8, -14) + is_wrong(-4ull, 8, -14);
	/* Last, so that no fault lies between these and a mask that changes. */
	for (size_t size = 0; size < 20; size++)
		count += is_wrong(at + 2 * PAGE - size, size, 0) + is_wrong(at + PAGE - 7, size, 0);
	return count + is_wrong(at, 2 * PAGE, 0);
}

static int enter(struct usertrap_call *call)
{
	char some[64];

	if (call->number == 500) {
		uint64_t at = services->call(SYS_mmap, 0, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		sigset_t all, before;

		memset((void *)at, 'x', PAGES * PAGE);
		services->call(SYS_mprotect, at + 2 * PAGE, PAGE, PROT_NONE, 0, 0, 0);
		call->result = wrong(at);
		sigfillset(&all);
		pthread_sigmask(SIG_BLOCK, &all, &before);
		call->result += wrong(at);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
		call->result += wrong(at);
		uint64_t mask = -1ull, old;
		services->call(SYS_rt_sigprocmask, SIG_BLOCK, (uint64_t)&mask, (uint64_t)&old, 8, 0, 0);
		call->result += wrong(at);
		services->call(SYS_rt_sigprocmask, SIG_SETMASK, (uint64_t)&old, 0, 8, 0, 0);
		call->result += wrong(at);
		services->call(SYS_munmap, at, PAGES * PAGE, 0, 0, 0, 0);
		return USERTRAP_ANSWER;
	}
	if (call->number == SYS_chdir)
		services->read(much, call->args[0], sizeof much);
	services->read(some, call->args[0], sizeof some);
	return USERTRAP_PASS_THEN_EXIT;
}

static void leave(struct usertrap_call *call)
{
	char some[64];

	services->read(some, call->args[0], sizeof some);
	services->read(some, call->args[1], 1);
}

USERTRAP_HOOK(.name = "reads", .init = init, .enter = enter, .exit = leave);
