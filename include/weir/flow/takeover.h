/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_TAKEOVER_H
#define WEIR_FLOW_TAKEOVER_H

#include <stdbool.h>
#include <stddef.h>

#include "weir/net/inherited.h"

/*
 * The new process of a hot restart, as main sees it.  Main thread, before and during
 * control_create:
 *
 *     takeover_begin → takeover_sockets (in settle) → control_run does the rest
 *               └→ takeover_fail (instead, whatever is wrong): the old one hears why and goes on
 */
struct takeover;

/* NULL: nobody handed anything over, this is an ordinary start. */
struct takeover *takeover_begin(void);
/* Gets the listening sockets; t NULL: nothing to do.  False: a sentence in why. */
bool takeover_sockets(struct takeover *t, char *why, size_t room);
/* What came, to be taken from; NULL of NULL. */
struct inherited *takeover_inherited(struct takeover *t);
/* Tells the old one why this one does not start; nothing if it has been told. */
void takeover_fail(struct takeover *t, const char *why);
void takeover_end(struct takeover **t);

#endif
