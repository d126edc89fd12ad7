/* Whether descriptors concern us at all: os/concern.rs. The bits are those of core/src/cbits.rs. */
#ifndef RSIPC_CONCERN_H
#define RSIPC_CONCERN_H

/* The process has, or had, a descriptor of a queue. */
#define RSIPC_QUEUES 1U
/* The process has, or had, a descriptor of our own. */
#define RSIPC_RESERVED 2U
/* A queue is, or was, in the set of an epoll. */
#define RSIPC_IN_EPOLL 4U

#pragma GCC visibility push(hidden)
extern unsigned rsipc_concern;

int rsipc_lowest_spared(int first, int last);
#pragma GCC visibility pop

/* Relaxed: a thread that asks about a descriptor got it, directly or not, from one that set the
   bit. */
static inline int rsipc_concerns(unsigned bits)
{
	return __builtin_expect((__atomic_load_n(&rsipc_concern, __ATOMIC_RELAXED) & bits) != 0, 0);
}

/* Whether it is one of our own, which is not in use as far as the program can tell: EBADF. */
static inline int rsipc_is_spared(int fd)
{
	return rsipc_concerns(RSIPC_RESERVED) && rsipc_lowest_spared(fd, fd) >= 0;
}

#endif
