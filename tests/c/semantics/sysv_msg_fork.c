/* fork in the middle of the work of other threads: the child can go on with every queue. */
#include "../support/sysv_msg_sleepers.h"

enum { WORKERS = 3, FORKS = 40 };

static int the_queue, stop;

static void *works(void *number)
{
	long type = 1 + *(int *)number;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		PUT(the_queue, type, "of a worker");
		GET(the_queue, type, 0, type, "of a worker");
		int other = msgget(IPC_PRIVATE, 0600);
		CHECK_OK(other);
		remove_queue(other);
	}
	return NULL;
}

static void child_works(void)
{
	PUT(the_queue, 100, "of a child");
	GET(the_queue, 100, 0, 100, "of a child");
	int queue = noted(msgget(own_key(0), IPC_CREAT | 0600));
	struct sleeper *sleeper = RECEIVES(queue, 2, 0);
	PUT(queue, 2, "to a thread");
	GETS(sleeper, 2, "to a thread");
	remove_queue(queue);
}

CASE(msgsnd_and_msgrcv_work_in_a_child_forked_while_others_are_inside_them)
{
	pthread_t workers[WORKERS];
	int numbers[WORKERS];
	the_queue = new_queue();
	for (int i = 0; i < WORKERS; i++) {
		numbers[i] = i;
		CHECK_EQ(pthread_create(&workers[i], NULL, works, &numbers[i]), 0);
	}
	for (int i = 0; i < FORKS; i++) {
		pid_t pid = check_fork();
		if (pid == 0) {
			child_works();
			_exit(0);
		}
		check_child(pid);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < WORKERS; i++)
		CHECK_EQ(pthread_join(workers[i], NULL), 0);
	CHECK_HOLDS(the_queue, 0, 0);
}

CASE(msgrcv_sleepers_do_not_sleep_in_the_child_as_well)
{
	int queue = new_queue();
	struct sleeper *sleepers[] = { RECEIVES(queue, 0, 0), RECEIVES(queue, 0, 0) };
	pid_t pid = check_fork();
	if (pid == 0)
		_exit(0);
	check_child(pid);
	PUT(queue, 1, "one");
	PUT(queue, 2, "two");
	PUT(queue, 3, "three");
	GETS(sleepers[0], 1, "one");
	GETS(sleepers[1], 2, "two");
	CHECK_HOLDS(queue, 1, 5);
}

CASE(msgsnd_by_a_child_serves_the_threads_of_its_parent)
{
	int queue = new_queue();
	struct sleeper *sleeper = RECEIVES(queue, 0, 0);
	pid_t pid = check_fork();
	if (pid == 0) {
		PUT(queue, 1, "from the child");
		_exit(0);
	}
	check_child(pid);
	GETS(sleeper, 1, "from the child");
	CHECK_EQ(status_of(queue).msg_lspid, pid);
}

CASE(msgrcv_of_a_message_that_was_there_before_the_fork)
{
	int queue = new_queue();
	PUT(queue, 1, "before");
	pid_t pid = check_fork();
	if (pid == 0) {
		GET(queue, 0, 0, 1, "before");
		_exit(0);
	}
	check_child(pid);
	GET_NONE(queue, 0, 0);
}

/* Each generation receives from the one above it, and sends to the one below. */
static void generations(int queue, long left)
{
	struct message got;
	if (left == 0)
		return;
	PUT(queue, left, "passed on");
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_EQ(msgrcv(queue, &got, BODY, left, 0), 9);
		generations(queue, left - 1);
		_exit(0);
	}
	check_child(pid);
}

CASE(msgsnd_passes_down_the_generations)
{
	int queue = new_queue();
	generations(queue, 8);
	CHECK_HOLDS(queue, 0, 0);
}

/* A server, and clients that it answers by their pids as types. */
CASE(msgrcv_answers_come_to_each_child_by_its_pid)
{
	enum { CLIENTS = 6, QUESTIONS = 50 };
	pid_t clients[CLIENTS];
	int queue = new_queue();
	for (int i = 0; i < CLIENTS; i++) {
		clients[i] = check_fork();
		if (clients[i] == 0) {
			pid_t self = getpid();
			for (int question = 0; question < QUESTIONS; question++) {
				struct message message = { .type = 1 };
				int asked[2] = { self, question }, answer[2];
				memcpy(message.body, asked, sizeof asked);
				CHECK_OK(msgsnd(queue, &message, sizeof asked, 0));
				CHECK_EQ(msgrcv(queue, &message, BODY, self + 1L, 0), 8);
				memcpy(answer, message.body, sizeof answer);
				CHECK_EQ(answer[0], self);
				CHECK_EQ(answer[1], 2 * question);
			}
			_exit(0);
		}
	}
	for (int i = 0; i < CLIENTS * QUESTIONS; i++) {
		struct message message;
		int asked[2];
		CHECK_EQ(msgrcv(queue, &message, BODY, 1, 0), 8);
		memcpy(asked, message.body, sizeof asked);
		message.type = asked[0] + 1L;
		asked[1] *= 2;
		memcpy(message.body, asked, sizeof asked);
		CHECK_OK(msgsnd(queue, &message, 8, 0));
	}
	for (int i = 0; i < CLIENTS; i++)
		check_child(clients[i]);
	CHECK_HOLDS(queue, 0, 0);
}

/* Another program that ends leaves what its process has sent, and the sleepers. */
CASE(msgsnd_before_exec_stays_after_it)
{
	int queue = new_queue();
	struct sleeper *sleeper = RECEIVES(queue, 2, 0);
	pid_t pid = check_fork();
	if (pid == 0) {
		PUT(queue, 1, "before exec");
		execl("/bin/true", "true", (char *)NULL);
		_exit(1);
	}
	check_child(pid);
	SLEEPS_ON(sleeper);
	PUT(queue, 2, "after it");
	GETS(sleeper, 2, "after it");
	CHECK_EQ(status_of(queue).msg_qnum, 1);
	GET(queue, 0, 0, 1, "before exec");
}
