/* The system calls of real.h that change what is mapped. */
#define _GNU_SOURCE
#include "raw.h"

#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

int rsipc_raw_munmap(void *start, size_t length)
{
	return (int)syscall(SYS_munmap, start, length);
}

int rsipc_raw_mprotect(void *start, size_t length, int access)
{
	return (int)syscall(SYS_mprotect, start, length, access);
}

/* glibc: without a key it is mprotect. */
int rsipc_raw_pkey_mprotect(void *start, size_t length, int access, int key)
{
	if (key == -1)
		return rsipc_raw_mprotect(start, length, access);
	return (int)syscall(SYS_pkey_mprotect, start, length, access, key);
}

void *rsipc_raw_mmap(void *start, size_t length, int access, int flags, int fd, off_t position)
{
	return (void *)syscall(SYS_mmap, start, length, access, flags, fd, position);
}

void *rsipc_raw_mremap(void *start, size_t length, size_t new_length, int flags, ...)
{
	va_list arguments;
	va_start(arguments, flags);
	void *new_start = va_arg(arguments, void *);
	va_end(arguments);
	return (void *)syscall(SYS_mremap, start, length, new_length, flags, new_start);
}
