/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_ADMIN_METRIC_OUT_H
#define WEIR_ADMIN_METRIC_OUT_H

#include "weir/base/json_out.h"
#include "weir/flow/counters.h"

/*
 * Writes metrics: the Prometheus text format (0.0.4), or JSON with the same content.  Families come
 * one after the other, each with all its samples.
 */
struct metric_label {
    const char *name, *value;
};

struct metric_out {
    struct text *t;
    struct json_out *j; /* NULL: Prometheus text */
    const char *name;   /* of the family */
    bool open;          /* JSON: a family is open */
};

void metric_begin(struct metric_out *o, struct text *t, struct json_out *j);
void metric_end(struct metric_out *o);
/* type: counter, gauge, histogram. */
void metric_family(struct metric_out *o, const char *name, const char *type, const char *help);
void metric_u64(struct metric_out *o, const struct metric_label *labels, int n, uint64_t value);
void metric_num(struct metric_out *o, const struct metric_label *labels, int n, double value);
/* Buckets in seconds, the 1-2-5 ones of the counter's; sum and count. */
void metric_histogram(struct metric_out *o, const struct metric_label *labels, int n,
                      const struct histogram_sum *h);

#endif
