/* poll and ppoll look at their array, their limits and their masks just as the kernel does. */
#include "../support/queue.h"

#include <stdint.h>
#include <sys/resource.h>

static void *before_the_end(size_t bytes)
{
	long page = sysconf(_SC_PAGESIZE);
	char *memory = mmap(NULL, 2 * (size_t)page, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(memory != MAP_FAILED);
	CHECK_OK(mprotect(memory + page, (size_t)page, PROT_NONE));
	return memory + page - bytes;
}

/* Keeps the compiler from knowing what it is. */
static struct pollfd *unknown(struct pollfd *fds)
{
	struct pollfd *volatile hidden = fds;
	return hidden;
}

CASE(mq_poll_of_bad_memory_is_efault)
{
	queue_small(0);
	CHECK_FAILS(poll(unknown(before_the_end(0)), 1, 0), EFAULT);
	CHECK_FAILS(poll(unknown(NULL), 1, 0), EFAULT);
	CHECK_FAILS(poll(unknown((struct pollfd *)-4096), 3, 0), EFAULT);
}

CASE(mq_poll_of_an_array_that_is_cut_off_is_efault)
{
	mqd_t queue = queue_small(0);
	struct pollfd *fds = before_the_end(sizeof *fds);
	*fds = (struct pollfd){ queue, POLLOUT, 0 };
	CHECK_FAILS(poll(unknown(fds), 2, 0), EFAULT);
	CHECK_EQ(fds->revents, 0);
	CHECK_EQ(poll(unknown(fds), 1, 0), 1);
	CHECK_EQ(fds->revents, POLLOUT);
}

CASE(mq_poll_of_an_array_that_cannot_be_written_is_efault)
{
	mqd_t queue = queue_small(0);
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct pollfd *fds = mmap(NULL, page, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(fds != MAP_FAILED);
	*fds = (struct pollfd){ queue, POLLOUT, 0 };
	CHECK_OK(mprotect(fds, page, PROT_READ));
	CHECK_FAILS(poll(fds, 1, 0), EFAULT);
}

CASE(mq_poll_of_nothing_needs_no_array)
{
	queue_small(0);
	CHECK_EQ(poll(NULL, 0, 0), 0);
	CHECK_EQ(poll(unknown(before_the_end(0)), 0, 1), 0);
	CHECK_EQ(ppoll(NULL, 0, &(struct timespec){ 0, 1000 }, NULL), 0);
}

CASE(mq_poll_of_more_than_the_limit_of_descriptors_is_einval)
{
	mqd_t queue = queue_small(0);
	struct rlimit limit = { 16, 16 };
	static struct pollfd fds[17];
	CHECK_OK(setrlimit(RLIMIT_NOFILE, &limit));
	for (int i = 0; i < 17; i++)
		fds[i] = (struct pollfd){ -1, POLLIN, 0x55 };
	fds[3] = (struct pollfd){ queue, POLLOUT, 0 };
	CHECK_FAILS(poll(unknown(fds), 17, 0), EINVAL);
	volatile nfds_t huge = ~0UL;
	CHECK_FAILS(poll(unknown(fds), huge, 0), EINVAL);
	CHECK_EQ(fds[3].revents, 0);
	CHECK_EQ(poll(unknown(fds), 16, 0), 1);
	CHECK_EQ(fds[3].revents, POLLOUT);
	CHECK_EQ(fds[2].revents, 0);
	CHECK_EQ(fds[16].revents, 0x55);
}

CASE(mq_poll_skips_negative_numbers)
{
	mqd_t queue = queue_small(0);
	queue_put(queue, "one", 0);
	struct pollfd fds[] = { { -1, POLLIN, 9 }, { queue, POLLIN, 9 }, { -queue, POLLIN, 9 } };
	CHECK_EQ(poll(fds, 3, -1), 1);
	CHECK_EQ(fds[0].revents, 0);
	CHECK_EQ(fds[1].revents, POLLIN);
	CHECK_EQ(fds[2].revents, 0);
	CHECK_EQ(fds[2].fd, -queue);
}

CASE(mq_poll_of_the_same_queue_several_times)
{
	mqd_t queue = queue_small(0), copy = dup(queue);
	queue_fill(queue);
	struct pollfd fds[] = {
		{ queue, POLLOUT, 0 },
		{ queue, POLLIN, 0 },
		{ copy, POLLIN | POLLOUT, 0 },
		{ queue, 0, 0 },
	};
	CHECK_EQ(poll(fds, 4, 1000), 2);
	CHECK_EQ(fds[0].revents, 0);
	CHECK_EQ(fds[1].revents, POLLIN);
	CHECK_EQ(fds[2].revents, POLLIN);
	CHECK_EQ(fds[3].revents, 0);
}

CASE(mq_poll_knows_the_other_names_of_its_events)
{
	mqd_t queue = queue_small(0);
	struct pollfd fd = { queue, POLLRDNORM | POLLWRNORM | POLLPRI | POLLHUP, 0 };
	CHECK_EQ(poll(&fd, 1, 0), 1);
	CHECK_EQ(fd.revents, POLLWRNORM);
	queue_put(queue, "one", 0);
	CHECK_EQ(poll(&fd, 1, 0), 1);
	CHECK_EQ(fd.revents, POLLRDNORM | POLLWRNORM);
}

CASE(mq_ppoll_with_a_bad_time_is_einval)
{
	mqd_t queue = queue_small(0);
	struct pollfd fd = { queue, POLLOUT, 0 };
	const struct timespec bad[] = { { 0, -1 }, { 0, 1000000000 }, { -1, 0 } };
	for (int i = 0; i < 3; i++)
		CHECK_FAILS(ppoll(&fd, 1, &bad[i], NULL), EINVAL);
}

CASE(mq_ppoll_leaves_its_time_alone)
{
	mqd_t queue = queue_small(0);
	struct pollfd fd = { queue, POLLIN, 0 };
	struct timespec *time = before_the_end(sizeof *time);
	*time = (struct timespec){ 0, 10000000 };
	CHECK_EQ(ppoll(&fd, 1, time, NULL), 0);
	CHECK_EQ(time->tv_nsec, 10000000);
	CHECK_OK(mprotect((void *)((uintptr_t)time & ~4095UL), 4096, PROT_READ));
	CHECK_EQ(ppoll(&fd, 1, time, NULL), 0);
}

static atomic_int handled;

static void count(int signal)
{
	(void)signal;
	atomic_fetch_add(&handled, 1);
}

static sigset_t block_usr1(void)
{
	struct sigaction action = { .sa_handler = count, .sa_flags = SA_RESTART };
	sigset_t set, old;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, &old));
	CHECK_OK(sigaction(SIGUSR1, &action, NULL));
	return old;
}

CASE(mq_ppoll_sets_its_mask_for_the_time_of_the_call)
{
	mqd_t queue = queue_small(0);
	struct pollfd fd = { queue, POLLIN, 0 };
	sigset_t open = block_usr1(), now;
	CHECK_OK(raise(SIGUSR1));
	CHECK_EQ(handled, 0);
	CHECK_FAILS(ppoll(&fd, 1, NULL, &open), EINTR);
	CHECK_EQ(handled, 1);
	CHECK_OK(sigprocmask(SIG_SETMASK, NULL, &now));
	CHECK(sigismember(&now, SIGUSR1));
}

CASE(mq_pselect_sets_its_mask_for_the_time_of_the_call)
{
	mqd_t queue = queue_small(0);
	fd_set in;
	sigset_t open = block_usr1(), now;
	FD_ZERO(&in);
	FD_SET(queue, &in);
	CHECK_OK(raise(SIGUSR1));
	CHECK_FAILS(pselect(queue + 1, &in, NULL, NULL, NULL, &open), EINTR);
	CHECK_EQ(handled, 1);
	CHECK_OK(sigprocmask(SIG_SETMASK, NULL, &now));
	CHECK(sigismember(&now, SIGUSR1));
}

CASE(mq_ppoll_that_is_ready_leaves_a_signal_pending)
{
	mqd_t queue = queue_small(0);
	struct pollfd fd = { queue, POLLOUT, 0 };
	block_usr1();
	CHECK_OK(raise(SIGUSR1));
	CHECK_EQ(ppoll(&fd, 1, NULL, NULL), 1);
	CHECK_EQ(handled, 0);
}

CASE(mq_polls_are_interrupted_in_spite_of_sa_restart)
{
	mqd_t queue = queue_small(0);
	struct pollfd fd = { queue, POLLIN, 0 };
	sigset_t open = block_usr1();
	CHECK_OK(sigprocmask(SIG_SETMASK, &open, NULL));
	pid_t self = getpid(), child = check_fork();
	if (child == 0) {
		queue_await_asleep(self);
		CHECK_OK(kill(self, SIGUSR1));
		_exit(0);
	}
	CHECK_FAILS(poll(&fd, 1, -1), EINTR);
	CHECK_EQ(handled, 1);
	check_child(child);
}
