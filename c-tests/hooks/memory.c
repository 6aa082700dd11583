/* Uses much memory at call 500, and answers how many of its steps went wrong: blocks that grow, files that are mapped, a
 * library that is loaded late. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "usertrap.h"

/* usertrap's image; hooks have 1 TB from there on. */
#define BASE 0x580000000000UL

static int is_apart(const void *at)
{
	return (unsigned long)at - BASE < 1UL << 40;
}

/* A large block that grows, with others made before and after. */
static int grow(void)
{
	char *before = malloc(1 << 20), *after, *grown;
	int wrong = before == NULL || !is_apart(before);

	memset(before, 7, 1 << 20);
	grown = realloc(before, 3 << 20);
	wrong += grown == NULL || !is_apart(grown) || grown[(1 << 20) - 1] != 7;
	after = malloc(1 << 20);
	wrong += after == NULL || !is_apart(after);
	free(after);
	free(grown);
	return wrong;
}

/* More of a file than there is room for code. */
static int map_files(void)
{
	size_t len = 60 << 20;
	int fd = memfd_create("file", MFD_CLOEXEC), wrong = fd < 0 || ftruncate(fd, len) != 0;

	for (int i = 0; i < 40; i++) {
		void *at = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
		wrong += at == MAP_FAILED || !is_apart(at);
		munmap(at, len);
	}
	close(fd);
	return wrong;
}

/* Code is where its calls are known to be a hook's. */
static int load(void)
{
	void *library = dlopen("libnss_files.so.2", RTLD_NOW);
	void *other = dlopen("libm.so.6", RTLD_NOW);

	return library == NULL || other == NULL || (unsigned long)dlsym(other, "cos") - BASE >= 1UL << 32;
}

static int enter(struct usertrap_call *call)
{
	call->result = 0;
	for (int i = 0; i < 5; i++)
		call->result += grow();
	call->result += map_files() + load();
	return USERTRAP_ANSWER;
}

static const uint16_t numbers[] = {500};
USERTRAP_HOOK(.name = "memory", .numbers = numbers, .count = 1, .enter = enter);
