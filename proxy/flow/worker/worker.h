/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_WORKER_H
#define WEIR_FLOW_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/flow/control.h"
#include "weir/net/addr.h"

#include "record/record.h"
#include "snapshot/snapshot.h"
#include "worker/shared.h"

/*
 * A worker as control sees it: made and ended on control's thread, spoken to through its inbox.
 * Every order below may be given from control's thread only; it takes effect on the worker's.
 */
struct worker;

struct worker *worker_create(struct loop *records_to, void *control, int index, int n_workers,
                             struct snapshot *snapshot,
                             void (*deliver_records)(struct loop_message *m));
/* After worker_close and one more round of control's loop. */
void worker_destroy(struct worker **w);
/* Accepts on fd for a listener's slot; before worker_run.  The fd is the worker's from now on. */
bool worker_listen(struct worker *w, int listener, int fd);
/* The thread's function: returns after worker_stop. */
void worker_run(struct worker *w);

/* False: there is no memory, and the worker knows what it knew before. */
bool worker_set_addresses(struct worker *w, int slot, const struct net_addr *addrs, size_t n,
                          const char *why) WEIR_MUST_CHECK;
bool worker_set_incident(struct worker *w, int pool, const char *text) WEIR_MUST_CHECK;

/* Takes a reference over; without memory the worker shows the one before. */
void worker_set_status(struct worker *w, struct public_status *s);

/*
 * New requests go by it; those in flight end by the one they began with, which lives so long.  The
 * last worker that has it sends the message to reply_to.
 */
struct snapshot_swap {
    struct loop_message message;
    struct snapshot *snapshot;
    _Atomic int left; /* workers that do not have it yet */
};
/* What a worker is to change for a snapshot; made beforehand, NULL: there is no memory. */
struct worker_change;
struct worker_change *worker_change_create(struct worker *w, struct snapshot *next) WEIR_MUST_CHECK;
/* A listener begins (fd taken over when the change is given) or ends (-1). */
void worker_change_listener(struct worker_change *ch, int slot, int fd);
void worker_change_close_idle(struct worker_change *ch, int slot); /* of an upstream that is gone */
void worker_change_give(struct worker_change **ch, struct snapshot_swap *swap,
                        struct loop *reply_to);
void worker_change_destroy(struct worker_change **ch); /* one that is not given */

/* --- orders that reach the worker whatever the state of the memory */

/* Lame duck: answers ask their clients to come back by another connection. */
void worker_lame_duck(struct worker *w);
/* No new connections and requests; kept connections end with their answer. */
void worker_drain(struct worker *w);
/* Nobody is accepted; or again.  Connections wait meanwhile. */
void worker_pause(struct worker *w, bool pause);
/*
 * Another process has this one's listeners: of each slot its sockets of the first taken[slot]
 * workers.  Kept connections end with their next answer; there may be requests until worker_drain.
 */
void worker_retire(struct worker *w, const unsigned taken[SNAPSHOT_LISTENERS_MAX]);
/* What still runs ends with an honest error. */
void worker_abandon(struct worker *w);
void worker_stop(struct worker *w);
/* After its thread has ended: closes all of its connections, hands over the records of what still
 * ran and those it had kept.  Of every worker, before any is destroyed: their records are all in
 * control's inbox. */
void worker_close(struct worker *w);

/* fn is called on control's loop with up to max live requests of this worker. */
struct session_list {
    struct loop_message message;
    void (*fn)(struct session_list *l);
    void *arg;
    size_t n, max;
    struct live_request list[];
};
bool worker_list_sessions(struct worker *w, struct session_list *l,
                          struct loop *reply_to) WEIR_MUST_CHECK; /* false: no memory */

/* How many client connections each worker takes at most: descriptor limit, limits.connections. */
uint32_t worker_sessions_max(const struct settings *s);
/* Near limits.memory: no connection and no request is taken until it is said to be over. */
void worker_set_memory_short(struct worker *w, bool is_short);

/* Its counters, read by control with relaxed loads. */
const struct worker_counters *worker_counters(const struct worker *w);
const struct pool_counters *worker_pool_counters(const struct worker *w, int slot);
const struct upstream_counters *worker_upstream_counters(const struct worker *w, int slot);

#endif
