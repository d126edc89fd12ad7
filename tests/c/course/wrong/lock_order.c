/* Two processes need two locks each, and take them in opposite orders. Most of the time nothing
 * happens; one day each has one of them and waits for the other. The right ones take them in one
 * order. */
#include "pair.h"

#include <fcntl.h>
#include <semaphore.h>

enum { ROUNDS = 50 };

static sem_t *open_lock(const char *name)
{
	sem_t *lock = sem_open(name, O_CREAT, 0600, 1);
	if (lock == SEM_FAILED)
		die("sem_open");
	return lock;
}

static void work(sem_t *first, sem_t *second)
{
	for (int i = 0; i < ROUNDS; i++) {
		check(sem_wait(first), "sem_wait");
		check(sem_wait(second), "sem_wait");
		check(sem_post(second), "sem_post");
		check(sem_post(first), "sem_post");
	}
}

int main(int count, char **arguments)
{
	begin_pair(count, arguments);
	struct name from = own_name("from"), to = own_name("to");
	sem_t *one = open_lock(from.text), *other = open_lock(to.text);
	pid_t child = fork_child();
	if (child == 0) {
		blame(from.text, getpid());
		if (is_right)
			work(one, other);
		else
			work(other, one);
		exit(EXIT_SUCCESS);
	}
	blame(to.text, getpid());
	work(one, other);
	expect_success(child);
	check(sem_unlink(from.text), "sem_unlink");
	check(sem_unlink(to.text), "sem_unlink");
	return EXIT_SUCCESS;
}
