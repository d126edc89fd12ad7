/* fork: what a child has, and that it can go on whatever its parent's threads were doing. */
#include "../support/forking.h"
#include "../support/sem.h"

CASE(sem_named_one_is_open_in_a_child)
{
	const char *name = check_name("child");
	sem_t *sem = open_new(name, 0);
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_OK(sem_post(sem));
		CHECK(sem_open(name, 0) == sem);
		CHECK_OK(sem_close(sem));
		CHECK_OK(sem_close(sem));
		CHECK_FAILS(sem_close(sem), EINVAL);
		_exit(0);
	}
	check_child(pid);
	CHECK_EQ(value_of(sem), 1);
	CHECK_OK(sem_close(sem));
}

CASE(sem_closed_in_a_child_stays_open_in_the_parent)
{
	sem_t *sem = open_new(check_name("child"), 3);
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_OK(sem_close(sem));
		_exit(0);
	}
	check_child(pid);
	CHECK_OK(sem_post(sem));
	CHECK_EQ(value_of(sem), 4);
	CHECK_OK(sem_close(sem));
	CHECK_FAILS(sem_close(sem), EINVAL);
}

CASE(sem_unlinked_in_a_child_is_gone_for_the_parent)
{
	const char *name = check_name("child");
	sem_t *sem = open_new(name, 3);
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_OK(sem_unlink(name));
		_exit(0);
	}
	check_child(pid);
	CHECK_FAILS_AS(sem_open(name, 0), SEM_FAILED, ENOENT);
	CHECK_EQ(value_of(sem), 3);
}

CASE(sem_unnamed_private_one_is_a_copy_in_a_child)
{
	static sem_t sem;
	CHECK_OK(sem_init(&sem, 0, 1));
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_OK(sem_wait(&sem));
		CHECK_FAILS(sem_trywait(&sem), EAGAIN);
		_exit(0);
	}
	check_child(pid);
	CHECK_EQ(value_of(&sem), 1);
}

/* Posts, then has a child do the same, `left` generations deep. */
static void generations(sem_t *sem, int left)
{
	CHECK_OK(sem_post(sem));
	pid_t pid = left > 1 ? check_fork() : -1;
	if (pid == 0) {
		generations(sem, left - 1);
		_exit(0);
	}
	if (pid > 0)
		check_child(pid);
	CHECK_OK(sem_close(sem));
	CHECK_FAILS(sem_close(sem), EINVAL);
}

CASE(sem_passes_down_the_generations)
{
	const char *name = check_name("line");
	generations(open_new(name, 0), 8);
	sem_t *sem = sem_open(name, 0);
	CHECK(sem != SEM_FAILED);
	CHECK_EQ(value_of(sem), 8);
}

static const char *hammered;
static int stop;

static void *opens_and_closes(void *unused)
{
	(void)unused;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		sem_t *sem = sem_open(hammered, O_CREAT, 0600, 0);
		CHECK(sem != SEM_FAILED);
		CHECK_OK(sem_post(sem));
		CHECK_OK(sem_close(sem));
	}
	return NULL;
}

static void child_uses_names(const char *name)
{
	/* First what exists: a glibc child that hangs here leaves no half-made file behind. */
	sem_t *sem = sem_open(hammered, 0);
	CHECK(sem != SEM_FAILED);
	CHECK_OK(sem_post(sem));
	CHECK_OK(sem_close(sem));
	sem = open_new(name, 1);
	CHECK_OK(sem_wait(sem));
	CHECK_OK(sem_post(sem));
	CHECK_OK(sem_close(sem));
	CHECK_OK(sem_unlink(name));
}

CASE_BETTER(
	sem_open_works_in_a_child_forked_while_others_are_inside_it,
	"glibc leaves the lock of its table as the other thread had it: the child waits for ever")
{
	hammered = check_name("hammered");
	const char *name = check_name("own");
	open_new(hammered, 0);
	pthread_t threads[3];
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, opens_and_closes, NULL), 0);
	for (int i = 0; i < 1000; i++) {
		pid_t pid = check_fork();
		if (pid == 0) {
			child_uses_names(name);
			_exit(0);
		}
		check_child(pid);
	}
	stop = 1;
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
}

CASE(sem_wait_in_a_child_forked_while_a_thread_waits)
{
	/* The count of waiters is shared with a pshared semaphore, copied with a private one. */
	sem_t *sem = shared_sem(0);
	struct waiter waiter;
	waiter_start(&waiter, sem, by_wait);
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_EQ(waiters_of(sem), 1);
		CHECK_OK(sem_wait(sem));
		_exit(0);
	}
	CHECK_SOON(waiters_of(sem) == 2 && asleep(pid, pid));
	CHECK_OK(sem_post(sem));
	CHECK_OK(sem_post(sem));
	check_child(pid);
	waiter_join(&waiter);
	CHECK_EQ(waiter.result, 0);
}

CASE(sem_mapping_is_gone_after_exec_and_the_name_is_not)
{
	const char *name = check_name("exec");
	sem_t *sem = open_new(name, 4);
	pid_t pid = check_fork();
	if (pid == 0) {
		char script[900];
		snprintf(script, sizeof script, "! grep -q %s /proc/self/maps && test -f %s",
			 sem_path(name), sem_path(name));
		execl("/bin/sh", "sh", "-c", script, NULL);
		_exit(127);
	}
	check_child(pid);
	CHECK_EQ(value_of(sem), 4);
}

static const char *forked_name;
static sem_t *of_parent;

static void open_and_close(void)
{
	sem_t *sem = open_new(forked_name, 1);
	CHECK_OK(sem_wait(sem));
	CHECK_OK(sem_post(sem));
	CHECK(sem_open(forked_name, 0) == sem);
	CHECK_OK(sem_close(sem));
	CHECK_OK(sem_close(sem));
	CHECK_OK(sem_unlink(forked_name));
}

static void post_to_parent(void)
{
	CHECK_OK(sem_post(of_parent));
}

CASE(sem_open_and_close_go_on_when_handlers_fork)
{
	forked_name = check_name("forked");
	of_parent = open_new(check_name("parent"), 0);
	with_forks_in(open_and_close, post_to_parent);
	CHECK_EQ(value_of(of_parent), FORKS);
}
