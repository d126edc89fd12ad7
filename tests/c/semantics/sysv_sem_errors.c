/* What semop refuses, and which error comes first. */
#include "../support/sysv_sem.h"

#include <stdint.h>

static const struct timespec bad_time = { 0, 1000000000 };

CASE(semop_of_no_operations_is_einval)
{
	struct sembuf op = { 0, 1, 0 };
	CHECK_FAILS(semop(new_set(1), &op, 0), EINVAL);
	CHECK_FAILS(semop(new_set(1), NULL, 0), EINVAL);
	CHECK_FAILS(semop(-1, &op, 0), EINVAL);
}

CASE(semop_of_501_operations_is_e2big)
{
	struct sembuf ops[SEMOPM + 1] = { { 0, 0, 0 } };
	int set = new_set(1);
	CHECK_FAILS(semop(set, ops, SEMOPM + 1), E2BIG);
	CHECK_FAILS(semop(set, ops, SIZE_MAX), E2BIG);
	CHECK_OK(semop(set, ops, SEMOPM));
}

/* The system call has 32 bits for it. */
CASE(semop_counts_operations_in_32_bits)
{
	struct sembuf add = { 0, 1, 0 };
	int set = new_set(1);
	CHECK_FAILS(semop(set, &add, (size_t)1 << 32), EINVAL);
	CHECK_OK(semop(set, &add, ((size_t)1 << 32) + 1));
	CHECK_EQ(semctl(set, 0, GETVAL), 1);
}

CASE(semop_e2big_comes_before_the_id_and_the_memory)
{
	struct sembuf op = { 0, 1, 0 };
	CHECK_FAILS(semop(-1, &op, SEMOPM + 1), E2BIG);
	CHECK_FAILS(semop(removed_set(), &op, SEMOPM + 1), E2BIG);
	CHECK_FAILS(semop(-1, NULL, SEMOPM + 1), E2BIG);
	CHECK_FAILS(semtimedop(-1, NULL, SEMOPM + 1, &bad_time), E2BIG);
}

CASE(semop_of_memory_that_cannot_be_read_is_efault)
{
	int set = new_set(1);
	CHECK_FAILS(semop(set, NULL, 1), EFAULT);
	CHECK_FAILS(semop(set, no_memory(), 1), EFAULT);
	CHECK_FAILS(semop(set, (struct sembuf *)~(size_t)4095, 1), EFAULT);
	CHECK_EQ(value_of(set, 0), 0);
}

CASE(semop_of_memory_that_ends_too_early_is_efault)
{
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(pages != MAP_FAILED);
	CHECK_OK(mprotect(pages + 4096, 4096, PROT_NONE));
	struct sembuf *ops = (struct sembuf *)(void *)(pages + 4096) - 2;
	ops[0] = ops[1] = (struct sembuf){ 0, 1, 0 };
	int set = new_set(1);
	CHECK_FAILS(semop(set, ops, 3), EFAULT);
	CHECK_EQ(value_of(set, 0), 0);
	CHECK_OK(semop(set, ops, 2));
	CHECK_EQ(value_of(set, 0), 2);
}

CASE(semop_efault_comes_before_the_id)
{
	CHECK_FAILS(semop(-1, no_memory(), 1), EFAULT);
	CHECK_FAILS(semop(removed_set(), no_memory(), 1), EFAULT);
	CHECK_FAILS(semtimedop(removed_set(), no_memory(), 1, &bad_time), EFAULT);
}

CASE(semop_of_a_negative_id_is_einval)
{
	CHECK_FAILS(SEMOP(-1, { 0, 1, 0 }), EINVAL);
	CHECK_FAILS(SEMOP(INT_MIN, { 0, 1, 0 }), EINVAL);
	CHECK_FAILS(SEMOP(-1, { 0xffff, 1, 0 }), EINVAL);
}

CASE(semop_of_an_unknown_id_is_einval)
{
	CHECK_FAILS(SEMOP(removed_set(), { 0, 1, 0 }), EINVAL);
	CHECK_FAILS(SEMOP(removed_set(), { 7, 1, 0 }), EINVAL);
	CHECK_FAILS(SEMOP(INT_MAX, { 0, 1, 0 }), EINVAL);
}

CASE(semop_of_a_member_that_is_not_there_is_efbig)
{
	int set = new_set(3);
	CHECK_FAILS(SEMOP(set, { 3, 1, 0 }), EFBIG);
	CHECK_FAILS(SEMOP(set, { 0xffff, 1, 0 }), EFBIG);
	CHECK_FAILS(SEMOP(set, { 3, 0, 0 }), EFBIG);
	CHECK_FAILS(SEMOP(set, { 3, 0, IPC_NOWAIT }), EFBIG);
	CHECK_OK(SEMOP(set, { 2, 1, 0 }));
}

CASE(semop_efbig_anywhere_in_the_array_changes_nothing)
{
	int set = new_set(3);
	CHECK_FAILS(SEMOP(set, { 0, 1, 0 }, { 1, 1, 0 }, { 3, 1, 0 }), EFBIG);
	CHECK_VALUES(set, 0, 0, 0);
}

CASE(semop_efbig_comes_before_what_cannot_proceed)
{
	int set = new_set(1);
	CHECK_FAILS(SEMOP(set, { 0, -1, IPC_NOWAIT }, { 1, 1, 0 }), EFBIG);
	CHECK_FAILS(SEMOP(set, { 0, -1, 0 }, { 1, 1, 0 }), EFBIG);
	CHECK_OK(SEMOP(set, { 0, SEMVMX, 0 }));
	CHECK_FAILS(SEMOP(set, { 0, 1, 0 }, { 1, 1, 0 }), EFBIG);
}

CASE(semop_above_the_largest_value_is_erange)
{
	int set = new_set_of_value(SEMVMX);
	CHECK_FAILS(SEMOP(set, { 0, 1, 0 }), ERANGE);
	CHECK_FAILS(SEMOP(set, { 0, SEMVMX, 0 }), ERANGE);
	CHECK_FAILS(SEMOP(set, { 0, 1, IPC_NOWAIT }), ERANGE);
	CHECK_EQ(value_of(set, 0), SEMVMX);
}

CASE(semop_erange_in_between_is_erange)
{
	int set = new_set_of_value(SEMVMX);
	CHECK_FAILS(SEMOP(set, { 0, 1, 0 }, { 0, -1, 0 }), ERANGE);
	CHECK_OK(SEMOP(set, { 0, -1, 0 }, { 0, 1, 0 }));
	CHECK_EQ(value_of(set, 0), SEMVMX);
}

CASE(semop_erange_changes_nothing)
{
	int set = new_set(2);
	set_value(set, 1, SEMVMX);
	CHECK_FAILS(SEMOP(set, { 0, 5, 0 }, { 1, 1, 0 }), ERANGE);
	CHECK_VALUES(set, 0, SEMVMX);
}

CASE(semop_the_first_obstacle_decides)
{
	int set = new_set(2);
	set_value(set, 1, SEMVMX);
	CHECK_FAILS(SEMOP(set, { 0, -1, IPC_NOWAIT }, { 1, 1, 0 }), EAGAIN);
	CHECK_FAILS(SEMOP(set, { 1, 1, 0 }, { 0, -1, IPC_NOWAIT }), ERANGE);
}

CASE(semtimedop_of_a_time_that_cannot_be_read_is_efault_first_of_all)
{
	struct sembuf op = { 0, 1, 0 };
	int set = new_set(1);
	CHECK_FAILS(semtimedop(set, &op, 1, no_memory()), EFAULT);
	CHECK_FAILS(semtimedop(set, &op, SEMOPM + 1, no_memory()), EFAULT);
	CHECK_FAILS(semtimedop(set, &op, 0, no_memory()), EFAULT);
	CHECK_FAILS(semtimedop(-1, NULL, 0, no_memory()), EFAULT);
	CHECK_EQ(value_of(set, 0), 0);
}

CASE(semtimedop_bad_time_is_einval_even_where_nothing_blocks)
{
	struct timespec bad[] = {
		{ 0, -1 }, { 0, 1000000000 }, { -1, 0 }, { 1, LONG_MAX }, { LONG_MIN, 0 }
	};
	int set = new_set(1);
	for (int i = 0; i < 5; i++) {
		CHECK_FAILS(SEMTIMEDOP(set, &bad[i], { 0, 1, 0 }), EINVAL);
		CHECK_FAILS(SEMTIMEDOP(set, &bad[i], { 0, -1, 0 }), EINVAL);
		CHECK_FAILS(SEMTIMEDOP(set, &bad[i], { 0, -1, IPC_NOWAIT }), EINVAL);
	}
	CHECK_EQ(value_of(set, 0), 0);
}

CASE(semtimedop_bad_time_comes_after_the_operations_and_before_efbig)
{
	int set = new_set(1);
	CHECK_FAILS(semtimedop(set, NULL, 1, &bad_time), EFAULT);
	CHECK_FAILS(SEMTIMEDOP(set, &bad_time, { 5, 1, 0 }), EINVAL);
}

CASE(semop_failures_leave_no_trace)
{
	int set = new_set_of_value(1);
	struct semid_ds before = status_of(set);
	CHECK_FAILS(SEMOP(set, { 0, -2, IPC_NOWAIT }), EAGAIN);
	CHECK_FAILS(SEMOP(set, { 0, 0, IPC_NOWAIT }), EAGAIN);
	CHECK_FAILS(SEMOP(set, { 0, SEMVMX, 0 }), ERANGE);
	CHECK_FAILS(SEMOP(set, { 1, 1, 0 }), EFBIG);
	struct semid_ds after = status_of(set);
	CHECK_EQ(after.sem_otime, 0);
	CHECK_EQ(before.sem_ctime, after.sem_ctime);
	CHECK_EQ(takers_of(set, 0), 0);
	CHECK_EQ(zero_waiters_of(set, 0), 0);
}
