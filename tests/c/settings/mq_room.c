/* Queues in a RSIPC_DIR with little space: ENOSPC from mq_open, and nothing is left behind. Exit
 * status 77: nothing can be mounted here. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/must.h"

enum { CANNOT = 77, DEPTH = 10, PAGE = 4096 };

static const char *place;

static void mount_place(const char *options)
{
	if (mount("room", place, "tmpfs", 0, options) == -1) {
		fprintf(stderr, "tmpfs cannot be mounted here\n");
		exit(CANNOT);
	}
}

static int entries(void)
{
	int count = 0;
	DIR *dir = opendir(place);
	MUST(dir);
	for (struct dirent *entry; (entry = readdir(dir));)
		count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(dir);
	return count;
}

static mqd_t create(const char *name, long msgsize)
{
	struct mq_attr attr = { .mq_maxmsg = DEPTH, .mq_msgsize = msgsize };
	return mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
}

static void refused(const char *name, long msgsize)
{
	int before = entries();
	MUST(create(name, msgsize) == (mqd_t)-1 && errno == ENOSPC);
	MUST(entries() == before);
	MUST(mq_open(name, O_RDWR) == (mqd_t)-1 && errno == ENOENT);
	MUST(mq_unlink(name) == -1 && errno == ENOENT);
}

static void fill_and_drain(mqd_t queue)
{
	static char message[16 * PAGE];
	struct mq_attr attr;
	MUST(mq_getattr(queue, &attr) == 0);
	for (int i = 0; i < DEPTH; i++)
		MUST(mq_send(queue, message, (size_t)attr.mq_msgsize, 0) == 0);
	for (int i = 0; i < DEPTH; i++)
		MUST(mq_receive(queue, message, sizeof message, NULL) == attr.mq_msgsize);
}

/* Takes the space that is left. */
static void fill_place(void)
{
	char path[600], page[PAGE] = "x";
	snprintf(path, sizeof path, "%s/filler", place);
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0600);
	MUST(fd != -1);
	while (write(fd, page, sizeof page) > 0)
		;
	MUST(errno == ENOSPC && close(fd) == 0);
}

static void little_memory(void)
{
	mount_place("size=128k");
	refused("/large", 16 * PAGE);
	MUST(entries() == 0);
	mqd_t queue = create("/small", PAGE);
	MUST(queue != (mqd_t)-1);
	for (int i = 0; i < 100; i++)
		refused("/another", 2 * PAGE);
	fill_place();
	/* Its space is its own. */
	fill_and_drain(queue);
	refused("/tiny", 1);
	MUST(mq_close(queue) == 0 && mq_unlink("/small") == 0);
	MUST(entries() == 1);
	queue = create("/tiny", 1);
	MUST(queue != (mqd_t)-1);
	fill_and_drain(queue);
	MUST(umount2(place, MNT_DETACH) == 0);
}

/* The directory itself takes one; a queue takes two. */
static void few_files(void)
{
	for (int files = 1; files <= 3; files++) {
		char options[40];
		snprintf(options, sizeof options, "size=1m,nr_inodes=%d", files);
		mount_place(options);
		for (int i = 0; files < 3 && i < 3; i++)
			refused("/queue", 8);
		if (files == 3) {
			mqd_t queue = create("/queue", 8);
			MUST(queue != (mqd_t)-1);
			refused("/another", 8);
			fill_and_drain(queue);
			MUST(mq_unlink("/queue") == 0 && mq_close(queue) == 0);
		}
		MUST(entries() == 0);
		MUST(umount2(place, MNT_DETACH) == 0);
	}
}

int main(void)
{
	place = getenv("RSIPC_DIR");
	MUST(place);
	if (unshare(CLONE_NEWNS) == -1 ||
	    mount(NULL, "/", "none", MS_REC | MS_PRIVATE, NULL) == -1) {
		fprintf(stderr, "only root can mount\n");
		return CANNOT;
	}
	little_memory();
	few_files();
	return 0;
}
