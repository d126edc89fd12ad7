/* The four steps of the notes: a key by ftok, an id by shmget, an address by shmat, and shmctl for
 * what is known of the segment and to change it. The key follows from a file that both programs
 * know; it is the same for each path that leads there. */
#include "segment.h"

#include <fcntl.h>

static void show(const char *when, int segment)
{
	struct shmid_ds status = status_of(segment);
	printf("%s: %zu bytes, mode %o, %lu attached, made by us %s, last by us %s, key %s\n", when,
	       status.shm_segsz, status.shm_perm.mode, (unsigned long)status.shm_nattch,
	       yes_no(status.shm_cpid == getpid()), yes_no(status.shm_lpid == getpid()),
	       yes_no(status.shm_perm.__key != 0));
}

int main(void)
{
	begin();
	struct name path = own_path("segment"), link = own_path("segment-link");
	close((int)check(open(path.text, O_CREAT | O_EXCL | O_WRONLY, 0600), path.text));
	check(symlink(path.text, link.text), link.text);
	key_t key = (key_t)check(ftok(path.text, 'S'), "ftok");
	printf("the same key by another path: %s\n", yes_no(ftok(link.text, 'S') == key));
	printf("another key for another number: %s\n", yes_no(ftok(path.text, 'T') != key));

	int segment = segment_of(key, 5000, IPC_CREAT | IPC_EXCL | 0640);
	show("new", segment);
	char *text = attach(segment, 0);
	show("attached", segment);
	strcpy(text, "hello");
	char *again = attach(segment_of(key, 0, 0), SHM_RDONLY);
	printf("by its key, read-only: %s, at another address: %s\n", again, yes_no(again != text));
	show("attached twice", segment);

	struct shmid_ds status = status_of(segment);
	status.shm_perm.mode = 0600;
	check(shmctl(segment, IPC_SET, &status), "IPC_SET");
	show("IPC_SET", segment);
	detach(again);
	remove_segment(segment);
	show("removed, and in use", segment);
	printf("by its key: %s; what is in it: %s\n", outcome(shmget(key, 0, 0)), text);
	detach(text);
	printf("after the last detach: %s\n", outcome(shmctl(segment, IPC_STAT, &status)));
	check(unlink(link.text), "unlink");
	check(unlink(path.text), "unlink");
	return EXIT_SUCCESS;
}
