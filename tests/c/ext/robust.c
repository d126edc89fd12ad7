/* rsipc_sem_setrobust: what a process has taken is given back when it ends, however it ends. */
#include "../support/robust.h"

static void gives_back_when_it(enum holder_end end)
{
	sem_t *sem = robust_sem(1);
	struct holder *holder = holder_of(sem, take_one);
	CHECK_FAILS(sem_trywait(sem), EAGAIN);
	end_holder(holder, end);
	CHECK_SOON(value_of(sem) == 1);
	check_stays(sem, 1);
	CHECK_EQ(rsipc_sem_wasdead(sem), 1);
	CHECK_EQ(rsipc_sem_wasdead(sem), 0);
}

CASE(robust_gives_back_at_exit)
{
	gives_back_when_it(EXITS);
}

CASE(robust_gives_back_at_underscore_exit)
{
	gives_back_when_it(EXITS_AT_ONCE);
}

CASE(robust_gives_back_at_a_crash)
{
	gives_back_when_it(CRASHES);
}

CASE(robust_gives_back_at_sigkill)
{
	gives_back_when_it(KILLED);
}

CASE(robust_gives_back_at_exec)
{
	gives_back_when_it(EXECS);
}

static void take_two(sem_t *sem)
{
	take_one(sem);
	CHECK_OK(sem_trywait(sem));
}

static void take_two_and_post_one(sem_t *sem)
{
	take_two(sem);
	CHECK_OK(sem_post(sem));
}

static void take_and_post(sem_t *sem)
{
	take_one(sem);
	CHECK_OK(sem_post(sem));
}

static void post_two(sem_t *sem)
{
	CHECK_OK(sem_post(sem));
	CHECK_OK(sem_post(sem));
}

static void post_two_and_take_one(sem_t *sem)
{
	post_two(sem);
	take_one(sem);
}

static void ends_with(unsigned before, void (*act)(sem_t *), int held, int after)
{
	sem_t *sem = robust_sem(before);
	struct holder *holder = holder_of(sem, act);
	CHECK_EQ(value_of(sem), held);
	end_holder(holder, KILLED);
	CHECK_SOON(value_of(sem) == after);
	check_stays(sem, after);
	CHECK_EQ(rsipc_sem_wasdead(sem), after > held);
}

CASE(robust_gives_back_all_that_was_taken)
{
	ends_with(5, take_two, 3, 5);
}

CASE(robust_gives_back_what_was_taken_in_excess)
{
	ends_with(5, take_two_and_post_one, 4, 5);
}

CASE(robust_gives_back_nothing_after_lock_and_unlock)
{
	ends_with(1, take_and_post, 1, 1);
}

CASE(robust_takes_nothing_away)
{
	ends_with(1, post_two, 3, 3);
}

CASE(robust_gives_back_nothing_that_the_process_had_posted_itself)
{
	ends_with(0, post_two_and_take_one, 1, 1);
}

CASE(robust_counts_from_the_call_on)
{
	sem_t *sem = shared_sem(3);
	take_one(sem);
	make_robust(sem);
	struct holder *holder = holder_of(sem, take_one);
	CHECK_EQ(value_of(sem), 1);
	end_holder(holder, KILLED);
	CHECK_SOON(value_of(sem) == 2);
	check_stays(sem, 2);
}

/* The lock is its own, the death of the other one is not. */
CASE(robust_of_several_takers_gives_back_what_the_dead_one_had)
{
	sem_t *sem = robust_sem(4);
	struct holder *first = holder_of(sem, take_one), *second = holder_of(sem, take_two);
	take_one(sem);
	CHECK_EQ(value_of(sem), 0);
	end_holder(second, KILLED);
	CHECK_SOON(value_of(sem) == 2);
	end_holder(first, KILLED);
	CHECK_SOON(value_of(sem) == 3);
	CHECK_EQ(rsipc_sem_wasdead(sem), 1);
	CHECK_EQ(rsipc_sem_wasdead(sem), 0);
}

CASE(robust_gives_back_by_the_next_process_that_comes)
{
	const char *name = check_name("later");
	pid_t pid = check_fork();
	if (pid == 0) {
		sem_t *sem = open_new(name, 1);
		make_robust(sem);
		take_one(sem);
		_exit(0);
	}
	check_child(pid);
	sem_t *sem = sem_open(name, 0);
	CHECK(sem != SEM_FAILED);
	CHECK_FAILS(sem_trywait(sem), EAGAIN);
	make_robust(sem);
	CHECK_SOON(value_of(sem) == 1);
	CHECK_EQ(rsipc_sem_wasdead(sem), 1);
}

static const char *reopened;

/* Takes, closes, and gives back through another sem_open. */
static void give_back_elsewhere(sem_t *sem)
{
	(void)sem;
	sem_t *first = sem_open(reopened, 0);
	CHECK(first != SEM_FAILED);
	make_robust(first);
	take_one(first);
	/* The parent has opened it, too. */
	CHECK_OK(sem_close(first));
	CHECK_OK(sem_close(first));
	/* The address is another one. (A named semaphore is at the front of a page.) */
	CHECK(mmap(first, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
		   0) == first);
	sem_t *second = sem_open(reopened, 0);
	CHECK(second != SEM_FAILED && second != first);
	CHECK_OK(sem_post(second));
}

CASE(robust_gives_back_where_it_is_opened_again)
{
	reopened = check_name("again");
	sem_t *sem = open_new(reopened, 1);
	make_robust(sem);
	end_holder(holder_of(sem, give_back_elsewhere), KILLED);
	check_stays(sem, 1);
}

static long nanoseconds(void)
{
	struct timespec now;
	CHECK_OK(clock_gettime(CLOCK_MONOTONIC, &now));
	return now.tv_sec * 1000000000L + now.tv_nsec;
}

static void wakes_a_waiter(int (*wait)(sem_t *))
{
	sem_t *sem = robust_sem(1);
	struct holder *holder = holder_of(sem, take_one);
	struct waiter waiter;
	waiter_start(&waiter, sem, wait);
	long before = nanoseconds();
	CHECK_OK(kill(holder->pid, SIGKILL));
	CHECK_EQ(waiter_join(&waiter), NULL);
	fprintf(stderr, "awake after %.1f ms\n", (double)(nanoseconds() - before) / 1e6);
	CHECK_EQ(waiter.result, 0);
	CHECK_EQ(value_of(sem), 0);
	CHECK_EQ(rsipc_sem_wasdead(sem), 1);
}

CASE(robust_wakes_who_waits)
{
	wakes_a_waiter(by_wait);
}

CASE(robust_wakes_who_waits_with_a_deadline)
{
	wakes_a_waiter(by_timedwait);
}

CASE(robust_wakes_who_waits_on_the_other_clock)
{
	wakes_a_waiter(by_clockwait);
}

CASE(robust_counts_what_a_waiter_takes)
{
	sem_t *sem = robust_sem(0);
	struct holder *self = common_memory(sizeof *self);
	pid_t pid = check_fork();
	if (pid == 0) {
		take_one(sem);
		hold_until_told(self);
	}
	self->pid = pid;
	CHECK_SOON(waiters_of(sem) == 1 && asleep(pid, pid));
	CHECK_OK(sem_post(sem));
	CHECK_SOON(__atomic_load_n(&self->ready, __ATOMIC_ACQUIRE));
	end_holder(self, KILLED);
	CHECK_SOON(value_of(sem) == 1);
}

/* The tokens that the parent holds stay its own in its child, which has none. */
CASE(robust_child_of_a_fork_has_taken_nothing)
{
	sem_t *sem = robust_sem(2);
	take_one(sem);
	pid_t pid = check_fork();
	if (pid == 0)
		_exit(0);
	check_child(pid);
	check_stays(sem, 1);
	pid = check_fork();
	if (pid == 0) {
		take_one(sem);
		_exit(0);
	}
	check_child(pid);
	CHECK_SOON(value_of(sem) == 1);
	check_stays(sem, 1);
	CHECK_OK(sem_post(sem));
	CHECK_EQ(value_of(sem), 2);
}

static void take_by_child_of_child(sem_t *sem)
{
	pid_t pid = check_fork();
	if (pid == 0) {
		take_one(sem);
		pid_t child = check_fork();
		if (child == 0) {
			take_one(sem);
			_exit(0);
		}
		check_child(child);
		_exit(0);
	}
	check_child(pid);
}

CASE(robust_counts_each_of_several_generations)
{
	sem_t *sem = robust_sem(2);
	take_by_child_of_child(sem);
	CHECK_SOON(value_of(sem) == 2);
	check_stays(sem, 2);
}

CASE(robust_of_a_private_semaphore_is_einval)
{
	sem_t sem;
	CHECK_OK(sem_init(&sem, 0, 1));
	CHECK_FAILS(rsipc_sem_setrobust(&sem), EINVAL);
	/* Called shared, in memory that is not. */
	CHECK_OK(sem_init(&sem, 1, 1));
	CHECK_FAILS(rsipc_sem_setrobust(&sem), EINVAL);
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(memory != MAP_FAILED);
	CHECK_OK(sem_init(memory, 1, 1));
	CHECK_FAILS(rsipc_sem_setrobust(memory), EINVAL);
	CHECK_FAILS(rsipc_sem_setrobust(NULL), EINVAL);
	CHECK_FAILS(rsipc_sem_wasdead(&sem), EINVAL);
	CHECK_FAILS(rsipc_sem_wasdead(NULL), EINVAL);
	CHECK_EQ(value_of(&sem), 1);
}

CASE(robust_twice_is_robust)
{
	sem_t *sem = robust_sem(2);
	unsigned ledger = ledger_of(sem);
	take_one(sem);
	make_robust(sem);
	CHECK_EQ(ledger_of(sem), ledger);
	struct holder *holder = holder_of(sem, take_one);
	end_holder(holder, KILLED);
	CHECK_SOON(value_of(sem) == 1);
	check_stays(sem, 1);
}

CASE(robust_leaves_errno_alone)
{
	sem_t *sem = shared_sem(1);
	errno = 77;
	CHECK_EQ(rsipc_sem_setrobust(sem), 0);
	robust_note(sem);
	CHECK_EQ(sem_wait(sem), 0);
	CHECK_EQ(sem_post(sem), 0);
	CHECK_EQ(sem_trywait(sem), 0);
	CHECK_EQ(rsipc_sem_wasdead(sem), 0);
	CHECK_EQ(errno, 77);
}

CASE(robust_semaphore_that_is_initialised_anew_is_not_robust)
{
	sem_t *sem = robust_sem(1);
	CHECK_OK(sem_destroy(sem));
	CHECK_OK(sem_init(sem, 1, 1));
	CHECK_FAILS(rsipc_sem_wasdead(sem), EINVAL);
	end_holder(holder_of(sem, take_one), KILLED);
	check_stays(sem, 0);
}

/* What was taken before is not owed to the new semaphore. */
static void initialised_anew(void (*anew)(sem_t *))
{
	sem_t *sem = robust_sem(2);
	struct holder *holder = holder_of(sem, take_one), *next = holder_of(sem, take_one);
	anew(sem);
	end_holder(holder, KILLED);
	check_stays(sem, 7);
	end_holder(next, KILLED);
	check_stays(sem, 7);
}

static void init_again(sem_t *sem)
{
	CHECK_OK(sem_init(sem, 1, 7));
}

static void destroy_and_write(sem_t *sem)
{
	CHECK_OK(sem_destroy(sem));
	*(int *)sem = 7;
}

CASE(robust_gives_nothing_back_to_what_is_initialised_anew)
{
	initialised_anew(init_again);
}

CASE(robust_gives_nothing_back_to_what_is_destroyed)
{
	initialised_anew(destroy_and_write);
}

CASE(robust_post_at_the_largest_value_is_eoverflow)
{
	sem_t *sem = robust_sem(SEM_VALUE_MAX);
	CHECK_FAILS(sem_post(sem), EOVERFLOW);
	CHECK_EQ(value_of(sem), SEM_VALUE_MAX);
	struct holder *holder = holder_of(sem, take_one);
	CHECK_OK(sem_post(sem));
	end_holder(holder, KILLED);
	/* There is no room for it. */
	CHECK_SOON(rsipc_sem_wasdead(sem) == 1);
	CHECK_EQ(value_of(sem), SEM_VALUE_MAX);
}
