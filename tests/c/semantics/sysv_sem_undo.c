/* SEM_UNDO: what the end of a process gives back. */
#include "../support/sysv_holders.h"

static void gives_back_when_it(enum holder_end end)
{
	int set = new_set(2);
	set_value(set, 0, 3);
	struct holder *holder = HOLDER(set, { 0, -2, SEM_UNDO }, { 1, 5, SEM_UNDO });
	CHECK_VALUES(set, 1, 5);
	end_holder(holder, end);
	CHECK_VALUES(set, 3, 0);
}

CASE(semop_undo_at_exit)
{
	gives_back_when_it(EXITS);
}

CASE(semop_undo_at_underscore_exit)
{
	gives_back_when_it(EXITS_AT_ONCE);
}

CASE(semop_undo_at_the_system_call_exit_group)
{
	gives_back_when_it(EXITS_GROUP);
}

CASE(semop_undo_at_abort)
{
	gives_back_when_it(ABORTS);
}

CASE(semop_undo_at_a_crash)
{
	gives_back_when_it(CRASHES);
}

CASE(semop_undo_at_sigterm)
{
	gives_back_when_it(TERMINATED);
}

CASE(semop_undo_at_sigkill)
{
	gives_back_when_it(KILLED);
}

CASE(semop_without_the_flag_is_not_undone)
{
	int set = new_set_of_value(3);
	end_holder(HOLDER(set, { 0, -2, 0 }), EXITS);
	CHECK_EQ(value_of(set, 0), 1);
	end_holder(HOLDER(set, { 0, -1, 0 }), KILLED);
	CHECK_EQ(value_of(set, 0), 0);
}

CASE(semop_undo_counts_the_flagged_operations_alone)
{
	int set = new_set(2);
	set_value(set, 0, 10);
	end_holder(HOLDER(set, { 0, -1, SEM_UNDO }, { 0, -2, 0 }, { 1, 4, 0 }, { 1, 1, SEM_UNDO }),
		   KILLED);
	CHECK_VALUES(set, 8, 4);
}

CASE(semop_undo_of_lock_and_unlock_is_nothing)
{
	int set = new_set_of_value(1);
	struct holder *holder = HOLDER(set, { 0, -1, SEM_UNDO }, { 0, 1, SEM_UNDO });
	CHECK_OK(SEMOP(set, { 0, 5, 0 }));
	end_holder(holder, EXITS);
	CHECK_EQ(value_of(set, 0), 6);
}

CASE(semop_undo_of_a_lock_that_was_unlocked_without_the_flag_adds_once_more)
{
	int set = new_set_of_value(1);
	end_holder(HOLDER(set, { 0, -1, SEM_UNDO }, { 0, 1, 0 }), EXITS);
	CHECK_EQ(value_of(set, 0), 2);
}

CASE(semop_undo_sums_up_many_calls)
{
	int set = new_set_of_value(100);
	pid_t pid = check_fork();
	if (pid == 0) {
		for (int i = 0; i < 30; i++)
			CHECK_OK(SEMOP(set, { 0, -3, SEM_UNDO }));
		for (int i = 0; i < 20; i++)
			CHECK_OK(SEMOP(set, { 0, 2, SEM_UNDO }));
		_exit(0);
	}
	check_child(pid);
	CHECK_EQ(value_of(set, 0), 100);
}

CASE(semop_undo_is_applied_once)
{
	int set = new_set_of_value(5);
	for (int i = 0; i < 10; i++) {
		end_holder(HOLDER(set, { 0, -2, SEM_UNDO }), i % 2 ? KILLED : EXITS);
		CHECK_EQ(value_of(set, 0), 5);
	}
}

CASE(semop_undo_of_each_process_is_its_own)
{
	int set = new_set_of_value(10);
	struct holder *one = HOLDER(set, { 0, -1, SEM_UNDO }),
		      *two = HOLDER(set, { 0, -2, SEM_UNDO }),
		      *three = HOLDER(set, { 0, -3, SEM_UNDO });
	CHECK_EQ(value_of(set, 0), 4);
	end_holder(two, KILLED);
	CHECK_EQ(value_of(set, 0), 6);
	end_holder(three, EXITS);
	CHECK_EQ(value_of(set, 0), 9);
	end_holder(one, KILLED);
	CHECK_EQ(value_of(set, 0), 10);
}

CASE(semop_undo_of_a_wait_for_zero_is_nothing)
{
	int set = new_set(1);
	struct holder *holder = HOLDER(set, { 0, 0, SEM_UNDO });
	CHECK_OK(SEMOP(set, { 0, 2, 0 }));
	end_holder(holder, KILLED);
	CHECK_EQ(value_of(set, 0), 2);
	CHECK_EQ(last_pid_of(set, 0), getpid());
}

CASE(semop_undo_of_an_array_that_failed_is_nothing)
{
	int set = new_set(2);
	set_value(set, 0, 4);
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_FAILS(SEMOP(set, { 0, -1, SEM_UNDO }, { 1, -1, SEM_UNDO | IPC_NOWAIT }),
			    EAGAIN);
		CHECK_FAILS(SEMOP(set, { 0, -1, SEM_UNDO }, { 2, 1, SEM_UNDO }), EFBIG);
		CHECK_FAILS(SEMOP(set, { 0, -1, SEM_UNDO }, { 0, SEMVMX, SEM_UNDO }), ERANGE);
		_exit(0);
	}
	check_child(pid);
	CHECK_VALUES(set, 4, 0);
}

CASE(semop_undo_is_clamped_at_0)
{
	int set = new_set(1);
	struct holder *holder = HOLDER(set, { 0, 5, SEM_UNDO });
	CHECK_OK(SEMOP(set, { 0, -3, 0 }));
	end_holder(holder, KILLED);
	CHECK_EQ(value_of(set, 0), 0);
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_EQ(value_of(set, 0), 1);
}

CASE(semop_undo_is_clamped_at_32767)
{
	int set = new_set_of_value(10);
	struct holder *holder = HOLDER(set, { 0, -5, SEM_UNDO });
	CHECK_OK(SEMOP(set, { 0, SEMVMX - 7, 0 }));
	CHECK_EQ(value_of(set, 0), SEMVMX - 2);
	end_holder(holder, KILLED);
	CHECK_EQ(value_of(set, 0), SEMVMX);
}

CASE(semop_undo_of_several_members_is_clamped_one_by_one)
{
	int set = new_set(3);
	struct holder *holder = HOLDER(set, { 0, 5, SEM_UNDO }, { 1, 5, SEM_UNDO },
				       { 2, 5, SEM_UNDO });
	CHECK_OK(SEMOP(set, { 0, -5, 0 }, { 1, -2, 0 }));
	end_holder(holder, EXITS);
	CHECK_VALUES(set, 0, 0, 0);
	CHECK_OK(SEMOP(set, { 2, 1, 0 }));
}

CASE(semop_undo_beyond_what_can_be_remembered_is_erange)
{
	int set = new_set(1);
	/* The sum of what is to be taken away reaches 32768, and goes no further. */
	CHECK_OK(SEMOP(set, { 0, SEMVMX, SEM_UNDO }));
	CHECK_OK(SEMOP(set, { 0, -SEMVMX, 0 }));
	CHECK_OK(SEMOP(set, { 0, 1, SEM_UNDO }));
	CHECK_OK(SEMOP(set, { 0, -1, 0 }));
	CHECK_FAILS(SEMOP(set, { 0, 1, SEM_UNDO }), ERANGE);
	CHECK_EQ(value_of(set, 0), 0);
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_EQ(value_of(set, 0), 1);
}

CASE(semop_undo_of_what_is_to_be_given_back_ends_at_32767)
{
	int set = new_set_of_value(SEMVMX);
	CHECK_OK(SEMOP(set, { 0, -SEMVMX, SEM_UNDO }));
	CHECK_OK(SEMOP(set, { 0, 2, 0 }));
	CHECK_FAILS(SEMOP(set, { 0, -1, SEM_UNDO }), ERANGE);
	CHECK_EQ(value_of(set, 0), 2);
	CHECK_OK(SEMOP(set, { 0, 1, SEM_UNDO }));
	CHECK_OK(SEMOP(set, { 0, -1, SEM_UNDO }));
}

CASE(semop_undo_erange_comes_after_the_id)
{
	CHECK_FAILS(SEMOP(removed_set(), { 0, 1, SEM_UNDO }), EINVAL);
	CHECK_FAILS(SEMOP(-1, { 0, 1, SEM_UNDO }), EINVAL);
}

CASE(semctl_setval_clears_the_undo_of_its_member)
{
	int set = new_set(2);
	struct holder *one = HOLDER(set, { 0, 3, SEM_UNDO }, { 1, 3, SEM_UNDO }),
		      *other = HOLDER(set, { 0, 1, SEM_UNDO });
	set_value(set, 0, 9);
	end_holder(one, KILLED);
	end_holder(other, KILLED);
	CHECK_VALUES(set, 9, 0);
}

CASE(semctl_setval_of_the_same_value_clears_undo_as_well)
{
	int set = new_set(1);
	struct holder *holder = HOLDER(set, { 0, 3, SEM_UNDO });
	set_value(set, 0, 3);
	end_holder(holder, EXITS);
	CHECK_EQ(value_of(set, 0), 3);
}

CASE(semctl_setval_by_the_holder_clears_its_undo)
{
	int set = new_set(1);
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_OK(SEMOP(set, { 0, 3, SEM_UNDO }));
		set_value(set, 0, 6);
		CHECK_OK(SEMOP(set, { 0, -1, SEM_UNDO }));
		_exit(0);
	}
	check_child(pid);
	CHECK_EQ(value_of(set, 0), 6);
}

CASE(semctl_setall_clears_all_undo)
{
	unsigned short values[] = { 7, 8 };
	int set = new_set(2);
	struct holder *one = HOLDER(set, { 0, 3, SEM_UNDO }),
		      *other = HOLDER(set, { 1, 1, SEM_UNDO });
	CHECK_OK(semctl(set, 0, SETALL, (union semun){ .array = values }));
	end_holder(one, KILLED);
	end_holder(other, EXITS);
	CHECK_VALUES(set, 7, 8);
}

CASE(semctl_setval_that_fails_clears_nothing)
{
	int set = new_set(1);
	struct holder *holder = HOLDER(set, { 0, 3, SEM_UNDO });
	CHECK_FAILS(semctl(set, 0, SETVAL, -1), ERANGE);
	end_holder(holder, KILLED);
	CHECK_EQ(value_of(set, 0), 0);
}

CASE(semop_undo_starts_anew_after_setval)
{
	int set = new_set(1);
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_OK(SEMOP(set, { 0, SEMVMX, SEM_UNDO }));
		set_value(set, 0, 0);
		CHECK_OK(SEMOP(set, { 0, SEMVMX, SEM_UNDO }));
		_exit(0);
	}
	check_child(pid);
	CHECK_EQ(value_of(set, 0), 0);
}

CASE(semop_undo_notes_the_dead_process)
{
	int set = new_set(2);
	struct holder *holder = HOLDER(set, { 0, 2, SEM_UNDO }, { 1, 1, 0 });
	CHECK_OK(SEMOP(set, { 0, 1, 0 }, { 1, 1, 0 }));
	CHECK_EQ(last_pid_of(set, 0), getpid());
	end_holder(holder, KILLED);
	CHECK_EQ(last_pid_of(set, 0), holder->pid);
	CHECK_EQ(last_pid_of(set, 1), getpid());
}

CASE(semop_undo_of_nothing_leaves_the_last_pid)
{
	int set = new_set(1);
	struct holder *holder = HOLDER(set, { 0, 2, SEM_UNDO }, { 0, -2, SEM_UNDO });
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	end_holder(holder, KILLED);
	CHECK_EQ(last_pid_of(set, 0), getpid());
}

CASE(semop_undo_sets_otime)
{
	int set = new_set(1);
	struct holder *holder = HOLDER(set, { 0, 2, SEM_UNDO });
	struct semid_ds before = status_of(set);
	struct timespec now;
	do
		CHECK_OK(clock_gettime(CLOCK_REALTIME_COARSE, &now));
	while (now.tv_sec <= before.sem_otime &&
	       nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL) == 0);
	end_holder(holder, KILLED);
	struct semid_ds after = status_of(set);
	CHECK(after.sem_otime > before.sem_otime);
	CHECK_EQ(after.sem_ctime, before.sem_ctime);
}

CASE(semop_undo_of_500_members)
{
	struct sembuf ops[SEMOPM];
	int set = new_set(SEMOPM);
	for (int i = 0; i < SEMOPM; i++)
		ops[i] = (struct sembuf){ (unsigned short)i, (short)(i % 5 + 1), SEM_UNDO };
	struct holder *holder = holder_of(set, ops, SEMOPM);
	CHECK_EQ(value_of(set, 499), 5);
	end_holder(holder, KILLED);
	for (int i = 0; i < SEMOPM; i++)
		CHECK_EQ(value_of(set, i), 0);
}

CASE(semop_undo_of_members_that_were_named_in_another_order)
{
	enum { MANY = 100 };
	struct sembuf all[MANY], even[MANY / 2];
	int set = new_set(MANY);
	struct holder *holder = common_memory(sizeof *holder);
	for (int i = 0; i < MANY; i++)
		all[i] = (struct sembuf){ (unsigned short)i, 2, SEM_UNDO };
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_OK(semop(set, all, MANY));
		for (int i = 0; i < MANY / 2; i++)
			even[i] = (struct sembuf){ (unsigned short)(MANY - 2 - 2 * i), -2,
						   SEM_UNDO };
		CHECK_OK(semop(set, even, MANY / 2));
		for (int i = 0; i < MANY / 2; i++)
			even[i] = (struct sembuf){ (unsigned short)(2 * i), 1, SEM_UNDO };
		CHECK_OK(semop(set, even, MANY / 2));
		hold_until_told(holder);
	}
	await_holder(holder, pid);
	for (int i = 0; i < MANY; i++)
		CHECK_EQ(value_of(set, i), i % 2 ? 2 : 1);
	end_holder(holder, KILLED);
	for (int i = 0; i < MANY; i++)
		CHECK_EQ(value_of(set, i), 0);
}

CASE(semop_undo_in_40_sets)
{
	enum { SETS = 40 };
	int sets[SETS];
	struct holder *holder = common_memory(sizeof *holder);
	for (int i = 0; i < SETS; i++)
		sets[i] = new_set_of_value(i);
	pid_t pid = check_fork();
	if (pid == 0) {
		for (int i = 1; i < SETS; i++)
			CHECK_OK(SEMOP(sets[i], { 0, -1, SEM_UNDO }));
		hold_until_told(holder);
	}
	holder->pid = pid;
	await_ready(holder);
	for (int i = 1; i < SETS; i++)
		CHECK_EQ(value_of(sets[i], 0), i - 1);
	end_holder(holder, KILLED);
	for (int i = 0; i < SETS; i++)
		CHECK_EQ(value_of(sets[i], 0), i);
}
