/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_COMPARE_COMPARE_H
#define BENCH_COMPARE_COMPARE_H

#include <jansson.h>

#include "bench/common/grow.h"
#include "bench/compare/hammer.h"
#include "bench/scenario/setup.h"

/*
 * What the proxies cost, side by side: each measurement is a row, each target a column; targets
 * take turns within a round, so that what the machine does meanwhile falls on all of them alike.
 */
enum { ROUNDS_MAX = 32, TARGETS_MAX = 8 };

/* What one measurement of one target came to. */
struct finding {
    double value;     /* in the row's unit */
    double per_s;     /* requests, events, handshakes a second */
    double cpu_share; /* of one processor, by the target */
    double p99;       /* delays only */
    double others;    /* processors that programs of no concern to this used meanwhile */
};

/* Processors in the hands of others above which a round counts as disturbed. */
static const double others_bad = 0.25;

struct compare;
struct measurement {
    const char *name, *title, *unit;
    int decimals;
    bool tls, no_relay, with_direct;
    bool fresh;                /* the target is started anew each time */
    const char *weir_settings; /* members of the pool */
    int limit;                 /* of nginx and haproxy */
    uint32_t interval_ms;      /* of the events of the lean backend */
    struct hammer_conf load;
    /* NULL, or what has to happen between start and load (refusals) */
    enum weir_status (*prepare)(struct compare *c, struct setup *s, const char *target, char *why,
                                size_t why_size);
    double (*value)(const struct compare *c, const struct hammer_result *r);
};
extern const struct measurement measurements[];
extern const size_t n_measurements;

struct compare {
    const struct measurement *m;
    struct setup *setup; /* of the target being measured */
    double cpu_before_us, cpu_after_us;
    double memory_before_kib, memory_after_kib;
    pid_t backend;
    double others_before_us, others_after_us; /* CPU time of all but target, backend and this */
    int held; /* a connection that occupies the one place of a limit; -1 is none */
};

struct column {
    char target[64];
    size_t n;
    struct finding rounds[ROUNDS_MAX];
    char why[200]; /* why there is nothing */
};

struct row {
    const struct measurement *m;
    struct column columns[TARGETS_MAX];
    size_t n_columns;
};

/* compare_table.c */
/* Of the half of the rounds in which others used least of the machine; 0 when there are none. */
double column_median(const struct column *c);
/* The least of nginx and haproxy; 0 when neither was measured. */
double row_best_peer(const struct row *r);
void rows_write_text(const struct row *rows, size_t n, FILE *to);
json_t *rows_result(const struct row *rows, size_t n);

#endif
