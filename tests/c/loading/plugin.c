/* A plugin that is linked with librsipc; all that matters is that it needs it. */
int plugin_version(void);

int plugin_version(void)
{
	return 1;
}
