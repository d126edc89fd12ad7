/* What semget asks for, and the place of EACCES and EPERM among the errors. Most need root, to
 * become another user. */
#include "../support/nobody.h"
#include "../support/sysv_sem.h"

static int the_set;

static void root_has(int mode)
{
	if (geteuid() != 0)
		CHECK_SKIP("needs root to become another user");
	the_set = noted(semget(own_key(0), 2, IPC_CREAT | mode));
}

static void asks_for_nothing(const char *unused)
{
	(void)unused;
	CHECK_EQ(semget(own_key(0), 2, 0), the_set);
	CHECK_EQ(semget(own_key(0), 0, IPC_CREAT), the_set);
}

CASE(semget_that_asks_for_nothing_gets_the_id)
{
	root_has(0600);
	as_nobody(asks_for_nothing, NULL);
	root_has(0000);
	as_nobody(asks_for_nothing, NULL);
}

static void asks_for_too_much(const char *unused)
{
	(void)unused;
	int modes[] = { 0600, 0400, 0200, 0060, 0006, 0004, 0002, 0111, 0100 };
	for (int i = 0; i < 9; i++) {
		CHECK_FAILS(semget(own_key(0), 2, modes[i]), EACCES);
		CHECK_FAILS(semget(own_key(0), 2, IPC_CREAT | modes[i]), EACCES);
	}
}

CASE(semget_that_asks_for_too_much_is_eacces)
{
	root_has(0600);
	as_nobody(asks_for_too_much, NULL);
}

static void asks_for_reading(const char *unused)
{
	(void)unused;
	int readings[] = { 0400, 0040, 0004, 0444 },
	    others[] = { 0200, 0020, 0002, 0600, 0060, 0006, 0424 };
	for (int i = 0; i < 4; i++)
		CHECK_EQ(semget(own_key(0), 2, readings[i]), the_set);
	for (int i = 0; i < 7; i++)
		CHECK_FAILS(semget(own_key(0), 2, others[i]), EACCES);
}

CASE(semget_asks_for_the_sum_of_the_three_triples)
{
	root_has(0644);
	as_nobody(asks_for_reading, NULL);
}

static void creates_what_is_there(const char *unused)
{
	(void)unused;
	CHECK_FAILS(semget(own_key(0), 2, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
	CHECK_FAILS(semget(own_key(0), 3, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
}

CASE(semget_eexist_comes_before_eacces)
{
	root_has(0600);
	as_nobody(creates_what_is_there, NULL);
}

static void asks_for_more_members(const char *unused)
{
	(void)unused;
	CHECK_FAILS(semget(own_key(0), 3, 0600), EINVAL);
	CHECK_FAILS(semget(own_key(0), 3, 0), EINVAL);
	CHECK_FAILS(semget(own_key(0), 2, 0600), EACCES);
}

CASE(semget_size_comes_before_eacces)
{
	root_has(0600);
	as_nobody(asks_for_more_members, NULL);
}

CASE(semget_owner_without_rights_is_refused)
{
	if (geteuid() != 0)
		CHECK_SKIP("needs root to become another user");
	pid_t pid = check_fork();
	if (pid == 0) {
		become_user(NOBODY, NOBODY);
		int set = noted(semget(own_key(0), 1, IPC_CREAT | 0066));
		CHECK_FAILS(semget(own_key(0), 1, 0600), EACCES);
		CHECK_EQ(semget(own_key(0), 1, 0), set);
		CHECK_FAILS(SEMOP(set, { 0, 1, 0 }), EACCES);
		_exit(0);
	}
	check_child(pid);
}

static void tries_setval(const char *unused)
{
	(void)unused;
	CHECK_FAILS(semctl(the_set, 0, SETVAL, -1), ERANGE);
	CHECK_FAILS(semctl(the_set, 2, SETVAL, 1), EINVAL);
	CHECK_FAILS(semctl(the_set, 0, SETVAL, 1), EACCES);
}

CASE(semctl_setval_eacces_comes_last)
{
	root_has(0600);
	as_nobody(tries_setval, NULL);
}

static void tries_to_read(const char *unused)
{
	(void)unused;
	int commands[] = { GETVAL, GETPID, GETNCNT, GETZCNT };
	for (int i = 0; i < 4; i++)
		CHECK_FAILS(semctl(the_set, 2, commands[i]), EACCES);
	CHECK_FAILS(semctl(the_set, 0, GETALL, (union semun){ .array = NULL }), EACCES);
}

CASE(semctl_get_eacces_comes_before_the_member)
{
	root_has(0600);
	as_nobody(tries_to_read, NULL);
}

static void tries_setall(const char *unused)
{
	(void)unused;
	unsigned short values[] = { 0xffff, 1 };
	CHECK_FAILS(semctl(the_set, 0, SETALL, (union semun){ .array = values }), EACCES);
	CHECK_FAILS(semctl(the_set, 0, SETALL, (union semun){ .array = NULL }), EACCES);
}

CASE(semctl_setall_eacces_comes_before_the_values)
{
	root_has(0600);
	as_nobody(tries_setall, NULL);
}

static void tries_semop(const char *unused)
{
	(void)unused;
	CHECK_FAILS(SEMOP(the_set, { 2, 1, 0 }), EFBIG);
	CHECK_FAILS(SEMOP(the_set, { 0, SEMVMX, 0 }, { 0, 1, 0 }), EACCES);
	CHECK_FAILS(SEMOP(the_set, { 0, -1, IPC_NOWAIT }), EACCES);
}

CASE(semop_eacces_comes_after_efbig_and_before_the_values)
{
	root_has(0600);
	as_nobody(tries_semop, NULL);
}

static void looks_by_index(const char *unused)
{
	(void)unused;
	struct semid_ds status;
	struct seminfo info;
	int found = 0, last = semctl(0, 0, SEM_INFO, (union semun){ .info = &info });
	CHECK_OK(last);
	CHECK_OK(semctl(0, 0, IPC_INFO, (union semun){ .info = &info }));
	for (int i = 0; i <= last; i++) {
		if (semctl(i, 0, SEM_STAT_ANY, (union semun){ .buf = &status }) != the_set)
			continue;
		CHECK_EQ(status.sem_nsems, 2);
		CHECK_FAILS(semctl(i, 0, SEM_STAT, (union semun){ .buf = &status }), EACCES);
		found++;
	}
	CHECK_EQ(found, 1);
}

CASE(semctl_sem_stat_needs_reading_and_sem_stat_any_nothing)
{
	root_has(0600);
	as_nobody(looks_by_index, NULL);
}
