/* Does one thing that a setting of the library changes, and prints what came of it; for
 * tests/settings.rs.
 *
 *   settings create|open|unlink NAME   a semaphore and a shared memory object of that name
 *   settings moved NAME                the same as create, from another directory
 *   settings value                     the value of a semaphore, free and with one to three waiters
 *   settings turns                     two threads take turns 2000 times
 *   settings secure                    whether the kernel has marked this process as secure
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "../support/older.h"

enum { TURNS = 2000, WAITERS = 3 };

static sem_t ping, pong;

static const char *outcome(int failed)
{
	return failed ? strerrorname_np(errno) : "ok";
}

static void open_both(const char *name, int flags)
{
	printf("sem %s\n", outcome(sem_open(name, flags, 0600, 1) == SEM_FAILED));
	printf("shm %s\n", outcome(shm_open(name, flags | O_RDWR, 0600) == -1));
}

static void unlink_both(const char *name)
{
	printf("sem %s\n", outcome(sem_unlink(name) == -1));
	printf("shm %s\n", outcome(shm_unlink(name) == -1));
}

static void must(int result)
{
	if (result != 0)
		err(1, "a call failed");
}

static void *wait_once(void *unused)
{
	(void)unused;
	must(sem_wait(&ping));
	return NULL;
}

static void print_value(void)
{
	int value;
	must(sem_getvalue(&ping, &value));
	printf("%d\n", value);
}

static void values(void)
{
	pthread_t threads[WAITERS];
	must(sem_init(&ping, 0, 1));
	print_value();
	must(sem_wait(&ping));
	print_value();
	for (unsigned i = 0; i < WAITERS; i++) {
		must(pthread_create(&threads[i], NULL, wait_once, NULL));
		while (__atomic_load_n((uint64_t *)(void *)&ping, __ATOMIC_SEQ_CST) >> 32 != i + 1)
			nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		print_value();
	}
	for (int i = 0; i < WAITERS; i++)
		must(sem_post(&ping));
	for (int i = 0; i < WAITERS; i++)
		must(pthread_join(threads[i], NULL));
	print_value();
}

static void *answer(void *unused)
{
	(void)unused;
	for (int i = 0; i < TURNS; i++) {
		must(sem_wait(&ping));
		must(sem_post(&pong));
	}
	return NULL;
}

static void turns(void)
{
	pthread_t other;
	must(sem_init(&ping, 0, 0));
	must(sem_init(&pong, 0, 0));
	must(pthread_create(&other, NULL, answer, NULL));
	for (int i = 0; i < TURNS; i++) {
		must(sem_post(&ping));
		must(sem_wait(&pong));
	}
	must(pthread_join(other, NULL));
	puts("done");
}

int main(int argc, char **argv)
{
	alarm(20);
	const char *action = argc > 1 ? argv[1] : "";
	const char *name = argc > 2 ? argv[2] : "";
	if (strcmp(action, "moved") == 0)
		must(chdir("/"));
	if (strcmp(action, "create") == 0 || strcmp(action, "moved") == 0)
		open_both(name, O_CREAT | O_EXCL);
	else if (strcmp(action, "open") == 0)
		open_both(name, 0);
	else if (strcmp(action, "unlink") == 0)
		unlink_both(name);
	else if (strcmp(action, "value") == 0)
		values();
	else if (strcmp(action, "turns") == 0)
		turns();
	else if (strcmp(action, "secure") == 0)
		printf("%lu\n", getauxval(AT_SECURE));
	else
		errx(2, "no action %s", action);
	return 0;
}
