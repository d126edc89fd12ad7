/* Threads and processes that sleep in msgsnd(2) and msgrcv(2). */
#ifndef SUPPORT_SYSV_MSG_SLEEPERS_H
#define SUPPORT_SYSV_MSG_SLEEPERS_H

#include "sysv_msg.h"

/* One call, in a thread or a process of its own. */
struct sleeper {
	int queue;
	bool sends, is_process;
	size_t size;	/* of the body, or of the buffer for it */
	long selector;
	int flags;
	pthread_t thread;
	pid_t pid, tid;
	int done;
	int error; /* 0: the call has succeeded */
	ssize_t length;
	struct message message;
};

static void sleeper_calls(struct sleeper *self)
{
	__atomic_store_n(&self->tid, gettid(), __ATOMIC_RELEASE);
	self->length = self->sends
			       ? msgsnd(self->queue, &self->message, self->size, self->flags)
			       : msgrcv(self->queue, &self->message, self->size, self->selector,
					self->flags);
	self->error = self->length == -1 ? errno : 0;
	__atomic_store_n(&self->done, 1, __ATOMIC_RELEASE);
}

static void *sleeper_body(void *self)
{
	sleeper_calls(self);
	return NULL;
}

/* Whether its call has returned. */
__attribute__((unused)) static bool is_done(struct sleeper *self)
{
	return __atomic_load_n(&self->done, __ATOMIC_ACQUIRE);
}

static bool is_in_the_kernel(struct sleeper *self)
{
	return asleep(self->pid, __atomic_load_n(&self->tid, __ATOMIC_ACQUIRE));
}

/* On its way it may sleep for a moment, too: it is seen asleep several times. */
__attribute__((unused)) static void await_asleep(struct sleeper *self)
{
	for (int looks = 0; looks < 3; looks++) {
		if (looks > 0)
			nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		CHECK_SOON(is_done(self) || is_in_the_kernel(self));
		if (is_done(self))
			check_fail(__FILE__, __LINE__, "the call has returned, with error %d",
				   self->error);
	}
}

static struct sleeper *sleeper_of(int queue)
{
	struct sleeper *self = common_memory(sizeof *self);
	memset(&self->message, 0xa5, sizeof self->message);
	self->queue = queue;
	return self;
}

__attribute__((unused)) static struct sleeper *receiver_of(int queue, size_t room, long selector,
							   int flags)
{
	struct sleeper *self = sleeper_of(queue);
	CHECK(room <= BODY);
	self->size = room;
	self->selector = selector;
	self->flags = flags;
	return self;
}

__attribute__((unused)) static struct sleeper *sender_of(int queue, long type, const char *text)
{
	struct sleeper *self = sleeper_of(queue);
	self->sends = true;
	self->size = strlen(text);
	self->message.type = type;
	memcpy(self->message.body, text, self->size);
	return self;
}

/* A thread that sleeps in this call; returns when it does. */
__attribute__((unused)) static struct sleeper *sleep_in_thread(struct sleeper *self)
{
	self->pid = getpid();
	CHECK_EQ(pthread_create(&self->thread, NULL, sleeper_body, self), 0);
	await_asleep(self);
	return self;
}

/* A child that sleeps in this call, ends when it is over, and stays a zombie until end_of(). */
__attribute__((unused)) static struct sleeper *sleep_in_process(struct sleeper *self)
{
	self->is_process = true;
	pid_t pid = check_fork();
	if (pid == 0) {
		sleeper_calls(self);
		_exit(0);
	}
	self->pid = pid;
	await_asleep(self);
	return self;
}

#define RECEIVES(queue, selector, flags)                                                           \
	sleep_in_thread(receiver_of(queue, BODY, selector, flags))
#define PROCESS_RECEIVES(queue, selector, flags)                                                   \
	sleep_in_process(receiver_of(queue, BODY, selector, flags))
#define SENDS(queue, type, text) sleep_in_thread(sender_of(queue, type, text))
#define PROCESS_SENDS(queue, type, text) sleep_in_process(sender_of(queue, type, text))

/* Waits until the call has returned: 0, or its error. */
__attribute__((unused)) static int end_of(struct sleeper *self)
{
	CHECK_SOON(is_done(self));
	if (self->is_process)
		check_child(self->pid);
	else
		CHECK_EQ(pthread_join(self->thread, NULL), 0);
	return self->error;
}

/* The sleeper's call ends with this message. */
#define GETS(sleeper, type, text)                                                                  \
	do {                                                                                       \
		CHECK_EQ(end_of(sleeper), 0);                                                      \
		check_message(__FILE__, __LINE__, &(sleeper)->message, (sleeper)->length, type,    \
			      text);                                                               \
	} while (0)

/* Its call goes on. */
#define SLEEPS_ON(sleeper) await_asleep(sleeper)

/* A child that sleeps is killed, and waited for. */
__attribute__((unused)) static void kill_sleeper(struct sleeper *self)
{
	int status;
	CHECK(self->is_process && self->pid > 0);
	CHECK_OK(kill(self->pid, SIGKILL));
	CHECK_EQ(waitpid(self->pid, &status, 0), self->pid);
	CHECK(WIFSIGNALED(status));
}

/* A signal that strikes it. */
__attribute__((unused)) static void strike(struct sleeper *self)
{
	if (self->is_process)
		CHECK_OK(kill(self->pid, SIGUSR1));
	else
		CHECK_EQ(pthread_kill(self->thread, SIGUSR1), 0);
}

#endif
