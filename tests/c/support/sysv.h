/* What the checks of System V objects share: objects that are removed at the end, keys, memory. */
#ifndef SUPPORT_SYSV_H
#define SUPPORT_SYSV_H

#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/ipc.h>
#include "asleep.h"
#include "common_memory.h"

/* The objects of the case, for the process that cleans up. */
static struct noted_objects {
	unsigned count;
	struct {
		int id;
		void (*remove)(int id);
	} object[4096];
} * noted_objects;

static void remove_noted_objects(void)
{
	for (unsigned i = 0; i < noted_objects->count; i++)
		noted_objects->object[i].remove(noted_objects->object[i].id);
	noted_objects->count = 0;
}

__attribute__((constructor)) static void make_noted_objects(void)
{
	noted_objects = common_memory(sizeof *noted_objects);
	check_remove_more = remove_noted_objects;
}

/* An object that has just been made: removed when the case is over. */
__attribute__((unused)) static int note_object(int id, void (*remove)(int id))
{
	CHECK_OK(id);
	unsigned index = __atomic_fetch_add(&noted_objects->count, 1, __ATOMIC_RELAXED);
	CHECK(index < 4096);
	noted_objects->object[index].remove = remove;
	noted_objects->object[index].id = id;
	return id;
}

/* A key that no other program uses, for `number` from 0 to 255. */
__attribute__((unused)) static key_t own_key(int number)
{
	return (key_t)(0x40000000 | (check_names->owner & 0x3fffff) << 8 | number);
}

/* Mappings of the process. */
__attribute__((unused)) static long mappings(void)
{
	long count = 0;
	FILE *file = fopen("/proc/self/maps", "re");
	CHECK(file);
	for (int c; (c = fgetc(file)) != EOF;)
		count += c == '\n';
	fclose(file);
	return count;
}

/* Memory that can be neither read nor written. */
__attribute__((unused)) static void *no_memory(void)
{
	void *memory = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(memory != MAP_FAILED);
	return memory;
}

#endif
