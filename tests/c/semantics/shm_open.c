/* shm_open: flags, mode, what the descriptor can do, and what it refuses to open. */
#include <sys/resource.h>
#include "../support/private_shm.h"
#include "../support/shm.h"

CASE(shm_open_without_o_creat_wants_an_existing_one)
{
	CHECK_FAILS(shm_open(check_name("absent"), O_RDWR, 0), ENOENT);
	CHECK_FAILS(shm_open(check_name("absent"), O_RDONLY, 0600), ENOENT);
	CHECK_FAILS(shm_open(check_name("absent"), O_RDWR | O_TRUNC, 0600), ENOENT);
}

CASE(shm_open_creates_an_empty_object)
{
	int fd = shm_open(check_name("empty"), O_CREAT | O_RDWR, 0600);
	CHECK_OK(fd);
	CHECK_EQ(shm_size(fd), 0);
}

CASE(shm_open_of_an_existing_one_keeps_mode_and_contents)
{
	const char *name = check_name("keep");
	shm_new(name, "keep");
	int fd = shm_open(name, O_CREAT | O_RDWR, 0777);
	CHECK_OK(fd);
	CHECK(strcmp(shm_text(fd), "keep") == 0);
	struct stat st;
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_mode & 07777, 0600);
}

CASE(shm_open_excl_refuses_an_existing_one)
{
	const char *name = check_name("excl");
	shm_new(name, "x");
	CHECK_FAILS(shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600), EEXIST);
	CHECK_FAILS(shm_open(name, O_CREAT | O_EXCL | O_RDONLY, 0600), EEXIST);
}

CASE(shm_open_trunc_empties_it)
{
	const char *name = check_name("trunc");
	int old = shm_new(name, "contents");
	int fd = shm_open(name, O_RDWR | O_TRUNC, 0);
	CHECK_OK(fd);
	CHECK_EQ(shm_size(fd), 0);
	CHECK_EQ(shm_size(old), 0);
}

CASE(shm_open_sets_no_flag_that_lasts)
{
	const char *name = check_name("object");
	int plain = shm_open(name, O_CREAT | O_RDWR, 0600);
	CHECK_OK(plain);
	CHECK_EQ(fcntl(plain, F_GETFL) & (O_NONBLOCK | O_APPEND), 0);
	int append = shm_open(name, O_RDWR | O_APPEND, 0);
	CHECK_EQ(fcntl(append, F_GETFL) & (O_NONBLOCK | O_APPEND), O_APPEND);
	int both = shm_open(name, O_RDWR | O_APPEND | O_NONBLOCK, 0);
	CHECK_EQ(fcntl(both, F_GETFL) & (O_NONBLOCK | O_APPEND), O_NONBLOCK | O_APPEND);
}

CASE(shm_open_sets_close_on_exec)
{
	const char *name = check_name("cloexec");
	int fd = shm_new(name, "x");
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(shm_open(name, O_RDONLY, 0), F_GETFD), FD_CLOEXEC);
}

CASE(shm_open_gives_the_lowest_descriptor)
{
	int lowest = dup(0);
	CHECK_OK(close(lowest));
	CHECK_EQ(shm_open(check_name("lowest"), O_CREAT | O_RDWR, 0600), lowest);
}

CASE(shm_open_has_the_access_mode_asked_for)
{
	const char *name = check_name("mode");
	shm_new(name, "x");
	static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR };
	for (int i = 0; i < 3; i++) {
		int fd = shm_open(name, modes[i], 0);
		CHECK_OK(fd);
		CHECK_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, modes[i]);
	}
}

CASE(shm_open_read_only_cannot_be_written)
{
	const char *name = check_name("readonly");
	CHECK_OK(ftruncate(shm_new(name, "fixed"), 4096));
	int fd = shm_open(name, O_RDONLY, 0);
	CHECK_OK(fd);
	CHECK_FAILS(write(fd, "x", 1), EBADF);
	CHECK_FAILS(ftruncate(fd, 0), EINVAL);
	CHECK_FAILS_AS(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED,
		       EACCES);
	const char *text = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(text != MAP_FAILED);
	CHECK(strcmp(text, "fixed") == 0);
}

CASE(shm_open_creates_read_only_too)
{
	const char *name = check_name("readonly");
	int fd = shm_open(name, O_CREAT | O_RDONLY, 0600);
	CHECK_OK(fd);
	CHECK_FAILS(write(fd, "x", 1), EBADF);
	CHECK_EQ(write(shm_open(name, O_RDWR, 0), "now", 3), 3);
	CHECK(strcmp(shm_text(fd), "now") == 0);
}

CASE(shm_open_mode_is_cut_by_umask)
{
	static const struct { mode_t mode, mask, want; } rows[] = {
		{ 0666, 0022, 0644 }, { 0666, 0, 0666 }, { 0777, 0077, 0700 },
		{ 0600, 0777, 0000 }, { 0640, 0027, 0640 }, { 0000, 0000, 0000 },
	};
	for (int i = 0; i < 6; i++) {
		mode_t before = umask(rows[i].mask);
		int fd = shm_open(check_name("mode"), O_CREAT | O_EXCL | O_RDWR, rows[i].mode);
		CHECK_EQ(umask(before), rows[i].mask);
		struct stat st;
		CHECK_OK(fd);
		CHECK_OK(fstat(fd, &st));
		CHECK_EQ(st.st_mode & 07777, rows[i].want);
		CHECK_EQ(st.st_uid, geteuid());
		CHECK_EQ(st.st_gid, getegid());
	}
}

CASE(shm_open_does_not_follow_a_symlink)
{
	const char *name = check_name("link");
	const char *real = check_name("real");
	shm_new(real, "real");
	char target[400];
	strcpy(target, shm_path(real));
	CHECK_OK(symlink(target, shm_path(name)));
	CHECK_FAILS(shm_open(name, O_RDONLY, 0), ELOOP);
	CHECK_FAILS(shm_open(name, O_CREAT | O_RDWR, 0600), ELOOP);
	CHECK_FAILS(shm_open(name, O_RDWR | O_TRUNC, 0600), ELOOP);
	CHECK_FAILS(shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600), EEXIST);
	CHECK_OK(shm_unlink(name));
	CHECK_OK(access(target, F_OK));
}

CASE(shm_open_does_not_create_through_a_dangling_symlink)
{
	const char *name = check_name("link");
	char target[400];
	strcpy(target, shm_path(check_name("target")));
	CHECK_OK(symlink(target, shm_path(name)));
	CHECK_FAILS(shm_open(name, O_CREAT | O_RDWR, 0600), ELOOP);
	CHECK_FAILS(access(target, F_OK), ENOENT);
}

CASE(shm_open_of_a_directory_is_einval)
{
	const char *name = check_name("dir");
	CHECK_OK(mkdir(shm_path(name), 0700));
	CHECK_FAILS(shm_open(name, O_RDWR, 0), EINVAL);
	CHECK_FAILS(shm_open(name, O_WRONLY, 0), EINVAL);
	CHECK_FAILS(shm_open(name, O_CREAT | O_RDWR, 0600), EINVAL);
	CHECK_FAILS(shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600), EEXIST);
	CHECK_FAILS(shm_unlink(name), EISDIR);
}

CASE(shm_open_without_a_free_descriptor_is_emfile)
{
	const char *name = check_name("emfile");
	struct rlimit limit = { 64, 64 };
	CHECK_OK(setrlimit(RLIMIT_NOFILE, &limit));
	while (dup(0) != -1)
		;
	CHECK_FAILS(shm_open(name, O_CREAT | O_RDWR, 0600), EMFILE);
	CHECK_OK(close(40));
	CHECK_EQ(shm_open(name, O_CREAT | O_RDWR, 0600), 40);
}

static void opens_exclusively(const char *name, int *winners)
{
	for (int i = 0; i < 500; i++) {
		char round[400];
		snprintf(round, sizeof round, "%s%d", name, i);
		if (shm_open(round, O_CREAT | O_EXCL | O_RDWR, 0600) != -1)
			__atomic_add_fetch(&winners[i], 1, __ATOMIC_SEQ_CST);
		else
			CHECK_EQ(errno, EEXIST);
	}
}

CASE(shm_race_for_o_excl_has_one_winner)
{
	struct rlimit limit;
	CHECK_OK(getrlimit(RLIMIT_NOFILE, &limit));
	if (limit.rlim_cur < 600)
		CHECK_SKIP("fewer than 600 descriptors a process");
	int *winners = mmap(NULL, 500 * sizeof *winners, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(winners != MAP_FAILED);
	const char *name = check_name("race");
	pid_t pids[8];
	for (int i = 0; i < 8; i++)
		if ((pids[i] = check_fork()) == 0) {
			opens_exclusively(name, winners);
			_exit(0);
		}
	for (int i = 0; i < 8; i++)
		check_child(pids[i]);
	for (int i = 0; i < 500; i++)
		CHECK_EQ(winners[i], 1);
}

/* One with the set-group-ID bit: so users that share it share what is in it. */
CASE(shm_open_leaves_an_object_the_group_that_the_directory_gives)
{
	private_tmpfs("/dev/shm", 0, "mode=3777,gid=4322");
	struct stat st;
	CHECK_OK(fstat(shm_new(check_name("group"), "text"), &st));
	CHECK_EQ(st.st_gid, 4322);
}
