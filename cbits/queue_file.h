/* What the calls share that treat a queue of this library as a file. */
#ifndef RSIPC_QUEUE_FILE_H
#define RSIPC_QUEUE_FILE_H

#include "concern.h"

#include <errno.h>

#pragma GCC visibility push(hidden)
int rsipc_is_queue(int fd);
#pragma GCC visibility pop

/* Passed instead of a position: where the last read ended. preadv2 and pwritev2 say the same. */
#define AT_POSITION (-1)

/* A process without queues pays for one look at a word. */
static inline int is_queue(int fd)
{
	return rsipc_concerns(RSIPC_QUEUES) && rsipc_is_queue(fd);
}

/* From an answer of the core, which is minus an errno if it is less than 0. */
static inline long answered(long answer)
{
	if (answer >= 0)
		return answer;
	errno = (int)-answer;
	return -1;
}

#endif
