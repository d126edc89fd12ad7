/* Messages that do not fit, and messages that are only looked at: E2BIG, MSG_NOERROR, MSG_COPY. */
#include "../support/sysv_msg_sleepers.h"

#include <sys/mman.h>

static ssize_t receive(int queue, struct message *got, size_t room, long selector, int flags)
{
	memset(got, 0xa5, sizeof *got);
	return msgrcv(queue, got, room, selector, flags | IPC_NOWAIT);
}

CASE(msgrcv_with_too_small_a_buffer_is_e2big_and_leaves_the_message)
{
	struct message got;
	int queue = new_queue();
	PUT(queue, 3, "eight by");
	for (size_t room = 0; room < 8; room++) {
		CHECK_FAILS(receive(queue, &got, room, 0, 0), E2BIG);
		CHECK_EQ(got.body[0], 0xa5);
		CHECK_HOLDS(queue, 1, 8);
	}
	CHECK_EQ(status_of(queue).msg_rtime, 0);
	CHECK_EQ(status_of(queue).msg_lrpid, 0);
	CHECK_EQ(receive(queue, &got, 8, 0, 0), 8);
	check_message(__FILE__, __LINE__, &got, 8, 3, "eight by");
}

CASE(msgrcv_with_too_small_a_buffer_is_e2big_without_nowait_too)
{
	struct message got;
	int queue = new_queue();
	PUT(queue, 3, "long");
	CHECK_FAILS(msgrcv(queue, &got, 3, 0, 0), E2BIG);
	CHECK_FAILS(msgrcv(queue, &got, 0, 3, 0), E2BIG);
	CHECK_HOLDS(queue, 1, 4);
}

CASE(msgrcv_noerror_cuts_and_the_rest_is_lost)
{
	struct message got;
	int queue = new_queue();
	PUT(queue, 3, "eight by");
	PUT(queue, 4, "next");
	ssize_t length = receive(queue, &got, 5, 0, MSG_NOERROR);
	check_message(__FILE__, __LINE__, &got, length, 3, "eight");
	CHECK_HOLDS(queue, 1, 4);
	GET(queue, 0, 0, 4, "next");
}

CASE(msgrcv_noerror_with_no_buffer_at_all_takes_the_message)
{
	struct message got;
	int queue = new_queue();
	PUT(queue, 3, "lost");
	ssize_t length = receive(queue, &got, 0, 0, MSG_NOERROR);
	check_message(__FILE__, __LINE__, &got, length, 3, "");
	CHECK_HOLDS(queue, 0, 0);
}

CASE(msgrcv_noerror_does_nothing_to_what_fits)
{
	int queue = new_queue();
	PUT(queue, 3, "fits");
	GET(queue, 3, MSG_NOERROR, 3, "fits");
	GET_NONE(queue, 3, MSG_NOERROR);
}

static bool copies(int queue)
{
	struct message got;
	return receive(queue, &got, BODY, 0, MSG_COPY) != -1 || errno != ENOSYS;
}

#define NEEDS_COPIES(queue)                                                                        \
	do {                                                                                       \
		if (!copies(queue))                                                                \
			CHECK_SKIP("this kernel is built without MSG_COPY");                       \
	} while (0)

/* Linux reads the buffer first, as far as a message can be long. */
CASE(msgrcv_copy_into_what_cannot_be_read_is_efault_first)
{
	enum { PAGE = 4096, FAR = 1 << 20 };
	int queue = new_queue();
	NEEDS_COPIES(queue);
	char *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);
	CHECK(pages != MAP_FAILED);
	CHECK_OK(mprotect(pages + PAGE, PAGE, PROT_NONE));
	void *bad[] = { pages + PAGE, pages + PAGE - 4, (void *)8 };
	for (int full = 0; full < 2; full++) {
		for (int i = 0; i < 3; i++) {
			CHECK_FAILS(msgrcv(queue, bad[i], 5, 0, IPC_NOWAIT | MSG_COPY), EFAULT);
			CHECK_FAILS(msgrcv(FAR, bad[i], 5, 0, IPC_NOWAIT | MSG_COPY), EFAULT);
			CHECK_FAILS(msgrcv(-1, bad[i], 5, 0, IPC_NOWAIT | MSG_COPY), EINVAL);
			CHECK_FAILS(msgrcv(queue, bad[i], 5, 0, MSG_COPY), EINVAL);
		}
		CHECK_FAILS(msgrcv(queue, pages, 0, 9, IPC_NOWAIT | MSG_COPY), ENOMSG);
		CHECK_FAILS(msgrcv(FAR, bad[0], 0, 0, IPC_NOWAIT | MSG_COPY), EINVAL);
		if (full == 0)
			PUT(queue, 3, "too long");
	}
	CHECK_HOLDS(queue, 1, 8);
}

CASE(msgrcv_copy_takes_a_place_and_leaves_the_message)
{
	int queue = new_queue();
	NEEDS_COPIES(queue);
	PUT(queue, 5, "first");
	PUT(queue, 6, "second");
	PUT(queue, 7, "");
	for (int turn = 0; turn < 2; turn++) {
		GET(queue, 0, MSG_COPY, 5, "first");
		GET(queue, 1, MSG_COPY, 6, "second");
		GET(queue, 2, MSG_COPY, 7, "");
	}
	CHECK_HOLDS(queue, 3, 11);
	GET(queue, 0, 0, 5, "first");
	GET(queue, 0, MSG_COPY, 6, "second");
}

CASE(msgrcv_copy_changes_no_status)
{
	int queue = new_queue();
	NEEDS_COPIES(queue);
	PUT(queue, 5, "first");
	struct msqid_ds before = status_of(queue);
	GET(queue, 0, MSG_COPY, 5, "first");
	struct msqid_ds after = status_of(queue);
	CHECK_EQ(memcmp(&before, &after, sizeof before), 0);
	CHECK_EQ(after.msg_lrpid, 0);
	CHECK_EQ(after.msg_rtime, 0);
}

CASE(msgrcv_copy_beyond_the_end_is_enomsg)
{
	int queue = new_queue();
	NEEDS_COPIES(queue);
	GET_NONE(queue, 0, MSG_COPY);
	PUT(queue, 5, "first");
	GET_NONE(queue, 1, MSG_COPY);
	GET_NONE(queue, LONG_MAX, MSG_COPY);
	GET_NONE(queue, -1, MSG_COPY);
	GET_NONE(queue, LONG_MIN, MSG_COPY);
	remove_queue(queue);
	struct message got;
	CHECK_FAILS(receive(queue, &got, BODY, -1, MSG_COPY), EINVAL);
}

CASE(msgrcv_copy_that_may_sleep_is_einval)
{
	struct message got;
	int queue = new_queue();
	PUT(queue, 5, "first");
	CHECK_FAILS(msgrcv(queue, &got, BODY, 0, MSG_COPY), EINVAL);
	CHECK_FAILS(msgrcv(queue, &got, BODY, 0, MSG_COPY | MSG_NOERROR), EINVAL);
	CHECK_HOLDS(queue, 1, 5);
}

CASE(msgrcv_copy_with_except_is_einval)
{
	struct message got;
	int queue = new_queue();
	PUT(queue, 5, "first");
	CHECK_FAILS(receive(queue, &got, BODY, 0, MSG_COPY | MSG_EXCEPT), EINVAL);
	CHECK_FAILS(receive(queue, &got, BODY, 9, MSG_COPY | MSG_EXCEPT), EINVAL);
}

CASE(msgrcv_copy_with_too_small_a_buffer)
{
	struct message got;
	int queue = new_queue();
	NEEDS_COPIES(queue);
	PUT(queue, 5, "first");
	CHECK_FAILS(receive(queue, &got, 4, 0, MSG_COPY), E2BIG);
	CHECK_FAILS(receive(queue, &got, 4, 0, MSG_COPY | MSG_NOERROR), EINVAL);
	CHECK_EQ(receive(queue, &got, 5, 0, MSG_COPY | MSG_NOERROR), 5);
	CHECK_HOLDS(queue, 1, 5);
}

CASE(msgrcv_copy_of_200_messages_by_place)
{
	int queue = new_queue();
	NEEDS_COPIES(queue);
	for (unsigned i = 0; i < 200; i++)
		PUT_BYTES(queue, 1000 - i, i % 64, i);
	for (unsigned i = 0; i < 200; i++) {
		struct message got;
		CHECK_EQ(receive(queue, &got, BODY, i, MSG_COPY), i % 64);
		CHECK_EQ(got.type, 1000 - i);
		for (size_t place = 0; place < i % 64; place++)
			CHECK_EQ(got.body[place], byte_of(i, place));
	}
	GET_NONE(queue, 200, MSG_COPY);
}

CASE(msgrcv_copy_passes_over_what_is_for_a_sleeper)
{
	int queue = new_queue();
	NEEDS_COPIES(queue);
	PUT(queue, 6, "first");
	PUT(queue, 7, "second");
	for (int turn = 0; turn < 20; turn++) {
		struct sleeper *receiver = RECEIVES(queue, 5, 0);
		PUT(queue, 5, "for the sleeper");
		GET_NONE(queue, 2, MSG_COPY);
		GET(queue, 1, MSG_COPY, 7, "second");
		GETS(receiver, 5, "for the sleeper");
	}
	CHECK_HOLDS(queue, 2, 11);
}
