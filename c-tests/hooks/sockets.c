/* Makes sockets at call 500, by libc and through the services, and answers how many could not be made. */
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "usertrap.h"

static const struct usertrap_services *services;

static int init(const struct usertrap_services *given, const char *options)
{
	(void)options;
	services = given;
	return 0;
}

static int enter(struct usertrap_call *call)
{
	int fds[3] = {
		socket(AF_UNIX, SOCK_STREAM, 0),
		(int)syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0),
		(int)services->call(SYS_socket, AF_UNIX, SOCK_STREAM, 0, 0, 0, 0),
	};

	call->result = 0;
	for (int i = 0; i < 3; i++) {
		call->result += fds[i] < 0;
		close(fds[i]);
	}
	return USERTRAP_ANSWER;
}

static const uint16_t numbers[] = {500};
USERTRAP_HOOK(.name = "sockets", .numbers = numbers, .count = 1, .init = init, .enter = enter);
