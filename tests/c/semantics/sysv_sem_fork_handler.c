/* A handler forks in the middle of semop: parent and child go on with the call. */
#include "../support/fork_struck.h"
#include "../support/rseq.h"
#include "../support/sysv_sem.h"

enum { MEMBERS = 3, BEFORE = 5 };

static int set, elsewhere;

/* The one that is tried. */
static struct sembuf *operations;
static size_t count;

/* Instructions from one trial to the next, after the first ones: an array has many. */
static int stride;

static int instructions(int steps)
{
	enum { FIRST = 8 };
	return steps <= FIRST ? steps : FIRST + (steps - FIRST) * stride;
}

/* The caller has changed its group, to the same one: permission is asked for anew. */
static bool is_asked;

/* The process's first undo in the set: that takes very many instructions. */
static bool begins;

static void rehearse(void)
{
	CHECK_OK(SEMOP(elsewhere, { 0, 1, SEM_UNDO }, { 1, 1, 0 }));
	CHECK_OK(SEMOP(elsewhere, { 0, -1, SEM_UNDO }));
	CHECK_OK(SEMOP(elsewhere, { 1, -1, 0 }));
	if (!begins) {
		CHECK_OK(SEMOP(set, { 0, 1, SEM_UNDO }));
		CHECK_OK(SEMOP(set, { 0, -1, SEM_UNDO }));
	}
	struck_forks();
	if (is_asked)
		CHECK_OK(setegid(getegid()));
}

static void operate_in_both(void)
{
	struck_returned_in_both(semop(set, operations, count) == 0);
}

static int set_of_all(int value)
{
	int made = new_set(MEMBERS);
	for (int i = 0; i < MEMBERS; i++)
		set_value(made, i, value);
	return made;
}

static int trial(int steps)
{
	struck_prepare();
	step_on_one_processor();
	set = set_of_all(BEFORE);
	elsewhere = set_of_all(0);
	pid_t victim = step_victim(rehearse, operate_in_both);
	if (!strike_after(victim, instructions(steps))) {
		step_kill(victim);
		return STEP_OVER;
	}
	both_return(victim);
	int times = 0;
	for (size_t i = 0; i < count; i++) {
		/* Both are dead, or about to be: nothing is left of what is undone. */
		if (operations[i].sem_flg & SEM_UNDO) {
			CHECK_SOON(value_of(set, operations[i].sem_num) == BEFORE);
			continue;
		}
		int change = value_of(set, operations[i].sem_num) - BEFORE;
		int now = change / operations[i].sem_op;
		/* Once, if the call of the parent was done when it forked. */
		CHECK(change == now * operations[i].sem_op && (now == 1 || now == 2));
		/* An array happens whole. */
		CHECK(times == 0 || times == now);
		times = now;
	}
	CHECK_EQ(takers_of(set, 0), 0);
	/* The set goes on. */
	for (int i = 0; i < 17; i++) {
		CHECK_OK(SEMOP(set, { 0, 1, 0 }, { 2, 1, 0 }));
		CHECK_OK(SEMOP(set, { 0, -1, 0 }, { 2, -1, 0 }));
	}
	remove_set(set);
	remove_set(elsewhere);
	return STEP_LATE;
}

#define TRIED(...)                                                                                 \
	do {                                                                                       \
		operations = (struct sembuf[]){ __VA_ARGS__ };                                     \
		count = sizeof((struct sembuf[]){ __VA_ARGS__ }) / sizeof(struct sembuf);          \
		stride = begins ? 999 : is_asked ? 9 : count > 1 || operations->sem_flg ? 17 : 3;  \
		strike_each_step(trial);                                                           \
	} while (0)

CASE(semop_that_takes_is_forked_by_a_handler_at_any_instruction)
{
	make_child = fork;
	TRIED({ 0, -1, 0 });
}

CASE(semop_that_gives_is_forked_by_a_system_call_at_any_instruction)
{
	make_child = by_clone;
	TRIED({ 1, 1, 0 });
}

CASE(semop_with_undo_is_forked_by_a_handler_at_any_instruction)
{
	make_child = fork;
	TRIED({ 0, -1, SEM_UNDO });
}

/* In this case the new state is built where it is shared, word by word. Without restartable
 * sequences the child may make one store of its parent: docs/known-defects.md. */
CASE(semop_whose_permission_is_asked_is_forked_by_a_handler_at_any_instruction)
{
	if (!has_rseq())
		CHECK_SKIP("needs rseq(2)");
	make_child = fork;
	is_asked = child_is_late = true;
	TRIED({ 0, -1, SEM_UNDO });
}

CASE(semop_with_undo_for_the_first_time_is_forked_by_a_handler)
{
	make_child = fork;
	begins = true;
	TRIED({ 0, -1, SEM_UNDO });
}

CASE(semop_of_an_array_is_forked_by_a_handler_at_any_instruction)
{
	make_child = fork;
	TRIED({ 0, -1, 0 }, { 1, -2, 0 }, { 2, 1, 0 });
}

CASE(semop_of_an_array_is_forked_without_handlers_at_any_instruction)
{
	make_child = _Fork;
	TRIED({ 0, -1, 0 }, { 2, 1, 0 });
}
