/* Five philosophers, each a process: all take the left fork, and then each waits for the right one.
 * Their parent waits for them. The forks are named semaphores PREFIX0 to PREFIX4. */
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COUNT = 5 };

static void dine(sem_t **forks, int place, sem_t *table)
{
	sem_wait(forks[place]);
	sem_post(table);
	/* Nobody reaches to the right before all have reached to the left. */
	for (int taken = 0; taken < COUNT; sem_getvalue(table, &taken))
		usleep(1000);
	sem_wait(forks[(place + 1) % COUNT]);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	sem_t *forks[COUNT];
	for (int i = 0; i < COUNT; i++) {
		char name[256];
		snprintf(name, sizeof name, "%s%d", argv[1], i);
		forks[i] = sem_open(name, O_CREAT, 0600, 1);
	}
	sem_t *table = mmap(NULL, sizeof *table, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			    -1, 0);
	sem_init(table, 1, 0);
	for (int i = 0; i < COUNT; i++) {
		if (fork() == 0) {
			dine(forks, i, table);
			return 0;
		}
	}
	while (wait(NULL) > 0) {
	}
	return 0;
}
