/* The server of `fifo_server` over one queue. A question has type 1; the answer has the process
 * id of the client as its type, so one queue serves as one for each client. A type must be above 0,
 * and no client has the process id 1. */
#include "queue.h"

#include <signal.h>

enum { CLIENTS = 3, QUESTIONS = 1 };

struct question {
	long type;
	pid_t client;
	int number;
};

static const char *const sayings[CLIENTS] = {
	"one process alone has no other to wait for",
	"asked by name, answered by number",
	"a queue has two ends, and so has a pipe",
};

static int queue;

static void remove_and_exit(int signal)
{
	(void)signal;
	_exit(msgctl(queue, IPC_RMID, NULL) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* Until it is told to end: then it takes its queue away. */
static void serve(void)
{
	struct sigaction action = { .sa_handler = remove_and_exit };
	check(sigaction(SIGTERM, &action, NULL), "sigaction");
	for (;;) {
		struct question question;
		check(msgrcv(queue, &question, sizeof(question) - sizeof(long), QUESTIONS, 0),
		      "msgrcv");
		send(queue, question.client, sayings[question.number]);
	}
}

static void ask(int number)
{
	struct question question = { QUESTIONS, getpid(), number };
	check(msgsnd(queue, &question, sizeof(question) - sizeof(long), 0), "msgsnd");
	struct message answer = receive(queue, getpid(), 0);
	printf("client %d: %s\n", number, answer.text);
}

int main(void)
{
	begin();
	queue = (int)check(msgget(own_key("server"), IPC_CREAT | IPC_EXCL | 0600), "msgget");
	pid_t server = fork_child();
	if (server == 0)
		serve();
	for (int i = 0; i < CLIENTS; i++) {
		pid_t client = fork_child();
		if (client == 0) {
			ask(i);
			exit(EXIT_SUCCESS);
		}
		expect_success(client);
	}
	wait_until_asleep(server);
	check(kill(server, SIGTERM), "kill");
	printf("server: %d\n", wait_child(server));
	printf("too late: %s\n",
	       outcome(msgsnd(queue, &(struct question){ QUESTIONS, 0, 0 }, 8, 0)));
	return EXIT_SUCCESS;
}
