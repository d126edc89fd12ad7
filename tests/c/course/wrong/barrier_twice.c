/* A barrier of one lock, one counter and one turnstile, used more than once. A process that is
 * quick passes the turnstile, comes round, and takes a token that was meant for a slow one: in the
 * end all wait. The right barrier has a second turnstile, which is not opened before all have
 * passed the first one. Chaos makes the quick and the slow ones. */
#include "pair.h"

#include <semaphore.h>
#include <sys/mman.h>

enum { PROCESSES = 3, ROUNDS = 60 };

struct barrier {
	sem_t lock, first, second;
	volatile int inside;
};

static void pass(struct barrier *barrier, sem_t *turnstile, int step, int last)
{
	check(sem_wait(&barrier->lock), "sem_wait");
	barrier->inside += step;
	if (barrier->inside == last) {
		for (int i = 0; i < PROCESSES; i++)
			check(sem_post(turnstile), "sem_post");
		if (!is_right)
			barrier->inside = 0;
	}
	check(sem_post(&barrier->lock), "sem_post");
	check(sem_wait(turnstile), "sem_wait");
}

static void meet(struct barrier *barrier)
{
	pass(barrier, &barrier->first, 1, PROCESSES);
	if (is_right)
		pass(barrier, &barrier->second, -1, 0);
}

int main(int count, char **arguments)
{
	begin_pair(count, arguments);
	struct barrier *barrier = mmap(NULL, sizeof(*barrier), PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (barrier == MAP_FAILED)
		die("mmap");
	check(sem_init(&barrier->lock, 1, 1), "sem_init");
	check(sem_init(&barrier->first, 1, 0), "sem_init");
	check(sem_init(&barrier->second, 1, 0), "sem_init");
	pid_t children[PROCESSES];
	for (int i = 0; i < PROCESSES; i++) {
		if ((children[i] = fork_child()) == 0) {
			blame_address(&barrier->first, getpid());
			for (int round = 0; round < ROUNDS; round++)
				meet(barrier);
			exit(EXIT_SUCCESS);
		}
	}
	for (int i = 0; i < PROCESSES; i++)
		expect_success(children[i]);
	return EXIT_SUCCESS;
}
