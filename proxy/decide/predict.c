/* SPDX-License-Identifier: Apache-2.0 */
/* Expected time to a first token, by size of the request, and its natural spread. */
#include "weir/decide/predict.h"

#include "weir/decide/num.h"

#define BYTES_PER_TOKEN 4u
#define UNSET_S         1.0  /* expected before anything was learnt */
#define BASE_DOWN       0.3  /* a faster one moves the base at once ... */
#define BASE_UP         0.03 /* ... a slower one hardly, and only if the upstream was calm */

#define SPREAD_LEAST     0.5   /* of the base is spread by nature everywhere */
#define SPREAD_SLACK     1.35  /* beyond the learnt spread */
#define SPREAD_UP        0.3   /* a slow one that was free is believed ... */
#define SPREAD_DOWN      0.01  /* ... and slowly forgotten: about the 95th percentile; */
#define SPREAD_DOWN_BUSY 0.004 /* more slowly by one that may have waited and was faster anyway */

#define QUICK_PART    0.33 /* of the margin until late is quick */
#define QUICK_STEP    0.1  /* towards ... */
#define QUICK_SHARE   0.5  /* ... the median */
#define STREAMS_ALIKE 0.5  /* shares of fast ones that count as alike, see crowd_is_harmless */
#define UNARY_ALIKE   0.8

#define UNARY_LEARN_MIN 16u /* whole answers taken at twice their time at first */
#define UNARY_DOWN      0.999
#define UNARY_UP        1.05 /* one step up for fifty down: about the 98th percentile */

void predict_init(struct predict *p)
{
    *p = (struct predict){.unary_s = -1, .unary_base_s = -1, .unary_quick_s = -1};
    for (unsigned i = 0; i < PREDICT_CLASSES; i++)
        p->base_s[i] = p->quick_s[i] = -1;
    crowd_init(&p->crowd);
    crowd_init(&p->unary_crowd);
}

void predict_restored(struct predict *p)
{
    p->unproven = (UINT32_C(1) << PREDICT_CLASSES) - 1;
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

/* What the upper end of class c takes longer than its lower end, as far as that is known. */
static double rise(const struct predict *p, unsigned c)
{
    if (c + 1 >= PREDICT_CLASSES || p->base_s[c + 1] < 0)
        return 0;
    return num_max(0, p->base_s[c + 1] - p->base_s[c]);
}

bool predict_knows(const struct predict *p, bool unary)
{
    return unary ? p->unary_s >= 0 : nearest_set(p, 0) >= 0;
}

bool predict_is_learning(const struct predict *p)
{
    return p->learnt < PREDICT_LEARN_MIN;
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

double predict_late_s(const struct predict *p, uint64_t bytes, bool unary, double wait_s)
{
    double base = predict_s(p, bytes, unary);
    double spread = unary ? 0 : num_max(SPREAD_LEAST * base, SPREAD_SLACK * p->spread_s);

    return base + num_max(wait_s, spread);
}

bool predict_is_quick(const struct predict *p, uint64_t bytes, bool unary, double took_s,
                      double wait_s)
{
    double base;

    if (!predict_knows(p, unary))
        return false;
    if (unary)
        return took_s <= p->unary_base_s + num_max(QUICK_PART * wait_s, p->unary_base_s);
    base = predict_s(p, bytes, false);
    return took_s <= base + QUICK_PART * (predict_late_s(p, bytes, false, wait_s) - base);
}

bool predict_is_apart(const struct predict *p, uint32_t beside)
{
    return beside == 0 ? crowd_has_fast(&p->crowd) : crowd_is_harmless(&p->crowd, STREAMS_ALIKE);
}

/* One that was free raises the spread; one that was not can only lower it. */
static void learn_spread(struct predict *p, const struct lesson *l)
{
    double base = predict_s(p, l->bytes, false), more = l->took_s - base;
    double most_up = num_max(l->wait_s, base + p->spread_s);
    double less = p->spread_s - num_max(0, more);

    if (l->free && more > p->spread_s)
        p->spread_s += SPREAD_UP * num_min(more - p->spread_s, most_up);
    else if (l->free)
        p->spread_s -= SPREAD_DOWN * less;
    else if (more < p->spread_s && !predict_is_apart(p, l->beside))
        p->spread_s -= SPREAD_DOWN_BUSY * less;
}

void predict_learn_silent(struct predict *p, double silent_s)
{
    p->spread_s = num_max(p->spread_s, silent_s);
}

static void learn_quick(struct predict *p, const struct lesson *l)
{
    double *quick = &p->quick_s[predict_class(l->bytes)];
    bool fast = l->took_s <= *quick;

    if (*quick >= 0) {
        crowd_note(&p->crowd, l->beside, fast);
        if (l->free)
            *quick *= 1 + QUICK_STEP * (QUICK_SHARE - fast);
    } else if (l->free) {
        *quick = l->took_s;
    }
    crowd_met(&p->crowd, l->beside);
}

/* The first of a class: one that may have waited is believed up to what its neighbours say. */
static double first_of_class(const struct predict *p, const struct lesson *l)
{
    if (l->free || !predict_knows(p, false))
        return l->took_s;
    return num_min(l->took_s, predict_s(p, l->bytes, false));
}

static void learn_base(struct predict *p, const struct lesson *l)
{
    unsigned c = predict_class(l->bytes);
    double *base = &p->base_s[c], took_s;

    if (*base < 0) {
        *base = first_of_class(p, l);
        return;
    }
    took_s = num_max(l->took_s / 2, l->took_s - within(l->bytes, c) * rise(p, c));
    if (took_s < *base)
        *base += BASE_DOWN * (took_s - *base);
    else if (l->calm)
        *base += BASE_UP * num_min(took_s - *base, *base);
}

/* Is the upstream as quick as it was before the restart?  Otherwise this is its first token. */
static void prove(struct predict *p, const struct lesson *l)
{
    unsigned c = predict_class(l->bytes);
    bool unproven = p->unproven >> c & 1;

    p->unproven &= ~(UINT32_C(1) << c);
    if (unproven && l->free && p->base_s[c] >= 0 && l->took_s > p->base_s[c])
        p->base_s[c] = p->quick_s[c] = l->took_s;
}

void predict_learn_stream(struct predict *p, const struct lesson *l)
{
    prove(p, l);
    if (predict_knows(p, false)) { /* the first of all says nothing of a spread */
        learn_quick(p, l);
        learn_spread(p, l);
    }
    learn_base(p, l);
    p->learnt += p->learnt < PREDICT_LEARN_MIN;
}

static void learn_unary_base(struct predict *p, double took_s, bool calm)
{
    if (p->unary_base_s < 0)
        p->unary_base_s = took_s;
    else if (took_s < p->unary_base_s)
        p->unary_base_s += BASE_DOWN * (took_s - p->unary_base_s);
    else if (calm)
        p->unary_base_s += BASE_UP * num_min(took_s - p->unary_base_s, p->unary_base_s);
}

/* True: whole answers are as fast with many beside them as with few. */
static bool learn_unary_crowd(struct predict *p, const struct lesson *l)
{
    bool fast = l->took_s <= p->unary_quick_s, apart;

    if (p->unary_quick_s < 0) {
        p->unary_quick_s = l->took_s;
        return false;
    }
    crowd_note(&p->unary_crowd, l->beside, fast);
    crowd_met(&p->unary_crowd, l->beside);
    apart = crowd_is_harmless(&p->unary_crowd, UNARY_ALIKE);
    if (apart)
        p->unary_quick_s *= 1 + QUICK_STEP * (QUICK_SHARE - fast);
    return apart;
}

void predict_learn_unary(struct predict *p, const struct lesson *l)
{
    bool calm = l->calm || l->free;

    learn_unary_base(p, l->took_s, calm);
    calm = learn_unary_crowd(p, l) || calm;
    if (p->unary_learnt < UNARY_LEARN_MIN) {
        p->unary_learnt++;
        p->unary_s = num_max(p->unary_s, 2 * l->took_s);
    } else if (calm) {
        p->unary_s *= l->took_s < p->unary_s ? UNARY_DOWN : UNARY_UP;
    }
}
