/* Does as it is told: see lines.h.
 *
 *   sem_open NAME VALUE   makes or opens it      sem_wait NAME   sem_post NAME   sem_unlink NAME
 *   mq_open NAME          makes or opens it      mq_receive NAME  mq_send NAME TEXT  mq_notify NAME
 *   mq_pairs NAME COUNT   sends and receives so often, while a timer interrupts it
 *   mq_loan NAME          mq_borrow NAME    keep what they get
 *   mq_poll NAME          mq_select NAME   mq_epoll NAME    sleep until there is a message
 *   shm_open NAME SIZE    makes, opens and maps it
 *   shm_sem NAME          an unnamed semaphore at byte 64 of it    shm_sem_wait NAME
 *   mq_open_r NAME        opens it to receive only    mq_open_w NAME   to send only
 *   sit poll, sit wait, sit sleep    sits in the call for ever; wait: for a child, which sits, too
 *   rename NAME           has another name
 *   sig_handle NUMBER     has a handler for this signal
 *   sig_timer NUMBER      has a timer that sends it in an hour
 *
 * Names have no blanks. It ends at the end of its input. */
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lines.h"

/* In the library that is preloaded: see <rsipc.h>. */
__attribute__((weak)) void *rsipc_mq_loan(mqd_t, unsigned, clockid_t, const struct timespec *);
__attribute__((weak)) void *rsipc_mq_borrow(mqd_t, size_t *, unsigned *, clockid_t,
					    const struct timespec *);

enum { SLOTS = 64, UNNAMED_AT = 64, MESSAGE = 64 };

struct slot {
	char name[LENGTH];
	sem_t *sem;
	mqd_t queue;
	char *memory;
};

static struct slot slots[SLOTS];

static struct slot *slot_of(const char *name)
{
	for (int i = 0; i < SLOTS; i++) {
		if (slots[i].name[0] == '\0')
			strcpy(slots[i].name, name);
		if (strcmp(slots[i].name, name) == 0)
			return &slots[i];
	}
	abort();
}

static int sem_do(const char *call, const char *name, const char *rest)
{
	struct slot *slot = slot_of(name);
	if (strcmp(call, "sem_open") == 0) {
		slot->sem = sem_open(name, O_CREAT, 0600, (unsigned)atoi(rest));
		return slot->sem == SEM_FAILED ? -1 : 0;
	}
	if (strcmp(call, "sem_wait") == 0)
		return sem_wait(slot->sem);
	if (strcmp(call, "sem_post") == 0)
		return sem_post(slot->sem);
	return sem_unlink(name);
}

static void nothing(int number)
{
	(void)number;
}

static int interrupted_pairs(mqd_t queue, int count)
{
	struct sigaction action = { .sa_handler = nothing, .sa_flags = SA_RESTART };
	struct timeval often = { .tv_usec = 40 };
	char body[MESSAGE] = "a message of the queue's size";
	if (sigaction(SIGALRM, &action, NULL) != 0 ||
	    setitimer(ITIMER_REAL, &(struct itimerval){ often, often }, NULL) != 0)
		return -1;
	while (count-- > 0)
		if (mq_send(queue, body, sizeof body, 1) != 0 ||
		    mq_receive(queue, body, sizeof body, NULL) != sizeof body)
			return -1;
	return setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
}

static int mq_do(const char *call, const char *name, const char *rest)
{
	struct slot *slot = slot_of(name);
	char body[MESSAGE];
	if (strcmp(call, "mq_open") == 0) {
		struct mq_attr attr = { .mq_maxmsg = 4, .mq_msgsize = MESSAGE };
		slot->queue = mq_open(name, O_RDWR | O_CREAT, 0600, &attr);
		return slot->queue;
	}
	if (strcmp(call, "mq_open_r") == 0 || strcmp(call, "mq_open_w") == 0) {
		slot->queue = mq_open(name, call[8] == 'r' ? O_RDONLY : O_WRONLY);
		return slot->queue;
	}
	if (strcmp(call, "mq_poll") == 0) {
		struct pollfd entries[] = { { .fd = -1 }, { .fd = slot->queue, .events = POLLIN } };
		return poll(entries, 2, -1);
	}
	if (strcmp(call, "mq_select") == 0) {
		fd_set set;
		FD_ZERO(&set);
		FD_SET(slot->queue, &set);
		return select(slot->queue + 1, &set, NULL, NULL, NULL);
	}
	if (strcmp(call, "mq_epoll") == 0) {
		struct epoll_event event = { .events = EPOLLIN };
		int epoll = epoll_create1(0);
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, slot->queue, &event) != 0)
			return -1;
		return epoll_wait(epoll, &event, 1, -1);
	}
	if (strcmp(call, "mq_send") == 0)
		return mq_send(slot->queue, rest, strlen(rest), 3);
	if (strcmp(call, "mq_pairs") == 0)
		return interrupted_pairs(slot->queue, atoi(rest));
	if (strcmp(call, "mq_notify") == 0) {
		struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
		signal(SIGUSR1, SIG_IGN);
		return mq_notify(slot->queue, &event);
	}
	if (strcmp(call, "mq_loan") == 0)
		return rsipc_mq_loan(slot->queue, 0, CLOCK_REALTIME, NULL) ? 0 : -1;
	if (strcmp(call, "mq_borrow") == 0)
		return rsipc_mq_borrow(slot->queue, NULL, NULL, CLOCK_REALTIME, NULL) ? 0 : -1;
	return mq_receive(slot->queue, body, sizeof body, NULL);
}

static int shm_do(const char *call, const char *name, const char *rest)
{
	struct slot *slot = slot_of(name);
	if (strcmp(call, "shm_open") == 0) {
		int size = atoi(rest), fd = shm_open(name, O_RDWR | O_CREAT, 0600);
		if (fd < 0 || ftruncate(fd, size) != 0)
			return -1;
		slot->memory = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		return slot->memory == MAP_FAILED ? -1 : 0;
	}
	sem_t *sem = (sem_t *)(slot->memory + UNNAMED_AT);
	return strcmp(call, "shm_sem") == 0 ? sem_init(sem, 1, 0) : sem_wait(sem);
}

static int sig_do(const char *call, int number)
{
	struct sigaction action = { .sa_handler = nothing };
	if (strcmp(call, "sig_handle") == 0)
		return sigaction(number, &action, NULL);
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = number };
	struct itimerspec hour = { .it_value.tv_sec = 3600 };
	timer_t timer;
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0)
		return -1;
	return timer_settime(timer, 0, &hour, NULL);
}

static int sit(const char *where)
{
	if (strcmp(where, "poll") == 0)
		return poll(NULL, 0, -1);
	if (strcmp(where, "sleep") == 0)
		return (int)sleep(1000);
	if (fork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return wait(NULL);
}

static int do_line(char *line)
{
	char *state, *call = strtok_r(line, " \n", &state), *name = strtok_r(NULL, " \n", &state);
	char *rest = strtok_r(NULL, "\n", &state);
	rest = rest ? rest : "";
	if (strncmp(call, "sem", 3) == 0)
		return sem_do(call, name, rest);
	if (strncmp(call, "mq", 2) == 0)
		return mq_do(call, name, rest);
	if (strncmp(call, "sig", 3) == 0)
		return sig_do(call, atoi(name));
	if (strcmp(call, "rename") == 0)
		return prctl(PR_SET_NAME, name);
	if (strcmp(call, "sit") == 0)
		return sit(name);
	return shm_do(call, name, rest);
}

int main(void)
{
	do_lines(do_line);
	return 0;
}
