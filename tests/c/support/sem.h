/* What the checks of semaphores share: where one lives, what its word says, a thread that waits on
 * it. */
#ifndef SUPPORT_SEM_H
#define SUPPORT_SEM_H

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <sys/stat.h>
#include "asleep.h"
#include "check.h"

/* The file of a named semaphore. The text lasts until the next call. */
__attribute__((unused)) static const char *sem_path(const char *name)
{
	static char path[400];
	snprintf(path, sizeof path, "/dev/shm/sem.%s", name + 1);
	return path;
}

__attribute__((unused)) static sem_t *open_new(const char *name, unsigned value)
{
	sem_t *sem = sem_open(name, O_CREAT | O_EXCL, 0600, value);
	CHECK(sem != SEM_FAILED);
	return sem;
}

__attribute__((unused)) static int value_of(sem_t *sem)
{
	int value = -1;
	CHECK_EQ(sem_getvalue(sem, &value), 0);
	return value;
}

/* The number of waiters: the high half of the u64 at offset 0, as glibc has it. */
__attribute__((unused)) static unsigned waiters_of(sem_t *sem)
{
	return (unsigned)(__atomic_load_n((uint64_t *)(void *)sem, __ATOMIC_SEQ_CST) >> 32);
}

/* A process-shared semaphore (and memory beside it) that a forked child has in common with its
 * parent. */
__attribute__((unused)) static sem_t *shared_sem(unsigned value)
{
	sem_t *sem = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(sem != MAP_FAILED);
	CHECK_OK(sem_init(sem, 1, value));
	return sem;
}

__attribute__((unused)) static struct timespec from_now(clockid_t clock, long milliseconds)
{
	struct timespec when;
	CHECK_OK(clock_gettime(clock, &when));
	when.tv_sec += milliseconds / 1000;
	when.tv_nsec += milliseconds % 1000 * 1000000;
	if (when.tv_nsec >= 1000000000) {
		when.tv_sec++;
		when.tv_nsec -= 1000000000;
	}
	return when;
}

/* The ways to wait; the timed ones far longer than any case lasts. */
__attribute__((unused)) static int by_wait(sem_t *sem)
{
	return sem_wait(sem);
}

__attribute__((unused)) static int by_timedwait(sem_t *sem)
{
	struct timespec late = from_now(CLOCK_REALTIME, 100000);
	return sem_timedwait(sem, &late);
}

__attribute__((unused)) static int by_clockwait(sem_t *sem)
{
	struct timespec late = from_now(CLOCK_MONOTONIC, 100000);
	return sem_clockwait(sem, CLOCK_MONOTONIC, &late);
}

/* A thread that waits once; `result` and `error` are what the wait gave. */
struct waiter {
	sem_t *sem;
	int (*wait)(sem_t *);
	pthread_t thread;
	pid_t tid;
	int result, error;
	int cleaned;
	unsigned waiters_in_cleanup;
	int done;
};

static void waiter_cleanup(void *arg)
{
	struct waiter *self = arg;
	self->waiters_in_cleanup = waiters_of(self->sem);
	self->cleaned++;
}

static void *waiter_body(void *arg)
{
	struct waiter *self = arg;
	__atomic_store_n(&self->tid, gettid(), __ATOMIC_RELEASE);
	pthread_cleanup_push(waiter_cleanup, self);
	errno = 0;
	self->result = self->wait(self->sem);
	self->error = errno;
	pthread_cleanup_pop(0);
	__atomic_store_n(&self->done, 1, __ATOMIC_RELEASE);
	return NULL;
}

__attribute__((unused)) static int waiter_done(struct waiter *self)
{
	return __atomic_load_n(&self->done, __ATOMIC_ACQUIRE);
}

/* Starts the thread, and returns when it is asleep on the semaphore. */
__attribute__((unused)) static void waiter_start(struct waiter *self, sem_t *sem,
						 int (*wait)(sem_t *))
{
	unsigned before = waiters_of(sem);
	*self = (struct waiter){ .sem = sem, .wait = wait };
	CHECK_EQ(pthread_create(&self->thread, NULL, waiter_body, self), 0);
	CHECK_SOON(waiters_of(sem) == before + 1);
	CHECK_SOON(asleep(getpid(), __atomic_load_n(&self->tid, __ATOMIC_ACQUIRE)));
}

/* Joins it: PTHREAD_CANCELED, or NULL when the wait returned. */
__attribute__((unused)) static void *waiter_join(struct waiter *self)
{
	void *end;
	CHECK_EQ(pthread_join(self->thread, &end), 0);
	return end;
}

#endif
