/* What the programs of this directory share: conditions, reproducible randomness, bodies that tell
 * whether they are whole. */
#ifndef MODEL_H
#define MODEL_H

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../support/older.h"

/* Ends the process with a line on stderr unless the condition holds. Safe in a signal handler. */
#define MUST(condition)                                                              \
	do {                                                                         \
		if (!(condition))                                                    \
			must_fail(__FILE__, __LINE__, #condition);                   \
	} while (0)

__attribute__((noreturn, unused)) static void must_fail(const char *file, int line,
							const char *condition)
{
	dprintf(2, "%s:%d: not true: %s (errno %d, %s)\n", file, line, condition, errno,
		strerrorname_np(errno));
	_exit(1);
}

/* xorshift64*: the same seed gives the same run. */
static inline uint32_t random_next(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (uint32_t)((*state * 0x2545f4914f6cdd1dull) >> 32);
}

static inline uint64_t random_seed(uint64_t seed)
{
	uint64_t state = (seed + 1) * 0x9e3779b97f4a7c15ull;
	for (int i = 0; i < 4; i++)
		random_next(&state);
	return state;
}

/* A message: its length and its body follow from `id` and `length`. */
struct message {
	uint32_t id, length;
	unsigned char body[];
};

static inline void message_fill(struct message *message, uint32_t id, uint32_t length)
{
	uint32_t word = id * 2654435761u + length;
	message->id = id;
	message->length = length;
	for (uint32_t i = 0; i < length - sizeof *message; i++) {
		word = word * 1664525 + 1013904223;
		message->body[i] = (unsigned char)(word >> 24);
	}
}

static inline bool message_is_whole(const struct message *message, size_t received)
{
	if (received < sizeof *message || message->length != received)
		return false;
	uint32_t word = message->id * 2654435761u + message->length;
	for (uint32_t i = 0; i < message->length - sizeof *message; i++) {
		word = word * 1664525 + 1013904223;
		if (message->body[i] != (unsigned char)(word >> 24))
			return false;
	}
	return true;
}

/* Zeroed memory that forked children share. */
static inline void *shared_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	MUST(memory != MAP_FAILED);
	return memory;
}

/* A new queue that has lost its name already, so that nothing stays whatever happens. */
static inline mqd_t queue_without_name(long maxmsg, long msgsize)
{
	char name[64];
	struct mq_attr attr = { .mq_maxmsg = maxmsg, .mq_msgsize = msgsize };
	struct timespec now;
	/* The process's number alone may be that of one that was killed here before. */
	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(name, sizeof name, "/rsipc-model-%d-%ld-%ld", (int)getpid(), (long)now.tv_sec,
		 now.tv_nsec);
	mqd_t queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
	MUST(queue != -1);
	MUST(mq_unlink(name) == 0);
	return queue;
}

static inline long queue_count(mqd_t queue)
{
	struct mq_attr attr;
	MUST(mq_getattr(queue, &attr) == 0);
	return attr.mq_curmsgs;
}

static inline void must_succeed(pid_t child)
{
	int status;
	MUST(waitpid(child, &status, 0) == child);
	MUST(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Every place of the queue can be used: nothing is stuck. Leaves it empty. */
static inline void queue_is_sound(mqd_t queue)
{
	struct mq_attr attr;
	struct timespec past = { 0, 0 };
	MUST(mq_getattr(queue, &attr) == 0);
	char *buffer = calloc(1, (size_t)attr.mq_msgsize);
	MUST(buffer && attr.mq_curmsgs == 0);
	for (long i = 0; i < attr.mq_maxmsg; i++)
		MUST(mq_timedsend(queue, buffer, 1, 0, &past) == 0);
	MUST(mq_timedsend(queue, buffer, 1, 0, &past) == -1);
	MUST(queue_count(queue) == attr.mq_maxmsg);
	for (long i = 0; i < attr.mq_maxmsg; i++)
		MUST(mq_timedreceive(queue, buffer, (size_t)attr.mq_msgsize, NULL, &past) == 1);
	MUST(mq_timedreceive(queue, buffer, (size_t)attr.mq_msgsize, NULL, &past) == -1);
	free(buffer);
}

#endif
