/* Finding queues: IPC_INFO, MSG_INFO, MSG_STAT, MSG_STAT_ANY. */
#include "../support/sysv_msg_sleepers.h"

static int info_of(int command, struct msginfo *info)
{
	memset(info, 0xa5, sizeof *info);
	int highest = msgctl(0, command, (struct msqid_ds *)(void *)info);
	CHECK_OK(highest);
	return highest;
}

/* The index under which the queue is listed; -1: it is not. */
static int index_of(int queue, int command)
{
	struct msqid_ds status;
	struct msginfo info;
	int highest = info_of(MSG_INFO, &info), found = -1;
	for (int i = 0; i <= highest; i++) {
		if (msgctl(i, command, &status) == queue) {
			CHECK_EQ(found, -1);
			found = i;
		}
	}
	return found;
}

CASE(msgctl_ipc_info_tells_the_limits)
{
	struct msginfo info;
	info_of(IPC_INFO, &info);
	CHECK(info.msgmax >= 8192);
	CHECK(info.msgmnb >= 16384);
	CHECK(info.msgmni >= 32);
	CHECK(info.msgpool > 0);
	CHECK(info.msgmap > 0);
	CHECK(info.msgtql > 0);
	CHECK_EQ(info.msgssz, 16);
	CHECK_EQ(info.msgseg, 0xffff);
}

CASE(msgctl_info_needs_no_queue)
{
	struct msginfo info;
	int ids[] = { 0, 12345, removed_queue() };
	for (int i = 0; i < 3; i++) {
		CHECK_OK(msgctl(ids[i], IPC_INFO, (struct msqid_ds *)(void *)&info));
		CHECK_OK(msgctl(ids[i], MSG_INFO, (struct msqid_ds *)(void *)&info));
	}
	CHECK_FAILS(msgctl(-1, IPC_INFO, (struct msqid_ds *)(void *)&info), EINVAL);
	CHECK_FAILS(msgctl(-1, MSG_INFO, (struct msqid_ds *)(void *)&info), EINVAL);
}

CASE(msgctl_info_into_bad_memory_is_efault)
{
	CHECK_FAILS(msgctl(0, IPC_INFO, NULL), EFAULT);
	CHECK_FAILS(msgctl(0, MSG_INFO, no_memory()), EFAULT);
}

CASE(msgctl_info_writes_no_byte_too_many)
{
	struct {
		struct msginfo info;
		unsigned char behind[128];
	} room;
	int commands[] = { IPC_INFO, MSG_INFO };
	for (int i = 0; i < 2; i++) {
		memset(&room, 0x5a, sizeof room);
		CHECK_OK(msgctl(0, commands[i], (struct msqid_ds *)(void *)&room));
		for (int byte = 0; byte < 128; byte++)
			CHECK_EQ(room.behind[byte], 0x5a);
	}
}

CASE(msgctl_msg_info_counts_queues_messages_and_bytes)
{
	struct msginfo info;
	for (int i = 0; i < 10; i++) {
		int queue = new_queue();
		PUT(queue, 1, "seven b");
		PUT(queue, 2, "");
	}
	/* Others have queues, too. */
	info_of(MSG_INFO, &info);
	CHECK(info.msgpool >= 10);
	CHECK(info.msgmap >= 20);
	CHECK(info.msgtql >= 70);
	CHECK_EQ(info.msgmnb, limits_of_queues().msgmnb);
	CHECK_EQ(info.msgmax, limits_of_queues().msgmax);
}

CASE(msgctl_info_gives_the_highest_index)
{
	struct msginfo info;
	new_queue();
	CHECK(info_of(IPC_INFO, &info) >= 0);
	CHECK(info_of(MSG_INFO, &info) >= 0);
}

CASE(msgctl_msg_stat_finds_every_queue)
{
	int queues[20];
	for (int i = 0; i < 20; i++)
		queues[i] = new_queue();
	for (int i = 0; i < 20; i++) {
		CHECK(index_of(queues[i], MSG_STAT) >= 0);
		CHECK(index_of(queues[i], MSG_STAT_ANY) >= 0);
	}
}

CASE(msgctl_msg_stat_fills_in_the_status)
{
	int queue = noted(msgget(own_key(0), IPC_CREAT | 0640));
	PUT(queue, 1, "received");
	PUT(queue, 1, "left");
	GET(queue, 0, 0, 1, "received");
	int index = index_of(queue, MSG_STAT), commands[] = { MSG_STAT, MSG_STAT_ANY };
	struct msqid_ds known = status_of(queue);
	for (int i = 0; i < 2; i++) {
		struct msqid_ds status;
		memset(&status, 0xa5, sizeof status);
		CHECK_EQ(msgctl(index, commands[i], &status), queue);
		CHECK_EQ(status.msg_perm.__key, own_key(0));
		CHECK_EQ(status.msg_perm.mode, 0640);
		CHECK_EQ(status.msg_qnum, 1);
		CHECK_EQ(status.__msg_cbytes, 4);
		CHECK_EQ(memcmp(&status, &known, sizeof known), 0);
	}
}

CASE(msgctl_msg_stat_keeps_the_index_of_a_queue_while_others_come_and_go)
{
	struct msqid_ds status;
	int queues[20], indices[20];
	for (int i = 0; i < 20; i++)
		queues[i] = new_queue();
	for (int i = 0; i < 20; i++)
		indices[i] = index_of(queues[i], MSG_STAT);
	for (int i = 0; i < 20; i += 2)
		remove_queue(queues[i]);
	CHECK(index_of(new_queue(), MSG_STAT) >= 0);
	for (int i = 1; i < 20; i += 2)
		CHECK_EQ(msgctl(indices[i], MSG_STAT, &status), queues[i]);
}

CASE(msgctl_msg_stat_takes_an_id_as_well)
{
	struct msqid_ds status;
	int queue = new_queue();
	PUT(queue, 1, "x");
	CHECK_EQ(msgctl(queue, MSG_STAT, &status), queue);
	CHECK_EQ(status.msg_qnum, 1);
	CHECK_EQ(msgctl(queue, MSG_STAT_ANY, &status), queue);
}

CASE(msgctl_msg_stat_of_a_removed_queue_finds_it_no_more)
{
	int queue = new_queue();
	CHECK(index_of(queue, MSG_STAT) >= 0);
	remove_queue(queue);
	CHECK_EQ(index_of(queue, MSG_STAT), -1);
	CHECK_EQ(index_of(queue, MSG_STAT_ANY), -1);
}

/* Queries until the last queue was made or removed some time ago: an answer that is remembered from
 * then on must not outlive the next change. */
static void query_for_a_while(void)
{
	struct timespec begin, now;
	struct msginfo info;
	clock_gettime(CLOCK_MONOTONIC, &begin);
	do {
		info_of(IPC_INFO, &info);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec * 1000 + now.tv_nsec / 1000000 <
		 begin.tv_sec * 1000 + begin.tv_nsec / 1000000 + 200);
}

CASE(msgctl_info_sees_what_another_process_makes_and_removes)
{
	int to_child[2], from_child[2], queue;
	char go = 0;
	CHECK_OK(pipe(to_child));
	CHECK_OK(pipe(from_child));
	pid_t child = check_fork();
	if (child == 0) {
		close(to_child[1]);
		for (int round = 0; read(to_child[0], &go, 1) == 1; round++) {
			CHECK_OK(queue = msgget(IPC_PRIVATE, 0600));
			if (round % 10 == 0)
				query_for_a_while();
			CHECK_EQ(write(from_child[1], &queue, sizeof queue), sizeof queue);
			CHECK_EQ(read(to_child[0], &go, 1), 1);
			CHECK_OK(msgctl(queue, IPC_RMID, NULL));
			if (round % 10 == 5)
				query_for_a_while();
			CHECK_EQ(write(from_child[1], &queue, sizeof queue), sizeof queue);
		}
		_exit(0);
	}
	CHECK_OK(close(to_child[0]));
	for (int round = 0; round < 20; round++) {
		if (round % 10 == 0)
			query_for_a_while();
		CHECK_EQ(write(to_child[1], &go, 1), 1);
		CHECK_EQ(read(from_child[0], &queue, sizeof queue), sizeof queue);
		CHECK(index_of(queue, MSG_STAT) >= 0);
		if (round % 10 == 5)
			query_for_a_while();
		CHECK_EQ(write(to_child[1], &go, 1), 1);
		CHECK_EQ(read(from_child[0], &queue, sizeof queue), sizeof queue);
		CHECK_EQ(index_of(queue, MSG_STAT), -1);
	}
	CHECK_OK(close(to_child[1]));
	check_child(child);
}

/* The amount of a queue is known at once where nothing is under way. */
CASE(msgctl_msg_info_counts_beside_a_waiting_receiver_what_is_not_for_it)
{
	int queue = new_queue();
	PUT(queue, 1, "for nobody");
	struct sleeper *receiver = PROCESS_RECEIVES(queue, 2, 0);
	struct msginfo info;
	info_of(MSG_INFO, &info);
	CHECK(info.msgmap >= 1);
	CHECK_EQ(status_of(queue).msg_qnum, 1);
	CHECK_EQ(status_of(queue).__msg_cbytes, 10);
	PUT(queue, 2, "wanted");
	CHECK_EQ(status_of(queue).msg_qnum, 1);
	CHECK_EQ(status_of(queue).__msg_cbytes, 10);
	GETS(receiver, 2, "wanted");
	CHECK_EQ(status_of(queue).msg_qnum, 1);
}

CASE(msgctl_msg_stat_of_a_free_index_is_einval)
{
	struct msqid_ds status;
	int commands[] = { MSG_STAT, MSG_STAT_ANY };
	for (int i = 0; i < 2; i++) {
		CHECK_FAILS(msgctl(-1, commands[i], &status), EINVAL);
		CHECK_FAILS(msgctl(32766, commands[i], &status), EINVAL);
	}
}

CASE(msgctl_msg_stat_into_bad_memory_is_efault)
{
	int queue = new_queue();
	CHECK_FAILS(msgctl(queue, MSG_STAT, NULL), EFAULT);
	CHECK_FAILS(msgctl(queue, MSG_STAT_ANY, no_memory()), EFAULT);
}
