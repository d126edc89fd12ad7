/* Where there is little memory for queues: an errno and no signal, and what was sent stays whole.
 * The kernel's queues do not lie in /dev/shm. */
#include "../support/private_shm.h"
#include "../support/sysv_msg.h"

enum { MANY = 64 };

static void fill_place(void)
{
	static const char bytes[4096] = "x";
	int file = open("/dev/shm/filler", O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	CHECK_OK(file);
	while (write(file, bytes, sizeof bytes) > 0)
		;
	CHECK_EQ(errno, ENOSPC);
	CHECK_OK(close(file));
}

static void empty_place(void)
{
	CHECK_OK(unlink("/dev/shm/filler"));
}

/* Files that belong to queues and keys. */
static int files_of_queues(void)
{
	int count = 0;
	DIR *place = opendir("/dev/shm");
	CHECK(place);
	for (struct dirent *entry; (entry = readdir(place));)
		count += strncmp(entry->d_name, "rsipc-sv", strlen("rsipc-sv")) == 0;
	closedir(place);
	return count;
}

CASE(msgget_without_space_is_an_errno_and_leaves_nothing)
{
	int queues[MANY], count = 0;
	private_tmpfs("/dev/shm", 0, "size=256k");
	while (count < MANY && (queues[count] = msgget(own_key(count), IPC_CREAT | 0600)) != -1)
		noted(queues[count++]);
	if (count < MANY) {
		CHECK(errno == ENOSPC || errno == ENOMEM);
		CHECK_FAILS(msgget(own_key(count), 0600), ENOENT);
	}
	CHECK(count > 3);
	/* Each that was made can be used. */
	for (int i = 0; i < count; i++) {
		PUT(queues[i], 1, "short");
		GET(queues[i], 0, 0, 1, "short");
		remove_queue(queues[i]);
	}
	CHECK_EQ(files_of_queues(), 0);
	noted(msgget(own_key(count), IPC_CREAT | IPC_EXCL | 0600));
}

/* Of each length: in the slot, in parts of a block, in a block. */
static const size_t lengths[] = { 0, 1, 96, 97, 512, 513, 2048, 2049, 8000 };

CASE(msgsnd_in_a_full_place_is_an_errno_and_no_signal)
{
	enum { LENGTHS = sizeof lengths / sizeof lengths[0] };
	private_tmpfs("/dev/shm", 0, "size=1m");
	int queue = new_queue();
	PUT_BYTES(queue, 50, 3000, 7);
	fill_place();
	bool is_sent[LENGTHS];
	for (int i = 0; i < LENGTHS; i++) {
		is_sent[i] = send_bytes(queue, i + 1, lengths[i], (unsigned)i, IPC_NOWAIT) == 0;
		if (!is_sent[i])
			CHECK(errno == ENOMEM || errno == EAGAIN);
	}
	CHECK(is_sent[0] && is_sent[1] && is_sent[2]);
	for (int i = 0; i < LENGTHS; i++)
		if (is_sent[i])
			GET_BYTES(queue, i + 1, lengths[i], (unsigned)i, lengths[i]);
	GET_BYTES(queue, 50, 3000, 7, 3000);
	CHECK_HOLDS(queue, 0, 0);
	empty_place();
	for (int i = 0; i < LENGTHS; i++) {
		PUT_BYTES(queue, i + 1, lengths[i], (unsigned)i);
		GET_BYTES(queue, i + 1, lengths[i], (unsigned)i, lengths[i]);
	}
}

/* More messages than slots that there are. */
CASE(msgsnd_of_many_in_a_full_place_keeps_what_was_sent)
{
	enum { LIMIT = 1000 };
	private_tmpfs("/dev/shm", 0, "size=1m");
	int queue = new_queue(), count = 0;
	fill_place();
	while (count < LIMIT && send_bytes(queue, 1, 4, (unsigned)count, IPC_NOWAIT) == 0)
		count++;
	if (count < LIMIT)
		CHECK(errno == ENOMEM);
	CHECK(count >= 60);
	for (int i = 0; i < count; i++)
		GET_BYTES(queue, 1, 4, (unsigned)i, 4);
	CHECK_HOLDS(queue, 0, 0);
	empty_place();
	for (int i = 0; i < LIMIT; i++)
		PUT_BYTES(queue, 1, 4, (unsigned)i);
}

static bool has_ended(pid_t child)
{
	siginfo_t end = { 0 };
	CHECK_OK(waitid(P_PID, (id_t)child, &end, WEXITED | WNOWAIT | WNOHANG));
	return end.si_pid == child;
}

/* A receiver needs a record to sleep, which may need a block of its own. */
CASE(msgrcv_in_a_full_place_sleeps_or_is_enomem)
{
	private_tmpfs("/dev/shm", 0, "size=1m");
	int queue = new_queue();
	fill_place();
	pid_t receiver = check_fork();
	if (receiver == 0) {
		struct message got;
		ssize_t length = msgrcv(queue, &got, BODY, 0, 0);
		_exit(length == 4 || (length == -1 && errno == ENOMEM) ? 0 : 1);
	}
	CHECK_SOON(asleep(receiver, receiver) || has_ended(receiver));
	PUT(queue, 1, "here");
	check_child(receiver);
}
