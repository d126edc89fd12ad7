/* A server that removes its set when it is told to end: semctl(2) is a system call, and may be used
 * in a handler. A process that sleeps in the set is woken with EIDRM; one that comes later gets
 * EINVAL. */
#include "set.h"

#include <signal.h>

enum { CLIENTS = 3 };

static int set;

static void remove_and_exit(int signal)
{
	(void)signal;
	if (semctl(set, 0, IPC_RMID) == -1)
		_exit(EXIT_FAILURE);
	_exit(EXIT_SUCCESS);
}

static void serve(void)
{
	struct sigaction action = { .sa_handler = remove_and_exit };
	check(sigaction(SIGTERM, &action, NULL), "sigaction");
	/* No order ever comes. */
	change(set, 0, -1, 0);
}

int main(void)
{
	begin();
	set = own_set(2);
	pid_t server = fork_child();
	if (server == 0) {
		serve();
		exit(EXIT_FAILURE);
	}
	pid_t clients[CLIENTS];
	for (int i = 0; i < CLIENTS; i++) {
		if ((clients[i] = fork_child()) == 0) {
			struct sembuf wait = { 1, -1, 0 };
			long result = semop(set, &wait, 1);
			exit(result == -1 && errno == EIDRM ? EXIT_SUCCESS : EXIT_FAILURE);
		}
	}
	while (semctl(set, 0, GETNCNT) != 1 || semctl(set, 1, GETNCNT) != CLIENTS)
		usleep(1000);
	printf("asleep: the server and %d clients\n", CLIENTS);

	check(kill(server, SIGTERM), "kill");
	printf("server: %d\n", wait_child(server));
	for (int i = 0; i < CLIENTS; i++)
		printf("client %d was told that the set is gone: %s\n", i + 1,
		       yes_no(wait_child(clients[i]) == EXIT_SUCCESS));
	struct sembuf late = { 1, 1, 0 };
	printf("too late: %s\n", outcome(semop(set, &late, 1)));
	return EXIT_SUCCESS;
}
