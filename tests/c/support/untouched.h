/* A call that succeeds leaves errno alone. */
#ifndef SUPPORT_UNTOUCHED_H
#define SUPPORT_UNTOUCHED_H

#include "check.h"

#include <stdbool.h>

/* No call fails with it. */
enum { UNTOUCHED = 7777 };

/* The call gives anything but this, and errno is as it was. */
#define CHECK_KEEPS_AS(call, failed)                                                 \
	do {                                                                         \
		errno = UNTOUCHED;                                                   \
		bool good_ = (call) != (failed);                                     \
		int after_ = errno;                                                  \
		if (!good_)                                                          \
			check_fail(__FILE__, __LINE__, "%s failed: %s", #call, strerror(after_)); \
		if (after_ != UNTOUCHED)                                             \
			check_fail(__FILE__, __LINE__, "%s left errno %s", #call,    \
				   strerrorname_np(after_));                         \
	} while (0)

/* The call succeeds (anything but -1), and errno is as it was. */
#define CHECK_KEEPS(call) CHECK_KEEPS_AS((long long)(call), -1)

#endif
