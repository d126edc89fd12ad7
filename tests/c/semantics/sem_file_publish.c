/* Named semaphores are made where steps of the usual way to make a file whole are refused. */
#include <semaphore.h>
#include "../support/check.h"
#include "../support/refuse.h"

static void in_child(void (*refuse)(int), int error, const char *name)
{
	pid_t pid = check_fork();
	if (pid == 0) {
		refuse(error);
		sem_t *sem = sem_open(name, O_CREAT | O_EXCL, 0600, 7);
		CHECK(sem != SEM_FAILED);
		CHECK_FAILS_AS(sem_open(name, O_CREAT | O_EXCL, 0600, 7), SEM_FAILED, EEXIST);
		int value;
		CHECK_OK(sem_getvalue(sem, &value));
		CHECK_EQ(value, 7);
		CHECK_OK(sem_unlink(name));
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

CASE_BETTER(sem_is_made_where_links_are_refused, "glibc knows links alone")
{
	static const int errors[] = { EPERM, EACCES, ENOSYS, EOPNOTSUPP };
	const char *name = check_name("links");
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
		in_child(refuse_links, errors[i], name);
}

static void refuse_links_of_descriptors(int error)
{
	must(refuse_link_with(AT_EMPTY_PATH, error));
}

CASE(sem_is_made_where_descriptors_cannot_be_linked)
{
	/* Linux before 6.10, before 2.6.39, and a filter. */
	static const int errors[] = { ENOENT, EINVAL, EPERM };
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
		in_child(refuse_links_of_descriptors, errors[i], check_name("descriptors"));
}

static void refuse_links_of_paths(int error)
{
	must(refuse_link_with(AT_SYMLINK_FOLLOW, error));
}

CASE(sem_is_made_where_paths_in_proc_cannot_be_linked)
{
	in_child(refuse_links_of_paths, ENOENT, check_name("paths"));
}

static void refuse_unnamed(int error)
{
	must(refuse_open_with(O_TMPFILE & ~O_DIRECTORY, error));
}

CASE(sem_is_made_where_files_without_a_name_are_refused)
{
	in_child(refuse_unnamed, EOPNOTSUPP, check_name("unnamed"));
	in_child(refuse_unnamed, EISDIR, check_name("unnamed"));
}
