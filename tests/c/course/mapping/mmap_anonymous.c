/* A shared anonymous mapping, made before the fork, is the same memory in parent and child. A
 * private one is copied, and so is every variable. */
#include "../course.h"

#include <sys/mman.h>

static int *map(int sharing)
{
	int *memory = mmap(NULL, 3 * sizeof(int), PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS,
			   -1, 0);
	if (memory == MAP_FAILED)
		die("mmap");
	return memory;
}

int main(void)
{
	begin();
	int *shared = map(MAP_SHARED), *private = map(MAP_PRIVATE), variable = 0;
	printf("at first: shared %d, private %d, variable %d\n", shared[2], private[2], variable);

	shared[0] = private[0] = 20;
	shared[1] = private[1] = 30;
	pid_t child = fork_child();
	if (child == 0) {
		shared[2] = shared[0] * shared[1];
		private[2] = private[0] * private[1];
		variable = 600;
		printf("child:    shared %d, private %d, variable %d\n", shared[2], private[2],
		       variable);
		exit(EXIT_SUCCESS);
	}
	expect_success(child);
	printf("parent:   shared %d, private %d, variable %d\n", shared[2], private[2], variable);

	check(munmap(shared, 3 * sizeof(int)), "munmap");
	check(munmap(private, 3 * sizeof(int)), "munmap");
	return EXIT_SUCCESS;
}
