/* Processes that do what they are told, one step after the other, and say what came of it. A step
 * may sleep; the other processes go on meanwhile. The same seed gives the same steps, so what is
 * printed can be compared: with another implementation, it has to be the same. */
#ifndef WORKERS_H
#define WORKERS_H

#include "../model/model.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

/* Times that a worker that sleeps is looked at, each 0.5 ms after the one before. */
enum { LOOKS = 8, PATIENT = 4000 };

enum { WORKERS = 4, ARGUMENTS = 24, TEXT = 1024, PROCESSES = 4096 };

/* What a worker has to do. */
struct request {
	int step;
	long argument[ARGUMENTS];
};

/* What came of it, in words that do not depend on who implements it. */
struct reply {
	long result;
	int error;
	char text[TEXT];
};

static struct worker {
	pid_t pid;
	int channel;
	bool is_busy;
} workers[WORKERS];

/* All processes that there have been, for names that are the same in each run. In a file, which a
 * program that a worker executes can map, too. */
static struct processes {
	atomic_int count;
	pid_t pid[PROCESSES];
} *processes;
static int processes_file;

static uint64_t dice;

/* A number from 0 to `below` - 1. */
static unsigned below(unsigned below)
{
	return random_next(&dice) % below;
}

/* One of several values. */
#define ONE_OF(...)                                                                         \
	(((const long[]){ __VA_ARGS__ })[below(sizeof(long[]){ __VA_ARGS__ } / sizeof(long))])

static void say(struct reply *reply, const char *format, ...)
{
	size_t length = strlen(reply->text);
	va_list values;
	va_start(values, format);
	vsnprintf(reply->text + length, sizeof reply->text - length, format, values);
	va_end(values);
}

static void has_begun(pid_t pid)
{
	int number = atomic_fetch_add(&processes->count, 1);
	MUST(number < PROCESSES);
	processes->pid[number] = pid;
}

/* The number of a process, counted in the order in which they began. */
__attribute__((unused)) static int process_number(pid_t pid)
{
	if (pid == 0)
		return -1;
	for (int i = atomic_load(&processes->count) - 1; i >= 0; i--)
		if (processes->pid[i] == pid)
			return i;
	return -2;
}

/* Each program has one: does the step, and says what came of it. */
static void perform(const struct request *request, struct reply *reply);

static void nothing(int signal)
{
	(void)signal;
}

__attribute__((noreturn)) static void work(int channel)
{
	struct request request;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigaction(SIGUSR1, &(struct sigaction){ .sa_handler = nothing, .sa_flags = SA_RESTART },
		  NULL);
	sigaction(SIGUSR2, &(struct sigaction){ .sa_handler = nothing }, NULL);
	while (recv(channel, &request, sizeof request, 0) == sizeof request) {
		struct reply reply = { .result = 0 };
		errno = 0;
		perform(&request, &reply);
		MUST(send(channel, &reply, sizeof reply, 0) == sizeof reply);
	}
	_exit(0);
}

static void start_worker(struct worker *worker)
{
	int ends[2];
	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
	pid_t pid = fork();
	MUST(pid >= 0);
	if (pid == 0) {
		for (int i = 0; i < WORKERS; i++)
			close(workers[i].channel);
		close(ends[0]);
		work(ends[1]);
	}
	close(ends[1]);
	*worker = (struct worker){ .pid = pid, .channel = ends[0] };
	has_begun(pid);
}

static void map_processes(int file)
{
	processes_file = file;
	processes = mmap(NULL, sizeof *processes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	MUST(processes != MAP_FAILED);
}

static void start_workers(uint64_t seed)
{
	dice = random_seed(seed);
	int file = memfd_create("processes", 0);
	MUST(file >= 0 && ftruncate(file, sizeof *processes) == 0);
	map_processes(file);
	for (int i = 0; i < WORKERS; i++)
		workers[i].channel = -1;
	for (int i = 0; i < WORKERS; i++)
		start_worker(&workers[i]);
}

/* Whether the worker sleeps in its step. It does not while it is told the next one. */
static bool sleeps_in_step(pid_t pid)
{
	char path[64], text[256] = "";
	snprintf(path, sizeof path, "/proc/%d/syscall", (int)pid);
	int file = open(path, O_RDONLY | O_CLOEXEC);
	MUST(file >= 0);
	ssize_t length = read(file, text, sizeof text - 1);
	close(file);
	/* Of a process that runs it says so. */
	if (length <= 0 || text[0] < '0' || text[0] > '9')
		return false;
	long call = strtol(text, NULL, 10);
	static const long sleeping[] = {
		SYS_semop, SYS_semtimedop, SYS_msgsnd, SYS_msgrcv, SYS_mq_timedsend,
		SYS_mq_timedreceive, SYS_futex, SYS_restart_syscall, 449, 455,
		SYS_ppoll, SYS_pselect6, SYS_epoll_pwait,
#ifdef SYS_poll
		SYS_poll, SYS_select, SYS_epoll_wait,
#endif
	};
	for (unsigned i = 0; i < sizeof sleeping / sizeof *sleeping; i++)
		if (call == sleeping[i])
			return true;
	return false;
}

/* The reply, unless the worker sleeps first, and for longer than one waits for a lock. */
static bool has_reply(struct worker *worker, int patience, struct reply *reply)
{
	for (int looks = 0;;) {
		/* In this order: a worker that was asleep and has not answered since, is. */
		looks = sleeps_in_step(worker->pid) ? looks + 1 : 0;
		ssize_t got = recv(worker->channel, reply, sizeof *reply, MSG_DONTWAIT);
		if (got == sizeof *reply) {
			worker->is_busy = false;
			return true;
		}
		MUST(got == -1 && errno == EAGAIN);
		if (looks == patience)
			return false;
		if (looks == 0)
			sched_yield();
		else
			nanosleep(&(struct timespec){ 0, 500000 }, NULL);
	}
}

static void print_reply(const char *how, int number, const struct reply *reply)
{
	printf("  %s%d: %ld", how, number, reply->result);
	if (reply->result == -1)
		printf(" %s", strerrorname_np(reply->error));
	printf("%s\n", reply->text);
}

/* Prints what came of the steps that have ended meanwhile, until all others sleep. */
__attribute__((unused)) static void settle(void)
{
	for (bool again = true; again;) {
		again = false;
		for (int i = 0; i < WORKERS; i++) {
			struct reply reply;
			if (workers[i].is_busy && has_reply(&workers[i], LOOKS, &reply)) {
				print_reply("woken ", i, &reply);
				again = true;
			}
		}
	}
}

/* Lets an idle worker do it. False: it sleeps. `patience`: LOOKS, or PATIENT for a step that is not
 * to sleep. */
static bool tell(int number, const struct request *request, int patience, struct reply *reply)
{
	struct worker *worker = &workers[number];
	MUST(send(worker->channel, request, sizeof *request, 0) == sizeof *request);
	worker->is_busy = true;
	return has_reply(worker, patience, reply);
}

/* Kills a worker, whatever it does, and begins another one. */
static void kill_worker(int number)
{
	struct worker *worker = &workers[number];
	MUST(worker->pid > 0 && kill(worker->pid, SIGKILL) == 0);
	MUST(waitpid(worker->pid, NULL, 0) == worker->pid);
	close(worker->channel);
	worker->channel = -1;
	start_worker(worker);
}

/* Interrupts a worker that sleeps. */
__attribute__((unused)) static void interrupt_worker(int number, int signal)
{
	MUST(workers[number].pid > 0 && kill(workers[number].pid, signal) == 0);
}

/* Ends all of them. */
static void stop_workers(void)
{
	for (int i = 0; i < WORKERS; i++) {
		MUST(workers[i].pid > 0 && kill(workers[i].pid, SIGKILL) == 0);
		MUST(waitpid(workers[i].pid, NULL, 0) == workers[i].pid);
	}
}

#endif
