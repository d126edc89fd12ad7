/* semctl: reading and setting values, and which error comes first. */
#include "../support/sysv_sleepers.h"

static int set_all(int set, const unsigned short *values)
{
	return semctl(set, 0, SETALL, (union semun){ .array = (unsigned short *)values });
}

static int set_one(int set, int member, int value)
{
	return semctl(set, member, SETVAL, (union semun){ .val = value });
}

static int get_all(int set, unsigned short *values)
{
	return semctl(set, 0, GETALL, (union semun){ .array = values });
}

/* Those that need three arguments and a member. */
static const int get_commands[] = { GETVAL, GETPID, GETNCNT, GETZCNT };

CASE(semctl_setval_sets_one_member)
{
	int set = new_set(3);
	CHECK_EQ(set_one(set, 1, 5), 0);
	CHECK_VALUES(set, 0, 5, 0);
	CHECK_EQ(set_one(set, 1, 0), 0);
	CHECK_EQ(set_one(set, 2, SEMVMX), 0);
	CHECK_VALUES(set, 0, 0, SEMVMX);
}

CASE(semctl_setval_takes_a_bare_int)
{
	int set = new_set(1);
	CHECK_OK(semctl(set, 0, SETVAL, 7));
	CHECK_EQ(value_of(set, 0), 7);
}

CASE(semctl_setval_uses_the_low_32_bits)
{
	int set = new_set(1);
	CHECK_OK(semctl(set, 0, SETVAL, 0x7777777700000009l));
	CHECK_EQ(value_of(set, 0), 9);
}

CASE(semctl_setval_out_of_range_is_erange)
{
	int set = new_set_of_value(3);
	int values[] = { -1, SEMVMX + 1, INT_MAX, INT_MIN };
	for (int i = 0; i < 4; i++)
		CHECK_FAILS(set_one(set, 0, values[i]), ERANGE);
	CHECK_EQ(value_of(set, 0), 3);
}

CASE(semctl_setval_erange_comes_before_the_id)
{
	CHECK_FAILS(set_one(removed_set(), 0, -1), ERANGE);
	CHECK_FAILS(set_one(removed_set(), 0, SEMVMX + 1), ERANGE);
	CHECK_FAILS(set_one(new_set(1), 5, -1), ERANGE);
	CHECK_FAILS(set_one(removed_set(), 0, 1), EINVAL);
}

CASE(semctl_negative_id_is_einval_first_of_all)
{
	unsigned short values[1];
	CHECK_FAILS(set_one(-1, 0, -1), EINVAL);
	CHECK_FAILS(semctl(-1, 0, GETVAL), EINVAL);
	CHECK_FAILS(semctl(-1, 0, IPC_RMID), EINVAL);
	CHECK_FAILS(semctl(-1, 0, IPC_STAT, (union semun){ .buf = no_memory() }), EINVAL);
	CHECK_FAILS(get_all(-1, values), EINVAL);
}

CASE(semctl_getall_reads_all_members)
{
	unsigned short values[5] = { 9, 9, 9, 9, 9 };
	int set = new_set(4);
	set_value(set, 0, 1);
	set_value(set, 3, SEMVMX);
	CHECK_EQ(get_all(set, values), 0);
	CHECK_EQ(values[0], 1);
	CHECK_EQ(values[1], 0);
	CHECK_EQ(values[2], 0);
	CHECK_EQ(values[3], SEMVMX);
	CHECK_EQ(values[4], 9);
}

CASE(semctl_setall_sets_all_members)
{
	unsigned short values[] = { 4, 0, SEMVMX };
	int set = new_set(3);
	CHECK_EQ(set_all(set, values), 0);
	CHECK_VALUES(set, 4, 0, SEMVMX);
	CHECK_EQ(values[0], 4);
}

CASE(semctl_setall_out_of_range_is_erange_and_sets_nothing)
{
	unsigned short values[] = { 1, 2, SEMVMX + 1 }, others[] = { 0xffff, 2, 3 };
	int set = new_set(3);
	CHECK_FAILS(set_all(set, values), ERANGE);
	CHECK_FAILS(set_all(set, others), ERANGE);
	CHECK_VALUES(set, 0, 0, 0);
}

CASE(semctl_getall_and_setall_take_no_notice_of_the_member)
{
	unsigned short values[2] = { 3, 4 };
	int set = new_set(2);
	int members[] = { 0, 1, 2, 99, -1, INT_MIN };
	for (int i = 0; i < 6; i++) {
		values[0] = (unsigned short)i;
		CHECK_OK(semctl(set, members[i], SETALL, (union semun){ .array = values }));
		CHECK_EQ(value_of(set, 0), i);
		values[0] = 99;
		CHECK_OK(semctl(set, members[i], GETALL, (union semun){ .array = values }));
		CHECK_EQ(values[0], i);
	}
}

CASE(semctl_getall_and_setall_of_bad_memory_are_efault)
{
	int set = new_set(2);
	CHECK_FAILS(get_all(set, NULL), EFAULT);
	CHECK_FAILS(get_all(set, no_memory()), EFAULT);
	CHECK_FAILS(set_all(set, NULL), EFAULT);
	CHECK_FAILS(set_all(set, no_memory()), EFAULT);
	CHECK_VALUES(set, 0, 0);
}

CASE(semctl_setall_of_memory_that_ends_too_early_is_efault)
{
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(pages != MAP_FAILED);
	CHECK_OK(mprotect(pages + 4096, 4096, PROT_NONE));
	unsigned short *values = (unsigned short *)(void *)(pages + 4096) - 2;
	int set = new_set(3);
	values[0] = values[1] = 7;
	CHECK_FAILS(set_all(set, values), EFAULT);
	CHECK_VALUES(set, 0, 0, 0);
	CHECK_FAILS(get_all(set, values), EFAULT);
	values[-1] = 0, values[0] = values[1] = 7;
	CHECK_OK(set_all(set, values - 1));
	CHECK_VALUES(set, 0, 7, 7);
}

CASE(semctl_getall_into_memory_that_cannot_be_written_is_efault)
{
	void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(page != MAP_FAILED);
	int set = new_set(2);
	CHECK_FAILS(get_all(set, page), EFAULT);
	CHECK_OK(set_all(set, page));
}

CASE(semctl_getall_and_setall_of_32000_members)
{
	static unsigned short values[SEMMSL], got[SEMMSL];
	int set = new_set(SEMMSL);
	for (int i = 0; i < SEMMSL; i++)
		values[i] = (unsigned short)(i % 32749);
	CHECK_OK(set_all(set, values));
	CHECK_OK(get_all(set, got));
	CHECK(memcmp(values, got, sizeof values) == 0);
	CHECK_OK(SEMOP(set, { 31999, 1, 0 }));
	CHECK_OK(get_all(set, got));
	CHECK_EQ(got[31999], values[31999] + 1);
}

CASE(semctl_of_a_member_that_is_not_there_is_einval)
{
	int set = new_set(2), members[] = { 2, 99, -1, INT_MAX, INT_MIN };
	for (int i = 0; i < 5; i++) {
		for (int j = 0; j < 4; j++)
			CHECK_FAILS(semctl(set, members[i], get_commands[j]), EINVAL);
		CHECK_FAILS(set_one(set, members[i], 1), EINVAL);
	}
	CHECK_VALUES(set, 0, 0);
}

CASE(semctl_of_an_unknown_id_is_einval)
{
	int ids[] = { removed_set(), INT_MAX, INT_MIN };
	unsigned short values[1] = { 0 };
	struct semid_ds status = { 0 };
	for (int i = 0; i < 3; i++) {
		for (int j = 0; j < 4; j++)
			CHECK_FAILS(semctl(ids[i], 0, get_commands[j]), EINVAL);
		CHECK_FAILS(set_one(ids[i], 0, 0), EINVAL);
		CHECK_FAILS(get_all(ids[i], values), EINVAL);
		CHECK_FAILS(set_all(ids[i], values), EINVAL);
		CHECK_FAILS(semctl(ids[i], 0, IPC_STAT, (union semun){ .buf = &status }), EINVAL);
		CHECK_FAILS(semctl(ids[i], 0, IPC_SET, (union semun){ .buf = &status }), EINVAL);
		CHECK_FAILS(semctl(ids[i], 0, IPC_RMID), EINVAL);
	}
}

CASE(semctl_of_an_unknown_command_is_einval)
{
	int set = new_set(1),
	    commands[] = { -1, 4, 10, 21, 99, 0x100 | IPC_STAT, INT_MAX, INT_MIN };
	struct semid_ds status;
	for (int i = 0; i < 8; i++)
		CHECK_FAILS(semctl(set, 0, commands[i], (union semun){ .buf = &status }), EINVAL);
	CHECK_FAILS(semctl(removed_set(), 0, 99), EINVAL);
}

CASE(semctl_stat_and_set_of_bad_memory_are_efault)
{
	int set = new_set(1);
	CHECK_FAILS(semctl(set, 0, IPC_STAT, (union semun){ .buf = NULL }), EFAULT);
	CHECK_FAILS(semctl(set, 0, IPC_STAT, (union semun){ .buf = no_memory() }), EFAULT);
	CHECK_FAILS(semctl(set, 0, IPC_SET, (union semun){ .buf = NULL }), EFAULT);
	CHECK_FAILS(semctl(set, 0, IPC_SET, (union semun){ .buf = no_memory() }), EFAULT);
}

CASE(semctl_stat_set_and_removal_take_no_notice_of_the_member)
{
	int set = new_set(1);
	struct semid_ds status;
	CHECK_OK(semctl(set, 99, IPC_STAT, (union semun){ .buf = &status }));
	CHECK_OK(semctl(set, -1, IPC_SET, (union semun){ .buf = &status }));
	CHECK_OK(semctl(set, INT_MIN, IPC_RMID));
	CHECK_FAILS(semctl(set, 0, GETVAL), EINVAL);
}

CASE(semctl_getncnt_and_getzcnt_are_0_without_sleepers)
{
	int set = new_set(2);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(takers_of(set, i), 0);
		CHECK_EQ(zero_waiters_of(set, i), 0);
	}
	CHECK_FAILS(SEMOP(set, { 0, -1, IPC_NOWAIT }), EAGAIN);
	CHECK_EQ(takers_of(set, 0), 0);
}

CASE(semctl_reads_while_others_sleep)
{
	unsigned short values[2];
	int set = new_set(2);
	set_value(set, 1, 3);
	SLEEPS(set, { 0, -1, 0 });
	SLEEPS(set, { 1, 0, 0 });
	CHECK_OK(get_all(set, values));
	CHECK_EQ(values[0], 0);
	CHECK_EQ(values[1], 3);
	CHECK_EQ(status_of(set).sem_nsems, 2);
	CHECK_EQ(asleep_in(set), 2);
}

CASE(semctl_setval_counts_sleepers_that_sleep_on)
{
	int set = new_set(1);
	struct sleeper *sleeper = SLEEPS(set, { 0, -5, 0 });
	for (int value = 0; value < 5; value++) {
		set_value(set, 0, value);
		CHECK_EQ(takers_of(set, 0), 1);
		CHECK_EQ(value_of(set, 0), value);
	}
	set_value(set, 0, 6);
	CHECK_EQ(end_of(sleeper), 0);
	CHECK_EQ(value_of(set, 0), 1);
}
