/* The least there is: whether a way to link works at all, and what is done before main. */
#include <unistd.h>

int main(void)
{
	return getppid() == 0;
}
