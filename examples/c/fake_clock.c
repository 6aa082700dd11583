/* Moves the clock of day by the seconds that the option gives:
 *
 *     USERTRAP_VDSO=hide usertrap --hook ./fake_clock.so:-86400 date
 *
 * Without USERTRAP_VDSO=hide programs read the clock in the vDSO, without a call. */
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#include "usertrap.h"

static const struct usertrap_services *services;
static long shift;

static int enter(struct usertrap_call *call)
{
	if (call->number == SYS_clock_gettime && call->args[0] != CLOCK_REALTIME &&
	    call->args[0] != CLOCK_REALTIME_COARSE)
		return USERTRAP_PASS;
	return USERTRAP_PASS_THEN_EXIT;
}

/* timespec, timeval and time_t all begin with the seconds. */
static void shift_seconds(uint64_t address)
{
	time_t seconds;

	if (address == 0 || services->read(&seconds, address, sizeof seconds) != 0)
		return;
	seconds += shift;
	services->write(address, &seconds, sizeof seconds);
}

static void leave(struct usertrap_call *call)
{
	if (call->result < 0)
		return;
	switch (call->number) {
	case SYS_clock_gettime:
		shift_seconds(call->args[1]);
		break;
	case SYS_gettimeofday:
		shift_seconds(call->args[0]);
		break;
	case SYS_time:
		shift_seconds(call->args[0]);
		call->result += shift;
		break;
	}
}

static int init(const struct usertrap_services *given, const char *options)
{
	char *end;

	services = given;
	shift = strtol(options, &end, 10);
	if (end == options || *end != 0) {
		services->log("its option is a number of seconds");
		return 1;
	}
	return 0;
}

static const uint16_t numbers[] = {SYS_clock_gettime, SYS_gettimeofday, SYS_time};

USERTRAP_HOOK(.name = "fake_clock", .numbers = numbers, .count = 3, .init = init, .enter = enter, .exit = leave);
