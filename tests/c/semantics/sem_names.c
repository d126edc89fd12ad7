/* Names of semaphores: what is a name, which file it means, and which errno a bad one gives. */
#include "../support/sem.h"

#include <sys/file.h>

static char *padded(size_t slashes, const char *name)
{
	char *text = malloc(slashes + strlen(name) + 1);
	CHECK(text);
	memset(text, '/', slashes);
	strcpy(text + slashes, name);
	return text;
}

/* What opening, with and without O_CREAT, and unlinking this name give. */
static void fails(const char *name, int open_errno, int unlink_errno)
{
	CHECK_FAILS_AS(sem_open(name, 0), SEM_FAILED, open_errno);
	CHECK_FAILS_AS(sem_open(name, O_CREAT, 0600, 1), SEM_FAILED, open_errno);
	CHECK_FAILS_AS(sem_open(name, O_CREAT | O_EXCL, 0600, 1), SEM_FAILED, open_errno);
	CHECK_FAILS(sem_unlink(name), unlink_errno);
}

CASE(sem_name_is_the_file_sem_dot_name)
{
	const char *name = check_name("file");
	open_new(name, 1);
	struct stat st;
	CHECK_OK(lstat(sem_path(name), &st));
	CHECK(S_ISREG(st.st_mode));
	CHECK_OK(sem_unlink(name));
	CHECK_FAILS(lstat(sem_path(name), &st), ENOENT);
}

CASE(sem_name_needs_no_slash)
{
	const char *name = check_name("bare");
	sem_t *sem = open_new(name + 1, 3);
	CHECK_OK(sem_post(sem));
	CHECK_OK(access(sem_path(name), F_OK));
	sem_t *again = sem_open(name, 0);
	CHECK(again != SEM_FAILED);
	CHECK_EQ(value_of(again), 4);
	CHECK_OK(sem_unlink(name + 1));
	CHECK_FAILS_AS(sem_open(name, 0), SEM_FAILED, ENOENT);
}

CASE(sem_name_loses_all_leading_slashes)
{
	const char *name = check_name("slashes");
	char *many = padded(40, name + 1);
	open_new(many, 5);
	CHECK_OK(access(sem_path(name), F_OK));
	sem_t *sem = sem_open(name, 0);
	CHECK(sem != SEM_FAILED);
	CHECK_EQ(value_of(sem), 5);
	CHECK_OK(sem_unlink(many));
	CHECK_FAILS(sem_unlink(name), ENOENT);
}

CASE_BETTER(
	sem_name_may_have_any_number_of_leading_slashes,
	"glibc counts the stripped slashes against the 255 bytes of its table of open semaphores, fails "
	"with ENOENT, and leaves the file behind")
{
	const char *name = check_name("slashes");
	char *many = padded(3000, name + 1);
	sem_t *sem = open_new(many, 5);
	CHECK_EQ(value_of(sem), 5);
	CHECK_OK(sem_close(sem));
	CHECK_OK(sem_unlink(many));
}

CASE(sem_empty_name_is_einval)
{
	fails("", EINVAL, ENOENT);
	fails("/", EINVAL, ENOENT);
	fails("///", EINVAL, ENOENT);
}

CASE(sem_inner_slash_is_einval)
{
	fails("/chk/a", EINVAL, ENOENT);
	fails("chk/", EINVAL, ENOENT);
	fails("/chk/", EINVAL, ENOENT);
	fails("chk//a", EINVAL, ENOENT);
	fails("/../chk", EINVAL, ENOENT);
}

CASE(sem_inner_slash_is_seen_before_the_length)
{
	char *name = strdup(check_name_of("long", 253));
	name[200] = '/';
	fails(name, EINVAL, ENOENT);
}

CASE(sem_name_of_251_bytes_is_the_longest)
{
	const char *name = check_name_of("longest", 251);
	sem_t *sem = open_new(name, 1);
	CHECK_OK(access(sem_path(name), F_OK));
	CHECK(sem_open(name, 0) == sem);
	CHECK_OK(sem_unlink(name));
}

CASE_BETTER(
	sem_name_too_long_is_enametoolong,
	"POSIX asks for ENAMETOOLONG; glibc says EINVAL, and ENOENT to unlink, from some length on")
{
	const size_t lengths[] = { 252, 255, 256, 298 };
	for (unsigned i = 0; i < sizeof lengths / sizeof *lengths; i++)
		fails(check_name_of("longer", lengths[i]), ENAMETOOLONG, ENAMETOOLONG);
	char name[8192];
	memset(name, 'x', sizeof name);
	name[0] = '/';
	name[sizeof name - 1] = 0;
	fails(name, ENAMETOOLONG, ENAMETOOLONG);
}

CASE(sem_unlink_of_what_is_not_there_is_enoent)
{
	CHECK_FAILS(sem_unlink(check_name("absent")), ENOENT);
}

CASE(sem_name_may_be_a_dot)
{
	/* The names are not our own: one at a time. */
	CHECK_OK(flock(open("/dev/shm", O_RDONLY | O_DIRECTORY | O_CLOEXEC), LOCK_EX));
	/* With the prefix these are ordinary file names: they must not leave the directory. */
	static const char *const dots[] = { "/.", "/..", "..", "/..." };
	for (int i = 0; i < 4; i++) {
		sem_t *sem = sem_open(dots[i], O_CREAT, 0600, 2);
		CHECK(sem != SEM_FAILED);
		CHECK_OK(sem_close(sem));
		CHECK_OK(sem_unlink(dots[i]));
	}
}

CASE(sem_name_may_hold_any_other_byte)
{
	const char *name = check_name("\001 \t\n\\%s*?\xff\xc3\xa4~");
	sem_t *sem = open_new(name, 2);
	CHECK_OK(access(sem_path(name), F_OK));
	CHECK(sem_open(name, 0) == sem);
	CHECK_OK(sem_unlink(name));
}

CASE(sem_name_is_case_sensitive)
{
	const char *name = check_name("case");
	char *upper = strdup(name);
	upper[1] = 'C';
	open_new(name, 1);
	CHECK_FAILS_AS(sem_open(upper, 0), SEM_FAILED, ENOENT);
}

CASE(sem_and_shared_memory_object_may_have_the_same_name)
{
	const char *name = check_name("both");
	int fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
	CHECK_OK(fd);
	sem_t *sem = open_new(name, 7);
	CHECK_OK(ftruncate(fd, 4096));
	CHECK_OK(shm_unlink(name));
	CHECK_EQ(value_of(sem), 7);
	CHECK_OK(sem_unlink(name));
}

CASE_BETTER(
	sem_other_spelling_gives_the_same_address,
	"POSIX: the same name gives the same address; glibc compares the spelling, slashes and all")
{
	const char *name = check_name("spelling");
	sem_t *sem = open_new(name, 1);
	char *two = padded(2, name + 1);
	CHECK(sem_open(two, 0) == sem);
	CHECK(sem_open(name + 1, 0) == sem);
	CHECK_OK(sem_close(sem));
	CHECK_OK(sem_close(sem));
	CHECK_OK(sem_close(sem));
	CHECK_FAILS(sem_close(sem), EINVAL);
}
