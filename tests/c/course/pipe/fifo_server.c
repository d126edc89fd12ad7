/* A server with a FIFO of its own, which all know, and an answer FIFO for each client. The client
 * has to send its question before it opens the answer FIFO: the server opens that one only after
 * the question, and an open waits for the other side. */
#include "../course.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

enum { CLIENTS = 3 };

struct question {
	int number;
	char answer_to[96];
};
_Static_assert(sizeof(struct question) <= PIPE_BUF, "questions of several clients must not mix");

static const char *const sayings[CLIENTS] = {
	"one process alone has no other to wait for",
	"the first to open waits longest",
	"a pipe has two ends, and so has a queue",
};

static void serve(const char *well_known)
{
	/* Opened for both, so that there is no end of file between two clients. */
	int questions = (int)check(open(well_known, O_RDWR), well_known);
	for (int i = 0; i < CLIENTS; i++) {
		struct question question;
		check(read(questions, &question, sizeof(question)), "read");
		int answer = (int)check(open(question.answer_to, O_WRONLY), question.answer_to);
		dprintf(answer, "%s", sayings[question.number]);
		close(answer);
	}
}

static void ask(const char *well_known, int number)
{
	struct question question = { .number = number };
	snprintf(question.answer_to, sizeof(question.answer_to), "%s.%d", well_known, number);
	check(mkfifo(question.answer_to, 0600), "mkfifo");

	int questions = (int)check(open(well_known, O_WRONLY), well_known);
	check(write(questions, &question, sizeof(question)), "write");
	int answer = (int)check(open(question.answer_to, O_RDONLY), question.answer_to);
	char text[128];
	long count = check(read(answer, text, sizeof(text)), "read");
	printf("client %d: %.*s\n", number, (int)count, text);
	check(unlink(question.answer_to), "unlink");
}

int main(void)
{
	begin();
	struct name well_known = own_path("server");
	check(mkfifo(well_known.text, 0600), "mkfifo");
	pid_t server = fork_child();
	if (server == 0) {
		serve(well_known.text);
		exit(EXIT_SUCCESS);
	}
	for (int i = 0; i < CLIENTS; i++) {
		pid_t client = fork_child();
		if (client == 0) {
			ask(well_known.text, i);
			exit(EXIT_SUCCESS);
		}
		expect_success(client);
	}
	expect_success(server);
	check(unlink(well_known.text), "unlink");
	printf("the server has answered all\n");
	return EXIT_SUCCESS;
}
