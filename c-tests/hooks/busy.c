/* Sees every call, and uses what a hook may use at each: malloc, stdio, floating point, vector registers, thread-local
 * variables, locks. The application must not notice. With the option `tell` it says at the end how many calls it has seen. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "usertrap.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local unsigned long calls;
static double sum;
static atomic_ulong seen;
static bool tells;

/* As in any program with threads: a child must not find it held by a thread that it does not have. */
static void hold(void)
{
	pthread_mutex_lock(&lock);
}

static void release(void)
{
	pthread_mutex_unlock(&lock);
}

static void spoil(double with)
{
	/* All that the psABI lets a function change. */
	__asm__ volatile("fldpi\n\tfmulp %%st, %%st(0)" ::: "st", "memory");
	for (volatile int i = 0; i < 4; i++)
		with = with * 1.5 + i;
	if (__builtin_cpu_supports("avx2"))
		__asm__ volatile("vpcmpeqd %%ymm0, %%ymm0, %%ymm0\n\tvmovdqa %%ymm0, %%ymm15\n\tvmovdqa %%ymm0, %%ymm7" ::
				     : "xmm0", "xmm15", "xmm7");
	if (__builtin_cpu_supports("avx512f"))
		__asm__ volatile("vpternlogd $255, %%zmm31, %%zmm31, %%zmm31\n\tkxnorw %%k1, %%k1, %%k1" ::: "memory");
	sum += with;
}

static void work(struct usertrap_call *call)
{
	char text[80];
	char *copy;

	snprintf(text, sizeof text, "%lu %g %lx", call->number, (double)call->number / 3, call->args[0]);
	copy = strdup(text);
	char *large = malloc(100 + call->number * 50);
	if (copy == NULL || large == NULL)
		abort();
	memset(large, 0x5a, 100 + call->number * 50);
	pthread_mutex_lock(&lock);
	spoil(strlen(copy));
	pthread_mutex_unlock(&lock);
	free(copy);
	free(large);
	calls++;
	atomic_fetch_add(&seen, 1);
}

static int enter(struct usertrap_call *call)
{
	work(call);
	call->word = call->number + 1;
	return USERTRAP_PASS_THEN_EXIT;
}

static void leave(struct usertrap_call *call)
{
	if (call->word != call->number + 1) {
		fprintf(stderr, "busy: the word of call %lu is %lu\n", call->number, call->word);
		abort();
	}
	work(call);
}

static void born(uint64_t *storage)
{
	for (int i = 0; i < USERTRAP_STORAGE; i++)
		if (storage[i] != 0)
			abort();
	storage[0] = calls;
}

static void gone(uint64_t *storage)
{
	storage[1] = calls;
}

static int init(const struct usertrap_services *services, const char *options)
{
	(void)services;
	tells = strcmp(options, "tell") == 0;
	return pthread_atfork(hold, release, release);
}

static void fini(void)
{
	if (tells)
		fprintf(stderr, "busy: calls seen: %lu\n", atomic_load(&seen));
}

USERTRAP_HOOK(.name = "busy", .init = init, .fini = fini, .enter = enter, .exit = leave, .thread_start = born, .thread_exit = gone);
