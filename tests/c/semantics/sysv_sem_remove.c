/* IPC_RMID: at once, for all processes. */
#include "../support/sysv_sleepers.h"

CASE(semctl_removal_takes_the_set_away_at_once)
{
	int set = noted(semget(own_key(0), 2, IPC_CREAT | 0600));
	CHECK_EQ(semctl(set, 0, IPC_RMID), 0);
	CHECK_FAILS(SEMOP(set, { 0, 1, 0 }), EINVAL);
	CHECK_FAILS(semctl(set, 0, GETVAL), EINVAL);
	CHECK_FAILS(semctl(set, 0, IPC_RMID), EINVAL);
	CHECK_FAILS(semget(own_key(0), 2, 0600), ENOENT);
}

CASE(semctl_removal_is_seen_by_other_processes_at_once)
{
	int set = new_set(1);
	int *step = common_memory(sizeof *step);
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_OK(SEMOP(set, { 0, 1, 0 }));
		__atomic_store_n(step, 1, __ATOMIC_SEQ_CST);
		CHECK_SOON(__atomic_load_n(step, __ATOMIC_SEQ_CST) == 2);
		CHECK_FAILS(SEMOP(set, { 0, 1, 0 }), EINVAL);
		CHECK_FAILS(SEMOP(set, { 0, -1, IPC_NOWAIT }), EINVAL);
		CHECK_FAILS(semctl(set, 0, GETVAL), EINVAL);
		_exit(0);
	}
	CHECK_SOON(__atomic_load_n(step, __ATOMIC_SEQ_CST) == 1);
	remove_set(set);
	__atomic_store_n(step, 2, __ATOMIC_SEQ_CST);
	check_child(pid);
}

CASE(semctl_removal_wakes_takers_with_eidrm)
{
	int set = new_set(1);
	struct sleeper *thread = SLEEPS(set, { 0, -1, 0 }),
		       *process = PROCESS_SLEEPS(set, { 0, -1, 0 });
	remove_set(set);
	CHECK_EQ(end_of(thread), EIDRM);
	CHECK_EQ(end_of(process), EIDRM);
}

CASE(semctl_removal_wakes_zero_waiters_with_eidrm)
{
	int set = new_set_of_value(1);
	struct sleeper *thread = SLEEPS(set, { 0, 0, 0 }),
		       *process = PROCESS_SLEEPS(set, { 0, 0, 0 });
	remove_set(set);
	CHECK_EQ(end_of(thread), EIDRM);
	CHECK_EQ(end_of(process), EIDRM);
}

CASE(semctl_removal_wakes_sleeping_arrays_with_eidrm)
{
	int set = new_set(3);
	set_value(set, 2, 1);
	struct sleeper *one = SLEEPS(set, { 0, 1, 0 }, { 1, -1, 0 }),
		       *other = SLEEPS(set, { 0, -1, 0 }, { 2, 0, 0 }),
		       *third = PROCESS_SLEEPS(set, { 2, 0, SEM_UNDO }, { 1, -3, SEM_UNDO });
	remove_set(set);
	CHECK_EQ(end_of(one), EIDRM);
	CHECK_EQ(end_of(other), EIDRM);
	CHECK_EQ(end_of(third), EIDRM);
}

CASE(semctl_removal_wakes_fifty_sleepers)
{
	enum { MANY = 50 };
	struct sleeper *sleepers[MANY];
	int set = new_set(1);
	for (int i = 0; i < MANY; i++)
		sleepers[i] = i % 10 ? SLEEPS(set, { 0, -1, 0 })
				     : PROCESS_SLEEPS(set, { 0, -1, 0 });
	remove_set(set);
	for (int i = 0; i < MANY; i++)
		CHECK_EQ(end_of(sleepers[i]), EIDRM);
}

CASE(semctl_removal_by_a_process_that_has_not_made_the_set)
{
	int set = noted(semget(own_key(0), 1, IPC_CREAT | 0600));
	struct sleeper *sleeper = SLEEPS(set, { 0, -1, 0 });
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_OK(semctl(semget(own_key(0), 0, 0), 0, IPC_RMID));
		_exit(0);
	}
	check_child(pid);
	CHECK_EQ(end_of(sleeper), EIDRM);
}

CASE(semctl_removal_leaves_other_sets_alone)
{
	int set = new_set_of_value(3), other = new_set_of_value(4);
	struct sleeper *sleeper = SLEEPS(other, { 0, -5, 0 });
	remove_set(set);
	CHECK_EQ(value_of(other, 0), 4);
	CHECK(!is_done(sleeper));
	CHECK_OK(SEMOP(other, { 0, 1, 0 }));
	CHECK_EQ(end_of(sleeper), 0);
}

CASE(semctl_removal_leaves_calls_after_it_with_einval)
{
	int set = new_set(1);
	struct sleeper *sleeper = SLEEPS(set, { 0, -1, 0 });
	remove_set(set);
	CHECK_FAILS(SEMOP(set, { 0, -1, 0 }), EINVAL);
	CHECK_EQ(end_of(sleeper), EIDRM);
	CHECK_FAILS(SEMOP(set, { 0, -1, 0 }), EINVAL);
}

CASE(semctl_removal_forgets_undo)
{
	int set = noted(semget(own_key(0), 1, IPC_CREAT | 0600));
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_OK(SEMOP(set, { 0, 7, SEM_UNDO }));
		remove_set(set);
		int next = noted(semget(own_key(0), 1, IPC_CREAT | IPC_EXCL | 0600));
		CHECK_OK(SEMOP(next, { 0, 9, 0 }));
		_exit(0);
	}
	check_child(pid);
	CHECK_EQ(value_of(semget(own_key(0), 1, 0600), 0), 9);
}

CASE(semctl_set_has_one_remover)
{
	enum { REMOVERS = 6, SETS = 50 };
	int sets[SETS], *removed = common_memory(SETS * sizeof *removed);
	pid_t removers[REMOVERS];
	for (int i = 0; i < SETS; i++)
		sets[i] = new_set(1);
	for (int i = 0; i < REMOVERS; i++) {
		removers[i] = check_fork();
		if (removers[i] == 0) {
			for (int j = 0; j < SETS; j++) {
				int result = semctl(sets[j], 0, IPC_RMID);
				CHECK(result == 0 || errno == EINVAL || errno == EIDRM);
				if (result == 0)
					__atomic_fetch_add(&removed[j], 1, __ATOMIC_SEQ_CST);
			}
			_exit(0);
		}
	}
	for (int i = 0; i < REMOVERS; i++)
		check_child(removers[i]);
	for (int i = 0; i < SETS; i++)
		CHECK_EQ(removed[i], 1);
}

/* A process that uses a set while it is made and removed gets its values, or is told that it is
 * gone. */
CASE(semget_and_removal_race_with_users)
{
	enum { USERS = 3, TURNS = 300 };
	pid_t users[USERS];
	for (int i = 0; i < USERS; i++) {
		users[i] = check_fork();
		if (users[i] == 0) {
			for (int turn = 0; turn < TURNS; turn++) {
				int set = semget(own_key(0), 1, IPC_CREAT | 0600);
				if (set == -1) {
					CHECK(errno == EIDRM || errno == EINVAL);
					continue;
				}
				if (SEMOP(set, { 0, 1, 0 }, { 0, -1, 0 }) == -1)
					CHECK(errno == EINVAL || errno == EIDRM);
				if (turn % 3 == i && semctl(set, 0, IPC_RMID) == -1)
					CHECK(errno == EINVAL || errno == EIDRM);
			}
			_exit(0);
		}
	}
	for (int i = 0; i < USERS; i++)
		check_child(users[i]);
	int left = semget(own_key(0), 1, 0600);
	if (left != -1)
		remove_set(left);
	CHECK_FAILS(semget(own_key(0), 1, 0600), ENOENT);
}
