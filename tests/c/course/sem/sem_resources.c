/* A semaphore that starts at N hands out N equal resources: never more than N users at a time, and
 * the one after that waits. The users count themselves under a second semaphore. */
#include "../course.h"

#include <semaphore.h>
#include <sys/mman.h>

enum { RESOURCES = 3, USERS = 6, ROUNDS = 200 };

struct shared {
	sem_t resources, lock;
	int using, most, rounds;
};

static void count(struct shared *shared, int change)
{
	check(sem_wait(&shared->lock), "sem_wait");
	shared->using += change;
	if (shared->using > shared->most)
		shared->most = shared->using;
	if (change < 0)
		shared->rounds++;
	check(sem_post(&shared->lock), "sem_post");
}

int main(void)
{
	begin();
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		die("mmap");
	check(sem_init(&shared->resources, 1, RESOURCES), "sem_init");
	check(sem_init(&shared->lock, 1, 1), "sem_init");

	pid_t users[USERS];
	for (int i = 0; i < USERS; i++) {
		if ((users[i] = fork_child()) == 0) {
			for (int round = 0; round < ROUNDS; round++) {
				check(sem_wait(&shared->resources), "sem_wait");
				count(shared, +1);
				count(shared, -1);
				check(sem_post(&shared->resources), "sem_post");
			}
			exit(EXIT_SUCCESS);
		}
	}
	for (int i = 0; i < USERS; i++)
		expect_success(users[i]);

	int value;
	check(sem_getvalue(&shared->resources, &value), "sem_getvalue");
	printf("%d users, %d rounds in all\n", USERS, shared->rounds);
	printf("never more than %d at a time: %s\n", RESOURCES, yes_no(shared->most <= RESOURCES));
	printf("all given back: %d\n", value);
	check(sem_destroy(&shared->resources), "sem_destroy");
	check(sem_destroy(&shared->lock), "sem_destroy");
	return EXIT_SUCCESS;
}
