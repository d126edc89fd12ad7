/* sysv_sem_hostile MEMBERS SEED SECONDS: processes use a set of semaphores in every way, while
 * another one writes random bytes to its file. Exit status 0: no process crashed, and each call
 * came to an end: with an errno, or done. And a file of random bytes that has the name of a set is
 * no set.
 *
 * RSIPC_DIR must be a directory of our own. */
#include <sys/sem.h>
#include "hostile.h"

enum { MOST = 32000 };

static int members;

static void turn(void)
{
	static unsigned short values[MOST];
	struct sembuf operations[500];
	struct timespec moment = { .tv_nsec = 300000 };
	struct semid_ds status;
	int number = (int)(draw() % (unsigned)members);
	size_t length = draw() % 16 == 0 ? 500 : 1 + draw() % 4;
	for (size_t i = 0; i < length; i++)
		operations[i] = (struct sembuf){
			.sem_num = (unsigned short)(draw() % (unsigned)members),
			.sem_op = (short)((int)(draw() % 5) - 2),
			.sem_flg = (short)(draw() % 2 ? SEM_UNDO : 0),
		};
	if (draw() % 4 == 0)
		operations[0].sem_flg |= IPC_NOWAIT;
	switch (draw() % 10) {
	case 0:
		return count(semctl(object(), number, SETVAL, (int)(draw() % 4)));
	case 1:
		return count(semctl(object(), number, GETVAL));
	case 2:
		return count(semctl(object(), number, draw() % 2 ? GETNCNT : GETZCNT));
	case 3:
		return count(semctl(object(), 0, IPC_STAT, &status));
	case 4:
		return count(semctl(object(), 0, GETALL, values));
	case 5:
		for (int i = 0; i < members; i++)
			values[i] = (unsigned short)(draw() % 3);
		return count(semctl(object(), 0, SETALL, values));
	default:
		return count(semtimedop(object(), operations, length, &moment));
	}
}

/* Any bytes in a file with such a name. */
static void refuse_random_files(void)
{
	for (int i = 0; i < 200; i++) {
		int id = (1 << 20) + (int)(draw() % 100000000);
		static uint64_t bytes[8192];
		for (size_t word = 0; word < 8192; word++)
			bytes[word] = draw();
		if (i % 2) {
			/* With a good beginning. */
			bytes[0] = 0x76732d6370697372;
			bytes[1] = 1ULL << 32 | 1;
			bytes[2] = (uint32_t)id;
			bytes[4] = i % 4 == 1 ? 1 : draw();
		}
		write_file(path_of("svsem", id), bytes, draw() % sizeof bytes);
		struct sembuf add = { 0, 1, IPC_NOWAIT };
		count(semop(id, &add, 1));
		count(semctl(id, 0, GETVAL));
		count(semctl(id, 0, IPC_RMID));
		unlink(path_of("svsem", id));
	}
}

int main(int argc, char **argv)
{
	MUST(argc == 4);
	members = atoi(argv[1]);
	begin(argv[2]);
	refuse_random_files();
	notes->object = semget(IPC_PRIVATE, members, 0600);
	MUST(object() != -1);
	begin_users(turn);
	overwrite_object("svsem", 4, atol(argv[3]));
	end_users();
	return 0;
}
