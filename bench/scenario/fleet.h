/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_SCENARIO_FLEET_H
#define BENCH_SCENARIO_FLEET_H

#include "bench/scenario/fleet_step.h"
#include "bench/scenario/process.h"

/*
 * Several weirs with a Redis of their own before one backend: the processes of a target
 * "fleet:N", and what the steps of a scenario do to them.  They live in the folder of the setup and
 * end with it, a Redis that hangs, too.
 */
struct setup;
struct setup_wish;

struct fleet_node {
    char name[8]; /* n1, n2 ... */
    struct process process;
    struct target target;
    char url[64], admin_path[108], log_path[108];
    int port;
    double weight; /* its part of the requests, while it serves */
    bool serves;   /* requests go there, as far as whoever spreads them knows */
    bool starts;   /* will serve as soon as it accepts */
};

struct fleet {
    struct process redis;
    char redis_path[108];
    struct fleet_node nodes[FLEET_NODES_MAX];
    size_t n; /* nodes there are or have been */
    int size; /* asked for: what the settings of nodes say */
};

/* Starts Redis and so many nodes, and waits until all have joined. */
enum weir_status fleet_start(struct setup *s, size_t n, const struct setup_wish *wish, char *why,
                             size_t why_size) WEIR_MUST_CHECK;
void fleet_end(struct fleet **f);

/* Does what a step says, without waiting for a node that starts. */
enum weir_status fleet_do(struct setup *s, const struct fleet_step *step,
                          const struct setup_wish *wish, char *why,
                          size_t why_size) WEIR_MUST_CHECK;

/* Looks whether nodes that were started accept by now; true while there is one that does not. */
bool fleet_await(struct fleet *f);

#endif
