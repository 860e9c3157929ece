/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of a node to the store about its counts: what is told and asked, what is answered. */
#include <string.h>

#include "quota_priv.h"
#include "weir/base/assert.h"

#define FULL_NS       (100 * NS_PER_MS) /* places: nobody knows when one is free */
#define TELL_AGAIN_NS (30 * NS_PER_S)   /* the store forgets streams after four of them */
enum { SWEEP = QUOTA_SLOTS / 256 };

/* --- out */

static bool enter_call(struct quota *q, struct quota_slot *s)
{
    if (s->shared.in_call)
        return true;
    if (q->fleet.n_call == QUOTA_NEWS_MAX)
        return false;
    s->shared.in_call = true;
    s->shared.waiting = 0;
    memset(s->shared.need, 0, sizeof s->shared.need);
    q->fleet.call[q->fleet.n_call++] = (uint16_t)(s - q->slot);
    return true;
}

static void wait_for(struct quota *q, const struct quota_match *m, const struct quota_hold *h)
{
    struct quota_shared *f = &m->slot->shared;
    uint64_t need[QUOTA_UNITS];

    if (!enter_call(q, m->slot))
        return;
    quota_fleet_need(&m->limits, h, need);
    if (f->waiting++ == 0)
        memcpy(f->first, need, sizeof need);
    for (int u = 0; u < QUOTA_UNITS; u++)
        f->need[u] += need[u];
}

void quota_fleet_collect(struct quota *q, const struct quota_asked *a, uint64_t now_ns)
{
    struct quota_match m[QUOTA_MATCH_MAX];
    struct quota_hold h = {.at_ms = quota_ms(now_ns)};
    struct quota_refusal no = {0};
    size_t n = quota_match(q, a, now_ns, m);

    quota_guess(q, m, n, a, &h);
    for (size_t i = 0; i < n; i++)
        if (m[i].slot != NULL && quota_fleet_says(q, &m[i], &h, &no, now_ns) == QUOTA_SAYS_ASK)
            wait_for(q, &m[i], &h);
    quota_unmatch(m, n);
}

/* NULL: none. */
static struct quota_slot *next_owing(struct quota *q)
{
    struct quota_fleet *f = &q->fleet;

    while (f->n > 0) {
        struct quota_slot *s = &q->slot[f->ring[f->first]];

        f->first = (f->first + 1) % QUOTA_SLOTS;
        f->n--;
        s->shared.in_ring = false;
        if (s->shared.owes && s->key != 0)
            return s;
    }
    return NULL;
}

static bool rule_limits(const struct quota *q, const struct quota_slot *s, struct quota_limits *out)
{
    for (size_t i = 0; i <= q->n_rules; i++) {
        if (q->rule[i].id != s->rule_id)
            continue;
        *out = i == 0 ? quota_limits_of(q, s->user) : q->rule[i].limits;
        return quota_limits_any(out);
    }
    return false;
}

/* What was charged long ago, while nobody could be told, has left the minute. */
static void forget_slid(struct quota_slot *s, uint64_t now_ns)
{
    uint64_t sum[QUOTA_UNITS];

    quota_window_sum(&s->minute, QUOTA_MINUTE_MS, quota_ms(now_ns), sum);
    for (int u = 0; u < QUOTA_UNITS; u++) {
        int64_t back = s->shared.owed[QUOTA_DEBT_BACK * QUOTA_UNITS + u];

        if (s->shared.owed[u] - back > (int64_t)sum[u])
            s->shared.owed[u] = (int64_t)sum[u] + back;
    }
}

static void move_owed(struct quota_shared *f, struct quota_news *out)
{
    for (int i = 0; i < QUOTA_DEBTS; i++) {
        out->sure[i] = f->owed[i];
        out->unsure[i] = f->unsure ? f->sent[i] : 0;
        f->sent[i] = out->sure[i] + out->unsure[i];
        f->owed[i] = 0;
    }
    f->unsure = f->owes = false;
}

static bool put_news(struct quota *q, struct quota_slot *s, struct quota_news *out, uint64_t now_ns)
{
    struct quota_shared *f = &s->shared;

    if (!rule_limits(q, s, &out->limits))
        return false;
    forget_slid(s, now_ns);
    move_owed(f, out);
    out->id = quota_fleet_id(q, s->key);
    out->streams = f->told_streams = s->streams;
    out->waiting = f->waiting;
    memcpy(out->need, f->need, sizeof out->need);
    memcpy(out->first, f->first, sizeof out->first);
    f->told_ns = now_ns;
    return true;
}

size_t quota_fleet_news(struct quota *q, struct quota_news *out, size_t max, uint64_t now_ns)
{
    struct quota_slot *s;
    size_t n = 0;

    while (q->fleet.n_call < max && (s = next_owing(q)) != NULL)
        (void)enter_call(q, s);
    for (size_t i = 0; i < q->fleet.n_call; i++) {
        s = &q->slot[q->fleet.call[i]];
        if (n < max && put_news(q, s, &out[n], now_ns)) {
            q->fleet.call[n++] = q->fleet.call[i];
            continue;
        }
        s->shared.in_call = false; /* no rule limits it any more, or it has to wait */
    }
    q->fleet.n_call = n;
    return n;
}

bool quota_fleet_owes(const struct quota *q)
{
    return q->fleet.n > 0;
}

/* --- in */

bool quota_is_hot(const struct quota_limits *limits, const struct quota_answer *a, uint32_t streams)
{
    for (int i = 0; i < QUOTA_LIMITS; i++) {
        enum quota_limit l = (enum quota_limit)i;
        unsigned bits = quota_limit_units(l);
        uint64_t used = quota_limit_span(l) == QUOTA_AT_ONCE  ? (uint64_t)a->streams + streams
                        : quota_limit_span(l) == QUOTA_MINUTE ? quota_sum(a->minute, bits)
                                                              : quota_sum(a->day, bits);

        if (limits->most[l] != 0 && 2 * used > limits->most[l])
            return true;
    }
    return false;
}

static void note_full(struct quota_shared *f, const struct quota_answer *a, uint64_t now_ns)
{
    f->full_ns = a->wait_ms > 0 ? now_ns + a->wait_ms * NS_PER_MS : now_ns + FULL_NS;
    for (int u = 0; u < QUOTA_UNITS; u++)
        f->full[u] = (uint32_t)f->first[u];
}

static void take(struct quota *q, struct quota_slot *s, const struct quota_answer *a,
                 uint64_t now_ns)
{
    struct quota_shared *f = &s->shared;
    struct quota_limits limits = {0};

    memset(f->sent, 0, sizeof f->sent);
    f->said = *a;
    f->known = true;
    f->answered_ns = now_ns;
    for (int u = 0; u < QUOTA_UNITS; u++)
        f->granted[u] = (uint32_t)(a->granted[u] < f->need[u] ? a->granted[u] : f->need[u]);
    if (f->granted[QUOTA_REQUESTS] > f->waiting)
        f->granted[QUOTA_REQUESTS] = f->waiting;
    (void)rule_limits(q, s, &limits);
    f->hot = quota_is_hot(&limits, a, s->streams);
    f->full_ns = 0;
    if (a->full)
        note_full(f, a, now_ns);
}

void quota_fleet_answer(struct quota *q, size_t i, const struct quota_answer *a, uint64_t now_ns)
{
    struct quota_slot *s;

    if (i >= q->fleet.n_call)
        return;
    s = &q->slot[q->fleet.call[i]];
    if (a != NULL) {
        take(q, s, a, now_ns);
        return;
    }
    s->shared.unsure = true;
    quota_fleet_owe(q, s, QUOTA_DEBT_MINUTE, QUOTA_REQUESTS, 0);
}

/* What was granted and nobody has taken goes back. */
void quota_fleet_end(struct quota *q)
{
    for (size_t i = 0; i < q->fleet.n_call; i++) {
        struct quota_slot *s = &q->slot[q->fleet.call[i]];

        for (int u = 0; u < QUOTA_UNITS; u++) {
            if (s->shared.granted[u] == 0)
                continue;
            quota_fleet_owe(q, s, QUOTA_DEBT_MINUTE, u, -(int64_t)s->shared.granted[u]);
            quota_fleet_owe(q, s, QUOTA_DEBT_DAY, u, -(int64_t)s->shared.granted[u]);
            s->shared.granted[u] = 0;
        }
        s->shared.in_call = false;
    }
    q->fleet.n_call = 0;
}

void quota_fleet_tick(struct quota *q, uint64_t now_ns)
{
    for (size_t i = 0; i < SWEEP && q->fleet.mode == QUOTA_ASKS; i++) {
        struct quota_slot *s = &q->slot[q->fleet.sweep];

        q->fleet.sweep = (q->fleet.sweep + 1) % QUOTA_SLOTS;
        if (s->key != 0 && s->streams > 0 && now_ns >= s->shared.told_ns + TELL_AGAIN_NS)
            quota_fleet_owe(q, s, QUOTA_DEBT_MINUTE, QUOTA_REQUESTS, 0);
    }
}
