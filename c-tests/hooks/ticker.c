/* A hook with a thread of its own, from init on; a second one for each call 501. Call 500 is answered once the first has
 * ticked three times more; 502 with the number of ticks in this process (0: there is no thread). */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "usertrap.h"

static atomic_long ticks;

static void tick(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	free(malloc(1000));
	atomic_fetch_add(&ticks, 1);
}

static void *run(void *unused)
{
	for (;;)
		tick();
	return unused;
}

static void *once(void *unused)
{
	tick();
	return unused;
}

static int init(const struct usertrap_services *services, const char *options)
{
	pthread_t thread;

	(void)services, (void)options;
	return pthread_create(&thread, NULL, run, NULL);
}

static int enter(struct usertrap_call *call)
{
	long before = atomic_load(&ticks);
	pthread_t thread;

	call->result = 0;
	if (call->number == 500)
		while (atomic_load(&ticks) < before + 3)
			nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
	else if (call->number == 501)
		call->result = pthread_create(&thread, NULL, once, NULL) != 0 || pthread_join(thread, NULL) != 0;
	else
		call->result = before;
	return USERTRAP_ANSWER;
}

static void fork_child(void)
{
	atomic_store(&ticks, 0);
}

static const uint16_t numbers[] = {500, 501, 502};

USERTRAP_HOOK(.name = "ticker", .numbers = numbers, .count = 3, .init = init, .enter = enter, .fork_child = fork_child);
