/* Limits what a process sends and receives by sockets to the bytes per second that the option
 * gives, both together:
 *
 *     usertrap --hook ./slow_network.so:100000 curl -O https://example.org/file
 *
 * Calls wait until what was transferred before has had its time. */
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include "usertrap.h"

static const struct usertrap_services *services;
static double rate;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static double free_at; /* when the next byte may go, in seconds */

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

static int is_socket(uint64_t fd)
{
	struct stat status;

	return fstat((int)fd, &status) == 0 && S_ISSOCK(status.st_mode);
}

static int enter(struct usertrap_call *call)
{
	return is_socket(call->args[0]) ? USERTRAP_PASS_THEN_EXIT : USERTRAP_PASS;
}

static void leave(struct usertrap_call *call)
{
	double begin, wait;

	if (call->result <= 0)
		return;
	pthread_mutex_lock(&lock);
	begin = now();
	if (free_at < begin)
		free_at = begin;
	free_at += call->result / rate;
	wait = free_at - begin;
	pthread_mutex_unlock(&lock);
	/* A signal of the application's ends the wait; its handler runs when we return. */
	nanosleep(&(struct timespec){(time_t)wait, (long)((wait - (time_t)wait) * 1e9)}, NULL);
}

static void fork_child(void)
{
	pthread_mutex_init(&lock, NULL);
}

static int init(const struct usertrap_services *given, const char *options)
{
	services = given;
	rate = atof(options);
	if (rate <= 0) {
		services->log("its option is a number of bytes per second");
		return 1;
	}
	return 0;
}

static const uint16_t numbers[] = {
    SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_sendto, SYS_recvfrom, SYS_sendmsg, SYS_recvmsg,
};

USERTRAP_HOOK(.name = "slow_network", .numbers = numbers, .count = sizeof numbers / sizeof *numbers, .init = init,
	      .enter = enter, .exit = leave, .fork_child = fork_child);
