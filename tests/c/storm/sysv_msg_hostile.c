/* sysv_msg_hostile SEED SECONDS: processes use a System V queue in every way, while another one
 * writes random bytes to its file. Exit status 0: no process crashed, and each call came to an end:
 * with an errno, or done. And a file of random bytes that has the name of a queue is no queue.
 *
 * RSIPC_DIR must be a directory of our own. */
#include <sys/msg.h>
#include "hostile.h"

enum { BODY = 8192, HEAD = 40 };

struct message {
	long type;
	unsigned char body[BODY];
};

static void turn(void)
{
	static struct message message;
	struct msqid_ds status;
	int flags = draw() % 2 ? IPC_NOWAIT : 0;
	size_t size = draw() % (draw() % 4 ? 200 : BODY + 1);
	switch (draw() % 12) {
	case 0:
		return count(msgctl(object(), IPC_STAT, &status));
	case 1:
		if (msgctl(object(), IPC_STAT, &status) == -1)
			return count(-1);
		status.msg_qbytes = draw() % 20000;
		return count(msgctl(object(), IPC_SET, &status));
	case 2:
		return count(msgrcv(object(), &message, BODY, (long)(draw() % 20),
				    MSG_COPY | IPC_NOWAIT));
	case 3:
		return count(msgctl(0, MSG_INFO, (struct msqid_ds *)(void *)&message));
	case 4 ... 7:
		message.type = 1 + (long)(draw() % 4);
		return count(msgsnd(object(), &message, size, flags));
	default:
		flags |= draw() % 2 ? MSG_NOERROR : MSG_EXCEPT;
		return count(msgrcv(object(), &message, size, (long)(draw() % 9) - 4, flags));
	}
}

/* Any bytes in a file with such a name, with the beginning of a good one or without. */
static void refuse_random_files(void)
{
	static uint64_t bytes[8192];
	unsigned char head[HEAD];
	int good = open(path_of("svmsg", object()), O_RDONLY);
	MUST(good != -1 && read(good, head, sizeof head) == sizeof head);
	close(good);
	for (int i = 0; i < 200; i++) {
		int id = (1 << 20) + (int)(draw() % 100000000);
		for (size_t word = 0; word < 8192; word++)
			bytes[word] = draw();
		if (i % 2)
			memcpy(bytes, head, sizeof head);
		write_file(path_of("svmsg", id), bytes, draw() % sizeof bytes);
		struct message message = { .type = 1 };
		count(msgsnd(id, &message, 10, IPC_NOWAIT));
		count(msgrcv(id, &message, BODY, 0, IPC_NOWAIT));
		count(msgctl(id, IPC_STAT, (struct msqid_ds *)(void *)&message));
		count(msgctl(id, IPC_RMID, NULL));
		unlink(path_of("svmsg", id));
	}
}

int main(int argc, char **argv)
{
	MUST(argc == 3);
	begin(argv[1]);
	notes->object = msgget(IPC_PRIVATE, 0600);
	MUST(object() != -1);
	refuse_random_files();
	begin_users(turn);
	overwrite_object("svmsg", 2, atol(argv[2]));
	end_users();
	return 0;
}
