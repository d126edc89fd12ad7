/* The memory of a body is used again once its message is gone, whichever process is in the middle
 * of a call or was killed there. Here in a /dev/shm with space for a few more bodies than there are
 * at a time: what was lost would be missing in the end. The kernel's queues do not lie there. */
#include "../support/private_shm.h"
#include "../support/step.h"
#include "../support/sysv_msg.h"

enum { SHORT = 2100, MESSAGES = 3, TURNS = 41, VICTIMS = 2, TRIALS = 12, STRIDE = 8 };

static int queue, elsewhere;
/* Of the bodies. With a larger MSGMAX than usual they are as long as that. */
static size_t length;
static struct long_message *letter, *got;

static void send_one(void)
{
	msgsnd(queue, letter, length, 0);
}

static void send_short(void)
{
	msgsnd(queue, letter, 1, 0);
}

static void receive_one(void)
{
	msgrcv(queue, got, length, letter->type, 0);
}

static void rehearse(void)
{
	CHECK_OK(msgsnd(elsewhere, letter, length, 0));
	CHECK_EQ(msgrcv(elsewhere, got, length, 0, 0), length);
}

static void prepare(void)
{
	size_t most = (size_t)limits_of_queues().msgmax;
	char options[40];
	length = most > BODY ? most : SHORT;
	letter = malloc(sizeof *letter + length);
	got = malloc(sizeof *got + length);
	CHECK(letter && got);
	snprintf(options, sizeof options, "size=%zu", 100000 + 8 * (length + BODY));
	private_tmpfs("/dev/shm", 0, options);
	queue = new_queue_of(MESSAGES * length);
	elsewhere = new_queue();
	letter->type = 10;
	for (size_t i = 0; i < length; i++)
		letter->body[i] = byte_of(8, i);
}

/* To the limit and back. */
static void fill_and_drain(void)
{
	unsigned long most = status_of(queue).msg_qbytes / length;
	for (unsigned long i = 0; i < most; i++)
		PUT_BYTES(queue, 7, length, i);
	CHECK_FAILS(send_bytes(queue, 7, length, most, IPC_NOWAIT), EAGAIN);
	for (unsigned long i = 0; i < most; i++)
		GET_BYTES(queue, 7, length, i, length);
}

/* One more is sent before each is received: so all memory is used in turn. */
static void take_turns(void)
{
	PUT_BYTES(queue, 7, length, 0);
	for (unsigned i = 1; i < TURNS; i++) {
		PUT_BYTES(queue, 7, length, i);
		GET_BYTES(queue, 7, length, i - 1, length);
	}
	GET_BYTES(queue, 7, length, TURNS - 1, length);
}

/* Each with a type of its own. */
static pid_t victim_of(void (*call)(void))
{
	letter->type++;
	if (call == receive_one)
		CHECK_OK(msgsnd(queue, letter, length, 0));
	return step_victim(rehearse, call);
}

static void kill_and_drain(pid_t victims[], int count)
{
	for (int i = 0; i < count; i++)
		step_kill(victims[i]);
	while (count_of(queue) > 0)
		CHECK_OK(msgrcv(queue, got, length, 0, IPC_NOWAIT));
	fill_and_drain();
}

/* The victim goes on until it holds something that the kernel would free. False: it never did. */
static bool step_to_hold(pid_t victim)
{
	int in_call = 1;
	while (in_call && step_pending(victim) == 0)
		in_call = step_many(victim, 1);
	return in_call;
}

/* So many instructions later the call has an effect. */
static int steps_to_effect(void (*call)(void))
{
	pid_t victim = victim_of(call);
	unsigned long before = count_of(queue);
	bool in_call = step_to_hold(victim);
	int steps = 0;
	for (; in_call && count_of(queue) == before; steps += STRIDE)
		in_call = step_many(victim, STRIDE);
	kill_and_drain(&victim, 1);
	return steps;
}

/* Two processes stop so many instructions after they have begun to hold something; others go on,
 * and then they are killed. */
static void stop_after(void (*call)(void), int steps)
{
	pid_t victims[VICTIMS];
	for (int i = 0; i < VICTIMS; i++) {
		victims[i] = victim_of(call);
		if (step_to_hold(victims[i]))
			step_many(victims[i], steps);
	}
	PUT_BYTES(queue, 9, length, 0);
	GET_BYTES(queue, 9, length, 0, length);
	kill_and_drain(victims, VICTIMS);
}

static void stop_everywhere(void (*call)(void))
{
	prepare();
	step_check_ptrace();
	step_on_one_processor();
	rehearse();
	/* A long body has many instructions. */
	int steps = steps_to_effect(call), trials = length > BODY ? TRIALS / 3 : TRIALS;
	for (int trial = 0; trial <= trials; trial++) {
		take_turns();
		stop_after(call, steps * trial / trials);
	}
}

CASE(msgsnd_of_a_short_body_stopped_anywhere_keeps_no_memory)
{
	stop_everywhere(send_short);
}

CASE(msgsnd_stopped_anywhere_keeps_the_memory_of_its_body)
{
	stop_everywhere(send_one);
}

CASE(msgrcv_stopped_anywhere_keeps_the_memory_of_its_body)
{
	stop_everywhere(receive_one);
}

/* Each of them knows of the memory that was there when it was forked, and no more. */
CASE(msgsnd_by_many_children_uses_the_same_memory)
{
	prepare();
	for (int i = 0; i < TURNS; i++) {
		pid_t child = check_fork();
		if (child == 0) {
			rehearse();
			_exit(0);
		}
		check_child(child);
	}
	fill_and_drain();
}
