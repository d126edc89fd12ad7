/* usage: names NUMBER
 * Has functions of its own under names that ISO C leaves to the program and POSIX or Linux gives to
 * functions. The C library calls none of its functions by these names. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/stat.h>

#include "must.h"

/* The function `name`. The assembler's name alone, as headers have declared another one. */
#define OWN(name)                                                                            \
	long own_##name(void) __asm__(#name);                                                \
	__attribute__((used)) long own_##name(void)                                          \
	{                                                                                    \
		SAY("the program's own " #name "\n");                                        \
		abort();                                                                     \
	}

#define NAMES(F)                                                                             \
	F(clock_gettime)                                                                     \
	F(clone)                                                                             \
	F(closedir)                                                                          \
	F(dirfd)                                                                             \
	F(dup)                                                                               \
	F(dup2)                                                                              \
	F(dup3)                                                                              \
	F(epoll_ctl)                                                                         \
	F(epoll_wait)                                                                        \
	F(fallocate)                                                                         \
	F(fchown)                                                                            \
	F(fcntl)                                                                             \
	F(fcntl64)                                                                           \
	F(flock)                                                                             \
	F(fstat64)                                                                           \
	F(fstatat)                                                                           \
	F(fstatat64)                                                                         \
	F(fstatvfs)                                                                          \
	F(ftruncate64)                                                                       \
	F(getauxval)                                                                         \
	F(geteuid)                                                                           \
	F(getpid)                                                                            \
	F(getrandom)                                                                         \
	F(getrlimit)                                                                         \
	F(gettid)                                                                            \
	F(getuid)                                                                            \
	F(ioctl)                                                                             \
	F(link)                                                                              \
	F(linkat)                                                                            \
	F(lseek)                                                                             \
	F(lseek64)                                                                           \
	F(madvise)                                                                           \
	F(mkfifo)                                                                            \
	F(mmap64)                                                                            \
	F(mprotect)                                                                          \
	F(mremap)                                                                            \
	F(msync)                                                                             \
	F(munmap)                                                                            \
	F(open)                                                                              \
	F(open64)                                                                            \
	F(opendir)                                                                           \
	F(pread)                                                                             \
	F(prctl)                                                                             \
	F(read)                                                                              \
	F(readdir64)                                                                         \
	F(readlink)                                                                          \
	F(sched_getcpu)                                                                      \
	F(sched_yield)                                                                       \
	F(select)                                                                            \
	F(setrlimit)                                                                         \
	F(sigaddset)                                                                         \
	F(sigemptyset)                                                                       \
	F(sigismember)                                                                       \
	F(sigpending)                                                                        \
	F(sigtimedwait)                                                                      \
	F(stat64)                                                                            \
	F(statx)                                                                             \
	F(strnlen)                                                                           \
	F(syscall)                                                                           \
	F(sysconf)                                                                           \
	F(time)                                                                              \
	F(unlink)                                                                            \
	F(writev)

NAMES(OWN)

static const struct timespec long_past = { .tv_sec = 1 };

static void use_semaphore(const char *name)
{
	sem_t *semaphore = sem_open(name, O_CREAT | O_EXCL, 0600, 1);
	MUST(semaphore != SEM_FAILED);
	MUST(sem_wait(semaphore) == 0);
	FAILS(sem_timedwait(semaphore, &long_past), ETIMEDOUT);
	MUST(sem_post(semaphore) == 0);
	MUST(sem_close(semaphore) == 0);
	MUST(sem_unlink(name) == 0);
}

static mqd_t queue;
static sem_t told;

static void tell(union sigval unused)
{
	(void)unused;
	MUST(sem_post(&told) == 0);
}

static void *receive(void *unused)
{
	char body[8];
	MUST(mq_receive(queue, body, sizeof body, NULL) == 1);
	return unused;
}

static void send_and_receive(void)
{
	MUST(mq_send(queue, "x", 1, 0) == 0);
	receive(NULL);
	pthread_t receiver;
	MUST(pthread_create(&receiver, NULL, receive, NULL) == 0);
	MUST(mq_send(queue, "x", 1, 0) == 0);
	MUST(pthread_join(receiver, NULL) == 0);
	char body[8];
	FAILS(mq_timedreceive(queue, body, sizeof body, NULL, &long_past), ETIMEDOUT);
}

static void be_told(int how)
{
	struct sigevent event = { .sigev_notify = how };
	event.sigev_notify_function = tell;
	MUST(mq_notify(queue, &event) == 0);
	MUST(mq_send(queue, "x", 1, 0) == 0);
	if (how == SIGEV_THREAD)
		MUST(sem_wait(&told) == 0);
	receive(NULL);
}

static void use_queue(const char *name)
{
	struct mq_attr attributes = { .mq_maxmsg = 2, .mq_msgsize = 8 };
	queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);
	MUST(queue != -1);
	send_and_receive();
	be_told(SIGEV_NONE);
	be_told(SIGEV_THREAD);
	struct pollfd polled = { .fd = queue, .events = POLLIN };
	MUST(poll(&polled, 1, 0) == 0);
	struct stat status;
	MUST(fchmod(queue, 0640) == 0);
	MUST(fstat(queue, &status) == 0 && (status.st_mode & 0777) == 0640);
	pid_t child = fork();
	if (child == 0) {
		send_and_receive();
		_exit(0);
	}
	must_end_well(child);
	MUST(mq_close(queue) == 0);
	MUST(mq_unlink(name) == 0);
}

static void use_set(void)
{
	int set = semget(IPC_PRIVATE, 1, 0600);
	MUST(set != -1);
	pid_t child = fork();
	if (child == 0) {
		struct sembuf up = { .sem_op = 1, .sem_flg = SEM_UNDO };
		_exit(semop(set, &up, 1) != 0);
	}
	must_end_well(child);
	MUST(semctl(set, 0, GETVAL) == 0);
	struct seminfo all;
	MUST(semctl(0, 0, SEM_INFO, &all) >= 0);
	MUST(semctl(set, 0, IPC_RMID) == 0);
}

static void use_messages(void)
{
	struct {
		long type;
		char body[8];
	} message = { .type = 1 };
	int id = msgget(IPC_PRIVATE, 0600);
	MUST(id != -1);
	MUST(msgsnd(id, &message, 8, 0) == 0);
	MUST(msgrcv(id, &message, 8, 1, 0) == 8);
	MUST(msgctl(id, IPC_RMID, NULL) == 0);
}

static void use_memory(const char *name)
{
	MUST(shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600) != -1);
	MUST(shm_unlink(name) == 0);
}

int main(int count, char **arguments)
{
	MUST(count == 2);
	char name[64];
	MUST(snprintf(name, sizeof name, "/rsipc-names-%s", arguments[1]) > 0);
	alarm(SECONDS);
	MUST(sem_init(&told, 0, 0) == 0);
	use_semaphore(name);
	use_queue(name);
	use_set();
	use_messages();
	use_memory(name);
	return 0;
}
