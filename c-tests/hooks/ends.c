/* A hook that says it needs no thread block, and ends the thread at call 500, which it cannot. */
#include <pthread.h>
#include <stddef.h>

#include "usertrap.h"

static int enter(struct usertrap_call *call)
{
	(void)call;
	pthread_exit(NULL);
}

static const uint16_t numbers[] = {500};

USERTRAP_HOOK(.name = "ends", .flags = USERTRAP_NO_TLS | USERTRAP_NO_VECTORS, .numbers = numbers, .count = 1, .enter = enter);
