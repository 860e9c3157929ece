/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_SCENARIO_FLEET_WATCH_H
#define BENCH_SCENARIO_FLEET_WATCH_H

#include <pthread.h>
#include <stdatomic.h>

#include "bench/scenario/fleet.h"

/*
 * Looks at each node of a fleet every second, by its metrics, and keeps what it saw.  A thread of
 * its own: a node that answers slowly must not hold up the load.
 */
struct fleet_node_sample {
    bool there, joined;
    double calls;             /* to Redis since its start */
    double limit, held, used; /* permits of the first upstream: of the fleet, its own, in use */
};

struct fleet_sample {
    double at_s;
    struct fleet_node_sample nodes[FLEET_NODES_MAX];
};

struct fleet_watch {
    char paths[FLEET_NODES_MAX][108];
    uint64_t start_ns;
    struct fleet_sample *samples;
    size_t n_samples, cap_samples;
    pthread_t thread;
    bool has_thread;
    atomic_bool stop;
};

/* Begins; times count from now. */
void fleet_watch_start(struct fleet_watch *w, const struct setup *s);
void fleet_watch_stop(struct fleet_watch *w); /* asks; does not wait */
void fleet_watch_join(struct fleet_watch *w);
void fleet_watch_free(struct fleet_watch *w);

/* Adds a line of a node's metrics; lines about other things add nothing.  Pure. */
void fleet_metric(struct slice line, struct fleet_node_sample *into);

/* Calls to Redis a second of a node over a span; NAN: it was not seen twice, or was started anew.
 */
double fleet_calls(const struct fleet_watch *w, size_t node, double from_s, double to_s);

#endif
