/* ftok: a key from a file and a number. */
#include <sys/stat.h>
#include "../support/sysv_sem.h"

/* A file of the case's own, removed with it. */
static const char *own_file(const char *tag)
{
	static char path[400];
	snprintf(path, sizeof path, "/dev/shm%s", check_name(tag));
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	CHECK_OK(fd);
	CHECK_OK(close(fd));
	return path;
}

static key_t key_by_hand(const char *path, int number)
{
	struct stat status;
	CHECK_OK(stat(path, &status));
	return (key_t)((unsigned)(status.st_ino & 0xffff) | (unsigned)(status.st_dev & 0xff) << 16 |
		       (unsigned)(number & 0xff) << 24);
}

CASE(ftok_is_made_of_inode_device_and_number)
{
	const char *path = own_file("ftok");
	int numbers[] = { 1, 'S', 0, 127, 128, 255 };
	for (int i = 0; i < 6; i++)
		CHECK_EQ(ftok(path, numbers[i]), key_by_hand(path, numbers[i]));
}

CASE(ftok_takes_the_low_8_bits_of_the_number)
{
	const char *path = own_file("ftok");
	CHECK_EQ(ftok(path, 0x141), ftok(path, 0x41));
	CHECK_EQ(ftok(path, -1), ftok(path, 255));
}

CASE(ftok_gives_one_key_to_all_names_of_a_file)
{
	char link_path[440];
	const char *path = own_file("ftok");
	key_t key = ftok(path, 'S');
	snprintf(link_path, sizeof link_path, "%s.link", path);
	CHECK_OK(symlink(path, link_path));
	CHECK_EQ(ftok(link_path, 'S'), key);
	CHECK_OK(unlink(link_path));
	CHECK_OK(link(path, link_path));
	CHECK_EQ(ftok(link_path, 'S'), key);
	CHECK_OK(unlink(link_path));
}

CASE(ftok_of_no_file_is_the_error_of_stat)
{
	CHECK_FAILS(ftok("/no/such/file", 'S'), ENOENT);
	CHECK_FAILS(ftok("", 'S'), ENOENT);
	CHECK_FAILS(ftok("/dev/null/x", 'S'), ENOTDIR);
}

CASE(ftok_works_on_directories_and_devices)
{
	CHECK_EQ(ftok("/", 'S'), key_by_hand("/", 'S'));
	CHECK_EQ(ftok("/dev/null", 'S'), key_by_hand("/dev/null", 'S'));
}

CASE(ftok_key_leads_two_processes_to_one_set)
{
	const char *path = own_file("ftok");
	int set = noted(semget(ftok(path, 'S'), 1, IPC_CREAT | IPC_EXCL | 0600));
	pid_t pid = check_fork();
	if (pid == 0) {
		int found = semget(ftok(path, 'S'), 1, 0600);
		CHECK_EQ(found, set);
		CHECK_OK(SEMOP(found, { 0, 3, 0 }));
		_exit(0);
	}
	check_child(pid);
	CHECK_EQ(value_of(set, 0), 3);
}

CASE(ftok_negative_keys_are_keys)
{
	const char *path = own_file("ftok");
	key_t key = ftok(path, 0xff);
	CHECK(key < 0 && key != -1);
	int set = noted(semget(key, 1, IPC_CREAT | IPC_EXCL | 0600));
	CHECK_EQ(semget(key, 1, 0600), set);
}
