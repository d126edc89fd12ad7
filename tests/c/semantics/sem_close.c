/* How often a name is open, when its mapping goes, and what sem_unlink leaves alone. */
#include "../support/sem.h"

/* Whether the page of this address is mapped. */
static int mapped(void *address)
{
	unsigned char resident;
	void *page = (void *)((uintptr_t)address & ~(uintptr_t)4095);
	return mincore(page, 1, &resident) == 0;
}

CASE(sem_open_twice_gives_one_address)
{
	const char *name = check_name("twice");
	sem_t *sem = open_new(name, 1);
	CHECK(sem_open(name, 0) == sem);
	CHECK(sem_open(name, O_CREAT, 0600, 1) == sem);
}

CASE(sem_close_counts_the_opens)
{
	const char *name = check_name("count");
	sem_t *sem = open_new(name, 1);
	for (int i = 0; i < 9; i++)
		CHECK(sem_open(name, 0) == sem);
	for (int i = 0; i < 10; i++) {
		CHECK(mapped(sem));
		CHECK_EQ(value_of(sem), 1);
		CHECK_OK(sem_close(sem));
	}
	CHECK(!mapped(sem));
	CHECK_FAILS(sem_close(sem), EINVAL);
}

CASE(sem_open_that_fails_counts_nothing)
{
	const char *name = check_name("count");
	sem_t *sem = open_new(name, 1);
	CHECK_FAILS_AS(sem_open(name, O_CREAT | O_EXCL, 0600, 1), SEM_FAILED, EEXIST);
	CHECK_OK(sem_close(sem));
	CHECK_FAILS(sem_close(sem), EINVAL);
}

CASE(sem_close_of_what_is_not_open_is_einval)
{
	static sem_t unnamed, shared;
	CHECK_OK(sem_init(&unnamed, 0, 1));
	CHECK_OK(sem_init(&shared, 1, 1));
	CHECK_FAILS(sem_close(&unnamed), EINVAL);
	CHECK_FAILS(sem_close(&shared), EINVAL);
	sem_t *volatile nothing = NULL;
	CHECK_FAILS(sem_close(nothing), EINVAL);
	sem_t *sem = open_new(check_name("one"), 1);
	CHECK_FAILS(sem_close((sem_t *)(void *)((char *)sem + 8)), EINVAL);
	CHECK_EQ(value_of(&unnamed), 1);
}

CASE(sem_close_keeps_the_name)
{
	const char *name = check_name("keep");
	sem_t *sem = open_new(name, 1);
	CHECK_OK(sem_post(sem));
	CHECK_OK(sem_close(sem));
	sem = sem_open(name, 0);
	CHECK(sem != SEM_FAILED);
	CHECK_EQ(value_of(sem), 2);
}

CASE(sem_unlink_leaves_processes_that_have_it_open)
{
	const char *name = check_name("unlinked");
	sem_t *sem = open_new(name, 0);
	struct waiter waiter;
	waiter_start(&waiter, sem, by_wait);
	CHECK_OK(sem_unlink(name));
	CHECK_FAILS(sem_unlink(name), ENOENT);
	CHECK_FAILS_AS(sem_open(name, 0), SEM_FAILED, ENOENT);
	CHECK_OK(sem_post(sem));
	waiter_join(&waiter);
	CHECK_EQ(waiter.result, 0);
	CHECK_OK(sem_close(sem));
	CHECK_FAILS(sem_close(sem), EINVAL);
}

CASE(sem_created_again_is_another_one)
{
	const char *name = check_name("again");
	sem_t *old = open_new(name, 1);
	CHECK_OK(sem_unlink(name));
	sem_t *new = open_new(name, 10);
	CHECK(new != old);
	CHECK_OK(sem_post(new));
	CHECK_EQ(value_of(old), 1);
	CHECK_EQ(value_of(new), 11);
	CHECK(sem_open(name, 0) == new);
	CHECK_OK(sem_close(old));
	CHECK_FAILS(sem_close(old), EINVAL);
	CHECK_OK(sem_close(new));
	CHECK_OK(sem_close(new));
	CHECK_FAILS(sem_close(new), EINVAL);
}

CASE(sem_created_again_by_another_process_is_another_one)
{
	const char *name = check_name("again");
	sem_t *old = open_new(name, 1);
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_OK(sem_unlink(name));
		open_new(name, 10);
		_exit(0);
	}
	check_child(pid);
	sem_t *new = sem_open(name, 0);
	CHECK(new != SEM_FAILED);
	CHECK(new != old);
	CHECK_EQ(value_of(old), 1);
	CHECK_EQ(value_of(new), 10);
}

CASE(sem_renamed_file_is_the_same_semaphore)
{
	/* Identity is the file, not the name: a second name for it may not split the count
	 * in two. */
	const char *name = check_name("first");
	const char *second = check_name("second");
	sem_t *sem = open_new(name, 1);
	char path[400];
	strcpy(path, sem_path(name));
	CHECK_OK(link(path, sem_path(second)));
	sem_t *other = sem_open(second, 0);
	CHECK(other != SEM_FAILED);
	CHECK_OK(sem_post(other));
	CHECK_EQ(value_of(sem), 2);
}

static const char *opened_by_all;

static void *opens_and_closes(void *arg)
{
	sem_t *expected = arg;
	for (int i = 0; i < 2000; i++) {
		sem_t *sem = sem_open(opened_by_all, i & 1 ? O_CREAT : 0, 0600, 9);
		CHECK(sem == expected);
		CHECK_OK(sem_post(sem));
		CHECK_OK(sem_close(sem));
	}
	return NULL;
}

CASE(sem_open_and_close_in_many_threads)
{
	opened_by_all = check_name("threads");
	sem_t *sem = open_new(opened_by_all, 0);
	pthread_t threads[4];
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, opens_and_closes, sem), 0);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	CHECK_EQ(value_of(sem), 4 * 2000);
	CHECK_OK(sem_close(sem));
	CHECK_FAILS(sem_close(sem), EINVAL);
}

static void *opens_once(void *arg)
{
	pthread_barrier_wait(arg);
	return sem_open(opened_by_all, O_CREAT, 0600, 3);
}

CASE(sem_open_at_the_same_time_gives_all_threads_one_address)
{
	for (int round = 0; round < 200; round++) {
		char name[100];
		static const char *base;
		if (!base)
			base = check_name("rounds");
		snprintf(name, sizeof name, "%s%d", base, round);
		opened_by_all = name;
		pthread_barrier_t barrier;
		CHECK_EQ(pthread_barrier_init(&barrier, NULL, 4), 0);
		pthread_t threads[4];
		for (int i = 0; i < 4; i++)
			CHECK_EQ(pthread_create(&threads[i], NULL, opens_once, &barrier), 0);
		void *sems[4];
		for (int i = 0; i < 4; i++)
			CHECK_EQ(pthread_join(threads[i], &sems[i]), 0);
		CHECK_OK(sem_unlink(name));
		CHECK(sems[0] != SEM_FAILED);
		for (int i = 0; i < 4; i++) {
			CHECK(sems[i] == sems[0]);
			CHECK_OK(sem_close(sems[i]));
		}
		CHECK_FAILS(sem_close(sems[0]), EINVAL);
	}
}
