/* Lets a program find the files of one directory in another one:
 *
 *     usertrap --hook ./redirect.so:/etc/app=/tmp/etc ./app
 *
 * Paths that begin with the first directory are changed in a copy; the program's own text stays. */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/syscall.h>

#include "usertrap.h"

static const struct usertrap_services *services;
static const char *from, *to;
static size_t from_length;

static __thread char changed[PATH_MAX];

/* Which argument is a path. */
static int path_argument(uint64_t number)
{
	switch (number) {
	case SYS_open:
	case SYS_creat:
	case SYS_stat:
	case SYS_lstat:
	case SYS_access:
	case SYS_readlink:
	case SYS_unlink:
	case SYS_mkdir:
	case SYS_rmdir:
	case SYS_chdir:
	case SYS_execve:
		return 0;
	default:
		return 1; /* openat and its kin: behind the directory */
	}
}

/* Reads a path, of which the last pages may not be there. False: it is none. */
static int read_path(char *path, size_t size, uint64_t address)
{
	for (size_t length = 0; length < size;) {
		size_t page = 4096 - (address + length) % 4096;

		if (page > size - length)
			page = size - length;
		if (services->read(path + length, address + length, page) != 0)
			return 0;
		if (memchr(path + length, 0, page))
			return 1;
		length += page;
	}
	return 0;
}

static int enter(struct usertrap_call *call)
{
	int at = path_argument(call->number);
	char path[PATH_MAX];

	if (!read_path(path, sizeof path, call->args[at]) || strncmp(path, from, from_length) != 0)
		return USERTRAP_PASS;
	if (path[from_length] != '/' && path[from_length] != 0)
		return USERTRAP_PASS;
	if (strlen(to) + strlen(path + from_length) >= sizeof changed)
		return USERTRAP_PASS;
	strcpy(changed, to);
	strcat(changed, path + from_length);
	call->args[at] = (uint64_t)changed;
	return USERTRAP_PASS;
}

static int init(const struct usertrap_services *given, const char *options)
{
	char *copy = strdup(options);
	char *equals = copy ? strchr(copy, '=') : NULL;

	services = given;
	if (!equals || equals == copy) {
		services->log("its option is FROM=TO, two directories");
		return 1;
	}
	*equals = 0;
	from = copy;
	to = equals + 1;
	from_length = strlen(from);
	return 0;
}

static const uint16_t numbers[] = {
    SYS_open,	  SYS_creat,	  SYS_stat,	 SYS_lstat,    SYS_access,  SYS_readlink,   SYS_unlink,
    SYS_mkdir,	  SYS_rmdir,	  SYS_chdir,	 SYS_execve,   SYS_openat,  SYS_newfstatat, SYS_statx,
    SYS_faccessat, SYS_faccessat2, SYS_readlinkat, SYS_unlinkat, SYS_mkdirat, SYS_execveat,
};

USERTRAP_HOOK(.name = "redirect", .numbers = numbers, .count = sizeof numbers / sizeof *numbers, .init = init,
	      .enter = enter);
