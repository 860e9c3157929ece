/* SPDX-License-Identifier: Apache-2.0 */
/* What was learnt of an upstream, out of its structs as a row of numbers, and back. */
#include "weir/decide/kept.h"

#include "weir/base/assert.h"
#include "weir/decide/pool_priv.h"

enum form { FORM_REAL, FORM_COUNT, FORM_WORD };

/* One number, or `n` in a row: where it is, and what it may be. */
struct kept_row {
    size_t at;
    enum form form;
    unsigned n;
    double least, most;
};

#define LONGEST_S 1e6 /* no time of one request is longer */
#define MOST      1e9 /* no count of requests is larger */
#define STRUCT    struct upstream
#define REAL(field, least, most)                                                                   \
    {                                                                                              \
        offsetof(STRUCT, field), FORM_REAL, 1, least, most                                         \
    }
#define COUNT(field, least, most)                                                                  \
    {                                                                                              \
        offsetof(STRUCT, field), FORM_COUNT, 1, least, most                                        \
    }
#define WORD(field)                                                                                \
    {                                                                                              \
        offsetof(STRUCT, field), FORM_WORD, 1, 0, 1                                                \
    }

static const struct kept_row of_upstream[] = {
    COUNT(limiter.most, 1, UINT32_MAX),
    REAL(limiter.pending, 1, MOST),
    REAL(limiter.streams, 1, MOST),
    REAL(limiter.known, 0, MOST),
    WORD(limiter.cold),
    WORD(limiter.start),
    COUNT(limiter.ceiling, 1, UINT32_MAX),
    COUNT(limiter.wait_marks, 2, 32),
    WORD(limiter.doubt.shown),
    REAL(limiter.doubt.value, 0, 2 * DOUBT_SHOWN),
    REAL(pace.calm_s, 0, LONGEST_S),
    REAL(pace.low_s, 0, LONGEST_S),
    REAL(pace.peak, 0, MOST),
    REAL(breaker.known_good, 0, MOST),
};

#undef STRUCT
#define STRUCT       struct predict
#define CROWD(field) REAL(field.beside, 0, MOST), REAL(field.few, 0, 1), REAL(field.many, 0, 1)

static const struct kept_row of_kind[] = {
    {offsetof(struct predict, base_s), FORM_REAL, PREDICT_CLASSES, -1, LONGEST_S},
    {offsetof(struct predict, quick_s), FORM_REAL, PREDICT_CLASSES, -1, LONGEST_S},
    COUNT(learnt, 0, UINT32_MAX),
    REAL(spread_s, 0, LONGEST_S),
    CROWD(crowd),
    REAL(unary_s, -1, LONGEST_S),
    REAL(unary_base_s, -1, LONGEST_S),
    REAL(unary_quick_s, -1, LONGEST_S),
    CROWD(unary_crowd),
};

#define ROWS(list) list, sizeof(list) / sizeof(list)[0]

static double get(const void *at, enum form f)
{
    switch (f) {
    case FORM_REAL:
        return *(const double *)at;
    case FORM_COUNT:
        return *(const uint32_t *)at;
    case FORM_WORD:
        return *(const bool *)at;
    }
    WEIR_UNREACHABLE("form");
}

static void set(void *at, enum form f, double x)
{
    switch (f) {
    case FORM_REAL:
        *(double *)at = x;
        return;
    case FORM_COUNT:
        *(uint32_t *)at = (uint32_t)x;
        return;
    case FORM_WORD:
        *(bool *)at = x != 0;
        return;
    }
    WEIR_UNREACHABLE("form");
}

static size_t width(enum form f)
{
    return f == FORM_REAL ? sizeof(double) : f == FORM_COUNT ? sizeof(uint32_t) : sizeof(bool);
}

/* The end of what was written. */
static double *keep_rows(const void *from, const struct kept_row *row, size_t n, double *to)
{
    for (size_t i = 0; i < n; i++)
        for (unsigned k = 0; k < row[i].n; k++)
            *to++ = get((const char *)from + row[i].at + k * width(row[i].form), row[i].form);
    return to;
}

static const double *restore_rows(void *to, const struct kept_row *row, size_t n,
                                  const double *from)
{
    for (size_t i = 0; i < n; i++)
        for (unsigned k = 0; k < row[i].n; k++)
            set((char *)to + row[i].at + k * width(row[i].form), row[i].form, *from++);
    return from;
}

/* NULL: a number is out of range, or none at all. */
static const double *judge_rows(const struct kept_row *row, size_t n, const double *from)
{
    for (size_t i = 0; i < n; i++)
        for (unsigned k = 0; k < row[i].n; k++, from++)
            if (!(*from >= row[i].least && *from <= row[i].most))
                return NULL;
    return from;
}

static bool is_sound(const struct kept *in)
{
    const double *at = judge_rows(ROWS(of_upstream), in->number);

    for (int k = 0; k < KINDS && at != NULL; k++)
        at = judge_rows(ROWS(of_kind), at);
    return at != NULL;
}

void pool_keep(const struct pool *p, size_t upstream, struct kept *out)
{
    const struct upstream *u = &p->upstream[upstream];
    double *to;

    WEIR_ASSERT(upstream < p->n_upstreams);
    to = keep_rows(u, ROWS(of_upstream), out->number);
    for (int k = 0; k < KINDS; k++)
        to = keep_rows(&u->learnt[k].predict, ROWS(of_kind), to);
    WEIR_ASSERT(to == out->number + KEPT_NUMBERS);
}

bool pool_restore(struct pool *p, size_t upstream, const struct kept *in, uint64_t away_ns,
                  uint64_t now_ns)
{
    struct upstream *u = &p->upstream[upstream];
    uint32_t max_streams = u->limiter.most;
    const double *from;

    WEIR_ASSERT(upstream < p->n_upstreams && u->limiter.marks == 0);
    if (!is_sound(in))
        return false;
    from = restore_rows(u, ROWS(of_upstream), in->number);
    for (int k = 0; k < KINDS; k++) {
        from = restore_rows(&u->learnt[k].predict, ROWS(of_kind), from);
        predict_restored(&u->learnt[k].predict);
    }
    limiter_restored(&u->limiter, max_streams, away_ns, now_ns);
    return true;
}
