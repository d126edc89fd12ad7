/* The program of early.c. */
#include "must.h"

void check_early(void);

int main(void)
{
	alarm(SECONDS);
	SAY("main\n");
	check_early();
	return 0;
}
