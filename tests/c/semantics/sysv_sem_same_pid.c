/* What a killed process did with SEM_UNDO is undone, although another one has its number. */
#include "../support/sysv_sem.h"
#include "../support/same_pid.h"

enum { ROUNDS = 4, VALUE = 10 };

/* Takes so many, and stays. */
static void take_and_stay(int set, short count, const int gate[2])
{
	CHECK_OK(SEMOP(set, { 0, (short)-count, SEM_UNDO }));
	CHECK_EQ(write(gate[1], "x", 1), 1);
	for (;;)
		pause();
}

static void await_taken(const int gate[2])
{
	char byte;
	CHECK_EQ(read(gate[0], &byte, 1), 1);
}

CASE(semop_undo_of_a_process_whose_number_another_one_has)
{
	int gate[2], set = new_set_of_value(VALUE);
	CHECK_OK(pipe(gate));
	for (int i = 0; i < ROUNDS; i++) {
		pid_t first = check_fork();
		if (first == 0)
			take_and_stay(set, 3, gate);
		await_taken(gate);
		CHECK_EQ(value_of(set, 0), VALUE - 3);
		kill_and_reap(first);
		pid_t second = fork_as(first);
		if (second == 0)
			take_and_stay(set, 2, gate);
		if (second == -1)
			CHECK_SKIP("the number of a process cannot be chosen");
		await_taken(gate);
		CHECK_EQ(value_of(set, 0), VALUE - 2);
		CHECK_EQ(last_pid_of(set, 0), second);
		kill_and_reap(second);
		CHECK_EQ(value_of(set, 0), VALUE);
	}
}
