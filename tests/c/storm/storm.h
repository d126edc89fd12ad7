/* What the storms on queues share: conditions that end the process, and time. */
#ifndef STORM_H
#define STORM_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MUST(condition)                                                              \
	do {                                                                         \
		if (!(condition)) {                                                  \
			fprintf(stderr, "%s:%d: not true: %s (%s)\n", __FILE__,      \
				__LINE__, #condition, strerror(errno));              \
			exit(1);                                                     \
		}                                                                    \
	} while (0)

static inline long now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static inline uint32_t sum_of(uint32_t seed, const unsigned char *bytes, uint32_t length)
{
	uint32_t sum = seed;
	for (uint32_t i = 0; i < length; i++)
		sum = sum * 16777619 ^ bytes[i];
	return sum;
}

#endif
