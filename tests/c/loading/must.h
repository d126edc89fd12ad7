/* What the programs in this directory share: a claim that does not hold ends the process with
 * a line on stderr. */
#ifndef MUST_H
#define MUST_H

#include <errno.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MUST(claim)                                                                          \
	do {                                                                                 \
		if (!(claim)) {                                                              \
			fprintf(stderr, "%s:%d: %s (errno %d)\n", __FILE__, __LINE__,        \
				#claim, errno);                                              \
			_exit(1);                                                            \
		}                                                                            \
	} while (0)

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
