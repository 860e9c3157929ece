/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_WORKER_PRIV_H
#define WEIR_FLOW_WORKER_PRIV_H

/* A worker from inside; private to worker/. */

#include "weir/net/listener.h"

#include "worker/shared.h"
#include "worker/worker.h"

struct accepting {
    struct listener *listeners[SNAPSHOT_LISTENERS_MAX];
    struct listener_slot {
        struct worker *w;
        int index, fd;
        bool waits; /* for memory to be opened with; the fd is here */
    } slots[SNAPSHOT_LISTENERS_MAX];
    uint32_t n_clients, max_clients;
    bool paused;  /* at max_clients, or ... */
    bool resting; /* ... another process may take over */
    uint64_t full_said_ns;
    struct loop_timer second;
};

void standing_orders_init(struct standing_orders *s, struct worker *w);
void worker_unlisten(struct worker *w, int listener);
/* Another process has the same socket: what waits there is that one's. */
void worker_leave_listener(struct worker *w, int listener);
/* Something has changed: are clients accepted now? */
void worker_accept_or_not(struct worker *w);

#endif
