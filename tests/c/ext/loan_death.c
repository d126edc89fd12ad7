/* Loans and borrowed messages of a process that dies, or becomes another program: a loan is a free
 * slot again, a borrowed message goes to the others, in its place. */
#include "../support/loan.h"
#include "../support/namespace.h"

static const long DEPTHS[] = { 4, 100 };

static void take_two_loans(mqd_t queue)
{
	for (int i = 0; i < 2; i++) {
		char *body = loan(queue);
		CHECK(body);
		memset(body, 'x', SMALL_SIZE);
	}
}

static void borrow_two(mqd_t queue)
{
	CHECK(borrow(queue) && borrow(queue));
}

CASE(loan_of_one_that_is_killed_is_a_free_slot)
{
	for (int i = 0; i < 2; i++) {
		mqd_t queue = queue_create(i, O_RDWR, DEPTHS[i], SMALL_SIZE);
		pid_t child = child_that(take_two_loans, queue);
		expect_room_for(queue, (int)DEPTHS[i] - 2);
		queue_kill_child(child);
		expect_room_for(queue, 2);
	}
}

CASE(loan_what_one_has_borrowed_that_is_killed_comes_back_in_order)
{
	for (int i = 0; i < 2; i++) {
		mqd_t queue = queue_create(i, O_RDWR, DEPTHS[i], SMALL_SIZE);
		queue_put(queue, "first", 5);
		queue_put(queue, "second", 5);
		queue_put(queue, "third", 5);
		queue_put(queue, "low", 1);
		pid_t child = child_that(borrow_two, queue);
		CHECK_EQ(queue_count(queue), 4);
		queue_kill_child(child);
		queue_expect(queue, "first", 5);
		queue_expect(queue, "second", 5);
		queue_expect(queue, "third", 5);
		queue_expect(queue, "low", 1);
	}
}

CASE(loan_the_next_borrower_gets_what_a_dead_one_had)
{
	mqd_t queue = queue_small(0);
	queue_put(queue, "first", 5);
	queue_put(queue, "second", 5);
	for (int i = 0; i < 40; i++)
		queue_kill_child(child_that(borrow_two, queue));
	void *first = borrow_expecting(queue, "first", 5);
	CHECK_OK(rsipc_mq_release(queue, first));
	queue_expect(queue, "second", 5);
}

CASE(loan_peek_shows_what_a_dead_one_had)
{
	mqd_t queue = queue_small(0);
	char got[SMALL_SIZE];
	queue_put(queue, "first", 5);
	queue_put(queue, "second", 5);
	queue_kill_child(child_that(borrow_two, queue));
	CHECK_EQ(rsipc_mq_peek(queue, got, sizeof got, NULL, 0), 5);
	CHECK_EQ(rsipc_mq_peek(queue, got, sizeof got, NULL, 1), 6);
}

static void keep_and_exit(mqd_t queue, bool by_exit)
{
	pid_t child = check_fork();
	if (child == 0) {
		borrow_two(queue);
		take_two_loans(queue);
		if (by_exit)
			exit(0);
		_exit(0);
	}
	check_child(child);
}

CASE(loan_of_one_that_exits_is_a_free_slot)
{
	mqd_t queue = queue_create(0, O_RDWR, 8, SMALL_SIZE);
	queue_put(queue, "first", 5);
	queue_put(queue, "second", 5);
	for (int i = 0; i < 6; i++)
		keep_and_exit(queue, i % 2);
	queue_expect(queue, "first", 5);
	queue_expect(queue, "second", 5);
	expect_room_for(queue, 8);
}

CASE(loan_of_one_that_becomes_another_program_is_a_free_slot)
{
	mqd_t queue = queue_create(0, O_RDWR, 8, SMALL_SIZE);
	queue_put(queue, "first", 5);
	queue_put(queue, "second", 5);
	int until[2], begun[2];
	char byte;
	CHECK_OK(pipe(until));
	CHECK_OK(pipe2(begun, O_CLOEXEC));
	pid_t child = check_fork();
	if (child == 0) {
		borrow_two(queue);
		take_two_loans(queue);
		CHECK_OK(dup2(until[0], 0));
		CHECK_OK(close(until[0]));
		CHECK_OK(close(until[1]));
		execl("/bin/cat", "cat", NULL);
		_exit(1);
	}
	CHECK_OK(close(begun[1]));
	/* The end of the file comes when the program has begun. */
	CHECK_EQ(read(begun[0], &byte, 1), 0);
	queue_expect(queue, "first", 5);
	queue_expect(queue, "second", 5);
	expect_room_for(queue, 8);
	CHECK_OK(close(until[1]));
	check_child(child);
}

CASE(loan_of_the_parent_is_not_the_childs)
{
	mqd_t queue = queue_small(0);
	queue_put(queue, "parents", 5);
	char *body = borrow_expecting(queue, "parents", 5), *memory = loan(queue);
	pid_t child = check_fork();
	if (child == 0) {
		CHECK_EQ(memcmp(body, "parents", 7), 0);
		CHECK_FAILS(rsipc_mq_release(queue, body), EINVAL);
		CHECK_FAILS(rsipc_mq_return(queue, body), EINVAL);
		CHECK_FAILS(rsipc_mq_commit(queue, memory, 1, 0), EINVAL);
		/* It may have as many of its own. */
		take_two_loans(queue);
		CHECK_FAILS(rsipc_mq_return(queue, memory), EINVAL);
		_exit(0);
	}
	check_child(child);
	CHECK_OK(rsipc_mq_return(queue, body));
	*memory = 'p';
	CHECK_OK(rsipc_mq_commit(queue, memory, 1, 0));
	queue_expect(queue, "parents", 5);
	queue_expect(queue, "p", 0);
	expect_room_for(queue, SMALL_DEPTH);
}

/* Parent and child are both process 1, each in a PID namespace of its own. */
CASE(loan_of_the_parent_is_not_the_childs_that_has_its_number)
{
	need_namespaces();
	mqd_t queue = queue_small(0);
	queue_put(queue, "parents", 5);
	pid_t parent = namespace_fork();
	if (parent == 0) {
		char *body = borrow_expecting(queue, "parents", 5), *memory = loan(queue);
		/* No way back for process 1 of a namespace: it would not be in one of its own. */
		CHECK_OK(unshare(CLONE_NEWPID));
		pid_t child = check_fork();
		if (child == 0) {
			CHECK_EQ(getpid(), 1);
			CHECK_FAILS(rsipc_mq_release(queue, body), EINVAL);
			CHECK_FAILS(rsipc_mq_return(queue, body), EINVAL);
			CHECK_FAILS(rsipc_mq_commit(queue, memory, 1, 0), EINVAL);
			take_two_loans(queue);
			_exit(0);
		}
		check_child(child);
		/* What the child had is free again, although its parent lives. */
		expect_room_for(queue, SMALL_DEPTH - 2);
		CHECK_OK(rsipc_mq_return(queue, body));
		*memory = 'p';
		CHECK_OK(rsipc_mq_commit(queue, memory, 1, 1));
		_exit(0);
	}
	check_child(parent);
	queue_expect(queue, "parents", 5);
	queue_expect(queue, "p", 1);
}

static void *the_memory;
static int the_error;

static void loan_in_vfork_child(mqd_t queue)
{
	pid_t child = vfork();
	if (child == 0) {
		the_memory = loan(queue);
		the_error = errno;
		_exit(0);
	}
	CHECK_OK(child);
	check_child(child);
}

/* It has no life of its own that others could watch, and the memory is its parent's. */
CASE(loan_by_the_child_of_a_vfork_is_its_parents_or_enosys)
{
	mqd_t queue = queue_small(0);
	loan_in_vfork_child(queue);
	CHECK_EQ(the_memory, NULL);
	CHECK_EQ(the_error, ENOSYS);
	CHECK_OK(rsipc_mq_return(queue, loan(queue)));
	loan_in_vfork_child(queue);
	CHECK(the_memory);
	expect_room_for(queue, SMALL_DEPTH - 1);
	CHECK_OK(rsipc_mq_commit(queue, the_memory, 1, 0));
}

static void *take_in_thread(void *queue)
{
	take_two_loans(*(mqd_t *)queue);
	return borrow(*(mqd_t *)queue);
}

CASE(loan_of_a_thread_that_ends_is_the_processes)
{
	mqd_t queue = queue_small(0);
	pthread_t thread;
	void *body;
	queue_put(queue, "there", 5);
	CHECK_EQ(pthread_create(&thread, NULL, take_in_thread, &queue), 0);
	CHECK_EQ(pthread_join(thread, &body), 0);
	expect_no_message(queue);
	expect_room_for(queue, SMALL_DEPTH - 3);
	CHECK_OK(rsipc_mq_release(queue, body));
	expect_room_for(queue, 1);
}

static void *sleep_for_ever(void *unused)
{
	for (;;)
		pause();
	return unused;
}

CASE(loan_of_a_process_whose_first_thread_has_ended_is_kept)
{
	mqd_t queue = queue_small(0);
	int said[2];
	char byte;
	CHECK_OK(pipe(said));
	pid_t child = check_fork();
	if (child == 0) {
		pthread_t thread;
		take_two_loans(queue);
		CHECK_EQ(pthread_create(&thread, NULL, sleep_for_ever, NULL), 0);
		CHECK_EQ(write(said[1], "x", 1), 1);
		pthread_exit(NULL);
	}
	CHECK_EQ(read(said[0], &byte, 1), 1);
	char path[64], state = 0;
	snprintf(path, sizeof path, "/proc/%d/stat", (int)child);
	for (int looks = 0; looks < 10000 && state != 'Z'; looks++) {
		FILE *file = fopen(path, "r");
		CHECK(file && fscanf(file, "%*d %*s %c", &state) == 1);
		fclose(file);
		pause_ms(1);
	}
	CHECK_EQ(state, 'Z');
	expect_room_for(queue, SMALL_DEPTH - 2);
	queue_kill_child(child);
	expect_room_for(queue, 2);
}

CASE(loan_of_one_that_is_stopped_is_kept)
{
	mqd_t queue = queue_small(0);
	queue_put(queue, "first", 5);
	queue_put(queue, "second", 5);
	pid_t child = child_that(borrow_two, queue);
	int status;
	CHECK_OK(kill(child, SIGSTOP));
	CHECK_EQ(waitpid(child, &status, WUNTRACED), child);
	expect_no_message(queue);
	queue_put(queue, "third", 1);
	queue_expect(queue, "third", 1);
	queue_kill_child(child);
	queue_expect(queue, "first", 5);
}

/* Thirty processes may keep something at one time, and the dead do not count. */
CASE(loan_by_more_processes_than_there_are_records_is_eusers)
{
	enum { RECORDS = 30 };
	mqd_t queue = queue_create(0, O_RDWR, 100, SMALL_SIZE);
	pid_t children[RECORDS];
	for (int i = 0; i < RECORDS; i++)
		children[i] = child_that(take_two_loans, queue);
	CHECK_FAILS_AS(loan(queue), NULL, EUSERS);
	queue_put(queue, "there", 0);
	CHECK_FAILS_AS(borrow(queue), NULL, EUSERS);
	queue_kill_child(children[7]);
	loan_put(queue, "here", 9);
	queue_expect(queue, "here", 9);
	for (int i = 0; i < RECORDS; i++)
		if (i != 7)
			queue_kill_child(children[i]);
	queue_expect(queue, "there", 0);
	expect_room_for(queue, 100);
}

CASE(loan_closing_without_a_loan_gives_the_record_back)
{
	mqd_t queue = queue_small(0);
	for (int i = 0; i < 100; i++) {
		mqd_t again = queue_again(0, O_RDWR);
		loan_put(again, "here", 0);
		CHECK_OK(mq_close(again));
		queue_expect(queue, "here", 0);
	}
}

CASE(loan_of_one_that_dies_beside_another_keeps_the_others)
{
	mqd_t queue = queue_create(0, O_RDWR, 8, SMALL_SIZE);
	pid_t stays = child_that(take_two_loans, queue);
	queue_kill_child(child_that(take_two_loans, queue));
	expect_room_for(queue, 6);
	queue_kill_child(stays);
	expect_room_for(queue, 2);
}
