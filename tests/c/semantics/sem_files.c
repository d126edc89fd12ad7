/* Something else than a semaphore at the name: an error, not a crash and not a change. */
#include "../support/sem.h"

static void make_file(const char *name, off_t size)
{
	int fd = open(sem_path(name), O_CREAT | O_EXCL | O_RDWR, 0600);
	CHECK_OK(fd);
	CHECK_OK(ftruncate(fd, size));
	CHECK_OK(close(fd));
}

/* Opening is refused with some errno, and the file is as it was. */
static void is_refused(off_t size)
{
	const char *name = check_name("size");
	make_file(name, size);
	static const int flags[] = { 0, O_CREAT };
	for (int i = 0; i < 2; i++) {
		errno = 0;
		sem_t *sem = sem_open(name, flags[i], 0600, 1);
		if (sem != SEM_FAILED)
			sem_post(sem);
		CHECK(sem == SEM_FAILED);
		CHECK(errno != 0);
	}
	struct stat st;
	CHECK_OK(stat(sem_path(name), &st));
	CHECK_EQ(st.st_size, size);
}

CASE_BETTER(sem_open_of_an_empty_file_is_an_error, "glibc maps it, and the first use is SIGBUS")
{
	is_refused(0);
}

CASE_BETTER(sem_open_of_an_undersized_file_is_an_error,
	    "glibc maps it, and what it then writes lies beyond the end of the file")
{
	is_refused(1);
	is_refused(16);
	is_refused(31);
}

CASE_BETTER(sem_open_of_an_oversized_file_is_an_error, "glibc takes any file for a semaphore")
{
	is_refused(33);
	is_refused(4096);
	is_refused(1 << 20);
}

CASE(sem_open_excl_of_a_foreign_file_is_eexist)
{
	const char *name = check_name("size");
	make_file(name, 5);
	CHECK_FAILS_AS(sem_open(name, O_CREAT | O_EXCL, 0600, 1), SEM_FAILED, EEXIST);
	CHECK_OK(sem_unlink(name));
	open_new(name, 1);
}

CASE(sem_open_does_not_follow_a_symlink)
{
	const char *name = check_name("link");
	const char *real = check_name("real");
	sem_t *sem = open_new(real, 1);
	char target[400];
	strcpy(target, sem_path(real));
	CHECK_OK(symlink(target, sem_path(name)));
	CHECK_FAILS_AS(sem_open(name, 0), SEM_FAILED, ELOOP);
	CHECK_FAILS_AS(sem_open(name, O_CREAT, 0600, 1), SEM_FAILED, ELOOP);
	CHECK_FAILS_AS(sem_open(name, O_CREAT | O_EXCL, 0600, 1), SEM_FAILED, EEXIST);
	CHECK_OK(sem_unlink(name));
	CHECK(sem_open(real, 0) == sem);
}

CASE(sem_open_does_not_create_through_a_dangling_symlink)
{
	const char *name = check_name("link");
	const char *target = check_name("target");
	char path[400];
	strcpy(path, sem_path(target));
	CHECK_OK(symlink(path, sem_path(name)));
	CHECK_FAILS_AS(sem_open(name, O_CREAT, 0600, 1), SEM_FAILED, ELOOP);
	CHECK_FAILS_AS(sem_open(name, O_CREAT | O_EXCL, 0600, 1), SEM_FAILED, EEXIST);
	CHECK_FAILS(access(path, F_OK), ENOENT);
}

CASE(sem_open_of_a_directory_is_eisdir)
{
	const char *name = check_name("dir");
	CHECK_OK(mkdir(sem_path(name), 0700));
	CHECK_FAILS_AS(sem_open(name, 0), SEM_FAILED, EISDIR);
	CHECK_FAILS_AS(sem_open(name, O_CREAT, 0600, 1), SEM_FAILED, EISDIR);
	CHECK_FAILS_AS(sem_open(name, O_CREAT | O_EXCL, 0600, 1), SEM_FAILED, EEXIST);
	CHECK_FAILS(sem_unlink(name), EISDIR);
	CHECK_OK(rmdir(sem_path(name)));
}

CASE(sem_open_of_a_fifo_is_an_error)
{
	const char *name = check_name("fifo");
	CHECK_OK(mkfifo(sem_path(name), 0600));
	errno = 0;
	CHECK(sem_open(name, 0) == SEM_FAILED);
	CHECK(errno != 0);
	CHECK(sem_open(name, O_CREAT, 0600, 1) == SEM_FAILED);
}

CASE(sem_open_of_a_32_byte_file_takes_whatever_it_holds)
{
	const char *name = check_name("zero");
	make_file(name, 32);
	sem_t *sem = sem_open(name, 0);
	CHECK(sem != SEM_FAILED);
	CHECK_EQ(value_of(sem), 0);
	CHECK_FAILS(sem_trywait(sem), EAGAIN);
	CHECK_OK(sem_post(sem));
	CHECK_OK(sem_wait(sem));
}

CASE(sem_open_shares_with_another_mapping_of_the_file)
{
	const char *name = check_name("raw");
	sem_t *sem = open_new(name, 0);
	int fd = open(sem_path(name), O_RDWR);
	CHECK_OK(fd);
	sem_t *raw = mmap(NULL, sizeof *raw, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(raw != MAP_FAILED);
	struct waiter waiter;
	waiter_start(&waiter, sem, by_wait);
	CHECK_OK(sem_post(raw));
	waiter_join(&waiter);
	CHECK_EQ(waiter.result, 0);
}
