/* Processes of several PID namespaces use one queue, as containers do that share a directory.
 * Numbers mean nothing across them, and equal ones are common: here all are process 1. */
#include "../support/namespace.h"
#include "../support/notify.h"

static mqd_t queue;
static atomic_int *stage;

static void set_up(int flags)
{
	need_namespaces();
	notes_are_waited_for();
	queue = queue_small(flags);
	stage = shared_memory(sizeof *stage);
}

static void await_stage(int wanted)
{
	while (atomic_load(stage) < wanted)
		pause_ms(1);
}

static void each_place_can_be_used(void)
{
	CHECK_OK(mq_setattr(queue, &(struct mq_attr){ .mq_flags = O_NONBLOCK }, NULL));
	for (int round = 0; round < 2; round++) {
		queue_fill(queue);
		CHECK_FAILS(mq_send(queue, "x", 1, 0), EAGAIN);
		for (int i = 0; i < SMALL_DEPTH; i++)
			queue_expect(queue, "filler", 1);
	}
}

/* A message whose bytes are all the same. */
static void send_whole(char letter)
{
	char text[SMALL_SIZE];
	memset(text, letter, sizeof text);
	CHECK_OK(mq_send(queue, text, sizeof text, 0));
}

static char receive_whole(void)
{
	char text[SMALL_SIZE];
	CHECK_EQ(mq_receive(queue, text, sizeof text, NULL), SMALL_SIZE);
	for (int i = 1; i < SMALL_SIZE; i++)
		CHECK_EQ(text[i], text[0]);
	return text[0];
}

CASE(mq_messages_of_two_namespaces_are_whole)
{
	enum { EACH = 5000 };
	pid_t senders[2], receivers[2];
	set_up(0);
	int *counts = shared_memory(4 * sizeof *counts);
	for (int i = 0; i < 2; i++) {
		senders[i] = namespace_fork();
		for (int k = 0; senders[i] == 0 && k < EACH; k++)
			send_whole((char)('A' + i));
		if (senders[i] == 0)
			_exit(0);
		receivers[i] = namespace_fork();
		for (int k = 0; receivers[i] == 0 && k < EACH; k++)
			counts[2 * i + receive_whole() - 'A']++;
		if (receivers[i] == 0)
			_exit(0);
	}
	for (int i = 0; i < 2; i++) {
		check_child(senders[i]);
		check_child(receivers[i]);
	}
	CHECK_EQ(counts[0] + counts[2], EACH);
	CHECK_EQ(counts[1] + counts[3], EACH);
	each_place_can_be_used();
}

static pid_t start_receiver(void)
{
	pid_t child = namespace_fork();
	if (child == 0) {
		receive_whole();
		atomic_fetch_add(stage, 1);
		_exit(0);
	}
	queue_await_asleep(child);
	return child;
}

CASE(mq_receivers_of_three_namespaces_get_a_message_each)
{
	pid_t children[3];
	set_up(0);
	for (int i = 0; i < 3; i++)
		children[i] = start_receiver();
	for (int i = 0; i < 3; i++)
		send_whole('A');
	for (int i = 0; i < 3; i++)
		check_child(children[i]);
	CHECK_EQ(queue_count(queue), 0);
	each_place_can_be_used();
}

CASE(mq_receiver_killed_in_another_namespace_is_not_waited_for)
{
	set_up(0);
	pid_t first = start_receiver(), second = start_receiver();
	queue_kill_child(first);
	send_whole('A');
	check_child(second);
	each_place_can_be_used();
}

/* No process at home looks after what the killed ones have left. */
CASE(mq_users_killed_at_home_are_not_waited_for_in_another_namespace)
{
	enum { ROUNDS = 100 };
	set_up(O_NONBLOCK);
	pid_t abroad = namespace_fork();
	for (int round = 0; abroad == 0 && round < ROUNDS; round++) {
		each_place_can_be_used();
		atomic_store(stage, 2 * round + 1);
		await_stage(2 * round + 2);
		while (queue_count(queue) > 0)
			queue_take(queue);
	}
	if (abroad == 0)
		_exit(0);
	for (int round = 0; round < ROUNDS; round++) {
		await_stage(2 * round + 1);
		char got[SMALL_SIZE];
		pid_t user = check_fork();
		while (user == 0) {
			mq_send(queue, "message", 7, 0);
			mq_receive(queue, got, sizeof got, NULL);
		}
		pause_ms(round % 4);
		queue_kill_child(user);
		atomic_store(stage, 2 * round + 2);
	}
	check_child(abroad);
}

CASE(mq_senders_of_two_namespaces_wait_for_space)
{
	pid_t children[2];
	set_up(0);
	for (int i = 0; i < SMALL_DEPTH; i++)
		send_whole('0');
	for (int i = 0; i < 2; i++) {
		children[i] = namespace_fork();
		if (children[i] == 0) {
			send_whole((char)('A' + i));
			_exit(0);
		}
		queue_await_asleep(children[i]);
	}
	for (int i = 0; i < SMALL_DEPTH; i++)
		CHECK_EQ(receive_whole(), '0');
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(receive_whole(), 'A' + i);
		check_child(children[i]);
	}
	each_place_can_be_used();
}

/* A process that registers, and waits for its notification, or for stage 2. */
static pid_t start_registered(bool is_told)
{
	pid_t child = namespace_fork();
	if (child == 0) {
		CHECK_OK(ask_for_note(queue, 5));
		atomic_store(stage, 1);
		if (is_told)
			CHECK_EQ(expect_note().si_value.sival_int, 5);
		else
			await_stage(2);
		_exit(0);
	}
	await_stage(1);
	return child;
}

static void by_another_process_1(void (*body)(void))
{
	pid_t child = namespace_fork();
	if (child == 0) {
		body();
		_exit(0);
	}
	check_child(child);
}

static void neither_has_it_nor_ends_it(void)
{
	CHECK_FAILS(ask_for_note(queue, 0), EBUSY);
	CHECK_OK(mq_notify(queue, NULL));
	CHECK_FAILS(ask_for_note(queue, 0), EBUSY);
	CHECK_OK(mq_close(queue));
}

static void sends(void)
{
	send_whole('A');
}

CASE(mq_notify_belongs_to_one_of_two_processes_with_the_same_number)
{
	set_up(0);
	pid_t registered = start_registered(true);
	by_another_process_1(neither_has_it_nor_ends_it);
	by_another_process_1(sends);
	check_child(registered);
	CHECK_OK(ask_for_note(queue, 0));
}

static void registers(void)
{
	CHECK_OK(ask_for_note(queue, 0));
}

CASE(mq_notify_ends_with_a_process_of_another_namespace)
{
	set_up(0);
	pid_t registered = start_registered(false);
	by_another_process_1(neither_has_it_nor_ends_it);
	CHECK_OK(kill(registered, SIGKILL));
	CHECK_EQ(waitpid(registered, NULL, 0), registered);
	by_another_process_1(registers);
	CHECK_OK(ask_for_note(queue, 0));
	send_whole('A');
	expect_note();
}

static pid_t start_poller(void)
{
	pid_t child = namespace_fork();
	if (child == 0) {
		struct pollfd fd = { queue, POLLIN, 0 };
		atomic_fetch_add(stage, 1);
		CHECK_EQ(poll(&fd, 1, -1), 1);
		CHECK_EQ(fd.revents, POLLIN);
		_exit(0);
	}
	return child;
}

CASE(mq_pollers_of_two_namespaces_are_told)
{
	set_up(0);
	pid_t first = start_poller(), second = start_poller();
	queue_await_asleep(first);
	queue_await_asleep(second);
	by_another_process_1(sends);
	check_child(first);
	check_child(second);
	CHECK_EQ(receive_whole(), 'A');
	CHECK_EQ(queue_events(queue), POLLOUT);
}

/* What process 1 knows its child must find out anew, which is process 1 of the next namespace. */
static void child_of_a_process_1_polls(void)
{
	CHECK_EQ(queue_events(queue), POLLOUT);
	pid_t child = start_poller();
	await_stage(1);
	/* It is asleep soon, and is to see the message in either case. */
	pause_ms(20);
	send_whole('A');
	check_child(child);
}

CASE(mq_poll_wakes_process_1_whose_parent_is_process_1)
{
	set_up(0);
	by_another_process_1(child_of_a_process_1_polls);
}

static void child_of_a_process_1_registers(void)
{
	CHECK_OK(ask_for_note(queue, 4));
	pid_t child = namespace_fork();
	if (child == 0) {
		neither_has_it_nor_ends_it();
		_exit(0);
	}
	check_child(child);
	CHECK_OK(mq_notify(queue, NULL));
	child = start_registered(true);
	send_whole('A');
	check_child(child);
}

CASE(mq_notify_works_in_process_1_whose_parent_is_process_1)
{
	set_up(0);
	by_another_process_1(child_of_a_process_1_registers);
	CHECK_OK(ask_for_note(queue, 0));
}
