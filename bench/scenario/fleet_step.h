/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_SCENARIO_FLEET_STEP_H
#define BENCH_SCENARIO_FLEET_STEP_H

#include "bench/load/load.h"

/*
 * What happens to a fleet at a step of a scenario, as a line:
 *
 *   kill N | stop N | start N      a node, from 1: kill -9, in good order, started (a new one, too)
 *   weights W1 W2 ...              parts of the requests, of node 1, 2 ...; those beyond: 1
 *   redis kill | start | hang | go on | empty     hang is SIGSTOP
 */
enum { FLEET_NODES_MAX = LOAD_PLACES_MAX };

enum fleet_verb {
    FLEET_NOTHING,
    FLEET_NODE_KILL,
    FLEET_NODE_STOP,
    FLEET_NODE_START,
    FLEET_WEIGHTS,
    FLEET_REDIS_KILL,
    FLEET_REDIS_START,
    FLEET_REDIS_HANG,
    FLEET_REDIS_GO_ON,
    FLEET_REDIS_EMPTY,
};

struct fleet_step {
    enum fleet_verb verb;
    size_t node; /* from 0 */
    double weights[FLEET_NODES_MAX];
};

/* WEIR_BAD: no such line, with a sentence in why.  An empty line is FLEET_NOTHING.  Pure. */
enum weir_status fleet_step_parse(struct slice line, struct fleet_step *out, char *why,
                                  size_t why_size) WEIR_MUST_CHECK;

/* "5 1 1": the parts of the requests alone; those beyond the last: 1. */
enum weir_status fleet_weights_parse(struct slice s, double out[FLEET_NODES_MAX]) WEIR_MUST_CHECK;

#endif
