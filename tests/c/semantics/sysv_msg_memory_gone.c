/* Memory that msgsnd and msgrcv have used, and that the program then unmaps or protects, is EFAULT
 * like any other that is not there. */
#include "../support/memory_gone.h"
#include "../support/sysv_msg.h"

static int queue;

static void pass(char *memory)
{
	struct message *message = (struct message *)(void *)memory;
	message->type = 1;
	CHECK_OK(msgsnd(queue, message, 100, 0));
	CHECK_EQ(msgrcv(queue, message, 100, 0, 0), 100);
}

static void check_no_message(char *memory)
{
	static struct message here = { .type = 1 };
	struct message *message = (struct message *)(void *)memory;
	CHECK_FAILS(msgsnd(queue, message, 100, 0), EFAULT);
	CHECK_FAILS(msgrcv(queue, &here, 100, 0, IPC_NOWAIT), ENOMSG);
	CHECK_OK(msgsnd(queue, &here, 100, 0));
	CHECK_FAILS(msgrcv(queue, message, 100, 0, 0), EFAULT);
	while (msgrcv(queue, &here, 100, 0, IPC_NOWAIT) >= 0)
		;
}

CASE(msgsnd_and_msgrcv_of_memory_that_is_not_there_any_more_are_efault)
{
	queue = new_queue();
	gone_each(pass, check_no_message);
}
