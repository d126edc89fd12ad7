/* Many robust semaphores, and many processes with one. */
#include "../support/robust.h"

CASE(robust_of_many_semaphores)
{
	enum { MANY = 40 };
	sem_t *sems = common_memory(MANY * sizeof *sems);
	for (int i = 0; i < MANY; i++) {
		CHECK_OK(sem_init(&sems[i], 1, 1));
		make_robust(&sems[i]);
	}
	pid_t pid = check_fork();
	if (pid == 0) {
		for (int i = 0; i < MANY; i++)
			take_one(&sems[i]);
		_exit(0);
	}
	check_child(pid);
	for (int i = 0; i < MANY; i++)
		CHECK_SOON(value_of(&sems[i]) == 1);
}

CASE(robust_of_many_processes)
{
	enum { MANY = 60 };
	sem_t *sem = robust_sem(MANY);
	struct holder *holders[MANY];
	for (int i = 0; i < MANY; i++)
		holders[i] = holder_of(sem, take_one);
	CHECK_EQ(value_of(sem), 0);
	for (int i = 0; i < MANY; i++)
		CHECK_OK(kill(holders[i]->pid, SIGKILL));
	CHECK_SOON(value_of(sem) == MANY);
	check_stays(sem, MANY);
}

CASE(robust_of_too_many_processes_is_eagain)
{
	sem_t *sem = robust_sem(1);
	for (int i = 1; i < 120; i++) {
		pid_t pid = check_fork();
		if (pid == 0) {
			make_robust(sem);
			raise(SIGSTOP);
		}
		CHECK_EQ(waitpid(pid, NULL, WUNTRACED), pid);
	}
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_FAILS(rsipc_sem_setrobust(sem), EAGAIN);
		_exit(0);
	}
	check_child(pid);
}

/* No process waits for one that is stopped. */
CASE(robust_gives_back_although_another_process_is_stopped)
{
	sem_t *sem = robust_sem(1);
	pid_t stopped[4];
	for (int i = 0; i < 4; i++) {
		stopped[i] = check_fork();
		if (stopped[i] == 0) {
			make_robust(sem);
			raise(SIGSTOP);
			_exit(0);
		}
		CHECK_EQ(waitpid(stopped[i], NULL, WUNTRACED), stopped[i]);
	}
	end_holder(holder_of(sem, take_one), KILLED);
	CHECK_SOON(value_of(sem) == 1);
}

/* In a program that knows nothing of it: the settings are read at load, so this program begins once
 * more. */
static void take_by_name(const char *name)
{
	sem_t *sem = sem_open(name, 0);
	CHECK(sem != SEM_FAILED);
	take_one(sem);
	_exit(0);
}

static void run_as_taker(const char *test, const char *name, const char *patterns)
{
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_EQ(setenv("ROBUST_TAKER", name, 1), 0);
		CHECK_EQ(setenv("RSIPC_SEM_ROBUST", patterns, 1), 0);
		execl("/proc/self/exe", "taker", test, NULL);
		_exit(1);
	}
	check_child(pid);
}

CASE(robust_by_the_environment)
{
	const char *taker = getenv("ROBUST_TAKER"), *name = check_name("asked");
	if (taker)
		take_by_name(taker);
	sem_t *sem = open_new(name, 2);
	make_robust(sem);
	run_as_taker("robust_by_the_environment", name, "other,chk.*.asked");
	CHECK_SOON(value_of(sem) == 2);
	CHECK_EQ(rsipc_sem_wasdead(sem), 1);
	/* Another name. */
	run_as_taker("robust_by_the_environment", name, "other,chk.*.aske");
	check_stays(sem, 1);
}
