/* SPDX-License-Identifier: Apache-2.0 */
/* Arrivals over time.  Pure: the caller owns generator and clock. */
#include "bench/load/shape.h"

#include <math.h>
#include <stdio.h>

#include "bench/common/draw.h"
#include "bench/common/units.h"

static bool seconds(struct slice word, double *out)
{
    uint64_t ns;

    if (duration_parse(word, &ns) != WEIR_OK)
        return false;
    *out = (double)ns / 1e9;
    return true;
}

/* burst N within TIME [at TIME] */
static bool parse_burst(struct slice s, struct shape *out)
{
    double n, within, at = out->end_s;
    struct slice word;

    if (out->n_bursts == SHAPE_BURSTS || real_parse(next_word(&s), &n) != WEIR_OK || n < 1 ||
        n > 1e6 || !slice_eq(next_word(&s), SLICE_LIT("within")) ||
        !seconds(next_word(&s), &within))
        return false;
    word = next_word(&s);
    if (slice_eq(word, SLICE_LIT("at"))) {
        if (!seconds(next_word(&s), &at))
            return false;
        word = next_word(&s);
    }
    if (word.len > 0)
        return false;
    out->bursts[out->n_bursts++] =
        (struct shape_burst){.at_s = at, .within_s = within, .n = (uint32_t)n};
    return true;
}

/* RATE [to RATE] for TIME, the first word taken already */
static bool parse_rate(struct slice first, struct slice s, struct shape *out)
{
    struct shape_piece p = {.start_s = out->end_s};
    struct slice word = next_word(&s);
    double length;

    if (out->n_pieces == SHAPE_PIECES || real_parse(first, &p.from) != WEIR_OK)
        return false;
    p.to = p.from;
    if (slice_eq(word, SLICE_LIT("to"))) {
        if (real_parse(next_word(&s), &p.to) != WEIR_OK)
            return false;
        word = next_word(&s);
    }
    if (!slice_eq(word, SLICE_LIT("for")) || !seconds(next_word(&s), &length) || length <= 0 ||
        next_word(&s).len > 0 || p.from > 1e6 || p.to > 1e6)
        return false;
    p.end_s = out->end_s = p.start_s + length;
    out->pieces[out->n_pieces++] = p;
    return true;
}

enum weir_status shape_parse(struct slice s, struct shape *out, char *why, size_t why_size)
{
    struct shape shape = {0};

    while (s.len > 0) {
        struct slice piece = next_part(&s, ';'), rest = piece;
        struct slice word = next_word(&rest);
        bool good = true;

        if (word.len == 0)
            continue;
        if (slice_eq(word, SLICE_LIT("even")) && rest.len == 0)
            shape.even = true;
        else if (slice_eq(word, SLICE_LIT("burst")))
            good = parse_burst(rest, &shape);
        else
            good = parse_rate(word, rest, &shape);
        if (!good) {
            (void)snprintf(why, why_size,
                           "'%.*s' is no piece of a shape; wanted RATE for TIME, RATE to RATE for "
                           "TIME, burst N within TIME [at TIME], or even",
                           (int)piece.len, piece.p);
            return WEIR_BAD;
        }
    }
    for (size_t i = 0; i < shape.n_bursts; i++) {
        double end = shape.bursts[i].at_s + shape.bursts[i].within_s;
        shape.end_s = end > shape.end_s ? end : shape.end_s;
    }
    if (shape.end_s <= 0) {
        (void)snprintf(why, why_size,
                       "a shape without any time; as in: 5 for 30s; 5 to 20 for 60s");
        return WEIR_BAD;
    }
    *out = shape;
    return WEIR_OK;
}

static double piece_rate(const struct shape_piece *p, double at_s)
{
    return p->from + (p->to - p->from) * (at_s - p->start_s) / (p->end_s - p->start_s);
}

void shape_start(struct shape_walk *w)
{
    *w = (struct shape_walk){0};
}

/*
 * The time after t within p at which `units` more arrivals were due on average: where the integral
 * of the rate, a line, has grown by so much.  False: not within this piece; *units is what is left.
 */
static bool spend(const struct shape_piece *p, double *t, double *units)
{
    double slope = (p->to - p->from) / (p->end_s - p->start_s);
    double rate = piece_rate(p, *t), length = p->end_s - *t;
    double whole = rate * length + slope * length * length / 2;

    if (whole < *units || whole <= 0) {
        *units -= whole;
        *t = p->end_s;
        return false;
    }
    if (fabs(slope) < 1e-9)
        *t += *units / rate;
    else
        *t += (sqrt(rate * rate + 2 * slope * *units) - rate) / slope;
    *units = 0;
    return true;
}

/* The next steady arrival after w->at_s; INFINITY after the last. */
static double next_steady(const struct shape *s, struct shape_walk *w, struct rng *r)
{
    double t = w->at_s, units = s->even ? 1 : draw_exp(r, 1);

    for (; w->piece < s->n_pieces; w->piece++) {
        const struct shape_piece *p = &s->pieces[w->piece];
        if (t < p->start_s)
            t = p->start_s;
        if (spend(p, &t, &units))
            return t;
    }
    return INFINITY;
}

/* Evenly within its time: a burst is a wave, its grain is of no interest. */
static double next_burst(const struct shape *s, const struct shape_walk *w, size_t i)
{
    const struct shape_burst *b = &s->bursts[i];

    if (w->burst_done[i] >= b->n)
        return INFINITY;
    return b->at_s + b->within_s * (w->burst_done[i] + 0.5) / b->n;
}

bool shape_next(const struct shape *s, struct shape_walk *w, struct rng *r, double *at_s)
{
    struct rng before = *r;
    struct shape_walk steady = *w;
    double best = next_steady(s, &steady, r);
    size_t which = s->n_bursts;

    for (size_t i = 0; i < s->n_bursts; i++) {
        double t = next_burst(s, w, i);
        if (t < best) {
            best = t;
            which = i;
        }
    }
    if (isinf(best))
        return false;
    if (which == s->n_bursts) {
        w->at_s = best;
        w->piece = steady.piece;
    } else {
        *r = before; /* the steady arrival is drawn again, the same, when its turn comes */
        w->burst_done[which]++;
    }
    *at_s = best;
    return true;
}

void shape_compress(struct shape *s, double factor)
{
    for (size_t i = 0; i < s->n_pieces; i++) {
        s->pieces[i].start_s /= factor;
        s->pieces[i].end_s /= factor;
    }
    for (size_t i = 0; i < s->n_bursts; i++)
        s->bursts[i].at_s /= factor;
    s->end_s /= factor;
}
