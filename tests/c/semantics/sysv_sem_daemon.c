/* The child of a process that has used a set goes on with it when its parent is dead: what the
 * library knows of the parent is not true of the child. */
#include "../support/sysv_holders.h"

/* Parent and child, and how far they have come. */
struct family {
	int set;
	void (*parent)(int set);
	struct sleeper *child; /* what it does at the end */
	int may_go_on, is_ready;
	pid_t pid;
};

static void be_child(struct family *self)
{
	CHECK_SOON(__atomic_load_n(&self->may_go_on, __ATOMIC_SEQ_CST));
	self->parent(self->set);
	__atomic_store_n(&self->is_ready, 1, __ATOMIC_SEQ_CST);
	CHECK_SOON(__atomic_load_n(&self->may_go_on, __ATOMIC_SEQ_CST) == 2);
	sleeper_body(self->child);
	for (;;)
		pause();
}

/* A child whose parent has done this, and is dead and undone; it does the same itself. */
static struct family *child_of_a_dead_parent(int set, void (*parent)(int set),
					     const struct sembuf *ops, size_t count)
{
	struct family *self = common_memory(sizeof *self);
	self->set = set;
	self->parent = parent;
	self->child = sleeper_of(set, ops, count);
	pid_t pid = check_fork();
	if (pid == 0) {
		parent(set);
		pid_t child = check_fork();
		if (child == 0)
			be_child(self);
		self->pid = self->child->pid = child;
		_exit(0);
	}
	check_child(pid);
	/* Others see that it has ended. */
	CHECK_OK(SEMOP(set, { 1, 1, 0 }));
	__atomic_store_n(&self->may_go_on, 1, __ATOMIC_SEQ_CST);
	CHECK_SOON(__atomic_load_n(&self->is_ready, __ATOMIC_SEQ_CST));
	return self;
}

static void let_it_sleep(struct family *self)
{
	int before = asleep_in(self->set);
	__atomic_store_n(&self->may_go_on, 2, __ATOMIC_SEQ_CST);
	CHECK_SOON(sleeps_beside(self->child, before));
}

static void end_family(struct family *self)
{
	CHECK(self->pid > 0);
	CHECK_OK(kill(self->pid, SIGKILL));
}

static void lock_and_unlock(int set)
{
	CHECK_OK(SEMOP(set, { 0, -1, SEM_UNDO }));
	CHECK_OK(SEMOP(set, { 0, 1, SEM_UNDO }));
}

CASE(semop_child_of_a_dead_parent_with_undo_sleeps_and_is_served)
{
	int set = new_set(2);
	set_value(set, 0, 1);
	struct family *family =
		child_of_a_dead_parent(set, lock_and_unlock, OPS({ 0, -1, SEM_UNDO }));
	CHECK_OK(SEMOP(set, { 0, -1, SEM_UNDO }));
	let_it_sleep(family);
	CHECK_EQ(takers_of(set, 0), 1);
	CHECK_OK(SEMOP(set, { 0, 1, SEM_UNDO }));
	CHECK_SOON(is_done(family->child));
	CHECK_EQ(family->child->error, 0);
	struct sleeper *next = PROCESS_SLEEPS(set, { 0, -1, 0 });
	end_family(family);
	CHECK_EQ(end_of(next), 0);
}

static void sleep_for_a_moment(int set)
{
	struct timespec moment = { .tv_nsec = 1000000 };
	CHECK_FAILS(SEMTIMEDOP(set, &moment, { 0, -1, 0 }), EAGAIN);
}

CASE(semop_child_of_a_dead_parent_that_slept_beside_undo_is_served)
{
	int set = new_set(2);
	struct holder *holder = HOLDER(set, { 1, 1, SEM_UNDO });
	struct family *family =
		child_of_a_dead_parent(set, sleep_for_a_moment, OPS({ 0, -1, 0 }));
	let_it_sleep(family);
	CHECK_EQ(takers_of(set, 0), 1);
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_SOON(is_done(family->child));
	CHECK_EQ(family->child->error, 0);
	CHECK_EQ(value_of(set, 0), 0);
	end_family(family);
	end_holder(holder, KILLED);
}

/* The parent used another set with SEM_UNDO; the child finds that this one is no more. */
CASE(semop_death_is_undone_when_a_set_that_the_parent_used_has_gone)
{
	int parents = new_set_of_value(1), set = new_set_of_value(1);
	int *is_gone = common_memory(sizeof *is_gone);
	CHECK_OK(SEMOP(parents, { 0, -1, SEM_UNDO }));
	pid_t child = check_fork();
	if (child == 0) {
		CHECK_OK(SEMOP(set, { 0, -1, SEM_UNDO }));
		CHECK_SOON(semctl(parents, 0, GETVAL) == -1);
		CHECK_OK(SEMOP(set, { 0, 0, 0 }));
		__atomic_store_n(is_gone, 1, __ATOMIC_SEQ_CST);
		for (;;)
			pause();
	}
	CHECK_SOON(value_of(set, 0) == 0);
	struct sleeper *sleeper = PROCESS_SLEEPS(set, { 0, -1, 0 });
	remove_set(parents);
	CHECK_SOON(__atomic_load_n(is_gone, __ATOMIC_SEQ_CST));
	CHECK_OK(kill(child, SIGKILL));
	CHECK_EQ(waitpid(child, NULL, 0), child);
	CHECK_EQ(end_of(sleeper), 0);
}

/* The child sleeps, takes the lock, and runs another program, which ends. */
CASE(semop_undo_survives_the_exec_of_a_child_of_a_dead_parent)
{
	int set = new_set(2);
	set_value(set, 0, 1);
	struct holder *holder = HOLDER(set, { 1, 1, SEM_UNDO });
	int *stage = common_memory(sizeof *stage);
	pid_t parent = check_fork();
	if (parent == 0) {
		struct timespec moment = { .tv_nsec = 1000000 };
		lock_and_unlock(set);
		if (check_fork() == 0) {
			CHECK_SOON(__atomic_load_n(stage, __ATOMIC_SEQ_CST) == 1);
			CHECK_FAILS(SEMTIMEDOP(set, &moment, { 0, -2, 0 }), EAGAIN);
			CHECK_OK(SEMOP(set, { 0, -1, SEM_UNDO }));
			__atomic_store_n(stage, 2, __ATOMIC_SEQ_CST);
			execl("/bin/sleep", "sleep", "1", NULL);
			_exit(1);
		}
		_exit(0);
	}
	check_child(parent);
	CHECK_OK(SEMOP(set, { 1, 1, 0 }));
	__atomic_store_n(stage, 1, __ATOMIC_SEQ_CST);
	CHECK_SOON(__atomic_load_n(stage, __ATOMIC_SEQ_CST) == 2);
	struct sleeper *sleeper = PROCESS_SLEEPS(set, { 0, -1, 0 });
	CHECK_EQ(end_of(sleeper), 0);
	end_holder(holder, KILLED);
}
