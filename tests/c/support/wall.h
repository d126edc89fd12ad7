/* A call that stops in its middle: its body runs into memory that cannot be read, and the handler
 * of SIGSEGV does what a handler may do. (The kernel's queues give EFAULT instead.) Whatever ends
 * there, all the space of the queue is left. */
#ifndef SUPPORT_WALL_H
#define SUPPORT_WALL_H

#include "queue.h"

enum { SIZE = 600, DEPTH = 4 };

static mqd_t first, second;
static char *body, *wall;
static void (*at_wall)(void);
static volatile sig_atomic_t depth;

static inline void build_wall(void)
{
	wall = body + 4096;
	CHECK_OK(mprotect(wall, 4096, PROT_NONE));
}

static inline void tear_wall_down(void)
{
	CHECK_OK(mprotect(wall, 4096, PROT_READ | PROT_WRITE));
}

static inline void hit_wall(int signal)
{
	(void)signal;
	depth++;
	at_wall();
	depth--;
}

static inline void handle_wall(int flags, void (*act)(void))
{
	struct sigaction action = { .sa_handler = hit_wall, .sa_flags = SA_NODEFER | flags };
	at_wall = act;
	CHECK_OK(sigaction(SIGSEGV, &action, NULL));
}

static inline mqd_t make_queue(int n)
{
	return queue_create(n, O_RDWR | O_NONBLOCK, DEPTH, SIZE);
}

static inline void make_ground(void)
{
	first = make_queue(0);
	second = make_queue(1);
	body = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(body != MAP_FAILED);
	memset(body, 'A', 8192);
	build_wall();
}

/* Half of it can be read. */
static inline int send_against_wall(mqd_t queue)
{
	return mq_send(queue, wall - SIZE / 2, SIZE, 0);
}

static inline void expect_room(mqd_t queue)
{
	char text[SIZE] = "";
	struct mq_attr wait = { .mq_flags = 0 };
	struct timespec when = deadline_ms(5000);
	CHECK_OK(mq_setattr(queue, &wait, NULL));
	for (long left = DEPTH - queue_count(queue); left > 0; left--)
		CHECK_OK(mq_timedsend(queue, text, SIZE, 0, &when));
	CHECK_EQ(queue_count(queue), DEPTH);
}

static inline void expect_room_in_both(void)
{
	expect_room(second);
	expect_room(first);
}

static inline void stay_here(void)
{
	for (;;)
		pause();
}

static inline void end_by_kill(void)
{
	kill(getpid(), SIGKILL);
	stay_here();
}

static inline void nested_then_kill(void)
{
	if (depth == 1)
		send_against_wall(second);
	end_by_kill();
}

#endif
