/* The messages of a storm on a System V queue, and the space that has to be left after it. */
#ifndef MSG_ROOM_H
#define MSG_ROOM_H

#include <stddef.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include "storm.h"

enum { TYPES = 4, LIMIT = 16384 };

struct message {
	long type;
	uint32_t life, number, length, sum;
	unsigned char bytes[4000];
};

/* Of a body, before its bytes. */
enum { HEAD = offsetof(struct message, bytes) - sizeof(long) };

static int queue;

static struct msqid_ds status(void)
{
	struct msqid_ds status;
	MUST(msgctl(queue, IPC_STAT, &status) == 0);
	return status;
}

static void limit(unsigned long bytes)
{
	struct msqid_ds status;
	MUST(msgctl(queue, IPC_STAT, &status) == 0);
	status.msg_qbytes = bytes;
	MUST(msgctl(queue, IPC_SET, &status) == 0);
}

static uint32_t sum_of_message(const struct message *message)
{
	uint32_t seed = message->life * 31 + message->number + (uint32_t)message->type * 7919;
	return sum_of(seed, message->bytes, message->length);
}

static void prepare(struct message *message, uint32_t life, uint32_t number)
{
	message->type = 1 + rand() % TYPES;
	message->life = life;
	message->number = number;
	message->length = (uint32_t)rand() % (rand() % 4 ? 100 : sizeof message->bytes);
	for (uint32_t i = 0; i < message->length; i++)
		message->bytes[i] = (unsigned char)(i * 7 + life + number);
	message->sum = sum_of_message(message);
}

static int is_whole(const struct message *message, ssize_t size)
{
	return size >= HEAD && message->length == (uint32_t)size - HEAD &&
	       message->length <= sizeof message->bytes && message->sum == sum_of_message(message);
}

/* So many messages of that length fill the queue to its limit, and all of them come back. */
static void fill(unsigned long count, size_t length)
{
	static struct message message, got;
	message.type = 1;
	for (unsigned long i = 0; i < count; i++) {
		memset(&message.life, (int)(i + length), length);
		MUST(msgsnd(queue, &message, length, IPC_NOWAIT) == 0);
	}
	MUST(status().msg_qnum == count && status().__msg_cbytes == count * length);
	MUST(msgsnd(queue, &message, length, IPC_NOWAIT) == -1 && errno == EAGAIN);
	for (unsigned long i = 0; i < count; i++) {
		memset(&message.life, (int)(i + length), length);
		ssize_t size = msgrcv(queue, &got, sizeof got - sizeof(long), 0, IPC_NOWAIT);
		MUST(size == (ssize_t)length);
		MUST(memcmp(&got.life, &message.life, length) == 0);
	}
}

static void all_room_is_left(void)
{
	MUST(status().msg_qnum == 0 && status().__msg_cbytes == 0);
	limit(LIMIT);
	fill(4, sizeof(struct message) - sizeof(long));
	fill(LIMIT / 2100, 2100);
	fill(8, LIMIT / 8);
	fill(256, LIMIT / 256);
	fill(LIMIT, 1);
	fill(LIMIT, 0);
	MUST(status().msg_qnum == 0 && status().__msg_cbytes == 0);
}

#endif
