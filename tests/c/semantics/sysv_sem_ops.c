/* semop: an array happens whole or not at all, in its order, against running values. */
#include "../support/sysv_sem.h"

CASE(semop_adds_and_takes)
{
	int set = new_set(1);
	CHECK_EQ(SEMOP(set, { 0, 3, 0 }), 0);
	CHECK_EQ(value_of(set, 0), 3);
	CHECK_EQ(SEMOP(set, { 0, -2, 0 }), 0);
	CHECK_EQ(value_of(set, 0), 1);
	CHECK_EQ(SEMOP(set, { 0, -1, 0 }), 0);
	CHECK_EQ(value_of(set, 0), 0);
}

CASE(semop_takes_all_or_nothing_of_one_member)
{
	int set = new_set_of_value(2);
	CHECK_FAILS(SEMOP(set, { 0, -3, IPC_NOWAIT }), EAGAIN);
	CHECK_EQ(value_of(set, 0), 2);
	CHECK_OK(SEMOP(set, { 0, -2, IPC_NOWAIT }));
	CHECK_EQ(value_of(set, 0), 0);
}

CASE(semop_wait_for_zero_passes_at_zero)
{
	int set = new_set(1);
	CHECK_OK(SEMOP(set, { 0, 0, 0 }));
	CHECK_OK(SEMOP(set, { 0, 0, IPC_NOWAIT }));
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_FAILS(SEMOP(set, { 0, 0, IPC_NOWAIT }), EAGAIN);
	CHECK_EQ(value_of(set, 0), 1);
}

CASE(semop_members_are_apart)
{
	int set = new_set(4);
	CHECK_OK(SEMOP(set, { 2, 5, 0 }));
	CHECK_VALUES(set, 0, 0, 5, 0);
	CHECK_FAILS(SEMOP(set, { 1, -1, IPC_NOWAIT }), EAGAIN);
	CHECK_OK(SEMOP(set, { 2, -5, IPC_NOWAIT }, { 3, 1, 0 }));
	CHECK_VALUES(set, 0, 0, 0, 1);
}

CASE(semop_array_that_fails_at_its_end_changes_nothing)
{
	int set = new_set(3);
	CHECK_OK(SEMOP(set, { 0, 1, 0 }, { 1, 2, 0 }));
	CHECK_FAILS(SEMOP(set, { 0, -1, 0 }, { 1, 5, 0 }, { 2, -1, IPC_NOWAIT }), EAGAIN);
	CHECK_VALUES(set, 1, 2, 0);
}

CASE(semop_array_that_fails_at_its_beginning_changes_nothing)
{
	int set = new_set(3);
	CHECK_FAILS(SEMOP(set, { 2, -1, IPC_NOWAIT }, { 0, 1, 0 }, { 1, 1, 0 }), EAGAIN);
	CHECK_VALUES(set, 0, 0, 0);
}

CASE(semop_array_uses_what_it_has_just_added)
{
	int set = new_set(1);
	CHECK_OK(SEMOP(set, { 0, 1, 0 }, { 0, -1, IPC_NOWAIT }));
	CHECK_EQ(value_of(set, 0), 0);
	CHECK_OK(SEMOP(set, { 0, 3, 0 }, { 0, -2, IPC_NOWAIT }));
	CHECK_EQ(value_of(set, 0), 1);
}

CASE(semop_array_does_not_use_what_it_will_add)
{
	int set = new_set(1);
	CHECK_FAILS(SEMOP(set, { 0, -1, IPC_NOWAIT }, { 0, 1, 0 }), EAGAIN);
	CHECK_EQ(value_of(set, 0), 0);
}

CASE(semop_array_waits_for_zero_and_adds)
{
	int set = new_set(1);
	CHECK_OK(SEMOP(set, { 0, 0, IPC_NOWAIT }, { 0, 1, 0 }));
	CHECK_FAILS(SEMOP(set, { 0, 0, IPC_NOWAIT }, { 0, 1, 0 }), EAGAIN);
	CHECK_EQ(value_of(set, 0), 1);
}

CASE(semop_array_waits_for_a_zero_that_it_makes_itself)
{
	int set = new_set_of_value(2);
	CHECK_OK(SEMOP(set, { 0, -2, 0 }, { 0, 0, IPC_NOWAIT }, { 0, 2, 0 }));
	CHECK_EQ(value_of(set, 0), 2);
	CHECK_FAILS(SEMOP(set, { 0, -1, 0 }, { 0, 0, IPC_NOWAIT }, { 0, 2, 0 }), EAGAIN);
	CHECK_EQ(value_of(set, 0), 2);
}

CASE(semop_array_names_a_member_often)
{
	int set = new_set(2);
	CHECK_OK(SEMOP(set, { 0, 1, 0 }, { 1, 1, 0 }, { 0, 1, 0 }, { 1, 1, 0 }, { 0, 1, 0 },
		       { 0, -2, 0 }));
	CHECK_VALUES(set, 1, 2);
}

CASE(semop_array_of_500_operations)
{
	struct sembuf ops[SEMOPM];
	int set = new_set(SEMOPM);
	for (int i = 0; i < SEMOPM; i++)
		ops[i] = (struct sembuf){ (unsigned short)i, (short)(i % 7), 0 };
	CHECK_OK(semop(set, ops, SEMOPM));
	for (int i = 0; i < SEMOPM; i++)
		CHECK_EQ(value_of(set, i), i % 7);
	ops[SEMOPM - 1] = (struct sembuf){ 0, -1, IPC_NOWAIT };
	CHECK_FAILS(semop(set, ops, SEMOPM), EAGAIN);
	for (int i = 0; i < SEMOPM; i++)
		CHECK_EQ(value_of(set, i), i % 7);
}

CASE(semop_array_of_500_operations_on_one_member)
{
	struct sembuf ops[SEMOPM];
	int set = new_set(1);
	for (int i = 0; i < SEMOPM; i++)
		ops[i] = (struct sembuf){ 0, i % 2 ? -1 : 2, 0 };
	CHECK_OK(semop(set, ops, SEMOPM));
	CHECK_EQ(value_of(set, 0), SEMOPM / 2);
}

CASE(semop_array_is_not_written_to)
{
	int set = new_set_of_value(5);
	struct sembuf ops[] = { { 0, -2, IPC_NOWAIT }, { 0, 1, SEM_UNDO } }, copy[2];
	memcpy(copy, ops, sizeof ops);
	CHECK_OK(semop(set, ops, 2));
	CHECK(memcmp(copy, ops, sizeof ops) == 0);
}

CASE(semop_takes_operations_from_memory_that_cannot_be_written)
{
	static const struct sembuf ops[] = { { 0, 2, 0 }, { 0, -1, IPC_NOWAIT } };
	int set = new_set(1);
	CHECK_OK(semop(set, (struct sembuf *)ops, 2));
	CHECK_EQ(value_of(set, 0), 1);
}

CASE(semop_reads_operations_at_an_odd_address)
{
	char memory[2 * sizeof(struct sembuf) + 1];
	struct sembuf ops[] = { { 0, 4, 0 }, { 1, 2, 0 } };
	int set = new_set(2);
	memcpy(memory + 1, ops, sizeof ops);
	struct sembuf *odd;
	char *at = memory + 1;
	memcpy(&odd, &at, sizeof odd);
	CHECK_OK(semop(set, odd, 2));
	CHECK_VALUES(set, 4, 2);
}

CASE(semop_unknown_flags_are_ignored)
{
	int set = new_set(1);
	CHECK_OK(SEMOP(set, { 0, 1, 0x2000 }));
	CHECK_OK(SEMOP(set, { 0, -1, 1 }));
	CHECK_FAILS(SEMOP(set, { 0, -1, 0x2000 | IPC_NOWAIT }), EAGAIN);
}

CASE(semop_nowait_on_another_operation_does_not_count)
{
	/* The third operation cannot proceed, and has the flag. */
	int set = new_set(3);
	CHECK_FAILS(SEMOP(set, { 0, 1, 0 }, { 1, 0, 0 }, { 2, -1, IPC_NOWAIT }), EAGAIN);
	/* Here the second one cannot, and has it not: the time decides. */
	struct timespec soon = { .tv_nsec = 20000000 };
	CHECK_FAILS(SEMTIMEDOP(set, &soon, { 0, 1, IPC_NOWAIT }, { 1, -1, 0 },
			       { 2, 1, IPC_NOWAIT }),
		    EAGAIN);
	CHECK_VALUES(set, 0, 0, 0);
}

CASE(semop_array_reaches_the_largest_value)
{
	int set = new_set(1);
	CHECK_OK(SEMOP(set, { 0, SEMVMX, 0 }));
	CHECK_EQ(value_of(set, 0), SEMVMX);
	CHECK_OK(SEMOP(set, { 0, -SEMVMX, IPC_NOWAIT }));
	CHECK_EQ(value_of(set, 0), 0);
}

CASE(semop_takes_32767_at_once_and_32768_never)
{
	int set = new_set_of_value(SEMVMX);
	CHECK_FAILS(SEMOP(set, { 0, -32768, IPC_NOWAIT }), EAGAIN);
	CHECK_EQ(value_of(set, 0), SEMVMX);
}

CASE(semop_works_over_fork_in_both_directions)
{
	int set = new_set(2);
	pid_t pid = check_fork();
	if (pid == 0) {
		for (int i = 0; i < 1000; i++) {
			CHECK_OK(SEMOP(set, { 0, -1, 0 }));
			CHECK_OK(SEMOP(set, { 1, 1, 0 }));
		}
		_exit(0);
	}
	for (int i = 0; i < 1000; i++) {
		CHECK_OK(SEMOP(set, { 0, 1, 0 }));
		CHECK_OK(SEMOP(set, { 1, -1, 0 }));
	}
	check_child(pid);
	CHECK_VALUES(set, 0, 0);
}

enum { PHILOSOPHERS = 5, MEALS = 200 };

static void eat(int set, int seat, int *forks)
{
	unsigned short left = (unsigned short)seat,
		       right = (unsigned short)((seat + 1) % PHILOSOPHERS);
	for (int i = 0; i < MEALS; i++) {
		CHECK_OK(SEMOP(set, { left, -1, 0 }, { right, -1, 0 }));
		CHECK_EQ(__atomic_add_fetch(&forks[left], 1, __ATOMIC_SEQ_CST), 1);
		CHECK_EQ(__atomic_add_fetch(&forks[right], 1, __ATOMIC_SEQ_CST), 1);
		__atomic_sub_fetch(&forks[left], 1, __ATOMIC_SEQ_CST);
		__atomic_sub_fetch(&forks[right], 1, __ATOMIC_SEQ_CST);
		CHECK_OK(SEMOP(set, { left, 1, 0 }, { right, 1, 0 }));
	}
}

CASE(semop_philosophers_eat_with_two_forks_at_once)
{
	int set = new_set(PHILOSOPHERS), *forks = common_memory(PHILOSOPHERS * sizeof *forks);
	pid_t pids[PHILOSOPHERS];
	for (int i = 0; i < PHILOSOPHERS; i++)
		set_value(set, i, 1);
	for (int i = 0; i < PHILOSOPHERS; i++) {
		pids[i] = check_fork();
		if (pids[i] == 0) {
			eat(set, i, forks);
			_exit(0);
		}
	}
	for (int i = 0; i < PHILOSOPHERS; i++)
		check_child(pids[i]);
	CHECK_VALUES(set, 1, 1, 1, 1, 1);
}
