/* Takes and gives back a semaphore a hundred times, between calls of getppid(2), which divide the
 * trace. Prints "done". */
#include <semaphore.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	static sem_t semaphore;
	/* What is done once in a process is not counted. */
	if (sem_init(&semaphore, 0, 1) != 0 || sem_wait(&semaphore) != 0 ||
	    sem_post(&semaphore) != 0)
		return 1;
	getppid();
	for (int round = 0; round < 100; round++)
		if (sem_wait(&semaphore) != 0 || sem_post(&semaphore) != 0)
			return 1;
	getppid();
	puts("done");
	return 0;
}
