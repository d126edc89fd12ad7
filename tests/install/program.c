/* Uses the installed library as any program would: by its header, its library, and nothing else. */
#include <rsipc.h>
#include <stdio.h>

int main(void)
{
	sem_t semaphore;
	int value;
	if (sem_init(&semaphore, 0, 1) != 0 || sem_post(&semaphore) != 0 ||
	    sem_wait(&semaphore) != 0)
		return 1;
	if (sem_getvalue(&semaphore, &value) != 0 || sem_destroy(&semaphore) != 0)
		return 1;
	printf("rsipc %s, value %d\n", rsipc_version(), value);
	return 0;
}
