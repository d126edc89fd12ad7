/* Mistakes of the course in other styles: with objects of System V. */
#include "styles.h"

#include <pthread.h>
#include <signal.h>
#include <sys/sem.h>
#include <sys/shm.h>

/* A set of so many semaphores, each with this value. */
static int new_set(int semaphores, int value)
{
	int set = (int)check(semget(IPC_PRIVATE, semaphores, 0600), "semget");
	for (int i = 0; i < semaphores; i++)
		check(semctl(set, i, SETVAL, value), "semctl");
	return set;
}

static void change(int set, int semaphore, int by)
{
	struct sembuf operation = { .sem_num = (unsigned short)semaphore, .sem_op = (short)by };
	check(semop(set, &operation, 1), "semop");
}

static void blame_set(int set)
{
	char text[32];
	snprintf(text, sizeof(text), "sem:%d", set);
	blame(text, getpid());
}

static void set_order(void)
{
	int set = new_set(2, 1);
	for (int i = 0; i < 2; i++) {
		pid_t child = fork_child();
		if (child == 0) {
			int one = i == 1 && !is_right;
			if (i == 1)
				blame_set(set);
			for (int round = 0; round < 3; round++) {
				change(set, one, -1);
				change(set, !one, -1);
				change(set, !one, 1);
				change(set, one, 1);
			}
			exit(EXIT_SUCCESS);
		}
		expect_success(child);
	}
	check(semctl(set, 0, IPC_RMID), "semctl");
}

static void set_by_value(void)
{
	int set = new_set(1, 0);
	blame_set(set);
	for (int i = 0; i < 12; i++) {
		if (is_right || check(semctl(set, 0, GETVAL), "semctl") == 0)
			change(set, 0, 1);
		if (i % 3 == 2) {
			pid_t child = fork_child();
			if (child == 0) {
				change(set, 0, -1);
				exit(EXIT_SUCCESS);
			}
			expect_success(child);
		}
	}
	check(semctl(set, 0, IPC_RMID), "semctl");
}

static void set_twice(void)
{
	int set = new_set(1, 1);
	blame_set(set);
	change(set, 0, -1);
	change(set, 0, 1);
	if (!is_right)
		change(set, 0, 1);
	check(semctl(set, 0, IPC_RMID), "semctl");
}

static void change_undone(int set, int by)
{
	struct sembuf operation = { .sem_op = (short)by, .sem_flg = SEM_UNDO };
	check(semop(set, &operation, 1), "semop");
}

/* The second unit is gone when its process has ended, and two may have been in until then. */
static void set_undone(void)
{
	int set = new_set(1, 1);
	for (int i = 0; i < 2; i++) {
		pid_t child = fork_child();
		if (child == 0) {
			for (int round = 0; round < 3; round++) {
				change_undone(set, -1);
				change_undone(set, 1);
			}
			if (i == 1) {
				blame_set(set);
				if (!is_right)
					change_undone(set, 1);
			} else if (is_right) {
				change_undone(set, -1);
			}
			exit(EXIT_SUCCESS);
		}
		expect_success(child);
	}
	check(semctl(set, 0, IPC_RMID), "semctl");
}

/* Given back by the process, and once more at its end. */
static void set_half_undone(void)
{
	int set = new_set(1, 1);
	pid_t child = fork_child();
	if (child == 0) {
		blame_set(set);
		change_undone(set, -1);
		if (is_right)
			change_undone(set, 1);
		else
			change(set, 0, 1);
		exit(EXIT_SUCCESS);
	}
	expect_success(child);
	change(set, 0, -1);
	change(set, 0, 1);
	check(semctl(set, 0, IPC_RMID), "semctl");
}

static void in_segment(void)
{
	int segment = (int)check(shmget(IPC_PRIVATE, 4096, 0600), "shmget");
	sem_t *two = shmat(segment, NULL, 0);
	if ((void *)two == (void *)-1)
		die("shmat");
	check(shmctl(segment, IPC_RMID, NULL), "shmctl");
	char text[32];
	snprintf(text, sizeof(text), "shm:%d+%zu", segment, sizeof(sem_t));
	blame(text, getpid());
	use_two(two);
}

static void *waits(void *semaphore)
{
	check(sem_wait(semaphore), "sem_wait");
	return NULL;
}

/* The segment is detached while a thread waits in it. */
static void detached(void)
{
	int segment = (int)check(shmget(IPC_PRIVATE, 4096, 0600), "shmget");
	sem_t *semaphore = shmat(segment, NULL, 0);
	if ((void *)semaphore == (void *)-1)
		die("shmat");
	check(shmctl(segment, IPC_RMID, NULL), "shmctl");
	check(sem_init(semaphore, 0, 0), "sem_init");
	blame_address(semaphore, getpid());
	pthread_t thread;
	check_thread(pthread_create(&thread, NULL, waits, semaphore), "pthread_create");
	/* The second half of the first word is the number of waiters. */
	while (((volatile int *)semaphore)[1] == 0)
		usleep(1000);
	if (is_right) {
		check(sem_post(semaphore), "sem_post");
		check_thread(pthread_join(thread, NULL), "pthread_join");
	}
	check(shmdt(semaphore), "shmdt");
}

static void blame_segment(int segment)
{
	char text[32];
	snprintf(text, sizeof(text), "shm:%d", segment);
	blame(text, getpid());
}

/* A child has nothing to do with the segment of its parent, and keeps it. */
static void segment_kept(void)
{
	int segment = (int)check(shmget(IPC_PRIVATE, 4096, 0600), "shmget");
	char *memory = shmat(segment, NULL, 0);
	if (memory == (void *)-1)
		die("shmat");
	*memory = 'x';
	int gate[2];
	check(pipe(gate), "pipe");
	pid_t child = fork_child();
	if (child == 0) {
		char byte;
		close(gate[1]);
		blame_segment(segment);
		if (is_right)
			check(shmdt(memory), "shmdt");
		check(read(gate[0], &byte, 1), "read");
		exit(EXIT_SUCCESS);
	}
	close(gate[0]);
	check(shmdt(memory), "shmdt");
	check(shmctl(segment, IPC_RMID, NULL), "shmctl");
	close(gate[1]);
	expect_success(child);
}

/* Attached anew for each task. */
static void attached_often(void)
{
	int segment = (int)check(shmget(IPC_PRIVATE, 4096, 0600), "shmget");
	blame_segment(segment);
	for (int task = 0; task < 3; task++) {
		char *memory = shmat(segment, NULL, 0);
		if (memory == (void *)-1)
			die("shmat");
		memory[task] = 'x';
		if (is_right)
			check(shmdt(memory), "shmdt");
	}
	check(shmctl(segment, IPC_RMID, NULL), "shmctl");
}

/* A child waits for a lock of a new set, whose value is 0 until somebody sets it. */
static void set_unset(void)
{
	int set = is_right ? new_set(1, 1) : (int)check(semget(IPC_PRIVATE, 1, 0600), "semget");
	pid_t child = fork_child();
	if (child == 0) {
		blame_set(set);
		change(set, 0, -1);
		change(set, 0, 1);
		exit(EXIT_SUCCESS);
	}
	expect_success(child);
	check(semctl(set, 0, IPC_RMID), "semctl");
}

static int handled_set;

static void handle(int signal)
{
	struct sembuf take = { .sem_op = -1 };
	(void)signal;
	if (!is_right)
		semop(handled_set, &take, 1);
}

static void handler_takes(void)
{
	handled_set = new_set(1, 1);
	struct sigaction action = { .sa_handler = handle };
	check(sigaction(SIGUSR1, &action, NULL), "sigaction");
	blame_set(handled_set);
	check(raise(SIGUSR1), "raise");
	check(semctl(handled_set, 0, IPC_RMID), "semctl");
}

static const struct exercise EXERCISES[] = {
	{ "set_order", set_order },
	{ "set_by_value", set_by_value },
	{ "set_twice", set_twice },
	{ "set_undone", set_undone },
	{ "set_half_undone", set_half_undone },
	{ "in_segment", in_segment },
	{ "detached", detached },
	{ "handler_takes", handler_takes },
	{ "set_unset", set_unset },
	{ "segment_kept", segment_kept },
	{ "attached_often", attached_often },
	{ NULL, NULL },
};

int main(int count, char **arguments)
{
	return run_exercise(EXERCISES, count, arguments);
}
