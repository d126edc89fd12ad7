/* The first call on a System V object in a process is interrupted at any instruction by a handler
 * that uses the object, too, or that forks a child which does. */
#include "../support/common_memory.h"
#include "../support/struck.h"

#include <sys/sem.h>

static int *set;

/* Of another process: the victim has used no object. */
static void create_set(void)
{
	set = common_memory(sizeof *set);
	pid_t maker = check_fork();
	if (maker == 0) {
		*set = semget(IPC_PRIVATE, 1, 0600);
		CHECK_OK(*set);
		_exit(0);
	}
	check_child(maker);
}

static void asks(void)
{
	CHECK_OK(semctl(*set, 0, GETVAL));
}

static void forks_to_ask(void)
{
	pid_t child = check_fork();
	if (child == 0) {
		asks();
		_exit(0);
	}
	check_child(child);
}

static void (*in_handler)(void);

static void strikes(int signal)
{
	(void)signal;
	int error = errno;
	in_handler();
	struck_add(&struck->handled);
	errno = error;
}

/* Addresses of functions are looked up, and no object is there. */
static void rehearse(void)
{
	CHECK_FAILS(semop(-1, &(struct sembuf){ 0, 1, 0 }, 1), EINVAL);
	CHECK_FAILS(semctl(-1, 0, GETVAL), EINVAL);
	struck_by(strikes, SA_RESTART);
}

static void install(void)
{
	struck_by(strikes, SA_RESTART);
}

static void gives(void)
{
	struct sembuf up = { 0, 1, 0 };
	struck_returned(semop(*set, &up, 1) == 0);
}

/* The first ones, as the kernel's call has few, and then each that is some dozen further on. */
static int instructions(int steps)
{
	enum { FIRST = 8, STRIDE = 89 };
	return steps <= FIRST ? steps : FIRST + (steps - FIRST) * STRIDE;
}

static int strike_victim(pid_t victim, int steps)
{
	bool in_call = strike_after(victim, instructions(steps));
	if (in_call) {
		CHECK_SOON(struck_read(&struck->done) == 1 && struck_read(&struck->handled) == 1);
		CHECK_EQ(struck->error, 0);
	}
	step_kill(victim);
	CHECK_OK(semctl(*set, 0, IPC_RMID));
	return in_call ? STEP_LATE : STEP_OVER;
}

static int strike_first_use(int steps)
{
	struck_prepare();
	step_on_one_processor();
	create_set();
	pid_t victim = step_victim(rehearse, gives);
	return strike_victim(victim, steps);
}

/* Its parent has used the set, and it has used none. */
static int strike_first_use_after_fork(int steps)
{
	struck_prepare();
	step_on_one_processor();
	create_set();
	asks();
	pid_t victim = step_victim(install, gives);
	return strike_victim(victim, steps);
}

CASE(semctl_in_a_handler_at_any_instruction_of_the_first_semop)
{
	in_handler = asks;
	strike_each_step(strike_first_use);
}

CASE(semctl_in_the_child_of_a_fork_at_any_instruction_of_the_first_semop)
{
	in_handler = forks_to_ask;
	strike_each_step(strike_first_use);
}

CASE(semctl_in_a_handler_at_any_instruction_of_the_first_semop_of_a_forked_child)
{
	in_handler = asks;
	strike_each_step(strike_first_use_after_fork);
}
