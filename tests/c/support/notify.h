/* What the checks on mq_notify share: one blocked signal, waited for with patience or in vain. */
#ifndef NOTIFY_H
#define NOTIFY_H

#include "queue.h"

enum { NOTE = SIGUSR2 };

static inline sigset_t note_set(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, NOTE);
	return set;
}

/* To be called before there are other threads or children. */
static inline void notes_are_waited_for(void)
{
	sigset_t set = note_set();
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
}

static inline mqd_t queue_for_notes(int flags)
{
	notes_are_waited_for();
	return queue_small(flags);
}

static inline int ask_for_note(mqd_t queue, int value)
{
	struct sigevent event = {
		.sigev_notify = SIGEV_SIGNAL,
		.sigev_signo = NOTE,
		.sigev_value.sival_int = value,
	};
	return mq_notify(queue, &event);
}

static inline siginfo_t expect_note(void)
{
	sigset_t set = note_set();
	siginfo_t info;
	CHECK_EQ(sigtimedwait(&set, &info, &(struct timespec){ 10, 0 }), NOTE);
	return info;
}

static inline void expect_no_note(void)
{
	sigset_t set = note_set();
	CHECK_FAILS(sigtimedwait(&set, NULL, &(struct timespec){ 0, 60000000 }), EAGAIN);
}

#endif
