/* What the checks of System V message queues share: queues that are removed at the end, messages
 * that are compared byte by byte, and what a queue holds. */
#ifndef SUPPORT_SYSV_MSG_H
#define SUPPORT_SYSV_MSG_H

#include <stddef.h>
#include <sys/msg.h>
#include "sysv.h"

#ifndef MSG_STAT_ANY
#define MSG_STAT_ANY 13
#endif

/* What a message of a test may have at most. */
enum { BODY = 8192 };

struct message {
	long type;
	unsigned char body[BODY];
};

/* One of any length. */
struct long_message {
	long type;
	unsigned char body[];
};

static void remove_if_there(int queue)
{
	msgctl(queue, IPC_RMID, NULL);
}

/* A queue that msgget() has just made: removed when the case is over. */
__attribute__((unused)) static int noted(int queue)
{
	return note_object(queue, remove_if_there);
}

__attribute__((unused)) static int new_queue(void)
{
	return noted(msgget(IPC_PRIVATE, 0600));
}

__attribute__((unused)) static void remove_queue(int queue)
{
	CHECK_OK(msgctl(queue, IPC_RMID, NULL));
}

/* The id of a queue that is no more. */
__attribute__((unused)) static int removed_queue(void)
{
	int queue = new_queue();
	remove_queue(queue);
	return queue;
}

__attribute__((unused)) static struct msginfo limits_of_queues(void)
{
	struct msginfo info;
	CHECK_OK(msgctl(0, IPC_INFO, (struct msqid_ds *)(void *)&info));
	return info;
}

__attribute__((unused)) static struct msqid_ds status_of(int queue)
{
	struct msqid_ds status;
	memset(&status, 0xa5, sizeof status);
	CHECK_OK(msgctl(queue, IPC_STAT, &status));
	return status;
}

__attribute__((unused)) static unsigned long count_of(int queue)
{
	return status_of(queue).msg_qnum;
}

/* A queue that takes so many bytes, and so many messages. */
__attribute__((unused)) static void limit_queue(int queue, unsigned long bytes)
{
	struct msqid_ds status = status_of(queue);
	status.msg_qbytes = bytes;
	CHECK_OK(msgctl(queue, IPC_SET, &status));
}

__attribute__((unused)) static int new_queue_of(unsigned long bytes)
{
	int queue = new_queue();
	limit_queue(queue, bytes);
	return queue;
}

/* msgsnd(2) and msgrcv(2) of a text. */
__attribute__((unused)) static int send_text(int queue, long type, const char *text, int flags)
{
	struct message message = { .type = type };
	size_t length = strlen(text);
	CHECK(length <= BODY);
	memcpy(message.body, text, length);
	return msgsnd(queue, &message, length, flags);
}

/* It goes into the queue at once. */
#define PUT(queue, type, text) CHECK_OK(send_text(queue, type, text, IPC_NOWAIT))

/* A message is this one, and nothing was written behind it. */
__attribute__((unused)) static void check_message(const char *file, int line,
						  const struct message *got, ssize_t length,
						  long type, const char *text)
{
	size_t wanted = strlen(text);
	if (length == -1)
		check_fail(file, line, "no \"%s\": %s", text, strerror(errno));
	if (got->type != type || (size_t)length != wanted || memcmp(got->body, text, wanted) != 0)
		check_fail(file, line, "got \"%.*s\" of type %ld, expected \"%s\" of type %ld",
			   (int)length, (const char *)got->body, got->type, text, type);
	for (size_t i = wanted; i < BODY; i++)
		if (got->body[i] != 0xa5)
			check_fail(file, line, "byte %zu was written, behind a body of %zu", i,
				   wanted);
}

__attribute__((unused)) static void receive_text(const char *file, int line, int queue,
						 long selector, int flags, long type,
						 const char *text)
{
	struct message got;
	memset(&got, 0xa5, sizeof got);
	ssize_t length = msgrcv(queue, &got, BODY, selector, flags | IPC_NOWAIT);
	check_message(file, line, &got, length, type, text);
}

/* The message that the selector finds is there, and is this one. */
#define GET(queue, selector, flags, type, text)                                                    \
	receive_text(__FILE__, __LINE__, queue, selector, flags, type, text)

/* There is none that the selector finds. */
#define GET_NONE(queue, selector, flags)                                                           \
	CHECK_FAILS(msgrcv(queue, &(struct message){ 0 }, BODY, selector, (flags) | IPC_NOWAIT),   \
		    ENOMSG)

/* What the queue holds. */
#define CHECK_HOLDS(queue, messages, bytes)                                                        \
	do {                                                                                       \
		struct msqid_ds held_ = status_of(queue);                                          \
		CHECK_EQ(held_.msg_qnum, messages);                                                \
		CHECK_EQ(held_.__msg_cbytes, bytes);                                               \
	} while (0)

/* The byte at this place of a body: no two bodies, and no two pages of one, are alike. */
static inline unsigned char byte_of(unsigned long number, size_t place)
{
	return (unsigned char)(number * 31 + place * 7 + (place >> 8) * 13 + (place >> 16));
}

/* A body of `length` bytes that follow from its number, sent as that type. */
__attribute__((unused)) static int send_bytes(int queue, long type, size_t length,
					      unsigned long number, int flags)
{
	struct long_message *message = malloc(sizeof *message + length);
	CHECK(message);
	message->type = type;
	for (size_t i = 0; i < length; i++)
		message->body[i] = byte_of(number, i);
	int result = msgsnd(queue, message, length, flags), error = errno;
	free(message);
	errno = error;
	return result;
}

/* The next message of this type has that body, and `room` bytes are enough for it. */
__attribute__((unused)) static void receive_bytes(const char *file, int line, int queue, long type,
						  size_t length, unsigned long number, size_t room)
{
	enum { BEHIND = 64 };
	struct long_message *got = malloc(sizeof *got + room + BEHIND);
	CHECK(got);
	memset(got->body, 0xa5, room + BEHIND);
	ssize_t received = msgrcv(queue, got, room, type, IPC_NOWAIT);
	if (received == -1)
		check_fail(file, line, "nothing received: %s", strerror(errno));
	if ((size_t)received != length || got->type != type)
		check_fail(file, line, "%zd bytes of type %ld, expected %zu of type %ld", received,
			   got->type, length, type);
	for (size_t i = 0; i < room + BEHIND; i++) {
		unsigned char wanted = i < length ? byte_of(number, i) : 0xa5;
		if (got->body[i] != wanted)
			check_fail(file, line, "byte %zu of %zu is %d, expected %d", i, length,
				   got->body[i], wanted);
	}
	free(got);
}

#define PUT_BYTES(queue, type, length, number)                                                     \
	CHECK_OK(send_bytes(queue, type, length, number, IPC_NOWAIT))
#define GET_BYTES(queue, type, length, number, room)                                               \
	receive_bytes(__FILE__, __LINE__, queue, type, length, number, room)

#endif
