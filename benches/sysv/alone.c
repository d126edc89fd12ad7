/* alone pair|undo|array|getval|large|find|create: what one process does to a set that no other
 * process uses. */
#include <sys/ipc.h>
#include <sys/sem.h>

#include "../support/bench.h"

enum { LARGE = 1000 };

static int set;
static const key_t key = 0x62656e63;

static void operate(short flags, size_t count)
{
	struct sembuf up[] = { { 0, 1, flags }, { 1, 1, flags }, { 2, 1, flags } };
	struct sembuf down[] = { { 0, -1, flags }, { 1, -1, flags }, { 2, -1, flags } };
	semop(set, up, count);
	semop(set, down, count);
}

static void pair(void *nothing)
{
	(void)nothing;
	operate(0, 1);
}

static void undo(void *nothing)
{
	(void)nothing;
	operate(SEM_UNDO, 1);
}

static void array(void *nothing)
{
	(void)nothing;
	operate(0, 3);
}

static void getval(void *nothing)
{
	(void)nothing;
	semctl(set, 0, GETVAL);
}

static void find(void *nothing)
{
	(void)nothing;
	semget(key, 0, 0600);
}

static void create(void *nothing)
{
	(void)nothing;
	semctl(semget(IPC_PRIVATE, 1, 0600), 0, IPC_RMID);
}

static const struct {
	const char *name;
	void (*operation)(void *);
} kinds[] = {
	{ "pair", pair }, { "undo", undo }, { "array", array },	  { "getval", getval },
	{ "large", pair }, { "find", find }, { "create", create },
};

int main(int argc, char **argv)
{
	const char *kind = argc == 2 ? argv[1] : "pair";
	int is_found = strcmp(kind, "find") == 0;
	bench_pin(1);
	int count = strcmp(kind, "large") == 0 ? LARGE : 3;
	set = semget(is_found ? key : IPC_PRIVATE, count, IPC_CREAT | 0600);
	BENCH_NEED(set != -1);
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		if (strcmp(kinds[i].name, kind) != 0)
			continue;
		double ns = bench_loop(kinds[i].operation, NULL, 16);
		semctl(set, 0, IPC_RMID);
		return bench_report(ns, "semop");
	}
	return 2;
}
