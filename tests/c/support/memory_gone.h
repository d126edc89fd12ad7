/* Memory that calls have used, and that the program then unmaps or protects. */
#ifndef MEMORY_GONE_H
#define MEMORY_GONE_H

#include "check.h"

#include <stdint.h>
#include <sys/mman.h>
#include <sys/shm.h>

enum { GONE_SIZE = 4 * 4096 };

static char *gone_mapped(void)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	char *memory = mmap(NULL, GONE_SIZE, PROT_READ | PROT_WRITE, flags, -1, 0);
	CHECK(memory != MAP_FAILED);
	return memory;
}

static char *gone_attached(void)
{
	int segment = shmget(IPC_PRIVATE, GONE_SIZE, 0600);
	CHECK(segment >= 0);
	char *memory = shmat(segment, NULL, 0);
	CHECK(memory != (void *)-1);
	CHECK_OK(shmctl(segment, IPC_RMID, NULL));
	return memory;
}

static void gone_unmap(char *memory)
{
	CHECK_OK(munmap(memory, GONE_SIZE));
}

static void gone_protect(char *memory)
{
	CHECK_OK(mprotect(memory, GONE_SIZE, PROT_NONE));
}

static void gone_replace(char *memory)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
	CHECK(mmap(memory, GONE_SIZE, PROT_NONE, flags, -1, 0) == memory);
}

static void gone_move(char *memory)
{
	char *other = gone_mapped();
	int flags = MREMAP_MAYMOVE | MREMAP_FIXED;
	CHECK(mremap(memory, GONE_SIZE, GONE_SIZE, flags, other) == other);
}

static void gone_shrink(char *memory)
{
	CHECK(mremap(memory, GONE_SIZE, 4096, 0) == memory);
}

static void gone_detach(char *memory)
{
	CHECK_OK(shmdt(memory));
}

/* The place that is gone is behind the first page, so shrinking takes it, too. */
static const struct {
	char *(*get)(void);
	void (*lose)(char *memory);
} gone_ways[] = {
	{ gone_mapped, gone_unmap },
	{ gone_mapped, gone_protect },
	{ gone_mapped, gone_replace },
	{ gone_mapped, gone_move },
	{ gone_mapped, gone_shrink },
	{ gone_attached, gone_detach },
};

/* For each way: makes `use` of the memory, loses it, and lets `check` see that it is not there. */
static void gone_each(void (*use)(char *memory), void (*check)(char *memory))
{
	for (size_t way = 0; way < sizeof gone_ways / sizeof *gone_ways; way++) {
		char *memory = gone_ways[way].get();
		use(memory + 4096);
		gone_ways[way].lose(memory);
		check(memory + 4096);
		/* There again: it is used again. */
		CHECK(mmap(memory, GONE_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == memory);
		use(memory + 4096);
		CHECK_OK(munmap(memory, GONE_SIZE));
	}
}

#endif
