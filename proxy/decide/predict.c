/* SPDX-License-Identifier: Apache-2.0 */
/* Expected time to a first token, by size of the request. */
#include "weir/decide/predict.h"

#include "weir/decide/num.h"

#define UNSET_S         1.0  /* expected before anything was learnt */
#define STREAM_DOWN     0.3  /* a faster one moves the base at once ... */
#define STREAM_UP       0.03 /* ... a slower one hardly, and only if the upstream was calm */
#define UNARY_LEARN_MIN 16u  /* whole answers taken at twice their time at first */
#define UNARY_DOWN      0.999
#define UNARY_UP        1.05 /* one step up for fifty down: about the 98th percentile */
#define BYTES_PER_TOKEN 4u

void predict_init(struct predict *p)
{
    for (unsigned i = 0; i < PREDICT_CLASSES; i++)
        p->base_s[i] = -1;
    p->unary_s = -1;
    p->unary_learnt = 0;
}

unsigned predict_class(uint64_t bytes)
{
    uint64_t tokens = bytes / BYTES_PER_TOKEN;
    unsigned octave = tokens > 1 ? 63u - (unsigned)__builtin_clzll(tokens) : 0;

    return octave < PREDICT_CLASSES ? octave : PREDICT_CLASSES - 1;
}

/* The set class nearest to c, or -1; the smaller one if two are as near. */
static int nearest_set(const struct predict *p, int c)
{
    for (int d = 0; d < PREDICT_CLASSES; d++) {
        if (c - d >= 0 && p->base_s[c - d] >= 0)
            return c - d;
        if (c + d < PREDICT_CLASSES && p->base_s[c + d] >= 0)
            return c + d;
    }
    return -1;
}

/* How far into its octave, 0 to 1. */
static double within(uint64_t bytes, unsigned c)
{
    double tokens = (double)(bytes / BYTES_PER_TOKEN), low = (double)(UINT64_C(1) << c);

    return num_clamp(tokens / low - 1, 0, 1);
}

/* What the upper end of class c takes longer than its lower end. */
static double rise(const struct predict *p, unsigned c)
{
    double above =
        c + 1 < PREDICT_CLASSES && p->base_s[c + 1] >= 0 ? p->base_s[c + 1] : 2 * p->base_s[c];

    return num_max(0, above - p->base_s[c]);
}

double predict_s(const struct predict *p, uint64_t bytes, bool unary)
{
    int c = (int)predict_class(bytes), at;
    double base;

    if (unary)
        return p->unary_s >= 0 ? p->unary_s : UNSET_S;
    at = nearest_set(p, c);
    if (at < 0)
        return UNSET_S;
    base = p->base_s[at];
    /* prefill time grows with the prompt, so guess upwards from a smaller class, never downwards */
    if (at == c)
        return base + within(bytes, (unsigned)c) * rise(p, (unsigned)c);
    for (; at < c; at++)
        base *= 2;
    return base;
}

void predict_learn_stream(struct predict *p, uint64_t bytes, double took_s, bool calm)
{
    unsigned c = predict_class(bytes);
    double *base = &p->base_s[c];

    if (*base >= 0)
        took_s = num_max(took_s / 2, took_s - within(bytes, c) * rise(p, c));
    else
        took_s /= 1 + within(bytes, c);
    if (*base < 0)
        *base = took_s;
    else if (took_s < *base)
        *base += STREAM_DOWN * (took_s - *base);
    else if (calm)
        *base += STREAM_UP * num_min(took_s - *base, *base);
}

void predict_learn_unary(struct predict *p, double took_s, bool calm)
{
    if (p->unary_learnt < UNARY_LEARN_MIN) {
        p->unary_learnt++;
        p->unary_s = num_max(p->unary_s, 2 * took_s);
    } else if (calm) {
        p->unary_s *= took_s < p->unary_s ? UNARY_DOWN : UNARY_UP;
    }
}
