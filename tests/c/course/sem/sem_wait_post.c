/* The two operations: wait takes one and sleeps at zero, post puts one back and wakes a sleeper.
 * trywait says EAGAIN where wait would sleep; timedwait gives up at a given time. */
#include "../course.h"

#include <fcntl.h>
#include <semaphore.h>
#include <time.h>

static void value_is(sem_t *semaphore)
{
	int value;
	check(sem_getvalue(semaphore, &value), "sem_getvalue");
	printf("  the value is %d\n", value);
}

int main(void)
{
	begin();
	struct name name = own_name("wait_post");
	sem_t *semaphore = sem_open(name.text, O_CREAT | O_EXCL, 0600, 2);
	if (semaphore == SEM_FAILED)
		die("sem_open");
	value_is(semaphore);

	printf("wait: %s\n", outcome(sem_wait(semaphore)));
	value_is(semaphore);
	printf("trywait: %s\n", outcome(sem_trywait(semaphore)));
	value_is(semaphore);
	printf("trywait at zero: %s\n", outcome(sem_trywait(semaphore)));
	value_is(semaphore);

	struct timespec soon;
	clock_gettime(CLOCK_REALTIME, &soon);
	soon.tv_nsec += 20 * 1000 * 1000;
	soon.tv_sec += soon.tv_nsec / 1000000000;
	soon.tv_nsec %= 1000000000;
	printf("timedwait at zero: %s\n", outcome(sem_timedwait(semaphore, &soon)));

	pid_t child = fork_child();
	if (child == 0) {
		long waited = sem_wait(semaphore);
		printf("a child waited at zero: %s\n", outcome(waited));
		exit(EXIT_SUCCESS);
	}
	wait_until_asleep(child);
	printf("the child sleeps\n");
	fflush(stdout);
	long posted = sem_post(semaphore);
	expect_success(child);
	printf("post: %s\n", outcome(posted));
	value_is(semaphore);

	check(sem_close(semaphore), "sem_close");
	check(sem_unlink(name.text), "sem_unlink");
	return EXIT_SUCCESS;
}
