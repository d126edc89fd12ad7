/* The value: bounds, what each call does to it, and the bytes that it lies in. */
#include "../support/sem.h"

CASE(sem_t_has_the_size_and_alignment_of_glibc)
{
	CHECK_EQ(sizeof(sem_t), 32);
	CHECK_EQ(_Alignof(sem_t), 8);
	CHECK(SEM_FAILED == NULL);
	CHECK_EQ(SEM_VALUE_MAX, 0x7fffffff);
	CHECK_EQ(sysconf(_SC_SEM_VALUE_MAX), SEM_VALUE_MAX);
}

CASE(sem_init_sets_the_value)
{
	static const unsigned values[] = { 0, 1, 77, SEM_VALUE_MAX };
	for (int i = 0; i < 4; i++) {
		sem_t sem;
		CHECK_OK(sem_init(&sem, i & 1, values[i]));
		CHECK_EQ(value_of(&sem), values[i]);
		CHECK_EQ(waiters_of(&sem), 0);
		CHECK_OK(sem_destroy(&sem));
	}
}

CASE(sem_init_above_the_maximum_is_einval)
{
	sem_t sem;
	CHECK_OK(sem_init(&sem, 0, 4));
	CHECK_FAILS(sem_init(&sem, 0, SEM_VALUE_MAX + 1u), EINVAL);
	CHECK_FAILS(sem_init(&sem, 1, UINT_MAX), EINVAL);
	CHECK_EQ(value_of(&sem), 4);
}

CASE(sem_init_writes_the_layout_of_glibc)
{
	static const struct { int shared; uint32_t private; } rows[] = {
		{ 0, 0 }, { 1, 128 }, { 2, 128 }, { -1, 128 },
	};
	for (int i = 0; i < 4; i++) {
		union { sem_t sem; uint32_t words[8]; } u;
		memset(&u, 0xee, sizeof u);
		CHECK_OK(sem_init(&u.sem, rows[i].shared, 0x1234567));
		CHECK_EQ(u.words[0], 0x1234567);
		CHECK_EQ(u.words[1], 0);
		CHECK_EQ(u.words[2], rows[i].private);
	}
}

CASE(sem_value_is_the_low_half_of_the_first_eight_bytes)
{
	union { sem_t sem; uint32_t words[8]; } u;
	CHECK_OK(sem_init(&u.sem, 1, 5));
	CHECK_OK(sem_post(&u.sem));
	CHECK_EQ(__atomic_load_n(&u.words[0], __ATOMIC_SEQ_CST), 6);
	CHECK_OK(sem_wait(&u.sem));
	CHECK_OK(sem_trywait(&u.sem));
	CHECK_EQ(__atomic_load_n(&u.words[0], __ATOMIC_SEQ_CST), 4);
	CHECK_EQ(u.words[1], 0);
	CHECK_EQ(u.words[2], 128);
}

CASE(sem_post_wait_and_trywait_count)
{
	sem_t sem;
	CHECK_OK(sem_init(&sem, 0, 0));
	for (int i = 1; i <= 100; i++) {
		CHECK_OK(sem_post(&sem));
		CHECK_EQ(value_of(&sem), i);
	}
	for (int i = 99; i >= 0; i--) {
		CHECK_OK(i & 1 ? sem_wait(&sem) : sem_trywait(&sem));
		CHECK_EQ(value_of(&sem), i);
	}
}

CASE(sem_trywait_of_the_value_0_is_eagain)
{
	sem_t sem;
	CHECK_OK(sem_init(&sem, 0, 0));
	CHECK_FAILS(sem_trywait(&sem), EAGAIN);
	CHECK_EQ(value_of(&sem), 0);
	CHECK_EQ(waiters_of(&sem), 0);
	CHECK_OK(sem_post(&sem));
	CHECK_OK(sem_trywait(&sem));
	CHECK_FAILS(sem_trywait(&sem), EAGAIN);
}

CASE(sem_post_at_the_maximum_is_eoverflow)
{
	for (int shared = 0; shared < 2; shared++) {
		sem_t sem;
		CHECK_OK(sem_init(&sem, shared, SEM_VALUE_MAX - 1));
		CHECK_OK(sem_post(&sem));
		for (int i = 0; i < 3; i++) {
			CHECK_FAILS(sem_post(&sem), EOVERFLOW);
			CHECK_EQ(value_of(&sem), SEM_VALUE_MAX);
		}
		CHECK_OK(sem_wait(&sem));
		CHECK_EQ(value_of(&sem), SEM_VALUE_MAX - 1);
		CHECK_OK(sem_post(&sem));
	}
}

CASE(sem_calls_that_succeed_leave_errno_alone)
{
	sem_t sem;
	struct timespec past = { 0, 0 };
	errno = ENOTTY;
	CHECK_OK(sem_init(&sem, 0, 3));
	CHECK_OK(sem_post(&sem));
	CHECK_OK(sem_wait(&sem));
	CHECK_OK(sem_trywait(&sem));
	CHECK_OK(sem_timedwait(&sem, &past));
	value_of(&sem);
	CHECK_OK(sem_destroy(&sem));
	CHECK_EQ(errno, ENOTTY);
}

CASE(sem_getvalue_of_a_locked_one_is_zero)
{
	sem_t sem;
	CHECK_OK(sem_init(&sem, 0, 0));
	struct waiter waiters[3];
	for (int i = 0; i < 3; i++)
		waiter_start(&waiters[i], &sem, by_wait);
	CHECK_EQ(value_of(&sem), 0);
	CHECK_EQ(waiters_of(&sem), 3);
	for (int i = 0; i < 3; i++)
		CHECK_OK(sem_post(&sem));
	for (int i = 0; i < 3; i++)
		waiter_join(&waiters[i]);
	CHECK_EQ(waiters_of(&sem), 0);
}

CASE(sem_init_after_destroy_is_a_new_one)
{
	sem_t sem;
	for (unsigned i = 0; i < 10; i++) {
		CHECK_OK(sem_init(&sem, 0, i));
		CHECK_OK(sem_post(&sem));
		CHECK_EQ(value_of(&sem), i + 1);
		CHECK_OK(sem_destroy(&sem));
	}
}

CASE(sem_in_zeroed_memory_works)
{
	/* Not promised, but programs live on it: a static sem_t that has not been initialised. */
	static sem_t sem;
	CHECK_FAILS(sem_trywait(&sem), EAGAIN);
	CHECK_OK(sem_post(&sem));
	CHECK_OK(sem_wait(&sem));
	struct waiter waiter;
	waiter_start(&waiter, &sem, by_wait);
	CHECK_OK(sem_post(&sem));
	waiter_join(&waiter);
	CHECK_EQ(waiter.result, 0);
}

/* glibc leaves bytes 16 to 31 unset: whatever they hold, and even if another thread writes them,
 * all is well. */
static void works(sem_t *sem)
{
	CHECK_FAILS(sem_trywait(sem), EAGAIN);
	CHECK_OK(sem_post(sem));
	CHECK_OK(sem_wait(sem));
	struct timespec soon = from_now(CLOCK_REALTIME, 1);
	CHECK_FAILS(sem_timedwait(sem, &soon), ETIMEDOUT);
	struct waiter waiter;
	waiter_start(&waiter, sem, by_wait);
	CHECK_OK(sem_post(sem));
	waiter_join(&waiter);
	CHECK_EQ(waiter.result, 0);
	CHECK_EQ(value_of(sem), 0);
	CHECK_EQ(waiters_of(sem), 0);
}

CASE(sem_unused_bytes_may_hold_anything)
{
	static const int fills[] = { 0x00, 0x01, 0x7f, 0x80, 0xaa, 0xff };
	union { sem_t sem; unsigned char bytes[32]; } u;
	for (int i = 0; i < 6; i++) {
		memset(&u, fills[i], sizeof u);
		CHECK_OK(sem_init(&u.sem, i & 1, 0));
		memset(u.bytes + 16, fills[i], 16);
		works(&u.sem);
	}
	unsigned seed = 1;
	for (int i = 0; i < 100; i++) {
		CHECK_OK(sem_init(&u.sem, i & 1, 0));
		for (int b = 16; b < 32; b++)
			u.bytes[b] = (unsigned char)rand_r(&seed);
		works(&u.sem);
	}
}

static void *scribbles(void *arg)
{
	volatile unsigned char *bytes = arg;
	unsigned seed = 7;
	for (;;) {
		pthread_testcancel();
		for (int b = 16; b < 32; b++)
			bytes[b] = (unsigned char)rand_r(&seed);
	}
	return NULL;
}

CASE(sem_unused_bytes_may_change_all_the_time)
{
	sem_t *sem = shared_sem(0);
	pthread_t scribbler;
	CHECK_EQ(pthread_create(&scribbler, NULL, scribbles, sem), 0);
	for (int i = 0; i < 50; i++)
		works(sem);
	CHECK_EQ(pthread_cancel(scribbler), 0);
	CHECK_EQ(pthread_join(scribbler, NULL), 0);
}
