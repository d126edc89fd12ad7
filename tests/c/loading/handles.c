/* Whose functions a program gets, asking in several ways. Prints a line for each:
 * docs/preload.md has the table. */
#include <dlfcn.h>
#include <semaphore.h>

#include "must.h"

static void say(const char *how, void *function)
{
	Dl_info info;
	MUST(function && dladdr(function, &info));
	printf("%s: %s\n", how, strstr(info.dli_fname, "rsipc") ? "ours" : "the C library's");
}

int main(void)
{
	say("linked", (void *)sem_post);
	say("RTLD_DEFAULT", dlsym(RTLD_DEFAULT, "sem_post"));
	say("RTLD_NEXT", dlsym(RTLD_NEXT, "sem_post"));
	say("dlopen(NULL)", dlsym(dlopen(NULL, RTLD_NOW), "sem_post"));
	say("dlopen(libc)", dlsym(dlopen("libc.so.6", RTLD_NOW), "close"));
	say("dlopen(librt)", dlsym(dlopen("librt.so.1", RTLD_NOW), "mq_open"));
	say("dlvsym", dlvsym(RTLD_DEFAULT, "sem_post", "GLIBC_2.2.5"));
	return 0;
}
