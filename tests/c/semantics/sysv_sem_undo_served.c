/* The death of a process serves sleepers: the dead process ran no code. */
#include "../support/step.h"
#include "../support/sysv_holders.h"

static void is_served_when_the_holder(enum holder_end end)
{
	int set = new_set_of_value(1);
	struct holder *holder = HOLDER(set, { 0, -1, SEM_UNDO });
	struct sleeper *sleeper = PROCESS_SLEEPS(set, { 0, -1, 0 });
	CHECK_EQ(takers_of(set, 0), 1);
	end_holder(holder, end);
	CHECK_EQ(end_of(sleeper), 0);
	CHECK_EQ(value_of(set, 0), 0);
	CHECK_EQ(takers_of(set, 0), 0);
}

CASE(semop_taker_is_served_when_the_holder_is_killed)
{
	is_served_when_the_holder(KILLED);
}

CASE(semop_taker_is_served_when_the_holder_exits)
{
	is_served_when_the_holder(EXITS);
}

CASE(semop_taker_is_served_when_the_holder_leaves_by_underscore_exit)
{
	is_served_when_the_holder(EXITS_AT_ONCE);
}

CASE(semop_taker_is_served_when_the_holder_crashes)
{
	is_served_when_the_holder(CRASHES);
}

CASE(semop_zero_waiter_is_served_when_the_holder_is_killed)
{
	int set = new_set(1);
	struct holder *holder = HOLDER(set, { 0, 2, SEM_UNDO });
	struct sleeper *sleeper = PROCESS_SLEEPS(set, { 0, 0, 0 });
	end_holder(holder, KILLED);
	CHECK_EQ(end_of(sleeper), 0);
	CHECK_EQ(zero_waiters_of(set, 0), 0);
}

CASE(semop_zero_waiters_are_served_by_an_undo_that_was_clamped)
{
	int set = new_set(1);
	struct holder *holder = HOLDER(set, { 0, 5, SEM_UNDO });
	CHECK_OK(SEMOP(set, { 0, -2, 0 }));
	struct sleeper *sleeper = PROCESS_SLEEPS(set, { 0, 0, 0 }, { 0, 1, 0 });
	end_holder(holder, KILLED);
	CHECK_EQ(end_of(sleeper), 0);
	CHECK_EQ(value_of(set, 0), 1);
}

CASE(semop_threads_of_one_process_are_served_when_the_holder_is_killed)
{
	int set = new_set_of_value(3);
	struct holder *holder = HOLDER(set, { 0, -3, SEM_UNDO });
	struct sleeper *one = SLEEPS(set, { 0, -1, 0 }), *two = SLEEPS(set, { 0, -1, 0 }),
		       *four = SLEEPS(set, { 0, -2, 0 });
	end_holder(holder, KILLED);
	CHECK_EQ(end_of(one), 0);
	CHECK_EQ(end_of(two), 0);
	CHECK(!is_done(four));
	CHECK_EQ(value_of(set, 0), 1);
	CHECK_EQ(takers_of(set, 0), 1);
}

CASE(semop_sleepers_are_served_in_order_when_the_holder_is_killed)
{
	int set = new_set_of_value(1);
	struct holder *holder = HOLDER(set, { 0, -1, SEM_UNDO });
	struct sleeper *large = PROCESS_SLEEPS(set, { 0, -2, 0 }),
		       *first = PROCESS_SLEEPS(set, { 0, -1, 0 }),
		       *second = PROCESS_SLEEPS(set, { 0, -1, 0 });
	end_holder(holder, KILLED);
	CHECK_EQ(end_of(first), 0);
	CHECK(!is_done(large) && !is_done(second));
	CHECK_EQ(takers_of(set, 0), 2);
}

CASE(semop_array_is_served_when_the_holders_of_its_members_are_killed)
{
	int set = new_set(3);
	for (int i = 0; i < 3; i++)
		set_value(set, i, 1);
	struct holder *one = HOLDER(set, { 0, -1, SEM_UNDO }),
		      *other = HOLDER(set, { 2, -1, SEM_UNDO });
	struct sleeper *array = PROCESS_SLEEPS(set, { 0, -1, 0 }, { 1, -1, 0 }, { 2, -1, 0 });
	end_holder(one, KILLED);
	CHECK(!is_done(array));
	CHECK_EQ(takers_of(set, 2), 1);
	CHECK_EQ(takers_of(set, 0), 0);
	end_holder(other, KILLED);
	CHECK_EQ(end_of(array), 0);
	CHECK_VALUES(set, 0, 0, 0);
}

CASE(semop_all_members_of_an_array_come_back_in_one_step)
{
	int set = new_set(2);
	set_value(set, 0, 1);
	set_value(set, 1, 1);
	struct holder *holder = HOLDER(set, { 0, -1, SEM_UNDO }, { 1, -1, SEM_UNDO });
	struct sleeper *both = PROCESS_SLEEPS(set, { 0, -1, 0 }, { 1, -1, 0 }),
		       *one = PROCESS_SLEEPS(set, { 1, -1, 0 });
	end_holder(holder, KILLED);
	CHECK_EQ(end_of(both), 0);
	CHECK(!is_done(one));
	CHECK_EQ(takers_of(set, 1), 1);
}

CASE(semop_served_sleeper_serves_the_next_after_a_death)
{
	int set = new_set(2);
	set_value(set, 0, 1);
	struct holder *holder = HOLDER(set, { 0, -1, SEM_UNDO });
	struct sleeper *second = PROCESS_SLEEPS(set, { 1, -1, 0 }),
		       *first = PROCESS_SLEEPS(set, { 0, -1, 0 }, { 1, 1, 0 });
	end_holder(holder, KILLED);
	CHECK_EQ(end_of(first), 0);
	CHECK_EQ(end_of(second), 0);
	CHECK_VALUES(set, 0, 0);
}

CASE(semop_a_sleeper_whose_next_obstacle_must_not_block_fails_after_a_death)
{
	int set = new_set(2);
	set_value(set, 0, 1);
	struct holder *holder = HOLDER(set, { 0, -1, SEM_UNDO });
	struct sleeper *array = PROCESS_SLEEPS(set, { 0, -1, 0 }, { 1, -1, IPC_NOWAIT });
	end_holder(holder, KILLED);
	CHECK_EQ(end_of(array), EAGAIN);
	CHECK_VALUES(set, 1, 0);
}

CASE(semop_undo_of_one_killed_asleep_gives_back_what_it_had)
{
	int set = new_set(2);
	set_value(set, 0, 4);
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_OK(SEMOP(set, { 0, -3, SEM_UNDO }));
		SEMOP(set, { 1, -1, SEM_UNDO });
		_exit(1);
	}
	CHECK_SOON(takers_of(set, 1) == 1 && asleep(pid, pid));
	CHECK_EQ(value_of(set, 0), 1);
	CHECK_OK(kill(pid, SIGKILL));
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	CHECK_VALUES(set, 4, 0);
	CHECK_EQ(takers_of(set, 1), 0);
}

CASE(semop_undo_of_one_that_was_served_asleep_comes_too)
{
	int set = new_set(1);
	struct sleeper *sleeper = PROCESS_SLEEPS(set, { 0, -2, SEM_UNDO });
	CHECK_OK(SEMOP(set, { 0, 3, 0 }));
	CHECK_EQ(end_of(sleeper), 0);
	CHECK_EQ(value_of(set, 0), 3);
	CHECK_EQ(last_pid_of(set, 0), sleeper->pid);
}

enum { CHAIN = 12 };

/* Each sleeps for the lock of the one before it, and is killed when it has it. */
CASE(semop_lock_passes_down_a_chain_of_killed_holders)
{
	int set = new_set_of_value(1), *holds = common_memory(CHAIN * sizeof *holds);
	pid_t pids[CHAIN];
	for (int i = 0; i < CHAIN; i++) {
		pids[i] = check_fork();
		if (pids[i] == 0) {
			CHECK_OK(SEMOP(set, { 0, -1, SEM_UNDO }));
			__atomic_store_n(&holds[i], 1, __ATOMIC_SEQ_CST);
			for (;;)
				pause();
		}
		if (i == 0)
			CHECK_SOON(__atomic_load_n(&holds[0], __ATOMIC_SEQ_CST));
		else
			CHECK_SOON(takers_of(set, 0) == i);
	}
	for (int i = 0; i < CHAIN; i++) {
		CHECK_SOON(__atomic_load_n(&holds[i], __ATOMIC_SEQ_CST));
		for (int j = i + 1; j < CHAIN; j++)
			CHECK(!__atomic_load_n(&holds[j], __ATOMIC_SEQ_CST));
		CHECK_OK(kill(pids[i], SIGKILL));
		CHECK_EQ(waitpid(pids[i], NULL, 0), pids[i]);
	}
	CHECK_EQ(value_of(set, 0), 1);
	CHECK_EQ(takers_of(set, 0), 0);
}

CASE(semop_zero_lock_passes_on_when_its_holder_is_killed)
{
	int set = new_set(1);
	struct holder *holder = HOLDER(set, { 0, 0, 0 }, { 0, 1, SEM_UNDO });
	struct sleeper *next = PROCESS_SLEEPS(set, { 0, 0, 0 }, { 0, 1, 0 }),
		       *after = PROCESS_SLEEPS(set, { 0, 0, 0 }, { 0, 1, 0 });
	end_holder(holder, KILLED);
	CHECK_EQ(end_of(next), 0);
	CHECK(!is_done(after));
	CHECK_EQ(value_of(set, 0), 1);
	CHECK_EQ(zero_waiters_of(set, 0), 1);
}

CASE(semtimedop_sleeper_is_served_when_the_holder_is_killed)
{
	static const struct timespec long_time = { 100, 0 };
	int set = new_set_of_value(1);
	struct holder *holder = HOLDER(set, { 0, -1, SEM_UNDO });
	struct sleeper *sleeper = sleep_for(set, OPS({ 0, -1, 0 }), &long_time);
	end_holder(holder, KILLED);
	CHECK_EQ(end_of(sleeper), 0);
}

CASE(semop_many_holders_killed_at_once_give_all_back)
{
	enum { HOLDERS = 30 };
	int set = new_set_of_value(HOLDERS);
	struct holder *holders[HOLDERS];
	for (int i = 0; i < HOLDERS; i++)
		holders[i] = HOLDER(set, { 0, -1, SEM_UNDO });
	struct sleeper *all = PROCESS_SLEEPS(set, { 0, -HOLDERS, 0 });
	for (int i = 0; i < HOLDERS; i++)
		CHECK_OK(kill(holders[i]->pid, SIGKILL));
	CHECK_EQ(end_of(all), 0);
	CHECK_EQ(value_of(set, 0), 0);
}

CASE(semop_sleeper_is_served_by_a_death_of_which_one_that_is_granted_was_told)
{
	step_on_one_processor();
	int set = new_set(2);
	CHECK_OK(semctl(set, 1, SETVAL, 1));
	struct holder *holder = HOLDER(set, { 1, -1, SEM_UNDO });
	struct sleeper *granted = PROCESS_SLEEPS(set, { 0, -1, 0 }),
		       *sleeper = PROCESS_SLEEPS(set, { 1, -1, 0 });
	/* It is awake, and does not run before the holder is dead: the kernel's wake for that goes
	 * to it, as it came first. */
	CHECK_OK(sched_setscheduler(granted->pid, SCHED_IDLE, &(struct sched_param){ 0 }));
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	end_holder(holder, KILLED);
	CHECK_EQ(end_of(granted), 0);
	CHECK_EQ(end_of(sleeper), 0);
}

/* A child that sleeps in this call behind all others. Before, it sleeps for the last semaphore of
 * the set: others lie down anew when they learn of a further process. */
static struct sleeper *sleeps_last(int set, const struct sembuf *ops, size_t count)
{
	struct sleeper *self = sleeper_of(set, ops, count);
	int before = asleep_in(set), last = (int)status_of(set).sem_nsems - 1;
	self->is_process = true;
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_OK(SEMOP(set, { (unsigned short)last, -1, 0 }));
		sleeper_body(self);
		_exit(0);
	}
	self->pid = pid;
	CHECK_SOON(takers_of(set, last) == 1 && asleep(pid, pid));
	CHECK_OK(SEMOP(set, { (unsigned short)last, 1, 0 }));
	CHECK_SOON(takers_of(set, last) == 0 && sleeps_beside(self, before));
	return self;
}

/* This thread hardly runs any more: it shares a processor with a process that never rests. */
static void hold_up(pid_t tid, const cpu_set_t *where)
{
	CHECK_OK(sched_setaffinity(tid, sizeof *where, where));
	CHECK_OK(sched_setscheduler(tid, SCHED_IDLE, &(struct sched_param){ 0 }));
}

static pid_t keep_busy(const cpu_set_t *where)
{
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_OK(sched_setaffinity(0, sizeof *where, where));
		for (;;)
			;
	}
	return pid;
}

/* The kernel tells one that sleeps, and they are killed before they run: their other threads, which
 * have their marks, end first. They hold nothing. */
CASE(semop_sleeper_is_served_by_a_death_of_which_those_that_are_killed_were_told)
{
	enum { TOLD = 3 };
	struct sleeper *told[TOLD];
	cpu_set_t allowed, busy;
	CHECK_OK(sched_getaffinity(0, sizeof allowed, &allowed));
	step_on_one_processor();
	int cpu = 0, here = sched_getcpu();
	while (cpu < CPU_SETSIZE && (cpu == here || !CPU_ISSET(cpu, &allowed)))
		cpu++;
	CPU_ZERO(&busy);
	CPU_SET(cpu < CPU_SETSIZE ? cpu : here, &busy);
	int set = new_set(2);
	set_value(set, 0, 1);
	struct holder *holder = HOLDER(set, { 0, -1, SEM_UNDO });
	for (int i = 0; i < TOLD; i++)
		told[i] = PROCESS_SLEEPS(set, { 0, -2, 0 });
	struct sleeper *sleeper = sleeps_last(set, OPS({ 0, -1, 0 }));
	pid_t hog = keep_busy(&busy);
	for (int i = 0; i < TOLD; i++)
		hold_up(told[i]->pid, &busy);
	end_holder(holder, KILLED);
	for (int i = 0; i < TOLD; i++)
		CHECK_OK(kill(told[i]->pid, SIGKILL));
	CHECK_EQ(end_of(sleeper), 0);
	CHECK_OK(kill(hog, SIGKILL));
	CHECK_EQ(waitpid(hog, NULL, 0), hog);
	for (int i = 0; i < TOLD; i++)
		CHECK_EQ(waitpid(told[i]->pid, NULL, 0), told[i]->pid);
	CHECK_EQ(takers_of(set, 0), 0);
}

/* One that only slept is not undone: it has not operated. */
CASE(semop_killed_asleep_without_undo_leaves_the_time)
{
	int set = new_set_of_value(0);
	struct holder *holder = HOLDER(set, { 0, 1, SEM_UNDO }, { 0, -1, SEM_UNDO });
	struct sleeper *sleeper = PROCESS_SLEEPS(set, { 0, -1, 0 });
	time_t before = status_of(set).sem_otime;
	CHECK_SOON(time(NULL) > before);
	CHECK_OK(kill(sleeper->pid, SIGKILL));
	CHECK_EQ(waitpid(sleeper->pid, NULL, 0), sleeper->pid);
	CHECK_EQ(takers_of(set, 0), 0);
	CHECK_EQ(status_of(set).sem_otime, before);
	end_holder(holder, KILLED);
	CHECK(status_of(set).sem_otime > before);
}
