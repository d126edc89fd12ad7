/* Opening by name: what O_CREAT and O_EXCL do, when mode and value count, and what is not
 * a name. */
#include "../course.h"

#include <fcntl.h>
#include <limits.h>
#include <semaphore.h>

static sem_t *attempt(const char *title, const char *name, int flags, unsigned value)
{
	sem_t *semaphore = sem_open(name, flags, 0600, value);
	if (semaphore == SEM_FAILED) {
		printf("%-44s %s\n", title, strerrorname_np(errno));
		return NULL;
	}
	int now;
	check(sem_getvalue(semaphore, &now), "sem_getvalue");
	printf("%-44s value %d\n", title, now);
	return semaphore;
}

int main(void)
{
	begin();
	struct name name = own_name("flags");
	attempt("no such semaphore, no O_CREAT", name.text, 0, 0);
	sem_t *first = attempt("O_CREAT, value 3", name.text, O_CREAT, 3);
	sem_t *second = attempt("O_CREAT again: value 9 does not count", name.text, O_CREAT, 9);
	attempt("O_CREAT and O_EXCL", name.text, O_CREAT | O_EXCL, 9);
	sem_t *third = attempt("no flags", name.text, 0, 9);
	printf("one name opened three times is one address: %s\n",
	       yes_no(first == second && second == third));
	check(sem_close(first), "sem_close");
	check(sem_close(second), "sem_close");
	printf("open once more, so still there: post %s\n", outcome(sem_post(third)));
	check(sem_close(third), "sem_close");
	check(sem_unlink(name.text), "sem_unlink");

	attempt("a value above SEM_VALUE_MAX", name.text, O_CREAT, SEM_VALUE_MAX + 1U);
	attempt("an empty name", "/", O_CREAT, 0);
	attempt("a slash in the middle", "/course/flags", O_CREAT, 0);
	char text[254];
	memset(text, 'n', sizeof(text));
	text[0] = '/';
	text[253] = '\0';
	attempt("252 characters, one more than fit", text, O_CREAT, 0);
	return EXIT_SUCCESS;
}
