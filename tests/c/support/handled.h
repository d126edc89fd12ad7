/* Handlers, and whether one has run. */
#ifndef SUPPORT_HANDLED_H
#define SUPPORT_HANDLED_H

#include "check.h"

static volatile sig_atomic_t handled;

__attribute__((unused)) static void counts(int signal)
{
	(void)signal;
	handled++;
}

__attribute__((unused)) static void handle(int signal, void (*handler)(int), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };
	CHECK_OK(sigaction(signal, &action, NULL));
}

__attribute__((unused)) static const int handler_flags[] = { 0, SA_RESTART };

#endif
