/* Where the kernel's queues lose a message, or refuse what they need not. */
#include "../support/nobody.h"
#include "../support/quiet.h"
#include "../support/step.h"
#include "../support/sysv_msg_sleepers.h"

enum { MIB = 1024 * 1024 };

static int queue, elsewhere;

static void *read_only_memory(void)
{
	void *memory = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(memory != MAP_FAILED);
	return memory;
}

CASE(msgrcv_into_memory_that_cannot_be_written_is_efault)
{
	queue = new_queue();
	void *bad[] = { NULL, no_memory(), read_only_memory(), (void *)~(size_t)4095 };
	for (int i = 0; i < 4; i++) {
		PUT(queue, 1, "perhaps lost");
		CHECK_FAILS(msgrcv(queue, bad[i], BODY, 0, 0), EFAULT);
	}
}

CASE_BETTER(msgrcv_that_fails_with_efault_leaves_the_message,
	    "the kernel has taken the message off the queue when it finds that it cannot deliver it")
{
	queue = new_queue();
	void *bad[] = { NULL, no_memory(), read_only_memory(), (void *)~(size_t)4095 };
	PUT(queue, 1, "not lost");
	PUT(queue, 2, "next");
	for (int i = 0; i < 4; i++) {
		CHECK_FAILS(msgrcv(queue, bad[i], BODY, 0, 0), EFAULT);
		CHECK_HOLDS(queue, 2, 12);
	}
	GET(queue, 0, 0, 1, "not lost");
	GET(queue, 0, 0, 2, "next");
}

CASE_BETTER(msgrcv_whose_body_fails_with_efault_leaves_the_message,
	    "the kernel has taken the message off the queue when it finds that it cannot deliver it")
{
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(pages != MAP_FAILED);
	CHECK_OK(mprotect(pages + 4096, 4096, PROT_NONE));
	queue = new_queue();
	PUT_BYTES(queue, 1, 2000, 5);
	CHECK_FAILS(msgrcv(queue, pages + 4096 - 8 - 1999, 2000, 0, 0), EFAULT);
	CHECK_HOLDS(queue, 1, 2000);
	/* A part of the buffer that it does not need may be missing. */
	CHECK_EQ(msgrcv(queue, pages + 4096 - 8 - 2000, 4000, 0, 0), 2000);
	for (size_t i = 0; i < 2000; i++)
		CHECK_EQ((unsigned char)pages[4096 - 2000 + i], byte_of(5, i));
}

CASE_BETTER(
	msgrcv_killed_with_its_message_before_it_runs_gives_it_back,
	"the kernel hands the message to the sleeping receiver; when that is killed before it runs, it is lost")
{
	/* The receiver sleeps on our processor with the lowest claim to it: it dies before it
	 * runs again. */
	queue = new_queue();
	step_on_one_processor();
	for (int round = 0; round < 50; round++) {
		struct sleeper *self = receiver_of(queue, BODY, 0, 0);
		pid_t child = check_fork();
		if (child == 0) {
			CHECK_OK(sched_setscheduler(0, SCHED_IDLE, &(struct sched_param){ 0 }));
			sleeper_calls(self);
			_exit(0);
		}
		self->pid = child;
		await_asleep(self);
		PUT(queue, 1, "not lost");
		PUT(queue, 2, "behind it");
		CHECK_OK(kill(child, SIGKILL));
		CHECK_EQ(waitpid(child, NULL, 0), child);
		if (!is_done(self)) {
			CHECK_SOON(count_of(queue) == 2);
			GET(queue, 0, 0, 1, "not lost");
		}
		GET(queue, 0, 0, 2, "behind it");
		GET_NONE(queue, 0, 0);
	}
}

static void receive_small(void)
{
	struct {
		long type;
		char body[8];
	} message;
	msgrcv(queue, &message, 8, 0, 0);
}

static void rehearse(void)
{
	struct sleeper *receiver = PROCESS_RECEIVES(elsewhere, 5, 0);
	PUT(elsewhere, 5, "wake");
	GETS(receiver, 5, "wake");
	PUT(elsewhere, 5, "x");
	GET(elsewhere, 5, 0, 5, "x");
}

/* The first of two that sleep is handed a message, and killed on its way. What it had not yet taken
 * goes to the other one. */
static int woken_receiver_trial(int steps)
{
	enum { FIRST = 8, STRIDE = 29 };
	step_on_one_processor();
	queue = new_queue();
	elsewhere = new_queue();
	pid_t victim = step_victim(rehearse, receive_small);
	step_to_sleep(victim);
	struct sleeper *other = PROCESS_RECEIVES(queue, 0, 0);
	PUT(queue, 1, "x");
	CHECK_EQ(waitpid(victim, NULL, 0), victim);
	int in_call = step_many(victim, steps <= FIRST ? steps : FIRST + (steps - FIRST) * STRIDE);
	step_kill(victim);
	/* What it has taken is gone with it. The rest is for the other one, or in the queue. */
	PUT(queue, 1, "y");
	CHECK_SOON(is_done(other));
	bool is_first = other->message.body[0] == 'x';
	GETS(other, 1, is_first ? "x" : "y");
	bool came_back = count_of(queue) == 1;
	if (came_back)
		GET(queue, 0, 0, 1, is_first ? "y" : "x");
	CHECK(came_back || !is_first);
	CHECK_HOLDS(queue, 0, 0);
	remove_queue(queue);
	remove_queue(elsewhere);
	return !in_call ? STEP_OVER : came_back ? STEP_BETWEEN : STEP_LATE;
}

CASE_BETTER(msgrcv_killed_at_any_instruction_after_its_wake,
	    "the kernel has taken the message out for the one that dies")
{
	int counts[STEP_ENDS] = { 0 };
	step_trials(woken_receiver_trial, 8, counts);
	CHECK(counts[STEP_BETWEEN] > 0);
}

static void *receives_until_cancelled(void *self)
{
	sleeper_calls(self);
	return NULL;
}

CASE_BETTER(msgrcv_cancelled_again_and_again_loses_nothing,
	    "glibc lets a cancellation strike between the kernel's hand-over and the return")
{
	/* The cancellation races with a message: the thread has it, or the queue still does. */
	queue = new_queue();
	for (int i = 0; i < 300; i++) {
		struct sleeper *self = receiver_of(queue, BODY, 0, 0);
		self->pid = getpid();
		CHECK_EQ(pthread_create(&self->thread, NULL, receives_until_cancelled, self), 0);
		while (!__atomic_load_n(&self->tid, __ATOMIC_ACQUIRE))
			sched_yield();
		if (i % 2)
			CHECK_SOON(asleep(self->pid, self->tid));
		PUT(queue, 1, "either");
		int error = pthread_cancel(self->thread);
		CHECK(error == 0 || error == OLDER_CANCEL_OF_ENDED);
		CHECK_EQ(pthread_join(self->thread, NULL), 0);
		CHECK_EQ(count_of(queue), !is_done(self));
		if (is_done(self))
			check_message(__FILE__, __LINE__, &self->message, self->length, 1,
				      "either");
		else
			GET(queue, 0, 0, 1, "either");
		CHECK_OK(munmap(self, sizeof *self));
	}
}

CASE_BETTER(msgrcv_asleep_in_a_thread_tells_the_process,
	    "the kernel notes the number of the thread that it hands a message to")
{
	queue = new_queue();
	struct sleeper *receiver = RECEIVES(queue, 0, 0);
	PUT(queue, 1, "handed over");
	GETS(receiver, 1, "handed over");
	CHECK_EQ(status_of(queue).msg_lrpid, getpid());
}

static void raises(const char *unused)
{
	(void)unused;
	queue = new_queue();
	limit_queue(queue, MIB);
	CHECK_EQ(status_of(queue).msg_qbytes, MIB);
	for (unsigned i = 0; i < MIB / BODY; i++)
		PUT_BYTES(queue, 1, BODY, i);
	CHECK_HOLDS(queue, MIB / BODY, MIB);
	CHECK_FAILS(send_text(queue, 1, "x", IPC_NOWAIT), EAGAIN);
	for (unsigned i = 0; i < MIB / BODY; i++)
		GET_BYTES(queue, 1, BODY, i, BODY);
	CHECK_HOLDS(queue, 0, 0);
	remove_queue(queue);
}

CASE_BETTER(msgctl_set_raises_the_bytes_without_privilege,
	    "above msgmnb the kernel asks for CAP_SYS_RESOURCE")
{
	if (geteuid() == 0)
		as_nobody(raises, NULL);
	else
		raises(NULL);
}

static struct message letter = { .type = 1, .body = "letter" }, got;

static void pair_on(int on)
{
	if (msgsnd(on, &letter, 64, 0) != 0 || msgrcv(on, &got, BODY, 0, 0) != 64)
		check_fail(__FILE__, __LINE__, "a message went astray: %s", strerror(errno));
}

static void pair_elsewhere(void)
{
	pair_on(elsewhere);
	pair_on(queue);
}

static void pairs(void)
{
	for (int i = 0; i < 1000; i++)
		pair_on(queue);
}

CASE_BETTER(msgsnd_and_msgrcv_make_no_system_call,
	    "each operation on the kernel's queues is a system call")
{
	queue = new_queue();
	elsewhere = new_queue();
	long call = quiet_first_call(pair_elsewhere, pairs);
	if (call == QUIET_REFUSED)
		CHECK_SKIP("seccomp is refused");
	CHECK_EQ(call, QUIET);
}
