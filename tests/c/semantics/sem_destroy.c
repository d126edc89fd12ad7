/* A semaphore may go as soon as the wait that was promised has returned, whatever the poster still
 * does. */
#include "../support/sem.h"

CASE(sem_destroy_of_one_without_waiters)
{
	for (unsigned value = 0; value < 3; value++) {
		sem_t sem;
		CHECK_OK(sem_init(&sem, value & 1, value));
		CHECK_OK(sem_destroy(&sem));
	}
}

/* Where the two sides meet: the waiter maps a semaphore, hands it over, waits, and unmaps it at
 * once. */
static sem_t *_Atomic handed;

/* A busy wait that lets others run: there may be one processor for both sides. */
static void pause_after(int *spins)
{
	if (++*spins % 500 == 0)
		sched_yield();
}

static void take_without_sleep(sem_t *sem)
{
	for (int spins = 0; sem_trywait(sem) == -1; pause_after(&spins))
		CHECK_EQ(errno, EAGAIN);
}

static void *posts_what_is_handed(void *unused)
{
	(void)unused;
	for (;;) {
		sem_t *sem;
		for (int spins = 0; !(sem = __atomic_exchange_n(&handed, NULL, __ATOMIC_ACQ_REL));)
			pause_after(&spins);
		if (sem == (void *)1)
			return NULL;
		CHECK_OK(sem_post(sem));
	}
}

static void unmaps_after_each_wait(int rounds, int shared)
{
	pthread_t poster;
	CHECK_EQ(pthread_create(&poster, NULL, posts_what_is_handed, NULL), 0);
	for (int i = 0; i < rounds; i++) {
		sem_t *sem = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				  (shared ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS, -1, 0);
		CHECK(sem != MAP_FAILED);
		CHECK_OK(sem_init(sem, shared, 0));
		__atomic_store_n(&handed, sem, __ATOMIC_RELEASE);
		if (i & 1)
			take_without_sleep(sem);
		else
			CHECK_OK(sem_wait(sem));
		CHECK_OK(sem_destroy(sem));
		CHECK_OK(munmap(sem, 4096));
	}
	__atomic_store_n(&handed, (void *)1, __ATOMIC_RELEASE);
	CHECK_EQ(pthread_join(poster, NULL), 0);
}

CASE(sem_unmapped_right_after_the_wait_private)
{
	unmaps_after_each_wait(5000, 0);
}

CASE(sem_unmapped_right_after_the_wait_shared)
{
	unmaps_after_each_wait(5000, 1);
}

/* Reused at once: a late write of the poster would be seen in the bytes. */
CASE(sem_memory_is_not_touched_after_the_wait)
{
	pthread_t poster;
	CHECK_EQ(pthread_create(&poster, NULL, posts_what_is_handed, NULL), 0);
	union { sem_t sem; unsigned char bytes[32]; } u;
	for (int i = 0; i < 5000; i++) {
		CHECK_OK(sem_init(&u.sem, i & 1, 0));
		__atomic_store_n(&handed, &u.sem, __ATOMIC_RELEASE);
		take_without_sleep(&u.sem);
		memset(u.bytes, 0xa5, sizeof u.bytes);
		for (int look = 0; look < 50; look++)
			for (int b = 0; b < 32; b++)
				CHECK_EQ(((volatile unsigned char *)u.bytes)[b], 0xa5);
	}
	__atomic_store_n(&handed, (void *)1, __ATOMIC_RELEASE);
	CHECK_EQ(pthread_join(poster, NULL), 0);
}

/* A named one closed right after the wait, while another thread is still in its post. */
struct side {
	sem_t *sem;
	pthread_barrier_t *begin;
};

static void *posts_once_begun(void *arg)
{
	struct side *side = arg;
	pthread_barrier_wait(side->begin);
	CHECK_OK(sem_post(side->sem));
	return NULL;
}

CASE(sem_named_closed_right_after_the_wait)
{
	const char *name = check_name("closed");
	pthread_barrier_t begin;
	CHECK_EQ(pthread_barrier_init(&begin, NULL, 2), 0);
	for (int i = 0; i < 1000; i++) {
		struct side side = { open_new(name, 0), &begin };
		CHECK_OK(sem_unlink(name));
		pthread_t poster;
		CHECK_EQ(pthread_create(&poster, NULL, posts_once_begun, &side), 0);
		pthread_barrier_wait(&begin);
		CHECK_OK(sem_wait(side.sem));
		CHECK_OK(sem_close(side.sem));
		CHECK_EQ(pthread_join(poster, NULL), 0);
	}
}

CASE(sem_late_wake_to_unmapped_memory_is_no_error)
{
	/* errno and the result of a post whose semaphore goes away under it. */
	for (int i = 0; i < 300; i++) {
		sem_t *sem = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				  -1, 0);
		CHECK(sem != MAP_FAILED);
		CHECK_OK(sem_init(sem, 0, 0));
		struct waiter waiter;
		waiter_start(&waiter, sem, by_wait);
		errno = ENOTTY;
		CHECK_OK(sem_post(sem));
		CHECK_EQ(errno, ENOTTY);
		waiter_join(&waiter);
		CHECK_EQ(waiter.result, 0);
		CHECK_OK(munmap(sem, 4096));
	}
}
