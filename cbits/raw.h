/* The system calls of real.h, made without the C library's functions. Each does what glibc's
 * function does: it is a cancellation point where glibc's is one, and fails with -1 and errno. */
#ifndef RSIPC_RAW_H
#define RSIPC_RAW_H

#include "real.h"

#define RSIPC_RAW_DECLARE(result, name, parameters, ...) result rsipc_raw_##name parameters;

#pragma GCC visibility push(hidden)
RSIPC_REAL_FUNCTIONS(RSIPC_RAW_DECLARE)
#pragma GCC visibility pop

#endif
