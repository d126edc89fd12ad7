/* The parent of parent.h for Java, which has no queues of its own. */
#include <jni.h>

#include "parent.h"

static struct parent parent;

JNIEXPORT void JNICALL Java_Spawn_open(JNIEnv *env, jclass class)
{
	(void)env, (void)class;
	parent = parent_open();
}

JNIEXPORT void JNICALL Java_Spawn_check(JNIEnv *env, jclass class, jstring way)
{
	(void)class;
	const char *name = (*env)->GetStringUTFChars(env, way, NULL);
	parent_check(&parent, name);
	(*env)->ReleaseStringUTFChars(env, way, name);
}
