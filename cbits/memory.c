/* munmap(2), mprotect(2) and the others that change what is mapped. Each makes the C library's
 * call; then what was found there before is forgotten (core/src/os/user/known.rs), so that memory
 * that is gone is EFAULT. A call that fails may have changed a part. */
#define _GNU_SOURCE
#include "real.h"
#include "rsipc_cbits.h"

#include <sys/mman.h>

#pragma GCC visibility push(hidden)
void rsipc_forget_memory(const void *start, size_t length);

int rsipc_c_munmap(void *start, size_t length);
int rsipc_c_mprotect(void *start, size_t length, int access);
int rsipc_c_pkey_mprotect(void *start, size_t length, int access, int key);
void *rsipc_c_mmap(void *start, size_t length, int access, int flags, int fd, off_t position);
void *rsipc_c_mremap(void *start, size_t length, size_t new_length, int flags, void *new_start);
#pragma GCC visibility pop

RSIPC_AS_DECLARED(mmap);
RSIPC_AS_DECLARED(mprotect);
RSIPC_AS_DECLARED(munmap);
RSIPC_AS_DECLARED(pkey_mprotect);

int rsipc_c_munmap(void *start, size_t length)
{
	int result = RSIPC_REAL(munmap)(start, length);
	rsipc_forget_memory(start, length);
	return result;
}

int rsipc_c_mprotect(void *start, size_t length, int access)
{
	int result = RSIPC_REAL(mprotect)(start, length, access);
	rsipc_forget_memory(start, length);
	return result;
}

int rsipc_c_pkey_mprotect(void *start, size_t length, int access, int key)
{
	int result = RSIPC_REAL(pkey_mprotect)(start, length, access, key);
	rsipc_forget_memory(start, length);
	return result;
}

/* What was there before may be replaced, or may have been unmapped by the C library itself. */
void *rsipc_c_mmap(void *start, size_t length, int access, int flags, int fd, off_t position)
{
	void *result = RSIPC_REAL(mmap)(start, length, access, flags, fd, position);
	if (result != MAP_FAILED)
		rsipc_forget_memory(result, length);
	return result;
}

void *rsipc_c_mremap(void *start, size_t length, size_t new_length, int flags, void *new_start)
{
	void *result = RSIPC_REAL(mremap)(start, length, new_length, flags, new_start);
	rsipc_forget_memory(start, length);
	if (result != MAP_FAILED)
		rsipc_forget_memory(result, new_length);
	return result;
}
