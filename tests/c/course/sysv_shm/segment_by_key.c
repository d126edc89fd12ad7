/* Two programs that have nothing in common but a key. The first one makes the segment; the second
 * one finds it (size 0, flags 0: it makes nothing), and answers.
 *
 *   segment_by_key             both, one after the other
 *   segment_by_key first KEY   makes the segment, waits for the answer, removes it
 *   segment_by_key second KEY  answers
 */
#include "segment.h"

struct letter {
	volatile int answered;
	char question[64], answer[64];
};

static int make(key_t key)
{
	int segment = segment_of(key, sizeof(struct letter), IPC_CREAT | IPC_EXCL | 0600);
	struct letter *letter = attach(segment, 0);
	strcpy(letter->question, "is anybody there?");
	printf("first: %s\n", letter->question);
	detach(letter);
	return segment;
}

static void await_answer(int segment)
{
	struct letter *letter = attach(segment, 0);
	while (!letter->answered)
		usleep(1000);
	printf("first: the answer is %s\n", letter->answer);
	detach(letter);
	remove_segment(segment);
}

static void answer(key_t key)
{
	struct letter *letter = attach(segment_of(key, 0, 0), 0);
	printf("second: %s\n", letter->question);
	strcpy(letter->answer, "yes");
	letter->answered = 1;
	detach(letter);
}

int main(int argc, char **argv)
{
	begin();
	if (argc == 3) {
		key_t key = (key_t)strtol(argv[2], NULL, 0);
		if (strcmp(argv[1], "first") == 0)
			await_answer(make(key));
		else
			answer(key);
		return EXIT_SUCCESS;
	}
	key_t key = own_key();
	printf("second, too early: %s\n", outcome(shmget(key, 0, 0)));
	int segment = make(key);
	printf("another first: %s\n", outcome(shmget(key, 10, IPC_CREAT | IPC_EXCL | 0600)));
	printf("a larger one: %s\n", outcome(shmget(key, 10000, 0600)));
	pid_t second = fork_child();
	if (second == 0) {
		answer(key);
		exit(EXIT_SUCCESS);
	}
	expect_success(second);
	await_answer(segment);
	printf("second, too late: %s\n", outcome(shmget(key, 0, 0)));
	return EXIT_SUCCESS;
}
