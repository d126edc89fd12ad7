/* A wait with an end, in a program that is told a wrong time. */
#include <semaphore.h>
#include <sys/syscall.h>
#include <time.h>

#include "must.h"

int main(void)
{
	alarm(SECONDS);
	struct timespec told, real;
	MUST(clock_gettime(CLOCK_REALTIME, &told) == 0);
	MUST(syscall(SYS_clock_gettime, CLOCK_REALTIME, &real) == 0);
	puts(told.tv_sec < real.tv_sec ? "before" : "after");
	sem_t sem;
	MUST(sem_init(&sem, 0, 0) == 0);
	MUST(clock_gettime(CLOCK_REALTIME, &told) == 0);
	told.tv_sec++;
	FAILS(sem_timedwait(&sem, &told), ETIMEDOUT);
	puts("timed out");
	return 0;
}
