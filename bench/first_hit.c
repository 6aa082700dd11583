// What the first hit of a site costs: trap, proof, rewrite. 1,024 functions with a site each, four to a page, are
// called three times: the first hit, and two more. Prints medians and minima in nanoseconds as one line of JSON;
// without rewriting all three are the trap alone. With an argument: that many sites, for counting by a tracer.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SITES 1024

// getpid, aligned to a quarter of a page, with unwind information as compilers write it.
__asm__(".text\n"
	".balign 4096\n"
	"first_hit_sites:\n"
	".rept " "1024" "\n"
	".balign 1024, 0xcc\n"
	".cfi_startproc\n"
	"xor %edx, %edx\n"
	"test %edx, %edx\n"
	"jne 1f\n"
	"mov $39, %eax\n"
	"syscall\n"
	"1: ret\n"
	".cfi_endproc\n"
	".endr\n");
extern char first_hit_sites[];

static uint64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t); // the vDSO's
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	static uint64_t times[3][SITES];
	int sites = argc > 1 ? atoi(argv[1]) : SITES;

	if (sites < 1 || sites > SITES)
		return 2;
	now();
	for (int hit = 0; hit < 3; hit++)
		for (int i = 0; i < sites; i++) {
			long (*site)(void) = (long (*)(void))(first_hit_sites + i * 1024l);
			uint64_t start = now();
			site();
			times[hit][i] = now() - start;
		}
	printf("{");
	for (int hit = 0; hit < 3; hit++) {
		qsort(times[hit], sites, sizeof times[hit][0], by_size);
		printf("%s\"hit_%d\": {\"median\": %lu, \"least\": %lu}", hit ? ", " : "", hit + 1,
		       (unsigned long)times[hit][sites / 2], (unsigned long)times[hit][0]);
	}
	puts("}");
	return 0;
}
