/* A process is killed at each instruction of semop. With SEM_UNDO nothing is left of it; without,
 * an array has happened whole or not at all. The same of the removal of a set. A
 * removal that is stopped meanwhile leaves alone what comes after it. */
#include "../support/step.h"
#include "../support/sysv_sleepers.h"

enum { AT_A_TIME = 4, MEMBERS = 3, BEFORE = 5 };

static int set, elsewhere;

static struct sembuf *operations;
static size_t count;

/* Instructions from one trial to the next, after the first ones: an array has many. */
static int stride;

static int instructions(int steps)
{
	enum { FIRST = 8 };
	return steps <= FIRST ? steps : FIRST + (steps - FIRST) * stride;
}

static int set_of_all(int value)
{
	int made = new_set(MEMBERS);
	for (int i = 0; i < MEMBERS; i++)
		set_value(made, i, value);
	return made;
}

/* It has undo in the set that is tried, too: to begin with that takes many instructions. */
static void rehearse(void)
{
	CHECK_OK(SEMOP(elsewhere, { 0, 1, 0 }, { 1, 1, 0 }));
	CHECK_OK(SEMOP(elsewhere, { 0, -1, 0 }));
	CHECK_OK(SEMOP(set, { 0, 1, SEM_UNDO }));
	CHECK_OK(SEMOP(set, { 0, -1, SEM_UNDO }));
}

static void operate(void)
{
	semop(set, operations, count);
}

static int trial(int steps)
{
	step_on_one_processor();
	set = set_of_all(BEFORE);
	elsewhere = set_of_all(0);
	pid_t victim = step_victim(rehearse, operate);
	int in_call = step_many(victim, instructions(steps));
	step_kill(victim);
	int done = -1;
	for (size_t i = 0; i < count; i++) {
		int change = value_of(set, operations[i].sem_num) - BEFORE;
		int is_done = change != 0;
		CHECK(change == 0 || change == operations[i].sem_op);
		if (operations[i].sem_flg & SEM_UNDO)
			CHECK_EQ(change, 0);
		CHECK(done == -1 || done == is_done);
		done = is_done;
	}
	CHECK_EQ(takers_of(set, 0), 0);
	for (int i = 0; i < 17; i++) {
		CHECK_OK(SEMOP(set, { 0, 1, SEM_UNDO }, { 2, 1, 0 }));
		CHECK_OK(SEMOP(set, { 0, -1, SEM_UNDO }, { 2, -1, 0 }));
	}
	remove_set(set);
	remove_set(elsewhere);
	return !in_call ? STEP_OVER : done ? STEP_LATE : STEP_EARLY;
}

#define KILLED(counts, ...)                                                                        \
	do {                                                                                       \
		operations = (struct sembuf[]){ __VA_ARGS__ };                                     \
		count = sizeof((struct sembuf[]){ __VA_ARGS__ }) / sizeof(struct sembuf);          \
		stride = count > 1 || operations->sem_flg ? 17 : 3;                                \
		step_trials(trial, AT_A_TIME, counts);                                             \
	} while (0)

CASE(semop_killed_at_any_instruction_with_undo_leaves_nothing)
{
	int counts[STEP_ENDS] = { 0 };
	KILLED(counts, { 0, -1, SEM_UNDO });
	CHECK(counts[STEP_EARLY] > 0 && counts[STEP_OVER] > 0);
}

CASE(semop_of_an_array_killed_at_any_instruction_with_undo_leaves_nothing)
{
	int counts[STEP_ENDS] = { 0 };
	KILLED(counts, { 0, -1, SEM_UNDO }, { 1, -2, SEM_UNDO }, { 2, 1, SEM_UNDO });
	CHECK(counts[STEP_EARLY] > 0 && counts[STEP_OVER] > 0);
}

CASE(semop_of_an_array_killed_at_any_instruction_has_happened_whole_or_not)
{
	int counts[STEP_ENDS] = { 0 };
	KILLED(counts, { 0, -1, 0 }, { 1, -2, 0 }, { 2, 1, 0 });
	CHECK(counts[STEP_EARLY] > 0 && counts[STEP_OVER] > 0);
}

static void rehearse_removal(void)
{
	remove_set(elsewhere);
}

static void remove_it(void)
{
	semctl(set, 0, IPC_RMID);
}

/* There with all that belongs to it, or gone. */
static int trial_of_removal(int steps)
{
	/* Those of other trials are there at the same time. */
	key_t key = own_key(steps % 100 * 2);
	step_on_one_processor();
	set = noted(semget(key, 1, IPC_CREAT | IPC_EXCL | 0600));
	elsewhere = noted(semget(key + 1, 1, IPC_CREAT | IPC_EXCL | 0600));
	struct sleeper *sleeper = PROCESS_SLEEPS(set, { 0, -1, 0 });
	pid_t victim = step_victim(rehearse_removal, remove_it);
	int in_call = step_many(victim, instructions(steps));
	step_kill(victim);
	int is_there = semctl(set, 0, GETVAL) == 0;
	if (is_there) {
		CHECK_EQ(semget(key, 1, 0600), set);
		CHECK_OK(SEMOP(set, { 0, 1, 0 }));
		CHECK_EQ(end_of(sleeper), 0);
		remove_set(set);
	} else {
		CHECK(errno == EINVAL || errno == EIDRM);
		CHECK_EQ(end_of(sleeper), EIDRM);
	}
	CHECK_FAILS(semget(key, 1, 0600), ENOENT);
	return !in_call ? STEP_OVER : is_there ? STEP_EARLY : STEP_LATE;
}

CASE(semctl_removal_killed_at_any_instruction_while_another_sleeps)
{
	int counts[STEP_ENDS] = { 0 };
	stride = 131;
	step_trials(trial_of_removal, AT_A_TIME, counts);
	CHECK(counts[STEP_EARLY] > 0 && counts[STEP_OVER] > 0);
}

/* Another process removes the set meanwhile, and gives its key to the next one. */
static int trial_of_late_removal(int stops)
{
	int *next = common_memory(sizeof *next);
	key_t key = own_key(stops % 100 * 2);
	step_on_one_processor();
	set = noted(semget(key, 1, IPC_CREAT | IPC_EXCL | 0600));
	elsewhere = noted(semget(key + 1, 1, IPC_CREAT | IPC_EXCL | 0600));
	pid_t victim = step_victim(rehearse_removal, remove_it);
	int in_call = 1;
	/* Before and after each system call. */
	while (in_call && stops-- > 0)
		in_call = step_on(PTRACE_SYSCALL, victim) && step_stage() == 1;
	/* In a child: who makes a set may remember where its key leads. */
	pid_t other = check_fork();
	if (other == 0) {
		if (semctl(set, 0, IPC_RMID) == -1)
			CHECK(errno == EINVAL || errno == EIDRM);
		*next = semget(key, 1, IPC_CREAT | IPC_EXCL | 0600);
		CHECK(*next != -1 || errno == EEXIST);
		_exit(0);
	}
	check_child(other);
	if (in_call) {
		CHECK_OK(ptrace(PTRACE_DETACH, victim, NULL, NULL));
		CHECK_SOON(step_stage() == 2);
	}
	step_kill(victim);
	if (*next == -1) {
		CHECK_FAILS(semget(key, 1, 0600), ENOENT);
	} else {
		CHECK_EQ(semget(key, 1, 0600), *next);
		remove_set(*next);
	}
	return in_call ? STEP_EARLY : STEP_OVER;
}

CASE(semctl_removal_stopped_at_any_system_call_leaves_the_next_set_of_the_key_alone)
{
	int counts[STEP_ENDS] = { 0 };
	step_trials(trial_of_late_removal, AT_A_TIME, counts);
	CHECK(counts[STEP_EARLY] > 0 && counts[STEP_OVER] > 0);
}
