/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_SCENARIO_FLEET_SEEN_H
#define BENCH_SCENARIO_FLEET_SEEN_H

#include <jansson.h>
#include <stdio.h>

#include "bench/scenario/fleet_watch.h"

/* What the nodes of a fleet came to: from the load's side, and by their own word. */
struct fleet_seen {
    size_t n; /* nodes there were */
    const struct fleet_watch *watch;
    struct place_bin *bins[FLEET_NODES_MAX]; /* of all loads together, a second each */
    size_t n_bins[FLEET_NODES_MAX];
};

/* Adds what a load sent to each of the nodes. */
void fleet_seen_add(struct fleet_seen *s, const struct load *l);
void fleet_seen_free(struct fleet_seen *s);

/*
 * Jain's index of the shares served: good answers of the attempts at each node, over those that got
 * attempts in the span.  1: the same share everywhere; 1/n: one node has all.  NAN: none at all.
 */
double fleet_jain(const struct fleet_seen *s, double from_s, double to_s);

/* Calls to Redis a second, of the node that made most over the span. */
double fleet_most_calls(const struct fleet_seen *s, double from_s, double to_s);

/* All of it over a span, for readers and for programs (the caller's). */
void fleet_seen_print(const struct fleet_seen *s, double to_s, FILE *to);
json_t *fleet_seen_json(const struct fleet_seen *s, double to_s);

#endif
