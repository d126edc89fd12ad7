/* A process that has seen a set when few used it deals with the many that came later. */
#include "../support/sysv_holders.h"

enum { MANY = 40 };

/* A child that has used the set, and waits until it is told to act. */
struct early {
	pid_t pid;
	int tell;
};

static struct early early(int set, void (*act)(int set))
{
	int ends[2];
	char byte;
	CHECK_OK(pipe(ends));
	struct early self = { .pid = check_fork(), .tell = ends[1] };
	if (self.pid == 0) {
		close(ends[1]);
		CHECK_OK(SEMOP(set, { 0, 1, 0 }, { 0, -1, 0 }));
		CHECK_EQ(read(ends[0], &byte, 1), 1);
		act(set);
		_exit(0);
	}
	CHECK_OK(close(ends[0]));
	CHECK_SOON(last_pid_of(set, 0) == self.pid && asleep(self.pid, self.pid));
	return self;
}

static void tell(struct early self)
{
	CHECK_EQ(write(self.tell, "x", 1), 1);
}

static void removes(int set)
{
	CHECK_OK(semctl(set, 0, IPC_RMID));
}

CASE(semctl_removal_by_an_early_process_wakes_all_that_came_later)
{
	struct sleeper *sleepers[MANY];
	int set = new_set(1);
	struct early remover = early(set, removes);
	for (int i = 0; i < MANY; i++)
		sleepers[i] = PROCESS_SLEEPS(set, { 0, -1, 0 });
	tell(remover);
	for (int i = 0; i < MANY; i++)
		CHECK_EQ(end_of(sleepers[i]), EIDRM);
	check_child(remover.pid);
}

static void gives(int set)
{
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
}

/* Holders, each with something of its own to undo. */
static void have_holders(int set, struct holder *holders[MANY])
{
	for (int i = 0; i < MANY; i++)
		holders[i] = HOLDER(set, { 1, 1, SEM_UNDO });
}

static void end_all(struct holder *holders[MANY])
{
	for (int i = 0; i < MANY; i++)
		end_holder(holders[i], KILLED);
}

CASE(semop_by_an_early_process_serves_one_with_undo_that_came_after_many)
{
	struct holder *holders[MANY];
	int set = new_set(2);
	struct early giver = early(set, gives);
	have_holders(set, holders);
	struct sleeper *sleeper = PROCESS_SLEEPS(set, { 0, -1, SEM_UNDO });
	tell(giver);
	CHECK_EQ(end_of(sleeper), 0);
	check_child(giver.pid);
	end_all(holders);
}
