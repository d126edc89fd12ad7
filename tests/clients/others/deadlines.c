/* Waits that end at a time, for libfaketime: the deadline is in its time. Only such waits are here
 * as it knows itself; those that it does not know go by the kernel's time, also without us. */
#include <errno.h>
#include <poll.h>
#include <semaphore.h>
#include <stdio.h>
#include <time.h>

static struct timespec soon(clockid_t clock)
{
	struct timespec time;
	clock_gettime(clock, &time);
	time.tv_nsec += 100000000;
	time.tv_sec += time.tv_nsec / 1000000000;
	time.tv_nsec %= 1000000000;
	return time;
}

static void say(const char *what, int result)
{
	printf("%s: %d, timed out: %d\n", what, result, errno == ETIMEDOUT);
	fflush(stdout);
}

int main(void)
{
	sem_t sem;
	struct timespec time;
	sem_init(&sem, 0, 0);
	errno = 0;
	say("poll", poll(NULL, 0, 100));
	time = soon(CLOCK_REALTIME);
	say("sem_timedwait", sem_timedwait(&sem, &time));
	errno = 0;
	time = soon(CLOCK_MONOTONIC);
	say("sem_clockwait, monotonic", sem_clockwait(&sem, CLOCK_MONOTONIC, &time));
	return 0;
}
