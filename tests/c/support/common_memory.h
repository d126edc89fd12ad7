/* Memory that the children have in common with the case. */
#ifndef SUPPORT_COMMON_MEMORY_H
#define SUPPORT_COMMON_MEMORY_H

#include <sys/mman.h>
#include "check.h"

__attribute__((unused)) static void *common_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(memory != MAP_FAILED);
	return memory;
}

#endif
