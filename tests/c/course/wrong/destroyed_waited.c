/* A semaphore is destroyed while another process waits on it. The right program lets it go on, and
 * waits until it has ended. */
#include "pair.h"

#include <semaphore.h>
#include <signal.h>
#include <sys/mman.h>

int main(int count, char **arguments)
{
	begin_pair(count, arguments);
	sem_t *done = mmap(NULL, sizeof(*done), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			   -1, 0);
	if (done == MAP_FAILED)
		die("mmap");
	check(sem_init(done, 1, 0), "sem_init");
	pid_t child = fork_child();
	if (child == 0) {
		check(sem_wait(done), "sem_wait");
		exit(EXIT_SUCCESS);
	}
	wait_until_asleep(child);
	blame_address(done, getpid());
	if (!is_right) {
		check(sem_destroy(done), "sem_destroy");
		check(kill(child, SIGKILL), "kill");
		wait_child(child);
		return EXIT_SUCCESS;
	}
	check(sem_post(done), "sem_post");
	expect_success(child);
	check(sem_destroy(done), "sem_destroy");
	return EXIT_SUCCESS;
}
