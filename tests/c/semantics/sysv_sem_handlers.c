/* Handlers that interrupt a semop, and do what they like with the set. */
#include <linux/futex.h>
#include <setjmp.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include "../support/sysv_holders.h"
#include "../support/sysv_strike.h"

static int the_set;

static void adds(int signal)
{
	(void)signal;
	CHECK_OK(SEMOP(the_set, { 0, 1, 0 }));
}

/* Served or interrupted: nothing is lost, and nothing comes twice. */
static void adds_for_itself(struct sleeper *sleeper)
{
	strike(sleeper);
	int error = end_of(sleeper);
	CHECK(error == 0 || error == EINTR);
	CHECK_EQ(value_of(the_set, 0), error == EINTR);
	CHECK_EQ(takers_of(the_set, 0), 0);
	set_value(the_set, 0, 0);
}

CASE(semop_in_a_handler_adds_what_the_interrupted_one_wants)
{
	the_set = new_set(1);
	for (int i = 0; i < 2; i++) {
		handle(SIGUSR1, adds, handler_flags[i]);
		adds_for_itself(SLEEPS(the_set, { 0, -1, 0 }));
		adds_for_itself(PROCESS_SLEEPS(the_set, { 0, -1, 0 }));
	}
}

static void takes(int signal)
{
	(void)signal;
	CHECK_OK(SEMOP(the_set, { 1, -1, 0 }));
	CHECK_OK(SEMOP(the_set, { 2, 1, 0 }));
}

CASE(semop_in_a_handler_sleeps_in_the_set_of_the_interrupted_one)
{
	the_set = new_set(3);
	handle(SIGUSR1, takes, SA_RESTART);
	struct sleeper *sleeper = PROCESS_SLEEPS(the_set, { 0, -1, 0 });
	strike(sleeper);
	CHECK_SOON(takers_of(the_set, 1) == 1);
	CHECK_OK(SEMOP(the_set, { 1, 1, 0 }));
	CHECK_EQ(end_of(sleeper), EINTR);
	CHECK_VALUES(the_set, 0, 0, 1);
	CHECK_EQ(asleep_in(the_set), 0);
}

static int seen;

static void looks(int signal)
{
	unsigned short values[2];
	struct semid_ds status;
	(void)signal;
	CHECK_OK(semctl(the_set, 0, GETALL, (union semun){ .array = values }));
	CHECK_OK(semctl(the_set, 0, IPC_STAT, (union semun){ .buf = &status }));
	seen = value_of(the_set, 1) + values[1] + (int)status.sem_nsems;
}

CASE(semctl_in_a_handler_that_interrupts_semop)
{
	the_set = new_set(2);
	set_value(the_set, 1, 20);
	handle(SIGUSR1, looks, 0);
	is_interrupted(the_set, SLEEPS(the_set, { 0, -1, 0 }));
	CHECK_EQ(seen, 42);
}

static void removes(int signal)
{
	(void)signal;
	CHECK_OK(semctl(the_set, 0, IPC_RMID));
}

CASE(semctl_removal_in_a_handler_that_interrupts_semop)
{
	for (int i = 0; i < 2; i++) {
		the_set = new_set(1);
		handle(SIGUSR1, removes, handler_flags[i]);
		struct sleeper *other = SLEEPS(the_set, { 0, -1, 0 });
		struct sleeper *sleeper = PROCESS_SLEEPS(the_set, { 0, -1, 0 });
		strike(sleeper);
		int error = end_of(sleeper);
		CHECK(error == EINTR || error == EIDRM);
		CHECK_EQ(end_of(other), EIDRM);
		CHECK_FAILS(semctl(the_set, 0, GETVAL), EINVAL);
	}
}

static void removes_and_exits(int signal)
{
	removes(signal);
	exit(7);
}

CASE(semctl_removal_and_exit_in_a_handler_that_interrupts_semop)
{
	int status;
	the_set = new_set(1);
	handle(SIGTERM, removes_and_exits, 0);
	struct sleeper *server = PROCESS_SLEEPS(the_set, { 0, -1, 0 }),
		       *client = PROCESS_SLEEPS(the_set, { 0, -1, SEM_UNDO });
	CHECK_OK(kill(server->pid, SIGTERM));
	CHECK_EQ(waitpid(server->pid, &status, 0), server->pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	CHECK_EQ(end_of(client), EIDRM);
}

static void exits(int signal)
{
	(void)signal;
	exit(0);
}

static void exits_at_once(int signal)
{
	(void)signal;
	_exit(0);
}

CASE(semop_ended_by_exit_in_a_handler_gives_back_what_was_taken)
{
	void (*const handlers[])(int) = { exits, exits_at_once };
	for (int i = 0; i < 2; i++) {
		the_set = new_set(2);
		set_value(the_set, 0, 1);
		handle(SIGUSR1, handlers[i], 0);
		pid_t pid = check_fork();
		if (pid == 0) {
			CHECK_OK(SEMOP(the_set, { 0, -1, SEM_UNDO }));
			SEMOP(the_set, { 1, -1, SEM_UNDO });
			_exit(1);
		}
		CHECK_SOON(takers_of(the_set, 1) == 1 && asleep(pid, pid));
		CHECK_EQ(value_of(the_set, 0), 0);
		CHECK_OK(kill(pid, SIGUSR1));
		check_child(pid);
		CHECK_VALUES(the_set, 1, 0);
		CHECK_EQ(takers_of(the_set, 1), 0);
	}
}

static sigjmp_buf out;

static void jumps(int signal)
{
	(void)signal;
	siglongjmp(out, 1);
}

/* Sleeps in a call until a handler jumps out of it. */
static void leave_by_siglongjmp(void)
{
	struct itimerval timer = { .it_value = { 0, 20000 } };
	handle(SIGALRM, jumps, 0);
	if (sigsetjmp(out, 1) == 0) {
		CHECK_OK(setitimer(ITIMER_REAL, &timer, NULL));
		SEMOP(the_set, { 0, -1, 0 });
		CHECK(!"the call returned");
	}
}

CASE(semop_left_by_siglongjmp_takes_nothing)
{
	the_set = new_set(1);
	for (int i = 0; i < 5; i++) {
		leave_by_siglongjmp();
		CHECK_EQ(takers_of(the_set, 0), 0);
		CHECK_OK(SEMOP(the_set, { 0, 1, 0 }));
		CHECK_EQ(value_of(the_set, 0), 1);
		CHECK_OK(SEMOP(the_set, { 0, -1, 0 }));
	}
}

/* What the kernel is to do if this thread dies now: nothing. */
static void check_nothing_is_pending(void)
{
	struct robust_list_head *head;
	size_t length;
	if (syscall(SYS_get_robust_list, 0, &head, &length) == 0 && head)
		CHECK(head->list_op_pending == NULL);
}

CASE(semop_left_by_siglongjmp_leaves_nothing_pending)
{
	the_set = new_set(2);
	struct holder *holder = HOLDER(the_set, { 1, 1, SEM_UNDO });
	leave_by_siglongjmp();
	CHECK_EQ(takers_of(the_set, 0), 0);
	CHECK_OK(SEMOP(the_set, { 0, 1, 0 }));
	check_nothing_is_pending();
	end_holder(holder, KILLED);
	CHECK_VALUES(the_set, 1, 0);
}

static int *forked;

static void forks(int signal)
{
	(void)signal;
	pid_t pid = fork();
	CHECK_OK(pid);
	if (pid == 0)
		alarm(20);
	else
		*forked = pid;
}

CASE(semop_interrupted_by_a_handler_that_forks_ends_in_both)
{
	int *ended = common_memory(sizeof *ended);
	forked = common_memory(sizeof *forked);
	the_set = new_set(1);
	handle(SIGUSR1, forks, SA_RESTART);
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_FAILS(SEMOP(the_set, { 0, -1, 0 }), EINTR);
		__atomic_fetch_add(ended, 1, __ATOMIC_SEQ_CST);
		if (*forked != 0 && getpid() != *forked)
			waitpid(*forked, NULL, 0);
		_exit(0);
	}
	CHECK_SOON(takers_of(the_set, 0) == 1 && asleep(pid, pid));
	CHECK_OK(kill(pid, SIGUSR1));
	check_child(pid);
	CHECK_SOON(__atomic_load_n(ended, __ATOMIC_SEQ_CST) == 2);
	CHECK_EQ(takers_of(the_set, 0), 0);
	CHECK_OK(SEMOP(the_set, { 0, 1, 0 }));
	CHECK_EQ(value_of(the_set, 0), 1);
}
