/* sem_open: flags, mode, value, and what lies in the directory afterwards. */
#include <sys/resource.h>
#include "../support/sem.h"

static mode_t mode_of(const char *name)
{
	struct stat st;
	CHECK_OK(lstat(sem_path(name), &st));
	return st.st_mode & 07777;
}

static int open_files(void)
{
	int count = 0;
	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) != -1;
	return count;
}

CASE(sem_open_without_o_creat_wants_an_existing_one)
{
	CHECK_FAILS_AS(sem_open(check_name("absent"), 0), SEM_FAILED, ENOENT);
	CHECK_FAILS_AS(sem_open(check_name("absent"), O_EXCL), SEM_FAILED, ENOENT);
}

CASE(sem_open_creates_with_the_value)
{
	static const unsigned values[] = { 0, 1, 2, 1000, SEM_VALUE_MAX };
	for (int i = 0; i < 5; i++)
		CHECK_EQ(value_of(open_new(check_name("value"), values[i])), values[i]);
}

CASE(sem_open_excl_refuses_an_existing_one)
{
	const char *name = check_name("excl");
	sem_t *sem = open_new(name, 2);
	CHECK_FAILS_AS(sem_open(name, O_CREAT | O_EXCL, 0600, 5), SEM_FAILED, EEXIST);
	CHECK_EQ(value_of(sem), 2);
}

CASE(sem_open_ignores_o_excl_without_o_creat)
{
	const char *name = check_name("excl");
	sem_t *sem = open_new(name, 2);
	CHECK(sem_open(name, O_EXCL) == sem);
}

CASE(sem_open_ignores_the_access_mode)
{
	const char *name = check_name("access");
	sem_t *sem = open_new(name, 0);
	CHECK_OK(sem_close(sem));
	static const int flags[] = { O_RDONLY, O_WRONLY, O_RDWR };
	for (int i = 0; i < 3; i++) {
		sem = sem_open(name, flags[i]);
		CHECK(sem != SEM_FAILED);
		CHECK_OK(sem_post(sem));
		CHECK_EQ(value_of(sem), i + 1);
		CHECK_OK(sem_close(sem));
	}
}

CASE_BETTER(
	sem_open_ignores_o_trunc,
	"glibc hands the flag to open(2): the live semaphore becomes an empty file, and its users die of SIGBUS")
{
	const char *name = check_name("trunc");
	open_new(name, 3);
	sem_t *sem = sem_open(name, O_TRUNC);
	CHECK(sem != SEM_FAILED);
	CHECK_EQ(value_of(sem), 3);
}

CASE_BETTER(sem_open_ignores_other_flags,
	    "glibc hands them to open(2), which finds that it is no directory")
{
	const char *name = check_name("flags");
	sem_t *sem = open_new(name, 3);
	CHECK(sem_open(name, O_DIRECTORY | O_APPEND | O_NONBLOCK) == sem);
}

CASE(sem_open_of_an_existing_one_ignores_mode_and_value)
{
	const char *name = check_name("existing");
	sem_t *sem = open_new(name, 2);
	CHECK(sem_open(name, O_CREAT, 0777, 9) == sem);
	CHECK_EQ(value_of(sem), 2);
	CHECK_EQ(mode_of(name), 0600);
}

CASE(sem_open_of_an_existing_one_does_not_check_the_value)
{
	const char *name = check_name("existing");
	sem_t *sem = open_new(name, 2);
	CHECK(sem_open(name, O_CREAT, 0600, SEM_VALUE_MAX + 1u) == sem);
	CHECK(sem_open(name, O_CREAT, 0600, -1) == sem);
}

CASE(sem_open_value_above_the_maximum_is_einval)
{
	const char *name = check_name("large");
	CHECK_FAILS_AS(sem_open(name, O_CREAT, 0600, SEM_VALUE_MAX + 1u), SEM_FAILED, EINVAL);
	CHECK_FAILS_AS(sem_open(name, O_CREAT | O_EXCL, 0600, -1), SEM_FAILED, EINVAL);
	CHECK_FAILS(access(sem_path(name), F_OK), ENOENT);
}

CASE(sem_open_excl_checks_the_value_before_it_looks_for_the_name)
{
	const char *name = check_name("large");
	open_new(name, 1);
	CHECK_FAILS_AS(sem_open(name, O_CREAT | O_EXCL, 0600, SEM_VALUE_MAX + 1u), SEM_FAILED,
		       EINVAL);
}

CASE(sem_open_mode_is_cut_by_umask)
{
	static const struct { mode_t mode, mask, want; } rows[] = {
		{ 0666, 0022, 0644 }, { 0666, 0, 0666 }, { 0777, 0077, 0700 },
		{ 0600, 0777, 0000 }, { 0640, 0027, 0640 }, { 0000, 0000, 0000 },
	};
	for (int i = 0; i < 6; i++) {
		const char *name = check_name("mode");
		mode_t before = umask(rows[i].mask);
		sem_t *sem = sem_open(name, O_CREAT | O_EXCL, rows[i].mode, 1);
		CHECK_EQ(umask(before), rows[i].mask);
		CHECK(sem != SEM_FAILED);
		CHECK_EQ(mode_of(name), rows[i].want);
	}
}

CASE(sem_open_belongs_to_its_creator)
{
	const char *name = check_name("owner");
	open_new(name, 1);
	struct stat st;
	CHECK_OK(stat(sem_path(name), &st));
	CHECK_EQ(st.st_uid, geteuid());
	CHECK_EQ(st.st_gid, getegid());
	CHECK_EQ(st.st_nlink, 1);
}

CASE(sem_open_writes_the_layout_of_glibc)
{
	const char *name = check_name("layout");
	open_new(name, 0x12345678);
	uint32_t words[9];
	int fd = open(sem_path(name), O_RDONLY);
	CHECK_OK(fd);
	CHECK_EQ(read(fd, words, sizeof words), 32);
	CHECK_EQ(words[0], 0x12345678);
	CHECK_EQ(words[1], 0);
	CHECK_EQ(words[2], 128);
	CHECK_EQ(words[3], 0);
}

CASE(sem_open_reads_the_layout_of_glibc)
{
	const char *name = check_name("layout");
	static const uint32_t words[8] = { 41, 0, 128, 0, 0xdeadbeef, 0xffffffff, 7, 9 };
	int fd = open(sem_path(name), O_CREAT | O_EXCL | O_RDWR, 0600);
	CHECK_EQ(write(fd, words, sizeof words), 32);
	sem_t *sem = sem_open(name, 0);
	CHECK(sem != SEM_FAILED);
	CHECK_EQ(value_of(sem), 41);
	CHECK_OK(sem_wait(sem));
	CHECK_OK(sem_post(sem));
	CHECK_OK(sem_post(sem));
	uint32_t value;
	CHECK_EQ(pread(fd, &value, 4, 0), 4);
	CHECK_EQ(value, 42);
}

CASE(sem_open_keeps_no_descriptor)
{
	const char *name = check_name("fd");
	int before = open_files();
	open_new(name, 1);
	sem_open(name, 0);
	sem_open(name, O_CREAT, 0600, 1);
	sem_open(name, O_CREAT | O_EXCL, 0600, 1);
	sem_open(check_name("absent"), 0);
	CHECK_EQ(open_files(), before);
}

CASE(sem_open_without_a_free_descriptor_is_emfile)
{
	const char *name = check_name("emfile");
	struct rlimit limit = { 64, 64 };
	CHECK_OK(setrlimit(RLIMIT_NOFILE, &limit));
	while (dup(0) != -1)
		;
	CHECK_FAILS_AS(sem_open(name, O_CREAT, 0600, 1), SEM_FAILED, EMFILE);
	CHECK_FAILS(access(sem_path(name), F_OK), ENOENT);
	CHECK_OK(close(63));
	CHECK_EQ(value_of(open_new(name, 1)), 1);
}

CASE(sem_open_value_lives_on_without_users)
{
	const char *name = check_name("kernel");
	pid_t pid = check_fork();
	if (pid == 0) {
		sem_t *sem = open_new(name, 5);
		CHECK_OK(sem_post(sem));
		_exit(0);
	}
	check_child(pid);
	sem_t *sem = sem_open(name, 0);
	CHECK(sem != SEM_FAILED);
	CHECK_EQ(value_of(sem), 6);
	CHECK_OK(sem_post(sem));
	CHECK_OK(sem_close(sem));
	sem = sem_open(name, 0);
	CHECK(sem != SEM_FAILED);
	CHECK_EQ(value_of(sem), 7);
}

CASE(sem_open_of_a_thousand)
{
	static sem_t *sems[1000];
	char name[100];
	const char *base = check_name("n");
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof name, "%s%d", base, i);
		sems[i] = open_new(name, i);
		CHECK_OK(sem_unlink(name));
	}
	for (int i = 0; i < 1000; i++) {
		CHECK_EQ(value_of(sems[i]), i);
		CHECK_OK(sem_close(sems[i]));
		CHECK_FAILS(sem_close(sems[i]), EINVAL);
	}
}
