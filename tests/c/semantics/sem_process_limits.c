/* A process that has reached a limit of its own gets an errno at once, or the semaphore it asks
 * for; that of others is as it was. */
#include "../support/limits.h"
#include "../support/sem.h"

static const char *name, *other_name;

/* The semaphore `name` is there, and whole, when the child is done. */
static void meanwhile(void (*body)(void))
{
	name = check_name("kept");
	other_name = check_name("new");
	sem_t *kept = open_new(name, 3);
	pid_t child = check_fork();
	if (child == 0) {
		CHECK_OK(sem_close(kept));
		body();
		_exit(0);
	}
	check_child(child);
	CHECK_EQ(value_of(kept), 3);
	sem_t *again = sem_open(name, 0);
	CHECK(again != SEM_FAILED);
	CHECK_EQ(value_of(again), 3);
}

static void use(sem_t *sem)
{
	int value = value_of(sem);
	CHECK_OK(sem_post(sem));
	CHECK_OK(sem_wait(sem));
	CHECK_EQ(value_of(sem), value);
}

static void with_one_descriptor(void)
{
	leave_descriptors(1);
	for (int i = 0; i < 3; i++) {
		sem_t *sem = sem_open(name, 0);
		CHECK(sem != SEM_FAILED);
		use(sem);
		CHECK_OK(sem_close(sem));
	}
	sem_t *made = sem_open(other_name, O_CREAT | O_EXCL, 0600, 1);
	CHECK(made != SEM_FAILED);
	use(made);
	CHECK_OK(close(dup(2)));
}

CASE(sem_open_with_one_descriptor_left)
{
	meanwhile(with_one_descriptor);
}

static void with_none(void)
{
	leave_descriptors(0);
	CHECK_FAILS_AS(sem_open(name, 0), SEM_FAILED, EMFILE);
	CHECK_FAILS_AS(sem_open(other_name, O_CREAT, 0600, 1), SEM_FAILED, EMFILE);
	CHECK_FAILS(sem_unlink(other_name), ENOENT);
}

CASE(sem_open_without_a_descriptor_left_is_emfile)
{
	meanwhile(with_none);
}

static void with_open_ones_and_none(void)
{
	sem_t *sem = sem_open(name, 0);
	CHECK(sem != SEM_FAILED);
	leave_descriptors(0);
	use(sem);
	/* What is open already needs none. */
	errno = 0;
	sem_t *again = sem_open(name, 0);
	CHECK(again != SEM_FAILED || errno == EMFILE);
	CHECK_OK(sem_unlink(name));
	use(sem);
	use(shared_sem(2));
	int fd = open("/dev/null", O_RDONLY);
	CHECK(fd == -1 && errno == EMFILE);
	sem_t *spare = sem;
	CHECK_OK(sem_close(spare));
}

CASE(sem_is_used_without_a_descriptor_left)
{
	name = check_name("used");
	open_new(name, 3);
	with_open_ones_and_none();
}

static void with_little_memory(void)
{
	limit_memory(0);
	errno = 0;
	sem_t *sem = sem_open(name, 0);
	CHECK(sem != SEM_FAILED || errno == ENOMEM);
	errno = 0;
	sem = sem_open(other_name, O_CREAT | O_EXCL, 0600, 1);
	CHECK(sem != SEM_FAILED || errno == ENOMEM);
}

CASE(sem_open_with_little_memory_works_or_is_enomem)
{
	meanwhile(with_little_memory);
}

static void with_small_files(void)
{
	limit_to(RLIMIT_FSIZE, 16384);
	use(sem_open(name, 0));
	sem_t *sem = sem_open(other_name, O_CREAT | O_EXCL, 0600, 1);
	CHECK(sem != SEM_FAILED);
	use(sem);
}

CASE(sem_open_where_files_are_small)
{
	meanwhile(with_small_files);
}

static void with_no_bytes(void)
{
	CHECK(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	limit_to(RLIMIT_FSIZE, 0);
	use(sem_open(name, 0));
	CHECK_FAILS_AS(sem_open(other_name, O_CREAT | O_EXCL, 0600, 1), SEM_FAILED, EFBIG);
	CHECK_FAILS_AS(sem_open(other_name, 0), SEM_FAILED, ENOENT);
}

CASE(sem_open_where_no_file_may_have_a_byte_is_efbig)
{
	meanwhile(with_no_bytes);
}
