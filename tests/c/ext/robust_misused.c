/* Robust semaphores of programs that do unusual things: to the memory, to the descriptors, to the
 * counts of a ledger. */
#include <sys/resource.h>
#include "../support/robust.h"

enum { PAGE = 4096, LANES = 8, ACCOUNTS_AT = 4096, ACCOUNT = 256, LEDGER = 65536 };

/* The counts of an account: one for each lane. */
static uint64_t *counts_of(sem_t *sem, int account)
{
	int fd = open(ledger_path(sem), O_RDWR | O_CLOEXEC);
	CHECK_OK(fd);
	char *ledger = mmap(NULL, LEDGER, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(ledger != MAP_FAILED);
	/* Not closed: that would give back the locks of this process. */
	return (uint64_t *)(void *)(ledger + ACCOUNTS_AT + account * ACCOUNT);
}

/* As if it had taken by one lane and posted by another one for a long time. */
static void drift(sem_t *sem, uint32_t first, uint32_t second, uint32_t third)
{
	uint64_t *counts = counts_of(sem, 1);
	uint32_t sum = 0;
	for (int lane = 0; lane < LANES; lane++)
		sum += (uint32_t)counts[lane];
	CHECK_EQ(sum, first + second + third);
	for (int lane = 0; lane < LANES; lane++)
		counts[lane] = 0;
	counts[2] = first;
	counts[3] = second;
	counts[4] = third;
}

static void take_after_a_drift(sem_t *sem)
{
	take_one(sem);
	drift(sem, 0x80000000, 0x80000001, 0);
}

static void post_after_a_drift(sem_t *sem)
{
	take_one(sem);
	CHECK_OK(sem_post(sem));
	drift(sem, 0x7fffffff, 0x7fffffff, 2);
}

CASE(robust_taken_by_lanes_whose_counts_are_far_apart)
{
	sem_t *sem = robust_sem(1);
	end_holder(holder_of(sem, take_after_a_drift), KILLED);
	CHECK_SOON(value_of(sem) == 1);
}

CASE(robust_nothing_taken_by_lanes_whose_counts_are_far_apart)
{
	sem_t *sem = robust_sem(1);
	end_holder(holder_of(sem, post_after_a_drift), KILLED);
	check_stays(sem, 1);
}

static void take_robustly(sem_t *sem)
{
	make_robust(sem);
	take_one(sem);
}

/* This process does not count. What its memory becomes next is none of the semaphore's. */
CASE(robust_destroyed_by_a_process_that_does_not_count)
{
	static const char text[32] = "AAAA what is there afterwards";
	sem_t *sem = shared_sem(1);
	struct holder *holder = holder_of(sem, take_robustly);
	struct holder *keeper = holder_of(sem, make_robust);
	CHECK(ledger_of(sem) != 0);
	CHECK_OK(sem_destroy(sem));
	CHECK_EQ(ledger_of(sem), 0);
	__builtin_memcpy(sem, text, 28);
	end_holder(holder, KILLED);
	for (int i = 0; i < 50; i++) {
		CHECK_EQ(__builtin_memcmp(sem, text, 28), 0);
		nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
	}
	end_holder(keeper, KILLED);
}

static int the_file;

static sem_t *mapped(void)
{
	sem_t *sem = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, the_file, 0);
	CHECK(sem != MAP_FAILED);
	return sem;
}

static sem_t *sem_in_a_file(unsigned value)
{
	the_file = shm_open(check_name("file"), O_CREAT | O_EXCL | O_RDWR, 0600);
	CHECK_OK(the_file);
	CHECK_OK(ftruncate(the_file, PAGE));
	sem_t *sem = mapped();
	CHECK_OK(sem_init(sem, 1, value));
	return sem;
}

static void post_elsewhere_without_a_descriptor(sem_t *sem)
{
	sem_t *again = mapped();
	take_one(sem);
	CHECK_OK(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 1024, 1024 }));
	while (dup(0) >= 0)
		;
	CHECK_OK(sem_post(again));
}

CASE(robust_posts_elsewhere_without_a_free_descriptor)
{
	sem_t *sem = sem_in_a_file(1);
	make_robust(sem);
	struct holder *holder = holder_of(sem, post_elsewhere_without_a_descriptor);
	CHECK_EQ(value_of(sem), 1);
	end_holder(holder, KILLED);
	check_stays(sem, 1);
}
