/* Cancellation: sem_wait, sem_timedwait and sem_clockwait are cancellation points, the rest
 * is not. */
#include "../support/sem.h"

static sem_t *fresh(unsigned value)
{
	static sem_t sem;
	CHECK_OK(sem_init(&sem, 0, value));
	return &sem;
}

/* A sleeping waiter is cancelled: its handler runs, and by then it is no longer counted as a
 * waiter. */
static void cancels_a_sleeper_on(sem_t *sem, int (*wait)(sem_t *))
{
	for (int i = 0; i < 10; i++) {
		struct waiter waiter;
		waiter_start(&waiter, sem, wait);
		CHECK_EQ(pthread_cancel(waiter.thread), 0);
		CHECK(waiter_join(&waiter) == PTHREAD_CANCELED);
		CHECK_EQ(waiter.cleaned, 1);
		CHECK_EQ(waiter.waiters_in_cleanup, 0);
		CHECK_EQ(waiters_of(sem), 0);
		CHECK_EQ(value_of(sem), 0);
	}
}

static void cancels_a_sleeper(int (*wait)(sem_t *))
{
	cancels_a_sleeper_on(fresh(0), wait);
	cancels_a_sleeper_on(shared_sem(0), wait);
	cancels_a_sleeper_on(open_new(check_name("named"), 0), wait);
}

CASE(sem_wait_asleep_is_cancelled)
{
	cancels_a_sleeper(by_wait);
}

CASE(sem_timedwait_asleep_is_cancelled)
{
	cancels_a_sleeper(by_timedwait);
}

CASE(sem_clockwait_asleep_is_cancelled)
{
	cancels_a_sleeper(by_clockwait);
}

CASE(sem_cancelled_waiter_leaves_the_others)
{
	sem_t *sem = fresh(0);
	struct waiter waiters[4];
	for (int i = 0; i < 4; i++)
		waiter_start(&waiters[i], sem, by_wait);
	CHECK_EQ(pthread_cancel(waiters[1].thread), 0);
	CHECK(waiter_join(&waiters[1]) == PTHREAD_CANCELED);
	CHECK_EQ(pthread_cancel(waiters[3].thread), 0);
	CHECK(waiter_join(&waiters[3]) == PTHREAD_CANCELED);
	CHECK_EQ(waiters_of(sem), 2);
	CHECK_OK(sem_post(sem));
	CHECK_OK(sem_post(sem));
	CHECK(waiter_join(&waiters[0]) == NULL);
	CHECK(waiter_join(&waiters[2]) == NULL);
	CHECK_EQ(waiters_of(sem), 0);
	CHECK_EQ(value_of(sem), 0);
}

/* A thread with a cancellation pending that calls once. */
struct caller {
	int (*call)(sem_t *);
	sem_t *sem;
	int returned, cleaned;
};

static void caller_cleanup(void *arg)
{
	((struct caller *)arg)->cleaned++;
}

static void *calls_with_pending_cancel(void *arg)
{
	struct caller *self = arg;
	pthread_cleanup_push(caller_cleanup, self);
	CHECK_EQ(pthread_cancel(pthread_self()), 0);
	self->call(self->sem);
	self->returned = 1;
	pthread_cleanup_pop(0);
	return NULL;
}

/* Whether a call with a cancellation pending returns (1) or acts on it (0). */
static int returns(sem_t *sem, int (*call)(sem_t *))
{
	struct caller caller = { .call = call, .sem = sem };
	pthread_t thread;
	void *end;
	CHECK_EQ(pthread_create(&thread, NULL, calls_with_pending_cancel, &caller), 0);
	CHECK_EQ(pthread_join(thread, &end), 0);
	CHECK(end == (caller.returned ? NULL : PTHREAD_CANCELED));
	CHECK_EQ(caller.cleaned, !caller.returned);
	return caller.returned;
}

CASE(sem_wait_acts_on_a_pending_cancel_even_with_a_positive_value)
{
	sem_t *sem = fresh(1);
	CHECK(!returns(sem, by_wait));
	CHECK_EQ(value_of(sem), 1);
	CHECK_EQ(waiters_of(sem), 0);
}

CASE(sem_timedwait_acts_on_a_pending_cancel_even_with_a_positive_value)
{
	sem_t *sem = fresh(1);
	CHECK(!returns(sem, by_timedwait));
	CHECK_EQ(value_of(sem), 1);
	CHECK_EQ(waiters_of(sem), 0);
}

CASE(sem_clockwait_with_a_positive_value_does_not_look_for_a_cancel)
{
	sem_t *sem = fresh(1);
	CHECK(returns(sem, by_clockwait));
	CHECK_EQ(value_of(sem), 0);
}

CASE(sem_waits_on_the_value_0_act_on_a_pending_cancel)
{
	sem_t *sem = fresh(0);
	CHECK(!returns(sem, by_wait));
	CHECK(!returns(sem, by_timedwait));
	CHECK(!returns(sem, by_clockwait));
	CHECK_EQ(waiters_of(sem), 0);
}

static int call_clockwait_late(sem_t *sem)
{
	return sem_clockwait(sem, CLOCK_REALTIME, &(struct timespec){ 1, 0 });
}

static int call_clockwait_before_all_times(sem_t *sem)
{
	return sem_clockwait(sem, CLOCK_REALTIME, &(struct timespec){ -1, 0 });
}

CASE(sem_clockwait_past_its_time_acts_on_a_pending_cancel)
{
	sem_t *sem = fresh(0);
	CHECK(!returns(sem, call_clockwait_late));
	/* The kernel would refuse such a time. */
	CHECK(returns(sem, call_clockwait_before_all_times));
	CHECK_EQ(waiters_of(sem), 0);
}

static int call_timedwait_badly(sem_t *sem)
{
	struct timespec bad = { 0, -1 };
	return sem_timedwait(sem, &bad);
}

CASE(sem_timedwait_with_a_bad_time_and_a_pending_cancel)
{
	/* glibc looks at the time first: EINVAL comes back, and the cancellation stays pending. */
	CHECK(returns(fresh(1), call_timedwait_badly));
}

static const char *name_of_the_case;

static int call_open(sem_t *sem)
{
	(void)sem;
	CHECK(sem_open(name_of_the_case, O_CREAT, 0600, 3) != SEM_FAILED);
	return 0;
}

static int call_close(sem_t *sem)
{
	(void)sem;
	CHECK_OK(sem_close(sem_open(name_of_the_case, 0)));
	return 0;
}

static int call_unlink(sem_t *sem)
{
	(void)sem;
	CHECK_OK(sem_unlink(name_of_the_case));
	return 0;
}

static int call_shm_open(sem_t *sem)
{
	(void)sem;
	CHECK_OK(shm_open(name_of_the_case, O_CREAT | O_RDWR, 0600));
	return 0;
}

static int call_shm_unlink(sem_t *sem)
{
	(void)sem;
	CHECK_OK(shm_unlink(name_of_the_case));
	return 0;
}

static int call_value(sem_t *sem)
{
	value_of(sem);
	return 0;
}

CASE(sem_open_close_and_unlink_are_no_cancellation_points)
{
	name_of_the_case = check_name("points");
	CHECK(returns(NULL, call_open));
	CHECK(returns(NULL, call_open));
	CHECK(returns(NULL, call_close));
	CHECK(returns(NULL, call_unlink));
}

CASE(shm_open_and_unlink_are_no_cancellation_points)
{
	name_of_the_case = check_name("points");
	CHECK(returns(NULL, call_shm_open));
	CHECK(returns(NULL, call_shm_unlink));
}

CASE(sem_post_trywait_and_getvalue_are_no_cancellation_points)
{
	sem_t *sem = fresh(0);
	CHECK(returns(sem, sem_post));
	CHECK(returns(sem, call_value));
	CHECK(returns(sem, sem_trywait));
	CHECK(returns(sem, sem_trywait));
	CHECK_EQ(value_of(sem), 0);
}

static int reached_enable;

static int waits_with_cancel_disabled(sem_t *sem)
{
	int before;
	CHECK_EQ(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before), 0);
	CHECK_EQ(before, PTHREAD_CANCEL_ENABLE);
	CHECK_OK(sem_wait(sem));
	reached_enable = 1;
	CHECK_EQ(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL), 0);
	pthread_testcancel();
	return 0;
}

CASE(sem_wait_with_cancellation_disabled_goes_on)
{
	sem_t *sem = fresh(0);
	struct waiter waiter;
	waiter_start(&waiter, sem, waits_with_cancel_disabled);
	CHECK_EQ(pthread_cancel(waiter.thread), 0);
	for (int i = 0; i < 20; i++) {
		CHECK_EQ(waiters_of(sem), 1);
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		CHECK_SOON(asleep(getpid(), waiter.tid));
	}
	CHECK(!reached_enable);
	CHECK_OK(sem_post(sem));
	CHECK(waiter_join(&waiter) == PTHREAD_CANCELED);
	CHECK(reached_enable);
	CHECK_EQ(value_of(sem), 0);
	CHECK_EQ(waiters_of(sem), 0);
}

/* The type of cancellation is as it was after a wait that slept. */
static int waits_and_looks_at_the_type(sem_t *sem)
{
	CHECK_OK(sem_wait(sem));
	int type, state;
	CHECK_EQ(pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type), 0);
	CHECK_EQ(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state), 0);
	CHECK_EQ(type, PTHREAD_CANCEL_DEFERRED);
	CHECK_EQ(state, PTHREAD_CANCEL_ENABLE);
	return 0;
}

CASE(sem_wait_leaves_cancellation_deferred)
{
	sem_t *sem = fresh(0);
	struct waiter waiter;
	waiter_start(&waiter, sem, waits_and_looks_at_the_type);
	CHECK_OK(sem_post(sem));
	CHECK(waiter_join(&waiter) == NULL);
}

static pthread_key_t key;
static int destroyed;

static void count_destroyed(void *unused)
{
	(void)unused;
	destroyed++;
}

static int waits_with_data(sem_t *sem)
{
	CHECK_EQ(pthread_setspecific(key, sem), 0);
	return sem_wait(sem);
}

CASE(sem_wait_cancelled_runs_destructors_of_the_thread)
{
	/* The thread ends as after pthread_exit: its specific data is destroyed as well. */
	CHECK_EQ(pthread_key_create(&key, count_destroyed), 0);
	struct waiter waiter;
	waiter_start(&waiter, fresh(0), waits_with_data);
	CHECK_EQ(pthread_cancel(waiter.thread), 0);
	CHECK(waiter_join(&waiter) == PTHREAD_CANCELED);
	CHECK_EQ(destroyed, 1);
}

/* Posts and cancels that meet. One waiter: it has decremented the value, or the value is still
 * positive. */
static void posts_meet_cancels(int (*wait)(sem_t *))
{
	int cancelled = 0;
	for (int i = 0; i < 400; i++) {
		sem_t *sem = fresh(0);
		struct waiter waiter = { .sem = sem, .wait = wait };
		CHECK_EQ(pthread_create(&waiter.thread, NULL, waiter_body, &waiter), 0);
		if (i & 1)
			CHECK_SOON(waiters_of(sem) == 1);
		if (i & 2)
			CHECK_OK(sem_post(sem));
		int error = pthread_cancel(waiter.thread);
		CHECK(error == 0 || error == OLDER_CANCEL_OF_ENDED);
		/* glibc 2.41 cancels no thread that a post wakes before it sees the signal, so
		 * in some rounds the post comes when it has ended. */
		int posts_late = (i & 6) == 4;
		if (!(i & 2) && !posts_late)
			CHECK_OK(sem_post(sem));
		/* The result of the thread does not tell: where a cancellation that came too late
		 * is noticed after the thread's function has returned, glibc changes it. */
		waiter_join(&waiter);
		int was_cancelled = !waiter_done(&waiter);
		if (posts_late)
			CHECK_OK(sem_post(sem));
		/* Cancelled after a wait that succeeded would be a post lost. */
		CHECK_EQ(value_of(sem), was_cancelled);
		CHECK_EQ(waiters_of(sem), 0);
		cancelled += was_cancelled;
	}
	CHECK(cancelled > 0);
}

CASE(sem_wait_cancelled_at_the_time_of_a_post_loses_no_post)
{
	posts_meet_cancels(by_wait);
	posts_meet_cancels(by_timedwait);
	posts_meet_cancels(by_clockwait);
}
