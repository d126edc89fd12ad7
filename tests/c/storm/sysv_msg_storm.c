/* sysv_msg_storm SECONDS [senders] [namespaces]: the users of a System V queue are killed at random
 * instants, about one a millisecond, and others take their places: senders of several types,
 * receivers that ask for messages in each way, one that changes the limit and looks at messages,
 * and makers of other queues. A sender and a receiver live through it all. Exit status 0: nothing
 * acknowledged was lost, nothing came twice, nothing was torn or of a type that was not asked for,
 * neither survivor stood still, and in the end bytes and count are right, the queue can be filled
 * to its limit, and RSIPC_DIR, if it is set, has grown by no more than what ten users have in hand.
 *
 * All notes are in memory that outlives the killed. A receiver that dies after its msgrcv and
 * before it has noted it leaves the message in its buffer, which is there, too.
 *
 * With `senders` no receiver is killed: the kernel loses the message that it has handed to one.
 * With `namespaces` they are born in two PID namespaces in turn, so that their TIDs are the same
 * again and again. */
#include <stdatomic.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include "msg_makers.h"
#include "msg_room.h"
#include "namespaces.h"
#include "place.h"

enum {
	SURVIVORS = 2, /* a sender and a receiver: the first workers */
	USERS = 10,    /* senders and receivers in turn, the survivors among them */
	SETTER = USERS,
	WORKERS = 13, /* and makers */
	LIVES = 60000,
	EACH = 2048,
	/* A body lies in one block or in a part of one. A user has one in hand beside those that
	 * are in the queue, and a block may have a part of another size. */
	BLOCK = 8192,
	IN_HAND = 2 * USERS * BLOCK,
	STALL_MS = 1000,
	/* The notes have space for the lives of so many seconds. */
	ROUND_S = 20,
};

#include "crew.h"

static struct {
	atomic_uint lives;
	atomic_ulong torn, twice, unasked, beats[SURVIVORS], by_receiver[USERS];
	/* The number of a life's messages whose msgsnd has returned. */
	atomic_uint sent[LIVES];
	/* How often each message was received; IN_BUFFER: perhaps, by a process that died. */
	atomic_uchar received[LIVES][EACH];
	struct message buffers[WORKERS];
} * notes;

enum { IN_BUFFER = 0x80 };

/* What each receiver asks for, by half its number. */
static const struct {
	long selector;
	int flags;
} wants[USERS / 2] = { { 0, 0 }, { 2, 0 }, { -3, 0 }, { 1, MSG_EXCEPT }, { TYPES, 0 } };

static pid_t supervisor;
static long longest_stall[SURVIVORS];
static int kills_senders_only, in_namespaces;

static void beat(int worker)
{
	if (worker < SURVIVORS)
		atomic_fetch_add(&notes->beats[worker], 1);
}

static void produce(int worker, uint32_t life)
{
	static struct message message;
	srand(life);
	for (uint32_t number = 0; number < EACH; number++) {
		prepare(&message, life, number);
		MUST(msgsnd(queue, &message, HEAD + message.length, 0) == 0);
		atomic_store(&notes->sent[life], number + 1);
		beat(worker);
	}
}

/* Whole, and of a life that there has been. */
static int is_known(const struct message *message, ssize_t size)
{
	return is_whole(message, size) && message->life > 0 && message->life < LIVES &&
	       message->number < EACH;
}

static void note(const struct message *message, ssize_t size)
{
	if (!is_known(message, size))
		atomic_fetch_add(&notes->torn, 1);
	else if (atomic_fetch_add(&notes->received[message->life][message->number], 1) & ~IN_BUFFER)
		atomic_fetch_add(&notes->twice, 1);
}

static int is_wanted(long type, int which)
{
	long selector = wants[which].selector;
	if (wants[which].flags & MSG_EXCEPT)
		return type != selector;
	return selector == 0 || (selector > 0 ? type == selector : type <= -selector);
}

__attribute__((noreturn)) static void consume(int worker)
{
	struct message *buffer = &notes->buffers[worker];
	int which = worker / 2;
	for (;;) {
		buffer->life = 0;
		ssize_t size = msgrcv(queue, buffer, sizeof *buffer - sizeof(long),
				      wants[which].selector, wants[which].flags);
		MUST(size >= 0);
		note(buffer, size);
		if (!is_wanted(buffer->type, which))
			atomic_fetch_add(&notes->unasked, 1);
		atomic_fetch_add(&notes->by_receiver[worker], 1);
		beat(worker);
	}
}

/* Changes the limit, up and down, and looks at messages that others take. */
__attribute__((noreturn)) static void set_and_look(void)
{
	static struct message seen;
	srand((unsigned)getpid());
	for (;;) {
		if (rand() % 8 == 0)
			limit(4096 + (unsigned long)rand() % (LIMIT - 4096 + 1));
		ssize_t size = msgrcv(queue, &seen, sizeof seen - sizeof(long), rand() % 20,
				      MSG_COPY | IPC_NOWAIT);
		MUST(size >= 0 || errno == ENOMSG || errno == ENOSYS);
		if (size >= 0 && !is_whole(&seen, size))
			atomic_fetch_add(&notes->torn, 1);
		nanosleep(&(struct timespec){ .tv_nsec = 200000 }, NULL);
	}
}

__attribute__((noreturn)) static void work(int worker)
{
	if (worker > SETTER)
		make((unsigned)getpid());
	if (worker == SETTER)
		set_and_look();
	if (worker % 2)
		consume(worker);
	for (uint32_t life; (life = atomic_fetch_add(&notes->lives, 1)) < LIVES;)
		produce(worker, life);
	_exit(0);
}

static void start(int worker)
{
	notes->buffers[worker].life = 0;
	/* Each of them has senders and receivers. */
	if (in_namespaces)
		namespaces_enter(worker / 2 % NAMESPACES);
	workers[worker] = fork_worker();
	if (workers[worker] == 0)
		work(worker);
}

/* One that was struck, and may have a message in its buffer. */
static void bury_user(int worker)
{
	bury_killed(worker);
	struct message *left = &notes->buffers[worker];
	if (is_known(left, HEAD + (ssize_t)left->length))
		atomic_fetch_or(&notes->received[left->life][left->number], IN_BUFFER);
}

static void end(int worker)
{
	strike(worker);
	bury_user(worker);
}

/* No living process stands still. */
static void watch_survivors(void)
{
	for (int i = 0; i < SURVIVORS; i++) {
		long stall = stall_of(i, atomic_load(&notes->beats[i]));
		if (stall > longest_stall[i])
			longest_stall[i] = stall;
		MUST(stall < STALL_MS);
	}
}

static int victim(void)
{
	for (;;) {
		int worker = SURVIVORS + rand() % (WORKERS - SURVIVORS);
		if (!(kills_senders_only && worker < USERS && worker % 2))
			return worker;
	}
}

static void storm(long seconds)
{
	for (int i = 0; i < WORKERS; i++)
		start(i);
	for (long until = now_ms() + seconds * 1000; now_ms() < until && notes->lives < LIVES;) {
		nanosleep(&(struct timespec){ .tv_nsec = 500000 + rand() % 1000000 }, NULL);
		/* To die takes some milliseconds, so several do it at once. */
		int first = victim(), second = victim();
		strike(first);
		if (second != first) {
			strike(second);
			bury_user(second);
			start(second);
		}
		bury_user(first);
		start(first);
		watch_survivors();
	}
	/* Senders first: then the receivers come to rest, and none dies with a message. */
	for (int i = 0; i < WORKERS; i++)
		if (i >= USERS || i % 2 == 0)
			end(i);
}

static void end_receivers(void)
{
	if (kills_senders_only)
		for (long until = now_ms() + 10000; status().msg_qnum > 0; usleep(1000))
			MUST(now_ms() < until);
	for (int i = 1; i < USERS; i += 2)
		end(i);
}

static void drain(void)
{
	static struct message buffer;
	ssize_t size;
	while ((size = msgrcv(queue, &buffer, sizeof buffer - sizeof(long), 0, IPC_NOWAIT)) >= 0)
		note(&buffer, size);
	MUST(errno == ENOMSG);
}

static void account(void)
{
	unsigned long lost = 0, all = 0;
	uint32_t lives = notes->lives < LIVES ? notes->lives : LIVES;
	for (uint32_t life = 1; life < lives; life++) {
		all += notes->sent[life];
		for (uint32_t number = 0; number < notes->sent[life]; number++)
			lost += notes->received[life][number] == 0;
	}
	printf("%lu messages, %u kills: %lu lost, %lu twice, %lu torn, %lu not asked for; ", all,
	       kills, lost, notes->twice, notes->torn, notes->unasked);
	printf("stalls of %ld and %ld ms; received", longest_stall[0], longest_stall[1]);
	for (int i = 1; i < USERS; i += 2)
		printf(" %lu", notes->by_receiver[i]);
	putchar('\n');
	MUST(lost == 0 && notes->twice == 0 && notes->torn == 0 && notes->unasked == 0 && all > 0);
	for (int i = 1; i < USERS; i += 2)
		MUST(notes->by_receiver[i] > 0);
}

static void round_of(long seconds)
{
	notes = mmap(NULL, sizeof *notes, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	MUST(notes != MAP_FAILED);
	notes->lives = 1;
	storm(seconds);
	end_receivers();
	if (in_namespaces)
		namespaces_enter(NAMESPACES);
	drain();
	account();
	all_room_is_left();
	munmap(notes, sizeof *notes);
}

/* Files of System V objects in the directory; 0 where they are the kernel's. */
static int objects_left(void)
{
	int count = 0;
	DIR *directory = getenv("RSIPC_DIR") ? opendir(getenv("RSIPC_DIR")) : NULL;
	for (struct dirent *entry; directory && (entry = readdir(directory)) != NULL;)
		count += strncmp(entry->d_name, "rsipc-sv", strlen("rsipc-sv")) == 0;
	if (directory)
		closedir(directory);
	return count;
}

/* A failure leaves nothing, either. */
static void remove_all(void)
{
	if (getpid() != supervisor)
		return;
	msgctl(queue, IPC_RMID, NULL);
	makers_remove_all();
}

int main(int argc, char **argv)
{
	MUST(argc >= 2);
	supervisor = getpid();
	for (int i = 2; i < argc; i++) {
		kills_senders_only |= strcmp(argv[i], "senders") == 0;
		in_namespaces |= strcmp(argv[i], "namespaces") == 0;
	}
	if (in_namespaces)
		namespaces_make();
	makers_prepare();
	srand((unsigned)getpid());
	queue = msgget(IPC_PRIVATE, 0600);
	MUST(queue != -1 && atexit(remove_all) == 0);
	all_room_is_left();
	long bytes = bytes_used();
	for (long left = atol(argv[1]); left > 0; left -= ROUND_S)
		round_of(left < ROUND_S ? left : ROUND_S);
	if (in_namespaces)
		namespaces_end();
	makers_left_no_ruins();
	/* A process that lists all queues removes what was left half made, or half removed. */
	MUST(msgctl(0, MSG_INFO, (struct msqid_ds *)(void *)&(struct msginfo){ 0 }) != -1);
	MUST(objects_left() <= 1);
	long grown = bytes_used() - bytes;
	printf("grown by %ld bytes\n", grown);
	MUST(grown <= IN_HAND);
	return 0;
}
