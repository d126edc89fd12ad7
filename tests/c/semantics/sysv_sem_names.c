/* Names of the C library that a program has functions of its own for: fakeroot answers them with
 * the help of semop. The calls on sets ask the kernel and not the program. */
#include <sys/stat.h>
#include <sys/syscall.h>
#include "../support/sysv_sem.h"

static int is_watched, calls;

int stat(const char *path, struct stat *status)
{
	calls += is_watched;
	return (int)syscall(SYS_newfstatat, AT_FDCWD, path, status, 0);
}

int lstat(const char *path, struct stat *status)
{
	calls += is_watched;
	return (int)syscall(SYS_newfstatat, AT_FDCWD, path, status, AT_SYMLINK_NOFOLLOW);
}

int unlink(const char *path)
{
	calls += is_watched;
	return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

uid_t geteuid(void)
{
	calls += is_watched;
	return is_watched ? 4321 : (uid_t)syscall(SYS_geteuid);
}

gid_t getegid(void)
{
	calls += is_watched;
	return is_watched ? 4321 : (gid_t)syscall(SYS_getegid);
}

int getresuid(uid_t *real, uid_t *effective, uid_t *saved)
{
	calls += is_watched;
	return (int)syscall(SYS_getresuid, real, effective, saved);
}

int getgroups(int size, gid_t *list)
{
	calls += is_watched;
	return (int)syscall(SYS_getgroups, size, list);
}

CASE(semop_and_its_kin_call_no_function_of_the_program)
{
	struct semid_ds status;
	is_watched = 1;
	int set = noted(semget(own_key(0), 2, IPC_CREAT | IPC_EXCL | 0600));
	CHECK_EQ(semget(own_key(0), 2, 0600), set);
	CHECK_OK(SEMOP(set, { 0, 1, SEM_UNDO }, { 1, 2, 0 }));
	CHECK_EQ(semctl(set, 1, GETVAL), 2);
	CHECK_OK(semctl(set, 0, IPC_STAT, (union semun){ .buf = &status }));
	pid_t child = check_fork();
	if (child == 0) {
		CHECK_OK(SEMOP(set, { 1, -1, SEM_UNDO }));
		_exit(0);
	}
	check_child(child);
	CHECK_EQ(value_of(set, 1), 2);
	CHECK_OK(semctl(set, 0, IPC_RMID));
	is_watched = 0;
	CHECK_EQ(calls, 0);
	CHECK_EQ(status.sem_perm.cuid, geteuid());
	CHECK_EQ(status.sem_perm.cgid, getegid());
}
