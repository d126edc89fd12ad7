/* Queues are made where steps of the usual way to make a file whole are refused. */
#include "../support/private_shm.h"
#include "../support/queue.h"
#include "../support/refuse.h"

/* The bit that tells O_TMPFILE from O_DIRECTORY. */
enum { TMPFILE = O_TMPFILE & ~O_DIRECTORY };

static const int refusals[] = { EPERM, EACCES, ENOSYS, EOPNOTSUPP, EXDEV, EINVAL };

static void must(int filtered)
{
	if (filtered == -1)
		_exit(CHECK_SKIPPED);
}

static void refuse_links(int error)
{
	must(refuse_call(SYS_linkat, error));
#ifdef SYS_link
	must(refuse_call(SYS_link, error));
#endif
}

/* A queue can be made, is there for others, is made once, and goes. */
static void use(void)
{
	mqd_t queue = queue_small(O_NONBLOCK);
	CHECK_FAILS(mq_open(queue_name(0), O_CREAT | O_EXCL | O_RDWR, 0600, NULL), EEXIST);
	mqd_t other = queue_again(0, O_RDWR);
	queue_put(queue, "made", 1);
	queue_expect(other, "made", 1);
	CHECK_OK(mq_unlink(queue_name(0)));
	CHECK_FAILS(mq_open(queue_name(0), O_RDWR), ENOENT);
}

static void in_child(void (*refuse)(int), int error)
{
	queue_name(0);
	pid_t pid = check_fork();
	if (pid == 0) {
		refuse(error);
		use();
		_exit(0);
	}
	int status;
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == CHECK_SKIPPED)
		CHECK_SKIP("no filter can be set here");
	if (status != 0)
		check_fail(__FILE__, __LINE__, "refused with %s: status 0x%x",
			   strerrorname_np(error), status);
}

CASE(mq_is_made_where_links_are_refused)
{
	for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
		in_child(refuse_links, refusals[i]);
}

static void refuse_unnamed(int error)
{
	must(refuse_open_with(TMPFILE, error));
}

CASE(mq_is_made_where_files_without_a_name_are_refused)
{
	static const int errors[] = { EOPNOTSUPP, EISDIR, EINVAL, ENOENT, EPERM };
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
		in_child(refuse_unnamed, errors[i]);
}

static void refuse_unnamed_and_renames(int error)
{
	must(refuse_open_with(TMPFILE, EOPNOTSUPP));
	must(refuse_call(SYS_renameat2, error));
}

CASE(mq_is_made_where_only_links_are_left)
{
	static const int errors[] = { EINVAL, ENOSYS, EPERM, EACCES };
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
		in_child(refuse_unnamed_and_renames, errors[i]);
}

static void refuse_random_numbers(int error)
{
	must(refuse_call(SYS_getrandom, error));
}

/* In a directory of our own: others make objects, too. */
CASE(mq_leaves_no_temporary_file_where_links_are_refused)
{
	private_tmpfs("/dev/shm", 0, "mode=1777");
	in_child(refuse_links, EPERM);
	in_child(refuse_unnamed_and_renames, EINVAL);
	DIR *dir = opendir("/dev/shm");
	CHECK(dir);
	for (struct dirent *entry; (entry = readdir(dir));)
		CHECK(strncmp(entry->d_name, ".rsipc-", 7) != 0);
	closedir(dir);
}

CASE(mq_is_made_where_random_numbers_are_refused)
{
	in_child(refuse_random_numbers, ENOSYS);
}

static void refuse_reservation(int error)
{
	must(refuse_call(SYS_fallocate, error));
}

/* With EPERM, as filters do that do not know the call. */
CASE(mq_is_made_where_space_cannot_be_reserved)
{
	static const int errors[] = { EPERM, ENOSYS, EOPNOTSUPP };
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
		in_child(refuse_reservation, errors[i]);
}
