/* Senders that sleep until their message fits. */
#include "../support/sysv_msg_sleepers.h"

/* A queue of `bytes` that is full: of one message of type 1, and no space for a byte. */
static int full_queue(unsigned long bytes)
{
	int queue = new_queue_of(bytes);
	PUT_BYTES(queue, 1, bytes, 1);
	return queue;
}

static void take_filler(int queue, unsigned long bytes)
{
	GET_BYTES(queue, 1, bytes, 1, bytes);
}

CASE(msgsnd_sleeps_until_there_is_space)
{
	int queue = full_queue(100);
	struct sleeper *thread = SENDS(queue, 2, "by a thread");
	take_filler(queue, 100);
	CHECK_EQ(end_of(thread), 0);
	GET(queue, 0, 0, 2, "by a thread");
	PUT_BYTES(queue, 1, 100, 1);
	struct sleeper *process = PROCESS_SENDS(queue, 3, "by a process");
	take_filler(queue, 100);
	CHECK_EQ(end_of(process), 0);
	GET(queue, 0, 0, 3, "by a process");
	CHECK_HOLDS(queue, 0, 0);
}

CASE(msgsnd_returns_0)
{
	int queue = new_queue();
	CHECK_EQ(send_text(queue, 1, "some text", 0), 0);
	CHECK_EQ(send_text(queue, 1, "", 0), 0);
	limit_queue(queue, 2);
	struct sleeper *sleeper = SENDS(queue, 1, "x");
	GET(queue, 0, 0, 1, "some text");
	CHECK_EQ(end_of(sleeper), 0);
	CHECK_EQ(sleeper->length, 0);
}

CASE(msgsnd_asleep_counts_for_nothing)
{
	int queue = full_queue(100);
	struct msqid_ds before = status_of(queue);
	struct sleeper *sender = SENDS(queue, 2, "not there yet");
	struct msqid_ds after = status_of(queue);
	CHECK_EQ(memcmp(&before, &after, sizeof before), 0);
	GET_NONE(queue, 2, 0);
	take_filler(queue, 100);
	CHECK_EQ(end_of(sender), 0);
}

CASE(msgsnd_asleep_goes_on_only_when_all_of_it_fits)
{
	int queue = new_queue_of(10);
	for (int i = 0; i < 5; i++)
		PUT(queue, 1, "12");
	struct sleeper *sender = SENDS(queue, 2, "123456");
	for (int i = 0; i < 2; i++) {
		GET(queue, 1, 0, 1, "12");
		SLEEPS_ON(sender);
	}
	GET(queue, 1, 0, 1, "12");
	CHECK_EQ(end_of(sender), 0);
	CHECK_HOLDS(queue, 3, 10);
}

CASE(msgsnd_small_ones_overtake_big_ones)
{
	int queue = full_queue(100);
	const char *text = "0123456789012345678901234567890";
	struct sleeper *big = sleep_in_thread(sender_of(queue, 2, text));
	limit_queue(queue, 110);
	SLEEPS_ON(big);
	struct sleeper *small = PROCESS_SENDS(queue, 3, "small but more");
	limit_queue(queue, 120);
	CHECK_EQ(end_of(small), 0);
	SLEEPS_ON(big);
	PUT(queue, 4, "tiny");
	SLEEPS_ON(big);
	take_filler(queue, 100);
	CHECK_EQ(end_of(big), 0);
	CHECK_HOLDS(queue, 3, 49);
}

CASE(msgsnd_all_that_fit_go_on_at_once)
{
	enum { MANY = 10 };
	struct sleeper *senders[MANY];
	int queue = full_queue(100);
	for (int i = 0; i < MANY; i++)
		senders[i] = i % 4 ? SENDS(queue, i + 2, "ten bytes.")
				   : PROCESS_SENDS(queue, i + 2, "ten bytes.");
	take_filler(queue, 100);
	for (int i = 0; i < MANY; i++)
		CHECK_EQ(end_of(senders[i]), 0);
	CHECK_HOLDS(queue, MANY, 100);
	for (int i = 0; i < MANY; i++)
		GET(queue, i + 2, 0, i + 2, "ten bytes.");
}

CASE(msgsnd_a_stopped_sender_holds_up_no_smaller_one)
{
	int queue = new_queue_of(100);
	PUT_BYTES(queue, 1, 50, 1);
	PUT_BYTES(queue, 1, 50, 2);
	struct sleeper *big = PROCESS_SENDS(
		queue, 2, "01234567890123456789012345678901234567890123456789");
	struct sleeper *small = SENDS(queue, 3, "ten bytes.");
	CHECK_OK(kill(big->pid, SIGSTOP));
	GET_BYTES(queue, 1, 50, 1, 50);
	CHECK_EQ(end_of(small), 0);
	CHECK_OK(kill(big->pid, SIGCONT));
	GET_BYTES(queue, 1, 50, 2, 50);
	CHECK_EQ(end_of(big), 0);
	CHECK_HOLDS(queue, 2, 60);
}

CASE(msgsnd_of_length_0_sleeps_for_the_count)
{
	int queue = new_queue_of(2);
	PUT(queue, 1, "");
	PUT(queue, 1, "");
	struct sleeper *thread = SENDS(queue, 2, ""), *process = PROCESS_SENDS(queue, 3, "");
	GET(queue, 1, 0, 1, "");
	GET(queue, 1, 0, 1, "");
	CHECK_EQ(end_of(thread), 0);
	CHECK_EQ(end_of(process), 0);
	CHECK_HOLDS(queue, 2, 0);
}

CASE(msgctl_set_wakes_senders_that_fit_now)
{
	int queue = full_queue(10);
	struct sleeper *five = SENDS(queue, 5, "12345"), *fifty = PROCESS_SENDS(
		queue, 50, "01234567890123456789012345678901234567890123456789");
	limit_queue(queue, 15);
	CHECK_EQ(end_of(five), 0);
	SLEEPS_ON(fifty);
	limit_queue(queue, 64);
	SLEEPS_ON(fifty);
	limit_queue(queue, 65);
	CHECK_EQ(end_of(fifty), 0);
	CHECK_HOLDS(queue, 3, 65);
}

CASE(msgctl_set_to_less_leaves_senders_asleep)
{
	int queue = full_queue(10);
	struct sleeper *sender = SENDS(queue, 5, "12345");
	limit_queue(queue, 4);
	take_filler(queue, 10);
	SLEEPS_ON(sender);
	CHECK_HOLDS(queue, 0, 0);
	limit_queue(queue, 5);
	CHECK_EQ(end_of(sender), 0);
	GET(queue, 0, 0, 5, "12345");
}

CASE(msgsnd_above_the_bytes_of_the_queue_waits_for_them)
{
	int queue = new_queue_of(4);
	struct sleeper *sender = PROCESS_SENDS(queue, 1, "12345");
	SLEEPS_ON(sender);
	CHECK_HOLDS(queue, 0, 0);
	limit_queue(queue, 5);
	CHECK_EQ(end_of(sender), 0);
	GET(queue, 0, 0, 1, "12345");
}

CASE(msgsnd_sleeps_on_though_a_receiver_waits_for_its_type)
{
	int queue = full_queue(10);
	struct sleeper *receiver = RECEIVES(queue, 2, 0);
	struct sleeper *sender = PROCESS_SENDS(queue, 2, "12345");
	SLEEPS_ON(receiver);
	CHECK_FAILS(send_text(queue, 2, "1", IPC_NOWAIT), EAGAIN);
	take_filler(queue, 10);
	CHECK_EQ(end_of(sender), 0);
	GETS(receiver, 2, "12345");
	CHECK_HOLDS(queue, 0, 0);
}

CASE(msgsnd_handed_over_takes_no_space)
{
	int queue = new_queue_of(10);
	struct sleeper *receivers[3];
	for (int i = 0; i < 3; i++)
		receivers[i] = RECEIVES(queue, 2, 0);
	PUT(queue, 1, "1234");
	for (int i = 0; i < 3; i++)
		PUT(queue, 2, "123456");
	CHECK_HOLDS(queue, 1, 4);
	for (int i = 0; i < 3; i++)
		GETS(receivers[i], 2, "123456");
}

CASE(msgrcv_that_cuts_gives_the_whole_space_back)
{
	int queue = full_queue(100);
	struct sleeper *sender = SENDS(queue, 2, "fits now");
	CHECK_EQ(msgrcv(queue, &(struct message){ 0 }, 1, 0, MSG_NOERROR), 1);
	CHECK_EQ(end_of(sender), 0);
	CHECK_HOLDS(queue, 1, 8);
}

CASE(msgrcv_of_a_copy_leaves_senders_asleep)
{
	int queue = full_queue(100);
	struct sleeper *sender = SENDS(queue, 2, "fits later");
	if (msgrcv(queue, &(struct message){ 0 }, BODY, 0, MSG_COPY | IPC_NOWAIT) == -1)
		CHECK_EQ(errno, ENOSYS);
	SLEEPS_ON(sender);
	take_filler(queue, 100);
	CHECK_EQ(end_of(sender), 0);
}

CASE(msgsnd_killed_asleep_sends_nothing)
{
	int queue = full_queue(100);
	struct sleeper *killed = PROCESS_SENDS(queue, 2, "of the dead"),
		       *next = SENDS(queue, 3, "of the living");
	kill_sleeper(killed);
	take_filler(queue, 100);
	CHECK_EQ(end_of(next), 0);
	CHECK_HOLDS(queue, 1, 13);
	GET(queue, 0, 0, 3, "of the living");
	PUT_BYTES(queue, 1, 100, 1);
	CHECK_HOLDS(queue, 1, 100);
}

CASE(msgsnd_body_of_a_sleeper_is_that_of_its_call)
{
	int queue = full_queue(100);
	struct sleeper *sender = SENDS(queue, 2, "as it was");
	memcpy(sender->message.body, "later was", 9);
	sender->message.type = 9;
	take_filler(queue, 100);
	CHECK_EQ(end_of(sender), 0);
	struct message got;
	CHECK_EQ(msgrcv(queue, &got, BODY, 0, IPC_NOWAIT), 9);
	CHECK_EQ(got.type, 2);
}

CASE(msgsnd_one_sender_and_one_receiver_of_a_narrow_queue)
{
	enum { TURNS = 3000 };
	int queue = new_queue_of(64);
	pid_t sender = check_fork();
	if (sender == 0) {
		for (unsigned i = 0; i < TURNS; i++)
			CHECK_OK(send_bytes(queue, 1, i % 64, i, 0));
		_exit(0);
	}
	for (unsigned i = 0; i < TURNS; i++) {
		struct message got;
		CHECK_EQ(msgrcv(queue, &got, BODY, 0, 0), i % 64);
		for (size_t place = 0; place < i % 64; place++)
			CHECK_EQ(got.body[place], byte_of(i, place));
	}
	check_child(sender);
	CHECK_HOLDS(queue, 0, 0);
}
