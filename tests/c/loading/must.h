/* What the programs in this directory share. */
#ifndef MUST_H
#define MUST_H

#include <mqueue.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "../support/must.h"

#define FAILS(call, number)                                                                  \
	do {                                                                                 \
		errno = 0;                                                                   \
		MUST((call) == -1 && errno == (number));                                     \
	} while (0)

#define SAY(text) MUST(write(2, text, sizeof text - 1) == sizeof text - 1)

/* Bounds what hangs. */
enum { SECONDS = 30 };

static inline void must_end_well(pid_t child)
{
	int status;
	MUST(child > 0 && waitpid(child, &status, 0) == child && status == 0);
}

#endif
