/* The calls in signal handlers, in the child of a fork that a handler makes, and in a process that
 * is killed at any time. */
#include "../support/sysv_shm.h"

#include <sys/syscall.h>
#include <sys/time.h>

static int the_segment;
static volatile sig_atomic_t handled, failed;

static void attach_and_detach(int signal)
{
	(void)signal;
	char *at = shmat(the_segment, NULL, 0);
	if (at == NOWHERE || shmdt(at) != 0)
		failed = 1;
	handled++;
}

/* A handler each so many microseconds. */
static void strike_each(int time, void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };
	struct itimerval often = { { 0, time }, { 0, time } };
	CHECK_OK(sigaction(SIGALRM, &action, NULL));
	CHECK_OK(setitimer(ITIMER_REAL, &often, NULL));
}

CASE(shmat_in_a_handler_that_interrupts_shmat)
{
	the_segment = new_segment(100);
	strike_each(1000, attach_and_detach);
	while (handled < 300)
		CHECK_OK(shmdt(attach(the_segment)));
	CHECK_EQ(failed, 0);
	CHECK_OK(setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL));
	CHECK_EQ(attached(the_segment), 0);
}

static void ask(int signal)
{
	(void)signal;
	struct shmid_ds status;
	if (shmctl(the_segment, IPC_STAT, &status) != 0 || status.shm_segsz != 100)
		failed = 1;
	handled++;
}

CASE(shmctl_stat_in_a_handler_that_interrupts_it)
{
	the_segment = new_segment(100);
	attach(the_segment);
	strike_each(20000, ask);
	while (handled < 100)
		CHECK_EQ(status_of(the_segment).shm_segsz, 100);
	CHECK_EQ(failed, 0);
}

static void fork_and_use(int signal)
{
	(void)signal;
	pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (child == 0) {
		char *at = shmat(the_segment, NULL, 0);
		if (at == NOWHERE || shmdt(at) != 0)
			syscall(SYS_exit_group, 1);
		syscall(SYS_exit_group, 0);
	}
	int status = 1;
	if (child == -1 || waitpid(child, &status, 0) != child || status != 0)
		failed = 1;
	handled++;
}

CASE(shmat_in_a_child_that_a_handler_makes)
{
	the_segment = new_segment(100);
	strike_each(10000, fork_and_use);
	while (handled < 100)
		CHECK_OK(shmdt(attach(the_segment)));
	CHECK_EQ(failed, 0);
}

static void remove_and_leave(int signal)
{
	(void)signal;
	_exit(shmctl(the_segment, IPC_RMID, NULL) == 0 ? 0 : 1);
}

/* What course programs do on SIGTERM. */
CASE(shmctl_rmid_in_a_handler_that_ends_the_process)
{
	for (int round = 0; round < 50; round++) {
		the_segment = noted(shmget(own_key(0), 100, IPC_CREAT | IPC_EXCL | 0600));
		struct gate ready = new_gate();
		pid_t child = check_fork();
		if (child == 0) {
			signal(SIGTERM, remove_and_leave);
			attach(the_segment);
			open_gate(&ready);
			for (;;)
				shmdt(shmat(the_segment, NULL, 0));
		}
		await_gate(&ready);
		CHECK_OK(kill(child, SIGTERM));
		check_child(child);
		CHECK_FAILS(shmget(own_key(0), 0, 0), ENOENT);
		CHECK_SOON(is_destroyed(the_segment));
		CHECK_ATTACH_FAILS(shmat(the_segment, NULL, 0), EINVAL);
	}
}

CASE(shmget_of_a_key_whose_maker_was_killed)
{
	for (int round = 0; round < 40; round++) {
		struct gate ready = new_gate();
		pid_t child = check_fork();
		if (child == 0) {
			open_gate(&ready);
			for (int number = 0;; number++) {
				int segment = shmget(own_key(number % 8), 100, IPC_CREAT | 0600);
				if (segment != -1 && number % 3 == 2)
					shmctl(segment, IPC_RMID, NULL);
			}
		}
		await_gate(&ready);
		nanosleep(&(struct timespec){ .tv_nsec = round * 7919L % 1000000 }, NULL);
		CHECK_OK(kill(child, SIGKILL));
		CHECK_EQ(waitpid(child, NULL, 0), child);
		for (int number = 0; number < 8; number++) {
			int segment = shmget(own_key(number), 100, IPC_CREAT | 0600);
			CHECK_OK(segment);
			CHECK_OK(shmdt(attach(segment)));
			remove_segment(segment);
			CHECK_FAILS(shmget(own_key(number), 0, 0), ENOENT);
		}
	}
	/* A process that lists all segments removes what dead ones have left half made. */
	struct shm_info info;
	CHECK_OK(shmctl(0, SHM_INFO, (struct shmid_ds *)&info));
}

CASE(shmdt_an_attacher_killed_at_any_time_leaves_nothing)
{
	the_segment = new_segment(100);
	for (int round = 0; round < 40; round++) {
		struct gate ready = new_gate();
		pid_t child = check_fork();
		if (child == 0) {
			open_gate(&ready);
			for (;;)
				shmdt(shmat(the_segment, NULL, 0));
		}
		await_gate(&ready);
		nanosleep(&(struct timespec){ .tv_nsec = round * 7919L % 500000 }, NULL);
		CHECK_OK(kill(child, SIGKILL));
		CHECK_EQ(waitpid(child, NULL, 0), child);
		CHECK_SOON(attached(the_segment) == 0);
	}
}
