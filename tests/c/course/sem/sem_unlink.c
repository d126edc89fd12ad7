/* unlink takes the name away, not the semaphore: a process that has it open goes on with it, and
 * the name is free for a new one at once. */
#include "../course.h"

#include <fcntl.h>
#include <semaphore.h>

static sem_t *create(const char *name, unsigned value)
{
	sem_t *semaphore = sem_open(name, O_CREAT | O_EXCL, 0600, value);
	if (semaphore == SEM_FAILED)
		die("sem_open");
	return semaphore;
}

static int value_of(sem_t *semaphore)
{
	int value;
	check(sem_getvalue(semaphore, &value), "sem_getvalue");
	return value;
}

int main(void)
{
	begin();
	struct name name = own_name("unlink");
	sem_t *old = create(name.text, 1);
	printf("unlink: %s\n", outcome(sem_unlink(name.text)));
	printf("open by name: %s\n",
	       sem_open(name.text, 0) == SEM_FAILED ? strerrorname_np(errno) : "no error");
	printf("unlink again: %s\n", outcome(sem_unlink(name.text)));

	sem_t *new = create(name.text, 5);
	printf("the same name anew is another semaphore: %s\n", yes_no(old != new));
	check(sem_post(old), "sem_post");
	check(sem_wait(new), "sem_wait");
	printf("after a post to the old and a wait on the new: %d and %d\n", value_of(old),
	       value_of(new));

	pid_t child = fork_child();
	if (child == 0) {
		check(sem_post(old), "sem_post");
		exit(EXIT_SUCCESS);
	}
	expect_success(child);
	printf("a child, too, still has the old one: %d\n", value_of(old));

	check(sem_close(old), "sem_close");
	check(sem_close(new), "sem_close");
	check(sem_unlink(name.text), "sem_unlink");
	return EXIT_SUCCESS;
}
