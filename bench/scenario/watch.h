/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_SCENARIO_WATCH_H
#define BENCH_SCENARIO_WATCH_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/scenario/ask.h"

/*
 * Looks at weir (admin socket, if there is one) and at the backend (control port, if there is one)
 * every now and then and keeps what it saw, for plots and for judging.  Blocking, briefly.
 */
struct watch_sample {
    double at_s;
    bool has_weir, has_backend;
    char state[16];          /* weir as a whole */
    char upstream_state[16]; /* the first upstream of the first pool */
    double share, shed_per_s;
    int inflight, pending, queued; /* at weir */
    double limit_streams;          /* weir's limit of open streams */
    int running, waiting;          /* at the backend */
    bool backend_up;
    double longest_wait_s; /* for a slot of the backend, in the last second */
    double attempts, refused, tokens, tokens_wasted; /* the backend's counters */
};

struct watch_event {
    double at_s;
    char upstream[32], from[16], to[16], cause[32];
    char numbers[160]; /* as JSON */
};

/* What weir refused, by cause, in all. */
enum { SHEDS_MAX = 24 };
struct watch_shed {
    char cause[32];
    double n;
};

struct watch {
    struct admin admin;
    const char *control_url; /* "" is none */
    uint64_t start_wall_ns;
    struct watch_sample *samples;
    size_t n_samples, cap_samples;
    struct watch_event *events;
    size_t n_events, cap_events;
    struct watch_shed sheds[SHEDS_MAX];
    size_t n_sheds;
    uint64_t last_seq; /* number of the newest event seen */
    pthread_t thread;
    bool has_thread;
    atomic_bool stop;
    unsigned period_ms;
    unsigned failures; /* polls that weir did not answer */
    char why[200];     /* of the last one */
};

/* admin_path "" and control_url "" are for parties that are not there. Times count from now. */
void watch_start(struct watch *w, const char *admin_path, const char *control_url);
void watch_end(struct watch *w);

/* Looks once.  Returns the new sample; it lives until the next poll. */
const struct watch_sample *watch_poll(struct watch *w);

/*
 * The same from a thread of its own, every period_ms: a party that answers slowly must not hold up
 * the load.  Nobody else may touch w, but for watch_stop, until watch_join or watch_end.
 */
void watch_in_background(struct watch *w, unsigned period_ms);
void watch_stop(struct watch *w); /* asks; does not wait */
void watch_join(struct watch *w);

/* Asks weir once what it refused, by cause; after the end. */
void watch_read_sheds(struct watch *w);
/* Counts refusals of a cause; those of weir that cannot be asked any more, for instance. */
void watch_add_shed(struct watch *w, const char *cause, double n);
/* A line of metrics that counts refusals of a cause.  Pure; false for any other line. */
bool shed_parse(struct slice line, struct watch_shed *out);

/* Keeps what is new in a list of weir's events. */
void watch_take_events(struct watch *w, const json_t *list);

/* "2026-11-24T07:50:04.123Z" to nanoseconds since 1970; 0 when it is no such time. */
uint64_t rfc3339_parse(const char *s);

#endif
