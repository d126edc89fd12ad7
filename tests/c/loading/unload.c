/* usage: unload PLUGIN
 * Loads a plugin and unloads it. */
#include <dlfcn.h>

#include "must.h"

int main(int count, char **arguments)
{
	alarm(SECONDS);
	MUST(count == 2);
	void *plugin = dlopen(arguments[1], RTLD_NOW);
	MUST(plugin && dlclose(plugin) == 0);
	return 0;
}
