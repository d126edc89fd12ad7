/* Which user may do what with a segment. The cases need root, to become another user. */
#include "../support/nobody.h"
#include "../support/sysv_shm.h"

#include <sys/resource.h>

enum { OTHER_USER = 4320, OTHER_GROUP = 4321 };

static int the_segment;

/* A segment of root with this mode, which holds a text. */
static void root_has(int mode)
{
	if (geteuid() != 0)
		CHECK_SKIP("needs root to become another user");
	the_segment = noted(shmget(own_key(0), 100, IPC_CREAT | mode));
	char *at = attach(the_segment);
	strcpy(at, "root's");
	CHECK_OK(shmdt(at));
}

static int set_owner(uid_t user, gid_t group, int mode)
{
	struct shmid_ds status = { 0 };
	status.shm_perm.uid = user;
	status.shm_perm.gid = group;
	status.shm_perm.mode = (unsigned short)mode;
	return shmctl(the_segment, IPC_SET, &status);
}

static void as(uid_t user, gid_t group, void (*body)(void))
{
	pid_t child = check_fork();
	if (child == 0) {
		become_user(user, group);
		body();
		_exit(0);
	}
	check_child(child);
}

static void may_nothing(void)
{
	struct shmid_ds status;
	CHECK_ATTACH_FAILS(shmat(the_segment, NULL, SHM_RDONLY), EACCES);
	CHECK_ATTACH_FAILS(shmat(the_segment, NULL, 0), EACCES);
	CHECK_FAILS(shmctl(the_segment, IPC_STAT, &status), EACCES);
}

static void may_read(void)
{
	char *at = attach_with(the_segment, NULL, SHM_RDONLY);
	CHECK(strcmp(at, "root's") == 0);
	CHECK_FAILS(mprotect(at, 1, PROT_READ | PROT_WRITE), EACCES);
	CHECK_ATTACH_FAILS(shmat(the_segment, NULL, 0), EACCES);
	status_of(the_segment);
	CHECK_OK(shmdt(at));
}

static void may_write(void)
{
	char *at = attach(the_segment);
	CHECK(strcmp(at, "root's") == 0);
	at[90] = 'w';
	CHECK_OK(shmdt(at));
	status_of(the_segment);
}

static void owns_nothing(void)
{
	CHECK_FAILS(set_owner(OTHER_USER, OTHER_GROUP, 0666), EPERM);
	CHECK_FAILS(shmctl(the_segment, IPC_RMID, NULL), EPERM);
	CHECK_FAILS(shmctl(the_segment, SHM_LOCK, NULL), EPERM);
	CHECK_FAILS(shmctl(the_segment, SHM_UNLOCK, NULL), EPERM);
}

CASE(shmat_others_get_nothing_of_0600)
{
	root_has(0600);
	as(OTHER_USER, OTHER_GROUP, may_nothing);
}

CASE(shmat_others_read_0604)
{
	root_has(0604);
	as(OTHER_USER, OTHER_GROUP, may_read);
}

CASE(shmat_others_write_0606)
{
	root_has(0606);
	as(OTHER_USER, OTHER_GROUP, may_write);
	CHECK_EQ(attach(the_segment)[90], 'w');
}

static void may_write_only(void)
{
	struct shmid_ds status;
	CHECK_ATTACH_FAILS(shmat(the_segment, NULL, 0), EACCES);
	CHECK_ATTACH_FAILS(shmat(the_segment, NULL, SHM_RDONLY), EACCES);
	CHECK_FAILS(shmctl(the_segment, IPC_STAT, &status), EACCES);
}

CASE(shmat_write_permission_alone_is_not_enough)
{
	root_has(0602);
	as(OTHER_USER, OTHER_GROUP, may_write_only);
}

CASE(shmat_the_group_decides_for_its_members)
{
	root_has(0646);
	as(OTHER_USER, 0, may_read);
	as(OTHER_USER, OTHER_GROUP, may_write);
}

CASE(shmat_members_of_the_group_get_nothing_of_0606)
{
	root_has(0606);
	as(OTHER_USER, 0, may_nothing);
}

static void reads_and_asks_for_more(void)
{
	CHECK_EQ(shmget(own_key(0), 0, 0), the_segment);
	CHECK_EQ(shmget(own_key(0), 100, 0444), the_segment);
	CHECK_EQ(shmget(own_key(0), 100, 0004), the_segment);
	CHECK_FAILS(shmget(own_key(0), 100, 0600), EACCES);
	CHECK_FAILS(shmget(own_key(0), 100, 0002), EACCES);
	CHECK_FAILS(shmget(own_key(0), 100, 0111), EACCES);
	CHECK_FAILS(shmget(own_key(0), 101, 0600), EINVAL);
	CHECK_FAILS(shmget(own_key(0), 100, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
}

CASE(shmget_asks_for_all_three_triples_together)
{
	root_has(0604);
	as(OTHER_USER, OTHER_GROUP, reads_and_asks_for_more);
}

static void asks_for_nothing(void)
{
	CHECK_EQ(shmget(own_key(0), 0, 0), the_segment);
	CHECK_FAILS(shmget(own_key(0), 0, 0400), EACCES);
	CHECK_FAILS(shmget(own_key(0), 0, IPC_CREAT | IPC_EXCL), EEXIST);
}

CASE(shmget_gives_the_id_to_a_call_that_asks_for_nothing)
{
	root_has(0600);
	as(OTHER_USER, OTHER_GROUP, asks_for_nothing);
}

CASE(shmctl_set_and_rmid_are_for_the_owner)
{
	root_has(0666);
	as(OTHER_USER, OTHER_GROUP, owns_nothing);
	CHECK_EQ(mode_of(the_segment), 0666);
}

CASE(shmctl_rmid_is_eperm_whatever_the_mode)
{
	root_has(0600);
	as(OTHER_USER, OTHER_GROUP, owns_nothing);
}

static void may_all(void)
{
	may_write();
	CHECK_OK(set_owner(OTHER_USER, OTHER_GROUP, 0660));
	CHECK_EQ(mode_of(the_segment), 0660);
	CHECK_OK(shmctl(the_segment, IPC_RMID, NULL));
}

CASE(shmctl_set_gives_a_segment_away)
{
	root_has(0600);
	CHECK_OK(set_owner(OTHER_USER, OTHER_GROUP, 0600));
	struct shmid_ds status = status_of(the_segment);
	CHECK_EQ(status.shm_perm.uid, OTHER_USER);
	CHECK_EQ(status.shm_perm.gid, OTHER_GROUP);
	CHECK_EQ(status.shm_perm.cuid, 0);
	as(OTHER_USER, OTHER_GROUP, may_all);
	CHECK_FAILS(shmctl(the_segment, IPC_STAT, &status), EINVAL);
	CHECK_FAILS(shmget(own_key(0), 0, 0), ENOENT);
}

CASE(shmctl_set_gives_and_takes_permissions)
{
	root_has(0600);
	as(OTHER_USER, OTHER_GROUP, may_nothing);
	CHECK_OK(set_owner(0, 0, 0604));
	as(OTHER_USER, OTHER_GROUP, may_read);
	CHECK_OK(set_owner(0, 0, 0606));
	as(OTHER_USER, OTHER_GROUP, may_write);
	CHECK_OK(set_owner(0, 0, 0600));
	as(OTHER_USER, OTHER_GROUP, may_nothing);
}

CASE(shmctl_set_does_not_touch_attached_processes)
{
	root_has(0606);
	struct gate ready = new_gate(), gate = new_gate();
	pid_t child = check_fork();
	if (child == 0) {
		become_user(OTHER_USER, OTHER_GROUP);
		char *at = attach(the_segment);
		open_gate(&ready);
		await_gate(&gate);
		CHECK(strcmp(at, "root's") == 0);
		at[90] = 'x';
		CHECK_ATTACH_FAILS(shmat(the_segment, NULL, 0), EACCES);
		CHECK_OK(shmdt(at));
		_exit(0);
	}
	await_gate(&ready);
	CHECK_EQ(attached(the_segment), 1);
	CHECK_OK(set_owner(0, 0, 0600));
	open_gate(&gate);
	check_child(child);
	CHECK_EQ(attach(the_segment)[90], 'x');
}

static void owner_without_permission(void)
{
	int segment = noted(shmget(own_key(1), 100, IPC_CREAT | 0066));
	struct shmid_ds status = { 0 };
	CHECK_ATTACH_FAILS(shmat(segment, NULL, SHM_RDONLY), EACCES);
	CHECK_FAILS(shmctl(segment, IPC_STAT, &status), EACCES);
	status.shm_perm.uid = geteuid();
	status.shm_perm.gid = getegid();
	status.shm_perm.mode = 0600;
	CHECK_OK(shmctl(segment, IPC_SET, &status));
	attach(segment);
	remove_segment(segment);
}

CASE(shmat_the_owner_bits_decide_for_the_owner)
{
	root_has(0600);
	as(OTHER_USER, OTHER_GROUP, owner_without_permission);
}

static void unprivileged_life(void)
{
	int segment = noted(shmget(own_key(1), 5000, IPC_CREAT | IPC_EXCL | 0600));
	char *at = attach(segment), *reader = attach_with(segment, NULL, SHM_RDONLY);
	strcpy(at, "mine");
	CHECK(strcmp(reader, "mine") == 0);
	CHECK_EQ(attached(segment), 2);
	CHECK_FAILS(mprotect(reader, 1, PROT_WRITE), EACCES);
	remove_segment(segment);
	char *again = attach(segment);
	CHECK(strcmp(again, "mine") == 0);
	CHECK(strcmp(attach_with(segment, NULL, SHM_RDONLY), "mine") == 0);
	CHECK_EQ(attached(segment), 4);
	CHECK_EQ(mode_of(segment), 0600 | SHM_DEST);
	CHECK_FAILS(shmget(own_key(1), 0, 0), ENOENT);
}

CASE(shmat_a_user_without_privileges_has_segments)
{
	root_has(0600);
	as(OTHER_USER, OTHER_GROUP, unprivileged_life);
}

static void user_makes_a_segment(void)
{
	noted(shmget(own_key(1), 100, IPC_CREAT | 0600));
}

CASE(shmat_root_may_all)
{
	root_has(0600);
	as(OTHER_USER, OTHER_GROUP, user_makes_a_segment);
	int segment = shmget(own_key(1), 100, 0600);
	CHECK_OK(segment);
	attach(segment)[0] = 'r';
	CHECK_EQ(attached(segment), 1);
	CHECK_EQ(status_of(segment).shm_perm.cuid, OTHER_USER);
	remove_segment(segment);
	CHECK_FAILS(shmget(own_key(1), 100, 0600), ENOENT);
}

static void locks_more_than_it_may(void)
{
	enum { MOST = 2 * 4096 };
	int small = new_segment(MOST), large = new_segment(16 * MOST);
	CHECK_OK(setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){ MOST, MOST }));
	CHECK_FAILS(shmctl(large, SHM_LOCK, NULL), ENOMEM);
	CHECK_OK(shmctl(small, SHM_LOCK, NULL));
	CHECK_OK(shmctl(small, IPC_RMID, NULL));
	CHECK_OK(shmctl(large, IPC_RMID, NULL));
}

CASE(shm_lock_of_more_than_the_limit_is_enomem)
{
	if (geteuid() != 0)
		CHECK_SKIP("needs root to become another user");
	as(OTHER_USER, OTHER_GROUP, locks_more_than_it_may);
}

/* A user without privileges: root opens the memory through its mapping. */
static void attaches_behind_a_guard_page(void)
{
	enum { PAGE = 4096, PAGES = 4 };
	int segment = new_segment(PAGES * PAGE);
	char *at = attach(segment);
	strcpy(at + 2 * PAGE, "behind");
	CHECK_OK(shmctl(segment, IPC_RMID, NULL));
	CHECK_OK(mprotect(at, PAGE, PROT_NONE));
	CHECK_OK(munmap(at + PAGE, PAGE));
	char *again = attach(segment);
	CHECK(strcmp(again + 2 * PAGE, "behind") == 0);
	again[0] = again[(PAGES * PAGE) - 1] = 'x';
	CHECK(at[(PAGES * PAGE) - 1] == 'x');
	CHECK_OK(shmdt(again));
}

CASE(shmat_of_what_has_been_removed_and_has_a_guard_page)
{
	if (geteuid() != 0)
		CHECK_SKIP("needs root to become another user");
	as(OTHER_USER, OTHER_GROUP, attaches_behind_a_guard_page);
}
