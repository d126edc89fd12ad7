/* The mistakes of the course (tests/c/course/wrong) in other styles. `./styles EXERCISE` makes a
 * mistake, `./styles EXERCISE right` does not. */
#ifndef STYLES_H
#define STYLES_H

#include "../../../tests/c/course/wrong/pair.h"

#include <semaphore.h>
#include <sys/mman.h>

struct exercise {
	const char *name;
	void (*work)(void);
};

HELPER void *shared_memory(void)
{
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		die("mmap");
	return memory;
}

/* Of two semaphores one is initialised. */
HELPER void use_two(sem_t *two)
{
	check(sem_init(&two[0], 1, 0), "sem_init");
	if (is_right)
		check(sem_init(&two[1], 1, 0), "sem_init");
	check(sem_post(&two[1]), "sem_post");
}

/* The main program; the last exercise has no name. */
HELPER int run_exercise(const struct exercise *exercises, int count, char **arguments)
{
	begin_pair(count - 1, arguments + 1);
	for (; exercises->name != NULL; exercises++) {
		if (count > 1 && strcmp(exercises->name, arguments[1]) == 0) {
			exercises->work();
			return EXIT_SUCCESS;
		}
	}
	return EXIT_FAILURE;
}

#endif
