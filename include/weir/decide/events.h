/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_EVENTS_H
#define WEIR_DECIDE_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/decide/pool.h"

/* Changes of state that nobody has taken yet; when it is full the oldest is lost. */

enum { EVENTS_MAX = 256 };

struct event_ring {
    uint32_t first, count;
    struct pool_event ring[EVENTS_MAX];
};

void event_push(struct event_ring *r, const struct pool_event *ev);
bool event_take(struct event_ring *r, struct pool_event *ev);

#endif
