/* Which user may open and remove: root creates it, another user tries. */
#include "../support/nobody.h"
#include "../support/private_shm.h"
#include "../support/sem.h"

/* sem_open with this mode, whatever the umask. */
static void create(const char *name, mode_t mode)
{
	umask(0);
	CHECK(sem_open(name, O_CREAT | O_EXCL, mode, 1) != SEM_FAILED);
}

static void cannot_open(const char *name)
{
	CHECK_FAILS_AS(sem_open(name, 0), SEM_FAILED, EACCES);
	CHECK_FAILS_AS(sem_open(name, O_CREAT, 0600, 1), SEM_FAILED, EACCES);
	CHECK_FAILS_AS(sem_open(name, O_CREAT | O_EXCL, 0600, 1), SEM_FAILED, EEXIST);
}

static void can_use(const char *name)
{
	sem_t *sem = sem_open(name, 0);
	CHECK(sem != SEM_FAILED);
	CHECK_OK(sem_wait(sem));
	CHECK_FAILS(sem_trywait(sem), EAGAIN);
	CHECK_OK(sem_post(sem));
}

static void cannot_unlink(const char *name)
{
	CHECK_FAILS(sem_unlink(name), EACCES);
}

static void can_create(const char *name)
{
	CHECK_OK(sem_close(open_new(name, 1)));
	CHECK_OK(sem_unlink(name));
}

CASE(sem_open_by_another_user_wants_read_and_write)
{
	static const mode_t modes[] = { 0000, 0600, 0660, 0604, 0602, 0644 };
	for (int i = 0; i < 6; i++) {
		const char *name = check_name("mode");
		create(name, modes[i]);
		as_nobody(cannot_open, name);
	}
}

CASE(sem_open_by_another_user_with_read_and_write)
{
	const char *name = check_name("mode");
	create(name, 0606);
	as_nobody(can_use, name);
}

CASE(sem_open_with_mode_zero_by_its_creator)
{
	/* The mode counts from the next open on: the one that creates it may use it. */
	const char *name = check_name("mode");
	sem_t *sem = sem_open(name, O_CREAT | O_EXCL, 0, 1);
	CHECK(sem != SEM_FAILED);
	CHECK_OK(sem_wait(sem));
	CHECK_OK(sem_post(sem));
}

static void creates_without_rights(const char *name)
{
	sem_t *sem = sem_open(name, O_CREAT | O_EXCL, 0, 1);
	CHECK(sem != SEM_FAILED);
	CHECK_OK(sem_wait(sem));
	CHECK_FAILS_AS(sem_open(name, 0), SEM_FAILED, EACCES);
	CHECK_OK(sem_unlink(name));
}

CASE(sem_open_with_mode_zero_by_a_plain_user)
{
	as_nobody(creates_without_rights, check_name("mode"));
}

CASE(sem_unlink_by_another_user_is_eacces)
{
	const char *name = check_name("unlink");
	create(name, 0666);
	as_nobody(cannot_unlink, name);
	CHECK_OK(sem_unlink(name));
}

CASE(sem_open_by_a_plain_user)
{
	as_nobody(can_create, check_name("plain"));
}

/* One with the set-group-ID bit: so users that share it share what is in it. */
CASE(sem_open_leaves_a_semaphore_the_group_that_the_directory_gives)
{
	private_tmpfs("/dev/shm", 0, "mode=3777,gid=4322");
	const char *name = check_name("group");
	struct stat st;
	create(name, 0660);
	CHECK_OK(stat(sem_path(name), &st));
	CHECK_EQ(st.st_gid, 4322);
}
