/* A new set is not initialised: semget(2) makes it, semctl(2) or semop(2) gives it its value, and
 * another process may come in between. A process that finds a set waits until it has been used
 * once: only then sem_otime is not 0. The maker gives it its value by semop, which sets that
 * time. */
#include "set.h"

#include <sys/mman.h>

enum { PROCESSES = 6, UNITS = PROCESSES };

struct shared {
	int go, creators, finders, too_early;
};

static time_t used_at(int set)
{
	struct semid_ds status;
	check(semctl(set, 0, IPC_STAT, (union semun){ .buf = &status }), "IPC_STAT");
	return status.sem_otime;
}

/* What a process sees that comes too early. */
static void show_the_gap(key_t key)
{
	int set = (int)check(semget(key, 1, IPC_CREAT | IPC_EXCL | 0600), "semget");
	printf("made: value %d, used before: %s\n", value(set, 0), yes_no(used_at(set) != 0));
	set_value(set, 0, 0);
	printf("after SETVAL: value %d, used before: %s\n", value(set, 0),
	       yes_no(used_at(set) != 0));
	change(set, 0, UNITS, 0);
	printf("after semop: value %d, used before: %s\n", value(set, 0),
	       yes_no(used_at(set) != 0));
	remove_set(set);
}

/* The id of the set, ready for use, whichever process comes first. */
static int open_set(key_t key, struct shared *shared)
{
	int set = semget(key, 1, IPC_CREAT | IPC_EXCL | 0600);
	if (set != -1) {
		__atomic_add_fetch(&shared->creators, 1, __ATOMIC_SEQ_CST);
		usleep(20000);
		change(set, 0, UNITS, 0);
		return set;
	}
	if (errno != EEXIST)
		die("semget");
	set = (int)check(semget(key, 1, 0600), "semget");
	__atomic_add_fetch(&shared->finders, 1, __ATOMIC_SEQ_CST);
	while (used_at(set) == 0)
		usleep(1000);
	return set;
}

static void use(key_t key, struct shared *shared)
{
	while (!__atomic_load_n(&shared->go, __ATOMIC_SEQ_CST))
		usleep(100);
	int set = open_set(key, shared);
	struct sembuf take = { 0, -1, IPC_NOWAIT };
	if (semop(set, &take, 1) == -1)
		__atomic_add_fetch(&shared->too_early, 1, __ATOMIC_SEQ_CST);
	else
		change(set, 0, 1, 0);
}

int main(void)
{
	begin();
	key_t key = own_key("init");
	show_the_gap(key);

	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		die("mmap");
	pid_t children[PROCESSES];
	for (int i = 0; i < PROCESSES; i++) {
		if ((children[i] = fork_child()) == 0) {
			use(key, shared);
			exit(EXIT_SUCCESS);
		}
	}
	__atomic_store_n(&shared->go, 1, __ATOMIC_SEQ_CST);
	for (int i = 0; i < PROCESSES; i++)
		expect_success(children[i]);
	int set = (int)check(semget(key, 0, 0), "semget");
	printf("%d made it, %d found it\n", shared->creators, shared->finders);
	printf("too early: %d, value %d\n", shared->too_early, value(set, 0));
	remove_set(set);
	return EXIT_SUCCESS;
}
