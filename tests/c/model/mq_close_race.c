/* Descriptors that are closed, reused, forked and lost to exec while other threads work on them.
 *
 *   mq_close_race hammer|reuse|fork|exec SECONDS
 *
 * hammer  mq_close and close() strike in the middle of the calls of other threads, which must end
 *         as on a descriptor that was closed before or after, and touch no memory that is gone.
 * reuse   the number of a closed queue becomes a file, a pipe or a socket, while others still use
 *         it as a queue: not a byte may land there.
 * fork    a process whose threads are in the middle of calls forks: the child's queues work.
 * exec    the same with exec: the queue that those threads worked on is sound afterwards.
 */
#include "model.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum { THREADS = 3, DEPTH = 4, SIZE = 128 };

static atomic_int target = -1;
static atomic_long calls, succeeded;
static atomic_bool over;
static const char *name;
static char name_buffer[64];

static double seconds_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static mqd_t open_queue(int flags)
{
	struct mq_attr attr = { .mq_maxmsg = DEPTH, .mq_msgsize = SIZE };
	mqd_t queue = mq_open(name, O_RDWR | O_CREAT | flags, 0600, &attr);
	MUST(queue != -1);
	return queue;
}

static void take_a_name(void)
{
	snprintf(name_buffer, sizeof name_buffer, "/rsipc-model-%d", (int)getpid());
	name = name_buffer;
}

/* Only these errors can come of a descriptor that others close. */
static void judge(long result)
{
	atomic_fetch_add(&calls, 1);
	if (result >= 0)
		atomic_fetch_add(&succeeded, 1);
	else
		MUST(errno == EBADF || errno == EAGAIN || errno == ETIMEDOUT);
}

static uint32_t length_of(uint64_t *random)
{
	return (uint32_t)sizeof(struct message) +
	       random_next(random) % (SIZE - (uint32_t)sizeof(struct message) + 1);
}

/* Every call there is, on a number that may mean anything by now. */
static void *hammer(void *seed)
{
	uint64_t random = random_seed((uintptr_t)seed), buffer[SIZE / 8];
	struct message *message = (struct message *)buffer;
	while (!atomic_load(&over)) {
		mqd_t queue = atomic_load(&target);
		uint32_t length = length_of(&random), kind = random_next(&random) % 16;
		struct timespec soon;
		struct mq_attr attr;
		clock_gettime(CLOCK_REALTIME, &soon);
		soon.tv_nsec = soon.tv_nsec < 999000000 ? soon.tv_nsec + 300000 : soon.tv_nsec;
		message_fill(message, random_next(&random), length);
		if (kind < 7) {
			judge(mq_timedsend(queue, (char *)message, length, kind, &soon));
		} else if (kind < 14) {
			ssize_t got = mq_timedreceive(queue, (char *)message, SIZE, NULL, &soon);
			judge(got);
			MUST(got < 0 || message_is_whole(message, (size_t)got));
		} else if (kind == 14) {
			judge(mq_getattr(queue, &attr));
		} else {
			struct pollfd fd = { queue, POLLIN | POLLOUT, 0 };
			judge(poll(&fd, 1, 0));
		}
	}
	return NULL;
}

static pthread_t threads[THREADS];

static void start_hammering(void)
{
	atomic_store(&over, false);
	for (uintptr_t i = 0; i < THREADS; i++)
		MUST(pthread_create(&threads[i], NULL, hammer, (void *)i) == 0);
}

static void stop_hammering(void)
{
	atomic_store(&over, true);
	for (int i = 0; i < THREADS; i++)
		MUST(pthread_join(threads[i], NULL) == 0);
}

/* Until so many further calls have been made, by whomever. */
static void let_them_make(long more)
{
	long until = atomic_load(&calls) + more;
	while (atomic_load(&calls) < until)
		sched_yield();
}

static void close_either_way(mqd_t queue, int round)
{
	if (round % 2)
		MUST(mq_close(queue) == 0);
	else
		MUST(close(queue) == 0);
}

static void drain(mqd_t queue)
{
	uint64_t buffer[SIZE / 8];
	struct timespec past = { 0, 0 };
	ssize_t length;
	while ((length = mq_timedreceive(queue, (char *)buffer, SIZE, NULL, &past)) >= 0)
		MUST(message_is_whole((struct message *)buffer, (size_t)length));
	MUST(errno == ETIMEDOUT);
}

static void run_hammer(double end)
{
	mqd_t kept = open_queue(O_EXCL);
	atomic_store(&target, kept);
	start_hammering();
	int rounds = 0;
	while (seconds_now() < end) {
		mqd_t queue = open_queue(0);
		atomic_store(&target, queue);
		let_them_make(20 + rounds % 50);
		close_either_way(queue, rounds++);
	}
	stop_hammering();
	drain(kept);
	queue_is_sound(kept);
	MUST(mq_unlink(name) == 0);
	MUST(rounds > 10 && succeeded > 100);
	printf("%d closes amid %ld calls\n", rounds, calls);
}

/* Something else under the number that the queue has left, and a way to see what was written
 * to it. */
struct other {
	int fd, far_end;
};

/* Puts the descriptor under the number, if that is free: it never overlays what others may have
 * opened. */
static bool move_to(int number, int fd)
{
	int elsewhere = fcntl(fd, F_DUPFD, number + 1);
	MUST(elsewhere > number && close(fd) == 0);
	int got = fcntl(elsewhere, F_DUPFD, number);
	MUST(got >= number && close(elsewhere) == 0);
	if (got != number)
		MUST(close(got) == 0);
	return got == number;
}

static bool put_in_place(struct other *other, mqd_t number, int kind)
{
	int ends[2];
	*other = (struct other){ number, -1 };
	if (kind == 0)
		return move_to(number, memfd_create("reused", 0));
	/* What is written under the number arrives at the far end. */
	MUST((kind == 1 ? pipe2(ends, O_NONBLOCK)
			: socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends)) == 0);
	other->far_end = fcntl(ends[0], F_DUPFD, number + 1);
	MUST(other->far_end > number && close(ends[0]) == 0);
	if (move_to(number, ends[1]))
		return true;
	MUST(close(other->far_end) == 0);
	return false;
}

static void nothing_arrived(struct other other)
{
	struct stat status;
	char byte;
	if (other.far_end == -1) {
		MUST(fstat(other.fd, &status) == 0);
		MUST(status.st_size == 0);
		MUST(lseek(other.fd, 0, SEEK_CUR) == 0);
		return;
	}
	MUST(read(other.far_end, &byte, 1) == -1);
	MUST(errno == EAGAIN);
	MUST(close(other.far_end) == 0);
}

static void run_reuse(double end)
{
	mqd_t kept = open_queue(O_EXCL);
	atomic_store(&target, kept);
	start_hammering();
	int rounds = 0;
	while (seconds_now() < end) {
		mqd_t queue = open_queue(0);
		atomic_store(&target, queue);
		let_them_make(20);
		close_either_way(queue, rounds);
		struct other other;
		if (!put_in_place(&other, queue, rounds / 2 % 3))
			continue;
		let_them_make(20);
		/* The queue itself lives on, and is as full or empty as it was: it changes under
		 * the others. */
		drain(kept);
		let_them_make(5);
		nothing_arrived(other);
		atomic_store(&target, kept);
		let_them_make(THREADS);
		MUST(close(other.fd) == 0);
		rounds++;
	}
	stop_hammering();
	drain(kept);
	queue_is_sound(kept);
	MUST(mq_unlink(name) == 0);
	MUST(rounds > 10 && succeeded > 100);
	printf("%d numbers reused amid %ld calls\n", rounds, calls);
}

/* What a child does with the queues it has inherited, and with one of its own. */
static void child_of_a_busy_process(mqd_t inherited)
{
	alarm(15);
	uint64_t random = random_seed((uint64_t)getpid()), buffer[SIZE / 8];
	struct message *message = (struct message *)buffer;
	for (int i = 0; i < 20; i++) {
		uint32_t length = length_of(&random);
		struct timespec past = { 0, 0 };
		message_fill(message, random_next(&random), length);
		if (mq_timedsend(inherited, (char *)message, length, 3, &past) == -1)
			MUST(errno == ETIMEDOUT);
		ssize_t got = mq_timedreceive(inherited, (char *)message, SIZE, NULL, &past);
		MUST(got >= 0 ? message_is_whole(message, (size_t)got) : errno == ETIMEDOUT);
	}
	mqd_t own = queue_without_name(3, 64);
	struct sigevent event = { .sigev_notify = SIGEV_NONE };
	MUST(mq_notify(own, &event) == 0);
	queue_is_sound(own);
	MUST(mq_close(own) == 0);
	MUST(mq_close(inherited) == 0);
	_exit(0);
}

static void run_fork(double end)
{
	mqd_t queue = open_queue(O_EXCL);
	atomic_store(&target, queue);
	start_hammering();
	int rounds = 0;
	while (seconds_now() < end) {
		/* Closing and opening belong to what a fork may find half done. */
		mqd_t fleeting = open_queue(0);
		pid_t child = fork();
		MUST(child != -1);
		if (child == 0)
			child_of_a_busy_process(queue);
		MUST(mq_close(fleeting) == 0);
		must_succeed(child);
		rounds++;
	}
	stop_hammering();
	drain(queue);
	queue_is_sound(queue);
	MUST(mq_unlink(name) == 0);
	MUST(rounds > 10 && succeeded > 100);
	printf("%d forks amid %ld calls\n", rounds, calls);
}

static void run_exec(double end, char *program)
{
	mqd_t queue = open_queue(O_EXCL);
	int rounds = 0;
	while (seconds_now() < end) {
		pid_t child = fork();
		MUST(child != -1);
		if (child == 0) {
			alarm(15);
			atomic_store(&target, open_queue(0));
			start_hammering();
			let_them_make(50 + rounds % 100);
			execl("/proc/self/exe", program, "after-exec", name, NULL);
			MUST(!"exec");
		}
		must_succeed(child);
		MUST(queue_count(queue) == 0);
		rounds++;
	}
	queue_is_sound(queue);
	MUST(mq_unlink(name) == 0);
	MUST(rounds > 3);
	printf("%d execs\n", rounds);
}

/* In the new program: the threads of the old one died in the middle of their calls. */
static void run_after_exec(void)
{
	mqd_t queue = open_queue(0);
	drain(queue);
	queue_is_sound(queue);
}

int main(int argc, char **argv)
{
	MUST(argc == 3);
	if (strcmp(argv[1], "after-exec") == 0) {
		name = argv[2];
		run_after_exec();
		return 0;
	}
	double seconds = atof(argv[2]), end = seconds_now() + seconds;
	alarm((unsigned)seconds + 30);
	take_a_name();
	if (strcmp(argv[1], "hammer") == 0)
		run_hammer(end);
	else if (strcmp(argv[1], "reuse") == 0)
		run_reuse(end);
	else if (strcmp(argv[1], "fork") == 0)
		run_fork(end);
	else if (strcmp(argv[1], "exec") == 0)
		run_exec(end, argv[0]);
	else
		MUST(!"a known way");
	return 0;
}
