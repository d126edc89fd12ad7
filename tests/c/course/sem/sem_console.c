/* A console for the semaphore calls: one command per function, on semaphores that the user names. A
 * table holds the ones in use; its size is the limit of this program, not of the system.
 *
 *   sem_console     runs the commands below
 *   sem_console -   reads commands from standard input ("help" lists them)
 */
#include "../course.h"

#include <fcntl.h>
#include <semaphore.h>

enum { TABLE = 4 };

/* sem is NULL in an entry that is free; an unnamed semaphore points to the memory beside it. */
static struct entry {
	char name[32];
	sem_t *sem, room;
} table[TABLE];

static const char *const commands[] = {
	"create a 1", "get a",	 "wait a",     "get a",	   "trywait a", "post a",   "open a",
	"unlink a",   "open a",	 "create a 0", "get a",	   "init b 2",	"init b 0", "open b",
	"wait b",     "get b",	 "init c 0",   "init d 0", "init e 0",	"show",	    "close b",
	"destroy b",  "close a", "free",       "show",	   "wait a",	"unlink a", "unlink a",
	"init f 1",   "dance f", "quit",
};

static struct entry *find(const char *name)
{
	for (int i = 0; i < TABLE; i++)
		if (table[i].sem != NULL && strcmp(table[i].name, name) == 0)
			return &table[i];
	return NULL;
}

static struct entry *claim(const char *name)
{
	for (int i = 0; i < TABLE; i++) {
		if (table[i].sem == NULL) {
			snprintf(table[i].name, sizeof(table[i].name), "%s", name);
			return &table[i];
		}
	}
	printf("the table is full\n");
	return NULL;
}

/* What the user calls x is /course-console-x-PID for the system. */
static const char *system_name(const char *name)
{
	static char text[80];
	snprintf(text, sizeof(text), "/course-console-%s-%d", name, (int)getpid());
	return text;
}

/* sem_close is for named ones and sem_destroy for unnamed ones; for the other kind they are
 * undefined. */
static int leave(struct entry *entry, int unnamed)
{
	if ((entry->sem == &entry->room) != unnamed) {
		errno = EINVAL;
		return -1;
	}
	int result = unnamed ? sem_destroy(entry->sem) : sem_close(entry->sem);
	entry->sem = NULL;
	return result;
}

static void open_named(const char *name, int flags, unsigned value)
{
	struct entry *entry = find(name);
	if (entry == NULL && (entry = claim(name)) == NULL)
		return;
	if (entry->sem == &entry->room) {
		printf("there is an unnamed one of that name\n");
		return;
	}
	sem_t *sem = sem_open(system_name(name), flags, 0600, value);
	printf("%s\n", sem == SEM_FAILED ? strerror(errno) : "ok");
	if (sem == SEM_FAILED)
		return;
	/* The table holds a semaphore once: the earlier opening is given back. */
	if (entry->sem != NULL)
		leave(entry, 0);
	entry->sem = sem;
}

static void init_unnamed(const char *name, unsigned value)
{
	if (find(name) != NULL) {
		printf("there is one of that name\n");
		return;
	}
	struct entry *entry = claim(name);
	if (entry == NULL)
		return;
	if (sem_init(&entry->room, 0, value) == 0)
		entry->sem = &entry->room;
	printf("%s\n", entry->sem == NULL ? strerror(errno) : "ok");
}

static void show_table(void)
{
	for (int i = 0; i < TABLE; i++)
		if (table[i].sem != NULL)
			printf("[%s %s] ", table[i].name,
			       table[i].sem == &table[i].room ? "unnamed" : "named");
	printf("\n");
}

static void free_table(void)
{
	for (int i = 0; i < TABLE; i++)
		if (table[i].sem != NULL)
			leave(&table[i], table[i].sem == &table[i].room);
	printf("ok\n");
}

/* The commands that need a semaphore which is in the table. */
static void operate(const char *verb, const char *name)
{
	struct entry *entry = find(name);
	int result, value;
	if (entry == NULL) {
		printf("no semaphore \"%s\" here\n", name);
		return;
	}
	if (strcmp(verb, "get") == 0) {
		result = sem_getvalue(entry->sem, &value);
		if (result == 0) {
			printf("%d\n", value);
			return;
		}
	} else if (strcmp(verb, "post") == 0) {
		result = sem_post(entry->sem);
	} else if (strcmp(verb, "wait") == 0) {
		result = sem_wait(entry->sem);
	} else if (strcmp(verb, "trywait") == 0) {
		result = sem_trywait(entry->sem);
	} else if (strcmp(verb, "close") == 0) {
		result = leave(entry, 0);
	} else if (strcmp(verb, "destroy") == 0) {
		result = leave(entry, 1);
	} else {
		printf("no such command; try help\n");
		return;
	}
	printf("%s\n", result == -1 ? strerror(errno) : "ok");
}

/* Runs one line; false when it was the last. */
static int command(const char *line)
{
	char verb[16] = "", name[32] = "";
	unsigned value = 0;
	if (sscanf(line, "%15s %31s %u", verb, name, &value) < 1)
		return 1;
	if (strcmp(verb, "quit") == 0)
		return 0;
	if (strcmp(verb, "help") == 0)
		printf("create NAME VALUE, open NAME, close NAME, unlink NAME, init NAME VALUE, destroy NAME,\n"
		       "wait NAME, trywait NAME, post NAME, get NAME, show, free, quit\n");
	else if (strcmp(verb, "create") == 0)
		open_named(name, O_CREAT | O_EXCL, value);
	else if (strcmp(verb, "open") == 0)
		open_named(name, 0, 0);
	else if (strcmp(verb, "unlink") == 0)
		printf("%s\n", sem_unlink(system_name(name)) == -1 ? strerror(errno) : "ok");
	else if (strcmp(verb, "init") == 0)
		init_unnamed(name, value);
	else if (strcmp(verb, "show") == 0)
		show_table();
	else if (strcmp(verb, "free") == 0)
		free_table();
	else
		operate(verb, name);
	return 1;
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "-") == 0) {
		char line[80];
		printf("> ");
		while (fgets(line, sizeof(line), stdin) != NULL && command(line))
			printf("> ");
		return EXIT_SUCCESS;
	}
	begin();
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		printf("> %s\n", commands[i]);
		command(commands[i]);
	}
	return EXIT_SUCCESS;
}
