/* SPDX-License-Identifier: Apache-2.0 */
/* The period's call, and the asks between two of them.  Control thread. */
#include <stdio.h>
#include <string.h>

#include "codec.h"
#include "fleet_priv.h"
#include "weir/base/assert.h"
#include "weir/base/clock.h"

enum { WAITING_MS = 500, ASK_NUMBERS = 8, RECORD_WORD = 5, SYNC_PARTS = 7 };
#define CLOCK_MOST  (INT64_MAX / 1000) /* of Redis's, so that sums with it do not overflow */
#define WEIGHT_UNIT 1000.0             /* weights travel as thousandths */

/* --- out */

static void put_ask(struct fleet *f, size_t i, struct fleet_record *r, struct fleet_basis *b)
{
    struct fleet_ask a = {0};
    struct script_call *c = &f->call;

    *b = (struct fleet_basis){0};
    f->hooks->ask(i, r, &a, b, f->owner);
    script_word(c, slice_str(f->upstreams[i].name));
    script_i64(c, a.used);
    script_i64(c, a.pending);
    script_i64(c, a.waiting);
    script_i64(c, a.rank);
    script_i64(c, (int64_t)(a.weight * WEIGHT_UNIT));
    script_i64(c, a.most != UINT32_MAX ? (int64_t)a.most : a.roomy ? -2 : -1);
    script_i64(c, b->total);
    script_i64(c, (int64_t)(b->pending + 0.999));
    script_i64(c, (int64_t)b->epoch);
}

static uint64_t period_ns(const struct fleet *f)
{
    return fleet_period_ns(f->nodes, (uint32_t)f->n_upstreams);
}

static void put_front(struct fleet *f)
{
    char settings[24];

    (void)snprintf(settings, sizeof settings, "%llx", (unsigned long long)f->settings);
    script_begin(&f->call, f->link, &script_sync, slice_str(f->prefix));
    script_word(&f->call, slice_str(f->id));
    WEIR_ASSERT(f->call.n == RECORD_WORD);
    script_word(&f->call, SLICE_NONE);
    script_i64(&f->call, FLEET_LEASE_NS / NS_PER_MS);
    script_i64(&f->call,
               (int64_t)(fleet_leader_ttl_ns(f->nodes, (uint32_t)f->n_upstreams) / NS_PER_MS));
    script_word(&f->call, slice_str(settings));
    script_i64(&f->call, WAITING_MS);
    leases_put(f);
}

/* Only where it fits: what is shown is not worth a call. */
static void put_shown(struct fleet *f, struct text *t)
{
    struct text all = *t;

    codec_put_shown(&all, f->hooks->shown(f->owner));
    if (!all.full)
        *t = all;
    else
        t->at[t->len] = '\0';
}

static void put_record(struct fleet *f, struct text *t, const struct fleet_record *records,
                       const struct fleet_basis *basis)
{
    const struct codec_head head = {
        .version = SLICE_LIT(WEIR_VERSION),
        .start = f->start,
        .settings = f->settings,
        .rtt_us = link_rtt_ns(f->link) / NS_PER_US,
        .period_ms = period_ns(f) / NS_PER_MS,
        .leads = f->leads,
    };

    codec_put_head(t, &head);
    for (size_t i = 0; i < f->n_upstreams; i++) {
        const struct codec_line line = {.name = slice_str(f->upstreams[i].name),
                                        .rules = f->upstreams[i].rules,
                                        .held = basis[i].held,
                                        .record = records[i]};
        codec_put_line(t, &line);
    }
    put_shown(f, t);
}

/* --- in */

static uint32_t number(const struct reply *r, size_t i)
{
    int64_t n;

    if (reply_i64(reply_item(r, i), &n) != WEIR_OK || n < 0)
        return 0;
    return n > 1000000000 ? 1000000000 : (uint32_t)n;
}

static bool take_answer(const struct reply *r, uint32_t nodes, struct fleet_answer *a)
{
    int64_t rank;

    if (r == NULL || r->type != REPLY_ARRAY || r->n != ASK_NUMBERS ||
        reply_i64(reply_item(r, 7), &rank) != WEIR_OK)
        return false;
    *a = (struct fleet_answer){
        .held = number(r, 0),
        .others = {.held = number(r, 1),
                   .used = number(r, 2),
                   .pending = number(r, 3),
                   .weight = number(r, 4) / WEIGHT_UNIT,
                   .better = number(r, 5),
                   .equal = number(r, 6),
                   .nodes = nodes,
                   .rank = rank < 0 || rank >= FLEET_NO_RANK ? FLEET_NO_RANK : (int)rank}};
    return true;
}

/* "epoch total p at|text" */
static bool split_plan(struct slice s, uint64_t *at_ms, struct slice *text)
{
    const char *bar = s.len == 0 ? NULL : memchr(s.p, '|', s.len);
    const char *blank = bar == NULL ? NULL : memrchr(s.p, ' ', (size_t)(bar - s.p));

    if (blank == NULL)
        return false;
    *text = slice_from(s, (size_t)(bar - s.p) + 1);
    return parse_u64(slice_of(blank + 1, (size_t)(bar - blank - 1)), INT64_MAX, at_ms) == WEIR_OK;
}

static uint64_t age_ns(uint64_t now_ms, uint64_t at_ms)
{
    uint64_t age_ms = now_ms > at_ms ? now_ms - at_ms : 0;

    return (age_ms > 3600000 ? 3600000 : age_ms) * NS_PER_MS;
}

static void take_plan(struct fleet *f, size_t i, const struct reply *r, uint64_t now_ms)
{
    struct slice s = reply_text(r), text;
    struct fleet_plan p;
    uint64_t at_ms, rules;

    if (s.len == 0)
        return; /* none, or none newer */
    if (!split_plan(s, &at_ms, &text) || codec_take_plan(text, &rules, &p) != WEIR_OK) {
        fleet_reject(f, "a plan");
        return;
    }
    if (rules != f->upstreams[i].rules)
        return; /* the leader's settings are others: on_mismatch has said so */
    fleet_plan_mend(&p, f->upstreams[i].max_streams);
    f->hooks->plan(i, &p, age_ns(now_ms, at_ms), f->owner);
}

static void take_clock(struct fleet *f, uint64_t now_ms)
{
    uint64_t middle_ns = f->sent_ns + link_rtt_ns(f->link) / 2;

    f->clock_ms = (int64_t)now_ms - (int64_t)(middle_ns / NS_PER_MS);
}

/* "node.start settings" */
static void take_leader(struct fleet *f, struct slice s)
{
    const char *blank = s.len == 0 ? NULL : memchr(s.p, ' ', s.len);
    char settings[24], leader[33];
    struct slice id = blank == NULL ? SLICE_NONE : slice_of(s.p, (size_t)(blank - s.p));
    bool leads, mismatch, same;

    if (id.len == 0 || id.len >= sizeof f->leader)
        return;
    (void)snprintf(settings, sizeof settings, "%llx", (unsigned long long)f->settings);
    same = slice_eq(id, slice_str(f->leader));
    (void)snprintf(f->leader, sizeof f->leader, "%.*s", (int)id.len, id.p);
    fleet_name_of(id, leader);
    leads = slice_eq(id, slice_str(f->id));
    mismatch = !slice_eq(slice_from(s, id.len + 1), slice_str(settings));
    f->begin_due = leads && (!f->leads || f->begin_due);
    f->leads = f->read_due = leads;
    if (!same)
        f->hooks->on_leader(leads, leader, f->owner);
    if (mismatch != f->mismatch)
        f->hooks->on_mismatch(mismatch, leader, f->owner);
    f->mismatch = mismatch;
}

/* NULL: there is none. */
static void tell_answer(struct fleet *f, size_t i, const struct reply *r)
{
    struct fleet_answer a;

    f->hooks->answer(i, take_answer(r, f->nodes, &a) ? &a : NULL, f->owner);
}

static void no_answers(struct fleet *f)
{
    leases_took(f, NULL);
    for (size_t i = 0; i < f->n_upstreams; i++)
        f->hooks->answer(i, NULL, f->owner);
}

static void take_answers(struct fleet *f, const struct reply *answers, const struct reply *plans,
                         uint64_t now_ms)
{
    for (size_t i = 0; i < f->n_upstreams; i++) {
        /* the plan first: what is held counts by it */
        take_plan(f, i, reply_item(plans, i), now_ms);
        tell_answer(f, i, reply_item(answers, i));
    }
}

static void heard(struct fleet *f)
{
    f->heard_ns = f->sent_ns;
    f->error[0] = '\0';
    if (f->state == FLEET_JOINED)
        return;
    f->state = FLEET_JOINED;
    f->version_read[0] = '\0';
    f->hooks->on_state(FLEET_JOINED, "", f->owner);
}

static void on_sync(const struct reply *reply, void *arg)
{
    struct fleet *f = arg;
    const struct reply *r = fleet_took(f, reply);
    struct slice version = reply_text(reply_item(r, 3));
    int64_t now_ms = 0, nodes = 0;
    bool good = reply_i64(reply_item(r, 0), &now_ms) == WEIR_OK && now_ms > 0 &&
                now_ms <= CLOCK_MOST && reply_i64(reply_item(r, 1), &nodes) == WEIR_OK &&
                nodes > 0 && r->n == SYNC_PARTS;

    f->sync_due_ns = f->sent_ns + period_ns(f);
    if (!good) {
        if (r != NULL)
            fleet_reject(f, "the answer to a sync");
        no_answers(f);
        fleet_step(f);
        return;
    }
    f->sync_ns += link_rtt_ns(f->link);
    f->nodes = nodes > FLEET_NODES_MAX ? FLEET_NODES_MAX : (uint32_t)nodes;
    take_clock(f, (uint64_t)now_ms);
    heard(f);
    orders_set_version(f, version);
    take_leader(f, reply_text(reply_item(r, 2)));
    if (f->renewed) {
        no_answers(f);
    } else {
        leases_took(f, reply_item(r, 6)); /* before the places: to whom they go */
        take_answers(f, reply_item(r, 4), reply_item(r, 5), (uint64_t)now_ms);
    }
    fleet_step(f);
}

bool sync_send(struct fleet *f)
{
    static char mem[RECORD_MAX]; /* control's alone */
    struct fleet_record records[FLEET_UPSTREAMS_MAX] = {0};
    struct fleet_basis basis[FLEET_UPSTREAMS_MAX];
    struct text t;

    /* The asks say what goes into the record, which stands before them. */
    put_front(f);
    for (size_t i = 0; i < f->n_upstreams; i++)
        put_ask(f, i, &records[i], &basis[i]);
    text_init(&t, mem, sizeof mem);
    put_record(f, &t, records, basis);
    f->call.words[RECORD_WORD] = text_slice(&t);
    f->call.full = f->call.full || t.full;
    if (fleet_send(f, FLEET_SYNC, on_sync))
        return true;
    no_answers(f);
    f->sync_due_ns = loop_now_ns(f->loop) + period_ns(f);
    return false;
}

static void on_ask(const struct reply *reply, void *arg)
{
    struct fleet *f = arg;
    const struct reply *r = fleet_took(f, reply);
    size_t i = (size_t)f->asked;

    f->asked = -1;
    f->ask_due_ns = f->sent_ns + fleet_ask_gap_ns(f->nodes);
    leases_took(f, f->renewed ? NULL : reply_item(r, 2));
    if (f->renewed || i >= f->n_upstreams) {
        fleet_step(f); /* a reload has put others in its place */
        return;
    }
    if (r != NULL)
        take_plan(f, i, reply_item(r, 1),
                  (uint64_t)((int64_t)(loop_now_ns(f->loop) / NS_PER_MS) + f->clock_ms));
    tell_answer(f, i, reply_item(r, 0));
    fleet_step(f);
}

bool ask_send(struct fleet *f, int upstream)
{
    struct fleet_basis b;

    script_begin(&f->call, f->link, &script_ask, slice_str(f->prefix));
    script_word(&f->call, slice_str(f->id));
    script_i64(&f->call, FLEET_LEASE_NS / NS_PER_MS);
    script_i64(&f->call, WAITING_MS);
    leases_put(f);
    put_ask(f, (size_t)upstream, NULL, &b);
    f->asked = upstream;
    if (fleet_send(f, FLEET_ASK, on_ask))
        return true;
    f->asked = -1;
    leases_took(f, NULL);
    f->hooks->answer((size_t)upstream, NULL, f->owner);
    return false;
}
