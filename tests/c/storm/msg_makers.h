/* Workers that make, find, use and remove System V queues of a few keys, and are killed in the
 * middle of that. A process that finds a queue by its key can use it, or is told that it is
 * gone. */
#ifndef MSG_MAKERS_H
#define MSG_MAKERS_H

#include <sys/ipc.h>
#include <sys/msg.h>
#include <unistd.h>
#include "storm.h"

enum { KEYS = 6, USES = 6 };

struct small {
	long type;
	uint32_t sum;
	unsigned char bytes[60];
};

enum { SMALL = sizeof(struct small) - sizeof(long) };

static key_t first_key;

static inline void makers_prepare(void)
{
	first_key = (key_t)(0x50000000 | (getpid() & 0xfffff) << 4);
}

static int is_gone(long result)
{
	return result == -1 && (errno == EINVAL || errno == EIDRM);
}

static void maker_use(int queue)
{
	for (int i = rand() % USES; i > 0; i--) {
		struct small message = { .type = 1 + rand() % 3 };
		memset(message.bytes, rand(), sizeof message.bytes);
		message.sum = sum_of((uint32_t)message.type, message.bytes, sizeof message.bytes);
		int result = msgsnd(queue, &message, SMALL, IPC_NOWAIT);
		MUST(result == 0 || errno == EAGAIN || is_gone(result));
	}
	for (int i = rand() % USES; i > 0; i--) {
		struct small got;
		ssize_t length = msgrcv(queue, &got, SMALL, rand() % 7 - 3, IPC_NOWAIT);
		MUST(length == SMALL || (length == -1 && (errno == ENOMSG || is_gone(length))));
		if (length == -1)
			break;
		MUST(got.sum == sum_of((uint32_t)got.type, got.bytes, sizeof got.bytes));
	}
}

__attribute__((noreturn)) static void make(unsigned seed)
{
	srand(seed);
	for (;;) {
		static const int flags[] = { 0, IPC_CREAT, IPC_CREAT | IPC_EXCL };
		int which = rand() % 3;
		int queue = msgget(first_key + rand() % KEYS, flags[which] | 0600);
		MUST(queue != -1 || is_gone(queue) || errno == (which == 0 ? ENOENT : EEXIST));
		if (queue == -1)
			continue;
		maker_use(queue);
		if (rand() % 2) {
			int result = msgctl(queue, IPC_RMID, NULL);
			MUST(result == 0 || is_gone(result));
		}
	}
}

static void makers_remove_all(void)
{
	for (int i = 0; i < KEYS; i++)
		msgctl(msgget(first_key + i, 0), IPC_RMID, NULL);
}

/* When all makers are dead: each queue that has a key is whole, and a key is free without one. */
static void makers_left_no_ruins(void)
{
	for (int i = 0; i < KEYS; i++) {
		int queue = msgget(first_key + i, 0600);
		MUST(queue != -1 || errno == ENOENT);
		if (queue != -1) {
			for (int use = 0; use < 200; use++)
				maker_use(queue);
			MUST(msgctl(queue, IPC_RMID, NULL) == 0);
		}
		queue = msgget(first_key + i, IPC_CREAT | IPC_EXCL | 0600);
		MUST(queue != -1 && msgctl(queue, IPC_RMID, NULL) == 0);
	}
}

#endif
