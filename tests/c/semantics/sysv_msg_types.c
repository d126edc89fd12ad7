/* Which message msgrcv takes: by its type, and by its place. */
#include "../support/sysv_msg.h"

/* A queue that holds "a" to ... of these types. */
static int queue_of_types(const long *types, int count)
{
	int queue = new_queue();
	for (int i = 0; i < count; i++) {
		char text[2] = { (char)('a' + i), 0 };
		PUT(queue, types[i], text);
	}
	return queue;
}

#define QUEUE_OF(...)                                                                              \
	queue_of_types((long[]){ __VA_ARGS__ }, sizeof((long[]){ __VA_ARGS__ }) / sizeof(long))

CASE(msgrcv_type_0_takes_the_first)
{
	int queue = QUEUE_OF(3, 1, 2);
	GET(queue, 0, 0, 3, "a");
	GET(queue, 0, 0, 1, "b");
	GET(queue, 0, 0, 2, "c");
	GET_NONE(queue, 0, 0);
}

CASE(msgrcv_keeps_the_order_of_1000_messages)
{
	int queue = new_queue();
	for (unsigned i = 0; i < 1000; i++)
		PUT_BYTES(queue, 1 + i % 3, i % 16, i);
	for (unsigned i = 0; i < 1000; i++) {
		struct message got;
		size_t length = i % 16;
		CHECK_EQ(msgrcv(queue, &got, BODY, 0, IPC_NOWAIT), length);
		CHECK_EQ(got.type, 1 + i % 3);
		for (size_t place = 0; place < length; place++)
			CHECK_EQ(got.body[place], byte_of(i, place));
	}
	CHECK_HOLDS(queue, 0, 0);
}

CASE(msgrcv_type_above_0_takes_the_first_of_it)
{
	int queue = QUEUE_OF(1, 2, 3, 2, 1);
	GET(queue, 2, 0, 2, "b");
	GET(queue, 1, 0, 1, "a");
	GET(queue, 2, 0, 2, "d");
	GET_NONE(queue, 2, 0);
	GET(queue, 1, 0, 1, "e");
	GET(queue, 3, 0, 3, "c");
}

CASE(msgrcv_type_that_is_not_there_is_enomsg_and_takes_nothing)
{
	int queue = QUEUE_OF(1, 3);
	GET_NONE(queue, 2, 0);
	GET_NONE(queue, LONG_MAX, 0);
	CHECK_HOLDS(queue, 2, 2);
}

CASE(msgrcv_except_takes_the_first_of_another_type)
{
	int queue = QUEUE_OF(2, 2, 1, 2, 3);
	GET(queue, 2, MSG_EXCEPT, 1, "c");
	GET(queue, 2, MSG_EXCEPT, 3, "e");
	GET_NONE(queue, 2, MSG_EXCEPT);
	GET(queue, 9, MSG_EXCEPT, 2, "a");
	GET(queue, 9, MSG_EXCEPT, 2, "b");
	CHECK_HOLDS(queue, 1, 1);
}

CASE(msgrcv_except_does_nothing_with_type_0)
{
	int queue = QUEUE_OF(5, 6);
	GET(queue, 0, MSG_EXCEPT, 5, "a");
	GET(queue, 0, MSG_EXCEPT, 6, "b");
	GET_NONE(queue, 0, MSG_EXCEPT);
}

CASE(msgrcv_except_does_nothing_with_a_bound)
{
	int queue = QUEUE_OF(5, 2, 1);
	GET(queue, -2, MSG_EXCEPT, 1, "c");
	GET(queue, -2, MSG_EXCEPT, 2, "b");
	GET_NONE(queue, -2, MSG_EXCEPT);
}

CASE(msgrcv_type_below_0_takes_the_lowest_up_to_a_bound)
{
	int queue = QUEUE_OF(4, 3, 5, 2, 4);
	GET_NONE(queue, -1, 0);
	GET(queue, -4, 0, 2, "d");
	GET(queue, -4, 0, 3, "b");
	GET(queue, -4, 0, 4, "a");
	GET(queue, -4, 0, 4, "e");
	GET_NONE(queue, -4, 0);
	GET(queue, -5, 0, 5, "c");
}

CASE(msgrcv_bound_itself_is_in)
{
	int queue = QUEUE_OF(7);
	GET_NONE(queue, -6, 0);
	GET(queue, -7, 0, 7, "a");
}

CASE(msgrcv_of_equals_below_a_bound_takes_the_first)
{
	int queue = QUEUE_OF(2, 1, 2, 1, 1);
	GET(queue, -9, 0, 1, "b");
	GET(queue, -9, 0, 1, "d");
	GET(queue, -9, 0, 1, "e");
	GET(queue, -9, 0, 2, "a");
	GET(queue, -9, 0, 2, "c");
}

CASE(msgrcv_bound_of_long_min_lets_all_types_in)
{
	int queue = QUEUE_OF(LONG_MAX, LONG_MAX - 1);
	GET(queue, LONG_MIN, 0, LONG_MAX - 1, "b");
	GET(queue, LONG_MIN, 0, LONG_MAX, "a");
	GET_NONE(queue, LONG_MIN, 0);
}

CASE(msgrcv_types_are_whole_longs)
{
	long types[] = { 1, 0x100000001, 0x7fffffff, 0x80000000, 0xffffffff, LONG_MAX };
	int queue = queue_of_types(types, 6);
	GET(queue, 0x100000001, 0, 0x100000001, "b");
	GET(queue, LONG_MAX, 0, LONG_MAX, "f");
	GET(queue, 0xffffffff, 0, 0xffffffff, "e");
	GET_NONE(queue, 0x7fffffff00000001, 0);
	GET(queue, -0x100000000, 0, 1, "a");
	GET(queue, -0x100000000, 0, 0x7fffffff, "c");
	GET(queue, -0x7fffffffffffffff, 0, 0x80000000, "d");
}

CASE(msgrcv_takes_from_the_middle_and_keeps_the_rest_in_order)
{
	int queue = QUEUE_OF(1, 1, 9, 1, 9, 1);
	GET(queue, 9, 0, 9, "c");
	PUT(queue, 1, "later");
	GET(queue, 9, 0, 9, "e");
	GET(queue, 0, 0, 1, "a");
	GET(queue, 1, 0, 1, "b");
	GET(queue, -1, 0, 1, "d");
	GET(queue, 9, MSG_EXCEPT, 1, "f");
	GET(queue, 0, 0, 1, "later");
}

CASE(msgrcv_the_first_that_the_selector_finds_decides_on_e2big)
{
	struct message got;
	int queue = new_queue();
	PUT(queue, 1, "too long");
	PUT(queue, 1, "ok");
	PUT(queue, 2, "fits");
	CHECK_FAILS(msgrcv(queue, &got, 4, 0, IPC_NOWAIT), E2BIG);
	CHECK_FAILS(msgrcv(queue, &got, 4, 1, IPC_NOWAIT), E2BIG);
	CHECK_FAILS(msgrcv(queue, &got, 4, -2, IPC_NOWAIT), E2BIG);
	CHECK_EQ(msgrcv(queue, &got, 4, 2, IPC_NOWAIT), 4);
	CHECK_HOLDS(queue, 2, 10);
}

CASE(msgrcv_100_types_each_by_itself)
{
	int queue = new_queue();
	for (unsigned i = 0; i < 300; i++)
		PUT_BYTES(queue, 1 + i % 100, 10, i);
	for (unsigned type = 100; type > 0; type--)
		for (unsigned turn = 0; turn < 3; turn++)
			GET_BYTES(queue, type, 10, type - 1 + turn * 100, 10);
	CHECK_HOLDS(queue, 0, 0);
}

/* What the manual says, done by hand. */
static int place_by_hand(const long *types, int count, long selector, int flags)
{
	int found = -1;
	for (int i = 0; i < count; i++) {
		if (selector < 0) {
			if (types[i] <= -selector && (found == -1 || types[i] < types[found]))
				found = i;
		} else if (selector == 0 || (types[i] == selector) != !!(flags & MSG_EXCEPT)) {
			return i;
		}
	}
	return found;
}

CASE(msgrcv_takes_what_a_list_by_hand_gives)
{
	enum { TURNS = 3000, MOST = 40 };
	long types[MOST];
	unsigned numbers[MOST];
	int queue = new_queue(), count = 0;
	srand(4711);
	for (unsigned turn = 0; turn < TURNS; turn++) {
		if (count < MOST && rand() % 2) {
			types[count] = 1 + rand() % 5;
			numbers[count] = turn;
			PUT_BYTES(queue, types[count], turn % 50, turn);
			count++;
			continue;
		}
		long selector = rand() % 13 - 6;
		int flags = rand() % 3 ? 0 : MSG_EXCEPT;
		int place = place_by_hand(types, count, selector, flags);
		struct message got;
		ssize_t length = msgrcv(queue, &got, BODY, selector, flags | IPC_NOWAIT);
		if (place == -1) {
			CHECK(length == -1 && errno == ENOMSG);
			continue;
		}
		CHECK_EQ(length, numbers[place] % 50);
		CHECK_EQ(got.type, types[place]);
		for (size_t i = 0; i < (size_t)length; i++)
			CHECK_EQ(got.body[i], byte_of(numbers[place], i));
		count--;
		size_t rest = (size_t)(count - place);
		memmove(types + place, types + place + 1, rest * sizeof *types);
		memmove(numbers + place, numbers + place + 1, rest * sizeof *numbers);
	}
	CHECK_EQ(count_of(queue), count);
}
