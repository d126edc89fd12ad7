/* Processes of several PID namespaces share a semaphore: their numbers are equal and
 * mean nothing. */
#include "../support/namespace.h"
#include "../support/sem.h"

static pid_t start_waiter(sem_t *sem, int (*wait_for)(sem_t *))
{
	unsigned before = waiters_of(sem);
	pid_t child = namespace_fork();
	if (child == 0) {
		CHECK_OK(wait_for(sem));
		_exit(0);
	}
	CHECK_SOON(waiters_of(sem) == before + 1);
	CHECK_SOON(asleep(child, child));
	return child;
}

CASE(sem_waiters_of_three_namespaces_get_a_post_each)
{
	int (*const ways[])(sem_t *) = { by_wait, by_timedwait, by_clockwait };
	pid_t children[3];
	need_namespaces();
	sem_t *sem = shared_sem(0);
	for (int i = 0; i < 3; i++)
		children[i] = start_waiter(sem, ways[i]);
	for (int i = 0; i < 3; i++)
		CHECK_OK(sem_post(sem));
	for (int i = 0; i < 3; i++)
		check_child(children[i]);
	CHECK_EQ(value_of(sem), 0);
	CHECK_EQ(waiters_of(sem), 0);
}

CASE(sem_waiter_killed_in_another_namespace_takes_no_post)
{
	need_namespaces();
	sem_t *sem = shared_sem(0);
	pid_t first = start_waiter(sem, by_wait), second = start_waiter(sem, by_wait);
	CHECK_OK(kill(first, SIGKILL));
	CHECK_EQ(waitpid(first, NULL, 0), first);
	CHECK_OK(sem_post(sem));
	check_child(second);
	CHECK_EQ(value_of(sem), 0);
	CHECK_OK(sem_post(sem));
	CHECK_OK(sem_wait(sem));
}

CASE(sem_post_by_process_1_wakes_process_1_of_another_namespace)
{
	need_namespaces();
	sem_t *sem = shared_sem(0);
	pid_t waiter = start_waiter(sem, by_wait);
	pid_t poster = namespace_fork();
	if (poster == 0) {
		CHECK_OK(sem_post(sem));
		_exit(0);
	}
	check_child(poster);
	check_child(waiter);
}

CASE(sem_named_one_is_shared_by_two_namespaces)
{
	need_namespaces();
	const char *name = check_name("shared");
	CHECK_OK(sem_close(open_new(name, 0)));
	enum { ROUNDS = 2000 };
	pid_t children[2];
	for (int i = 0; i < 2; i++) {
		children[i] = namespace_fork();
		if (children[i] > 0)
			continue;
		sem_t *sem = sem_open(name, 0);
		CHECK(sem != SEM_FAILED);
		for (int round = 0; round < ROUNDS; round++)
			CHECK_OK(i == 0 ? sem_post(sem) : sem_wait(sem));
		_exit(0);
	}
	check_child(children[0]);
	check_child(children[1]);
	sem_t *sem = sem_open(name, 0);
	CHECK(sem != SEM_FAILED);
	CHECK_EQ(value_of(sem), 0);
	CHECK_EQ(waiters_of(sem), 0);
}

static pid_t child_of_process_1(sem_t *sem)
{
	pid_t parent = namespace_fork();
	if (parent == 0) {
		sem_t *opened = sem_open(check_names->name[0], 0);
		CHECK(opened != SEM_FAILED);
		CHECK_OK(sem_post(opened));
		CHECK_OK(sem_wait(opened));
		pid_t child = namespace_fork();
		if (child == 0) {
			CHECK_OK(sem_close(opened));
			CHECK_OK(sem_close(opened));
			CHECK_FAILS(sem_close(opened), EINVAL);
			CHECK_OK(sem_wait(sem));
			_exit(0);
		}
		check_child(child);
		CHECK_OK(sem_post(opened));
		CHECK_OK(sem_close(opened));
		_exit(0);
	}
	return parent;
}

CASE(sem_works_in_process_1_whose_parent_is_process_1)
{
	need_namespaces();
	sem_t *named = open_new(check_name("both"), 0), *sem = shared_sem(0);
	pid_t parent = child_of_process_1(sem);
	CHECK_SOON(waiters_of(sem) == 1);
	CHECK_OK(sem_post(sem));
	check_child(parent);
	CHECK_EQ(value_of(named), 1);
}
