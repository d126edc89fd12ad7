/* A process whose heap is used up and cannot grow: each call succeeds, or is ENOMEM, and what the
 * process has goes on. */
#include "../support/heap.h"
#include "../support/sem.h"

static const char *name, *new_name;

static void open_semaphores(void)
{
	for (int i = 0; i < 100; i++) {
		sem_t *sem;
		errno = EDOM;
		sem = sem_open(name, 0);
		if (succeeds(sem == SEM_FAILED ? -1 : 0))
			CHECK_OK(sem_close(sem));
		errno = EDOM;
		sem = sem_open(new_name, O_CREAT, 0600, 1);
		if (succeeds(sem == SEM_FAILED ? -1 : 0)) {
			CHECK_OK(sem_close(sem));
			CHECK_OK(sem_unlink(new_name));
		}
	}
}

CASE(sem_open_without_heap_is_enomem_or_succeeds)
{
	name = check_name("kept");
	new_name = check_name("new");
	open_new(name, 3);
	without_heap(open_semaphores);
}

static void make_memory(void)
{
	for (int i = 0; i < 100; i++) {
		int fd;
		if (SUCCEEDS(fd = shm_open(name, O_RDWR | O_CREAT, 0600))) {
			CHECK_OK(close(fd));
			CHECK_OK(shm_unlink(name));
		}
	}
}

CASE(shm_open_without_heap_is_enomem_or_succeeds)
{
	name = check_name("memory");
	without_heap(make_memory);
}
