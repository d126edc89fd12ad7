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
#include <sys/uio.h>
#include <time.h>

/* The calls that change credentials. F(result, name, parameters, arguments) */
#define RSIPC_CREDENTIAL_CALLS(F)                                                            \
	F(int, setuid, (uid_t user), (user))                                                 \
	F(int, seteuid, (uid_t user), (user))                                                \
	F(int, setreuid, (uid_t real, uid_t effective), (real, effective))                   \
	F(int, setresuid, (uid_t real, uid_t effective, uid_t saved),                        \
	  (real, effective, saved))                                                          \
	F(int, setgid, (gid_t group), (group))                                               \
	F(int, setegid, (gid_t group), (group))                                              \
	F(int, setresgid, (gid_t real, gid_t effective, gid_t saved),                        \
	  (real, effective, saved))                                                          \
	F(int, setgroups, (size_t count, const gid_t *groups), (count, groups))              \
	F(int, capset, (void *header, const void *sets), (header, sets))

/* F(result, name, parameters, arguments): the calls that change whose files a thread may open. */
#define RSIPC_FILE_USER_CALLS(F)                                                             \
	F(int, setfsuid, (uid_t user), (user))                                               \
	F(int, setfsgid, (gid_t group), (group))

/* F(result, name, parameters, arguments): the calls that change credentials and more. */
#define RSIPC_NAMESPACE_CALLS(F)                                                             \
	F(int, unshare, (int flags), (flags))                                                \
	F(int, setns, (int fd, int type), (fd, type))

/* The calls that change what is mapped. */
#define RSIPC_MEMORY_CALLS(F)                                                                \
	F(int, munmap, (void *start, size_t length))                                         \
	F(int, mprotect, (void *start, size_t length, int access))                           \
	F(int, pkey_mprotect, (void *start, size_t length, int access, int key))             \
	F(void *, mmap, (void *start, size_t length, int access, int flags, int fd,          \
			 off_t position))                                                    \
	F(void *, mremap, (void *start, size_t length, size_t new_length, int flags, ...))

/* F(result, name, parameters, ...). Each has its system call in raw.h. */
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
	F(ssize_t, read, (int fd, void *buffer, size_t count))                               \
	F(ssize_t, pread, (int fd, void *buffer, size_t count, off_t position))              \
	F(ssize_t, write, (int fd, const void *buffer, size_t length))                       \
	F(off_t, lseek, (int fd, off_t offset, int whence))                                  \
	F(ssize_t, readv, (int fd, const struct iovec *into, int count))                     \
	F(ssize_t, preadv, (int fd, const struct iovec *into, int count, off_t position))    \
	F(ssize_t, preadv2, (int fd, const struct iovec *into, int count, off_t position,    \
			     int flags))                                                     \
	F(ssize_t, pwrite, (int fd, const void *buffer, size_t length, off_t position))      \
	F(ssize_t, writev, (int fd, const struct iovec *from, int count))                    \
	F(ssize_t, pwritev, (int fd, const struct iovec *from, int count, off_t position))   \
	F(ssize_t, pwritev2, (int fd, const struct iovec *from, int count, off_t position,   \
			      int flags))                                                    \
	F(int, fcntl, (int fd, int command, ...))                                            \
	F(int, ioctl, (int fd, unsigned long request, ...))                                  \
	F(int, clock_gettime, (clockid_t clock, struct timespec *now))                       \
	F(time_t, time, (time_t *copy))                                                      \
	F(int, sched_getcpu, (void))                                                         \
	RSIPC_MEMORY_CALLS(F)                                                                \
	RSIPC_CREDENTIAL_CALLS(F)                                                            \
	RSIPC_FILE_USER_CALLS(F)                                                             \
	RSIPC_NAMESPACE_CALLS(F)

#define RSIPC_REAL_FIELD(result, name, parameters, ...) result(*name) parameters;

#pragma GCC visibility push(hidden)

struct rsipc_real {
	RSIPC_REAL_FUNCTIONS(RSIPC_REAL_FIELD)
};

/* Written by our constructor, or by rsipc_find_real before it; another thread may be calling
 * meanwhile. */
extern struct rsipc_real rsipc_real;

/* For a call that only the C library makes well: looks the functions up if that has not been done
 * yet. Not to be called in a signal handler before our constructor has run. */
void rsipc_find_real(void);

#pragma GCC visibility pop

/* Relaxed: either value of the pointer will do. */
#define RSIPC_REAL(name) __atomic_load_n(&rsipc_real.name, __ATOMIC_RELAXED)

#endif
