/* SPDX-License-Identifier: Apache-2.0 */
/* A ring of changes of state that were not yet taken. */
#include "weir/decide/events.h"

void event_push(struct event_ring *r, const struct pool_event *ev)
{
    r->ring[(r->first + r->count) % EVENTS_MAX] = *ev;
    if (r->count < EVENTS_MAX)
        r->count++;
    else
        r->first = (r->first + 1) % EVENTS_MAX;
}

bool event_take(struct event_ring *r, struct pool_event *ev)
{
    if (r->count == 0)
        return false;
    *ev = r->ring[r->first];
    r->first = (r->first + 1) % EVENTS_MAX;
    r->count--;
    return true;
}
