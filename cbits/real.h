/* The C library's own functions behind which ours stand: `RSIPC_REAL(close)(fd)`. Callable at any
 * time: before our constructor has run, in a signal handler, where the C library has no such
 * function, in a program without a loader. */
#ifndef RSIPC_REAL_H
#define RSIPC_REAL_H

#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

/* F(result, name, parameters). Each has its system call in raw.h. */
#define RSIPC_REAL_FUNCTIONS(F)                                                              \
	F(int, close, (int fd))                                                              \
	F(int, close_range, (unsigned first, unsigned last, int flags))                      \
	F(void, closefrom, (int lowest))                                                     \
	F(int, dup, (int from))                                                              \
	F(int, dup2, (int from, int to))                                                     \
	F(int, dup3, (int from, int to, int flags))                                          \
	F(int, poll, (struct pollfd *fds, nfds_t count, int timeout))                        \
	F(int, ppoll, (struct pollfd *fds, nfds_t count, const struct timespec *timeout,     \
		       const sigset_t *mask))                                                \
	F(int, select, (int count, fd_set *in, fd_set *out, fd_set *except,                  \
			struct timeval *timeout))                                            \
	F(int, pselect, (int count, fd_set *in, fd_set *out, fd_set *except,                 \
			 const struct timespec *timeout, const sigset_t *mask))              \
	F(int, epoll_ctl, (int epoll, int operation, int fd, struct epoll_event *event))     \
	F(int, epoll_wait, (int epoll, struct epoll_event *events, int most, int timeout))   \
	F(int, epoll_pwait, (int epoll, struct epoll_event *events, int most, int timeout,   \
			     const sigset_t *mask))                                          \
	F(int, epoll_pwait2, (int epoll, struct epoll_event *events, int most,               \
			      const struct timespec *timeout, const sigset_t *mask))         \
	F(ssize_t, sendmsg, (int socket, const struct msghdr *message, int flags))           \
	F(int, sendmmsg, (int socket, struct mmsghdr *messages, unsigned count, int flags))  \
	F(int, fstat, (int fd, struct stat *status))                                         \
	F(int, __fxstat, (int version, int fd, struct stat *status))                         \
	F(int, fstatat, (int fd, const char *path, struct stat *status, int flags))          \
	F(int, __fxstatat, (int version, int fd, const char *path, struct stat *status,      \
			    int flags))                                                      \
	F(int, statx, (int fd, const char *path, int flags, unsigned mask,                   \
		       struct statx *status))                                                \
	F(int, fchmod, (int fd, mode_t mode))                                                \
	F(int, fchown, (int fd, uid_t user, gid_t group))                                    \
	F(ssize_t, read, (int fd, void *buffer, size_t room))                                \
	F(ssize_t, pread, (int fd, void *buffer, size_t room, off_t position))               \
	F(ssize_t, write, (int fd, const void *buffer, size_t length))                       \
	F(off_t, lseek, (int fd, off_t offset, int whence))

#define RSIPC_REAL_FIELD(result, name, parameters) result(*name) parameters;

#pragma GCC visibility push(hidden)

struct rsipc_real {
	RSIPC_REAL_FUNCTIONS(RSIPC_REAL_FIELD)
};

/* Written once, by our constructor; another thread may be calling while we are loaded. */
extern struct rsipc_real rsipc_real;

#pragma GCC visibility pop

/* Relaxed: either value of the pointer will do. */
#define RSIPC_REAL(name) __atomic_load_n(&rsipc_real.name, __ATOMIC_RELAXED)

#endif
