/* fork in the middle of the work of other threads: the child can go on with every set. */
#include "../support/sysv_sleepers.h"

enum { WORKERS = 3, FORKS = 40 };

static int the_set, stop;

static void *works(void *unused)
{
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		CHECK_OK(SEMOP(the_set, { 0, 1, SEM_UNDO }, { 1, 1, 0 }));
		CHECK_OK(SEMOP(the_set, { 0, -1, SEM_UNDO }, { 1, -1, 0 }));
		int other = semget(IPC_PRIVATE, 1, 0600);
		CHECK_OK(other);
		CHECK_OK(semctl(other, 0, IPC_RMID));
	}
	return unused;
}

static void child_works(void)
{
	CHECK_OK(SEMOP(the_set, { 0, 1, SEM_UNDO }, { 1, 1, 0 }));
	CHECK_OK(SEMOP(the_set, { 0, -1, SEM_UNDO }, { 1, -1, 0 }));
	int set = noted(semget(own_key(0), 1, IPC_CREAT | 0600));
	CHECK_OK(SEMOP(set, { 0, 1, SEM_UNDO }));
	struct sleeper *sleeper = SLEEPS(set, { 0, -2, 0 });
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_EQ(end_of(sleeper), 0);
	remove_set(set);
}

CASE(semop_works_in_a_child_forked_while_others_are_inside_it)
{
	pthread_t workers[WORKERS];
	the_set = new_set(2);
	for (int i = 0; i < WORKERS; i++)
		CHECK_EQ(pthread_create(&workers[i], NULL, works, NULL), 0);
	for (int i = 0; i < FORKS; i++) {
		pid_t pid = check_fork();
		if (pid == 0) {
			child_works();
			_exit(0);
		}
		check_child(pid);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < WORKERS; i++)
		CHECK_EQ(pthread_join(workers[i], NULL), 0);
	CHECK_VALUES(the_set, 0, 0);
	CHECK_EQ(asleep_in(the_set), 0);
}

CASE(semop_sleepers_do_not_sleep_in_the_child_as_well)
{
	int set = new_set(1);
	struct sleeper *sleepers[] = { SLEEPS(set, { 0, -1, 0 }), SLEEPS(set, { 0, -1, 0 }) };
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_EQ(takers_of(set, 0), 2);
		_exit(0);
	}
	check_child(pid);
	CHECK_EQ(takers_of(set, 0), 2);
	CHECK_OK(SEMOP(set, { 0, 3, 0 }));
	CHECK_EQ(end_of(sleepers[0]), 0);
	CHECK_EQ(end_of(sleepers[1]), 0);
	CHECK_EQ(value_of(set, 0), 1);
}

CASE(semop_child_serves_the_threads_of_its_parent)
{
	int set = new_set(1);
	struct sleeper *sleeper = SLEEPS(set, { 0, -1, SEM_UNDO });
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_OK(SEMOP(set, { 0, 1, 0 }));
		_exit(0);
	}
	check_child(pid);
	CHECK_EQ(end_of(sleeper), 0);
	CHECK_EQ(value_of(set, 0), 0);
	CHECK_EQ(last_pid_of(set, 0), getpid());
}

CASE(semop_parent_and_child_sleep_in_one_set)
{
	int set = new_set(1);
	struct sleeper *thread = SLEEPS(set, { 0, -1, 0 }),
		       *child = PROCESS_SLEEPS(set, { 0, -1, 0 });
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_EQ(end_of(thread), 0);
	CHECK(!is_done(child));
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_EQ(end_of(child), 0);
}

/* Posts, then has a child do the same, `left` generations deep; each with an undo of its own. */
static void generations(int set, int left)
{
	CHECK_OK(SEMOP(set, { 0, 1, SEM_UNDO }, { 1, 1, 0 }));
	if (left > 1) {
		pid_t pid = check_fork();
		if (pid == 0) {
			generations(set, left - 1);
			_exit(0);
		}
		check_child(pid);
	}
}

CASE(semop_passes_down_the_generations)
{
	int set = new_set(2);
	generations(set, 8);
	CHECK_VALUES(set, 1, 8);
}

static void *forks_at_once(void *unused)
{
	for (int i = 0; i < 5; i++) {
		pid_t pid = check_fork();
		if (pid == 0) {
			CHECK_OK(SEMOP(the_set, { 0, 1, SEM_UNDO }));
			_exit(0);
		}
		check_child(pid);
	}
	return unused;
}

CASE(semop_undo_works_in_children_of_several_threads)
{
	pthread_t threads[4];
	the_set = new_set(1);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, forks_at_once, NULL), 0);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	CHECK_EQ(value_of(the_set, 0), 0);
}
