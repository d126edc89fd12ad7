/* The object behind the descriptor: memory in common, its life, its owner. */
#include "../support/nobody.h"
#include "../support/private_shm.h"
#include "../support/shm.h"

static char *map(int fd, size_t size)
{
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(memory != MAP_FAILED);
	return memory;
}

CASE(shm_is_memory_in_common)
{
	const char *name = check_name("common");
	int fd = shm_new(name, "");
	CHECK_OK(ftruncate(fd, 10000));
	char *memory = map(fd, 10000);
	for (int i = 0; i < 10000; i++)
		CHECK_EQ(memory[i], 0);
	pid_t pid = check_fork();
	if (pid == 0) {
		int own = shm_open(name, O_RDWR, 0);
		CHECK_OK(own);
		CHECK_EQ(shm_size(own), 10000);
		strcpy(map(own, 10000) + 9000, "from the child");
		_exit(0);
	}
	check_child(pid);
	CHECK(strcmp(memory + 9000, "from the child") == 0);
}

CASE(shm_can_be_read_and_written_as_a_file)
{
	const char *name = check_name("file");
	int fd = shm_new(name, "");
	CHECK_EQ(write(fd, "hello", 5), 5);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 5);
	CHECK(strcmp(map(fd, 5), "hello") == 0);
	memcpy(map(fd, 5), "HELLO", 5);
	CHECK(strcmp(shm_text(fd), "HELLO") == 0);
}

CASE(shm_size_grows_and_shrinks)
{
	int fd = shm_new(check_name("size"), "0123456789");
	CHECK_OK(ftruncate(fd, 4));
	CHECK(strcmp(shm_text(fd), "0123") == 0);
	CHECK_OK(ftruncate(fd, 8));
	CHECK_EQ(memcmp(map(fd, 8), "0123\0\0\0\0", 8), 0);
	CHECK_OK(ftruncate(fd, 0));
	CHECK_EQ(shm_size(fd), 0);
}

CASE(shm_lives_on_without_users)
{
	const char *name = check_name("alone");
	pid_t pid = check_fork();
	if (pid == 0) {
		shm_new(name, "left behind");
		_exit(0);
	}
	check_child(pid);
	int fd = shm_open(name, O_RDONLY, 0);
	CHECK_OK(fd);
	CHECK(strcmp(shm_text(fd), "left behind") == 0);
}

CASE(shm_unlink_leaves_processes_that_have_it_open)
{
	const char *name = check_name("unlinked");
	int fd = shm_new(name, "still here");
	char *memory = map(fd, 10);
	CHECK_OK(shm_unlink(name));
	CHECK_FAILS(shm_unlink(name), ENOENT);
	CHECK_FAILS(shm_open(name, O_RDWR, 0), ENOENT);
	CHECK_OK(close(fd));
	CHECK_EQ(memcmp(memory, "still here", 10), 0);
}

CASE(shm_created_again_is_another_one)
{
	const char *name = check_name("again");
	int old = shm_new(name, "old");
	CHECK_OK(shm_unlink(name));
	int new = shm_new(name, "new");
	CHECK(strcmp(shm_text(old), "old") == 0);
	CHECK(strcmp(shm_text(new), "new") == 0);
	struct stat a, b;
	CHECK_OK(fstat(old, &a));
	CHECK_OK(fstat(new, &b));
	CHECK(a.st_ino != b.st_ino);
	CHECK_EQ(a.st_nlink, 0);
	CHECK_EQ(b.st_nlink, 1);
}

CASE(shm_descriptor_is_inherited_by_fork_and_closed_by_exec)
{
	int fd = shm_new(check_name("inherit"), "mine");
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK(strcmp(shm_text(fd), "mine") == 0);
		char script[60];
		snprintf(script, sizeof script, "! test -e /proc/self/fd/%d", fd);
		execl("/bin/sh", "sh", "-c", script, NULL);
		_exit(127);
	}
	check_child(pid);
}

CASE(shm_mode_and_owner_can_be_changed)
{
	const char *name = check_name("owner");
	int fd = shm_new(name, "x");
	CHECK_OK(fchmod(fd, 0640));
	struct stat st;
	CHECK_OK(stat(shm_path(name), &st));
	CHECK_EQ(st.st_mode & 07777, 0640);
	if (geteuid() != 0)
		CHECK_SKIP("only root can give a file away");
	CHECK_OK(fchown(fd, NOBODY, NOBODY));
	CHECK_OK(stat(shm_path(name), &st));
	CHECK_EQ(st.st_uid, NOBODY);
}

static void cannot_open(const char *name)
{
	CHECK_FAILS(shm_open(name, O_RDONLY, 0), EACCES);
	CHECK_FAILS(shm_open(name, O_RDWR, 0), EACCES);
	CHECK_FAILS(shm_open(name, O_CREAT | O_RDWR, 0600), EACCES);
	CHECK_FAILS(shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600), EEXIST);
}

static void can_only_read(const char *name)
{
	CHECK_OK(shm_open(name, O_RDONLY, 0));
	CHECK_FAILS(shm_open(name, O_RDWR, 0), EACCES);
	CHECK_FAILS(shm_open(name, O_WRONLY, 0), EACCES);
	CHECK_FAILS(shm_open(name, O_RDONLY | O_TRUNC, 0), EACCES);
}

static void cannot_unlink(const char *name)
{
	CHECK_FAILS(shm_unlink(name), EACCES);
}

static void creates_and_removes(const char *name)
{
	shm_new(name, "mine");
	struct stat st;
	CHECK_OK(stat(shm_path(name), &st));
	CHECK_EQ(st.st_uid, NOBODY);
	CHECK_OK(shm_unlink(name));
}

CASE(shm_of_another_user)
{
	const char *name = check_name("private");
	shm_new(name, "x");
	as_nobody(cannot_open, name);
}

CASE(shm_of_another_user_that_may_be_read)
{
	const char *name = check_name("public");
	CHECK_OK(fchmod(shm_new(name, "x"), 0644));
	as_nobody(can_only_read, name);
}

CASE(shm_unlink_by_another_user_is_eacces)
{
	const char *name = check_name("unlink");
	CHECK_OK(fchmod(shm_new(name, "x"), 0666));
	as_nobody(cannot_unlink, name);
	CHECK_OK(access(shm_path(name), F_OK));
}

CASE(shm_of_a_plain_user)
{
	as_nobody(creates_and_removes, check_name("own"));
}

CASE(shm_in_a_full_place_is_enospc)
{
	private_tmpfs("/dev/shm", 0, "size=8192");
	int fd = shm_new("/full", "");
	char block[4096] = "x";
	CHECK_EQ(write(fd, block, 4096), 4096);
	CHECK_EQ(write(fd, block, 4096), 4096);
	CHECK_FAILS(write(fd, block, 4096), ENOSPC);
	CHECK_EQ(posix_fallocate(fd, 0, 12288), ENOSPC);
}

CASE(shm_in_a_read_only_place_is_erofs)
{
	private_tmpfs("/dev/shm", 0, "mode=1777");
	CHECK_OK(close(shm_new("/there", "x")));
	CHECK_OK(mount(NULL, "/dev/shm", "none", MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	CHECK_FAILS(shm_open("/new", O_CREAT | O_RDWR, 0600), EROFS);
	CHECK_FAILS(shm_open("/there", O_RDWR, 0), EROFS);
	CHECK_OK(shm_open("/there", O_RDONLY, 0));
	CHECK_FAILS(shm_unlink("/there"), EROFS);
}

CASE(shm_without_the_directory_is_enoent)
{
	private_tmpfs("/dev", 0, "");
	CHECK_FAILS(shm_open("/new", O_CREAT | O_RDWR, 0600), ENOENT);
	CHECK_FAILS(shm_unlink("/new"), ENOENT);
}
