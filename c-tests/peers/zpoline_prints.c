// Written for zpoline: prints the number of each call, and makes it.
#include <stdio.h>

typedef long (*call_function)(long, long, long, long, long, long, long);

static call_function next;

static long hook(long number, long a, long b, long c, long d, long e, long f)
{
	fprintf(stderr, "call %ld\n", number);
	return next(number, a, b, c, d, e, f);
}

int __hook_init(long unused, void *function)
{
	(void)unused;
	fprintf(stderr, "init\n");
	next = *(call_function *)function;
	*(call_function *)function = hook;
	return 0;
}
