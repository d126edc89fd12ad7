/* Receives a message of a type from the queue of a key, and waits for it: queues KEY TYPE. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/msg.h>

int main(int count, char **words)
{
	struct { long type; char body[100]; } message;
	if (count != 3)
		return 2;
	int queue = msgget((key_t)strtoul(words[1], NULL, 16), 0600);
	ssize_t length = msgrcv(queue, &message, sizeof message.body, atol(words[2]), 0);
	if (length < 0)
		return 1;
	fwrite(message.body, 1, (size_t)length, stdout);
	return 0;
}
