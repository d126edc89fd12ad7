/* Calls one fast path again and again: paths PATH ROUNDS. benches/instructions/run counts. */
#include <fcntl.h>
#include <mqueue.h>
#include <semaphore.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <unistd.h>

#define NEED(condition)             \
	do {                        \
		if (!(condition)) { \
			perror(#condition); \
			exit(1);    \
		}                   \
	} while (0)

/* valgrind refuses rseq(2), so the C library registers nothing, and librsipc would take the path of
 * old systems. Here the program gives what glibc would give, before any library is initialised. No
 * kernel looks at it, and one thread alone needs nothing restarted. */
static __thread char area[64] __attribute__((aligned(32)));
ptrdiff_t __rseq_offset;
unsigned __rseq_size;

static void register_area(void)
{
	__rseq_offset = area - (char *)__builtin_thread_pointer();
	__rseq_size = 20;
}
__attribute__((section(".preinit_array"), used)) static void (*const first)(void) = register_area;

static void semaphore(long rounds)
{
	sem_t sem;
	NEED(sem_init(&sem, 0, 0) == 0);
	while (rounds-- > 0)
		NEED(sem_post(&sem) == 0 && sem_wait(&sem) == 0);
}

/* One message at a time, with so many others of the same priority behind it. */
static void queue(long rounds, long size, int queued)
{
	char name[64];
	snprintf(name, sizeof name, "/rsipc-instructions.%d", (int)getpid());
	struct mq_attr attributes = { .mq_maxmsg = queued + 10, .mq_msgsize = size };
	mqd_t queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);
	NEED(queue != (mqd_t)-1 && mq_unlink(name) == 0);
	char *body = calloc(1, (size_t)size);
	NEED(body);
	for (int i = 0; i < queued; i++)
		NEED(mq_send(queue, body, (size_t)size, 0) == 0);
	while (rounds-- > 0)
		NEED(mq_send(queue, body, (size_t)size, 0) == 0 &&
		     mq_receive(queue, body, (size_t)size, NULL) == size);
}

/* One operation a call, back and forth. */
static void set(long rounds, short flags)
{
	int id = semget(IPC_PRIVATE, 1, 0600);
	NEED(id != -1);
	struct sembuf up = { 0, 1, flags }, down = { 0, -1, flags };
	while (rounds-- > 0)
		NEED(semop(id, &up, 1) == 0 && semop(id, &down, 1) == 0);
	NEED(semctl(id, 0, IPC_RMID) == 0);
}

static void sysv_queue(long rounds)
{
	struct {
		long type;
		char body[64];
	} message = { .type = 1 };
	int id = msgget(IPC_PRIVATE, 0600);
	NEED(id != -1);
	while (rounds-- > 0)
		NEED(msgsnd(id, &message, sizeof message.body, 0) == 0 &&
		     msgrcv(id, &message, sizeof message.body, 0, 0) == sizeof message.body);
	NEED(msgctl(id, IPC_RMID, NULL) == 0);
}

int main(int argc, char **argv)
{
	NEED(argc == 3);
	const char *path = argv[1];
	long rounds = atol(argv[2]);
	if (strcmp(path, "sem") == 0)
		semaphore(rounds);
	else if (strcmp(path, "queue-64") == 0)
		queue(rounds, 64, 0);
	else if (strcmp(path, "queue-1024") == 0)
		queue(rounds, 1024, 0);
	else if (strcmp(path, "queue-deep") == 0)
		queue(rounds, 64, 1000);
	else if (strcmp(path, "set") == 0)
		set(rounds, 0);
	else if (strcmp(path, "set-undo") == 0)
		set(rounds, SEM_UNDO);
	else if (strcmp(path, "sysv-queue") == 0)
		sysv_queue(rounds);
	else
		return 2;
	return 0;
}
