/* Prints where a program and all that it starts connect to, and with what result:
 *
 *     usertrap --hook ./connects.so ./app
 *     usertrap --hook ./connects.so:/tmp/connects ./app     # into a file */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "usertrap.h"

static const struct usertrap_services *services;
static FILE *out;

static int enter(struct usertrap_call *call)
{
	(void)call;
	return USERTRAP_PASS_THEN_EXIT;
}

static void show(char *text, size_t size, uint64_t address, size_t length)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_un local;
	} place = {0};
	char host[INET6_ADDRSTRLEN];

	if (length > sizeof place)
		length = sizeof place;
	if (services->read(&place, address, length) != 0) {
		snprintf(text, size, "an address that cannot be read");
		return;
	}
	switch (place.any.sa_family) {
	case AF_INET:
		inet_ntop(AF_INET, &place.v4.sin_addr, host, sizeof host);
		snprintf(text, size, "%s:%d", host, ntohs(place.v4.sin_port));
		break;
	case AF_INET6:
		inet_ntop(AF_INET6, &place.v6.sin6_addr, host, sizeof host);
		snprintf(text, size, "[%s]:%d", host, ntohs(place.v6.sin6_port));
		break;
	case AF_UNIX:
		snprintf(text, size, "%.*s", (int)sizeof place.local.sun_path, place.local.sun_path);
		break;
	default:
		snprintf(text, size, "family %d", place.any.sa_family);
	}
}

static void leave(struct usertrap_call *call)
{
	char text[160];

	if (call->flags & USERTRAP_RESTARTING)
		return;
	show(text, sizeof text, call->args[1], call->args[2]);
	fprintf(out, "%d: %s: %s\n", getpid(), text, call->result < 0 ? strerror(-(int)call->result) : "connected");
	fflush(out);
}

static int init(const struct usertrap_services *given, const char *options)
{
	services = given;
	out = *options ? fopen(options, "ae") : stderr;
	if (!out) {
		services->log("its option is a file that can be written");
		return 1;
	}
	return 0;
}

static const uint16_t numbers[] = {SYS_connect};

USERTRAP_HOOK(.name = "connects", .numbers = numbers, .count = 1, .init = init, .enter = enter, .exit = leave);
