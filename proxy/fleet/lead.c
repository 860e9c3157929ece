/* SPDX-License-Identifier: Apache-2.0 */
/* Reading all nodes: for the leader, which decides by them, and for `weirctl fleet`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "fleet_priv.h"
#include "weir/base/clock.h"

enum { PLAN_MAX = 1024 };

static void members_answer(struct fleet *f, const struct fleet_members *m)
{
    size_t asked = f->n_members;
    struct members_asked all[MEMBERS_ASKED_MAX];

    memcpy(all, f->members, asked * sizeof all[0]);
    f->n_members = 0;
    for (size_t i = 0; i < asked; i++)
        all[i].fn(m, all[i].arg);
}

void members_fail(struct fleet *f, const char *why)
{
    const struct fleet_members none = {.why = why};

    members_answer(f, &none);
}

/* --- one node's record */

struct node_read {
    struct slice id;
    uint64_t age_ns;
    struct codec_head head;
    struct fleet_record records[FLEET_UPSTREAMS_MAX];
    struct fleet_seen seen;
    uint64_t held, used;
    struct slice record;
};

/* What is made of all nodes for those who look. */
struct look {
    struct fleet_member list[FLEET_NODES_MAX];
    struct fleet_lost lost[FLEET_LOST_MAX];
    size_t n, n_lost;
    struct fleet_sum sum;
    struct node_read node;    /* the one that is read now */
    struct fleet_shown shown; /* what it tells */
};

static int index_of(const struct fleet *f, const struct codec_line *l)
{
    for (size_t i = 0; i < f->n_upstreams; i++) {
        if (slice_eq(slice_str(f->upstreams[i].name), l->name))
            return f->upstreams[i].rules == l->rules ? (int)i : -1;
    }
    return -1;
}

/* Its numbers, as far as they mean the same here. */
static void take_lines(struct fleet *f, struct node_read *n, struct slice s)
{
    struct codec_line l;
    enum weir_status st = WEIR_OK;

    while (n->head.same_form && (st = codec_take_line(&s, &l)) == WEIR_OK) {
        int i = index_of(f, &l);

        n->held += l.held;
        n->used += l.record.used;
        if (i < 0)
            continue;
        n->records[i] = l.record;
        fleet_record_mend(&n->records[i], f->upstreams[i].max_streams);
        n->seen.records[i] = &n->records[i];
    }
    if (st == WEIR_BAD)
        fleet_reject(f, "a line of a record");
}

static bool take_node(struct fleet *f, const struct reply *rows, size_t at, uint64_t now_ms,
                      struct node_read *n)
{
    struct slice s = reply_text(reply_item(rows, at + 2));
    int64_t wrote_ms;

    memset(n, 0, sizeof *n);
    n->record = s;
    n->id = reply_text(reply_item(rows, at));
    if (n->id.len == 0 || n->id.len >= FLEET_NODE_MAX ||
        reply_i64(reply_item(rows, at + 1), &wrote_ms) != WEIR_OK || wrote_ms < 0 ||
        codec_take_head(&s, &n->head) != WEIR_OK) {
        fleet_reject(f, "a record");
        return false;
    }
    n->age_ns = now_ms > (uint64_t)wrote_ms ? (now_ms - (uint64_t)wrote_ms) * NS_PER_MS : 0;
    take_lines(f, n, s);
    n->seen.node = fleet_number_of(n->id);
    n->seen.start = n->head.start;
    n->seen.age_ns = n->age_ns;
    return true;
}

/* A second and two periods: a call may be lost, and a busy node be late. */
static bool is_late(const struct node_read *n)
{
    return n->age_ns > NS_PER_S + 2 * n->head.period_ms * NS_PER_MS;
}

static void put_member(const struct fleet *f, const struct node_read *n, struct fleet_member *m)
{
    struct text version;

    *m = (struct fleet_member){
        .start = (uint32_t)n->head.start,
        .age_ns = n->age_ns,
        .rtt_ns = n->head.rtt_us * NS_PER_US,
        .period_ns = n->head.period_ms * NS_PER_MS,
        .held = n->held,
        .used = n->used,
        .self = slice_eq(n->id, slice_str(f->id)),
        .leads = slice_eq(n->id, slice_str(f->leader)),
        .agrees = n->head.settings == f->settings,
        .number = n->seen.node,
        .late = is_late(n),
    };
    fleet_name_of(n->id, m->name);
    text_init(&version, m->version, sizeof m->version);
    text_shown(&version, n->head.version);
}

/* --- the leader's plans */

static void on_planned(const struct reply *reply, void *arg)
{
    struct fleet *f = arg;
    const struct reply *r = fleet_took(f, reply);

    if (r != NULL && !f->renewed && r->type == REPLY_INTEGER && r->integer >= 0) {
        for (size_t i = 0; i < f->n_upstreams; i++)
            if (f->plans[i].epoch != 0)
                f->hooks->plan(i, &f->plans[i], 0, f->owner);
    }
    fleet_step(f);
}

static bool plan_send(struct fleet *f)
{
    char text[PLAN_MAX];
    struct text t;

    script_begin(&f->call, f->link, &script_plan, slice_str(f->prefix));
    script_word(&f->call, slice_str(f->id));
    script_i64(&f->call, FLEET_PLAN_NS / NS_PER_MS);
    for (size_t i = 0; i < f->n_upstreams; i++) {
        if (f->plans[i].epoch == 0)
            continue;
        text_init(&t, text, sizeof text);
        codec_put_plan(&t, f->upstreams[i].rules, &f->plans[i]);
        script_word(&f->call, slice_str(f->upstreams[i].name));
        script_i64(&f->call, (int64_t)f->plans[i].epoch);
        script_i64(&f->call, f->plans[i].total);
        script_i64(&f->call, (int64_t)(f->plans[i].limits.pending + 0.999));
        script_word(&f->call, text_slice(&t));
    }
    return fleet_send(f, FLEET_PLAN, on_planned);
}

/* --- the read */

/*
 * Who was there and is not, before its lease was over, has said goodbye: nobody else takes a record
 * away.
 */
static void tell_gone(struct fleet *f, const struct node_seen *now, size_t n)
{
    uint64_t at = loop_now_ns(f->loop);

    for (size_t i = 0; i < f->n_seen; i++) {
        size_t k = 0;

        while (k < n && now[k].node != f->seen[i].node)
            k++;
        if (k == n && at - f->seen[i].wrote_ns < FLEET_LEASE_NS)
            f->hooks->lead_goodbye(f->seen[i].node, f->owner);
    }
    memcpy(f->seen, now, n * sizeof *now);
    f->n_seen = n;
}

/* Into the sums; this node is there already. */
static void add_told(struct fleet *f, struct look *l, const struct node_read *n,
                     struct fleet_member *m)
{
    m->told = m->self || codec_take_shown(n->record, &l->shown);
    if (m->self)
        m->state = f->hooks->shown(f->owner)->state;
    if (m->self || !m->told)
        return;
    m->state = l->shown.state;
    fleet_sum_add(&l->sum, m->name, &l->shown);
}

static void take_nodes(struct fleet *f, const struct reply *rows, uint64_t now_ms, struct look *l,
                       bool wanted)
{
    static struct node_seen now[FLEET_NODES_MAX]; /* control's alone */
    uint64_t at_ns = loop_now_ns(f->loop);
    struct node_read *n = &l->node;

    if (wanted) /* first: the others' pools and upstreams find their places by its own */
        fleet_sum_add(&l->sum, f->conf->node, f->hooks->shown(f->owner));
    for (size_t at = 0; at + 2 < rows->n && l->n < FLEET_NODES_MAX; at += 3) {
        if (!take_node(f, rows, at, now_ms, n))
            continue;
        now[l->n] = (struct node_seen){n->seen.node, at_ns > n->age_ns ? at_ns - n->age_ns : 0};
        put_member(f, n, &l->list[l->n]);
        if (wanted)
            add_told(f, l, n, &l->list[l->n]);
        l->n++;
        if (f->leads)
            f->hooks->lead_hear(&n->seen, f->owner);
    }
    if (f->leads)
        tell_gone(f, now, l->n);
}

static bool is_there(const struct look *l, const char *name)
{
    for (size_t i = 0; i < l->n; i++) {
        if (strcmp(l->list[i].name, name) == 0)
            return true;
    }
    return false;
}

/* Once a name, the newest; none that has come again under it. */
static void take_lost(struct look *l, const struct reply *rows, uint64_t now_ms)
{
    for (size_t at = rows == NULL ? 0 : rows->n; at >= 2 && l->n_lost < FLEET_LOST_MAX; at -= 2) {
        struct fleet_lost *one = &l->lost[l->n_lost];
        int64_t wrote_ms;
        bool again;

        if (reply_i64(reply_item(rows, at - 1), &wrote_ms) != WEIR_OK || wrote_ms < 0 ||
            (uint64_t)wrote_ms > now_ms)
            continue;
        fleet_name_of(reply_text(reply_item(rows, at - 2)), one->name);
        one->age_ns = (now_ms - (uint64_t)wrote_ms) * NS_PER_MS;
        again = one->name[0] == '\0';
        for (size_t i = 0; i < l->n_lost; i++)
            again |= strcmp(l->lost[i].name, one->name) == 0;
        if (!again && one->age_ns <= FLEET_LOST_NS && !is_there(l, one->name))
            l->n_lost++;
    }
}

static void begin_leading(struct fleet *f, const struct reply *left)
{
    int64_t n;

    if (!f->begin_due)
        return;
    f->begin_due = false;
    if (reply_i64(left, &n) != WEIR_OK || n < 0 || n > FLEET_NODES_MAX)
        n = 0;
    f->hooks->lead_begin((uint32_t)n, f->owner);
}

static void decide(struct fleet *f)
{
    memset(f->plans, 0, sizeof f->plans);
    f->hooks->lead_decide(f->plans, f->owner);
    (void)plan_send(f);
}

static int by_name(const void *a, const void *b)
{
    return strverscmp(((const struct fleet_member *)a)->name,
                      ((const struct fleet_member *)b)->name);
}

static void answer_look(struct fleet *f, struct look *l)
{
    const struct fleet_members m = {
        .list = l->list,
        .n = l->n,
        .why = "",
        .lost = l->lost,
        .n_lost = l->n_lost,
        .sum = &l->sum,
    };

    qsort(l->list, l->n, sizeof l->list[0], by_name);
    members_answer(f, &m);
}

static void on_read(const struct reply *reply, void *arg)
{
    struct fleet *f = arg;
    const struct reply *r = fleet_took(f, reply), *rows = reply_item(r, 1);
    struct look *l = calloc(1, sizeof *l);
    bool leads = f->leads && f->read_due && !f->renewed;
    int64_t now_ms;

    f->read_due = false;
    if (l == NULL || rows == NULL || rows->type != REPLY_ARRAY ||
        reply_i64(reply_item(r, 0), &now_ms) != WEIR_OK || now_ms <= 0) {
        members_fail(f, "Redis gave no answer that could be used");
    } else {
        begin_leading(f, reply_item(r, 2));
        take_nodes(f, rows, (uint64_t)now_ms, l, f->n_members > 0);
        take_lost(l, reply_item(r, 3), (uint64_t)now_ms);
        if (f->n_members > 0)
            answer_look(f, l);
        if (leads)
            decide(f);
    }
    free(l);
    fleet_step(f);
}

bool read_send(struct fleet *f)
{
    script_begin(&f->call, f->link, &script_read, slice_str(f->prefix));
    script_i64(&f->call, FLEET_LEASE_NS / NS_PER_MS);
    script_i64(&f->call, f->n_members > 0 ? FLEET_LOST_NS / NS_PER_MS : 0);
    return fleet_send(f, FLEET_READ, on_read);
}
