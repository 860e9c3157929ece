/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_SHARED_H
#define WEIR_FLOW_SHARED_H

/*
 * What the rooms of the data path share of a worker: its loop, settings, counters, scratch, and
 * each room's own objects, which only that room looks into.
 *
 *   session   one client connection with its HTTP/1 framing             (client/h1/)
 *   exchange  one request and its answer                                (exchange/)
 *   uplink    one upstream connection, idle or working for an exchange  (upstream/h1/)
 *
 * All of these live and die on their worker's thread.  What crosses threads is the gate, counters,
 * inboxes and the snapshot.
 */

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/assert.h"
#include "weir/base/buf.h"
#include "weir/base/clock.h"
#include "weir/base/hash.h"
#include "weir/base/list.h"
#include "weir/base/log.h"
#include "weir/flow/counters.h"
#include "weir/http/field_list.h"
#include "weir/net/loop.h"
#include "weir/pages/refusal.h"

#include "record/record.h"
#include "snapshot/snapshot.h"
#include "snapshot/use.h"

enum {
    SCRATCH_BYTES = 64 * 1024,
    LINES_BYTES = 288 * 1024, /* room for any head we may have to write anew */
    PATH_BYTES = 64 * 1024 + 1,
    LISTED_MAX = SNAPSHOT_FIELDS_MAX + 24,
};

/* Valid inside one callback only. */
struct scratch {
    char *in;                  /* SCRATCH_BYTES, received bytes */
    char *lines;               /* LINES_BYTES, a head being written */
    char *path;                /* PATH_BYTES, a path being matched */
    struct http_field *fields; /* SNAPSHOT_FIELDS_MAX, of the head being parsed */
    struct http_field *listed; /* LISTED_MAX, of the head being made */
};

/* The public status page, made by control, shared by all workers. */
struct public_status {
    _Atomic uint32_t refs;
    struct buf json;
    struct buf html[LANGUAGES_MAX];
};
void public_status_unref(struct public_status *s);

/* Orders of control that need no memory (worker/standing.c). */
struct standing_orders {
    struct loop_message message;
    struct worker *w;
    _Atomic unsigned wanted;
    _Atomic bool pause;
    unsigned taken[SNAPSHOT_LISTENERS_MAX];
};

struct worker {
    struct loop *loop;
    int index, n_workers;
    struct snapshot *snapshot; /* the one in force */
    struct snapshot_use *use;
    char *incidents[SNAPSHOT_POOLS_MAX + 1]; /* the operator's texts, from control; owned */
    struct public_status *status;            /* from control; a reference */
    struct rng rng;                          /* jitter */
    struct entropy entropy;                  /* ids */
    bool draining;                           /* answers end their connections */
    bool quitting;                           /* no new request */
    _Atomic bool memory_short;               /* by control: near limits.memory, nothing new */
    uint64_t shortage_said_ns;
    struct standing_orders standing;
    struct record_writer records;
    struct scratch scratch;

    struct clients *clients;
    struct exchanges *exchanges;
    struct uplinks *uplinks;
    struct accepting *accepting; /* worker/ */

    struct worker_counters counters;
    struct pool_counters pools[SNAPSHOT_POOLS_MAX + 1]; /* [0]: reached no pool */
    struct upstream_counters upstreams[SNAPSHOT_UPSTREAMS_MAX];
};

/* A request failed at an upstream for a lack of weir's own; said once in ten seconds. */
static inline void worker_say_shortage(struct worker *w, const char *what)
{
    uint64_t now = loop_now_ns(w->loop);

    if (w->shortage_said_ns != 0 && now - w->shortage_said_ns < 10 * NS_PER_S)
        return;
    w->shortage_said_ns = now;
    log_warn("worker %d: a request cannot go on: %s; this says nothing about the upstream",
             w->index, what);
}

/* An empty list in the worker's scratch, for the rest of this callback. */
static inline void worker_field_list(struct worker *w, struct field_list *l)
{
    field_list_init(l, w->scratch.listed, LISTED_MAX, w->scratch.lines, LINES_BYTES);
}

/* The public status page in a form; empty as long as control has made none. */
static inline struct slice worker_status_body(const struct worker *w, bool json, uint8_t language)
{
    if (w->status == NULL)
        return SLICE_NONE;
    return buf_slice(json ? &w->status->json
                          : &w->status->html[language < LANGUAGES_MAX ? language : 0]);
}

#endif
