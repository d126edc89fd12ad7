/* Waiting and waking: no waiter is forgotten, and none gets through without a post. */
#include "../support/sem.h"

static void one_post_wakes_one(sem_t *sem)
{
	struct waiter waiters[5];
	for (int i = 0; i < 5; i++)
		waiter_start(&waiters[i], sem, by_wait);
	for (int posted = 1; posted <= 5; posted++) {
		CHECK_OK(sem_post(sem));
		int done = 0;
		CHECK_SOON((done = waiter_done(&waiters[0]) + waiter_done(&waiters[1]) +
			    waiter_done(&waiters[2]) + waiter_done(&waiters[3]) +
			    waiter_done(&waiters[4])) == posted);
		CHECK_EQ(waiters_of(sem), 5 - done);
	}
	for (int i = 0; i < 5; i++) {
		waiter_join(&waiters[i]);
		CHECK_EQ(waiters[i].result, 0);
	}
	CHECK_EQ(value_of(sem), 0);
}

CASE(sem_post_wakes_one_waiter_private)
{
	sem_t sem;
	CHECK_OK(sem_init(&sem, 0, 0));
	one_post_wakes_one(&sem);
}

CASE(sem_post_wakes_one_waiter_shared)
{
	one_post_wakes_one(shared_sem(0));
}

CASE(sem_post_wakes_one_waiter_named)
{
	one_post_wakes_one(open_new(check_name("wake"), 0));
}

CASE(sem_wait_sleeps_without_using_the_processor)
{
	sem_t sem;
	CHECK_OK(sem_init(&sem, 0, 0));
	struct waiter waiter;
	waiter_start(&waiter, &sem, by_wait);
	clockid_t clock;
	struct timespec before, after;
	CHECK_EQ(pthread_getcpuclockid(waiter.thread, &clock), 0);
	CHECK_OK(clock_gettime(clock, &before));
	nanosleep(&(struct timespec){ .tv_nsec = 300000000 }, NULL);
	CHECK_OK(clock_gettime(clock, &after));
	CHECK(asleep(getpid(), waiter.tid));
	long used = (after.tv_sec - before.tv_sec) * 1000 +
		    (after.tv_nsec - before.tv_nsec) / 1000000;
	CHECK(used < 100);
	CHECK_OK(sem_post(&sem));
	waiter_join(&waiter);
}

/* A child that waits on a semaphore shared with us is woken. */
static void wakes_a_process(sem_t *sem, sem_t *answer)
{
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_OK(sem_wait(sem));
		CHECK_OK(sem_post(answer));
		CHECK_OK(sem_wait(sem));
		_exit(0);
	}
	CHECK_SOON(waiters_of(sem) == 1 && asleep(pid, pid));
	CHECK_OK(sem_post(sem));
	CHECK_OK(sem_wait(answer));
	CHECK_SOON(waiters_of(sem) == 1 && asleep(pid, pid));
	CHECK_OK(sem_post(sem));
	check_child(pid);
}

CASE(sem_post_wakes_a_waiter_in_another_process)
{
	wakes_a_process(shared_sem(0), shared_sem(0));
}

CASE(sem_post_wakes_a_waiter_on_a_name_in_another_process)
{
	wakes_a_process(open_new(check_name("ask"), 0), open_new(check_name("answer"), 0));
}

CASE(sem_post_through_another_mapping_wakes)
{
	/* The same page at two addresses: the futex must go by the page, not by the address. */
	int fd = memfd_create("sem", MFD_CLOEXEC);
	CHECK_OK(fd);
	CHECK_OK(ftruncate(fd, 4096));
	sem_t *first = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	sem_t *second = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(first != MAP_FAILED && second != MAP_FAILED);
	CHECK_OK(sem_init(first, 1, 0));
	struct waiter waiter;
	waiter_start(&waiter, first, by_wait);
	CHECK_OK(sem_post(second));
	waiter_join(&waiter);
	CHECK_EQ(waiter.result, 0);
}

CASE(sem_post_many_before_any_wait)
{
	sem_t *sem = shared_sem(0);
	pid_t pid = check_fork();
	if (pid == 0) {
		for (int i = 0; i < 50000; i++)
			CHECK_OK(sem_post(sem));
		_exit(0);
	}
	for (int i = 0; i < 50000; i++)
		CHECK_OK(sem_wait(sem));
	check_child(pid);
	CHECK_EQ(value_of(sem), 0);
	CHECK_EQ(waiters_of(sem), 0);
}

struct ring {
	sem_t mutex, done;
	long counter, inside;
};

static void add_one_by_one(struct ring *ring, int times)
{
	for (int i = 0; i < times; i++) {
		CHECK_OK(sem_wait(&ring->mutex));
		CHECK_EQ(++ring->inside, 1);
		ring->counter++;
		--ring->inside;
		CHECK_OK(sem_post(&ring->mutex));
	}
}

CASE(sem_as_a_lock_between_processes)
{
	struct ring *ring = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
				 0);
	CHECK(ring != MAP_FAILED);
	CHECK_OK(sem_init(&ring->mutex, 1, 1));
	pid_t pids[6];
	for (int i = 0; i < 6; i++)
		if ((pids[i] = check_fork()) == 0) {
			add_one_by_one(ring, 20000);
			_exit(0);
		}
	for (int i = 0; i < 6; i++)
		check_child(pids[i]);
	CHECK_EQ(ring->counter, 6 * 20000);
	CHECK_EQ(value_of(&ring->mutex), 1);
	CHECK_EQ(waiters_of(&ring->mutex), 0);
}

static void *add_in_thread(void *ring)
{
	add_one_by_one(ring, 20000);
	return NULL;
}

CASE(sem_as_a_lock_between_threads)
{
	static struct ring ring;
	CHECK_OK(sem_init(&ring.mutex, 0, 1));
	pthread_t threads[6];
	for (int i = 0; i < 6; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, add_in_thread, &ring), 0);
	for (int i = 0; i < 6; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	CHECK_EQ(ring.counter, 6 * 20000);
	CHECK_EQ(value_of(&ring.mutex), 1);
}

CASE(sem_bounds_how_many_are_inside)
{
	struct ring *ring = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
				 0);
	CHECK(ring != MAP_FAILED);
	CHECK_OK(sem_init(&ring->mutex, 1, 3));
	pid_t pids[8];
	for (int i = 0; i < 8; i++)
		if ((pids[i] = check_fork()) == 0) {
			for (int n = 0; n < 3000; n++) {
				CHECK_OK(sem_wait(&ring->mutex));
				CHECK(__atomic_add_fetch(&ring->inside, 1, __ATOMIC_SEQ_CST) <= 3);
				__atomic_sub_fetch(&ring->inside, 1, __ATOMIC_SEQ_CST);
				CHECK_OK(sem_post(&ring->mutex));
			}
			_exit(0);
		}
	for (int i = 0; i < 8; i++)
		check_child(pids[i]);
	CHECK_EQ(value_of(&ring->mutex), 3);
	CHECK_EQ(waiters_of(&ring->mutex), 0);
}

CASE(sem_killed_waiter_takes_no_post)
{
	sem_t *sem = shared_sem(0);
	pid_t pid = check_fork();
	if (pid == 0) {
		sem_wait(sem);
		_exit(1);
	}
	CHECK_SOON(waiters_of(sem) == 1 && asleep(pid, pid));
	CHECK_OK(kill(pid, SIGKILL));
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	struct waiter waiter;
	waiter_start(&waiter, sem, by_wait);
	CHECK_OK(sem_post(sem));
	waiter_join(&waiter);
	CHECK_EQ(waiter.result, 0);
	CHECK_OK(sem_post(sem));
	CHECK_EQ(value_of(sem), 1);
}
