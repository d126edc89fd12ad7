/* What becomes of an open semaphore when its process forks, calls exec, or dies. A child inherits
 * it; a new program has to open it again; and death closes it without giving back what was taken.
 *
 *   sem_lifetime            the whole story
 *   sem_lifetime post NAME  the program that is called by exec: opens and posts
 */
#include "../course.h"

#include <fcntl.h>
#include <semaphore.h>
#include <signal.h>

static sem_t *open_or_die(const char *name, int flags)
{
	sem_t *semaphore = sem_open(name, flags, 0600, 0);
	if (semaphore == SEM_FAILED)
		die("sem_open");
	return semaphore;
}

static void value_is(sem_t *semaphore, const char *when)
{
	int value;
	check(sem_getvalue(semaphore, &value), "sem_getvalue");
	printf("%-36s %d\n", when, value);
}

int main(int argc, char **argv)
{
	begin();
	if (argc == 3 && strcmp(argv[1], "post") == 0) {
		check(sem_post(open_or_die(argv[2], 0)), "sem_post");
		return EXIT_SUCCESS;
	}
	struct name name = own_name("lifetime");
	sem_t *semaphore = open_or_die(name.text, O_CREAT | O_EXCL);
	value_is(semaphore, "at first");

	pid_t child = fork_child();
	if (child == 0) {
		check(sem_post(semaphore), "sem_post");
		check(sem_close(semaphore), "sem_close");
		exit(EXIT_SUCCESS);
	}
	expect_success(child);
	value_is(semaphore, "a child posted and closed it");

	child = fork_child();
	if (child == 0) {
		execl("/proc/self/exe", "sem_lifetime", "post", name.text, NULL);
		die("exec");
	}
	expect_success(child);
	value_is(semaphore, "a new program opened it and posted");

	child = fork_child();
	if (child == 0) {
		check(sem_wait(semaphore), "sem_wait");
		raise(SIGKILL);
	}
	printf("a child took one and was killed: %d\n", wait_child(child));
	value_is(semaphore, "no process gives it back");

	child = fork_child();
	if (child == 0) {
		check(sem_wait(semaphore), "sem_wait");
		check(sem_wait(semaphore), "sem_wait");
		exit(EXIT_SUCCESS);
	}
	wait_until_asleep(child);
	kill(child, SIGKILL);
	wait_child(child);
	value_is(semaphore, "a child was killed in its sleep");
	check(sem_post(semaphore), "sem_post");
	check(sem_wait(semaphore), "sem_wait");
	printf("a post is not lost on it\n");

	check(sem_close(semaphore), "sem_close");
	check(sem_unlink(name.text), "sem_unlink");
	return EXIT_SUCCESS;
}
