/* Who called. The unwinder neither allocates nor, with glibc 2.35 and later, takes a lock. */
#define _GNU_SOURCE
#include "watch.h"

#include <unwind.h>

struct walk {
	uint64_t *counters;
	unsigned room, used;
	int in_handler;
};

static _Unwind_Reason_Code step(struct _Unwind_Context *context, void *argument)
{
	struct walk *walk = argument;
	int is_signal_frame = 0;
	uint64_t counter = _Unwind_GetIPInfo(context, &is_signal_frame);
	if (is_signal_frame)
		walk->in_handler = 1;
	if (counter == 0 || walk->used == walk->room)
		return _URC_END_OF_STACK;
	walk->counters[walk->used++] = counter;
	return _URC_NO_REASON;
}

unsigned rsipc_watch_stack(uint64_t *counters, unsigned room, int *in_handler)
{
	struct walk walk = { counters, room, 0, 0 };
	_Unwind_Backtrace(step, &walk);
	*in_handler = walk.in_handler;
	return walk.used;
}
