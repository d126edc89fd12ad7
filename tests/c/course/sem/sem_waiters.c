/* The value of a semaphore on which processes sleep. POSIX allows two answers: 0, which Linux
 * gives, and minus the number of sleepers, which the manual of the notes promises. librsipc gives
 * the second one when RSIPC_SEM_GETVALUE=waiters is set. */
#include "../course.h"

#include <fcntl.h>
#include <semaphore.h>

enum { WAITERS = 3 };

static int value_of(sem_t *semaphore)
{
	int value;
	check(sem_getvalue(semaphore, &value), "sem_getvalue");
	return value;
}

int main(void)
{
	begin();
	struct name name = own_name("waiters");
	sem_t *semaphore = sem_open(name.text, O_CREAT | O_EXCL, 0600, 1);
	if (semaphore == SEM_FAILED)
		die("sem_open");
	check(sem_unlink(name.text), "sem_unlink");

	printf("no waiters: %d\n", value_of(semaphore));
	check(sem_wait(semaphore), "sem_wait");
	printf("one has taken it: %d\n", value_of(semaphore));
	pid_t waiters[WAITERS];
	for (int i = 0; i < WAITERS; i++) {
		if ((waiters[i] = fork_child()) == 0) {
			check(sem_wait(semaphore), "sem_wait");
			exit(EXIT_SUCCESS);
		}
		wait_until_asleep(waiters[i]);
	}
	printf("%d sleep: %d\n", WAITERS, value_of(semaphore));

	for (int i = 0; i < WAITERS; i++)
		check(sem_post(semaphore), "sem_post");
	for (int i = 0; i < WAITERS; i++)
		expect_success(waiters[i]);
	check(sem_post(semaphore), "sem_post");
	printf("all have had it, and it is back: %d\n", value_of(semaphore));
	return EXIT_SUCCESS;
}
