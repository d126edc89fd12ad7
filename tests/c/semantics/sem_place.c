/* The directory that named semaphores live in: what is left there, and what if it is of no use. */
#include "../support/private_shm.h"
#include "../support/sem.h"

CASE(sem_open_leaves_one_file)
{
	private_tmpfs("/dev/shm", 0, "mode=1777");
	open_new("/one", 1);
	CHECK_EQ(entries_in("/dev/shm"), 1);
	CHECK_FAILS_AS(sem_open("/one", O_CREAT | O_EXCL, 0600, 1), SEM_FAILED, EEXIST);
	CHECK_FAILS_AS(sem_open("/two", O_CREAT, 0600, -1), SEM_FAILED, EINVAL);
	CHECK_FAILS_AS(sem_open("/three", 0), SEM_FAILED, ENOENT);
	CHECK_EQ(entries_in("/dev/shm"), 1);
	open_new("/two", 1);
	CHECK_EQ(entries_in("/dev/shm"), 2);
	CHECK_OK(sem_unlink("/one"));
	CHECK_OK(sem_unlink("/two"));
	CHECK_EQ(entries_in("/dev/shm"), 0);
}

CASE(sem_open_that_loses_the_race_leaves_one_file)
{
	private_tmpfs("/dev/shm", 0, "mode=1777");
	pid_t pids[4];
	for (int i = 0; i < 4; i++)
		if ((pids[i] = check_fork()) == 0) {
			char name[20];
			for (int n = 0; n < 300; n++) {
				snprintf(name, sizeof name, "/race%d", n);
				CHECK(sem_open(name, O_CREAT, 0600, 1) != SEM_FAILED);
			}
			_exit(0);
		}
	for (int i = 0; i < 4; i++)
		check_child(pids[i]);
	CHECK_EQ(entries_in("/dev/shm"), 300);
}

CASE(sem_open_without_memory_is_enospc)
{
	private_tmpfs("/dev/shm", 0, "size=4096");
	open_new("/first", 1);
	CHECK_FAILS_AS(sem_open("/second", O_CREAT, 0600, 1), SEM_FAILED, ENOSPC);
	CHECK_FAILS(access("/dev/shm/sem.second", F_OK), ENOENT);
	CHECK_EQ(entries_in("/dev/shm"), 1);
	CHECK_OK(sem_unlink("/first"));
}

CASE(sem_open_without_inodes_is_enospc)
{
	private_tmpfs("/dev/shm", 0, "nr_inodes=8");
	char name[20];
	int created = 0;
	do {
		snprintf(name, sizeof name, "/n%d", created);
		errno = 0;
	} while (sem_open(name, O_CREAT, 0600, 1) != SEM_FAILED && ++created < 8);
	CHECK_EQ(errno, ENOSPC);
	CHECK(created >= 5);
	CHECK_EQ(entries_in("/dev/shm"), created);
}

CASE(sem_open_in_a_read_only_place_is_erofs)
{
	private_tmpfs("/dev/shm", 0, "mode=1777");
	CHECK_OK(sem_close(open_new("/there", 1)));
	CHECK_OK(mount(NULL, "/dev/shm", "none", MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	CHECK_FAILS_AS(sem_open("/new", O_CREAT, 0600, 1), SEM_FAILED, EROFS);
	CHECK_FAILS_AS(sem_open("/other", O_CREAT | O_EXCL, 0600, 1), SEM_FAILED, EROFS);
	CHECK_FAILS_AS(sem_open("/absent", 0), SEM_FAILED, ENOENT);
	CHECK_FAILS(sem_unlink("/there"), EROFS);
}

CASE(sem_open_without_the_directory_is_enoent)
{
	private_tmpfs("/dev", 0, "");
	CHECK_FAILS_AS(sem_open("/new", O_CREAT, 0600, 1), SEM_FAILED, ENOENT);
	CHECK_FAILS_AS(sem_open("/new", 0), SEM_FAILED, ENOENT);
	CHECK_FAILS(sem_unlink("/new"), ENOENT);
}

CASE(sem_unnamed_needs_no_directory)
{
	private_tmpfs("/dev", 0, "");
	sem_t *sem = shared_sem(0);
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_OK(sem_wait(sem));
		_exit(0);
	}
	CHECK_SOON(waiters_of(sem) == 1);
	CHECK_OK(sem_post(sem));
	check_child(pid);
}
