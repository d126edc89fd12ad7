/* Counts what is allocated in a program, by it or by the library, while it is watched. */
#ifndef SUPPORT_ALLOCATIONS_H
#define SUPPORT_ALLOCATIONS_H

#include <stddef.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);

static int is_watched, allocations;

void *malloc(size_t size)
{
	allocations += is_watched;
	return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	allocations += is_watched;
	return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
	allocations += is_watched;
	return __libc_realloc(memory, size);
}

#endif
