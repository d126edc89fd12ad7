/* Limits that a process has set for itself. */
#ifndef SUPPORT_LIMITS_H
#define SUPPORT_LIMITS_H

#include <sys/resource.h>
#include "check.h"

static inline void limit_to(int resource, rlim_t value)
{
	struct rlimit limit = { value, value };
	CHECK_OK(setrlimit(resource, &limit));
}

/* So many numbers of descriptors are free, and no more will be. */
static inline void leave_descriptors(int wanted)
{
	int last = 2, first[16];
	CHECK(wanted <= 16);
	limit_to(RLIMIT_NOFILE, 64);
	for (int fd; (fd = dup(2)) != -1;)
		last = fd;
	CHECK_EQ(errno, EMFILE);
	CHECK_EQ(last, 63);
	for (int i = 0; i < wanted; i++) {
		first[i] = 63 - i;
		CHECK_OK(close(first[i]));
	}
}

/* The address space that there is, and so many bytes more. */
static inline void limit_memory(size_t more)
{
	unsigned long pages = 0;
	FILE *file = fopen("/proc/self/statm", "re");
	CHECK(file);
	CHECK_EQ(fscanf(file, "%lu", &pages), 1);
	fclose(file);
	limit_to(RLIMIT_AS, pages * (rlim_t)sysconf(_SC_PAGESIZE) + more);
}

#endif
