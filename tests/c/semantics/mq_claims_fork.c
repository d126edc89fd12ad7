/* A handler forks in the middle of a call. The child comes back into the call later than its
 * parent. */
#include "../support/step_queue.h"

#include <stdbool.h>

/* Long enough for a copy of many instructions, short enough for the kernel's queues. */
enum { SIZE = 600, DEPTH = 4 };

static atomic_int *go, *child_over, *child_result, *count_in_child;
static bool raw, in_child;
static char text[SIZE];

static void pause_until(atomic_int *told)
{
	while (!atomic_load(told))
		pause_ms(1);
}

static void fork_here(int signal)
{
	(void)signal;
	pid_t pid = raw ? (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) : fork();
	if (pid != 0)
		return;
	in_child = true;
	pause_until(go);
}

static mqd_t make_queue(const char *tag)
{
	char name[64];
	snprintf(name, sizeof name, "/chk.%d.%s", (int)getpid(), tag);
	struct mq_attr attr = { .mq_maxmsg = DEPTH, .mq_msgsize = SIZE };
	mqd_t made = mq_open(name, O_CREAT | O_EXCL | O_RDWR | O_NONBLOCK, 0600, &attr);
	CHECK_OK(made);
	mqd_t opened = mq_open(name, O_RDWR | O_NONBLOCK);
	CHECK_OK(opened);
	CHECK_OK(mq_close(made));
	CHECK_OK(mq_unlink(name));
	return opened;
}

static void make_ground(void)
{
	atomic_int *shared = shared_memory(4 * sizeof *shared);
	go = shared;
	child_over = shared + 1;
	child_result = shared + 2;
	count_in_child = shared + 3;
	queue = make_queue("step");
	elsewhere = make_queue("elsewhere");
	memset(text, 'P', SIZE);
	step_on_one_processor();
}

static void send_text(mqd_t to, char letter)
{
	char body[SIZE];
	memset(body, letter, SIZE);
	CHECK_OK(mq_send(to, body, SIZE, 0));
}

/* The letter that the next message is made of; 0: there is none. */
static char next_letter(mqd_t from)
{
	char body[SIZE];
	ssize_t length = mq_receive(from, body, SIZE, NULL);
	if (length == -1 && errno == EAGAIN)
		return 0;
	CHECK_EQ(length, SIZE);
	for (int i = 1; i < SIZE; i++)
		if (body[i] != body[0])
			check_fail(__FILE__, __LINE__, "torn: %d x %c, then %c", i, body[0],
				   body[i]);
	return body[0];
}

static void rehearse_fork(void)
{
	struct sigaction action = { .sa_handler = fork_here, .sa_flags = SA_RESTART };
	CHECK_OK(sigaction(SIGUSR1, &action, NULL));
	send_text(elsewhere, 'x');
	CHECK_EQ(next_letter(elsewhere), 'x');
}

static void end_child(int result)
{
	if (!in_child)
		return;
	atomic_store(child_result, result);
	atomic_store(child_over, 1);
	_exit(0);
}

static void send_call(void)
{
	end_child(mq_send(queue, text, SIZE, 0));
}

static void receive_call(void)
{
	char letter = next_letter(queue);
	end_child(letter);
	atomic_store(count_in_child, letter);
}

/* The handler forks after so many steps; the parent ends its call, and the child waits. False: the
 * call was over. */
static bool fork_in_call(void (*call)(void), int steps, pid_t *victim)
{
	*victim = step_victim(rehearse_fork, call);
	if (!step_many(*victim, steps)) {
		step_kill(*victim);
		return false;
	}
	CHECK_OK(ptrace(PTRACE_DETACH, *victim, NULL, SIGUSR1));
	CHECK_SOON(step_stage() == 2);
	return true;
}

static void end_both(pid_t victim)
{
	CHECK_SOON(atomic_load(child_over));
	step_kill(victim);
	/* Everything that one of them had claimed is free. */
	struct timespec when = deadline_ms(5000);
	char body[SIZE] = "";
	struct mq_attr wait = { .mq_flags = 0 };
	CHECK_OK(mq_setattr(queue, &wait, NULL));
	for (int i = 0; i < DEPTH; i++)
		CHECK_OK(mq_timedsend(queue, body, SIZE, 0, &when));
}

static int try_send(int steps)
{
	pid_t victim;
	make_ground();
	if (!fork_in_call(send_call, steps, &victim))
		return STEP_OVER;
	CHECK_EQ(next_letter(queue), 'P');
	CHECK_EQ(next_letter(queue), 0);
	/* All the memory that the child may still write to has another one's messages. */
	for (const char *letter = "123"; *letter; letter++)
		send_text(queue, *letter);
	atomic_store(go, 1);
	CHECK_SOON(atomic_load(child_over));
	CHECK_EQ(atomic_load(child_result), 0);
	for (const char *letter = "123"; *letter; letter++)
		CHECK_EQ(next_letter(queue), *letter);
	char last = next_letter(queue);
	CHECK(last == 0 || last == 'P');
	CHECK_EQ(next_letter(queue), 0);
	end_both(victim);
	return last ? STEP_EARLY : STEP_LATE;
}

static int try_receive(int steps)
{
	pid_t victim;
	make_ground();
	send_text(queue, '1');
	if (!fork_in_call(receive_call, steps, &victim))
		return STEP_OVER;
	CHECK_EQ(next_letter(queue), 0);
	for (const char *letter = "2345"; *letter; letter++)
		send_text(queue, *letter);
	atomic_store(go, 1);
	CHECK_SOON(atomic_load(child_over));
	int got = atomic_load(child_result);
	/* It forked after it had received, or before. */
	if (got != (int)'1' && got != (int)'2')
		check_fail(__FILE__, __LINE__, "got %d", got);
	for (const char *letter = got == '1' ? "2345" : "345"; *letter; letter++)
		CHECK_EQ(next_letter(queue), *letter);
	CHECK_EQ(next_letter(queue), 0);
	end_both(victim);
	return got == '1' ? STEP_LATE : STEP_EARLY;
}

static void each_step(int (*trial)(int))
{
	int counts[STEP_ENDS];
	try_each_step(trial, counts);
	CHECK(counts[STEP_OVER] > 0);
	CHECK(counts[STEP_EARLY] > 0);
}

CASE(mq_send_goes_on_in_parent_and_child_of_a_fork_in_a_handler)
{
	each_step(try_send);
}

CASE(mq_send_goes_on_in_parent_and_child_of_a_bare_clone_in_a_handler)
{
	raw = true;
	each_step(try_send);
}

CASE(mq_receive_goes_on_in_parent_and_child_of_a_fork_in_a_handler)
{
	each_step(try_receive);
}

CASE(mq_receive_goes_on_in_parent_and_child_of_a_bare_clone_in_a_handler)
{
	raw = true;
	each_step(try_receive);
}
