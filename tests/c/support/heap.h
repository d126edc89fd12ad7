/* A process whose heap is used up and cannot grow. */
#ifndef SUPPORT_HEAP_H
#define SUPPORT_HEAP_H

#include <malloc.h>
#include "limits.h"

/* Takes all that malloc can give. */
static inline void use_up_heap(void)
{
	limit_memory(0);
	for (size_t size = 1 << 20; size >= 16; size /= 2)
		while (malloc(size))
			continue;
	CHECK_EQ(errno, ENOMEM);
}

/* Whether a call has succeeded, errno as it was; ENOMEM otherwise. */
static inline int succeeds(long result)
{
	CHECK_EQ(errno, result == -1 ? ENOMEM : EDOM);
	return result != -1;
}

#define SUCCEEDS(call) (errno = EDOM, succeeds((long)(call)))

static inline void without_heap(void (*body)(void))
{
	pid_t child = check_fork();
	if (child == 0) {
		use_up_heap();
		body();
		_exit(0);
	}
	check_child(child);
}

#endif
