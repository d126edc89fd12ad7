/* IPC_RMID: at once, for all processes. */
#include "../support/sysv_msg_sleepers.h"

/* A queue that takes no byte more, and holds nothing of the other types. */
static int full_queue(void)
{
	int queue = new_queue_of(1);
	PUT(queue, 1, "x");
	return queue;
}

CASE(msgctl_removal_takes_the_queue_away_at_once)
{
	struct message got;
	int queue = noted(msgget(own_key(0), IPC_CREAT | 0600));
	PUT(queue, 1, "lost");
	CHECK_EQ(msgctl(queue, IPC_RMID, NULL), 0);
	CHECK_FAILS(send_text(queue, 1, "x", 0), EINVAL);
	CHECK_FAILS(msgrcv(queue, &got, BODY, 0, 0), EINVAL);
	CHECK_FAILS(msgrcv(queue, &got, BODY, 0, IPC_NOWAIT), EINVAL);
	CHECK_FAILS(msgctl(queue, IPC_STAT, &(struct msqid_ds){ 0 }), EINVAL);
	CHECK_FAILS(msgctl(queue, IPC_RMID, NULL), EINVAL);
	CHECK_FAILS(msgget(own_key(0), 0600), ENOENT);
}

CASE(msgctl_removal_of_a_queue_is_seen_by_other_processes_at_once)
{
	int queue = new_queue();
	int *step = common_memory(sizeof *step);
	pid_t pid = check_fork();
	if (pid == 0) {
		PUT(queue, 1, "x");
		GET(queue, 0, 0, 1, "x");
		__atomic_store_n(step, 1, __ATOMIC_SEQ_CST);
		CHECK_SOON(__atomic_load_n(step, __ATOMIC_SEQ_CST) == 2);
		CHECK_FAILS(send_text(queue, 1, "x", 0), EINVAL);
		CHECK_FAILS(msgrcv(queue, &(struct message){ 0 }, BODY, 0, 0), EINVAL);
		_exit(0);
	}
	CHECK_SOON(__atomic_load_n(step, __ATOMIC_SEQ_CST) == 1);
	remove_queue(queue);
	__atomic_store_n(step, 2, __ATOMIC_SEQ_CST);
	check_child(pid);
}

CASE(msgctl_removal_wakes_receivers_with_eidrm)
{
	int queue = new_queue();
	struct sleeper *sleepers[] = { RECEIVES(queue, 0, 0), PROCESS_RECEIVES(queue, 3, 0),
				       RECEIVES(queue, -3, MSG_NOERROR),
				       PROCESS_RECEIVES(queue, 3, MSG_EXCEPT) };
	remove_queue(queue);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(end_of(sleepers[i]), EIDRM);
}

CASE(msgctl_removal_wakes_senders_with_eidrm)
{
	int queue = full_queue();
	struct sleeper *thread = SENDS(queue, 2, "x"), *process = PROCESS_SENDS(queue, 2, ""),
		       *long_one = PROCESS_SENDS(queue, 2, "never fits");
	remove_queue(queue);
	CHECK_EQ(end_of(thread), EIDRM);
	CHECK_EQ(end_of(process), EIDRM);
	CHECK_EQ(end_of(long_one), EIDRM);
}

CASE(msgctl_removal_wakes_receivers_and_senders_of_one_queue)
{
	int queue = full_queue();
	struct sleeper *receiver = PROCESS_RECEIVES(queue, 7, 0), *sender = SENDS(queue, 7, "x");
	remove_queue(queue);
	CHECK_EQ(end_of(receiver), EIDRM);
	CHECK_EQ(end_of(sender), EIDRM);
}

CASE(msgctl_removal_wakes_fifty_receivers)
{
	enum { MANY = 50 };
	struct sleeper *sleepers[MANY];
	int queue = new_queue();
	for (int i = 0; i < MANY; i++)
		sleepers[i] = i % 10 ? RECEIVES(queue, i % 7, 0)
				     : PROCESS_RECEIVES(queue, i % 7, 0);
	remove_queue(queue);
	for (int i = 0; i < MANY; i++)
		CHECK_EQ(end_of(sleepers[i]), EIDRM);
}

CASE(msgctl_removal_by_a_process_that_has_not_made_the_queue)
{
	int queue = noted(msgget(own_key(0), IPC_CREAT | 0600));
	struct sleeper *sleeper = RECEIVES(queue, 0, 0);
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_OK(msgctl(msgget(own_key(0), 0), IPC_RMID, NULL));
		_exit(0);
	}
	check_child(pid);
	CHECK_EQ(end_of(sleeper), EIDRM);
}

CASE(msgctl_removal_leaves_other_queues_alone)
{
	int queue = new_queue(), other = new_queue();
	PUT(queue, 1, "lost");
	PUT(other, 1, "stays");
	struct sleeper *sleeper = RECEIVES(other, 2, 0);
	remove_queue(queue);
	SLEEPS_ON(sleeper);
	GET(other, 0, 0, 1, "stays");
	PUT(other, 2, "for the sleeper");
	GETS(sleeper, 2, "for the sleeper");
}

CASE(msgctl_removal_leaves_calls_after_it_with_einval)
{
	int queue = new_queue();
	struct sleeper *sleeper = RECEIVES(queue, 0, 0);
	remove_queue(queue);
	CHECK_FAILS(msgrcv(queue, &(struct message){ 0 }, BODY, 0, 0), EINVAL);
	CHECK_EQ(end_of(sleeper), EIDRM);
	CHECK_FAILS(msgrcv(queue, &(struct message){ 0 }, BODY, 0, 0), EINVAL);
}

/* However soon after. */
CASE(msgctl_removal_leaves_sleepers_what_was_sent_to_them_before)
{
	for (unsigned turn = 0; turn < 20; turn++) {
		int queue = new_queue();
		struct sleeper *first = PROCESS_RECEIVES(queue, 1, 0),
			       *second = RECEIVES(queue, 2, 0),
			       *third = PROCESS_RECEIVES(queue, 0, 0),
			       *none = PROCESS_RECEIVES(queue, 9, 0);
		PUT(queue, 2, "second");
		PUT(queue, 1, "first");
		PUT_BYTES(queue, 3, BODY, turn);
		PUT(queue, 4, "for nobody");
		remove_queue(queue);
		GETS(first, 1, "first");
		GETS(second, 2, "second");
		CHECK_EQ(end_of(third), 0);
		CHECK_EQ(third->length, BODY);
		for (size_t place = 0; place < BODY; place++)
			CHECK_EQ(third->message.body[place], byte_of(turn, place));
		CHECK_EQ(end_of(none), EIDRM);
	}
}

CASE(msgctl_removal_after_too_long_a_message_leaves_its_sleeper_with_e2big)
{
	for (int turn = 0; turn < 20; turn++) {
		int queue = new_queue();
		struct sleeper *small = sleep_in_process(receiver_of(queue, 3, 0, 0)),
			       *smaller = sleep_in_thread(receiver_of(queue, 2, 0, 0)),
			       *large = PROCESS_RECEIVES(queue, 0, 0);
		PUT(queue, 1, "four");
		if (turn % 2)
			PUT(queue, 1, "nobody is left for this");
		remove_queue(queue);
		CHECK_EQ(end_of(small), E2BIG);
		CHECK_EQ(end_of(smaller), E2BIG);
		GETS(large, 1, "four");
	}
}

/* A message whose msgsnd() succeeds beside the removal is for the one that sleeps. */
CASE(msgctl_removal_races_with_a_sender_to_one_that_sleeps)
{
	for (int turn = 0; turn < 60; turn++) {
		int queue = new_queue();
		struct sleeper *receiver = PROCESS_RECEIVES(queue, 0, 0);
		int *starts = common_memory(sizeof *starts);
		pid_t remover = check_fork();
		if (remover == 0) {
			while (!__atomic_load_n(starts, __ATOMIC_SEQ_CST))
				;
			remove_queue(queue);
			_exit(0);
		}
		__atomic_store_n(starts, 1, __ATOMIC_SEQ_CST);
		for (volatile int i = 0; i < 100 * turn; i++)
			;
		int sent = send_text(queue, 1, "last", 0);
		CHECK(sent == 0 || errno == EINVAL || errno == EIDRM);
		if (sent == 0)
			GETS(receiver, 1, "last");
		else
			CHECK_EQ(end_of(receiver), EIDRM);
		check_child(remover);
		CHECK_OK(munmap(starts, sizeof *starts));
	}
}

CASE(msgctl_queue_has_one_remover)
{
	enum { REMOVERS = 6, QUEUES = 50 };
	int queues[QUEUES], *removed = common_memory(QUEUES * sizeof *removed);
	pid_t removers[REMOVERS];
	for (int i = 0; i < QUEUES; i++)
		queues[i] = new_queue();
	for (int i = 0; i < REMOVERS; i++) {
		removers[i] = check_fork();
		if (removers[i] == 0) {
			for (int j = 0; j < QUEUES; j++) {
				int result = msgctl(queues[j], IPC_RMID, NULL);
				CHECK(result == 0 || errno == EINVAL || errno == EIDRM);
				if (result == 0)
					__atomic_fetch_add(&removed[j], 1, __ATOMIC_SEQ_CST);
			}
			_exit(0);
		}
	}
	for (int i = 0; i < REMOVERS; i++)
		check_child(removers[i]);
	for (int i = 0; i < QUEUES; i++)
		CHECK_EQ(removed[i], 1);
}

static bool is_gone(int result)
{
	return result == -1 && (errno == EINVAL || errno == EIDRM);
}

/* A process that uses a queue while it is made and removed gets its messages, or is told that it is
 * gone. */
CASE(msgget_and_removal_race_with_users_of_the_queue)
{
	enum { USERS = 3, TURNS = 300 };
	pid_t users[USERS];
	for (int i = 0; i < USERS; i++) {
		users[i] = check_fork();
		if (users[i] == 0) {
			for (int turn = 0; turn < TURNS; turn++) {
				struct message got;
				int queue = msgget(own_key(0), IPC_CREAT | 0600);
				if (is_gone(queue))
					continue;
				CHECK_OK(queue);
				int result = send_text(queue, i + 1, "whole", 0);
				CHECK(result == 0 || is_gone(result));
				result = (int)msgrcv(queue, &got, BODY, i + 1, IPC_NOWAIT);
				CHECK(result == 5 || is_gone(result) || errno == ENOMSG);
				CHECK(result == -1 || memcmp(got.body, "whole", 5) == 0);
				if (turn % 3 == i) {
					result = msgctl(queue, IPC_RMID, NULL);
					CHECK(result == 0 || is_gone(result));
				}
			}
			_exit(0);
		}
	}
	for (int i = 0; i < USERS; i++)
		check_child(users[i]);
	int left = msgget(own_key(0), 0600);
	if (left != -1)
		remove_queue(left);
	CHECK_FAILS(msgget(own_key(0), 0600), ENOENT);
}
