/* For programs that are no cases: a claim that does not hold ends the process, with a line on
 * stderr. */
#ifndef SUPPORT_MUST_H
#define SUPPORT_MUST_H

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MUST(claim)                                                                          \
	do {                                                                                 \
		if (!(claim)) {                                                              \
			fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, #claim,      \
				strerror(errno));                                            \
			_exit(1);                                                            \
		}                                                                            \
	} while (0)

#endif
