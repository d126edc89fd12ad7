/* A semaphore tells of events. The producer posts only when the value is 0, "so that it does not
 * rise without end": an event that comes while the last one has not been taken is lost. The value
 * that sem_getvalue gives is old when it is looked at; to decide by it is always wrong. */
#include "pair.h"

#include <fcntl.h>
#include <semaphore.h>

enum { EVENTS = 20 };

static void produce(sem_t *events, int ask, int answer)
{
	char byte = 'x';
	for (int i = 0; i < EVENTS; i++) {
		int value = 0;
		if (!is_right)
			check(sem_getvalue(events, &value), "sem_getvalue");
		if (value == 0)
			check(sem_post(events), "sem_post");
		/* The consumer comes for one now and then. */
		if (i % 3 == 2) {
			check(write(ask, &byte, 1), "write");
			check(read(answer, &byte, 1), "read");
		}
	}
}

static int consume(sem_t *events, int ask, int answer)
{
	int taken = 0;
	char byte;
	while (check(read(ask, &byte, 1), "read") == 1) {
		check(sem_wait(events), "sem_wait");
		taken++;
		check(write(answer, &byte, 1), "write");
	}
	while (sem_trywait(events) == 0)
		taken++;
	return taken;
}

int main(int count, char **arguments)
{
	begin_pair(count, arguments);
	struct name name = own_name("events");
	sem_t *events = sem_open(name.text, O_CREAT | O_EXCL, 0600, 0);
	if (events == SEM_FAILED)
		die("sem_open");
	int ask[2], answer[2];
	check(pipe(ask), "pipe");
	check(pipe(answer), "pipe");
	pid_t child = fork_child();
	if (child == 0) {
		close(ask[0]);
		blame(name.text, getpid());
		produce(events, ask[1], answer[0]);
		exit(EXIT_SUCCESS);
	}
	close(ask[1]);
	printf("%d events, %d taken\n", EVENTS, consume(events, ask[0], answer[1]));
	expect_success(child);
	check(sem_close(events), "sem_close");
	check(sem_unlink(name.text), "sem_unlink");
	return EXIT_SUCCESS;
}
