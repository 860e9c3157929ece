/* SPDX-License-Identifier: Apache-2.0 */
/* Who fails most, slice by slice as windows are, and what is left without them. */
#include "weir/decide/suspects.h"

#include <stddef.h>
#include <string.h>

#include "weir/base/assert.h"

#define FAILED_MIN 3u /* fewer make nobody a suspect: they may be the upstream's */
#define OTHERS_MIN 2u /* outcomes of others that say something of the upstream */

void suspects_init(struct suspects *s, uint64_t span_ns)
{
    WEIR_ASSERT(span_ns >= WINDOW_SLICES);
    memset(s, 0, sizeof *s);
    s->slice_ns = span_ns / WINDOW_SLICES;
}

static void forget(struct suspect *p, uint64_t slice)
{
    p->failed_sum -= p->failed[slice];
    p->ok_sum -= p->ok[slice];
    p->failed[slice] = p->ok[slice] = 0;
}

static void advance(const struct suspects *s, struct suspect *p, uint64_t now_ns)
{
    uint64_t now = now_ns / s->slice_ns;

    if (now >= p->newest + WINDOW_SLICES)
        *p = (struct suspect){.who = p->who, .newest = now};
    while (p->newest < now)
        forget(p, ++p->newest % WINDOW_SLICES);
}

static struct suspect *find(struct suspects *s, uint64_t who)
{
    for (int i = 0; i < SUSPECTS_MAX; i++)
        if (s->at[i].who == who && who != 0)
            return &s->at[i];
    return NULL;
}

/* Who failed least lately makes room. */
static struct suspect *least(struct suspects *s, uint64_t now_ns)
{
    struct suspect *found = &s->at[0];

    for (int i = 0; i < SUSPECTS_MAX; i++) {
        struct suspect *p = &s->at[i];
        advance(s, p, now_ns);
        if (p->who == 0)
            return p;
        if (p->failed_sum < found->failed_sum)
            found = p;
    }
    return found;
}

static void add(uint16_t *slice, uint32_t *sum)
{
    if (*slice == UINT16_MAX)
        return;
    ++*slice;
    ++*sum;
}

void suspects_failed(struct suspects *s, uint64_t who, uint64_t now_ns)
{
    struct suspect *p = find(s, who);

    if (who == 0)
        return;
    if (p == NULL) {
        p = least(s, now_ns);
        *p = (struct suspect){.who = who, .newest = now_ns / s->slice_ns};
    }
    advance(s, p, now_ns);
    add(&p->failed[p->newest % WINDOW_SLICES], &p->failed_sum);
}

void suspects_ok(struct suspects *s, uint64_t who, uint64_t now_ns)
{
    struct suspect *p = find(s, who);

    if (p == NULL)
        return;
    advance(s, p, now_ns);
    add(&p->ok[p->newest % WINDOW_SLICES], &p->ok_sum);
}

static bool is_left_out(const struct suspect *p, double rate)
{
    return p->who != 0 && p->failed_sum >= FAILED_MIN &&
           p->failed_sum >= rate * (p->failed_sum + p->ok_sum);
}

static uint32_t less(uint32_t a, uint32_t b)
{
    return a > b ? a - b : 0; /* slices of the window may have been taken back */
}

bool suspects_rest(struct suspects *s, uint32_t n, uint32_t failed, double rate, uint64_t now_ns,
                   struct suspects_rest *out)
{
    *out = (struct suspects_rest){n, failed};
    for (int i = 0; i < SUSPECTS_MAX; i++) {
        struct suspect *p = &s->at[i];
        advance(s, p, now_ns);
        if (!is_left_out(p, rate))
            continue;
        out->n = less(out->n, p->failed_sum + p->ok_sum);
        out->failed = less(out->failed, p->failed_sum);
    }
    return out->n >= OTHERS_MIN;
}

bool suspects_has(struct suspects *s, uint64_t who, double rate, uint64_t now_ns)
{
    struct suspect *p = find(s, who);

    if (p == NULL)
        return false;
    advance(s, p, now_ns);
    return is_left_out(p, rate);
}
