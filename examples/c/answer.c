/* Answers getpid with the number in its options, or 42, and says how often when the program ends. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "usertrap.h"

static long number = 42;
static _Thread_local unsigned long own; /* to count without a shared cache line; added up by thread_exit */
static atomic_ulong answered;

static int init(const struct usertrap_services *services, const char *options)
{
	(void)services;
	if (*options != '\0')
		number = strtol(options, NULL, 0);
	return 0;
}

static int enter(struct usertrap_call *call)
{
	own++;
	call->result = number;
	return USERTRAP_ANSWER;
}

static void add(uint64_t *storage)
{
	(void)storage;
	atomic_fetch_add(&answered, own);
	own = 0;
}

static void fini(void)
{
	add(NULL);
	fprintf(stderr, "answered %lu times\n", answered);
}

static const uint16_t numbers[] = {SYS_getpid};

USERTRAP_HOOK(.name = "answer", .numbers = numbers, .count = 1, .init = init, .enter = enter, .thread_exit = add,
	      .fini = fini);
