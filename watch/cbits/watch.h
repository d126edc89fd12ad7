/* What the C and the Rust parts of librsipc_watch share. */
#ifndef RSIPC_WATCH_H
#define RSIPC_WATCH_H

#include <mqueue.h>
#include <semaphore.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#pragma GCC visibility push(hidden)

/* The watched calls: result, name, parameters. Their order is that of `watch_run::calls::CALLS`. */
#define WATCHED_CALLS(X)                                                                           \
	X(int, sem_init, (sem_t *, int, unsigned))                                                 \
	X(int, sem_destroy, (sem_t *))                                                             \
	X(sem_t *, sem_open, (const char *, int, ...))                                             \
	X(int, sem_close, (sem_t *))                                                               \
	X(int, sem_unlink, (const char *))                                                         \
	X(int, sem_post, (sem_t *))                                                                \
	X(int, sem_trywait, (sem_t *))                                                             \
	X(int, sem_getvalue, (sem_t *, int *))                                                     \
	X(int, sem_wait, (sem_t *))                                                                \
	X(int, sem_timedwait, (sem_t *, const struct timespec *))                                  \
	X(int, sem_clockwait, (sem_t *, clockid_t, const struct timespec *))                       \
	X(mqd_t, mq_open, (const char *, int, ...))                                                \
	X(int, mq_close, (mqd_t))                                                                  \
	X(int, mq_unlink, (const char *))                                                          \
	X(int, mq_getattr, (mqd_t, struct mq_attr *))                                              \
	X(int, mq_setattr, (mqd_t, const struct mq_attr *, struct mq_attr *))                      \
	X(int, mq_notify, (mqd_t, const struct sigevent *))                                        \
	X(int, mq_send, (mqd_t, const char *, size_t, unsigned))                                   \
	X(int, mq_timedsend,                                                                       \
	  (mqd_t, const char *, size_t, unsigned, const struct timespec *))                        \
	X(ssize_t, mq_receive, (mqd_t, char *, size_t, unsigned *))                                \
	X(ssize_t, mq_timedreceive,                                                                \
	  (mqd_t, char *, size_t, unsigned *, const struct timespec *))                            \
	X(int, shm_open, (const char *, int, mode_t))                                              \
	X(int, shm_unlink, (const char *))                                                         \
	X(int, semget, (key_t, int, int))                                                          \
	X(int, semop, (int, struct sembuf *, size_t))                                              \
	X(int, semtimedop, (int, struct sembuf *, size_t, const struct timespec *))                \
	X(int, semctl, (int, int, int, ...))                                                       \
	X(int, msgget, (key_t, int))                                                               \
	X(int, msgsnd, (int, const void *, size_t, int))                                           \
	X(ssize_t, msgrcv, (int, void *, size_t, long, int))                                       \
	X(int, msgctl, (int, int, struct msqid_ds *))                                              \
	X(int, shmget, (key_t, size_t, int))                                                       \
	X(void *, shmat, (int, const void *, int))                                                 \
	X(int, shmdt, (const void *))                                                              \
	X(int, shmctl, (int, int, struct shmid_ds *))                                              \
	X(int, munmap, (void *, size_t))

#define WATCHED_NUMBER(result, name, parameters) CALL_##name,
enum { WATCHED_CALLS(WATCHED_NUMBER) WATCHED_COUNT };

/* The functions of the library behind this one. */
#define WATCHED_FIELD(result, name, parameters) result(*name) parameters;
struct rsipc_watch_next {
	WATCHED_CALLS(WATCHED_FIELD)
};
extern struct rsipc_watch_next rsipc_watch_next;
/* The name of a call, for a test that compares the two lists. */
const char *rsipc_watch_name(unsigned number);
/* Looks them up, if that has not been done. */
void rsipc_watch_find_next(void);

enum { WATCHED_ARGUMENTS = 6 };

/* One call, on the stack of who makes it: `call::Call`. */
struct rsipc_watch_call {
	uint64_t number;
	uint64_t arguments[WATCHED_ARGUMENTS];
	/* Where the call returns to. */
	const void *site;
	int64_t result;
	/* If it failed: its errno. */
	int32_t error;
	/* 0 while it has not returned: then whoever leaves was cancelled. */
	int32_t has_returned;
	/* What the hooks note for themselves. */
	uint64_t began, ended, hash, decision, sequence;
	int32_t slot, object, value, is_new;
	uint64_t tag;
};
_Static_assert(sizeof(struct rsipc_watch_call) == 16 * 8 + 16, "call::Call has this size");
/* The name of a field, and where it is, for a test that compares the two. NULL: there is none of
 * this number. */
#define WATCHED_FIELDS(X)                                                                          \
	X(number) X(arguments) X(site) X(result) X(error) X(has_returned) X(began) X(ended)        \
	X(hash) X(decision) X(sequence) X(slot) X(object) X(value) X(is_new) X(tag)
const char *rsipc_watch_field(unsigned number, size_t *offset);

/* 0: the call is to be made. Otherwise it fails with this errno, without being made. */
int rsipc_watch_before(struct rsipc_watch_call *call);
void rsipc_watch_after(struct rsipc_watch_call *call);

/* What a thread remembers from one call to the next: `memory::Memory`. */
enum { WATCHED_MEMORY = 512 };
struct rsipc_watch_memory {
	_Alignas(16) unsigned char bytes[WATCHED_MEMORY];
};
struct rsipc_watch_memory *rsipc_watch_memory(void);

/* Which thread of which process it was when it last asked: `who::Who`. */
struct rsipc_watch_who {
	int32_t tid, pid;
};
_Static_assert(offsetof(struct rsipc_watch_who, pid) == 4, "who::Who has it there");
struct rsipc_watch_who *rsipc_watch_who(void);

/* The program counters of the callers, the nearest first; how many. `*in_handler`: a signal
 * handler is among them. */
unsigned rsipc_watch_stack(uint64_t *counters, unsigned room, int *in_handler);

/* Questions to the library behind (ask.c). 0: there is no such object. */
int rsipc_watch_queue(mqd_t queue, long *room, long *size, long *messages);
int rsipc_watch_never_waits(mqd_t queue);
int rsipc_watch_queue_named(const char *name, long *messages);
int rsipc_watch_semaphore_named(const char *name, int *value);
int rsipc_watch_memory_named(const char *name);
int rsipc_watch_set_of(key_t key);
int rsipc_watch_messages_of(key_t key);
int rsipc_watch_segment_of(key_t key);
int rsipc_watch_set(int id);
int rsipc_watch_value_in_set(int id, int member);
int rsipc_watch_messages(int id, long *messages);
int rsipc_watch_segment(int id, long *attaches);

/* Load, forks and the end of the process. */
void rsipc_watch_begin(void);
void rsipc_watch_fork(void);
void rsipc_watch_forked(void);
void rsipc_watch_end(void);

#pragma GCC visibility pop
#endif
