/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_SCENARIO_SCENARIO_RUN_H
#define BENCH_SCENARIO_SCENARIO_RUN_H

#include <jansson.h>

#include "bench/scenario/assertion.h"
#include "bench/scenario/fleet_seen.h"
#include "bench/scenario/scenario.h"
#include "bench/scenario/setup.h"
#include "bench/scenario/watch.h"

/*
 * One scenario with one target: its setup, its loads, its onlooker and its place in the steps.
 * Several runs share a loop and run at the same time, each with a backend of its own: what the
 * machine does meanwhile falls on all of them alike.  Everything belongs to the loop's thread.
 */
struct run {
    struct scenario *scenario;
    char target[64];
    struct event_base *loop;
    struct setup setup;
    bool is_set_up, over;
    char control_url[64];
    struct load *loads[LOADS_MAX];
    struct watch watch;
    struct admin commands; /* for the steps; the onlooker has its own connection */
    struct event *step, *end;
    struct event *await; /* nodes of a fleet that start; NULL: no fleet */
    struct fleet_watch fleet_watch;
    size_t next_step;
    uint64_t start_ns;
    struct setup_wish wish; /* as it was staged, for reloads */
    bool tells;             /* this one says the steps aloud */
    void (*on_over)(void *ctx);
    void *ctx;

    /* after the end, all loads together */
    struct load_bin *bins;
    size_t n_bins;
    struct load_sums sums;
    struct refusals refusals;
    struct fleet_seen fleet;       /* n is 0: no fleet */
    double killed, added_ms;       /* of the backends; of the loads */
    double raw[ASSERTIONS_MAX];    /* each must's figure */
    double values[ASSERTIONS_MAX]; /* the same, or its part of another target's */
    unsigned broken;               /* musts that did not hold */
};

/* Starts the programs.  The run is zeroed but for scenario, target, loop. */
enum weir_status run_set_up(struct run *p, const struct setup_wish *wish, char *why,
                            size_t why_size) WEIR_MUST_CHECK;
/* Begins; on_over is called once when the loads are done (or cut at the end of the grace). */
void run_start(struct run *p, void (*on_over)(void *ctx), void *ctx);
/* Ends at once what is still under way. */
void run_cut(struct run *p);
/* Sums up; after the end. */
void run_sum_up(struct run *p);
/* Judges runs of one scenario, beside each other; all are summed up. */
void run_judge(struct run *runs, size_t n);
void run_free(struct run *p);

/* Good, refused and failed attempts in the last whole second, for a progress line. */
void run_last_second(const struct run *p, unsigned *good, unsigned *refused, unsigned *failed);

/* How late the generator itself was, 99 % of the requests: above some tens, judge nothing by it. */
double run_late_ms(const struct run *p);

/* result.c: the whole of it as one JSON object, the caller's. */
json_t *run_result(struct run *p);

#endif
