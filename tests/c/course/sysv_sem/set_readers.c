/* Readers and writers with operations on two semaphores at once: a reader waits until there is no
 * writer, and counts itself, in one step; a writer waits until there is neither a reader nor a
 * writer. With SEM_UNDO the counts are right even if one of them dies inside. */
#include "set.h"

#include <signal.h>
#include <sys/mman.h>

enum { READERS_INSIDE, WRITERS_INSIDE };
enum { READERS = 4, WRITERS = 2, TURNS = 500, WORDS = 16 };

struct shared {
	volatile long words[WORDS];
	int torn, writers_together;
	int writing;
};

static void enter_as_reader(int set)
{
	struct sembuf operations[] = { { WRITERS_INSIDE, 0, 0 }, { READERS_INSIDE, 1, SEM_UNDO } };
	check(semop(set, operations, 2), "semop");
}

static void leave_as_reader(int set)
{
	change(set, READERS_INSIDE, -1, SEM_UNDO);
}

static void enter_as_writer(int set)
{
	struct sembuf operations[] = { { READERS_INSIDE, 0, 0 },
				       { WRITERS_INSIDE, 0, 0 },
				       { WRITERS_INSIDE, 1, SEM_UNDO } };
	check(semop(set, operations, 3), "semop");
}

static void leave_as_writer(int set)
{
	change(set, WRITERS_INSIDE, -1, SEM_UNDO);
}

static void read_often(int set, struct shared *shared)
{
	for (int turn = 0; turn < TURNS; turn++) {
		enter_as_reader(set);
		for (int i = 1; i < WORDS; i++)
			if (shared->words[i] != shared->words[0])
				__atomic_add_fetch(&shared->torn, 1, __ATOMIC_SEQ_CST);
		leave_as_reader(set);
	}
}

static void write_often(int set, struct shared *shared)
{
	for (int turn = 0; turn < TURNS; turn++) {
		enter_as_writer(set);
		if (__atomic_add_fetch(&shared->writing, 1, __ATOMIC_SEQ_CST) != 1)
			__atomic_add_fetch(&shared->writers_together, 1, __ATOMIC_SEQ_CST);
		for (int i = 0; i < WORDS; i++)
			shared->words[i] = shared->words[i] + 1;
		__atomic_sub_fetch(&shared->writing, 1, __ATOMIC_SEQ_CST);
		leave_as_writer(set);
	}
}

/* A reader that is killed inside does not shut out the writers. */
static void kill_a_reader(int set)
{
	pid_t reader = fork_child();
	if (reader == 0) {
		enter_as_reader(set);
		for (;;)
			pause();
	}
	while (value(set, READERS_INSIDE) != 1)
		usleep(1000);
	check(kill(reader, SIGKILL), "kill");
	enter_as_writer(set);
	printf("a reader was killed: %d, readers inside %d\n", wait_child(reader),
	       value(set, READERS_INSIDE));
	leave_as_writer(set);
}

int main(void)
{
	begin();
	int set = own_set(2);
	unsigned short values[] = { 0, 0 };
	check(semctl(set, 0, SETALL, (union semun){ .array = values }), "SETALL");
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		die("mmap");

	pid_t children[READERS + WRITERS];
	for (int i = 0; i < READERS + WRITERS; i++) {
		if ((children[i] = fork_child()) == 0) {
			if (i < READERS)
				read_often(set, shared);
			else
				write_often(set, shared);
			exit(EXIT_SUCCESS);
		}
	}
	for (int i = 0; i < READERS + WRITERS; i++)
		expect_success(children[i]);
	printf("%d writers wrote %ld times\n", WRITERS, shared->words[0]);
	printf("torn reads %d, writers together %d\n", shared->torn, shared->writers_together);
	printf("inside: readers %d, writers %d\n", value(set, READERS_INSIDE),
	       value(set, WRITERS_INSIDE));
	kill_a_reader(set);
	remove_set(set);
	return EXIT_SUCCESS;
}
