/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_SCENARIO_TRIALS_H
#define BENCH_SCENARIO_TRIALS_H

#include "bench/load/load.h"

/* What the harness has to find out about a wrong backend or a wrong proxy: the table of it. */
struct trial {
    const char *told;   /* what it is, for readers */
    const char *fault;  /* of the backend; NULL is none */
    const char *proxy;  /* what a relay in front of it does wrong ("": nothing); NULL: none */
    enum turn_end end;  /* what the turns must come to */
    double least, most; /* share of the turns */
    int retries;
    double delay_ms; /* the least median first token */
    bool hint_lies;  /* whoever came back when told to must have been refused again */
    bool mixed;      /* foreign tokens must have been noticed */
};
extern const struct trial trials[];
extern const size_t n_trials;

/* The load of a trial but for its target: 0.8 s of 40 requests a second. */
struct load_conf trial_load(const struct trial *t);

/* False, with a sentence in why, when it was not found out.  Pure. */
bool trial_found_out(const struct trial *t, const struct load_sums *s, double median_ttft_ms,
                     char *why, size_t why_size);

#endif
