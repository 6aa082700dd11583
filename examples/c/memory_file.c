/* A file that is nowhere: programs that open it read the text that the option gives.
 *
 *     usertrap --hook './memory_file.so:/etc/motd=Good morning.' cat /etc/motd
 *
 * Each open gets a memfd with the text: all that follows (read, mmap, lseek, fstat, dup, fork)
 * is the kernel's, on a descriptor that is like any other. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "usertrap.h"

static const struct usertrap_services *services;
static const char *name, *text;
static size_t name_size;

static int64_t file_with_text(int flags)
{
	int64_t fd = services->call(SYS_memfd_create, (uint64_t)name, flags & O_CLOEXEC ? MFD_CLOEXEC : 0, 0, 0, 0, 0);

	if (fd < 0)
		return fd;
	services->call(SYS_write, fd, (uint64_t)text, strlen(text), 0, 0, 0);
	services->call(SYS_write, fd, (uint64_t)"\n", 1, 0, 0, 0);
	services->call(SYS_lseek, fd, 0, SEEK_SET, 0, 0, 0);
	return fd;
}

static int enter(struct usertrap_call *call)
{
	int at = call->number == SYS_open ? 0 : 1;
	char path[PATH_MAX];

	/* As many bytes as the name has, with its zero: no more need be there. */
	if (services->read(path, call->args[at], name_size) != 0 || memcmp(path, name, name_size) != 0)
		return USERTRAP_PASS;
	call->result = file_with_text((int)call->args[at + 1]);
	return USERTRAP_ANSWER;
}

static int init(const struct usertrap_services *given, const char *options)
{
	char *copy = strdup(options);
	char *equals = copy ? strchr(copy, '=') : NULL;

	services = given;
	if (!equals || equals - copy >= PATH_MAX) {
		services->log("its option is PATH=TEXT");
		return 1;
	}
	*equals = 0;
	name = copy;
	name_size = strlen(name) + 1;
	text = equals + 1;
	return 0;
}

static const uint16_t numbers[] = {SYS_open, SYS_openat};

USERTRAP_HOOK(.name = "memory_file", .numbers = numbers, .count = 2, .init = init, .enter = enter);
