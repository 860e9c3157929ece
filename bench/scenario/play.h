/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_SCENARIO_PLAY_H
#define BENCH_SCENARIO_PLAY_H

#include <jansson.h>

#include "bench/scenario/must.h"
#include "bench/scenario/scenario.h"
#include "bench/scenario/stage.h"
#include "bench/scenario/watch.h"

/*
 * One scenario with one target: its stage, its loads, its onlooker and its place in the steps.
 * Several plays share a loop and run at the same time, each with a backend of its own: what the
 * machine does meanwhile falls on all of them alike.  Everything belongs to the loop's thread.
 */
struct play {
    struct scenario *scenario;
    char target[64];
    struct event_base *loop;
    struct stage stage;
    bool staged, over;
    char control_url[64];
    struct load *loads[LOADS_MAX];
    struct watch watch;
    struct admin commands; /* for the steps; the onlooker has its own connection */
    struct event *step, *end;
    size_t next_step;
    uint64_t start_ns;
    struct stage_wish wish; /* as it was staged, for reloads */
    bool tells;             /* this one says the steps aloud */
    void (*on_over)(void *ctx);
    void *ctx;

    /* after the end, all loads together */
    struct load_bin *bins;
    size_t n_bins;
    struct load_sums sums;
    struct refusals refusals;
    double killed, added_ms;  /* of the backends; of the loads */
    double raw[MUSTS_MAX];    /* each must's figure */
    double values[MUSTS_MAX]; /* the same, or its part of another target's */
    unsigned broken;          /* musts that did not hold */
};

/* Starts the programs.  The play is zeroed but for scenario, target, loop. */
enum weir_status play_stage(struct play *p, const struct stage_wish *wish, char *why,
                            size_t why_size) WEIR_MUST_CHECK;
/* Begins; on_over is called once when the loads are done (or cut at the end of the grace). */
void play_start(struct play *p, void (*on_over)(void *ctx), void *ctx);
/* Ends at once what is still under way. */
void play_cut(struct play *p);
/* Sums up; after the end. */
void play_sum_up(struct play *p);
/* Judges plays of one scenario, beside each other; all are summed up. */
void play_judge(struct play *plays, size_t n);
void play_free(struct play *p);

/* Good, refused and failed attempts in the last whole second, for a progress line. */
void play_last_second(const struct play *p, unsigned *good, unsigned *refused, unsigned *failed);

/* How late the generator itself was, 99 % of the requests: above some tens, judge nothing by it. */
double play_late_ms(const struct play *p);

/* result.c: the whole of it as one JSON object, the caller's. */
json_t *play_result(struct play *p);

#endif
