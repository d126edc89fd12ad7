/* Threads and processes that sleep in semop(2). */
#ifndef SUPPORT_SYSV_SLEEPERS_H
#define SUPPORT_SYSV_SLEEPERS_H

#include "sysv_sem.h"

/* One call, in a thread or a process of its own. */
struct sleeper {
	int set;
	size_t count;
	struct sembuf ops[8];
	const struct timespec *timeout; /* NULL: for ever */
	bool is_process;
	pthread_t thread;
	pid_t pid, tid;
	int done;
	int error; /* 0: the call has succeeded */
};

/* How many sleep in this set. */
__attribute__((unused)) static int asleep_in(int set)
{
	int members = (int)status_of(set).sem_nsems, count = 0;
	for (int i = 0; i < members; i++)
		count += takers_of(set, i) + zero_waiters_of(set, i);
	return count;
}

static void *sleeper_body(void *arg)
{
	struct sleeper *self = arg;
	__atomic_store_n(&self->tid, gettid(), __ATOMIC_RELEASE);
	int result = semtimedop(self->set, self->ops, self->count, self->timeout);
	self->error = result == -1 ? errno : 0;
	__atomic_store_n(&self->done, 1, __ATOMIC_RELEASE);
	return NULL;
}

static struct sleeper *sleeper_of(int set, const struct sembuf *ops, size_t count)
{
	struct sleeper *self = common_memory(sizeof *self);
	CHECK(count <= 8);
	self->set = set;
	self->count = count;
	memcpy(self->ops, ops, count * sizeof *ops);
	return self;
}

/* Whether its call has returned. */
__attribute__((unused)) static bool is_done(struct sleeper *self)
{
	return __atomic_load_n(&self->done, __ATOMIC_ACQUIRE);
}

static bool is_in_the_kernel(struct sleeper *self)
{
	return asleep(self->pid, __atomic_load_n(&self->tid, __ATOMIC_ACQUIRE));
}

/* Whether it is one more that sleeps. */
static bool sleeps_beside(struct sleeper *self, int before)
{
	if (is_done(self))
		check_fail(__FILE__, __LINE__, "the call has returned, with error %d", self->error);
	return asleep_in(self->set) == before + 1 && is_in_the_kernel(self);
}

static struct sleeper *start_thread(struct sleeper *self)
{
	int before = asleep_in(self->set);
	self->pid = getpid();
	CHECK_EQ(pthread_create(&self->thread, NULL, sleeper_body, self), 0);
	CHECK_SOON(sleeps_beside(self, before));
	return self;
}

/* A thread that sleeps in this call; returns when it does. */
__attribute__((unused)) static struct sleeper *sleep_in_thread(int set, const struct sembuf *ops,
							       size_t count)
{
	return start_thread(sleeper_of(set, ops, count));
}

/* The same with a time. */
__attribute__((unused)) static struct sleeper *
sleep_for(int set, const struct sembuf *ops, size_t count, const struct timespec *timeout)
{
	struct sleeper *self = sleeper_of(set, ops, count);
	self->timeout = timeout;
	return start_thread(self);
}

/* A child that sleeps in this call, ends when it is over, and stays a zombie until end_of(). */
__attribute__((unused)) static struct sleeper *sleep_in_process(int set, const struct sembuf *ops,
								size_t count)
{
	struct sleeper *self = sleeper_of(set, ops, count);
	int before = asleep_in(set);
	self->is_process = true;
	pid_t pid = check_fork();
	if (pid == 0) {
		sleeper_body(self);
		_exit(0);
	}
	self->pid = pid;
	CHECK_SOON(sleeps_beside(self, before));
	return self;
}

#define SLEEPS(set, ...) sleep_in_thread(set, OPS(__VA_ARGS__))
#define PROCESS_SLEEPS(set, ...) sleep_in_process(set, OPS(__VA_ARGS__))

/* Waits until the call has returned: 0, or its error. */
__attribute__((unused)) static int end_of(struct sleeper *self)
{
	CHECK_SOON(is_done(self));
	if (self->is_process)
		check_child(self->pid);
	else
		CHECK_EQ(pthread_join(self->thread, NULL), 0);
	return self->error;
}

/* A child that sleeps is killed, and waited for. */
__attribute__((unused)) static void kill_sleeper(struct sleeper *self)
{
	int status;
	CHECK(self->is_process && self->pid > 0);
	CHECK_OK(kill(self->pid, SIGKILL));
	CHECK_EQ(waitpid(self->pid, &status, 0), self->pid);
	CHECK(WIFSIGNALED(status));
}

#endif
