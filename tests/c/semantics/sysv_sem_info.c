/* Finding sets: IPC_INFO, SEM_INFO, SEM_STAT, SEM_STAT_ANY. */
#include "../support/sysv_sem.h"

static int highest_index(void)
{
	struct seminfo info;
	int highest = semctl(0, 0, SEM_INFO, (union semun){ .info = &info });
	CHECK_OK(highest);
	return highest;
}

/* The index under which the set is listed; -1: it is not. */
static int index_of(int set, int command)
{
	struct semid_ds status;
	int highest = highest_index(), found = -1;
	for (int i = 0; i <= highest; i++) {
		if (semctl(i, 0, command, (union semun){ .buf = &status }) == set) {
			CHECK_EQ(found, -1);
			found = i;
		}
	}
	return found;
}

CASE(semctl_ipc_info_tells_the_limits)
{
	struct seminfo info;
	memset(&info, 0xa5, sizeof info);
	CHECK_OK(semctl(0, 0, IPC_INFO, (union semun){ .info = &info }));
	CHECK_EQ(info.semvmx, SEMVMX);
	CHECK_EQ(info.semaem, SEMVMX);
	CHECK(info.semopm >= SEMOPM);
	CHECK(info.semmsl >= SEMMSL);
	CHECK(info.semmni >= 128);
	CHECK(info.semmns >= info.semmni);
}

CASE(semctl_info_needs_no_set)
{
	struct seminfo info;
	int ids[] = { 0, 12345, removed_set() };
	for (int i = 0; i < 3; i++) {
		CHECK_OK(semctl(ids[i], 99, IPC_INFO, (union semun){ .info = &info }));
		CHECK_OK(semctl(ids[i], -1, SEM_INFO, (union semun){ .info = &info }));
	}
	CHECK_FAILS(semctl(-1, 0, IPC_INFO, (union semun){ .info = &info }), EINVAL);
}

CASE(semctl_info_into_bad_memory_is_efault)
{
	CHECK_FAILS(semctl(0, 0, IPC_INFO, (union semun){ .info = NULL }), EFAULT);
	CHECK_FAILS(semctl(0, 0, SEM_INFO, (union semun){ .info = no_memory() }), EFAULT);
}

CASE(semctl_sem_info_counts_sets_and_semaphores)
{
	struct seminfo info;
	for (int i = 0; i < 10; i++)
		new_set(7);
	CHECK_OK(semctl(0, 0, SEM_INFO, (union semun){ .info = &info }));
	/* Others have sets, too. */
	CHECK(info.semusz >= 10);
	CHECK(info.semaem >= 70);
	CHECK_EQ(info.semvmx, SEMVMX);
}

CASE(semctl_info_gives_the_highest_index)
{
	struct seminfo info;
	new_set(1);
	int by_ipc = semctl(0, 0, IPC_INFO, (union semun){ .info = &info });
	CHECK(by_ipc >= 0);
	CHECK(highest_index() >= 0);
}

CASE(semctl_sem_stat_finds_every_set)
{
	int sets[20];
	for (int i = 0; i < 20; i++)
		sets[i] = new_set(1);
	for (int i = 0; i < 20; i++) {
		CHECK(index_of(sets[i], SEM_STAT) >= 0);
		CHECK(index_of(sets[i], SEM_STAT_ANY) >= 0);
	}
}

CASE(semctl_sem_stat_fills_in_the_status)
{
	int set = noted(semget(own_key(0), 3, IPC_CREAT | 0640));
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	int index = index_of(set, SEM_STAT);
	int commands[] = { SEM_STAT, SEM_STAT_ANY };
	for (int i = 0; i < 2; i++) {
		struct semid_ds status, known = status_of(set);
		memset(&status, 0xa5, sizeof status);
		CHECK_EQ(semctl(index, 0, commands[i], (union semun){ .buf = &status }), set);
		CHECK_EQ(status.sem_perm.__key, own_key(0));
		CHECK_EQ(status.sem_perm.mode, 0640);
		CHECK_EQ(status.sem_nsems, 3);
		CHECK_EQ(status.sem_otime, known.sem_otime);
		CHECK_EQ(status.sem_ctime, known.sem_ctime);
	}
}

CASE(semctl_sem_stat_keeps_the_index_of_a_set_while_others_come_and_go)
{
	struct semid_ds status;
	int sets[20], indices[20];
	for (int i = 0; i < 20; i++)
		sets[i] = new_set(1);
	for (int i = 0; i < 20; i++)
		indices[i] = index_of(sets[i], SEM_STAT);
	for (int i = 0; i < 20; i += 2)
		remove_set(sets[i]);
	new_set(1);
	CHECK(highest_index() >= 0);
	for (int i = 1; i < 20; i += 2)
		CHECK_EQ(semctl(indices[i], 0, SEM_STAT, (union semun){ .buf = &status }), sets[i]);
}

CASE(semctl_sem_stat_takes_an_id_as_well)
{
	struct semid_ds status;
	int set = new_set(4);
	CHECK_EQ(semctl(set, 0, SEM_STAT, (union semun){ .buf = &status }), set);
	CHECK_EQ(status.sem_nsems, 4);
	CHECK_EQ(semctl(set, 0, SEM_STAT_ANY, (union semun){ .buf = &status }), set);
}

CASE(semctl_sem_stat_of_a_removed_set_finds_it_no_more)
{
	int set = new_set(1);
	CHECK(index_of(set, SEM_STAT) >= 0);
	remove_set(set);
	CHECK_EQ(index_of(set, SEM_STAT), -1);
	CHECK_EQ(index_of(set, SEM_STAT_ANY), -1);
}

CASE(semctl_sem_stat_of_a_free_index_is_einval)
{
	struct semid_ds status;
	int commands[] = { SEM_STAT, SEM_STAT_ANY };
	for (int i = 0; i < 2; i++) {
		CHECK_FAILS(semctl(-1, 0, commands[i], (union semun){ .buf = &status }), EINVAL);
		CHECK_FAILS(semctl(32766, 0, commands[i], (union semun){ .buf = &status }), EINVAL);
	}
}

CASE(semctl_sem_stat_into_bad_memory_is_efault)
{
	int set = new_set(1);
	CHECK_FAILS(semctl(set, 0, SEM_STAT, (union semun){ .buf = NULL }), EFAULT);
	CHECK_FAILS(semctl(set, 0, SEM_STAT_ANY, (union semun){ .buf = no_memory() }), EFAULT);
}

CASE(semctl_sem_stat_changes_nothing)
{
	struct semid_ds status;
	int set = new_set(2);
	CHECK_OK(semctl(set, 0, SEM_STAT, (union semun){ .buf = &status }));
	CHECK_OK(semctl(set, 0, SEM_STAT_ANY, (union semun){ .buf = &status }));
	CHECK_EQ(status_of(set).sem_otime, 0);
	CHECK_EQ(semctl(set, 0, GETPID), 0);
}
