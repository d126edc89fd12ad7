/* A healthy pipeline: the parent puts numbers into a slot in shared memory, its child takes them
 * out, two semaphores PREFIXfull and PREFIXfree between them. It goes on until it is killed. */
#include <fcntl.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

static sem_t *open_one(const char *prefix, const char *suffix, unsigned value)
{
	char name[256];
	snprintf(name, sizeof name, "%s%s", prefix, suffix);
	return sem_open(name, O_CREAT, 0600, value);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	sem_t *full = open_one(argv[1], "full", 0), *free = open_one(argv[1], "free", 1);
	if (fork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;) {
			sem_wait(full);
			usleep(300);
			sem_post(free);
		}
	}
	for (;;) {
		sem_wait(free);
		usleep(300);
		sem_post(full);
	}
}
