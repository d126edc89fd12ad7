/* semop, semtimedop and semctl are no cancellation points. */
#include "../support/sysv_sleepers.h"

static int the_set;

/* Calls that would be cancelled at once if they were such points. */
static void *calls_with_a_cancellation_pending(void *returned)
{
	struct timespec time = { 10, 0 };
	struct semid_ds status;
	CHECK_EQ(pthread_cancel(pthread_self()), 0);
	CHECK_OK(SEMOP(the_set, { 0, 1, 0 }));
	CHECK_OK(SEMOP(the_set, { 0, -1, 0 }));
	CHECK_OK(SEMTIMEDOP(the_set, &time, { 0, 0, 0 }));
	CHECK_FAILS(SEMOP(the_set, { 0, -1, IPC_NOWAIT }), EAGAIN);
	CHECK_OK(semctl(the_set, 0, SETVAL, 3));
	CHECK_EQ(semctl(the_set, 0, GETVAL), 3);
	CHECK_OK(semctl(the_set, 0, IPC_STAT, (union semun){ .buf = &status }));
	int other = noted(semget(IPC_PRIVATE, 1, 0600));
	CHECK_OK(semctl(other, 0, IPC_RMID));
	*(int *)returned = 1;
	pthread_testcancel();
	return NULL;
}

CASE(semop_and_its_kin_take_no_notice_of_a_pending_cancellation)
{
	pthread_t thread;
	int returned = 0;
	void *end;
	the_set = new_set(1);
	CHECK_EQ(pthread_create(&thread, NULL, calls_with_a_cancellation_pending, &returned), 0);
	CHECK_EQ(pthread_join(thread, &end), 0);
	CHECK(end == PTHREAD_CANCELED);
	CHECK_EQ(returned, 1);
}

static void *sleeps_with_a_cancellation_pending(void *arg)
{
	struct sleeper *self = arg;
	CHECK_EQ(pthread_cancel(pthread_self()), 0);
	sleeper_body(self);
	pthread_testcancel();
	return NULL;
}

CASE(semop_sleeps_with_a_cancellation_pending)
{
	int set = new_set(1);
	void *end;
	struct sleeper *self = sleeper_of(set, OPS({ 0, -1, 0 }));
	CHECK_EQ(pthread_create(&self->thread, NULL, sleeps_with_a_cancellation_pending, self), 0);
	CHECK_SOON(takers_of(set, 0) == 1);
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_EQ(pthread_join(self->thread, &end), 0);
	CHECK(end == PTHREAD_CANCELED);
	CHECK(is_done(self));
	CHECK_EQ(self->error, 0);
	CHECK_EQ(value_of(set, 0), 0);
}

static void *sleeps_and_tests(void *arg)
{
	sleeper_body(arg);
	pthread_testcancel();
	return NULL;
}

CASE(semop_asleep_is_not_woken_by_a_cancellation)
{
	int set = new_set(1);
	void *end;
	struct sleeper *self = sleeper_of(set, OPS({ 0, -1, 0 }));
	self->pid = getpid();
	CHECK_EQ(pthread_create(&self->thread, NULL, sleeps_and_tests, self), 0);
	CHECK_SOON(takers_of(set, 0) == 1 && is_in_the_kernel(self));
	CHECK_EQ(pthread_cancel(self->thread), 0);
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_EQ(pthread_join(self->thread, &end), 0);
	CHECK(end == PTHREAD_CANCELED);
	CHECK_EQ(self->error, 0);
	CHECK_EQ(value_of(set, 0), 0);
}

static void *sleeps_asynchronously(void *arg)
{
	int old;
	CHECK_EQ(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old), 0);
	sleeper_body(arg);
	return NULL;
}

CASE(semop_asleep_that_is_cancelled_asynchronously_takes_nothing)
{
	int set = new_set(1);
	void *end;
	for (int i = 0; i < 5; i++) {
		struct sleeper *self = sleeper_of(set, OPS({ 0, -1, 0 }));
		self->pid = getpid();
		CHECK_EQ(pthread_create(&self->thread, NULL, sleeps_asynchronously, self), 0);
		CHECK_SOON(takers_of(set, 0) == 1 && is_in_the_kernel(self));
		CHECK_EQ(pthread_cancel(self->thread), 0);
		CHECK_EQ(pthread_join(self->thread, &end), 0);
		CHECK(end == PTHREAD_CANCELED);
		CHECK_EQ(takers_of(set, 0), 0);
		CHECK_OK(SEMOP(set, { 0, 1, 0 }));
		CHECK_EQ(value_of(set, 0), 1);
		CHECK_OK(SEMOP(set, { 0, -1, 0 }));
	}
}
