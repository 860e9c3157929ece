/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_SCENARIO_LIMIT_H
#define BENCH_SCENARIO_LIMIT_H

#include <jansson.h>
#include <stdio.h>

#include "bench/common/grow.h"

/* What the load generator can do on this machine, against the lean backend. */
struct limit {
    double asked_per_s;         /* open loop */
    double sent_per_s, late_ms; /* what was sent of it, and how late 1 % was or more */
    double most_per_s,
        most_cpu;      /* 64 clients that ask again at once; processors it used for that */
    double lean_per_s; /* the lean client of `compare` */
};

/* About ten seconds.  On failure all is 0. */
enum weir_status limit_measure(struct limit *l) WEIR_MUST_CHECK;
void limit_write_text(const struct limit *l, FILE *to);
json_t *limit_result(const struct limit *l);

#endif
