/* A filter that kills for sched_yield(2) and nanosleep(2), which no wait of glibc's or the kernel's
 * makes. The two sides wait for one another on one processor, where a wait that yields would save a
 * wake. */
#include "../support/common_memory.h"
#include "../support/queue.h"
#include "../support/refuse.h"
#include "../support/sysv.h"

#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/msg.h>
#include <sys/sem.h>

enum { ROUNDS = 300, PARENT, CHILD };

/* A way to wake the other side, and to wait for it. `to`: the side that is woken. */
struct way {
	void (*wake)(int to);
	void (*wait)(int to);
};

static void on_one_processor(void)
{
	cpu_set_t one;
	CPU_ZERO(&one);
	CPU_SET((unsigned)sched_getcpu(), &one);
	CHECK_OK(sched_setaffinity(0, sizeof one, &one));
}

/* Nobody would wake this side any more. */
static void on_death(int signal)
{
	siginfo_t how;
	(void)signal;
	if (waitid(P_ALL, 0, &how, WEXITED | WNOWAIT) == -1)
		return;
	if (how.si_code == CLD_EXITED && how.si_status == CHECK_SKIPPED)
		CHECK_SKIP("there can be no filter here");
	if (how.si_code != CLD_EXITED)
		check_fail(__FILE__, __LINE__, "signal %d has ended the other side", how.si_status);
}

static void check_way(struct way way)
{
	on_one_processor();
	CHECK_OK(sigaction(SIGCHLD, &(struct sigaction){ .sa_handler = on_death }, NULL));
	pid_t child = check_fork();
	if (child == 0) {
		if (kill_for_pauses() == -1)
			_exit(CHECK_SKIPPED);
		for (int round = 0; round < ROUNDS; round++) {
			way.wait(CHILD);
			way.wake(PARENT);
		}
		/* The other side is through with its waits, which this end would interrupt. */
		way.wait(CHILD);
		_exit(0);
	}
	for (int round = 0; round < ROUNDS; round++) {
		way.wake(CHILD);
		way.wait(PARENT);
	}
	way.wake(CHILD);
	check_child(child);
}

static sem_t *semaphores;

static void post(int to)
{
	CHECK_OK(sem_post(&semaphores[to]));
}

static void wait_for_post(int to)
{
	CHECK_OK(sem_wait(&semaphores[to]));
}

CASE(load_sem_wait_does_not_yield_behind_a_filter)
{
	semaphores = common_memory((CHILD + 1) * sizeof *semaphores);
	CHECK_OK(sem_init(&semaphores[PARENT], 1, 0));
	CHECK_OK(sem_init(&semaphores[CHILD], 1, 0));
	check_way((struct way){ post, wait_for_post });
}

static mqd_t queues[CHILD + 1];

static void send(int to)
{
	CHECK_OK(mq_send(queues[to], "", 1, 0));
}

static void receive(int to)
{
	char got[SMALL_SIZE];
	CHECK_EQ(mq_receive(queues[to], got, sizeof got, NULL), 1);
}

CASE(load_mq_receive_does_not_yield_behind_a_filter)
{
	queues[PARENT] = queue_create(0, O_RDWR, SMALL_DEPTH, SMALL_SIZE);
	queues[CHILD] = queue_create(1, O_RDWR, SMALL_DEPTH, SMALL_SIZE);
	check_way((struct way){ send, receive });
}

/* A set, or a queue of System V. */
static int object;

static void remove_set(int id)
{
	semctl(id, 0, IPC_RMID);
}

static void give(int to)
{
	CHECK_OK(semop(object, &(struct sembuf){ (unsigned short)(to - PARENT), 1, 0 }, 1));
}

static void take(int to)
{
	CHECK_OK(semop(object, &(struct sembuf){ (unsigned short)(to - PARENT), -1, 0 }, 1));
}

CASE(load_semop_does_not_yield_behind_a_filter)
{
	object = note_object(semget(IPC_PRIVATE, 2, 0600), remove_set);
	check_way((struct way){ give, take });
}

static void remove_queue(int id)
{
	msgctl(id, IPC_RMID, NULL);
}

static void put(int to)
{
	CHECK_OK(msgsnd(object, &(long){ to }, 0, 0));
}

static void fetch(int to)
{
	long type;
	CHECK_EQ(msgrcv(object, &type, 0, to, 0), 0);
}

CASE(load_msgrcv_does_not_yield_behind_a_filter)
{
	object = note_object(msgget(IPC_PRIVATE, 0600), remove_queue);
	check_way((struct way){ put, fetch });
}
