/* msgsnd and msgrcv are cancellation points, and a thread that is cancelled there has neither taken
 * nor sent anything. msgget and msgctl are none. */
#include "../support/sysv_msg_sleepers.h"

static int the_queue, cleaned;

static void cleans(void *unused)
{
	(void)unused;
	cleaned++;
}

/* A thread in whose call the cancellation strikes. */
static void *cancelled_in_its_call(void *sleeper)
{
	pthread_cleanup_push(cleans, NULL);
	sleeper_calls(sleeper);
	pthread_cleanup_pop(0);
	return NULL;
}

static void *cancels_itself_before_the_call(void *sleeper)
{
	CHECK_EQ(pthread_cancel(pthread_self()), 0);
	return cancelled_in_its_call(sleeper);
}

static void ends_cancelled(struct sleeper *self)
{
	void *end;
	CHECK_EQ(pthread_join(self->thread, &end), 0);
	CHECK(end == PTHREAD_CANCELED);
	CHECK(!is_done(self));
	CHECK_EQ(cleaned, 1);
	cleaned = 0;
}

static void is_cancelled_on_entry(struct sleeper *self)
{
	CHECK_EQ(pthread_create(&self->thread, NULL, cancels_itself_before_the_call, self), 0);
	ends_cancelled(self);
}

static void is_cancelled_asleep(struct sleeper *self)
{
	self->pid = getpid();
	CHECK_EQ(pthread_create(&self->thread, NULL, cancelled_in_its_call, self), 0);
	await_asleep(self);
	CHECK_EQ(pthread_cancel(self->thread), 0);
	ends_cancelled(self);
}

CASE(msgrcv_is_cancelled_on_entry_and_takes_nothing)
{
	int queue = new_queue();
	PUT(queue, 1, "stays");
	is_cancelled_on_entry(receiver_of(queue, BODY, 0, 0));
	is_cancelled_on_entry(receiver_of(queue, BODY, 0, IPC_NOWAIT));
	is_cancelled_on_entry(receiver_of(queue, 1, 0, MSG_NOERROR));
	is_cancelled_on_entry(receiver_of(queue, BODY, 2, 0));
	GET(queue, 0, 0, 1, "stays");
}

CASE(msgsnd_is_cancelled_on_entry_and_sends_nothing)
{
	int queue = new_queue();
	is_cancelled_on_entry(sender_of(queue, 1, "never sent"));
	struct sleeper *in_a_hurry = sender_of(queue, 1, "never sent");
	in_a_hurry->flags = IPC_NOWAIT;
	is_cancelled_on_entry(in_a_hurry);
	CHECK_HOLDS(queue, 0, 0);
	CHECK_EQ(status_of(queue).msg_lspid, 0);
}

CASE(msgrcv_is_cancelled_asleep_and_takes_nothing)
{
	int queue = new_queue();
	for (int i = 0; i < 5; i++) {
		is_cancelled_asleep(receiver_of(queue, BODY, 0, 0));
		PUT(queue, 1, "stays");
		CHECK_HOLDS(queue, 1, 5);
		is_cancelled_asleep(receiver_of(queue, BODY, 7, 0));
		GET(queue, 0, 0, 1, "stays");
	}
}

CASE(msgsnd_is_cancelled_asleep_and_sends_nothing)
{
	int queue = new_queue_of(5);
	for (int i = 0; i < 5; i++) {
		PUT(queue, 1, "fills");
		is_cancelled_asleep(sender_of(queue, 2, "never"));
		is_cancelled_asleep(sender_of(queue, 2, "longer than the queue"));
		CHECK_HOLDS(queue, 1, 5);
		GET(queue, 0, 0, 1, "fills");
		CHECK_HOLDS(queue, 0, 0);
	}
}

CASE(msgrcv_cancelled_asleep_leaves_its_turn_to_the_next)
{
	int queue = new_queue();
	struct sleeper *self = receiver_of(queue, BODY, 0, 0);
	self->pid = getpid();
	CHECK_EQ(pthread_create(&self->thread, NULL, cancelled_in_its_call, self), 0);
	await_asleep(self);
	struct sleeper *next = RECEIVES(queue, 0, 0);
	CHECK_EQ(pthread_cancel(self->thread), 0);
	ends_cancelled(self);
	PUT(queue, 1, "for the next");
	GETS(next, 1, "for the next");
}

static void *calls_uncancellable(void *sleeper)
{
	int old;
	CHECK_EQ(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old), 0);
	sleeper_calls(sleeper);
	CHECK_EQ(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old), 0);
	pthread_testcancel();
	return NULL;
}

CASE(msgrcv_goes_on_while_cancellation_is_disabled)
{
	void *end;
	int queue = new_queue();
	struct sleeper *self = receiver_of(queue, BODY, 0, 0);
	self->pid = getpid();
	CHECK_EQ(pthread_create(&self->thread, NULL, calls_uncancellable, self), 0);
	await_asleep(self);
	CHECK_EQ(pthread_cancel(self->thread), 0);
	SLEEPS_ON(self);
	PUT(queue, 1, "served");
	CHECK_EQ(pthread_join(self->thread, &end), 0);
	CHECK(end == PTHREAD_CANCELED);
	CHECK_EQ(self->error, 0);
	check_message(__FILE__, __LINE__, &self->message, self->length, 1, "served");
}

CASE(msgsnd_goes_on_while_cancellation_is_disabled)
{
	void *end;
	int queue = new_queue_of(1);
	PUT(queue, 1, "x");
	struct sleeper *self = sender_of(queue, 2, "y");
	self->pid = getpid();
	CHECK_EQ(pthread_create(&self->thread, NULL, calls_uncancellable, self), 0);
	await_asleep(self);
	CHECK_EQ(pthread_cancel(self->thread), 0);
	SLEEPS_ON(self);
	GET(queue, 0, 0, 1, "x");
	CHECK_EQ(pthread_join(self->thread, &end), 0);
	CHECK(end == PTHREAD_CANCELED);
	CHECK_EQ(self->error, 0);
	GET(queue, 0, 0, 2, "y");
}

/* Calls that would be cancelled at once if they were such points. */
static void *calls_that_do_not_sleep(void *returned)
{
	struct msqid_ds status;
	struct msginfo info;
	CHECK_EQ(pthread_cancel(pthread_self()), 0);
	int other = noted(msgget(own_key(0), IPC_CREAT | 0600));
	CHECK_EQ(msgget(own_key(0), 0600), other);
	CHECK_OK(msgctl(the_queue, IPC_STAT, &status));
	CHECK_OK(msgctl(the_queue, IPC_SET, &status));
	CHECK_OK(msgctl(the_queue, MSG_STAT, &status));
	CHECK_OK(msgctl(0, MSG_INFO, (struct msqid_ds *)(void *)&info));
	CHECK_OK(msgctl(other, IPC_RMID, NULL));
	*(int *)returned = 1;
	pthread_testcancel();
	return NULL;
}

CASE(msgget_and_msgctl_take_no_notice_of_a_pending_cancellation)
{
	pthread_t thread;
	int returned = 0;
	void *end;
	the_queue = new_queue();
	CHECK_EQ(pthread_create(&thread, NULL, calls_that_do_not_sleep, &returned), 0);
	CHECK_EQ(pthread_join(thread, &end), 0);
	CHECK(end == PTHREAD_CANCELED);
	CHECK_EQ(returned, 1);
}

CASE(msgrcv_errors_come_after_a_pending_cancellation)
{
	is_cancelled_on_entry(receiver_of(-1, BODY, 0, 0));
	is_cancelled_on_entry(sender_of(-1, 1, "x"));
	is_cancelled_on_entry(sender_of(new_queue(), 0, "x"));
}
