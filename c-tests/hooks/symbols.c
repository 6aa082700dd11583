/* Answers call 500 with 0 and prints the functions that it comes from: of the site, and of the function that has called
 * that (on top of its stack there is the address to return to, if it is libc's `syscall`). The options are other addresses,
 * in hexadecimal digits, that it names as well. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "usertrap.h"

static const struct usertrap_services *services;
static const char *others;

static int init(const struct usertrap_services *given, const char *options)
{
	services = given;
	others = options;
	return 0;
}

static void name(const char *what, uint64_t address)
{
	char text[300], small[4] = "xxx";
	int length = services->symbol(address, text, sizeof text);

	printf("%s: %s\n", what, text);
	if (length != (int)strlen(text))
		printf("the length is %d\n", length);
	length = services->symbol(address, small, sizeof small);
	if (length > 3 || strlen(small) != (size_t)length || strncmp(small, text, length) != 0)
		printf("cut: %d %.4s\n", length, small);
}

static int enter(struct usertrap_call *call)
{
	uint64_t caller = 0;
	char *at;

	name("site", call->site);
	services->read(&caller, call->stack, sizeof caller);
	name("caller", caller);
	name("the hook", (uint64_t)enter);
	name("nowhere", 8);
	name("the stack", call->stack);
	for (at = (char *)others; *at != 0;)
		name("other", strtoull(at, &at, 16));
	fflush(stdout);
	call->result = 0;
	return USERTRAP_ANSWER;
}

static const uint16_t numbers[] = {500};
USERTRAP_HOOK(.name = "symbols", .numbers = numbers, .count = 1, .init = init, .enter = enter);
