/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_LOAD_SHAPE_H
#define BENCH_LOAD_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/base/hash.h"
#include "weir/base/slice.h"
#include "weir/base/status.h"

/*
 * When requests arrive, whether or not answers do (open loop).  Pieces with ';' between them:
 *
 *     RATE for TIME                 a constant rate, arrivals a second
 *     RATE to RATE for TIME         rising or falling evenly
 *     burst N within TIME [at TIME] on top, evenly, from that time of the whole on (default: here)
 *
 * The other arrivals are Poisson; `even` spaces them evenly, too.  Pure.
 */
enum { SHAPE_PIECES = 64, SHAPE_BURSTS = 16 };

struct shape {
    struct shape_piece {
        double start_s, end_s, from, to; /* rates */
    } pieces[SHAPE_PIECES];
    size_t n_pieces;
    struct shape_burst {
        double at_s, within_s;
        uint32_t n;
    } bursts[SHAPE_BURSTS];
    size_t n_bursts;
    bool even;
    double end_s;
};

enum weir_status shape_parse(struct slice s, struct shape *out, char *why,
                             size_t why_size) WEIR_MUST_CHECK;

/* The same rates in a part of the time; bursts keep their number. */
void shape_compress(struct shape *s, double factor);

/* Walks through the arrivals in order. */
struct shape_walk {
    double at_s; /* of the steady arrivals */
    size_t piece;
    uint32_t burst_done[SHAPE_BURSTS];
};
void shape_start(struct shape_walk *w);
/* The next arrival, seconds from the start; false after the last. */
bool shape_next(const struct shape *s, struct shape_walk *w, struct rng *r, double *at_s);

#endif
