/* The rules of mq_notify: one process at a time, one message only, only into an empty queue, and
 * not when a process already waits in receive. The signal is blocked and looked for with
 * sigtimedwait. */
#include "../course.h"

#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <time.h>

static mqd_t queue;
static sigset_t signals;

static long ask_for_signal(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	return mq_notify(queue, &event);
}

static const char *is_told(int milliseconds)
{
	struct timespec time = { milliseconds / 1000, milliseconds % 1000 * 1000000L };
	return yes_no(sigtimedwait(&signals, NULL, &time) == SIGUSR1);
}

static void send_one(void)
{
	check(mq_send(queue, "x", 1, 0), "mq_send");
}

static void receive_one(void)
{
	char buffer[16];
	check(mq_receive(queue, buffer, sizeof(buffer), NULL), "mq_receive");
}

int main(void)
{
	begin();
	struct name name = own_name("notify_rules");
	struct mq_attr attributes = { .mq_maxmsg = 4, .mq_msgsize = 16 };
	queue = (mqd_t)check(mq_open(name.text, O_CREAT | O_EXCL | O_RDWR, 0600, &attributes),
			     "mq_open");
	check(mq_unlink(name.text), "mq_unlink");
	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	check(sigprocmask(SIG_BLOCK, &signals, NULL), "sigprocmask");

	printf("register: %s\n", outcome(ask_for_signal()));
	printf("register again: %s\n", outcome(ask_for_signal()));
	pid_t child = fork_child();
	if (child == 0) {
		printf("a child registers too: %s\n", outcome(ask_for_signal()));
		exit(EXIT_SUCCESS);
	}
	expect_success(child);

	send_one();
	printf("a message into the empty queue, told: %s\n", is_told(5000));
	send_one();
	printf("a second one, told: %s\n", is_told(50));
	printf("register again: %s\n", outcome(ask_for_signal()));
	send_one();
	printf("a message into a queue with two, told: %s\n", is_told(50));
	receive_one();
	receive_one();
	receive_one();
	send_one();
	printf("emptied, and a message again, told: %s\n", is_told(5000));
	receive_one();

	check(ask_for_signal(), "mq_notify");
	child = fork_child();
	if (child == 0) {
		receive_one();
		exit(EXIT_SUCCESS);
	}
	wait_until_asleep(child);
	send_one();
	expect_success(child);
	printf("a child waits in receive and gets it, told: %s\n", is_told(50));
	send_one();
	printf("no process waits for the next one, told: %s\n", is_told(5000));
	return EXIT_SUCCESS;
}
