/* Many threads and processes on one queue: nothing is lost, doubled or torn, and what one sender
 * sends as one type comes in its order. */
#include "../support/sysv_msg_sleepers.h"

enum { SENDERS = 4, RECEIVERS = 4, EACH = 1500 };

/* Shared by all that take part. */
static struct crowd {
	int queue;
	unsigned received[SENDERS][EACH];
	unsigned out_of_order;
} *crowd;

/* Its sender, and its number; the body follows from both. */
struct note {
	unsigned sender, number;
	unsigned char bytes[248];
};

static size_t length_of(unsigned sender, unsigned number)
{
	return 8 + (sender * 37 + number * 11) % 248;
}

static void *sends_all(void *sender)
{
	unsigned self = *(unsigned *)sender;
	for (unsigned number = 0; number < EACH; number++) {
		struct message message = { .type = self + 1 };
		struct note note = { .sender = self, .number = number };
		for (size_t i = 0; i < sizeof note.bytes; i++)
			note.bytes[i] = byte_of(self * EACH + number, i);
		memcpy(message.body, &note, sizeof note);
		CHECK_OK(msgsnd(crowd->queue, &message, length_of(self, number), 0));
	}
	return NULL;
}

/* Receives until it is told to end, by a message of length 0. */
static void *receives_many(void *selector)
{
	unsigned last[SENDERS] = { 0 };
	for (;;) {
		struct message message;
		struct note note;
		ssize_t length = msgrcv(crowd->queue, &message, BODY, *(long *)selector, 0);
		CHECK_OK(length);
		if (length == 0)
			return NULL;
		memcpy(&note, message.body, sizeof note);
		CHECK(note.sender < SENDERS && note.number < EACH);
		CHECK_EQ(message.type, note.sender + 1);
		CHECK_EQ(length, length_of(note.sender, note.number));
		for (size_t i = 0; i < (size_t)length - 8; i++)
			CHECK_EQ(note.bytes[i], byte_of(note.sender * EACH + note.number, i));
		__atomic_fetch_add(&crowd->received[note.sender][note.number], 1, __ATOMIC_RELAXED);
		if (last[note.sender] > note.number + 1)
			__atomic_fetch_add(&crowd->out_of_order, 1, __ATOMIC_RELAXED);
		last[note.sender] = note.number + 1;
	}
}

static void gather(unsigned long bytes)
{
	crowd = common_memory(sizeof *crowd);
	crowd->queue = new_queue_of(bytes);
}

static void all_came_once(void)
{
	for (int i = 0; i < SENDERS; i++)
		for (int j = 0; j < EACH; j++)
			CHECK_EQ(crowd->received[i][j], 1);
	CHECK_EQ(crowd->out_of_order, 0);
	CHECK_HOLDS(crowd->queue, 0, 0);
}

static unsigned numbers[] = { 0, 1, 2, 3 };

/* One of the crowd: a thread, or a process. */
struct member {
	pthread_t thread;
	pid_t child;
};

static struct member join(void *(*body)(void *), void *argument, bool as_process)
{
	struct member member = { 0 };
	if (!as_process) {
		CHECK_EQ(pthread_create(&member.thread, NULL, body, argument), 0);
		return member;
	}
	member.child = check_fork();
	if (member.child == 0) {
		body(argument);
		_exit(0);
	}
	return member;
}

static void await(struct member member)
{
	if (member.child)
		check_child(member.child);
	else
		CHECK_EQ(pthread_join(member.thread, NULL), 0);
}

static void crowd_meets(long *selectors, bool in_processes)
{
	struct member senders[SENDERS], receivers[RECEIVERS];
	for (int i = 0; i < RECEIVERS; i++)
		receivers[i] = join(receives_many, &selectors[i], in_processes);
	for (int i = 0; i < SENDERS; i++)
		senders[i] = join(sends_all, &numbers[i], in_processes);
	for (int i = 0; i < SENDERS; i++)
		await(senders[i]);
	for (int i = 0; i < RECEIVERS; i++)
		CHECK_OK(send_text(crowd->queue, selectors[i] > 0 ? selectors[i] : 1, "", 0));
	for (int i = 0; i < RECEIVERS; i++)
		await(receivers[i]);
	all_came_once();
}

CASE(msgsnd_and_msgrcv_of_threads_by_type)
{
	gather(2000);
	crowd_meets((long[]){ 1, 2, 3, 4 }, false);
}

CASE(msgsnd_and_msgrcv_of_processes_by_type)
{
	gather(2000);
	crowd_meets((long[]){ 4, 3, 2, 1 }, true);
}

CASE(msgsnd_and_msgrcv_of_threads_in_a_narrow_queue)
{
	gather(256);
	crowd_meets((long[]){ 0, 0, 0, 0 }, false);
}

CASE(msgsnd_and_msgrcv_of_processes_in_a_wide_queue)
{
	gather(16384);
	crowd_meets((long[]){ 0, 0, 0, 0 }, true);
}
