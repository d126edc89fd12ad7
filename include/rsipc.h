/* librsipc: POSIX semaphores, message queues and shared memory objects, and System V semaphores,
 * message queues and shared memory, in user space.
 *
 * The types and the constants come from the headers of the system, whose declarations agree with
 * these. A program may include both, in any order, or this one alone.
 *
 * Generated from src/posix by `make header`; `make check-header` compares.
 */
#ifndef RSIPC_H
#define RSIPC_H

#include <fcntl.h>
#include <mqueue.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/types.h>
#include <time.h>

struct timespec; /* not defined by <time.h> in every dialect of C */

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Opens a named semaphore. If this process already has it open, the address is the same. If
 * `oflag` has O_CREAT, two more arguments follow: mode_t mode, unsigned value. Returns SEM_FAILED
 * on error, and sets errno. POSIX.1-2017, `sem_open`.
 */
sem_t *sem_open(const char *name, int oflag, ...);

/**
 * Opens a queue. If `oflag` has O_CREAT, two more arguments follow: mode_t mode, const struct
 * mq_attr *attributes, which may be NULL. Returns -1 on error, and sets errno. POSIX.1-2017,
 * `mq_open`.
 */
mqd_t mq_open(const char *name, int oflag, ...);

/**
 * A message of rsipc_mq_sendv or rsipc_mq_recvv.
 */
struct rsipc_mq_message {
  void *body;            /* what is sent, or where a message goes */
  size_t length;         /* bytes there; of a message that has been received, its own */
  unsigned int priority; /* below MQ_PRIO_MAX */
};

/**
 * For rsipc_mq_loan: more than half of the slots may be on loan to this process.
 */
#define RSIPC_MQ_LOAN_ALL 1u

/**
 * Returns the state of a set of semaphores, or changes it. SETVAL, GETALL, SETALL, IPC_STAT,
 * IPC_SET, IPC_INFO, SEM_STAT, SEM_STAT_ANY and SEM_INFO take a fourth argument, a union semun.
 * Returns -1 on error, and sets errno. POSIX.1-2017, `semctl`.
 */
int semctl(int semid, int semnum, int cmd, ...);

/**
 * Initialises an unnamed semaphore. POSIX.1-2017, `sem_init`: EINVAL for a value above
 * `SEM_VALUE_MAX`.
 */
int sem_init(sem_t *sem, int pshared, unsigned int value);

/**
 * Destroys an unnamed semaphore. Only a robust one has something to free. POSIX.1-2017,
 * `sem_destroy`.
 */
int sem_destroy(sem_t *sem);

/**
 * Closes a named semaphore that `sem_open` has opened. POSIX.1-2017, `sem_close`: EINVAL for what
 * is not an open named semaphore.
 */
int sem_close(sem_t *sem);

/**
 * Removes the name of a named semaphore. POSIX.1-2017, `sem_unlink`.
 */
int sem_unlink(const char *name);

/**
 * Increments the value, and wakes a waiter. Async-signal-safe. POSIX.1-2017, `sem_post`: EOVERFLOW
 * at `SEM_VALUE_MAX`.
 */
int sem_post(sem_t *sem);

/**
 * Decrements the value, or fails with EAGAIN if it is 0. POSIX.1-2017, `sem_trywait`.
 */
int sem_trywait(sem_t *sem);

/**
 * Stores the value in `sval`. POSIX.1-2017, `sem_getvalue`; 0 for a locked semaphore, unless
 * RSIPC_SEM_GETVALUE=waiters asks for minus the number of waiters.
 */
int sem_getvalue(sem_t *sem, int *sval);

/**
 * Decrements the value, and sleeps while it is 0. A cancellation point. POSIX.1-2017, `sem_wait`.
 */
int sem_wait(sem_t *sem);

/**
 * `sem_wait` until a time of CLOCK_REALTIME at most: ETIMEDOUT. POSIX.1-2017, `sem_timedwait`.
 */
int sem_timedwait(sem_t *sem, const struct timespec *abstime);

/**
 * `sem_timedwait` on CLOCK_REALTIME or CLOCK_MONOTONIC. POSIX.1-2024, `sem_clockwait`.
 */
int sem_clockwait(sem_t *sem, clockid_t clockid, const struct timespec *abstime);

/**
 * From now on, what this process takes from the semaphore in excess of what it posts is given back
 * when it dies, or begins another program. EINVAL: the semaphore is not shared between processes;
 * ENOSYS: the kernel, or a filter, does not allow it; EAGAIN: 120 processes do so already; EACCES:
 * another user keeps the count.
 */
int rsipc_sem_setrobust(sem_t *sem);

/**
 * 1 if a process has died with something taken, which has been given back: what the semaphore
 * protects may be half changed. Each such death is told once, to one process; several that nobody
 * has asked about, together. 0: no. -1: see errno: EINVAL: this process has not called
 * `rsipc_sem_setrobust`.
 */
int rsipc_sem_wasdead(sem_t *sem);

/**
 * Sends a message, and sleeps while the queue is full. A cancellation point. POSIX.1-2017,
 * `mq_send`.
 */
int mq_send(mqd_t mqdes, const char *msg_ptr, size_t msg_len, unsigned int msg_prio);

/**
 * `mq_send` until a time of CLOCK_REALTIME at most: ETIMEDOUT. POSIX.1-2017, `mq_timedsend`.
 */
int mq_timedsend(mqd_t mqdes,
                 const char *msg_ptr,
                 size_t msg_len,
                 unsigned int msg_prio,
                 const struct timespec *abstime);

/**
 * Receives the oldest message of the highest priority, and sleeps while there is none. A
 * cancellation point. POSIX.1-2017, `mq_receive`.
 */
ssize_t mq_receive(mqd_t mqdes, char *msg_ptr, size_t msg_len, unsigned int *msg_prio);

/**
 * `mq_receive` until a time of CLOCK_REALTIME at most: ETIMEDOUT. POSIX.1-2017, `mq_timedreceive`.
 */
ssize_t mq_timedreceive(mqd_t mqdes,
                        char *msg_ptr,
                        size_t msg_len,
                        unsigned int *msg_prio,
                        const struct timespec *abstime);

/**
 * Closes the descriptor of a queue. POSIX.1-2017, `mq_close`.
 */
int mq_close(mqd_t mqdes);

/**
 * Removes the name of a queue. POSIX.1-2017, `mq_unlink`.
 */
int mq_unlink(const char *name);

/**
 * Stores the attributes of a queue in `mqstat`. POSIX.1-2017, `mq_getattr`.
 */
int mq_getattr(mqd_t mqdes, struct mq_attr *mqstat);

/**
 * Sets or clears O_NONBLOCK, and stores the previous attributes in `omqstat`, which may be NULL.
 * POSIX.1-2017, `mq_setattr`: EINVAL for any other flag.
 */
int mq_setattr(mqd_t mqdes, const struct mq_attr *mqstat, struct mq_attr *omqstat);

/**
 * Registers the process to be notified when a message arrives at the empty queue. NULL: ends the
 * registration. POSIX.1-2017, `mq_notify`.
 */
int mq_notify(mqd_t mqdes, const struct sigevent *notification);

/**
 * `mq_timedsend` until a time of CLOCK_REALTIME or CLOCK_MONOTONIC; NULL: without an end. A
 * cancellation point. EINVAL for another clock.
 */
int rsipc_mq_clocksend(mqd_t mqdes,
                       const char *msg_ptr,
                       size_t msg_len,
                       unsigned int msg_prio,
                       clockid_t clockid,
                       const struct timespec *abstime);

/**
 * `mq_timedreceive` until a time of CLOCK_REALTIME or CLOCK_MONOTONIC; NULL: without an end. A
 * cancellation point. EINVAL for another clock.
 */
ssize_t rsipc_mq_clockreceive(mqd_t mqdes,
                              char *msg_ptr,
                              size_t msg_len,
                              unsigned int *msg_prio,
                              clockid_t clockid,
                              const struct timespec *abstime);

/**
 * Sends messages in their order: waits for space for the first one, and sends as many others as
 * there is space for then. Returns how many were sent. -1: none; see errno, as for `mq_send`. A
 * cancellation point.
 */
int rsipc_mq_sendv(mqd_t mqdes, const struct rsipc_mq_message *messages, unsigned int count);

/**
 * Receives messages in the order of delivery: waits for the first one, and receives as many more
 * as there are then. `length` of each is the size of `body`, at least mq_msgsize, and becomes the
 * length of the message. Returns how many were received. -1: none; see errno, as for `mq_receive`.
 * A cancellation point.
 */
int rsipc_mq_recvv(mqd_t mqdes, struct rsipc_mq_message *messages, unsigned int count);

/**
 * Copies the message at this position in the order of delivery, from 0, and leaves it in the
 * queue. Returns its length. -1: see errno: ENOMSG when there are not so many messages, EMSGSIZE
 * when it is longer than `msg_len`. `msg_prio` may be NULL.
 */
ssize_t rsipc_mq_peek(mqd_t mqdes,
                      char *msg_ptr,
                      size_t msg_len,
                      unsigned int *msg_prio,
                      unsigned int position);

/**
 * Returns memory for a message of up to mq_msgsize bytes: a free slot of the queue, which is this
 * process's until `rsipc_mq_commit` or `rsipc_mq_return`. Waits for one, until a time of
 * CLOCK_REALTIME or CLOCK_MONOTONIC; NULL: without an end. `flags`: 0, or RSIPC_MQ_LOAN_ALL, which
 * lifts the limit of half of the slots. Returns NULL on error, and sets errno: ENOBUFS at that
 * limit. A cancellation point.
 */
void *rsipc_mq_loan(mqd_t mqdes,
                    unsigned int flags,
                    clockid_t clockid,
                    const struct timespec *abstime);

/**
 * Sends the message in a loan, of this length and priority. The memory is not this process's any
 * more. On error it still is.
 */
int rsipc_mq_commit(mqd_t mqdes, void *loan, size_t msg_len, unsigned int msg_prio);

/**
 * Returns the next message where it lies, and stores its length and priority, which may both be
 * NULL. No other process receives it until `rsipc_mq_release` or `rsipc_mq_return`. Waits as
 * `rsipc_mq_loan` does. Returns NULL on error, and sets errno. A cancellation point.
 */
void *rsipc_mq_borrow(mqd_t mqdes,
                      size_t *msg_len,
                      unsigned int *msg_prio,
                      clockid_t clockid,
                      const struct timespec *abstime);

/**
 * A borrowed message has been received: it is gone, and its slot is free.
 */
int rsipc_mq_release(mqd_t mqdes, const void *message);

/**
 * A borrowed message goes back to its place in the order of delivery. A loan becomes a free slot.
 */
int rsipc_mq_return(mqd_t mqdes, const void *memory);

/**
 * Opens the shared memory object `name`, and returns its descriptor. POSIX.1-2017, `shm_open`.
 */
int shm_open(const char *name, int oflag, mode_t mode);

/**
 * Removes the name of a shared memory object. POSIX.1-2017, `shm_unlink`.
 */
int shm_unlink(const char *name);

/**
 * Returns the id of the set of semaphores with this key, or of a new one. POSIX.1-2017, `semget`.
 */
int semget(key_t key, int nsems, int semflg);

/**
 * Performs an array of operations, and sleeps while that is not possible. POSIX.1-2017, `semop`.
 */
int semop(int semid, struct sembuf *sops, size_t nsops);

/**
 * `semop` that sleeps for `timeout` at most: EAGAIN. Linux.
 */
int semtimedop(int semid, struct sembuf *sops, size_t nsops, const struct timespec *timeout);

/**
 * Returns the id of the queue with this key, or of a new one. POSIX.1-2017, `msgget`.
 */
int msgget(key_t key, int msgflg);

/**
 * Sends a message, and sleeps while there is no space for it. POSIX.1-2017, `msgsnd`.
 */
int msgsnd(int msqid, const void *msgp, size_t msgsz, int msgflg);

/**
 * Receives a message, and sleeps while there is none. POSIX.1-2017, `msgrcv`.
 */
ssize_t msgrcv(int msqid, void *msgp, size_t msgsz, long msgtyp, int msgflg);

/**
 * Returns the state of a queue, or changes it. POSIX.1-2017, `msgctl`.
 */
int msgctl(int msqid, int cmd, struct msqid_ds *buf);

/**
 * Returns the id of the segment with this key, or of a new one. POSIX.1-2017, `shmget`.
 */
int shmget(key_t key, size_t size, int shmflg);

/**
 * Attaches a segment, and returns its address. POSIX.1-2017, `shmat`.
 */
void *shmat(int shmid, const void *shmaddr, int shmflg);

/**
 * Detaches the segment that is attached at this address. POSIX.1-2017, `shmdt`.
 */
int shmdt(const void *shmaddr);

/**
 * Returns the state of a segment, or changes it. POSIX.1-2017, `shmctl`.
 */
int shmctl(int shmid, int cmd, struct shmid_ds *buf);

/**
 * The version of librsipc, such as "0.1.0". The string lives as long as the library is loaded.
 */
const char *rsipc_version(void);

#ifdef __cplusplus
}
#endif

#endif /* RSIPC_H */
