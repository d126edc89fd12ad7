/* Robust semaphores between processes of several kinds: named, of other users, on plain glibc. */
#include "../support/nobody.h"
#include "../support/refuse.h"
#include "../support/robust.h"
#include <sys/resource.h>

static sem_t *open_robust(const char *name)
{
	sem_t *sem = sem_open(name, 0);
	CHECK(sem != SEM_FAILED);
	make_robust(sem);
	return sem;
}

CASE(robust_named_semaphore_gives_back)
{
	const char *name = check_name("named");
	sem_t *sem = open_new(name, 1);
	make_robust(sem);
	pid_t pid = check_fork();
	if (pid == 0) {
		take_one(sem_open(name, 0));
		_exit(0);
	}
	check_child(pid);
	CHECK_SOON(value_of(sem) == 1);
}

/* The second process comes by the name alone: it does not inherit the first one's use. */
CASE(robust_processes_meet_at_the_name)
{
	const char *name = check_name("meet");
	CHECK_OK(sem_close(open_new(name, 1)));
	int *step = common_memory(sizeof *step);
	pid_t pid = check_fork();
	if (pid == 0) {
		take_one(open_robust(name));
		__atomic_store_n(step, 1, __ATOMIC_SEQ_CST);
		for (;;)
			pause();
	}
	CHECK_SOON(__atomic_load_n(step, __ATOMIC_SEQ_CST) == 1);
	sem_t *sem = open_robust(name);
	struct waiter waiter;
	waiter_start(&waiter, sem, by_wait);
	CHECK_OK(kill(pid, SIGKILL));
	waiter_join(&waiter);
	CHECK_EQ(waiter.result, 0);
	CHECK_EQ(rsipc_sem_wasdead(sem), 1);
}

CASE(robust_use_survives_close_and_open)
{
	const char *name = check_name("again");
	CHECK_OK(sem_close(open_new(name, 2)));
	sem_t *mine = open_robust(name);
	pid_t pid = check_fork();
	if (pid == 0) {
		sem_t *sem = open_robust(name);
		take_one(sem);
		CHECK_OK(sem_close(sem));
		CHECK_OK(sem_close(sem));
		sem = sem_open(name, 0);
		/* Not robust again by itself: uncounted. */
		take_one(sem);
		CHECK_FAILS(rsipc_sem_wasdead(sem), EINVAL);
		_exit(0);
	}
	check_child(pid);
	CHECK_SOON(value_of(mine) == 1);
	check_stays(mine, 1);
}

/* The same semaphore at two addresses. */
CASE(robust_semaphore_in_a_file)
{
	const char *name = check_name("file");
	int fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
	CHECK_OK(fd);
	CHECK_OK(ftruncate(fd, 3 * 4096));
	char *memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096);
	CHECK(memory != MAP_FAILED);
	/* Over the edge of a page. */
	sem_t *same = (sem_t *)(void *)(memory + 4096 - 16);
	CHECK_OK(sem_init(same, 1, 3));
	make_robust(same);
	pid_t pid = check_fork();
	if (pid == 0) {
		char *again = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		sem_t *there = (sem_t *)(void *)(again + 8192 - 16);
		make_robust(there);
		CHECK_EQ(ledger_of(there), ledger_of(same));
		take_one(there);
		take_one(same);
		CHECK_EQ(munmap(again, 3 * 4096), 0);
		_exit(0);
	}
	check_child(pid);
	CHECK_SOON(value_of(same) == 3);
	CHECK_EQ(rsipc_sem_wasdead(same), 1);
}

CASE(robust_of_memory_that_is_read_only_is_einval)
{
	const char *name = check_name("ro");
	int fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
	CHECK_OK(fd);
	CHECK_OK(ftruncate(fd, 4096));
	sem_t *sem = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(sem != MAP_FAILED);
	CHECK_OK(sem_init(sem, 1, 1));
	sem_t *readable = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(readable != MAP_FAILED);
	CHECK_FAILS(rsipc_sem_setrobust(readable), EINVAL);
}

/* What is taken from a copy is not taken from the semaphore, used robustly elsewhere or not. */
CASE(robust_of_a_private_mapping_is_einval)
{
	const char *name = check_name("private");
	int fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
	CHECK_OK(fd);
	CHECK_OK(ftruncate(fd, 4096));
	sem_t *sem = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(sem != MAP_FAILED);
	CHECK_OK(sem_init(sem, 1, 1));
	sem_t *copy = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(copy != MAP_FAILED);
	CHECK_FAILS(rsipc_sem_setrobust(copy), EINVAL);
	make_robust(sem);
	CHECK_FAILS(rsipc_sem_setrobust(copy), EINVAL);
	CHECK_FAILS(rsipc_sem_wasdead(copy), EINVAL);
}

/* Not ENOSYS: it may succeed later. */
CASE(robust_without_a_descriptor_is_emfile)
{
	sem_t *sem = shared_sem(1);
	struct rlimit before, none;
	CHECK_OK(getrlimit(RLIMIT_NOFILE, &before));
	none = before;
	none.rlim_cur = 0;
	CHECK_OK(setrlimit(RLIMIT_NOFILE, &none));
	CHECK_FAILS(rsipc_sem_setrobust(sem), EMFILE);
	CHECK_OK(setrlimit(RLIMIT_NOFILE, &before));
	make_robust(sem);
}

/* What glibc's sem_init leaves in the bytes that the library uses. */
CASE(robust_whatever_the_unused_bytes_hold)
{
	sem_t *sem = shared_sem(1);
	((uint32_t *)(void *)sem)[6] = 0xabad1dea;
	((uint32_t *)(void *)sem)[7] = 0xdeadbeef;
	make_robust(sem);
	CHECK(ledger_of(sem) != 0xdeadbeef);
	end_holder(holder_of(sem, take_one), KILLED);
	CHECK_SOON(value_of(sem) == 1);
}

/* A number that leads to the ledger of another semaphore. */
CASE(robust_does_not_take_another_ones_ledger)
{
	sem_t *other = robust_sem(1), *sem = shared_sem(1);
	((uint32_t *)(void *)sem)[7] = ledger_of(other);
	make_robust(sem);
	CHECK(ledger_of(sem) != ledger_of(other));
	end_holder(holder_of(sem, take_one), KILLED);
	CHECK_SOON(value_of(sem) == 1);
	CHECK_EQ(value_of(other), 1);
	CHECK_EQ(rsipc_sem_wasdead(other), 0);
}

static void take_as_another_user(const char *name)
{
	sem_t *sem = sem_open(name, 0);
	CHECK(sem != SEM_FAILED);
	CHECK_OK(rsipc_sem_setrobust(sem));
	take_one(sem);
}

CASE(robust_for_two_users)
{
	const char *name = check_name("users");
	umask(0);
	sem_t *sem = sem_open(name, O_CREAT | O_EXCL, 0666, 1);
	CHECK(sem != SEM_FAILED);
	make_robust(sem);
	struct stat ledger;
	CHECK_OK(stat(ledger_path(sem), &ledger));
	CHECK_EQ(ledger.st_mode & 0777, 0666);
	as_nobody(take_as_another_user, name);
	CHECK_SOON(value_of(sem) == 1);
	CHECK_EQ(rsipc_sem_wasdead(sem), 1);
}

/* The other way round: the one that makes the ledger does not own the semaphore. */
CASE(robust_for_two_users_whoever_begins)
{
	const char *name = check_name("begun");
	umask(0);
	sem_t *sem = sem_open(name, O_CREAT | O_EXCL, 0666, 1);
	CHECK(sem != SEM_FAILED);
	as_nobody(take_as_another_user, name);
	CHECK_EQ(value_of(sem), 0);
	make_robust(sem);
	CHECK_SOON(value_of(sem) == 1);
}

CASE(robust_ledger_is_as_private_as_its_semaphore)
{
	const char *name = check_name("private");
	sem_t *sem = open_new(name, 1);
	make_robust(sem);
	struct stat ledger;
	CHECK_OK(stat(ledger_path(sem), &ledger));
	CHECK_EQ(ledger.st_mode & 0777, 0600);
	sem_t *nameless = robust_sem(1);
	CHECK_OK(stat(ledger_path(nameless), &ledger));
	CHECK_EQ(ledger.st_mode & 0777, 0600);
}

CASE(robust_without_the_right_to_the_ledger_is_eacces)
{
	if (geteuid() != 0)
		CHECK_SKIP("only root can become another user");
	sem_t *sem = shared_sem(1);
	/* It stays: once it is gone, any process may remove the ledger. */
	struct holder *maker = holder_of(sem, make_robust);
	pid_t pid = check_fork();
	if (pid == 0) {
		become_user(NOBODY, NOBODY);
		CHECK_FAILS(rsipc_sem_setrobust(sem), EACCES);
		_exit(0);
	}
	check_child(pid);
	end_holder(maker, KILLED);
}

CASE(robust_ledger_goes_with_its_semaphore)
{
	const char *name = check_name("goes");
	sem_t *sem = open_new(name, 1);
	pid_t pid = check_fork();
	if (pid == 0) {
		make_robust(sem);
		exit(0);
	}
	check_child(pid);
	CHECK_EQ(access(ledger_path(sem), F_OK), 0);
	CHECK_OK(sem_unlink(name));
	/* Another process that looks at the same moment may be the one that removes it. */
	CHECK_SOON(access(ledger_path(sem), F_OK) == -1);
}

CASE(robust_ledger_of_nameless_memory_goes_at_exit)
{
	sem_t *sem = shared_sem(1);
	pid_t pid = check_fork();
	if (pid == 0) {
		make_robust(sem);
		exit(0);
	}
	check_child(pid);
	CHECK(ledger_of(sem) != 0);
	CHECK_SOON(access(ledger_path(sem), F_OK) == -1);
}

CASE(robust_ledger_stays_while_it_is_used)
{
	const char *name = check_name("stays");
	sem_t *sem = open_new(name, 1);
	make_robust(sem);
	CHECK_OK(sem_unlink(name));
	CHECK_EQ(access(ledger_path(sem), F_OK), 0);
	end_holder(holder_of(sem, take_one), EXITS);
	CHECK_SOON(value_of(sem) == 1);
}

/* It would open its account at its first call, with a thread of its own. */
CASE(robust_child_behind_a_filter_is_not_counted)
{
	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) > 0)
		CHECK_SKIP("the test itself runs behind a filter");
	sem_t *sem = robust_sem(2);
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_OK(kill_for_memory_and_threads());
		take_one(sem);
		CHECK_OK(sem_post(sem));
		take_one(sem);
		_exit(0);
	}
	check_child(pid);
	check_stays(sem, 1);
}
