/* The file of a semaphore that is used robustly becomes shorter: a death is to be survived, be the
 * memory in use any more or not. */
#include "../support/robust.h"

enum { PAGE = 4096 };

static int the_file;

/* In a file, so far from its beginning. */
static sem_t *sem_in_file(size_t at)
{
	const char *name = check_name("short");
	the_file = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	CHECK_OK(the_file);
	CHECK_OK(shm_unlink(name));
	CHECK_OK(ftruncate(the_file, 2 * PAGE));
	char *memory =
		mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, the_file, 0);
	CHECK(memory != MAP_FAILED);
	sem_t *sem = (sem_t *)(void *)(memory + at);
	CHECK_OK(sem_init(sem, 1, 1));
	make_robust(sem);
	return sem;
}

/* The mark that stands for an account: a row of 120 words of 8 bytes for each of as many. */
static unsigned standing(int ledger, int account)
{
	enum { ACCOUNTS = 120, MARKS = 4096 + ACCOUNTS * 256 };
	unsigned mark;
	off_t at = MARKS + (off_t)account * (ACCOUNTS + 1) * 8;
	CHECK_EQ(pread(ledger, &mark, sizeof mark, at), (ssize_t)sizeof mark);
	return mark;
}

/* The other process dies, and this one finds out. */
static void another_dies_when_it_is_shorter(size_t at, int shorter, int is_unmapped)
{
	sem_t *sem = sem_in_file(at);
	int ledger = open(ledger_path(sem), O_RDONLY | O_CLOEXEC);
	CHECK_OK(ledger);
	struct holder *holder = holder_of(sem, take_one);
	CHECK(standing(ledger, 0) != 0 && standing(ledger, 1) != 0);
	if (is_unmapped)
		CHECK_OK(munmap((char *)sem - at, 2 * PAGE));
	CHECK_OK(ftruncate(the_file, shorter));
	end_holder(holder, KILLED);
	CHECK_SOON(standing(ledger, 1) == 0);
	/* And all else goes on. */
	sem_t *other = robust_sem(1);
	end_holder(holder_of(other, take_one), KILLED);
	CHECK_SOON(value_of(other) == 1);
}

CASE(robust_file_that_is_empty_now)
{
	another_dies_when_it_is_shorter(64, 0, 0);
}

CASE(robust_file_that_is_unmapped_and_empty_now)
{
	another_dies_when_it_is_shorter(64, 0, 1);
}

CASE(robust_file_that_is_half_as_long_now)
{
	another_dies_when_it_is_shorter(PAGE + 64, PAGE, 1);
}

/* Its number is in the second page. */
CASE(robust_file_that_ends_within_the_semaphore_now)
{
	another_dies_when_it_is_shorter(PAGE - 16, PAGE, 0);
}

/* The memory is there again, and holds zeros. */
CASE(robust_file_that_was_shorter_for_a_time)
{
	sem_t *sem = sem_in_file(64);
	struct holder *holder = holder_of(sem, take_one);
	CHECK_OK(ftruncate(the_file, 0));
	CHECK_OK(ftruncate(the_file, 2 * PAGE));
	CHECK_OK(sem_init(sem, 1, 5));
	make_robust(sem);
	end_holder(holder, KILLED);
	check_stays(sem, 5);
	end_holder(holder_of(sem, take_one), KILLED);
	CHECK_SOON(value_of(sem) == 5);
}
