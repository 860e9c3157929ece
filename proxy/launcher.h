/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_LAUNCHER_H
#define WEIR_LAUNCHER_H

#include <signal.h>

/*
 * The launcher: a child made at the very start, before settings are read, that outlives the sandbox
 * and starts the next weir when it is told to (weir/flow/launch.h).  It ends with the process that
 * made it.  `mask` is the signal mask that weir itself was started with.
 */

/* The socket to it; -1: there is none, with errno.  Call it while there is one thread. */
int launcher_begin(char **argv, const sigset_t *mask);

#endif
