/* What msgsnd, msgrcv and msgctl refuse, and which error comes first. */
#include "../support/sysv_msg.h"

#include <stdint.h>

static struct message letter = { .type = 1, .body = "x" };

static size_t too_long(void)
{
	return (size_t)limits_of_queues().msgmax + 1;
}

/* Two pages, of which the second cannot be used: where the first one ends. */
static char *end_of_memory(void)
{
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(pages != MAP_FAILED);
	CHECK_OK(mprotect(pages + 4096, 4096, PROT_NONE));
	return pages + 4096;
}

CASE(msgsnd_of_a_negative_id_is_einval)
{
	CHECK_FAILS(msgsnd(-1, &letter, 1, 0), EINVAL);
	CHECK_FAILS(msgsnd(INT_MIN, &letter, 1, IPC_NOWAIT), EINVAL);
}

CASE(msgsnd_of_an_unknown_id_is_einval)
{
	CHECK_FAILS(msgsnd(removed_queue(), &letter, 1, 0), EINVAL);
	CHECK_FAILS(msgsnd(INT_MAX, &letter, 1, 0), EINVAL);
}

CASE(msgsnd_of_a_type_below_1_is_einval)
{
	int queue = new_queue();
	long types[] = { 0, -1, LONG_MIN };
	for (int i = 0; i < 3; i++)
		CHECK_FAILS(send_text(queue, types[i], "x", 0), EINVAL);
	CHECK_HOLDS(queue, 0, 0);
	CHECK_EQ(status_of(queue).msg_lspid, 0);
}

CASE(msgsnd_above_msgmax_is_einval)
{
	int queue = new_queue();
	CHECK_FAILS(send_bytes(queue, 1, too_long(), 0, 0), EINVAL);
	CHECK_FAILS(send_bytes(queue, 1, too_long(), 0, IPC_NOWAIT), EINVAL);
	CHECK_OK(send_bytes(queue, 1, too_long() - 1, 0, 0));
	CHECK_HOLDS(queue, 1, too_long() - 1);
}

CASE(msgsnd_of_a_negative_size_is_einval)
{
	int queue = new_queue();
	CHECK_FAILS(msgsnd(queue, &letter, (size_t)-1, 0), EINVAL);
	CHECK_FAILS(msgsnd(queue, &letter, (size_t)LONG_MIN, 0), EINVAL);
	CHECK_HOLDS(queue, 0, 0);
}

CASE(msgsnd_of_a_type_that_cannot_be_read_is_efault_first_of_all)
{
	int queue = new_queue();
	CHECK_FAILS(msgsnd(queue, NULL, 1, 0), EFAULT);
	CHECK_FAILS(msgsnd(queue, no_memory(), 1, 0), EFAULT);
	CHECK_FAILS(msgsnd(-1, no_memory(), 1, 0), EFAULT);
	CHECK_FAILS(msgsnd(queue, no_memory(), too_long(), 0), EFAULT);
	CHECK_FAILS(msgsnd(removed_queue(), no_memory(), (size_t)-1, 0), EFAULT);
	CHECK_FAILS(msgsnd(queue, end_of_memory() - sizeof(long) + 1, 0, 0), EFAULT);
	CHECK_HOLDS(queue, 0, 0);
}

CASE(msgsnd_of_a_body_that_cannot_be_read_is_efault)
{
	int queue = new_queue();
	char *end = end_of_memory();
	long *type = (long *)(void *)(end - sizeof(long) - 16);
	*type = 1;
	CHECK_FAILS(msgsnd(queue, type, 17, 0), EFAULT);
	CHECK_FAILS(msgsnd(queue, type, 4096, 0), EFAULT);
	CHECK_HOLDS(queue, 0, 0);
	CHECK_OK(msgsnd(queue, type, 16, 0));
	CHECK_HOLDS(queue, 1, 16);
}

CASE(msgsnd_of_length_0_reads_the_type_alone)
{
	int queue = new_queue();
	long *type = (long *)(void *)(end_of_memory() - sizeof(long));
	*type = 7;
	CHECK_OK(msgsnd(queue, type, 0, 0));
	GET(queue, 0, 0, 7, "");
}

CASE(msgsnd_size_and_type_come_before_the_body)
{
	int queue = new_queue();
	long *type = (long *)(void *)(end_of_memory() - sizeof(long));
	*type = 1;
	CHECK_FAILS(msgsnd(queue, type, too_long(), 0), EINVAL);
	CHECK_FAILS(msgsnd(-1, type, 1, 0), EINVAL);
	*type = 0;
	CHECK_FAILS(msgsnd(queue, type, 1, 0), EINVAL);
	CHECK_FAILS(msgsnd(removed_queue(), type, 1, 0), EINVAL);
}

CASE(msgsnd_body_comes_before_the_id)
{
	long *type = (long *)(void *)(end_of_memory() - sizeof(long));
	*type = 1;
	CHECK_FAILS(msgsnd(removed_queue(), type, 1, 0), EFAULT);
}

CASE(msgsnd_into_a_full_queue_is_eagain_after_all_other_errors)
{
	int queue = new_queue_of(1);
	PUT(queue, 1, "x");
	CHECK_FAILS(send_text(queue, 1, "x", IPC_NOWAIT), EAGAIN);
	CHECK_FAILS(send_text(queue, 0, "x", IPC_NOWAIT), EINVAL);
	CHECK_FAILS(msgsnd(queue, no_memory(), 1, IPC_NOWAIT), EFAULT);
	CHECK_FAILS(send_bytes(queue, 1, too_long(), 0, IPC_NOWAIT), EINVAL);
}

CASE(msgrcv_of_a_negative_id_is_einval)
{
	struct message got;
	CHECK_FAILS(msgrcv(-1, &got, BODY, 0, 0), EINVAL);
	CHECK_FAILS(msgrcv(INT_MIN, &got, BODY, 0, IPC_NOWAIT), EINVAL);
	CHECK_FAILS(msgrcv(-1, no_memory(), BODY, 0, 0), EINVAL);
}

CASE(msgrcv_of_an_unknown_id_is_einval)
{
	struct message got;
	CHECK_FAILS(msgrcv(removed_queue(), &got, BODY, 0, 0), EINVAL);
	CHECK_FAILS(msgrcv(INT_MAX, &got, BODY, 0, IPC_NOWAIT), EINVAL);
}

CASE(msgrcv_of_a_negative_size_is_einval)
{
	int queue = new_queue();
	struct message got;
	PUT(queue, 1, "stays");
	CHECK_FAILS(msgrcv(queue, &got, (size_t)-1, 0, 0), EINVAL);
	CHECK_FAILS(msgrcv(queue, &got, (size_t)-1, 0, MSG_NOERROR), EINVAL);
	CHECK_FAILS(msgrcv(queue, &got, (size_t)LONG_MIN, 0, IPC_NOWAIT), EINVAL);
	CHECK_HOLDS(queue, 1, 5);
}

CASE(msgrcv_buffer_may_be_larger_than_any_message)
{
	int queue = new_queue();
	struct message got;
	memset(&got, 0xa5, sizeof got);
	PUT(queue, 1, "small");
	CHECK_EQ(msgrcv(queue, &got, (size_t)LONG_MAX, 0, 0), 5);
	check_message(__FILE__, __LINE__, &got, 5, 1, "small");
}

CASE(msgrcv_flags_of_a_copy_come_before_the_id)
{
	struct message got;
	CHECK_FAILS(msgrcv(removed_queue(), &got, BODY, 0, MSG_COPY), EINVAL);
	CHECK_FAILS(msgrcv(removed_queue(), &got, BODY, 0, MSG_COPY | IPC_NOWAIT), EINVAL);
}

CASE(msgrcv_e2big_comes_before_the_buffer_and_enomsg_too)
{
	int queue = new_queue();
	CHECK_FAILS(msgrcv(queue, no_memory(), BODY, 0, IPC_NOWAIT), ENOMSG);
	PUT(queue, 1, "four");
	CHECK_FAILS(msgrcv(queue, no_memory(), 3, 0, 0), E2BIG);
	CHECK_FAILS(msgrcv(queue, no_memory(), BODY, 2, IPC_NOWAIT), ENOMSG);
	GET(queue, 0, 0, 1, "four");
}

CASE(msgctl_of_an_unknown_command_is_einval)
{
	struct msqid_ds status;
	int queue = new_queue(), commands[] = { -1, 4, 99, 0x100 | IPC_STAT, INT_MAX, INT_MIN };
	for (int i = 0; i < 6; i++)
		CHECK_FAILS(msgctl(queue, commands[i], &status), EINVAL);
	CHECK_OK(msgctl(queue, IPC_STAT, &status));
}

CASE(msgctl_of_an_unknown_id_is_einval)
{
	struct msqid_ds status = status_of(new_queue());
	int ids[] = { -1, INT_MIN, removed_queue(), INT_MAX };
	for (int i = 0; i < 4; i++) {
		CHECK_FAILS(msgctl(ids[i], IPC_STAT, &status), EINVAL);
		CHECK_FAILS(msgctl(ids[i], IPC_SET, &status), EINVAL);
		CHECK_FAILS(msgctl(ids[i], IPC_RMID, NULL), EINVAL);
	}
}

CASE(msgctl_memory_that_cannot_be_used_is_efault)
{
	int queue = new_queue();
	CHECK_FAILS(msgctl(queue, IPC_STAT, NULL), EFAULT);
	CHECK_FAILS(msgctl(queue, IPC_STAT, no_memory()), EFAULT);
	CHECK_FAILS(msgctl(queue, IPC_SET, NULL), EFAULT);
	CHECK_FAILS(msgctl(queue, IPC_SET, no_memory()), EFAULT);
	struct msqid_ds *cut = (void *)(end_of_memory() - sizeof *cut + 8);
	CHECK_FAILS(msgctl(queue, IPC_STAT, cut), EFAULT);
	CHECK_FAILS(msgctl(queue, IPC_SET, cut), EFAULT);
	CHECK_OK(msgctl(queue, IPC_RMID, no_memory()));
}

CASE(msgctl_set_reads_its_memory_before_it_looks_for_the_id)
{
	CHECK_FAILS(msgctl(removed_queue(), IPC_SET, NULL), EFAULT);
	CHECK_FAILS(msgctl(removed_queue(), IPC_STAT, NULL), EINVAL);
	CHECK_FAILS(msgctl(-1, IPC_SET, NULL), EINVAL);
}

CASE(msgsnd_and_msgrcv_failures_leave_no_trace)
{
	struct message got;
	int queue = new_queue_of(8);
	PUT(queue, 1, "12345678");
	struct msqid_ds before = status_of(queue);
	CHECK_FAILS(send_text(queue, 1, "9", IPC_NOWAIT), EAGAIN);
	CHECK_FAILS(msgrcv(queue, &got, 7, 0, 0), E2BIG);
	CHECK_FAILS(msgrcv(queue, &got, BODY, 2, IPC_NOWAIT), ENOMSG);
	CHECK_FAILS(send_text(queue, -3, "9", 0), EINVAL);
	struct msqid_ds after = status_of(queue);
	CHECK_EQ(memcmp(&before, &after, sizeof before), 0);
	GET(queue, 0, 0, 1, "12345678");
}
