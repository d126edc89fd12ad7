/* Robust uses that are over: what the library keeps for them goes with them; what is owed stays
 * owed. */
#include <dirent.h>
#include "../support/robust.h"

/* More than a process can have at a time, by far. */
enum { MANY = 2000, PAGE = 4096 };

static int entries_of(const char *directory)
{
	int count = 0;
	DIR *dir = opendir(directory);
	CHECK(dir != NULL);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

struct kept {
	int threads, descriptors;
};

static struct kept kept(void)
{
	return (struct kept){ entries_of("/proc/self/task"), entries_of("/proc/self/fd") };
}

/* A thread that has said that it leaves may still be on its way. */
static void check_kept(struct kept before)
{
	CHECK_SOON(kept().threads == before.threads);
	CHECK_EQ(kept().descriptors, before.descriptors);
}

static void lock_and_unlock(sem_t *sem)
{
	make_robust(sem);
	take_one(sem);
	CHECK_OK(sem_post(sem));
	__builtin_memset(robust_ledgers, 0, sizeof *robust_ledgers);
}

static void check_ledger_is_gone(unsigned number)
{
	char path[64];
	snprintf(path, sizeof path, "/dev/shm/rsipc-rs.%08x", number);
	CHECK_SOON(access(path, F_OK) == -1);
}

CASE(robust_named_semaphores_one_after_the_other)
{
	const char *name = check_name("one");
	struct kept before = kept();
	for (int i = 0; i < MANY; i++) {
		sem_t *sem = open_new(name, 1);
		lock_and_unlock(sem);
		unsigned ledger = ledger_of(sem);
		if (i % 2)
			CHECK_OK(sem_unlink(name));
		CHECK_OK(sem_close(sem));
		if (i % 2 == 0)
			CHECK_OK(sem_unlink(name));
		check_ledger_is_gone(ledger);
	}
	check_kept(before);
}

CASE(robust_unnamed_semaphores_one_after_the_other)
{
	sem_t *sem = shared_sem(1);
	struct kept before = kept();
	for (int i = 0; i < MANY; i++) {
		lock_and_unlock(sem);
		unsigned ledger = ledger_of(sem);
		CHECK_OK(sem_destroy(sem));
		check_ledger_is_gone(ledger);
		CHECK_OK(sem_init(sem, 1, 1));
	}
	check_kept(before);
}

/* What is taken from a semaphore that is destroyed is owed to nobody. */
CASE(robust_semaphores_that_are_destroyed_while_they_are_taken)
{
	sem_t *sem = shared_sem(1);
	struct kept before = kept();
	for (int i = 0; i < MANY; i++) {
		make_robust(sem);
		take_one(sem);
		__builtin_memset(robust_ledgers, 0, sizeof *robust_ledgers);
		CHECK_OK(sem_destroy(sem));
		CHECK_OK(sem_init(sem, 1, 1));
	}
	check_kept(before);
}

/* Nobody tells the library of it. Each has an address of its own. */
CASE(robust_semaphores_in_memory_that_is_unmapped)
{
	char *memory = mmap(NULL, (size_t)MANY * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			    0);
	CHECK(memory != MAP_FAILED);
	for (int i = 0; i < MANY / 4; i++) {
		void *page = memory + (size_t)i * PAGE;
		int how = MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED;
		CHECK(mmap(page, PAGE, PROT_READ | PROT_WRITE, how, -1, 0) == page);
		CHECK_OK(sem_init(page, 1, 1));
		lock_and_unlock(page);
		CHECK_EQ(munmap(page, PAGE), 0);
	}
}

CASE(robust_semaphores_that_another_process_initialises_anew)
{
	sem_t *sem = shared_sem(1);
	int *turn = common_memory(sizeof *turn);
	pid_t pid = check_fork();
	if (pid == 0) {
		for (int i = 0; i < MANY; i++) {
			CHECK_SOON(__atomic_load_n(turn, __ATOMIC_SEQ_CST) == 2 * i + 1);
			CHECK_OK(sem_init(sem, 1, 1));
			__atomic_store_n(turn, 2 * i + 2, __ATOMIC_SEQ_CST);
		}
		_exit(0);
	}
	for (int i = 0; i < MANY; i++) {
		lock_and_unlock(sem);
		take_one(sem);
		__atomic_store_n(turn, 2 * i + 1, __ATOMIC_SEQ_CST);
		CHECK_SOON(__atomic_load_n(turn, __ATOMIC_SEQ_CST) == 2 * i + 2);
	}
	check_child(pid);
}

static const char *the_name;

static sem_t *reopened(sem_t *sem)
{
	CHECK_OK(sem_close(sem));
	sem_t *again = sem_open(the_name, 0);
	CHECK(again != SEM_FAILED);
	return again;
}

CASE(robust_debts_that_are_paid_after_close_one_after_the_other)
{
	the_name = check_name("debts");
	CHECK_OK(sem_close(open_new(the_name, 1)));
	struct kept before = kept();
	for (int i = 0; i < MANY; i++) {
		sem_t *sem = sem_open(the_name, 0);
		CHECK(sem != SEM_FAILED);
		make_robust(sem);
		take_one(sem);
		sem = reopened(sem);
		CHECK_OK(sem_post(sem));
		CHECK_OK(sem_close(sem));
	}
	check_kept(before);
}

static void hold_over_a_close(sem_t *sem)
{
	(void)sem;
	sem_t *mine = sem_open(the_name, 0);
	make_robust(mine);
	take_one(mine);
	/* The parent has opened it, too. */
	CHECK_OK(sem_close(mine));
	CHECK_OK(sem_close(mine));
}

static void hold_over_close_and_open(sem_t *sem)
{
	hold_over_a_close(sem);
	make_robust(sem_open(the_name, 0));
}

static void pay_after_close_and_open(sem_t *sem)
{
	hold_over_a_close(sem);
	sem_t *again = sem_open(the_name, 0);
	make_robust(again);
	CHECK_OK(sem_post(again));
}

static void pay_and_take_again(sem_t *sem)
{
	pay_after_close_and_open(sem);
	sem_t *again = reopened(sem_open(the_name, 0));
	take_one(again);
}

static void reopens(void (*act)(sem_t *), int held, int after)
{
	the_name = check_name("again");
	sem_t *sem = open_new(the_name, 1);
	make_robust(sem);
	struct holder *holder = holder_of(sem, act);
	CHECK_EQ(value_of(sem), held);
	end_holder(holder, KILLED);
	CHECK_SOON(value_of(sem) == after);
	check_stays(sem, after);
}

CASE(robust_owes_after_a_close)
{
	reopens(hold_over_a_close, 0, 1);
}

CASE(robust_goes_on_with_the_account_after_close_and_open)
{
	reopens(hold_over_close_and_open, 0, 1);
}

CASE(robust_pays_after_close_and_open)
{
	reopens(pay_after_close_and_open, 1, 1);
}

CASE(robust_pays_and_takes_again)
{
	reopens(pay_and_take_again, 0, 1);
}

static int the_file;

static sem_t *mapped(void)
{
	sem_t *sem = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, the_file, 0);
	CHECK(sem != MAP_FAILED);
	return sem;
}

/* Posts through a mapping that the library was never told of. */
static void pay_elsewhere(sem_t *sem)
{
	(void)sem;
	sem_t *first = mapped();
	make_robust(first);
	take_one(first);
	CHECK_EQ(munmap(first, PAGE), 0);
	CHECK(mmap(first, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
	      first);
	CHECK_OK(sem_post(mapped()));
}

CASE(robust_pays_through_another_mapping)
{
	the_file = shm_open(check_name("file"), O_CREAT | O_EXCL | O_RDWR, 0600);
	CHECK_OK(the_file);
	CHECK_OK(ftruncate(the_file, PAGE));
	sem_t *sem = mapped();
	CHECK_OK(sem_init(sem, 1, 1));
	make_robust(sem);
	end_holder(holder_of(sem, pay_elsewhere), KILLED);
	check_stays(sem, 1);
}

static void *post_once(void *sem)
{
	CHECK_OK(sem_post(sem));
	return NULL;
}

/* The poster may still be in its call. */
CASE(robust_is_destroyed_by_the_one_that_was_posted_to)
{
	sem_t *sem = shared_sem(0);
	struct kept before = kept();
	for (int i = 0; i < MANY / 4; i++) {
		pthread_t poster;
		make_robust(sem);
		__builtin_memset(robust_ledgers, 0, sizeof *robust_ledgers);
		CHECK_EQ(pthread_create(&poster, NULL, post_once, sem), 0);
		take_one(sem);
		CHECK_OK(sem_destroy(sem));
		CHECK_OK(sem_init(sem, 1, 0));
		CHECK_EQ(pthread_join(poster, NULL), 0);
	}
	make_robust(sem);
	CHECK_OK(sem_destroy(sem));
	check_kept(before);
}

/* The child has closed its own. */
CASE(robust_use_of_a_parent_outlasts_a_close_by_its_child)
{
	const char *name = check_name("child");
	sem_t *sem = open_new(name, 2);
	make_robust(sem);
	struct holder *self = common_memory(sizeof *self);
	pid_t parent = check_fork();
	if (parent == 0) {
		take_one(sem);
		pid_t child = check_fork();
		if (child == 0) {
			take_one(sem);
			CHECK_OK(sem_post(sem));
			CHECK_OK(sem_close(sem));
			_exit(0);
		}
		check_child(child);
		hold_until_told(self);
	}
	await_holder(self, parent);
	check_stays(sem, 1);
	end_holder(self, KILLED);
	CHECK_SOON(value_of(sem) == 2);
}

/* Killed at random instants, with and without something taken, and as its account is freed. An
 * account that stayed in use would be missed after 120 of them. */
CASE(robust_killed_while_it_opens_and_closes)
{
	enum { KILLS = 150 };
	the_name = check_name("kills");
	sem_t *sem = open_new(the_name, 1);
	make_robust(sem);
	for (int i = 0; i < KILLS; i++) {
		pid_t pid = check_fork();
		while (pid == 0) {
			sem_t *mine = sem_open(the_name, 0);
			CHECK(mine != SEM_FAILED);
			make_robust(mine);
			take_one(mine);
			CHECK_OK(sem_post(mine));
			CHECK_OK(sem_close(mine));
			if (i % 2 == 0)
				sem_close(mine);
		}
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 + i * 37123 }, NULL);
		CHECK_OK(kill(pid, SIGKILL));
		int status;
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		/* Not by a check of its own. */
		CHECK_EQ(status, SIGKILL);
		CHECK_SOON(value_of(sem) == 1);
	}
	check_stays(sem, 1);
}
