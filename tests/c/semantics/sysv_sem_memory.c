/* A handler may call semop and semctl, also one that has interrupted malloc. So they allocate
 * nothing, not even when the process uses the set for the first time. */
#include "../support/allocations.h"
#include "../support/sysv_sem.h"

/* A set that only another process has used. */
static int foreign_set(int members)
{
	int *set = common_memory(sizeof *set);
	pid_t child = check_fork();
	if (child == 0) {
		*set = semget(IPC_PRIVATE, members, 0600);
		_exit(0);
	}
	check_child(child);
	return noted(*set);
}

static void use(int set, int members)
{
	static unsigned short values[2000];
	struct semid_ds status;
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_OK(SEMOP(set, { 0, -1, 0 }));
	CHECK_FAILS(SEMOP(set, { 0, -1, IPC_NOWAIT }), EAGAIN);
	CHECK_EQ(semctl(set, members - 1, GETVAL), 0);
	CHECK_EQ(semctl(set, 0, GETNCNT), 0);
	CHECK_OK(semctl(set, 0, SETVAL, 3));
	CHECK_OK(semctl(set, 0, SETALL, values));
	CHECK_OK(semctl(set, 0, GETALL, values));
	CHECK_OK(semctl(set, 0, IPC_STAT, (union semun){ .buf = &status }));
	CHECK_OK(semctl(set, 0, IPC_SET, (union semun){ .buf = &status }));
	CHECK_OK(semctl(set, 0, IPC_RMID));
}

CASE(semop_and_semctl_allocate_nothing)
{
	int sets[] = { foreign_set(3), foreign_set(2000) };
	is_watched = 1;
	use(sets[0], 3);
	use(sets[1], 2000);
	is_watched = 0;
	CHECK_EQ(allocations, 0);
}

CASE(semop_that_sleeps_allocates_nothing)
{
	int set = foreign_set(1);
	struct timespec moment = { 0, 1000000 };
	struct sembuf operations[100];
	for (int i = 0; i < 100; i++)
		operations[i] = (struct sembuf){ 0, -1, 0 };
	is_watched = 1;
	CHECK_FAILS(SEMTIMEDOP(set, &moment, { 0, -1, 0 }), EAGAIN);
	CHECK_FAILS(semtimedop(set, operations, 100, &moment), EAGAIN);
	is_watched = 0;
	CHECK_EQ(allocations, 0);
}

CASE(semop_with_undo_allocates_nothing)
{
	int set = foreign_set(1);
	is_watched = 1;
	CHECK_OK(SEMOP(set, { 0, 1, SEM_UNDO }));
	is_watched = 0;
	CHECK_EQ(allocations, 0);
}
