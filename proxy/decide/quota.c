/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What users, models and classes have taken, in a fixed table by key, and who may take more.
 *
 * A count that a request holds is never given away.  Where a group of the table is full otherwise,
 * the one with the least in it goes: strangers who bring a name of their own with each request push
 * out one another, not the user who is at the limit.
 */
#include "weir/decide/quota.h"

#include <string.h>

#include "quota_priv.h"
#include "weir/base/assert.h"
#include "weir/decide/num.h"

size_t quota_bytes(void)
{
    return (sizeof(struct quota) + 63) & ~(size_t)63;
}

bool quota_is_on(const struct quota *q)
{
    return q->on;
}

uint64_t quota_evicted(const struct quota *q)
{
    return q->evicted;
}

/* --- the table */

static struct quota_slot *group_of(struct quota *q, uint64_t key)
{
    return &q->slot[key % QUOTA_SLOTS / QUOTA_GROUP * QUOTA_GROUP];
}

struct quota_slot *quota_slot_find(struct quota *q, uint64_t key)
{
    struct quota_slot *g = group_of(q, key);

    for (int i = 0; i < QUOTA_GROUP && key != 0; i++)
        if (g[i].key == key)
            return &g[i];
    return NULL;
}

/* How much would be forgotten with it; a thousand tokens are a request. */
static uint64_t held_in(const struct quota *q, const struct quota_slot *s, uint64_t now_ns)
{
    uint64_t sum[QUOTA_UNITS];

    if (s->key == 0 || now_ns - s->seen_ns > QUOTA_FORGET_NS)
        return 0;
    if (q->by_day)
        quota_window_sum(&s->day, QUOTA_DAY_MS, quota_ms(now_ns), sum);
    else
        quota_window_sum(&s->minute, QUOTA_MINUTE_MS, quota_ms(now_ns), sum);
    return sum[QUOTA_REQUESTS] + (sum[QUOTA_PROMPT] + sum[QUOTA_OUTPUT]) / 1000;
}

static struct quota_slot *make(struct quota *q, uint64_t key, uint64_t now_ns)
{
    struct quota_slot *g = group_of(q, key), *least = NULL;
    uint64_t least_held = UINT64_MAX;
    bool in_ring;

    for (int i = 0; i < QUOTA_GROUP; i++) {
        bool stays = g[i].streams > 0 || g[i].pinned || g[i].shared.in_call;
        uint64_t held = stays ? UINT64_MAX : held_in(q, &g[i], now_ns);

        if (held < least_held || (least != NULL && held == least_held && held != UINT64_MAX &&
                                  g[i].seen_ns < least->seen_ns)) {
            least = &g[i];
            least_held = held;
        }
    }
    if (least == NULL)
        return NULL;
    q->evicted += least_held > 0;
    quota_reach_forget(q, least);
    in_ring = least->shared.in_ring;
    memset(least, 0, sizeof *least);
    least->shared.in_ring = in_ring;
    least->key = key;
    least->per_byte = q->per_byte;
    least->output = q->output;
    return least;
}

struct quota_slot *quota_slot_for(struct quota *q, uint64_t key, uint64_t now_ns)
{
    struct quota_slot *s = quota_slot_find(q, key);

    return s != NULL ? s : make(q, key, now_ns);
}

/* Times of the parts wrap after 49 days: what nobody has looked at for long is forgotten. */
static void forget_old(struct quota_slot *s, uint64_t now_ns)
{
    if (now_ns - s->seen_ns <= QUOTA_FORGET_NS)
        return;
    memset(&s->minute, 0, sizeof s->minute);
    memset(&s->day, 0, sizeof s->day);
}

/* --- asking */

static void match_add(struct quota *q, struct quota_match *m, uint8_t rule,
                      const struct quota_asked *a, uint64_t now_ns)
{
    const struct quota_rule *r = &q->rule[rule];

    m->rule = rule;
    m->key = quota_key(r, a->user);
    m->slot = quota_slot_for(q, m->key, now_ns);
    if (m->slot == NULL)
        return;
    forget_old(m->slot, now_ns);
    m->slot->pinned = true;
    m->slot->seen_ns = now_ns;
    m->slot->rule_id = r->id;
    m->slot->user = r->shared ? 0 : a->user;
}

size_t quota_match(struct quota *q, const struct quota_asked *a, uint64_t now_ns,
                   struct quota_match m[QUOTA_MATCH_MAX])
{
    size_t n = 0;

    m[0].limits = quota_limits_of(q, a->user);
    if (a->user != 0 && quota_limits_any(&m[0].limits))
        match_add(q, &m[n++], 0, a, now_ns);
    for (size_t i = 1; i <= q->n_rules && n < QUOTA_MATCH_MAX; i++) {
        if (quota_rule_is_own(&q->rule[i]) || !quota_rule_matches(&q->rule[i], a))
            continue;
        m[n].limits = q->rule[i].limits;
        match_add(q, &m[n++], (uint8_t)i, a, now_ns);
    }
    return n;
}

void quota_unmatch(struct quota_match *m, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (m[i].slot != NULL)
            m[i].slot->pinned = false;
}

/* By this node's own counts. */
static struct quota_room own_room(const struct quota_slot *s, uint64_t most, enum quota_limit l,
                                  uint32_t now_ms)
{
    struct quota_room r = {.most = most};
    enum quota_span span = quota_limit_span(l);
    uint64_t sum[QUOTA_UNITS];

    if (span == QUOTA_AT_ONCE) {
        r.used = s->streams;
        return r;
    }
    r.window = span == QUOTA_MINUTE ? &s->minute : &s->day;
    r.span_ms = span == QUOTA_MINUTE ? QUOTA_MINUTE_MS : QUOTA_DAY_MS;
    quota_window_sum(r.window, r.span_ms, now_ms, sum);
    r.used = quota_sum(sum, quota_limit_units(l));
    return r;
}

static uint64_t need_of(const struct quota_hold *h, enum quota_limit l)
{
    const uint64_t n[QUOTA_UNITS] = {1, h->prompt, h->output};

    return quota_limit_span(l) == QUOTA_AT_ONCE ? 1 : quota_sum(n, quota_limit_units(l));
}

/* Does it fit?  If not and it takes longer than what *no says already, that is *no now. */
static bool fits(const struct quota_match *m, enum quota_limit l, uint64_t most,
                 const struct quota_hold *h, struct quota_refusal *no)
{
    struct quota_room r = own_room(m->slot, most, l, h->at_ms);
    uint64_t need = need_of(h, l), beside = need < r.most ? r.most - need : 0;
    uint32_t wait_ms = 0;

    if (r.used <= beside)
        return true;
    if (r.window != NULL)
        wait_ms = quota_window_wait_ms(r.window, r.span_ms, quota_limit_units(l), beside, h->at_ms);
    if (no->most == 0 || wait_ms > no->wait_ms)
        *no = (struct quota_refusal){m->key, r.used, r.most, wait_ms, m->rule, (uint8_t)l, false};
    return false;
}

/* What holds here of a limit: all of it, or in a fleet whose store is silent a part. */
static uint64_t most_here(const struct quota *q, bool alone, uint64_t most)
{
    return q->fleet.mode == QUOTA_PART || (q->fleet.mode == QUOTA_ASKS && alone)
               ? quota_part_of(q, most)
               : most;
}

static bool fits_own(const struct quota *q, const struct quota_match *m, size_t n,
                     const struct quota_hold *h, bool alone, struct quota_refusal *no)
{
    bool all = true;

    for (size_t i = 0; i < n; i++)
        for (int l = 0; m[i].slot != NULL && l < QUOTA_LIMITS; l++)
            if (m[i].limits.most[l] != 0)
                all &= fits(&m[i], (enum quota_limit)l, most_here(q, alone, m[i].limits.most[l]), h,
                            no);
    return all;
}

/* One limit that refuses it is enough: the store need not be asked about another. */
static bool fits_fleet(const struct quota *q, const struct quota_match *m, size_t n,
                       const struct quota_hold *h, struct quota_refusal *no, uint64_t now_ns)
{
    bool all = true, asks = false;

    for (size_t i = 0; i < n; i++) {
        enum quota_says says =
            m[i].slot == NULL ? QUOTA_SAYS_YES : quota_fleet_says(q, &m[i], h, no, now_ns);

        all &= says == QUOTA_SAYS_YES;
        asks |= says == QUOTA_SAYS_ASK;
    }
    no->asks = asks && no->most == 0;
    return all;
}

static void charge(struct quota *q, struct quota_match *m, size_t n, struct quota_hold *h,
                   bool asked)
{
    const uint32_t units[QUOTA_UNITS] = {1, h->prompt, h->output};

    for (size_t i = 0; i < n; i++) {
        struct quota_slot *s = m[i].slot;

        h->key[i] = s == NULL ? 0 : m[i].key;
        if (s == NULL)
            continue;
        s->streams++;
        quota_window_add(&s->minute, QUOTA_MINUTE_MS, units, h->at_ms);
        quota_window_add(&s->day, QUOTA_DAY_MS, units, h->at_ms);
        quota_fleet_charge(q, &m[i], h, asked);
    }
    h->n = (uint8_t)n;
}

/* The nearest limit of each kind: the one that leaves least. */
static void tell_one(const struct quota *q, const struct quota_match *m, enum quota_limit l,
                     uint64_t now_ns, struct quota_left *left)
{
    uint32_t now_ms = quota_ms(now_ns);
    struct quota_room r = own_room(m->slot, most_here(q, false, m->limits.most[l]), l, now_ms);
    uint64_t rest;

    if (quota_fleet_room(q, m->slot, l, now_ns, &r))
        r.most = m->limits.most[l];
    rest = r.used < r.most ? r.most - r.used : 0;
    if (left->most != 0 && rest >= left->left)
        return;
    left->most = r.most;
    left->left = rest;
    left->reset_ms = r.window == NULL ? r.reset_ms
                                      : quota_window_wait_ms(r.window, r.span_ms,
                                                             quota_limit_units(l), 0, now_ms);
}

static void tell(const struct quota *q, const struct quota_match *m, size_t n, uint64_t now_ns,
                 struct quota_left left[QUOTA_TOLD_COUNT])
{
    for (size_t i = 0; i < n; i++)
        for (int l = 0; m[i].slot != NULL && l < QUOTA_LIMITS; l++)
            if (m[i].limits.most[l] != 0 && quota_limit_told((enum quota_limit)l) >= 0)
                tell_one(q, &m[i], (enum quota_limit)l, now_ns,
                         &left[quota_limit_told((enum quota_limit)l)]);
}

static uint32_t bytes_that_tell(uint64_t bytes)
{
    return bytes < QUOTA_BYTES_MAX ? (uint32_t)bytes : QUOTA_BYTES_MAX;
}

static uint32_t at_most(double tokens)
{
    return tokens < QUOTA_GUESS_MAX ? (uint32_t)tokens : QUOTA_GUESS_MAX;
}

/* By what this user's requests have taken, as far as is known. */
void quota_guess(const struct quota *q, const struct quota_match *m, size_t n,
                 const struct quota_asked *a, struct quota_hold *h)
{
    const struct quota_slot *s = n > 0 ? m[0].slot : NULL;

    h->bytes = bytes_that_tell(a->bytes);
    h->prompt = h->output = 0;
    if (!a->generates)
        return;
    h->prompt = at_most(h->bytes * (double)(s == NULL ? q->per_byte : s->per_byte));
    h->output = at_most((double)(s == NULL ? q->output : s->output));
}

bool quota_ask(struct quota *q, const struct quota_asked *a, uint64_t now_ns,
               struct quota_hold *hold, struct quota_refusal *no,
               struct quota_left left[QUOTA_TOLD_COUNT])
{
    struct quota_match m[QUOTA_MATCH_MAX];
    size_t n = quota_match(q, a, now_ns, m);
    bool asked = q->fleet.mode == QUOTA_ASKS && !a->alone, ok;

    *no = (struct quota_refusal){0};
    memset(left, 0, QUOTA_TOLD_COUNT * sizeof *left);
    hold->n = 0;
    hold->at_ms = quota_ms(now_ns);
    quota_guess(q, m, n, a, hold);
    ok = asked ? fits_fleet(q, m, n, hold, no, now_ns) : fits_own(q, m, n, hold, a->alone, no);
    if (ok)
        charge(q, m, n, hold, asked);
    tell(q, m, n, now_ns, left);
    quota_unmatch(m, n);
    return ok;
}

/* Those who are refused one after the other come back as far apart as the limit lets them in. */
static uint64_t gap_ns(const struct quota *q, const struct quota_refusal *no)
{
    bool requests = (quota_limit_units((enum quota_limit)no->limit) & 1U << QUOTA_REQUESTS) != 0;
    uint64_t one_ns = requests && no->most < 60 ? 60 * NS_PER_S / no->most : NS_PER_S;

    return q->fleet.mode == QUOTA_ASKS ? one_ns * q->fleet.nodes
                                       : one_ns; /* each node tells some */
}

uint64_t quota_turn_ns(struct quota *q, const struct quota_refusal *no, uint64_t now_ns)
{
    struct quota_slot *s = quota_slot_find(q, no->key);
    uint64_t first_ns = now_ns + no->wait_ms * NS_PER_MS, turn_ns = first_ns;

    if (s == NULL)
        return first_ns;
    if (s->turn_ns > now_ns && s->turn_ns + gap_ns(q, no) > turn_ns)
        turn_ns = s->turn_ns + gap_ns(q, no);
    if (turn_ns > first_ns + 60 * NS_PER_S)
        turn_ns = first_ns + 60 * NS_PER_S; /* whoever does not wait makes it no longer */
    s->turn_ns = turn_ns;
    return turn_ns;
}

/* --- the end */

static void correct(struct quota *q, struct quota_slot *s, uint32_t guessed, uint32_t took,
                    enum quota_unit unit, uint32_t at_ms, uint32_t now_ms)
{
    uint32_t n[QUOTA_UNITS] = {0};
    int64_t change[QUOTA_UNITS] = {0};

    change[unit] = (int64_t)took - guessed;
    quota_fleet_correct(q, s, change, false, at_ms, now_ms);
    if (took > guessed) {
        n[unit] = took - guessed;
        quota_window_add(&s->minute, QUOTA_MINUTE_MS, n, now_ms);
        quota_window_add(&s->day, QUOTA_DAY_MS, n, now_ms);
    } else if (took < guessed) {
        n[unit] = guessed - took;
        quota_window_take_back(&s->minute, QUOTA_MINUTE_MS, n, at_ms, now_ms);
        quota_window_take_back(&s->day, QUOTA_DAY_MS, n, at_ms, now_ms);
    }
}

static void give_place(struct quota *q, struct quota_slot *s)
{
    WEIR_ASSERT(s->streams > 0);
    s->streams--;
    quota_fleet_freed(q, s);
}

void quota_undo(struct quota *q, struct quota_hold *hold, uint64_t now_ns)
{
    const uint32_t units[QUOTA_UNITS] = {1, hold->prompt, hold->output};
    const int64_t less[QUOTA_UNITS] = {-1, -(int64_t)hold->prompt, -(int64_t)hold->output};

    for (int i = 0; i < hold->n; i++) {
        struct quota_slot *s = quota_slot_find(q, hold->key[i]);

        if (s == NULL)
            continue; /* it was not counted; a count that is held is not given away */
        give_place(q, s);
        quota_window_take_back(&s->minute, QUOTA_MINUTE_MS, units, hold->at_ms, quota_ms(now_ns));
        quota_window_take_back(&s->day, QUOTA_DAY_MS, units, hold->at_ms, quota_ms(now_ns));
        quota_fleet_correct(q, s, less, true, hold->at_ms, quota_ms(now_ns));
    }
    hold->n = 0;
}

static void learn(float *mean, double seen)
{
    *mean += (float)((seen - (double)*mean) * QUOTA_LEARN);
}

static void learn_from(float *per_byte, float *output, const struct quota_hold *h,
                       const struct quota_usage *u)
{
    if (u->knows_output && u->output > 0)
        learn(output, u->output);
    if (u->knows_prompt && u->prompt > 0 && h->bytes > 0 && h->bytes < QUOTA_BYTES_MAX)
        learn(per_byte, num_min((double)u->prompt / h->bytes, QUOTA_PER_BYTE_MAX));
}

void quota_settle(struct quota *q, struct quota_hold *hold, const struct quota_usage *u,
                  uint64_t now_ns)
{
    uint32_t now_ms = quota_ms(now_ns);

    if (hold->n > 0)
        learn_from(&q->per_byte, &q->output, hold, u);
    for (int i = 0; i < hold->n; i++) {
        struct quota_slot *s = quota_slot_find(q, hold->key[i]);

        if (s == NULL)
            continue;
        give_place(q, s);
        learn_from(&s->per_byte, &s->output, hold, u);
        if (u->knows_prompt)
            correct(q, s, hold->prompt, u->prompt, QUOTA_PROMPT, hold->at_ms, now_ms);
        if (u->knows_output)
            correct(q, s, hold->output, u->output, QUOTA_OUTPUT, hold->at_ms, now_ms);
    }
    hold->n = 0;
}
