/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_SCENARIO_ASSERTION_H
#define BENCH_SCENARIO_ASSERTION_H

#include "bench/scenario/fleet_seen.h"
#include "bench/scenario/refusals.h"
#include "bench/scenario/scenario.h"
#include "bench/scenario/watch.h"

/* What was seen of one target, for judging. */
struct seen {
    const struct load_bin *bins; /* of all loads together, a second each */
    size_t n_bins;
    const struct watch *watch;
    const struct load_sums *sums;    /* of all loads together */
    double duration_s;               /* of the scenario, without the grace after it */
    double hints_kept;               /* share of those who came when told to and were let in */
    const struct refusals *refusals; /* of weir, by its access log */
    double lost;                     /* attempts refused or failed, of loads that may not fail */
    double killed;                   /* requests that died with a backend of theirs */
    double added_ms;                 /* median of first tokens beyond what the backends told */
    double added_p99_ms;             /* the same, 99 % of them */
    double most_open;                /* requests at the backend at once */
    const struct fleet_seen *fleet;  /* NULL: no fleet */
    const struct scenario *scenario; /* for which upstreams were touched by its steps; or NULL */
};

/* The figures a scenario may put bounds on, by name; NULL when there is none. */
const struct assertion_kind *assertion_find(const char *name);
/* Name and help of figure i; NULL after the last. */
const char *assertion_name_at(size_t i, const char **help);

const char *assertion_help(const struct assertion_kind *k);

/* The figure; NAN when it cannot be told (no such span, no admin socket). */
double assertion_value(const struct scenario_assertion *m, const struct seen *s);

/* Whether a value is within the bounds; NAN is not. */
bool assertion_holds(const struct scenario_assertion *m, double value);

/* Seconds from from_s until goodput stays at `full` a second or more for ten seconds; NAN: never.
 */
double time_to_full(const struct load_bin *bins, size_t n, double from_s, double full);

#endif
