/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A count that all nodes of a fleet share, as this node knows it: who goes on credit, who asks, who
 * is refused at once.  The calls to the store are made in quota_news.c.
 */
#include "quota_priv.h"
#include "weir/base/assert.h"

#define KNOWN_NS     (60 * NS_PER_S) /* what the store said is of use for so long */
#define HOT_KNOWN_NS (1 * NS_PER_S)  /* ... where little is left */
#define HOT_NS       (62 * NS_PER_S) /* a mark that nobody renews: it may be full for so long */

/* --- counts of which little is left, as the store says */

static size_t hot_group(uint64_t id)
{
    return id % QUOTA_HOT / QUOTA_HOT_GROUP * QUOTA_HOT_GROUP;
}

uint64_t quota_fleet_id(const struct quota *q, uint64_t key)
{
    uint64_t id = key ^ q->fleet.pool;

    return id == 0 ? 1 : id;
}

void quota_fleet_note_hot(struct quota *q, uint64_t id, uint64_t now_ns)
{
    size_t g = hot_group(id), at = g;

    for (size_t i = g; i < g + QUOTA_HOT_GROUP; i++) {
        if (q->fleet.hot[i].id == id) {
            at = i;
            break;
        }
        if (q->fleet.hot[i].at_ns < q->fleet.hot[at].at_ns)
            at = i;
    }
    q->fleet.hot[at].id = id;
    q->fleet.hot[at].at_ns = now_ns;
}

/* When it was last said to be; 0 = not lately. */
static uint64_t hot_since(const struct quota *q, uint64_t key, uint64_t now_ns)
{
    uint64_t id = quota_fleet_id(q, key);
    size_t g = hot_group(id);

    for (size_t i = g; i < g + QUOTA_HOT_GROUP; i++)
        if (q->fleet.hot[i].id == id && now_ns < q->fleet.hot[i].at_ns + HOT_NS)
            return q->fleet.hot[i].at_ns;
    return 0;
}

/* --- what is needed, and what is used */

/*
 * A request that needs more than a limit by itself asks for all of it; the rest is charged when it
 * is let in.
 */
void quota_fleet_need(const struct quota_limits *limits, const struct quota_hold *h,
                      uint64_t need[QUOTA_UNITS])
{
    need[QUOTA_REQUESTS] = 1;
    need[QUOTA_PROMPT] = h->prompt;
    need[QUOTA_OUTPUT] = h->output;
    for (int l = 0; l < QUOTA_LIMITS; l++) {
        unsigned bits = quota_limit_units((enum quota_limit)l);
        uint64_t all = quota_sum(need, bits);

        for (int u = QUOTA_UNITS - 1; u > 0 && limits->most[l] != 0 && all > limits->most[l]; u--) {
            uint64_t cut = all - limits->most[l];

            if ((bits >> u & 1) == 0)
                continue;
            cut = cut < need[u] ? cut : need[u];
            need[u] -= cut;
            all -= cut;
        }
    }
}

static bool covers(const uint32_t have[QUOTA_UNITS], const uint64_t need[QUOTA_UNITS])
{
    for (int u = 0; u < QUOTA_UNITS; u++)
        if (have[u] < need[u])
            return false;
    return true;
}

/* Charged here, and not in what the store said. */
static uint64_t since_of(const struct quota_shared *f, bool day, unsigned units)
{
    int64_t sum = 0;

    for (int u = 0; u < QUOTA_UNITS; u++) {
        int at = (day ? QUOTA_DEBT_DAY : QUOTA_DEBT_MINUTE) * QUOTA_UNITS + u;
        int back = QUOTA_DEBT_BACK * QUOTA_UNITS + u;

        if ((units >> u & 1) == 0)
            continue;
        sum += f->owed[at] + f->sent[at];
        if (!day)
            sum -= f->owed[back] + f->sent[back];
    }
    return sum > 0 ? (uint64_t)sum : 0;
}

static uint64_t since(const struct quota_shared *f, enum quota_limit l)
{
    return since_of(f, quota_limit_span(l) == QUOTA_DAY, quota_limit_units(l));
}

static uint64_t said(const struct quota_shared *f, enum quota_limit l)
{
    switch (quota_limit_span(l)) {
    case QUOTA_AT_ONCE:
        return f->said.streams;
    case QUOTA_MINUTE:
        return quota_sum(f->said.minute, quota_limit_units(l));
    case QUOTA_DAY:
        return quota_sum(f->said.day, quota_limit_units(l));
    }
    WEIR_UNREACHABLE("span");
}

static bool is_known(const struct quota *q, const struct quota_shared *f, uint64_t now_ns)
{
    return f->known && now_ns < f->answered_ns + KNOWN_NS && f->answered_ns >= q->fleet.asks_ns;
}

bool quota_fleet_room(const struct quota *q, const struct quota_slot *s, enum quota_limit l,
                      uint64_t now_ns, struct quota_room *r)
{
    const struct quota_shared *f = &s->shared;
    bool day = quota_limit_span(l) == QUOTA_DAY;
    uint64_t age_ms = (now_ns - f->answered_ns) / NS_PER_MS;
    uint32_t reset_ms = day ? f->said.reset_day_ms : f->said.reset_minute_ms;

    if (q->fleet.mode != QUOTA_ASKS || !is_known(q, f, now_ns))
        return false;
    r->used =
        quota_limit_span(l) == QUOTA_AT_ONCE ? said(f, l) + s->streams : said(f, l) + since(f, l);
    r->window = NULL;
    r->reset_ms = age_ms < reset_ms ? reset_ms - (uint32_t)age_ms : 0;
    if (since(f, l) > 0)
        r->reset_ms = day ? QUOTA_DAY_MS : QUOTA_MINUTE_MS;
    return true;
}

bool quota_fleet_sums(const struct quota *q, const struct quota_slot *s, uint64_t now_ns,
                      struct quota_view *v)
{
    const struct quota_shared *f = &s->shared;

    if (q->fleet.mode != QUOTA_ASKS || !is_known(q, f, now_ns))
        return false;
    v->streams += f->said.streams;
    for (int u = 0; u < QUOTA_UNITS; u++) {
        v->minute[u] = f->said.minute[u] + since_of(f, false, 1U << u);
        if (f->said.day[QUOTA_REQUESTS] > 0) /* it has a limit of a day */
            v->day[u] = f->said.day[u] + since_of(f, true, 1U << u);
    }
    return true;
}

/* --- credit */

static uint64_t own_use(const struct quota_slot *s, enum quota_limit l, uint64_t now_ns)
{
    uint64_t sum[QUOTA_UNITS];

    if (quota_limit_span(l) == QUOTA_AT_ONCE)
        return s->streams;
    if (quota_limit_span(l) == QUOTA_MINUTE)
        quota_window_sum(&s->minute, QUOTA_MINUTE_MS, quota_ms(now_ns), sum);
    else
        quota_window_sum(&s->day, QUOTA_DAY_MS, quota_ms(now_ns), sum);
    return quota_sum(sum, quota_limit_units(l));
}

/* Nobody has said that it uses much.  Of places, which last long, the store is asked. */
static bool has_credit_unknown(const struct quota *q, const struct quota_match *m,
                               enum quota_limit l, uint64_t need, uint64_t now_ns)
{
    uint64_t credit = m->limits.most[l] / (2 * (uint64_t)q->fleet.nodes);
    uint64_t used = own_use(m->slot, l, now_ns);

    return quota_limit_span(l) != QUOTA_AT_ONCE && (used == 0 || used + need <= credit);
}

/* Half of what is left is everybody's credit, in equal parts; a quarter where little is. */
static bool has_credit_known(const struct quota *q, const struct quota_match *m, enum quota_limit l,
                             uint64_t need)
{
    const struct quota_shared *f = &m->slot->shared;
    uint64_t used = said(f, l), most = m->limits.most[l], left, credit;

    if (quota_limit_span(l) == QUOTA_AT_ONCE)
        used += f->told_streams;
    left = most > used ? most - used : 0;
    credit = left / ((f->hot ? 4 : 2) * (uint64_t)q->fleet.nodes);
    if (quota_limit_span(l) == QUOTA_AT_ONCE)
        return m->slot->streams + 1 <= f->told_streams + credit;
    return since(f, l) + need <= credit;
}

static bool has_credit(const struct quota *q, const struct quota_match *m,
                       const uint64_t need[QUOTA_UNITS], uint64_t now_ns)
{
    const struct quota_shared *f = &m->slot->shared;
    bool known = is_known(q, f, now_ns);
    uint64_t hot_ns = hot_since(q, m->key, now_ns);

    if (hot_ns > 0 && (!known || hot_ns > f->answered_ns))
        return false;
    if (known && f->hot && now_ns >= f->answered_ns + HOT_KNOWN_NS)
        return false;
    for (int i = 0; i < QUOTA_LIMITS; i++) {
        enum quota_limit l = (enum quota_limit)i;
        uint64_t n = quota_sum(need, quota_limit_units(l));

        if (m->limits.most[l] == 0)
            continue;
        if (known ? !has_credit_known(q, m, l, n) : !has_credit_unknown(q, m, l, n, now_ns))
            return false;
    }
    return true;
}

/* --- what a request meets */

static bool is_full(const struct quota_shared *f, const uint64_t need[QUOTA_UNITS], uint64_t now_ns)
{
    return now_ns < f->full_ns && f->full[QUOTA_PROMPT] <= need[QUOTA_PROMPT] &&
           f->full[QUOTA_OUTPUT] <= need[QUOTA_OUTPUT];
}

static void refuse(const struct quota *q, const struct quota_match *m, struct quota_refusal *no,
                   uint64_t now_ns)
{
    const struct quota_shared *f = &m->slot->shared;
    enum quota_limit l = (enum quota_limit)f->said.limit;
    uint32_t wait_ms = (uint32_t)((f->full_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS);
    struct quota_room r = {.used = m->limits.most[l]};

    if (quota_limit_span(l) == QUOTA_AT_ONCE)
        wait_ms = 0;
    (void)quota_fleet_room(q, m->slot, l, now_ns, &r);
    if (no->most == 0 || wait_ms > no->wait_ms)
        *no = (struct quota_refusal){m->key,     r.used, m->limits.most[l], wait_ms, m->rule,
                                     (uint8_t)l, false};
}

enum quota_says quota_fleet_says(const struct quota *q, const struct quota_match *m,
                                 const struct quota_hold *h, struct quota_refusal *no,
                                 uint64_t now_ns)
{
    const struct quota_shared *f = &m->slot->shared;
    uint64_t need[QUOTA_UNITS];

    quota_fleet_need(&m->limits, h, need);
    if (covers(f->granted, need))
        return QUOTA_SAYS_YES;
    if (is_full(f, need, now_ns) && m->limits.most[f->said.limit] != 0) {
        refuse(q, m, no, now_ns);
        return QUOTA_SAYS_NO;
    }
    return has_credit(q, m, need, now_ns) ? QUOTA_SAYS_YES : QUOTA_SAYS_ASK;
}

/* --- what is charged */

void quota_fleet_owe(struct quota *q, struct quota_slot *s, enum quota_debt d, int unit, int64_t n)
{
    struct quota_shared *f = &s->shared;

    f->owed[(int)d * QUOTA_UNITS + unit] += n;
    f->owes = true;
    if (f->in_ring)
        return;
    f->in_ring = true;
    WEIR_ASSERT(q->fleet.n < QUOTA_SLOTS);
    q->fleet.ring[(q->fleet.first + q->fleet.n++) % QUOTA_SLOTS] = (uint16_t)(s - q->slot);
}

void quota_fleet_charge(struct quota *q, const struct quota_match *m, const struct quota_hold *h,
                        bool asked)
{
    const uint64_t all[QUOTA_UNITS] = {1, h->prompt, h->output};
    struct quota_shared *f = &m->slot->shared;
    uint64_t need[QUOTA_UNITS];
    bool granted;

    if (q->fleet.mode == QUOTA_OWN)
        return;
    quota_fleet_need(&m->limits, h, need);
    granted = asked && covers(f->granted, need);
    for (int u = 0; u < QUOTA_UNITS; u++) {
        int64_t rest = (int64_t)(all[u] - (granted ? need[u] : 0));

        f->granted[u] -= granted ? (uint32_t)need[u] : 0;
        quota_fleet_owe(q, m->slot, QUOTA_DEBT_MINUTE, u, rest);
        quota_fleet_owe(q, m->slot, QUOTA_DEBT_DAY, u, rest);
    }
}

void quota_fleet_correct(struct quota *q, struct quota_slot *s, const int64_t n[QUOTA_UNITS],
                         bool whole, uint32_t at_ms, uint32_t now_ms)
{
    bool counts = now_ms - at_ms <= QUOTA_MINUTE_MS;

    if (q->fleet.mode == QUOTA_OWN)
        return;
    for (int u = 0; u < QUOTA_UNITS; u++) {
        if (n[u] == 0)
            continue;
        quota_fleet_owe(q, s, QUOTA_DEBT_DAY, u, n[u]);
        if (n[u] > 0 || (counts && whole))
            quota_fleet_owe(q, s, QUOTA_DEBT_MINUTE, u, n[u]);
        else if (counts)
            quota_fleet_owe(q, s, QUOTA_DEBT_BACK, u, -n[u]);
    }
}

void quota_fleet_freed(struct quota *q, struct quota_slot *s)
{
    if (q->fleet.mode == QUOTA_OWN)
        return;
    quota_fleet_owe(q, s, QUOTA_DEBT_MINUTE, QUOTA_REQUESTS, 0);
    if (quota_limit_span((enum quota_limit)s->shared.said.limit) == QUOTA_AT_ONCE)
        s->shared.full_ns = 0;
}

void quota_fleet_set(struct quota *q, enum quota_mode mode, uint32_t nodes, uint64_t pool,
                     uint64_t now_ns)
{
    if (mode == QUOTA_ASKS && q->fleet.mode != QUOTA_ASKS)
        q->fleet.asks_ns = now_ns;
    q->fleet.mode = mode;
    q->fleet.nodes = nodes > 0 ? nodes : 1;
    q->fleet.pool = pool;
}
