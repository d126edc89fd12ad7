/* A process that changes its groups or capabilities is judged by the new ones from the next call
 * on. The cases need root, to become another user. */
#include <linux/capability.h>
#include <sys/syscall.h>
#include "../support/sysv_credentials.h"

enum { OTHER_GROUP = 4321 };

static int capabilities(int wanted)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2] = { { 0 } };
	CHECK_OK(syscall(SYS_capget, &header, sets));
	sets[0].effective = 1U << wanted;
	return (int)syscall(SYS_capset, &header, sets);
}

/* The user nobody, which can be in the group of the set, and is. */
static void become_member(void)
{
	struct semid_ds status = status_of(the_set);
	status.sem_perm.gid = OTHER_GROUP;
	CHECK_OK(semctl(the_set, 0, IPC_SET, (union semun){ .buf = &status }));
	CHECK_OK(setgroups(0, NULL));
	CHECK_OK(setresgid(NOBODY, OTHER_GROUP, OTHER_GROUP));
	CHECK_OK(setresuid(NOBODY, NOBODY, 0));
	is_in();
}

static void setegid_body(void)
{
	become_member();
	CHECK_OK(setegid(NOBODY));
	is_out();
	CHECK_OK(setegid(OTHER_GROUP));
	is_in();
}

CASE(semop_after_setegid)
{
	with_set(0660, setegid_body);
}

static void setgid_body(void)
{
	become_member();
	CHECK_OK(setgid(NOBODY));
	is_out();
	CHECK_OK(setgid(OTHER_GROUP));
	is_in();
}

CASE(semop_after_setgid)
{
	with_set(0660, setgid_body);
}

static void setresgid_body(void)
{
	become_member();
	CHECK_OK(setresgid(-1, NOBODY, -1));
	is_out();
	CHECK_OK(setresgid(-1, OTHER_GROUP, -1));
	is_in();
}

CASE(semop_after_setresgid)
{
	with_set(0660, setresgid_body);
}

static void setregid_body(void)
{
	become_member();
	CHECK_OK(setregid(-1, NOBODY));
	CHECK_SOON(!may_operate());
	is_out();
	CHECK_OK(setregid(-1, OTHER_GROUP));
	is_in();
}

CASE(semop_soon_after_setregid)
{
	with_set(0660, setregid_body);
}

static void setgroups_body(void)
{
	become_member();
	CHECK_OK(setegid(NOBODY));
	CHECK_OK(capabilities(CAP_SETGID));
	is_out();
	for (int i = 0; i < 3; i++) {
		CHECK_OK(setgroups(2, (gid_t[]){ NOBODY, OTHER_GROUP }));
		is_in();
		CHECK_OK(setgroups(1, (gid_t[]){ NOBODY }));
		is_out();
	}
}

CASE(semop_after_setgroups)
{
	with_set(0660, setgroups_body);
}

static void initgroups_body(void)
{
	become_member();
	CHECK_OK(setegid(NOBODY));
	CHECK_OK(capabilities(CAP_SETGID));
	is_out();
	CHECK_OK(initgroups("nobody", OTHER_GROUP));
	is_in();
	CHECK_OK(initgroups("nobody", NOBODY));
	CHECK_SOON(!may_operate());
	is_out();
}

CASE(semop_soon_after_initgroups)
{
	with_set(0660, initgroups_body);
}

int capset(cap_user_header_t header, const cap_user_data_t sets);

static void capset_body(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2] = { { 0 } };
	CHECK_OK(setresuid(NOBODY, NOBODY, 0));
	CHECK_OK(syscall(SYS_capget, &header, sets));
	for (int i = 0; i < 3; i++) {
		sets[0].effective = 0;
		CHECK_OK(capset(&header, sets));
		is_out();
		sets[0].effective = 1U << CAP_IPC_OWNER;
		CHECK_OK(capset(&header, sets));
		is_in();
	}
}

CASE(semop_after_capset)
{
	with_set(0600, capset_body);
}
