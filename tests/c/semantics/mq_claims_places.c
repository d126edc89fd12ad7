/* A handler's call is on another stack than the call that it has interrupted, and that goes on; or
 * the handler leaves for good. */
#include "../support/wall.h"

#include <setjmp.h>
#include <ucontext.h>

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31)
#endif

enum { STACK = 256 << 10 };

static int nested_result;
static ucontext_t interrupted, coroutine;
static char *stack;

static void send_whole(void)
{
	tear_wall_down();
	char text[SIZE];
	memset(text, 'B', SIZE);
	nested_result = mq_send(first, text, SIZE, 0);
}

static void send_in_coroutine(void)
{
	getcontext(&coroutine);
	coroutine.uc_stack.ss_sp = stack;
	coroutine.uc_stack.ss_size = STACK;
	coroutine.uc_link = &interrupted;
	makecontext(&coroutine, send_whole, 0);
	CHECK_OK(swapcontext(&interrupted, &coroutine));
}

static void expect_whole(int sent)
{
	char text[SIZE];
	for (int i = 0; i < sent; i++) {
		CHECK_EQ(mq_receive(first, text, SIZE, NULL), SIZE);
		for (int at = 1; at < SIZE; at++)
			CHECK_EQ(text[at], text[0]);
	}
	CHECK_EQ(queue_count(first), 0);
}

static void *send_on_stacks(void *flags)
{
	unsigned disarm = flags ? *(unsigned *)flags : 0;
	stack_t alternate = { .ss_sp = stack, .ss_size = STACK, .ss_flags = (int)disarm };
	if (flags)
		CHECK_OK(sigaltstack(&alternate, NULL));
	int result = send_against_wall(first);
	/* The kernel's queues do not run into the wall. */
	if (result == -1) {
		CHECK_EQ(errno, EFAULT);
		send_whole();
		expect_whole(1);
	} else {
		CHECK_EQ(nested_result, 0);
		expect_whole(2);
	}
	return NULL;
}

/* `above`: the other stack has the higher addresses. */
static void send_beside(bool above, unsigned *flags)
{
	static char local[STACK] __attribute__((aligned(64)));
	pthread_t thread;
	make_ground();
	char *mapped = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			    0);
	CHECK(mapped != MAP_FAILED);
	stack = above ? mapped : local;
	handle_wall(flags ? SA_ONSTACK : 0, flags ? send_whole : send_in_coroutine);
	CHECK_EQ(pthread_create(&thread, NULL, send_on_stacks, flags), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	expect_room(first);
}

CASE(mq_send_of_a_handler_on_an_alternate_stack_leaves_the_interrupted_one_alone)
{
	unsigned none = 0;
	send_beside(true, &none);
}

CASE(mq_send_of_a_handler_on_a_disarmed_alternate_stack_leaves_the_interrupted_one_alone)
{
	unsigned disarm = SS_AUTODISARM;
	send_beside(true, &disarm);
}

CASE(mq_send_of_a_coroutine_above_leaves_the_interrupted_one_alone)
{
	send_beside(true, NULL);
}

CASE(mq_send_of_a_coroutine_below_leaves_the_interrupted_one_alone)
{
	send_beside(false, NULL);
}

static sigjmp_buf out;

static void jump_out(void)
{
	siglongjmp(out, 1);
}

CASE(mq_send_left_by_siglongjmp_again_and_again_leaves_the_space)
{
	make_ground();
	handle_wall(0, jump_out);
	for (volatile int i = 0; i < 40; i++) {
		depth = 0;
		if (sigsetjmp(out, 1) == 0)
			send_against_wall(i % 2 ? second : first);
	}
	expect_room_in_both();
}
