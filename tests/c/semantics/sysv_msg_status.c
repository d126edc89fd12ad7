/* What a queue says of itself: owner, mode, limits, times, the last sender and receiver. */
#include <stddef.h>
#include "../support/seconds.h"
#include "../support/sysv_msg_sleepers.h"

CASE(msgctl_status_of_a_new_queue)
{
	time_t before = now_at_least();
	int queue = noted(msgget(own_key(0), IPC_CREAT | 0640));
	time_t after = now_at_most();
	struct msqid_ds status = status_of(queue);
	CHECK_EQ(status.msg_perm.__key, own_key(0));
	CHECK_EQ(status.msg_perm.uid, geteuid());
	CHECK_EQ(status.msg_perm.gid, getegid());
	CHECK_EQ(status.msg_perm.cuid, geteuid());
	CHECK_EQ(status.msg_perm.cgid, getegid());
	CHECK_EQ(status.msg_perm.mode, 0640);
	CHECK_EQ(status.msg_qbytes, limits_of_queues().msgmnb);
	CHECK_EQ(status.msg_stime, 0);
	CHECK_EQ(status.msg_rtime, 0);
	CHECK_EQ(status.msg_lspid, 0);
	CHECK_EQ(status.msg_lrpid, 0);
	CHECK_EQ(status.msg_qnum, 0);
	CHECK_EQ(status.__msg_cbytes, 0);
	CHECK(status.msg_ctime >= before && status.msg_ctime <= after);
}

CASE(msgctl_status_of_a_private_queue_has_key_0)
{
	CHECK_EQ(status_of(new_queue()).msg_perm.__key, IPC_PRIVATE);
}

CASE(msgctl_status_has_the_layout_of_the_kernel)
{
	CHECK_EQ(sizeof(struct msqid_ds), 120);
	CHECK_EQ(offsetof(struct msqid_ds, msg_stime), 48);
	CHECK_EQ(offsetof(struct msqid_ds, msg_rtime), 56);
	CHECK_EQ(offsetof(struct msqid_ds, msg_ctime), 64);
	CHECK_EQ(offsetof(struct msqid_ds, __msg_cbytes), 72);
	CHECK_EQ(offsetof(struct msqid_ds, msg_qnum), 80);
	CHECK_EQ(offsetof(struct msqid_ds, msg_qbytes), 88);
	CHECK_EQ(offsetof(struct msqid_ds, msg_lspid), 96);
	CHECK_EQ(offsetof(struct msqid_ds, msg_lrpid), 100);
	CHECK_EQ(sizeof(struct msginfo), 32);
	struct {
		struct msqid_ds status;
		unsigned char behind[64];
	} room;
	memset(&room, 0x5a, sizeof room);
	int queue = new_queue_of(321);
	PUT(queue, 1, "12345");
	CHECK_OK(msgctl(queue, IPC_STAT, &room.status));
	CHECK_EQ(room.status.msg_qbytes, 321);
	CHECK_EQ(room.status.__msg_cbytes, 5);
	for (int i = 0; i < 64; i++)
		CHECK_EQ(room.behind[i], 0x5a);
}

CASE(msgctl_new_queue_in_the_place_of_a_used_one_is_empty)
{
	for (int i = 0; i < 20; i++) {
		int queue = noted(msgget(own_key(0), IPC_CREAT | IPC_EXCL | 0600));
		struct msqid_ds status = status_of(queue);
		CHECK_HOLDS(queue, 0, 0);
		CHECK_EQ(status.msg_lspid, 0);
		CHECK_EQ(status.msg_lrpid, 0);
		CHECK_EQ(status.msg_stime, 0);
		CHECK_EQ(status.msg_rtime, 0);
		CHECK_EQ(status.msg_qbytes, limits_of_queues().msgmnb);
		GET_NONE(queue, 0, 0);
		PUT(queue, 1, "received");
		PUT(queue, 2, "left");
		GET(queue, 1, 0, 1, "received");
		limit_queue(queue, 77);
		remove_queue(queue);
	}
}

CASE(msgsnd_sets_stime_and_lspid)
{
	int queue = new_queue();
	time_t before = now_at_least();
	PUT(queue, 1, "x");
	struct msqid_ds status = status_of(queue);
	CHECK(status.msg_stime >= before && status.msg_stime <= now_at_most());
	CHECK_EQ(status.msg_lspid, getpid());
	CHECK_EQ(status.msg_lrpid, 0);
	CHECK_EQ(status.msg_rtime, 0);
	await_next_second_after(status.msg_stime);
	PUT(queue, 1, "x");
	CHECK(status_of(queue).msg_stime > status.msg_stime);
	CHECK_EQ(status_of(queue).msg_ctime, status.msg_ctime);
}

CASE(msgrcv_sets_rtime_and_lrpid)
{
	int queue = new_queue();
	PUT(queue, 1, "x");
	PUT(queue, 1, "x");
	struct msqid_ds sent = status_of(queue);
	await_next_second_after(sent.msg_stime);
	time_t before = now_at_least();
	GET(queue, 0, 0, 1, "x");
	struct msqid_ds status = status_of(queue);
	CHECK(status.msg_rtime >= before && status.msg_rtime <= now_at_most());
	CHECK_EQ(status.msg_lrpid, getpid());
	CHECK_EQ(status.msg_stime, sent.msg_stime);
	CHECK_EQ(status.msg_ctime, sent.msg_ctime);
	await_next_second_after(status.msg_rtime);
	GET(queue, 0, 0, 1, "x");
	CHECK(status_of(queue).msg_rtime > status.msg_rtime);
}

static void *sends_in_thread(void *queue)
{
	PUT(*(int *)queue, 1, "x");
	return NULL;
}

static void *receives_in_thread(void *queue)
{
	GET(*(int *)queue, 0, 0, 1, "x");
	return NULL;
}

CASE(msgsnd_and_msgrcv_in_a_thread_tell_the_process)
{
	pthread_t thread;
	int queue = new_queue();
	CHECK_EQ(pthread_create(&thread, NULL, sends_in_thread, &queue), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(status_of(queue).msg_lspid, getpid());
	CHECK_EQ(pthread_create(&thread, NULL, receives_in_thread, &queue), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(status_of(queue).msg_lrpid, getpid());
}

CASE(msgsnd_and_msgrcv_of_children_tell_the_children)
{
	int queue = new_queue();
	pid_t sender = check_fork();
	if (sender == 0) {
		PUT(queue, 1, "x");
		_exit(0);
	}
	check_child(sender);
	CHECK_EQ(status_of(queue).msg_lspid, sender);
	pid_t receiver = check_fork();
	if (receiver == 0) {
		GET(queue, 0, 0, 1, "x");
		_exit(0);
	}
	check_child(receiver);
	CHECK_EQ(status_of(queue).msg_lrpid, receiver);
	CHECK_EQ(status_of(queue).msg_lspid, sender);
}

CASE(msgsnd_to_a_sleeper_sets_lrpid_and_rtime_at_once)
{
	int queue = new_queue();
	struct sleeper *receiver = PROCESS_RECEIVES(queue, 0, 0);
	time_t before = now_at_least();
	PUT(queue, 1, "handed over");
	struct msqid_ds status = status_of(queue);
	CHECK_EQ(status.msg_lspid, getpid());
	CHECK_EQ(status.msg_lrpid, receiver->pid);
	CHECK(status.msg_stime >= before && status.msg_stime <= now_at_most());
	CHECK(status.msg_rtime >= before && status.msg_rtime <= now_at_most());
	GETS(receiver, 1, "handed over");
}

CASE(msgsnd_that_slept_sets_stime_and_lspid_when_it_has_sent)
{
	int queue = new_queue_of(1);
	PUT(queue, 1, "x");
	struct msqid_ds before = status_of(queue);
	struct sleeper *sender = PROCESS_SENDS(queue, 2, "y");
	CHECK_EQ(status_of(queue).msg_lspid, getpid());
	await_next_second_after(before.msg_stime);
	CHECK_EQ(status_of(queue).msg_stime, before.msg_stime);
	GET(queue, 0, 0, 1, "x");
	CHECK_EQ(end_of(sender), 0);
	CHECK_EQ(status_of(queue).msg_lspid, sender->pid);
	CHECK(status_of(queue).msg_stime > before.msg_stime);
}

CASE(msgctl_set_sets_ctime_and_no_other_time)
{
	int queue = new_queue();
	struct msqid_ds status = status_of(queue);
	await_next_second_after(status.msg_ctime);
	CHECK_OK(msgctl(queue, IPC_SET, &status));
	struct msqid_ds after = status_of(queue);
	CHECK(after.msg_ctime > status.msg_ctime);
	CHECK_EQ(after.msg_stime, 0);
	CHECK_EQ(after.msg_rtime, 0);
	CHECK_EQ(after.msg_lspid, 0);
	CHECK_EQ(after.msg_lrpid, 0);
}

CASE(msgctl_status_counts_each_message_and_byte)
{
	int queue = new_queue();
	unsigned long bytes = 0;
	for (unsigned i = 0; i < 100; i++) {
		PUT_BYTES(queue, i + 1, i, i);
		bytes += i;
		CHECK_HOLDS(queue, i + 1, bytes);
	}
	for (unsigned i = 0; i < 100; i++) {
		unsigned which = (i * 37 + 11) % 100;
		GET_BYTES(queue, which + 1, which, which, 100);
		bytes -= which;
		CHECK_HOLDS(queue, 99 - i, bytes);
	}
}
