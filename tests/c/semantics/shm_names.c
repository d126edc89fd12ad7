/* Names of shared memory objects: what is a name, which file it means, and which errno a bad one
 * gives. */
#include "../support/shm.h"

/* What opening, with and without O_CREAT, and unlinking this name give. */
static void fails(const char *name, int open_errno, int unlink_errno)
{
	CHECK_FAILS(shm_open(name, O_RDONLY, 0), open_errno);
	CHECK_FAILS(shm_open(name, O_RDWR, 0), open_errno);
	CHECK_FAILS(shm_open(name, O_CREAT | O_RDWR, 0600), open_errno);
	CHECK_FAILS(shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600), open_errno);
	CHECK_FAILS(shm_unlink(name), unlink_errno);
}

CASE(shm_name_is_the_file_of_that_name)
{
	const char *name = check_name("file");
	shm_new(name, "text");
	struct stat st;
	CHECK_OK(lstat(shm_path(name), &st));
	CHECK(S_ISREG(st.st_mode));
	CHECK_EQ(st.st_size, 4);
	CHECK_OK(shm_unlink(name));
	CHECK_FAILS(lstat(shm_path(name), &st), ENOENT);
}

CASE(shm_name_needs_no_slash)
{
	const char *name = check_name("bare");
	shm_new(name + 1, "bare");
	int fd = shm_open(name, O_RDONLY, 0);
	CHECK(strcmp(shm_text(fd), "bare") == 0);
	CHECK_OK(shm_unlink(name + 1));
	CHECK_FAILS(shm_unlink(name), ENOENT);
}

CASE(shm_name_loses_all_leading_slashes)
{
	const char *name = check_name("slashes");
	char many[5000];
	memset(many, '/', sizeof many);
	memcpy(many + 4000, name, strlen(name) + 1);
	shm_new(many, "many");
	CHECK_OK(access(shm_path(name), F_OK));
	int fd = shm_open(name, O_RDONLY, 0);
	CHECK(strcmp(shm_text(fd), "many") == 0);
	CHECK_OK(shm_unlink(many));
}

CASE(shm_empty_name_is_einval)
{
	fails("", EINVAL, ENOENT);
	fails("/", EINVAL, ENOENT);
	fails("////", EINVAL, ENOENT);
}

CASE(shm_inner_slash_is_einval)
{
	fails("/chk/a", EINVAL, ENOENT);
	fails("chk/", EINVAL, ENOENT);
	fails("/chk//a", EINVAL, ENOENT);
	fails("/../etc/passwd", EINVAL, ENOENT);
	fails("/./chk", EINVAL, ENOENT);
}

CASE(shm_inner_slash_is_seen_before_the_length)
{
	char *name = strdup(check_name_of("long", 257));
	name[100] = '/';
	fails(name, EINVAL, ENOENT);
}

CASE(shm_name_of_255_bytes_is_the_longest)
{
	const char *name = check_name_of("longest", 255);
	shm_new(name, "long");
	CHECK_OK(shm_open(name, O_RDONLY, 0));
	CHECK_OK(shm_unlink(name));
}

static const char *far_too_long(void)
{
	static char name[5000];
	memset(name, 'x', sizeof name - 1);
	name[0] = '/';
	return name;
}

CASE_BETTER(
	shm_name_too_long_is_enametoolong,
	"POSIX asks for ENAMETOOLONG; glibc says EINVAL, and ENOENT to unlink, from some length on")
{
	const size_t lengths[] = { 256, 259, 260, 298 };
	for (unsigned i = 0; i < sizeof lengths / sizeof *lengths; i++)
		fails(check_name_of("longer", lengths[i]), ENAMETOOLONG, ENAMETOOLONG);
	fails(far_too_long(), ENAMETOOLONG, ENAMETOOLONG);
}

CASE(shm_unlink_of_what_is_not_there_is_enoent)
{
	CHECK_FAILS(shm_unlink(check_name("absent")), ENOENT);
}

CASE(shm_name_may_hold_any_other_byte)
{
	const char *name = check_name("\001 \t\n\\%s*?\xff\xc3\xa4~");
	shm_new(name, "odd");
	CHECK_OK(access(shm_path(name), F_OK));
	CHECK_OK(shm_unlink(name));
}

CASE(shm_name_of_a_dot_is_the_directory)
{
	/* Open for writing, a directory is EINVAL, and it cannot be unlinked. */
	static const char *const dots[] = { "/.", "/..", ".." };
	for (int i = 0; i < 3; i++) {
		CHECK_FAILS(shm_open(dots[i], O_RDWR, 0), EINVAL);
		CHECK_FAILS(shm_open(dots[i], O_CREAT | O_RDWR, 0600), EINVAL);
		CHECK(shm_unlink(dots[i]) == -1);
	}
}

CASE(shm_name_may_begin_like_a_semaphore)
{
	const char *plain = check_name("like");
	char name[400];
	snprintf(name, sizeof name, "/sem.%s", plain + 1);
	shm_new(name, "like");
	CHECK_FAILS(shm_open(plain, O_RDONLY, 0), ENOENT);
	CHECK_OK(shm_unlink(name));
}
