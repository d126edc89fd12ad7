/* A queue of thousands of short messages: where a library keeps them in blocks, these are many. */
#include "../support/common_memory.h"
#include "../support/step.h"
#include "../support/sysv_msg.h"

enum { AT_A_TIME = 4, TYPES = 5, DEPTH = 200, MOST = 3000, ROUNDS = 20000 };

/* What a queue should hold, in the order of arrival. */
struct held {
	long type;
	int number;
};

static struct held all[MOST + 1];
static int count;
static unsigned random_state = 1;

static unsigned below(unsigned bound)
{
	random_state = random_state * 1664525 + 1013904223;
	return (random_state >> 16) % bound;
}

/* A message that is short for the code that copies it, too: its instructions are counted. */
struct short_message {
	long type;
	int number;
};

static void send_number(int id, long type, int number)
{
	struct short_message message = { .type = type, .number = number };
	CHECK_OK(msgsnd(id, &message, sizeof number, IPC_NOWAIT));
}

/* -1: there is none. */
static int receive_number(int id, long selector, int flags)
{
	struct short_message message;
	ssize_t length = msgrcv(id, &message, sizeof message.number, selector, flags | IPC_NOWAIT);
	if (length == -1) {
		CHECK_EQ(errno, ENOMSG);
		return -1;
	}
	CHECK_EQ(length, (ssize_t)sizeof message.number);
	return message.number;
}

static void put(int id, int number)
{
	all[count] = (struct held){ .type = 1 + below(TYPES), .number = number };
	send_number(id, all[count++].type, number);
}

/* Which one of them msgrcv(2) gives; -1: none. */
static int wanted(long selector, int flags)
{
	int best = -1;
	for (int i = 0; i < count; i++) {
		long type = all[i].type;
		bool fits = selector == 0 ? true
			    : selector < 0 ? type <= -selector
			    : flags & MSG_EXCEPT ? type != selector
						 : type == selector;
		if (fits && (best == -1 || (selector < 0 && type < all[best].type)))
			best = i;
	}
	return best;
}

static void take(int id, long selector, int flags)
{
	int place = wanted(selector, flags);
	CHECK_EQ(receive_number(id, selector, flags), place == -1 ? -1 : all[place].number);
	if (place == -1)
		return;
	count--;
	memmove(&all[place], &all[place + 1], (size_t)(count - place) * sizeof all[0]);
}

static void take_any_way(int id)
{
	long type = 1 + below(TYPES);
	switch (below(4)) {
	case 0:
		take(id, type, MSG_EXCEPT);
		break;
	case 1:
		take(id, -type, 0);
		break;
	case 2:
		take(id, type, 0);
		break;
	default:
		take(id, 0, 0);
	}
}

CASE(msgrcv_finds_the_right_one_among_thousands_of_short_messages)
{
	int full_and_empty = new_queue();
	for (int number = 0, full = 0; number < ROUNDS; number++) {
		put(full_and_empty, number);
		/* It fills, and empties, and fills again. */
		full = count >= MOST ? 1 : count < 10 ? 0 : full;
		for (unsigned i = below(full ? 5 : 2); i > 0; i--)
			take_any_way(full_and_empty);
	}
	while (count > 0)
		take(full_and_empty, 0, 0);
	GET_NONE(full_and_empty, 0, 0);
}

CASE(a_queue_of_thousands_of_short_messages_is_full_at_its_limit)
{
	int of_2000 = new_queue_of(2000);
	for (int round = 0; round < 3; round++) {
		for (int number = 0; number < 500; number++)
			send_number(of_2000, 1, number);
		CHECK_FAILS(send_text(of_2000, 1, "x", IPC_NOWAIT), EAGAIN);
		for (int number = 0; number < 500; number++)
			CHECK_EQ(receive_number(of_2000, 0, 0), number);
		GET_NONE(of_2000, 0, 0);
	}
}

static int queue, elsewhere;

/* Instructions from one trial to the next. */
static int stride;

/* What the victim got, or sent; 0 = nothing. */
static int *done;

static void prepare(void)
{
	step_on_one_processor();
	done = common_memory(sizeof *done);
	queue = new_queue();
	for (int number = 1; number <= DEPTH; number++)
		send_number(queue, 1, number);
}

static void rehearse(void)
{
	PUT(elsewhere, 1, "x");
	GET(elsewhere, 0, 0, 1, "x");
}

static void receive_one(void)
{
	__atomic_store_n(done, receive_number(queue, 0, 0), __ATOMIC_SEQ_CST);
}

/* The rest comes in order, each message once, but for those that are marked. */
static void drain(const bool *gone, int last)
{
	for (int number = 1; number <= last; number++)
		if (!gone[number])
			CHECK_EQ(receive_number(queue, 0, 0), number);
	GET_NONE(queue, 0, 0);
	remove_queue(queue);
}

/* The two messages that come meanwhile go to where the first ones were. */
static int received_beside(int steps)
{
	bool gone[DEPTH + 3] = { 0 };
	prepare();
	pid_t victim = step_victim(rehearse, receive_one);
	int in_call = step_many(victim, steps * stride);
	for (int i = 0; i < 3; i++) {
		int number = receive_number(queue, 0, 0);
		CHECK(number >= 1 && number <= 4 && !gone[number]);
		gone[number] = true;
	}
	send_number(queue, 1, DEPTH + 1);
	send_number(queue, 1, DEPTH + 2);
	CHECK_OK(ptrace(PTRACE_CONT, victim, NULL, NULL));
	CHECK_SOON(step_stage() == 2);
	int number = __atomic_load_n(done, __ATOMIC_SEQ_CST);
	CHECK(number >= 1 && number <= 4 && !gone[number]);
	gone[number] = true;
	step_kill(victim);
	drain(gone, DEPTH + 2);
	return in_call ? STEP_EARLY : STEP_OVER;
}

static void try_steps(int (*trial)(int), int apart)
{
	stride = apart;
	int counts[STEP_ENDS] = { 0 };
	elsewhere = new_queue();
	step_trials(trial, AT_A_TIME, counts);
	CHECK(counts[STEP_EARLY] > 0 && counts[STEP_OVER] > 0);
}

CASE(msgrcv_gets_the_oldest_of_hundreds_while_others_come_and_go)
{
	try_steps(received_beside, 17);
}

static void send_one(void)
{
	send_number(queue, 1, DEPTH + 1);
	__atomic_store_n(done, DEPTH + 1, __ATOMIC_SEQ_CST);
}

/* As many as the limit says, and no fewer: what the dead had in hand takes no space. */
static void fill(unsigned long limit)
{
	limit_queue(queue, limit);
	for (unsigned long held = count_of(queue); held < limit; held++)
		PUT(queue, 2, "");
	CHECK_FAILS(send_text(queue, 2, "", IPC_NOWAIT), EAGAIN);
}

static int sender_killed(int steps)
{
	bool gone[DEPTH + 2] = { 0 };
	prepare();
	pid_t victim = step_victim(rehearse, send_one);
	int in_call = step_many(victim, steps * stride);
	step_kill(victim);
	bool sent = count_of(queue) == DEPTH + 1;
	CHECK(sent || *done == 0);
	gone[DEPTH + 1] = !sent;
	enum { LIMIT = 4 * (DEPTH + 2) };
	fill(LIMIT);
	for (unsigned long rest = LIMIT - DEPTH - sent; rest > 0; rest--)
		GET(queue, 2, 0, 2, "");
	drain(gone, DEPTH + 1);
	return !in_call ? STEP_OVER : sent ? STEP_LATE : STEP_EARLY;
}

CASE(msgsnd_to_hundreds_killed_at_any_instruction_has_sent_all_or_nothing)
{
	try_steps(sender_killed, 3);
}
