/* mq_storm DEPTH SECONDS [namespaces]: the users of a queue are killed at random instants, one a
 * millisecond, and others take their places: producers, consumers, and makers of other queues. One
 * producer and one consumer live through it all. Exit status 0: nothing acknowledged was lost,
 * nothing came twice, nothing was torn, neither survivor stood still, and in the end each place of
 * the queue can be used, without a system call, and nothing is left behind.
 *
 * All notes are in memory that outlives the killed. A consumer that dies after its receive and
 * before it has noted it leaves the message in its buffer, which is there, too.
 *
 * With `namespaces` they are born in two PID namespaces in turn, so that their TIDs are the same
 * again and again, and one of the two is the home of the queue.
 *
 * RSIPC_DIR must be a directory of our own. */
#include <fcntl.h>
#include <mqueue.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include "../support/quiet.h"
#include "makers.h"
#include "namespaces.h"

enum {
	SURVIVORS = 2, /* a producer and a consumer: the first workers */
	USERS = 8,     /* producers and consumers in turn, the survivors among them */
	WORKERS = 11,  /* and makers */
	LIVES = 60000,
	EACH = 2048,
	SIZE = 4096,
	STALL_MS = 1000,
	/* The notes have space for the lives of so many seconds. */
	ROUND_S = 20,
	/* A descriptor is closed, and the queue opened anew, after so many messages. */
	TURNS = 64,
};

#include "crew.h"

struct message {
	uint32_t life, number, length, sum;
	unsigned char bytes[SIZE - 16];
};

static struct {
	atomic_uint lives;
	atomic_ulong torn, twice, beats[SURVIVORS];
	/* The number of a life's messages whose send has returned. */
	atomic_uint sent[LIVES];
	/* How often each message was received; IN_BUFFER: perhaps, by a process that died. */
	atomic_uchar received[LIVES][EACH];
	struct message buffers[WORKERS];
} *notes;

enum { IN_BUFFER = 0x80 };

static char name[64];
static mqd_t queue, spare;
static long longest_stall[SURVIVORS];
static int in_namespaces;

static void beat(int worker)
{
	if (worker < SURVIVORS)
		atomic_fetch_add(&notes->beats[worker], 1);
}

static void open_anew(void)
{
	MUST(mq_close(queue) == 0);
	queue = mq_open(name, O_RDWR);
	MUST(queue != (mqd_t)-1);
}

static uint32_t sum_of_message(const struct message *message)
{
	return sum_of(message->life * 31 + message->number, message->bytes, message->length);
}

static void produce(int worker, uint32_t life)
{
	static struct message message;
	srand(life);
	for (uint32_t number = 0; number < EACH; number++) {
		message.life = life;
		message.number = number;
		message.length = (uint32_t)rand() % sizeof message.bytes;
		for (uint32_t i = 0; i < message.length; i++)
			message.bytes[i] = (unsigned char)(i * 7 + life + number);
		message.sum = sum_of_message(&message);
		MUST(mq_send(queue, (char *)&message, 16 + message.length, (unsigned)rand() % 8) ==
		     0);
		atomic_store(&notes->sent[life], number + 1);
		beat(worker);
		if (rand() % TURNS == 0)
			open_anew();
	}
}

static int is_whole(const struct message *message, ssize_t size)
{
	return size >= 16 && message->life > 0 && message->life < LIVES && message->number < EACH &&
	       message->length == (uint32_t)size - 16 && message->sum == sum_of_message(message);
}

static void note(const struct message *message, ssize_t size)
{
	if (!is_whole(message, size))
		atomic_fetch_add(&notes->torn, 1);
	else if (atomic_fetch_add(&notes->received[message->life][message->number], 1) & ~IN_BUFFER)
		atomic_fetch_add(&notes->twice, 1);
}

__attribute__((noreturn)) static void consume(int worker)
{
	struct message *buffer = &notes->buffers[worker];
	for (unsigned turn = 1;; turn++) {
		buffer->life = 0;
		ssize_t size = mq_receive(queue, (char *)buffer, SIZE, NULL);
		MUST(size >= 0);
		note(buffer, size);
		beat(worker);
		if (turn % TURNS == 0)
			open_anew();
	}
}

__attribute__((noreturn)) static void work(int worker)
{
	if (worker >= USERS)
		make((unsigned)getpid());
	if (worker % 2)
		consume(worker);
	for (uint32_t life; (life = atomic_fetch_add(&notes->lives, 1)) < LIVES;)
		produce(worker, life);
	_exit(0);
}

static void start(int worker)
{
	notes->buffers[worker].life = 0;
	/* Each of them has producers and consumers. */
	if (in_namespaces)
		namespaces_enter(worker / 2 % NAMESPACES);
	workers[worker] = fork_worker();
	if (workers[worker] == 0)
		work(worker);
}

static void end(int worker)
{
	strike(worker);
	bury_killed(worker);
	struct message *left = &notes->buffers[worker];
	if (left->life > 0 && left->length <= sizeof left->bytes &&
	    is_whole(left, 16 + left->length))
		atomic_fetch_or(&notes->received[left->life][left->number], IN_BUFFER);
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

static void storm(long seconds)
{
	for (int i = 0; i < WORKERS; i++)
		start(i);
	for (long until = now_ms() + seconds * 1000; now_ms() < until && notes->lives < LIVES;) {
		nanosleep(&(struct timespec){ .tv_nsec = 500000 + rand() % 1000000 }, NULL);
		int worker = SURVIVORS + rand() % (WORKERS - SURVIVORS);
		end(worker);
		start(worker);
		watch_survivors();
	}
	for (int i = 0; i < WORKERS; i++)
		end(i);
}

static void drain(void)
{
	struct message buffer;
	ssize_t size;
	while ((size = mq_receive(queue, (char *)&buffer, SIZE, NULL)) >= 0)
		note(&buffer, size);
	MUST(errno == EAGAIN);
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
	printf("%lu messages, %u kills: %lu lost, %lu twice, %lu torn; stalls of %ld and %ld ms\n",
	       all, kills, lost, notes->twice, notes->torn, longest_stall[0], longest_stall[1]);
	MUST(lost == 0 && notes->twice == 0 && notes->torn == 0 && all > 0);
}

static void every_place_can_be_used(long depth)
{
	for (long i = 0; i < depth; i++)
		MUST(mq_send(queue, "x", 1, 0) == 0);
	MUST(mq_send(queue, "x", 1, 0) == -1 && errno == EAGAIN);
	char got[SIZE];
	for (long i = 0; i < depth; i++)
		MUST(mq_receive(queue, got, sizeof got, NULL) == 1);
	MUST(mq_receive(queue, got, sizeof got, NULL) == -1 && errno == EAGAIN);
}

static void pair(mqd_t on)
{
	static char got[SIZE];
	MUST(mq_send(on, "x", 1, 0) == 0 && mq_receive(on, got, sizeof got, NULL) == 1);
}

static void pair_elsewhere(void)
{
	pair(spare);
}

static void pairs(void)
{
	for (int i = 0; i < 1000; i++)
		pair(queue);
}

/* Others leave the next wake to a thread that was woken last. If that one has been killed, and no
 * other sleeps, they do so for 40 ms, and look for sleepers in vain once. Then all is quiet. */
static void pairs_are_quiet_soon(void)
{
	enum { LOOKS = 100 };
	long call = QUIET_REFUSED;
	for (int look = 0; look < LOOKS; look++) {
		call = quiet_first_call(pair_elsewhere, pairs);
		if (call == QUIET || call == QUIET_REFUSED)
			break;
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
		pairs();
	}
	if (call == QUIET_REFUSED)
		puts("seccomp is refused: not looked for system calls");
	else if (call != QUIET)
		fprintf(stderr, "after the storm a message makes system call %ld\n", call);
	MUST(call == QUIET || call == QUIET_REFUSED);
}

/* In the namespace that becomes its home. */
static mqd_t create(long depth)
{
	struct mq_attr attr = { .mq_maxmsg = depth, .mq_msgsize = SIZE };
	if (in_namespaces) {
		namespaces_enter(0);
		pid_t maker = fork();
		MUST(maker != -1);
		if (maker == 0)
			_exit(mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attr) == (mqd_t)-1);
		int status;
		MUST(waitpid(maker, &status, 0) == maker && status == 0);
		namespaces_enter(NAMESPACES);
		return mq_open(name, O_RDWR);
	}
	return mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
}

static void round_of(long depth, long seconds)
{
	notes = mmap(NULL, sizeof *notes, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	MUST(notes != MAP_FAILED);
	notes->lives = 1;
	queue = create(depth);
	MUST(queue != (mqd_t)-1);
	storm(seconds);
	if (in_namespaces)
		namespaces_enter(NAMESPACES);

	MUST(mq_setattr(queue, &(struct mq_attr){ .mq_flags = O_NONBLOCK }, NULL) == 0);
	drain();
	account();
	every_place_can_be_used(depth);
	/* Away from home each claim is made in the name of the process's presence, which is looked
	 * after. */
	if (!in_namespaces)
		pairs_are_quiet_soon();
	MUST(mq_close(queue) == 0 && mq_unlink(name) == 0);
	munmap(notes, sizeof *notes);
}

int main(int argc, char **argv)
{
	const char *place = getenv("RSIPC_DIR");
	in_namespaces = argc == 4 && strcmp(argv[3], "namespaces") == 0;
	MUST(argc == 3 + in_namespaces && place && fifos_left(place) == 0);
	if (in_namespaces)
		namespaces_make();
	srand((unsigned)getpid());
	snprintf(name, sizeof name, "/storm-%d", (int)getpid());
	spare = mq_open("/spare", O_CREAT | O_EXCL | O_RDWR, 0600,
			&(struct mq_attr){ .mq_maxmsg = 1, .mq_msgsize = SIZE });
	MUST(spare != (mqd_t)-1 && mq_unlink("/spare") == 0);
	for (long left = atol(argv[2]); left > 0; left -= ROUND_S)
		round_of(atol(argv[1]), left < ROUND_S ? left : ROUND_S);
	if (in_namespaces)
		namespaces_end();
	makers_left_no_ruins();
	printf("%d FIFOs of queues that are gone\n", fifos_left(place));
	return 0;
}
