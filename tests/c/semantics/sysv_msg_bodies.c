/* Bodies: whole, byte by byte, and nothing beside them. */
#include "../support/sysv_msg.h"

CASE(msgsnd_bodies_of_each_length_up_to_600)
{
	int queue = new_queue();
	for (unsigned length = 0; length <= 600; length++) {
		PUT_BYTES(queue, 1, length, length);
		GET_BYTES(queue, 1, length, length, length);
	}
}

CASE(msgsnd_bodies_around_powers_of_two)
{
	int queue = new_queue();
	unsigned number = 0;
	for (size_t size = 64; size <= BODY; size *= 2)
		for (size_t length = size - 9; length <= size + 9; length++, number++) {
			if (length > (size_t)limits_of_queues().msgmax)
				continue;
			PUT_BYTES(queue, 1, length, number);
			GET_BYTES(queue, 1, length, number, length + number % 3);
		}
}

CASE(msgsnd_bodies_up_to_msgmax)
{
	size_t most = (size_t)limits_of_queues().msgmax;
	int queue = new_queue();
	for (size_t length = most; length > most - 20; length--) {
		PUT_BYTES(queue, 1, length, length);
		GET_BYTES(queue, 1, length, length, most);
	}
}

CASE(msgsnd_bodies_of_several_messages_do_not_mix)
{
	int queue = new_queue();
	for (unsigned round = 0; round < 30; round++) {
		for (unsigned i = 0; i < 16; i++)
			PUT_BYTES(queue, i + 1, 100 + i * 50, round * 16 + i);
		for (unsigned i = 0; i < 16; i++) {
			unsigned which = (i * 7 + round) % 16;
			GET_BYTES(queue, which + 1, 100 + which * 50, round * 16 + which, 1000);
		}
	}
}

CASE(msgsnd_bodies_may_hold_zeros_anywhere)
{
	struct message sent = { .type = 1 }, got;
	int queue = new_queue();
	for (size_t place = 0; place < 100; place++) {
		memset(sent.body, 0, 100);
		sent.body[place] = 0xff;
		CHECK_OK(msgsnd(queue, &sent, 100, 0));
		memset(&got, 0xa5, sizeof got);
		CHECK_EQ(msgrcv(queue, &got, BODY, 0, 0), 100);
		CHECK_EQ(memcmp(got.body, sent.body, 100), 0);
	}
}

CASE(msgsnd_takes_the_body_as_it_is_now)
{
	struct message sent = { .type = 1, .body = "now" };
	int queue = new_queue();
	CHECK_OK(msgsnd(queue, &sent, 3, 0));
	memcpy(sent.body, "new", 3);
	sent.type = 9;
	CHECK_OK(msgsnd(queue, &sent, 3, 0));
	memset(&sent, 0, sizeof sent);
	GET(queue, 0, 0, 1, "now");
	GET(queue, 0, 0, 9, "new");
}

CASE(msgsnd_leaves_the_message_of_the_caller_alone)
{
	struct message sent, before;
	memset(&sent, 0x3c, sizeof sent);
	sent.type = 5;
	before = sent;
	int queue = new_queue();
	for (size_t length = 0; length < BODY; length += 999)
		CHECK_OK(msgsnd(queue, &sent, length % 2000, 0));
	CHECK_EQ(memcmp(&sent, &before, sizeof sent), 0);
}

CASE(msgsnd_and_msgrcv_at_addresses_of_any_alignment)
{
	static unsigned char from[4200], to[4200];
	int queue = new_queue();
	for (size_t shift = 0; shift < 16; shift++) {
		size_t length = 4000 + shift;
		long type = (long)shift + 1;
		memcpy(from + shift, &type, sizeof type);
		for (size_t i = 0; i < length; i++)
			from[shift + sizeof type + i] = byte_of(shift, i);
		CHECK_OK(msgsnd(queue, from + shift, length, 0));
		memset(to, 0xa5, sizeof to);
		CHECK_EQ(msgrcv(queue, to + 15 - shift, length, 0, 0), length);
		CHECK_EQ(memcmp(from + shift, to + 15 - shift, sizeof type + length), 0);
		CHECK_EQ(to[15 - shift + sizeof type + length], 0xa5);
	}
}

CASE(msgrcv_writes_no_byte_before_the_message)
{
	struct {
		unsigned char before[64];
		struct message message;
	} room;
	int queue = new_queue();
	memset(&room, 0xa5, sizeof room);
	PUT(queue, 1, "here");
	CHECK_EQ(msgrcv(queue, &room.message, BODY, 0, 0), 4);
	for (int i = 0; i < 64; i++)
		CHECK_EQ(room.before[i], 0xa5);
	check_message(__FILE__, __LINE__, &room.message, 4, 1, "here");
}

CASE(msgsnd_and_msgrcv_in_place)
{
	struct message message = { .type = 1 };
	int queue = new_queue();
	memset(message.body, 0xa5, BODY);
	memcpy(message.body, "again", 5);
	for (long turn = 1; turn < 100; turn++) {
		message.type = turn;
		CHECK_OK(msgsnd(queue, &message, 5, 0));
		CHECK_EQ(msgrcv(queue, &message, 5, 0, 0), 5);
		check_message(__FILE__, __LINE__, &message, 5, turn, "again");
	}
}

/* A file that is mapped, and has not been touched yet. */
CASE(msgsnd_and_msgrcv_in_mapped_files)
{
	int queue = new_queue(), file = memfd_create("body", 0);
	CHECK_OK(file);
	CHECK_OK(ftruncate(file, 16384));
	char *from = mmap(NULL, 16384, PROT_READ, MAP_SHARED, file, 0);
	char *to = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	CHECK(from != MAP_FAILED && to != MAP_FAILED);
	for (size_t i = 0; i < 5000; i++) {
		unsigned char byte = byte_of(3, i);
		CHECK_EQ(pwrite(file, &byte, 1, (off_t)(sizeof(long) + i)), 1);
	}
	CHECK_EQ(pwrite(file, &(long){ 8 }, sizeof(long), 0), sizeof(long));
	CHECK_OK(msgsnd(queue, from, 5000, 0));
	CHECK_EQ(msgrcv(queue, to + 8192, 5000, 8, 0), 5000);
	CHECK_EQ(memcmp(from, from + 8192, 5000), 0);
}
