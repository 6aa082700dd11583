#include "intercept_log.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct usertrap_services *services;
static int file = -1;

void intercept_log_open(const struct usertrap_services *given)
{
	const char *name = getenv("INTERCEPT_LOG");
	const char *trunc = getenv("INTERCEPT_LOG_TRUNC");
	int flags = O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC;
	char path[PATH_MAX];
	char line[PATH_MAX + 64];

	services = given;
	if (!name || *name == 0)
		return;
	/* Each process has a file of its own. */
	if (name[strlen(name) - 1] == '-')
		snprintf(path, sizeof path, "%s%d", name, getpid());
	else
		snprintf(path, sizeof path, "%s", name);
	if (!trunc || *trunc != '0')
		flags |= O_TRUNC;
	file = open(path, flags, 0700);
	if (file < 0) {
		snprintf(line, sizeof line, "INTERCEPT_LOG: %s cannot be opened: %m", path);
		services->log(line);
	}
}

bool intercept_log_is_open(void)
{
	return file >= 0;
}

void intercept_log_call(const struct usertrap_call *call, const int64_t *result)
{
	char line[PATH_MAX + 256];
	const uint64_t *args = call->args;
	int at = services->locate(call->site, line, PATH_MAX);
	char *offset = strrchr(line, '+');

	if (offset)
		*offset = ' ';
	at += snprintf(line + at, sizeof line - at, " -- syscall(%lu, 0x%lx, 0x%lx, 0x%lx, 0x%lx, 0x%lx, 0x%lx) = ",
		       call->number, args[0], args[1], args[2], args[3], args[4], args[5]);
	at += snprintf(line + at, sizeof line - at, result ? "%ld\n" : "?\n", result ? *result : 0);
	/* The application may have closed it. */
	if (write(file, line, at) < 0)
		file = -1;
}
