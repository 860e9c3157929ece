/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_ADMIN_LIVE_H
#define WEIR_ADMIN_LIVE_H

#include "call/call.h"

/*
 * The frames of a page's event stream, as call.h's render_fn:
 *
 *     history   what history_json writes, and "events", the last ones: once, at the start
 *     point     the newest point of the history, once a second
 *     status    as `status --json`, once a second
 *     change    an object of `events`, as it happens
 */
void live_frame_tick(struct text *t, struct admin *a, const void *unused);
void live_frame_event(struct text *t, struct admin *a, const void *event);

#endif
