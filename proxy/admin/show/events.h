/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_ADMIN_EVENTS_H
#define WEIR_ADMIN_EVENTS_H

#include "call/admin.h"

/* To all who watch. */
void events_broadcast(struct admin *a, const struct control_event *e);

#endif
