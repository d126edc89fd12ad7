/* How much a queue takes: bytes and messages against msg_qbytes. */
#include "../support/sysv_msg.h"

static void is_full_for(int queue, const char *text)
{
	CHECK_FAILS(send_text(queue, 1, text, IPC_NOWAIT), EAGAIN);
}

CASE(msgsnd_new_queue_takes_msgmnb_bytes)
{
	struct msginfo limits = limits_of_queues();
	int queue = new_queue();
	CHECK_EQ(status_of(queue).msg_qbytes, limits.msgmnb);
	size_t left = (size_t)limits.msgmnb, size = (size_t)limits.msgmax;
	unsigned count = 0;
	for (; left > 0; left -= size, count++) {
		size = size < left ? size : left;
		PUT_BYTES(queue, 1, size, count);
	}
	CHECK_HOLDS(queue, count, limits.msgmnb);
	is_full_for(queue, "x");
	PUT(queue, 1, "");
	CHECK_HOLDS(queue, count + 1, limits.msgmnb);
}

CASE(msgsnd_bytes_count_up_to_the_last_one)
{
	int queue = new_queue_of(10);
	PUT(queue, 1, "12345");
	is_full_for(queue, "123456");
	PUT(queue, 1, "12345");
	CHECK_HOLDS(queue, 2, 10);
	is_full_for(queue, "1");
	GET(queue, 0, 0, 1, "12345");
	is_full_for(queue, "123456");
	PUT(queue, 1, "1234");
	PUT(queue, 1, "1");
	CHECK_HOLDS(queue, 3, 10);
}

CASE(msgsnd_messages_count_as_well)
{
	int queue = new_queue_of(3);
	for (int i = 0; i < 3; i++)
		PUT(queue, 1, "");
	CHECK_HOLDS(queue, 3, 0);
	is_full_for(queue, "");
	GET(queue, 0, 0, 1, "");
	PUT(queue, 1, "");
	is_full_for(queue, "x");
}

CASE(msgsnd_of_length_0_fits_beside_all_bytes_but_one_message)
{
	int queue = new_queue_of(4);
	PUT(queue, 1, "1234");
	PUT(queue, 2, "");
	PUT(queue, 2, "");
	PUT(queue, 2, "");
	is_full_for(queue, "");
	CHECK_HOLDS(queue, 4, 4);
	GET(queue, 1, 0, 1, "1234");
	PUT(queue, 1, "1234");
	GET(queue, 2, 0, 2, "");
}

CASE(msgsnd_takes_16384_messages_of_length_0)
{
	unsigned long most = (unsigned long)limits_of_queues().msgmnb;
	int queue = new_queue();
	if (most > 20000)
		limit_queue(queue, most = 16384);
	for (unsigned long i = 0; i < most; i++)
		PUT(queue, (long)i + 1, "");
	CHECK_HOLDS(queue, most, 0);
	is_full_for(queue, "");
	GET(queue, (long)most, 0, (long)most, "");
	GET(queue, -(long)most, 0, 1, "");
	for (unsigned long i = 1; i < most - 1; i++)
		GET(queue, 0, 0, (long)i + 1, "");
	CHECK_HOLDS(queue, 0, 0);
}

CASE(msgsnd_takes_16384_messages_of_one_byte)
{
	int queue = new_queue_of(16384);
	for (unsigned i = 0; i < 16384; i++)
		PUT_BYTES(queue, 1, 1, i);
	CHECK_HOLDS(queue, 16384, 16384);
	is_full_for(queue, "");
	for (unsigned i = 0; i < 16384; i++)
		GET_BYTES(queue, 1, 1, i, 1);
	CHECK_HOLDS(queue, 0, 0);
}

CASE(msgsnd_queue_of_no_bytes_takes_nothing)
{
	int queue = new_queue_of(0);
	is_full_for(queue, "x");
	is_full_for(queue, "");
	CHECK_HOLDS(queue, 0, 0);
}

CASE(msgctl_set_below_what_is_there_loses_nothing)
{
	int queue = new_queue();
	for (unsigned i = 0; i < 10; i++)
		PUT_BYTES(queue, 1, 100, i);
	limit_queue(queue, 50);
	CHECK_HOLDS(queue, 10, 1000);
	CHECK_EQ(status_of(queue).msg_qbytes, 50);
	is_full_for(queue, "");
	for (unsigned i = 0; i < 9; i++) {
		GET_BYTES(queue, 1, 100, i, 100);
		is_full_for(queue, "x");
	}
	GET_BYTES(queue, 1, 100, 9, 100);
	PUT_BYTES(queue, 1, 50, 77);
	is_full_for(queue, "x");
	GET_BYTES(queue, 1, 50, 77, 50);
}

CASE(msgctl_set_up_again_makes_space)
{
	int queue = new_queue_of(4);
	PUT(queue, 1, "1234");
	is_full_for(queue, "5");
	limit_queue(queue, 5);
	PUT(queue, 1, "5");
	is_full_for(queue, "6");
	limit_queue(queue, (unsigned long)limits_of_queues().msgmnb);
	PUT_BYTES(queue, 1, 4096, 1);
	GET(queue, 0, 0, 1, "1234");
	GET(queue, 0, 0, 1, "5");
	GET_BYTES(queue, 1, 4096, 1, 4096);
}

CASE(msgsnd_of_more_than_the_queue_takes_is_eagain)
{
	int queue = new_queue_of(100);
	CHECK_FAILS(send_bytes(queue, 1, 101, 0, IPC_NOWAIT), EAGAIN);
	PUT_BYTES(queue, 1, 100, 1);
	GET_BYTES(queue, 1, 100, 1, 100);
}

CASE(msgsnd_fills_and_empties_a_queue_again_and_again)
{
	int queue = new_queue();
	unsigned number = 0;
	for (int turn = 0; turn < 50; turn++) {
		unsigned first = number;
		size_t size = (size_t)(turn * 97 % 1500);
		while (send_bytes(queue, 1, size, number, IPC_NOWAIT) == 0) {
			number++;
			if (number - first == 400)
				break;
		}
		CHECK_HOLDS(queue, number - first, (number - first) * size);
		for (; first < number; first++)
			GET_BYTES(queue, 1, size, first, size);
		CHECK_HOLDS(queue, 0, 0);
	}
}

CASE(msgsnd_sizes_of_all_kinds_in_one_queue)
{
	enum { MOST = 64 };
	struct {
		size_t size;
		unsigned number;
	} in[MOST];
	unsigned count = 0, number = 0;
	size_t bytes = 0, limit = (size_t)limits_of_queues().msgmnb;
	int queue = new_queue();
	srand(7);
	for (int turn = 0; turn < 4000; turn++) {
		size_t size = (size_t)rand() % (rand() % 8 ? 300 : 8193);
		bool fits = bytes + size <= limit;
		if (count < MOST && rand() % 2) {
			int result = send_bytes(queue, 1, size, number, IPC_NOWAIT);
			CHECK_EQ(result, fits ? 0 : -1);
			if (fits) {
				in[count].size = size;
				in[count++].number = number;
				bytes += size;
			}
			number++;
		} else if (count > 0) {
			GET_BYTES(queue, 1, in[0].size, in[0].number, BODY);
			bytes -= in[0].size;
			memmove(in, in + 1, --count * sizeof in[0]);
		}
	}
	CHECK_HOLDS(queue, count, bytes);
}
