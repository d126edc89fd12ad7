/* Objects that are made, used and removed again and again leave nothing behind in a process that
 * has used them, though another one removes them. */
#include "../support/sysv.h"

#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/wait.h>

enum {
	ROUNDS = 1500,
	/* Mappings of what has been removed, at most: that may be noticed late. */
	LEFT = 900,
};

static int made[2], used[2];

/* Makes objects, which the other process uses, and removes them. */
static void make_and_remove(int (*make)(void), void (*remove)(int id))
{
	char word;
	for (int i = 0; i < ROUNDS; i++) {
		int id = make();
		CHECK_OK(id);
		CHECK_EQ(write(made[1], &id, sizeof id), sizeof id);
		CHECK_EQ(read(used[0], &word, 1), 1);
		remove(id);
	}
	_exit(0);
}

/* Uses the objects of another process. */
static void use_those_of_another(int (*make)(void), void (*use)(int id), void (*remove)(int id))
{
	CHECK_OK(pipe(made));
	CHECK_OK(pipe(used));
	long before = mappings();
	pid_t other = fork();
	CHECK_OK(other);
	if (other == 0)
		make_and_remove(make, remove);
	for (int i = 0; i < ROUNDS; i++) {
		int id;
		CHECK_EQ(read(made[0], &id, sizeof id), sizeof id);
		use(id);
		CHECK_EQ(write(used[1], "x", 1), 1);
	}
	int status;
	CHECK_EQ(waitpid(other, &status, 0), other);
	CHECK_EQ(status, 0);
	CHECK(mappings() - before < LEFT);
}

static int make_set(void)
{
	return semget(IPC_PRIVATE, 1, 0600);
}

static void use_set(int set)
{
	CHECK_OK(semop(set, &(struct sembuf){ 0, 1, 0 }, 1));
}

static void remove_set(int set)
{
	CHECK_OK(semctl(set, 0, IPC_RMID));
}

CASE(semctl_removal_by_others_leaves_nothing_in_a_process_that_used_the_sets)
{
	use_those_of_another(make_set, use_set, remove_set);
}

static int make_queue(void)
{
	return msgget(IPC_PRIVATE, 0600);
}

static void use_queue(int queue)
{
	struct { long type; char body[8]; } message = { 1, "body" };
	CHECK_OK(msgsnd(queue, &message, 4, 0));
}

static void remove_queue(int queue)
{
	CHECK_OK(msgctl(queue, IPC_RMID, NULL));
}

CASE(msgctl_removal_by_others_leaves_nothing_in_a_process_that_used_the_queues)
{
	use_those_of_another(make_queue, use_queue, remove_queue);
}
