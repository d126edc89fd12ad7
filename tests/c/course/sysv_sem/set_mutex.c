/* A set of one as a lock: it starts at 1, -1 locks, +1 unlocks. With SEM_UNDO in both, what a
 * process has locked is unlocked at its end, even if it is killed: the others go on. */
#include "set.h"

#include <signal.h>
#include <sys/mman.h>

enum { PROCESSES = 4, ADDITIONS = 2000 };

static void lock(int set)
{
	change(set, 0, -1, SEM_UNDO);
}

static void unlock(int set)
{
	change(set, 0, 1, SEM_UNDO);
}

static void add(int set, volatile long *counter)
{
	for (int i = 0; i < ADDITIONS; i++) {
		lock(set);
		*counter = *counter + 1;
		unlock(set);
	}
}

/* A process that locks, and never gets to unlock. */
static void lock_and_be_killed(int set)
{
	pid_t holder = fork_child();
	if (holder == 0) {
		lock(set);
		for (;;)
			pause();
	}
	while (value(set, 0) != 0)
		usleep(1000);
	pid_t next = fork_child();
	if (next == 0) {
		lock(set);
		unlock(set);
		exit(EXIT_SUCCESS);
	}
	while (check(semctl(set, 0, GETNCNT), "GETNCNT") != 1)
		usleep(1000);
	printf("held: value %d, one waits\n", value(set, 0));
	check(kill(holder, SIGKILL), "kill");
	printf("holder: %d, ", wait_child(holder));
	printf("the one that waited: %d\n", wait_child(next));
	printf("value %d\n", value(set, 0));
}

int main(void)
{
	begin();
	int set = own_set(1);
	set_value(set, 0, 1);
	volatile long *counter = mmap(NULL, sizeof(*counter), PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (counter == MAP_FAILED)
		die("mmap");

	pid_t children[PROCESSES];
	for (int i = 0; i < PROCESSES; i++) {
		if ((children[i] = fork_child()) == 0) {
			add(set, counter);
			exit(EXIT_SUCCESS);
		}
	}
	for (int i = 0; i < PROCESSES; i++)
		expect_success(children[i]);
	printf("%d processes added 1, %d times each: %ld\n", PROCESSES, ADDITIONS, *counter);

	lock_and_be_killed(set);
	remove_set(set);
	return EXIT_SUCCESS;
}
