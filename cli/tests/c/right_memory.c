/* Right uses of shared memory that are close to wrong ones. */
#include "right.h"

#include <sys/shm.h>

static void *attach(int segment, const void *place, int flags)
{
	void *memory = shmat(segment, place, flags);
	if (memory == (void *)-1)
		die("shmat");
	return memory;
}

/* The parent leaves a segment to its child, which works with it when it has it alone. */
static void left_to_a_child(void)
{
	int segment = (int)check(shmget(IPC_PRIVATE, 4096, 0600), "shmget");
	int *memory = attach(segment, NULL, 0);
	*memory = 1;
	int gate[2];
	check(pipe(gate), "pipe");
	pid_t child = fork_child();
	if (child == 0) {
		char byte;
		close(gate[1]);
		check(read(gate[0], &byte, 1), "read");
		exit(*memory == 1 ? EXIT_SUCCESS : EXIT_FAILURE);
	}
	close(gate[0]);
	check(shmdt(memory), "shmdt");
	check(shmctl(segment, IPC_RMID, NULL), "shmctl");
	close(gate[1]);
	expect_success(child);
}

/* A child ends while its parent still has the segment. It was removed at once, so that nothing is
 * left of it whatever happens. */
static void not_for_all_children(void)
{
	int segment = (int)check(shmget(IPC_PRIVATE, 4096, 0600), "shmget");
	void *memory = attach(segment, NULL, 0);
	check(shmctl(segment, IPC_RMID, NULL), "shmctl");
	pid_t child = fork_child();
	if (child == 0)
		exit(EXIT_SUCCESS);
	expect_success(child);
	check(shmdt(memory), "shmdt");
}

/* A ring buffer without an end: its pages follow once more behind the last one. And a view of it
 * that nobody can write to. */
static void ring_buffer(void)
{
	enum { BYTES = 1 << 16 };
	int segment = (int)check(shmget(IPC_PRIVATE, BYTES, 0600), "shmget");
	void *room = mmap(NULL, 2 * BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (room == MAP_FAILED)
		die("mmap");
	char *first = attach(segment, room, SHM_REMAP);
	char *second = attach(segment, first + BYTES, SHM_REMAP);
	const char *view = attach(segment, NULL, SHM_RDONLY);
	const char *other = attach(segment, NULL, 0);
	check(shmctl(segment, IPC_RMID, NULL), "shmctl");
	second[1] = 'x';
	if (first[1] != 'x' || view[1] != 'x' || other[1] != 'x')
		die("ring buffer");
}

/* The first bytes of a segment are a semaphore, which one process makes and another one uses. */
static void starts_with_a_semaphore(void)
{
	int segment = (int)check(shmget(IPC_PRIVATE, 4096, 0600), "shmget");
	int gate[2];
	check(pipe(gate), "pipe");
	pid_t child = fork_child();
	if (child == 0) {
		char byte;
		close(gate[1]);
		sem_t *made = attach(segment, NULL, 0);
		check(read(gate[0], &byte, 1), "read");
		give(made);
		check(shmdt(made), "shmdt");
		exit(EXIT_SUCCESS);
	}
	close(gate[0]);
	sem_t *arrived = attach(segment, NULL, 0);
	make(arrived, 0);
	close(gate[1]);
	take(arrived);
	expect_success(child);
	check(shmdt(arrived), "shmdt");
	check(shmctl(segment, IPC_RMID, NULL), "shmctl");
}

static const struct exercise EXERCISES[] = {
	{ "left_to_a_child", left_to_a_child },
	{ "not_for_all_children", not_for_all_children },
	{ "ring_buffer", ring_buffer },
	{ "starts_with_a_semaphore", starts_with_a_semaphore },
	{ NULL, NULL },
};

int main(int count, char **arguments)
{
	return run_exercise(EXERCISES, count, arguments);
}
