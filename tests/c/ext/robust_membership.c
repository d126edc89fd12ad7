/* A process is stopped while it begins to use a semaphore robustly, or removes a ledger: others are
 * not kept waiting. */
#include "../support/robust.h"
#include "../support/step.h"

/* The byte of the ledger that is locked meanwhile: the membership lock. */
enum { MEMBERSHIP = 4096 };

static sem_t *sem;
static int ledger;

/* A process that has that lock; 0 = none. Others have it for a moment. */
static pid_t process_with_membership_lock(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_start = MEMBERSHIP, .l_len = 1 };
	CHECK_OK(fcntl(ledger, F_OFD_GETLK, &lock));
	return lock.l_type == F_UNLCK ? 0 : lock.l_pid;
}

/* With a file that is not closed: that would give back the locks of this process. */
static void make_ground(unsigned value)
{
	sem = robust_sem(value);
	ledger = open(ledger_path(sem), O_RDWR | O_CLOEXEC);
	CHECK_OK(ledger);
}

static void rehearse(void)
{
	/* In a semaphore of its own. */
	sem_t *other = robust_sem(1);
	take_one(other);
}

static void take_at_last(void)
{
	sem_trywait(sem);
}

/* A child of this process, stopped in its first call. */
static pid_t stopped_with_membership_lock(void)
{
	step_check_ptrace();
	pid_t victim = step_victim(rehearse, take_at_last);
	for (pid_t there; (there = process_with_membership_lock()) != victim;)
		if (there == 0)
			CHECK(step_one(victim) && step_stage() == 1);
	return victim;
}

static void time_out(sem_t *unused)
{
	(void)unused;
	struct timespec soon = from_now(CLOCK_REALTIME, 20);
	CHECK_FAILS(sem_timedwait(sem, &soon), ETIMEDOUT);
}

CASE(robust_first_call_while_another_process_is_stopped_in_its_own)
{
	make_ground(0);
	pid_t victim = stopped_with_membership_lock();
	end_holder(holder_of(sem, time_out), KILLED);
	CHECK_SOON(process_with_membership_lock() == victim);
	step_kill(victim);
}

/* It is counted, too. */
CASE(robust_begin_while_another_process_is_stopped_at_it)
{
	make_ground(1);
	pid_t victim = stopped_with_membership_lock();
	struct holder *holder = holder_of(sem, take_one);
	CHECK_EQ(value_of(sem), 0);
	end_holder(holder, KILLED);
	CHECK_SOON(value_of(sem) == 1);
	CHECK_SOON(process_with_membership_lock() == victim);
	step_kill(victim);
}

/* A process that ends would remove the ledger, which the other one needs. */
CASE(robust_end_while_another_process_is_stopped_with_the_membership_lock)
{
	make_ground(1);
	pid_t victim = stopped_with_membership_lock();
	end_holder(holder_of(sem, take_one), EXITS);
	CHECK_SOON(value_of(sem) == 1);
	CHECK_SOON(process_with_membership_lock() == victim);
	CHECK_OK(access(ledger_path(sem), F_OK));
	step_kill(victim);
}

static void take_or_time_out(sem_t *unused)
{
	(void)unused;
	take_one(sem);
	time_out(unused);
}

/* One that removes the ledger has the lock for itself. The call is not counted then, and the next
 * one is. */
CASE(robust_first_call_while_another_process_removes_the_ledger)
{
	make_ground(1);
	struct flock lock = { .l_type = F_WRLCK, .l_start = MEMBERSHIP, .l_len = 1 };
	CHECK_OK(fcntl(ledger, F_OFD_SETLK, &lock));
	end_holder(holder_of(sem, take_or_time_out), KILLED);
	check_stays(sem, 0);
	lock.l_type = F_UNLCK;
	CHECK_OK(fcntl(ledger, F_OFD_SETLK, &lock));
	CHECK_OK(sem_post(sem));
	end_holder(holder_of(sem, take_one), KILLED);
	CHECK_SOON(value_of(sem) == 1);
}
