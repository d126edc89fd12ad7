/* A call on a stack of its own, and handlers that run below it, above it, or as a coroutine. */
#ifndef SUPPORT_STACKS_H
#define SUPPORT_STACKS_H

#include <ucontext.h>
#include "struck.h"

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31)
#endif

enum { STACK_SIZE = 256 * 1024 };

/* Of three stacks in a row the interrupted call has the middle one. */
enum place { BELOW, MIDDLE, ABOVE };

static char *stacks;

__attribute__((unused)) static char *stack_at(enum place place)
{
	if (!stacks) {
		int protection = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS;
		stacks = mmap(NULL, 3 * STACK_SIZE, protection, flags, -1, 0);
		CHECK(stacks != MAP_FAILED);
	}
	return stacks + (size_t)place * STACK_SIZE;
}

/* Runs the body on that stack, and comes back. */
__attribute__((unused)) static void on_stack(enum place place, void (*body)(void))
{
	ucontext_t here, there;
	CHECK_OK(getcontext(&there));
	there.uc_stack.ss_sp = stack_at(place);
	there.uc_stack.ss_size = STACK_SIZE;
	there.uc_link = &here;
	makecontext(&there, body, 0);
	CHECK_OK(swapcontext(&here, &there));
}

/* How a handler comes to its stack. A coroutine is on the stack of the call at first. */
enum kind { ALTERNATE, DISARMED, COROUTINE };

static struct nesting {
	enum kind kind;
	enum place place;
} nesting;

/* What the handler is to do on its stack. */
static void (*nested)(void);

__attribute__((unused)) static void nest(int signal)
{
	(void)signal;
	int error = errno;
	struck_add(&struck->handled);
	if (nesting.kind == COROUTINE)
		on_stack(nesting.place, nested);
	else
		nested();
	errno = error;
}

static void do_nothing(void)
{
}

/* To be called by the victim before. The addresses of functions are looked up by their
 * first calls. */
__attribute__((unused)) static void struck_on_stack(void)
{
	on_stack(MIDDLE, do_nothing);
	stack_t stack = {
		.ss_sp = stack_at(nesting.place),
		.ss_size = STACK_SIZE,
		.ss_flags = nesting.kind == DISARMED ? (int)SS_AUTODISARM : 0,
	};
	bool switches = nesting.kind == COROUTINE;
	if (!switches)
		CHECK_OK(sigaltstack(&stack, NULL));
	struck_by(nest, SA_RESTART | (switches ? 0 : SA_ONSTACK));
}

/* strike_each_step(), with the handler below the call, and above it. */
__attribute__((unused)) static void strike_nested(int (*trial)(int steps), enum kind kind)
{
	step_begins_later = true;
	nesting = (struct nesting){ kind, BELOW };
	strike_each_step(trial);
	nesting = (struct nesting){ kind, ABOVE };
	strike_each_step(trial);
}

#endif
