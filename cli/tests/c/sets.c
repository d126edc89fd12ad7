/* Does as it is told with System V semaphore sets: see lines.h.
 *
 *   get KEY COUNT             makes or opens it (KEY 0: one without a key)
 *   set KEY NUMBER VALUE      remove KEY
 *   op KEY NUMBER:AMOUNT[:u]...          u: SEM_UNDO
 *   timed KEY MILLISECONDS NUMBER:AMOUNT[:u]...
 *   exec PROGRAM ARGUMENT     answers nothing any more
 *
 * Keys are hexadecimal. It ends at the end of its input. */
#include <sys/ipc.h>
#include <sys/sem.h>
#include <time.h>
#include <unistd.h>

#include "lines.h"

enum { OPERATIONS = 16 };

static int private_id;

static int id_of(key_t key)
{
	return key == IPC_PRIVATE ? private_id : semget(key, 0, 0);
}

static int operate(int id, char *words, const struct timespec *patience)
{
	struct sembuf operations[OPERATIONS];
	size_t count = 0;
	char *state;
	for (char *word = strtok_r(words, " \n", &state); word;
	     word = strtok_r(NULL, " \n", &state)) {
		char *amount = strchr(word, ':') + 1;
		short flags = strchr(amount, ':') ? SEM_UNDO : 0;
		operations[count].sem_num = (unsigned short)atoi(word);
		operations[count].sem_op = (short)atoi(amount);
		operations[count++].sem_flg = flags;
	}
	return semtimedop(id, operations, count, patience);
}

static int do_line(char *line)
{
	char *state, *call = strtok_r(line, " \n", &state), *first = strtok_r(NULL, " \n", &state);
	char *rest = strtok_r(NULL, "\n", &state);
	key_t key = (key_t)strtoul(first, NULL, 16);
	if (strcmp(call, "exec") == 0)
		return execlp(first, first, rest, NULL);
	if (strcmp(call, "get") == 0) {
		int id = semget(key, atoi(rest), IPC_CREAT | 0600);
		private_id = key == IPC_PRIVATE ? id : private_id;
		return id;
	}
	if (strcmp(call, "set") == 0) {
		char *value = strchr(rest, ' ');
		return semctl(id_of(key), atoi(rest), SETVAL, atoi(value));
	}
	if (strcmp(call, "remove") == 0)
		return semctl(id_of(key), 0, IPC_RMID);
	if (strcmp(call, "timed") == 0) {
		long milliseconds = strtol(rest, &rest, 10);
		struct timespec patience = { milliseconds / 1000, milliseconds % 1000 * 1000000 };
		return operate(id_of(key), rest, &patience);
	}
	return operate(id_of(key), rest, NULL);
}

int main(void)
{
	do_lines(do_line);
	return 0;
}
