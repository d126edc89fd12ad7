/* The commands of semctl(2), one after the other. */
#include "set.h"

enum { MEMBERS = 3 };

static void print_values(const char *when, int set)
{
	unsigned short values[MEMBERS];
	check(semctl(set, 0, GETALL, (union semun){ .array = values }), "GETALL");
	printf("%s:", when);
	for (int i = 0; i < MEMBERS; i++)
		printf(" %d", values[i]);
	printf("\n");
}

static pid_t sleep_on(int set, int member, int by)
{
	pid_t pid = fork_child();
	if (pid == 0) {
		change(set, member, by, 0);
		exit(EXIT_SUCCESS);
	}
	wait_until_asleep(pid);
	return pid;
}

static void show_waiters(int set)
{
	pid_t taker = sleep_on(set, 0, -5), other = sleep_on(set, 0, -1),
	      zero = sleep_on(set, 1, 0);
	printf("wait for more: %ld, for zero: %ld\n", check(semctl(set, 0, GETNCNT), "GETNCNT"),
	       check(semctl(set, 1, GETZCNT), "GETZCNT"));
	change(set, 0, 1, 0);
	expect_success(other);
	printf("one is served, wait for more: %ld\n", check(semctl(set, 0, GETNCNT), "GETNCNT"));
	unsigned short values[MEMBERS] = { 5, 0, 7 };
	check(semctl(set, 0, SETALL, (union semun){ .array = values }), "SETALL");
	expect_success(taker);
	expect_success(zero);
	print_values("SETALL of 5 0 7 serves the others", set);
}

static void show_last_process(int set)
{
	change(set, 2, 1, 0);
	printf("the last process was this one: %s\n", yes_no(semctl(set, 2, GETPID) == getpid()));
	pid_t child = fork_child();
	if (child == 0) {
		change(set, 2, -1, 0);
		exit(EXIT_SUCCESS);
	}
	expect_success(child);
	printf("now it is its child: %s\n", yes_no(semctl(set, 2, GETPID) == child));
}

static void show_status(int set)
{
	struct semid_ds status;
	check(semctl(set, 0, IPC_STAT, (union semun){ .buf = &status }), "IPC_STAT");
	printf("%lu semaphores, mode %o, mine: %s\n", (unsigned long)status.sem_nsems,
	       (unsigned)status.sem_perm.mode, yes_no(status.sem_perm.uid == geteuid()));
	status.sem_perm.mode = 0640;
	check(semctl(set, 0, IPC_SET, (union semun){ .buf = &status }), "IPC_SET");
	check(semctl(set, 0, IPC_STAT, (union semun){ .buf = &status }), "IPC_STAT");
	printf("IPC_SET: mode %o\n", (unsigned)status.sem_perm.mode);
}

static void show_mistakes(int set)
{
	struct sembuf beyond = { MEMBERS, 1, 0 }, now = { 1, -1, IPC_NOWAIT };
	printf("SETVAL -1: %s\n", outcome(semctl(set, 0, SETVAL, (union semun){ .val = -1 })));
	printf("SETVAL 32768: %s\n",
	       outcome(semctl(set, 0, SETVAL, (union semun){ .val = 32768 })));
	printf("GETVAL of no member: %s\n", outcome(semctl(set, MEMBERS, GETVAL)));
	printf("semop of no member: %s\n", outcome(semop(set, &beyond, 1)));
	printf("semop that may not wait: %s\n", outcome(semop(set, &now, 1)));
	printf("a set of -1 members: %s\n", outcome(semget(IPC_PRIVATE, -1, 0600)));
}

int main(void)
{
	begin();
	int set = own_set(MEMBERS);
	print_values("new", set);
	set_value(set, 1, 4);
	print_values("SETVAL", set);
	show_waiters(set);
	show_last_process(set);
	show_status(set);
	show_mistakes(set);
	remove_set(set);
	return EXIT_SUCCESS;
}
