/* Writes to memory at call 500, of every length at a page's end and over many pages, and answers how many writes went
 * wrong: too few or too many bytes, or no EFAULT where a page cannot be written. */
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "usertrap.h"

#define PAGE 4096
#define PAGES 5

static const struct usertrap_services *services;
static char bytes[PAGES * PAGE];

static int init(const struct usertrap_services *given, const char *options)
{
	(void)options;
	services = given;
	memset(bytes, 'x', sizeof bytes);
	return 0;
}

static int is_wrong(char *at, size_t offset, size_t len)
{
	memset(at, '.', sizeof bytes);
	if (services->write((uint64_t)at + offset, bytes, len) != 0)
		return 1;
	for (size_t i = 0; i < sizeof bytes; i++)
		if (at[i] != (i >= offset && i < offset + len ? 'x' : '.'))
			return 1;
	return 0;
}

static int enter(struct usertrap_call *call)
{
	static const size_t faults[][2] = {{8192, 1}, {8190, 4}, {8185, 8}, {8191, 2}, {12287, 1}, {0, sizeof bytes}};
	char *at = (char *)services->call(SYS_mmap, 0, sizeof bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	call->result = 0;
	for (size_t offset = PAGE - 10; offset < PAGE + 3; offset++)
		for (size_t len = 0; len < 12; len++)
			call->result += is_wrong(at, offset, len);
	for (size_t len = PAGE - 6; len <= sizeof bytes; len += 1357)
		call->result += is_wrong(at, sizeof bytes - len, len);
	services->call(SYS_mprotect, (uint64_t)at + 2 * PAGE, PAGE, PROT_READ, 0, 0, 0);
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
		call->result += services->write((uint64_t)at + faults[i][0], bytes, faults[i][1]) != -14;
	call->result += services->write(0, bytes, 1) != -14;
	services->call(SYS_munmap, (uint64_t)at, sizeof bytes, 0, 0, 0, 0);
	return USERTRAP_ANSWER;
}

static const uint16_t numbers[] = {500};
USERTRAP_HOOK(.name = "writes", .numbers = numbers, .count = 1, .init = init, .enter = enter);
