/* SPDX-License-Identifier: Apache-2.0 */
/* Reading all nodes: for the leader, which decides by them, and for `weirctl fleet`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "fleet_priv.h"
#include "weir/base/clock.h"

enum { PAGE = 100 /* records a call: at most 6 MiB */ };

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

/* All nodes, as far as they have been read. */
struct reading {
    struct look look;
    struct node_seen seen[FLEET_NODES_MAX]; /* as many as in look */
    uint64_t now_ms, at_ns;                 /* of the first call */
    bool wanted;                            /* somebody looks, not the leader alone */
    bool leads, due; /* this node led when it began, and has to decide by what it reads */
    char ids[FLEET_NODES_MAX][FLEET_NODE_MAX]; /* whose records are still to come */
    int64_t wrote_ms[FLEET_NODES_MAX];
    size_t n, next, asked;
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

static bool take_node(struct fleet *f, struct slice id, int64_t wrote_ms, struct slice record,
                      uint64_t now_ms, struct node_read *n)
{
    struct slice s = record;

    memset(n, 0, sizeof *n);
    n->record = record;
    n->id = id;
    if (id.len == 0 || id.len >= FLEET_NODE_MAX || wrote_ms < 0 ||
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
        .settings = n->head.settings,
        .agrees = n->head.settings == f->settings,
        .number = n->seen.node,
        .late = is_late(n),
    };
    fleet_name_of(n->id, m->name);
    text_init(&version, m->version, sizeof m->version);
    text_shown(&version, n->head.version);
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

/* Not another time since. */
static bool still_leads(const struct fleet *f, const struct reading *g)
{
    return g->leads && f->leads && !f->begin_due;
}

static void hear(struct fleet *f, struct reading *g, struct slice id, int64_t wrote_ms,
                 struct slice record)
{
    struct look *l = &g->look;
    struct node_read *n = &l->node;

    if (l->n == FLEET_NODES_MAX || !take_node(f, id, wrote_ms, record, g->now_ms, n))
        return;
    g->seen[l->n] =
        (struct node_seen){n->seen.node, g->at_ns > n->age_ns ? g->at_ns - n->age_ns : 0};
    put_member(f, n, &l->list[l->n]);
    if (g->wanted)
        add_told(f, l, n, &l->list[l->n]);
    l->n++;
    if (still_leads(f, g))
        f->hooks->lead_hear(&n->seen, f->owner);
}

static int64_t wrote_at(const struct reply *r)
{
    int64_t ms;

    return reply_i64(r, &ms) == WEIR_OK ? ms : -1;
}

static void take_rows(struct fleet *f, struct reading *g, const struct reply *rows)
{
    if (g->wanted) /* first: the others' pools and upstreams find their places by its own */
        fleet_sum_add(&g->look.sum, f->conf->node, f->hooks->shown(f->owner));
    for (size_t at = 0; at + 2 < rows->n; at += 3)
        hear(f, g, reply_text(reply_item(rows, at)), wrote_at(reply_item(rows, at + 1)),
             reply_text(reply_item(rows, at + 2)));
}

/* Whose records are not among the rows. */
static void take_further(struct fleet *f, struct reading *g, const struct reply *more)
{
    for (size_t at = 0; more != NULL && at + 1 < more->n && g->n < FLEET_NODES_MAX; at += 2) {
        struct slice id = reply_text(reply_item(more, at));

        if (id.len == 0 || id.len >= FLEET_NODE_MAX) {
            fleet_reject(f, "a node's name");
            continue;
        }
        memcpy(g->ids[g->n], id.p, id.len); /* zeroed: it ends */
        g->wrote_ms[g->n++] = wrote_at(reply_item(more, at + 1));
    }
}

static bool is_there(const struct look *l, const char *name)
{
    for (size_t i = 0; i < l->n; i++) {
        if (strcmp(l->list[i].name, name) == 0)
            return true;
    }
    return false;
}

/* Once a name, the newest. */
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
        if (!again && one->age_ns <= FLEET_LOST_NS)
            l->n_lost++;
    }
}

/* Those that have come again under their name. */
static void forget_returned(struct look *l)
{
    size_t n = 0;

    for (size_t i = 0; i < l->n_lost; i++) {
        if (!is_there(l, l->lost[i].name))
            l->lost[n++] = l->lost[i];
    }
    l->n_lost = n;
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

/* Upstreams are pooled by the settings of who leads; where nobody does, this node's count. */
static void tell_apart(const struct fleet *f, struct look *l)
{
    uint64_t settings = f->settings;

    for (size_t i = 0; i < l->n; i++)
        settings = l->list[i].leads ? l->list[i].settings : settings;
    for (size_t i = 0; i < l->n; i++)
        l->list[i].differs = l->list[i].settings != settings;
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

    tell_apart(f, l);
    qsort(l->list, l->n, sizeof l->list[0], by_name);
    members_answer(f, &m);
}

/* --- the calls */

void read_drop(struct fleet *f)
{
    free(f->reading);
    f->reading = NULL;
}

static void fail(struct fleet *f)
{
    read_drop(f);
    members_fail(f, "Redis gave no answer that could be used");
}

static void finish(struct fleet *f)
{
    struct reading *g = f->reading;

    f->reading = NULL; /* whoever is told may ask anew */
    if (still_leads(f, g))
        tell_gone(f, g->seen, g->look.n);
    forget_returned(&g->look);
    if (g->wanted)
        answer_look(f, &g->look);
    if (still_leads(f, g) && g->due && !f->renewed)
        decide(f);
    free(g);
}

static void on_records(const struct reply *reply, void *arg)
{
    struct fleet *f = arg;
    const struct reply *r = fleet_took(f, reply);
    struct reading *g = f->reading;

    if (g != NULL && (r == NULL || r->type != REPLY_ARRAY)) {
        fail(f);
    } else if (g != NULL) {
        for (size_t i = 0; i < g->asked; i++)
            hear(f, g, slice_str(g->ids[g->next + i]), g->wrote_ms[g->next + i],
                 reply_text(reply_item(r, i)));
        g->next += g->asked;
        for (size_t i = 0; i < f->n_members; i++)
            f->members[i].until_ns = loop_now_ns(f->loop) + MEMBERS_NS;
        if (g->next == g->n)
            finish(f);
    }
    fleet_step(f);
}

bool read_on_send(struct fleet *f)
{
    struct reading *g = f->reading;

    if (g == NULL)
        return false;
    g->asked = g->n - g->next < PAGE ? g->n - g->next : PAGE;
    script_begin(&f->call, f->link, &script_records, slice_str(f->prefix));
    for (size_t i = 0; i < g->asked; i++)
        script_word(&f->call, slice_str(g->ids[g->next + i]));
    return fleet_send(f, FLEET_READ, on_records);
}

static void on_read(const struct reply *reply, void *arg)
{
    struct fleet *f = arg;
    const struct reply *r = fleet_took(f, reply), *rows = reply_item(r, 1);
    struct reading *g = f->reading;
    int64_t now_ms;

    f->read_due = false;
    if (g == NULL) {
        fleet_step(f); /* other upstreams are here now: it is read anew */
        return;
    }
    g->leads = f->leads;
    if (rows == NULL || rows->type != REPLY_ARRAY ||
        reply_i64(reply_item(r, 0), &now_ms) != WEIR_OK || now_ms <= 0) {
        fail(f);
    } else {
        g->now_ms = (uint64_t)now_ms;
        g->at_ns = loop_now_ns(f->loop);
        begin_leading(f, reply_item(r, 2));
        take_rows(f, g, rows);
        take_further(f, g, reply_item(r, 4));
        take_lost(&g->look, reply_item(r, 3), g->now_ms);
        if (g->n == 0)
            finish(f);
    }
    fleet_step(f);
}

bool read_send(struct fleet *f)
{
    struct reading *g = calloc(1, sizeof *g);

    if (g == NULL)
        return false;
    g->wanted = f->n_members > 0;
    g->due = f->read_due;
    f->reading = g;
    script_begin(&f->call, f->link, &script_read, slice_str(f->prefix));
    script_i64(&f->call, FLEET_LEASE_NS / NS_PER_MS);
    script_i64(&f->call, g->wanted ? FLEET_LOST_NS / NS_PER_MS : 0);
    script_i64(&f->call, PAGE);
    if (fleet_send(f, FLEET_READ, on_read))
        return true;
    read_drop(f);
    return false;
}
