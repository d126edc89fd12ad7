/* Which user may do what with a set. The cases need root, to become another user. */
#include "../support/nobody.h"
#include "../support/sysv_sleepers.h"

enum { OTHER_USER = 4320, OTHER_GROUP = 4321 };

static int the_set;

static void needs_root(void)
{
	if (geteuid() != 0)
		CHECK_SKIP("needs root to become another user");
}

/* A set of two members, of root, with this mode. */
static void root_has(int mode)
{
	needs_root();
	the_set = noted(semget(own_key(0), 2, IPC_CREAT | mode));
	set_value(the_set, 0, 5);
}

static int set_owner(int set, uid_t user, gid_t group, int mode)
{
	struct semid_ds status = { 0 };
	status.sem_perm.uid = user;
	status.sem_perm.gid = group;
	status.sem_perm.mode = (unsigned short)mode;
	return semctl(set, 0, IPC_SET, (union semun){ .buf = &status });
}

static void reads(bool may)
{
	struct semid_ds status;
	unsigned short values[2];
	int commands[] = { GETVAL, GETPID, GETNCNT, GETZCNT };
	for (int i = 0; i < 4; i++) {
		if (may)
			CHECK_OK(semctl(the_set, 0, commands[i]));
		else
			CHECK_FAILS(semctl(the_set, 0, commands[i]), EACCES);
	}
	if (may) {
		CHECK_OK(semctl(the_set, 0, GETALL, (union semun){ .array = values }));
		CHECK_OK(semctl(the_set, 0, IPC_STAT, (union semun){ .buf = &status }));
		CHECK_OK(SEMOP(the_set, { 1, 0, 0 }));
		CHECK_FAILS(SEMOP(the_set, { 0, 0, IPC_NOWAIT }), EAGAIN);
	} else {
		CHECK_FAILS(semctl(the_set, 0, GETALL, (union semun){ .array = values }), EACCES);
		CHECK_FAILS(semctl(the_set, 0, IPC_STAT, (union semun){ .buf = &status }), EACCES);
		CHECK_FAILS(SEMOP(the_set, { 1, 0, 0 }), EACCES);
		CHECK_FAILS(SEMOP(the_set, { 0, 0, IPC_NOWAIT }), EACCES);
	}
}

static void alters(bool may)
{
	unsigned short values[] = { 5, 0 };
	if (may) {
		CHECK_OK(SEMOP(the_set, { 0, 1, 0 }));
		CHECK_OK(SEMOP(the_set, { 0, -1, SEM_UNDO }));
		CHECK_OK(SEMOP(the_set, { 1, 0, 0 }, { 1, 1, 0 }, { 1, -1, 0 }));
		CHECK_OK(semctl(the_set, 0, SETVAL, 5));
		CHECK_OK(semctl(the_set, 0, SETALL, (union semun){ .array = values }));
	} else {
		CHECK_FAILS(SEMOP(the_set, { 0, 1, 0 }), EACCES);
		CHECK_FAILS(SEMOP(the_set, { 0, -1, IPC_NOWAIT }), EACCES);
		CHECK_FAILS(SEMOP(the_set, { 1, 0, 0 }, { 1, 1, 0 }), EACCES);
		CHECK_FAILS(semctl(the_set, 0, SETVAL, 5), EACCES);
		CHECK_FAILS(semctl(the_set, 0, SETALL, (union semun){ .array = values }), EACCES);
	}
}

static void owns_nothing(void)
{
	CHECK_FAILS(set_owner(the_set, NOBODY, NOBODY, 0666), EPERM);
	CHECK_FAILS(semctl(the_set, 0, IPC_RMID), EPERM);
}

static void may_nothing(const char *unused)
{
	(void)unused;
	reads(false);
	alters(false);
	owns_nothing();
}

static void may_read(const char *unused)
{
	(void)unused;
	reads(true);
	alters(false);
	owns_nothing();
}

static void may_alter(const char *unused)
{
	(void)unused;
	reads(false);
	alters(true);
	owns_nothing();
}

static void may_both(const char *unused)
{
	(void)unused;
	reads(true);
	alters(true);
	owns_nothing();
}

static void root_has_still(void)
{
	CHECK_VALUES(the_set, 5, 0);
	CHECK_EQ(status_of(the_set).sem_perm.uid, 0);
}

CASE(semctl_mode_0600_shuts_others_out)
{
	root_has(0600);
	as_nobody(may_nothing, NULL);
	root_has_still();
}

CASE(semctl_mode_0644_lets_others_read)
{
	root_has(0644);
	as_nobody(may_read, NULL);
	root_has_still();
}

CASE(semctl_mode_0622_lets_others_alter)
{
	root_has(0622);
	as_nobody(may_alter, NULL);
	root_has_still();
}

CASE(semctl_mode_0666_lets_others_do_both)
{
	root_has(0666);
	as_nobody(may_both, NULL);
	root_has_still();
}

CASE(semctl_mode_0660_is_for_the_group)
{
	root_has(0660);
	as_nobody(may_nothing, NULL);
	CHECK_OK(set_owner(the_set, 0, NOBODY, 0660));
	as_nobody(may_both, NULL);
	CHECK_OK(set_owner(the_set, 0, NOBODY, 0640));
	as_nobody(may_read, NULL);
}

CASE(semctl_group_does_not_fall_through_to_others)
{
	root_has(0606);
	CHECK_OK(set_owner(the_set, 0, NOBODY, 0606));
	as_nobody(may_nothing, NULL);
}

/* As the user nobody, in a further group. */
static void in_a_further_group(void (*body)(const char *))
{
	gid_t groups[] = { OTHER_GROUP };
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_OK(setgroups(1, groups));
		CHECK_OK(setgid(NOBODY));
		CHECK_OK(setuid(NOBODY));
		body(NULL);
		_exit(0);
	}
	check_child(pid);
}

CASE(semctl_further_groups_count)
{
	root_has(0600);
	CHECK_OK(set_owner(the_set, 0, OTHER_GROUP, 0660));
	in_a_further_group(may_both);
	CHECK_OK(set_owner(the_set, 0, OTHER_GROUP, 0606));
	in_a_further_group(may_nothing);
	as_nobody(may_both, NULL);
}

static void owner_without_rights(const char *unused)
{
	(void)unused;
	reads(false);
	alters(false);
	/* What belongs to the owner does not depend on the mode. */
	CHECK_OK(set_owner(the_set, NOBODY, NOBODY, 0400));
	reads(true);
	alters(false);
	CHECK_OK(semctl(the_set, 0, IPC_RMID));
}

CASE(semctl_owner_does_not_fall_through_to_others)
{
	root_has(0600);
	CHECK_OK(set_owner(the_set, NOBODY, OTHER_GROUP, 0066));
	as_nobody(owner_without_rights, NULL);
	CHECK_FAILS(semctl(the_set, 0, GETVAL), EINVAL);
}

static void makes_a_set(const char *unused)
{
	(void)unused;
	int set = noted(semget(own_key(1), 2, IPC_CREAT | 0600));
	struct semid_ds status = status_of(set);
	CHECK_EQ(status.sem_perm.uid, NOBODY);
	CHECK_EQ(status.sem_perm.gid, NOBODY);
	CHECK_EQ(status.sem_perm.cuid, NOBODY);
	CHECK_EQ(status.sem_perm.cgid, NOBODY);
	CHECK_OK(SEMOP(set, { 0, 5, 0 }));
	/* Given away; its maker keeps what an owner has. */
	CHECK_OK(set_owner(set, OTHER_USER, OTHER_GROUP, 0600));
	status = status_of(set);
	CHECK_EQ(status.sem_perm.uid, OTHER_USER);
	CHECK_EQ(status.sem_perm.gid, OTHER_GROUP);
	CHECK_EQ(status.sem_perm.cuid, NOBODY);
	CHECK_EQ(status.sem_perm.cgid, NOBODY);
	CHECK_OK(SEMOP(set, { 0, -1, 0 }));
}

static void owns_the_gift(const char *unused)
{
	(void)unused;
	reads(true);
	alters(true);
	CHECK_OK(set_owner(the_set, OTHER_USER, OTHER_GROUP, 0620));
}

static void removes_it(const char *unused)
{
	(void)unused;
	CHECK_OK(semctl(the_set, 0, IPC_RMID));
}

CASE(semctl_owner_gives_a_set_away_and_its_maker_keeps_his_rights)
{
	needs_root();
	as_nobody(makes_a_set, NULL);
	the_set = semget(own_key(1), 0, 0);
	set_value(the_set, 0, 5);
	pid_t pid = check_fork();
	if (pid == 0) {
		become_user(OTHER_USER, OTHER_GROUP);
		owns_the_gift(NULL);
		_exit(0);
	}
	check_child(pid);
	CHECK_EQ(status_of(the_set).sem_perm.mode, 0620);
	as_nobody(removes_it, NULL);
	CHECK_FAILS(semctl(the_set, 0, GETVAL), EINVAL);
}

CASE(semctl_root_may_all)
{
	needs_root();
	as_nobody(makes_a_set, NULL);
	the_set = semget(own_key(1), 2, 0600);
	CHECK_OK(the_set);
	CHECK_OK(set_owner(the_set, OTHER_USER, OTHER_GROUP, 0));
	set_value(the_set, 0, 5);
	reads(true);
	alters(true);
	CHECK_OK(semctl(the_set, 0, IPC_RMID));
}

CASE(semctl_set_of_nobody_as_owner_is_einval)
{
	int set = new_set(1);
	CHECK_FAILS(set_owner(set, (uid_t)-1, getegid(), 0600), EINVAL);
	CHECK_FAILS(set_owner(set, geteuid(), (gid_t)-1, 0600), EINVAL);
	CHECK_EQ(status_of(set).sem_perm.uid, geteuid());
}

CASE(semctl_set_takes_nine_bits_of_the_mode)
{
	int set = new_set(1);
	CHECK_OK(set_owner(set, geteuid(), getegid(), 0177751));
	CHECK_EQ(status_of(set).sem_perm.mode, 0751);
}

CASE(semctl_set_changes_owner_mode_and_ctime_alone)
{
	int set = noted(semget(own_key(0), 2, IPC_CREAT | 0600));
	CHECK_OK(SEMOP(set, { 0, 3, 0 }));
	struct semid_ds before = status_of(set), wanted = before;
	wanted.sem_perm.__key = own_key(7);
	wanted.sem_perm.cuid = wanted.sem_perm.cgid = 77;
	wanted.sem_perm.__seq = 77;
	wanted.sem_perm.mode = 0640;
	wanted.sem_nsems = 99;
	wanted.sem_otime = wanted.sem_ctime = 77;
	CHECK_OK(semctl(set, 0, IPC_SET, (union semun){ .buf = &wanted }));
	struct semid_ds after = status_of(set);
	CHECK_EQ(after.sem_perm.__key, own_key(0));
	CHECK_EQ(after.sem_perm.cuid, before.sem_perm.cuid);
	CHECK_EQ(after.sem_perm.cgid, before.sem_perm.cgid);
	CHECK_EQ(after.sem_perm.__seq, before.sem_perm.__seq);
	CHECK_EQ(after.sem_perm.mode, 0640);
	CHECK_EQ(after.sem_nsems, 2);
	CHECK_EQ(after.sem_otime, before.sem_otime);
	CHECK(after.sem_ctime >= before.sem_ctime);
	CHECK_EQ(semget(own_key(0), 2, 0600), set);
	CHECK_VALUES(set, 3, 0);
}

CASE(semctl_set_leaves_sleepers_and_refuses_their_next_call)
{
	root_has(0666);
	int *sleeps = common_memory(sizeof *sleeps);
	pid_t pid = check_fork();
	if (pid == 0) {
		become_user(NOBODY, NOBODY);
		struct sleeper *sleeper = SLEEPS(the_set, { 1, -1, 0 });
		__atomic_store_n(sleeps, 1, __ATOMIC_SEQ_CST);
		/* Here root takes the rights away, and serves it. */
		CHECK_EQ(end_of(sleeper), 0);
		CHECK_FAILS(SEMOP(the_set, { 1, -1, IPC_NOWAIT }), EACCES);
		_exit(0);
	}
	CHECK_SOON(__atomic_load_n(sleeps, __ATOMIC_SEQ_CST));
	CHECK_OK(set_owner(the_set, 0, 0, 0600));
	CHECK_EQ(takers_of(the_set, 1), 1);
	CHECK_OK(SEMOP(the_set, { 1, 1, 0 }));
	check_child(pid);
}

CASE(semctl_the_effective_user_counts)
{
	root_has(0600);
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_OK(setegid(NOBODY));
		CHECK_OK(seteuid(NOBODY));
		may_nothing(NULL);
		CHECK_OK(seteuid(0));
		reads(true);
		alters(true);
		_exit(0);
	}
	check_child(pid);
}
