/* mq_notify asks for a signal when a message comes into the empty queue. It is for one message
 * only: so the handler registers again, and it does so before the queue is emptied, or a message
 * that comes in between would not be announced. */
#include "../course.h"

#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>

static mqd_t queue;
static volatile sig_atomic_t announced, value, by_queue;
static volatile pid_t sender;

static void on_message(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	announced++;
	value = info->si_value.sival_int;
	by_queue = info->si_code == SI_MESGQ;
	sender = info->si_pid;
}

static void ask_for_signal(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	event.sigev_value.sival_int = 42;
	check(mq_notify(queue, &event), "mq_notify");
}

static void drain(void)
{
	char buffer[16];
	while (mq_receive(queue, buffer, sizeof(buffer), NULL) != -1)
		printf("  received \"%s\"\n", buffer);
}

/* A child sends; the signal is blocked but while we wait, so it cannot come too early. */
static pid_t message_from_child(const char *text, const sigset_t *while_waiting)
{
	int before = announced;
	pid_t child = fork_child();
	if (child == 0) {
		check(mq_send(queue, text, strlen(text) + 1, 0), "mq_send");
		exit(EXIT_SUCCESS);
	}
	while (announced == before)
		sigsuspend(while_waiting);
	expect_success(child);
	return child;
}

int main(void)
{
	begin();
	struct name name = own_name("notify_signal");
	struct mq_attr attributes = { .mq_maxmsg = 4, .mq_msgsize = 16 };
	int flags = O_CREAT | O_EXCL | O_RDWR | O_NONBLOCK;
	queue = (mqd_t)check(mq_open(name.text, flags, 0600, &attributes), "mq_open");
	check(mq_unlink(name.text), "mq_unlink");

	struct sigaction action = { .sa_sigaction = on_message, .sa_flags = SA_SIGINFO };
	check(sigaction(SIGUSR1, &action, NULL), "sigaction");
	sigset_t blocked, usual;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	check(sigprocmask(SIG_BLOCK, &blocked, &usual), "sigprocmask");

	ask_for_signal();
	for (int i = 1; i <= 3; i++) {
		char text[16];
		snprintf(text, sizeof(text), "message %d", i);
		pid_t child = message_from_child(text, &usual);
		printf("signal %d: value %d, from a queue: %s, the sender is the child: %s\n",
		       (int)announced, (int)value, yes_no(by_queue), yes_no(sender == child));
		ask_for_signal();
		drain();
	}

	check(mq_notify(queue, NULL), "mq_notify");
	check(mq_send(queue, "unannounced", 12, 0), "mq_send");
	check(sigprocmask(SIG_SETMASK, &usual, NULL), "sigprocmask");
	printf("no longer registered: still %d signals\n", (int)announced);
	drain();
	return EXIT_SUCCESS;
}
