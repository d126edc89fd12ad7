/* Restartable sequences, which the C library registers for its threads from glibc 2.35 on. */
#ifndef SUPPORT_RSEQ_H
#define SUPPORT_RSEQ_H

#include <stdbool.h>

/* Where the C library is older there is no such variable. */
extern const unsigned __rseq_size __attribute__((weak));

/* Whether the library can use them, which it does on x86-64. */
__attribute__((unused)) static bool has_rseq(void)
{
#ifdef __x86_64__
	return &__rseq_size && __rseq_size > 0;
#else
	return false;
#endif
}

#endif
