/* SPDX-License-Identifier: Apache-2.0 */
/* The fleet as one: a sentence, what is wrong with whom, then the sums.  Control thread. */
#include "show/fleet_look.h"

#include <stdlib.h>

#include "show/show.h"
#include "weir/admin/human.h"
#include "weir/admin/table.h"
#include "weir/base/clock.h"

/* What is shown now. */
struct shown {
    struct admin *a;
    const struct fleet_view *fleet; /* NULL: none */
    const struct fleet_look *look;
    const struct fleet_sum *sum;
    struct fleet_sum *own; /* sum, where this node stands for all */
};

static bool has_list(const struct fleet_look *l)
{
    return l->m != NULL && l->m->list != NULL;
}

static bool begin(struct shown *s, struct admin *a, const void *arg)
{
    *s = (struct shown){.a = a, .fleet = a->status->fleet, .look = arg};
    if (has_list(s->look)) {
        s->sum = s->look->m->sum;
        return true;
    }
    s->sum = s->own = calloc(1, sizeof *s->own);
    if (s->own == NULL)
        return false;
    fleet_sum_add(s->own, s->fleet == NULL ? "" : s->fleet->node, control_shown(a->control));
    return true;
}

static void end(struct shown *s)
{
    free(s->own);
}

/* --- the sentence */

static size_t late_of(const struct fleet_members *m)
{
    size_t n = 0;

    for (size_t i = 0; i < m->n; i++)
        n += m->list[i].late;
    return n;
}

static void say_nodes(struct text *t, const struct fleet_view *f, const struct fleet_members *m)
{
    size_t known = m->n + m->n_lost, answer = m->n - late_of(m);

    if (known == 1 && answer == 1)
        text_str(t, "1 node");
    else if (known == answer)
        text_printf(t, "%zu nodes, all of them answer", known);
    else
        text_printf(t, "%zu of %zu nodes answer", answer, known);
    text_printf(t, "; %s leads; ", f->leader[0] == '\0' ? "nobody" : f->leader);
}

static void say_state(struct text *t, const struct fleet_sum *s)
{
    const char *state = service_state_name(s->state);

    if (s->nodes == 1)
        text_printf(t, "it is %s", state);
    else if (s->worst.nodes == s->nodes)
        text_printf(t, "all are %s", state);
    else
        text_printf(t, "the worst state is %s, at %s", state, s->worst.at);
    if (s->worst.nodes > 1 && s->worst.nodes < s->nodes)
        text_printf(t, " and %u more", s->worst.nodes - 1);
}

static void say(struct text *t, const struct shown *s)
{
    static const char here[] = "what follows is this node alone";
    const struct fleet_view *f = s->fleet;

    if (f == NULL)
        text_printf(t, "no fleet (settings: the block fleet): %s; ", here);
    else if (f->state != FLEET_JOINED)
        text_printf(t, "fleet %s: %s is %s (Redis: %s): %s; ", f->name, f->node,
                    f->state == FLEET_ALONE ? "alone" : "not yet joined",
                    f->error[0] == '\0' ? "it does not answer" : f->error, here);
    else if (!has_list(s->look))
        text_printf(t, "fleet %s: the nodes are not known (%s): %s; ", f->name,
                    s->look->m == NULL ? "too many ask" : s->look->m->why, here);
    else {
        text_printf(t, "fleet %s: ", f->name);
        say_nodes(t, f, s->look->m);
    }
    say_state(t, s->sum);
}

/* --- an upstream: of the fleet's own words, where it has some */

static const struct upstream_status *upstream_here(const struct shown *s, const char *name)
{
    for (size_t p = 0; p < s->a->status->n_pools; p++) {
        const struct pool_status *pool = &s->a->status->pools[p];
        size_t n = strlen(pool->name);

        if (strncmp(name, pool->name, n) != 0 || name[n] != '/')
            continue;
        for (size_t i = 0; i < pool->n_upstreams; i++) {
            if (strcmp(name + n + 1, pool->upstreams[i].name) == 0)
                return &pool->upstreams[i];
        }
    }
    return NULL;
}

/* NULL: no plan is known here. */
static const struct pool_fleet_view *plan_of(const struct shown *s, const char *name)
{
    const struct upstream_status *u = has_list(s->look) ? upstream_here(s, name) : NULL;

    if (u == NULL || !u->fleet.shared || u->fleet.state != FLEET_JOINED ||
        (u->fleet.limit == 0 && u->fleet.breaker == BREAKER_CLOSED))
        return NULL;
    return &u->fleet;
}

struct upstream_row {
    const struct fleet_sum_upstream *sum;
    const struct pool_fleet_view *plan;
    const char *name; /* without its pool */
    enum breaker_state state;
    uint64_t limit;
};

static struct upstream_row row_of(const struct shown *s, const struct fleet_sum_upstream *u)
{
    const struct pool_fleet_view *plan = plan_of(s, u->name);

    return (struct upstream_row){.sum = u,
                                 .plan = plan,
                                 .name = strchr(u->name, '/') + 1,
                                 .state = plan == NULL ? u->state : plan->breaker,
                                 .limit = plan == NULL ? u->limit : plan->limit};
}

/* Are there nodes whose own breaker says other than the fleet's? */
static bool has_own_path(const struct upstream_row *r)
{
    return r->plan != NULL && r->state == BREAKER_CLOSED && r->sum->state != BREAKER_CLOSED;
}

/* The i-th that may send a probe; NULL: nobody, or a node that is not there. */
static const char *probes(const struct shown *s, const struct upstream_row *r, size_t i)
{
    for (size_t k = 0; r->plan != NULL && r->plan->probe[i] != 0 && k < s->look->m->n; k++) {
        if (s->look->m->list[k].number == r->plan->probe[i])
            return s->look->m->list[k].name;
    }
    return NULL;
}

static bool is_of(const struct fleet_sum_upstream *u, const struct fleet_sum_pool *p)
{
    size_t n = strlen(p->name);

    return strncmp(u->name, p->name, n) == 0 && u->name[n] == '/';
}

static double per_s(uint64_t lately)
{
    return (double)lately / FLEET_LATELY_S;
}

/* --- text */

static void note_node(struct text *t, const struct shown *s, const struct fleet_member *m)
{
    const char *leader = s->fleet->leader;
    char span[HUMAN_MAX];

    if (m->late)
        text_printf(t, "  %s: no news for %s\n", m->name, human_duration(span, m->age_ns));
    if (m->differs)
        text_printf(t, "  %s: its pools' settings are others than those of %s\n", m->name,
                    leader[0] == '\0' ? "this node" : leader);
    if (!m->told)
        text_printf(t, "  %s: weir %s tells nothing to be summed\n", m->name, m->version);
}

void show_fleet_lost(struct text *t, const struct fleet_members *m)
{
    char span[HUMAN_MAX];

    for (size_t i = 0; i < m->n_lost; i++)
        text_printf(t, "  %s: gone without a goodbye, heard last %s ago\n", m->lost[i].name,
                    human_duration(span, m->lost[i].age_ns));
}

static void note_upstream(struct text *t, const struct shown *s, const struct upstream_row *r)
{
    if (has_own_path(r))
        text_printf(t, "  %s: %s on the own path of %u of %u nodes: %s%s\n", r->name,
                    breaker_state_name(r->sum->state), r->sum->worst.nodes, r->sum->nodes,
                    r->sum->worst.at, r->sum->worst.nodes > 1 ? " ..." : "");
    for (size_t i = 0; i < FLEET_PROBES; i++) {
        const char *node = probes(s, r, i);
        if (node != NULL)
            text_printf(t, "  %s: %s has a probe to send\n", r->name, node);
    }
}

static void header(struct table *tab)
{
    static const char *const right[] = {"NODES",        "LIMIT", "PERMITS",  "IN FLIGHT",
                                        "NO TOKEN YET", "OK/S",  "FAILED/S", "REFUSED/S"};

    table_cell(tab, "UPSTREAM");
    table_cell(tab, "STATE");
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++)
        table_right(tab, "%s", right[i]);
    table_end_row(tab);
}

static void row(struct table *tab, const struct upstream_row *r)
{
    const struct fleet_sum_upstream *u = r->sum;

    table_cell(tab, "%s", r->name);
    table_cell(tab, "%s%s", breaker_state_name(r->state), has_own_path(r) ? ", own path" : "");
    table_right(tab, "%u", u->nodes);
    table_right(tab, "%llu", (unsigned long long)r->limit);
    if (u->shared)
        table_right(tab, "%llu", (unsigned long long)u->held);
    else
        table_right(tab, "-");
    table_right(tab, "%llu", (unsigned long long)u->used);
    table_right(tab, "%llu", (unsigned long long)u->pending);
    table_right(tab, "%.1f", per_s(u->ok));
    table_right(tab, "%.1f", per_s(u->failed));
    table_right(tab, "%.1f", per_s(u->refused));
    table_end_row(tab);
}

static void show_pool_head(struct text *t, const struct fleet_sum_pool *p)
{
    char admitted[HUMAN_MAX], refused[HUMAN_MAX];

    text_printf(t, "pool %s: %s", p->name, service_state_name(p->state));
    if (p->worst.nodes < p->nodes)
        text_printf(t, " at %u of %u nodes", p->worst.nodes, p->nodes);
    text_printf(t, "; admitted %s, refused %s; %llu waiting",
                human_rate(admitted, per_s(p->admitted)), human_rate(refused, per_s(p->refused)),
                (unsigned long long)p->waiting);
    if (p->limited > 0)
        text_printf(t, "; %llu at a limit", (unsigned long long)p->limited);
    text_char(t, '\n');
}

static void show_pool(struct text *t, const struct shown *s, const struct fleet_sum_pool *p)
{
    struct table tab;

    show_pool_head(t, p);
    for (table_begin(&tab, t, "  "); table_pass(&tab);) {
        header(&tab);
        for (size_t i = 0; i < s->sum->n_upstreams; i++) {
            struct upstream_row r = row_of(s, &s->sum->upstreams[i]);
            if (is_of(r.sum, p))
                row(&tab, &r);
        }
    }
    for (size_t i = 0; i < s->sum->n_upstreams; i++) {
        struct upstream_row r = row_of(s, &s->sum->upstreams[i]);
        if (is_of(r.sum, p))
            note_upstream(t, s, &r);
    }
}

void show_fleet_look(struct text *t, struct admin *a, const void *arg)
{
    struct shown s;

    if (!begin(&s, a, arg)) {
        text_str(t, "there is no memory for the sums\n");
        return;
    }
    say(t, &s);
    text_char(t, '\n');
    if (has_list(s.look)) {
        for (size_t i = 0; i < s.look->m->n; i++)
            note_node(t, &s, &s.look->m->list[i]);
        show_fleet_lost(t, s.look->m);
    }
    for (size_t i = 0; i < s.sum->n_pools; i++)
        show_pool(t, &s, &s.sum->pools[i]);
    if (s.sum->cut)
        text_str(t, "more pools or upstreams than there is room for are left out\n");
    end(&s);
}

/* --- JSON */

static void json_rate(struct json_out *j, const char *key, uint64_t lately)
{
    json_num(j, key, per_s(lately), 1);
}

static void upstream_json(struct json_out *j, const struct shown *s, const struct upstream_row *r)
{
    const struct fleet_sum_upstream *u = r->sum;

    json_open_object(j, NULL);
    json_cstr(j, "name", r->name);
    json_cstr(j, "state", breaker_state_name(r->state));
    json_bool(j, "shared", u->shared);
    json_u64(j, "nodes", u->nodes);
    json_open_object(j, "own");
    json_cstr(j, "state", breaker_state_name(u->state));
    json_u64(j, "nodes", u->worst.nodes);
    json_cstr(j, "at", u->worst.at);
    json_close(j);
    json_open_array(j, "probes");
    for (size_t i = 0; i < FLEET_PROBES; i++) {
        if (probes(s, r, i) != NULL)
            json_cstr(j, NULL, probes(s, r, i));
    }
    json_close(j);
    json_u64(j, "limit", r->limit);
    json_u64(j, "permits", u->held);
    json_u64(j, "inflight", u->used);
    json_u64(j, "pending", u->pending);
    json_rate(j, "ok_per_s", u->ok);
    json_rate(j, "failed_per_s", u->failed);
    json_rate(j, "refused_per_s", u->refused);
    json_close(j);
}

static void pool_json(struct json_out *j, const struct shown *s, const struct fleet_sum_pool *p)
{
    json_open_object(j, NULL);
    json_cstr(j, "name", p->name);
    json_cstr(j, "state", service_state_name(p->state));
    json_cstr(j, "at", p->worst.at);
    json_u64(j, "at_nodes", p->worst.nodes);
    json_u64(j, "nodes", p->nodes);
    json_u64(j, "waiting", p->waiting);
    json_rate(j, "admitted_per_s", p->admitted);
    json_rate(j, "refused_per_s", p->refused);
    json_u64(j, "at_limit", p->limited);
    json_open_array(j, "upstreams");
    for (size_t i = 0; i < s->sum->n_upstreams; i++) {
        struct upstream_row r = row_of(s, &s->sum->upstreams[i]);
        if (is_of(r.sum, p))
            upstream_json(j, s, &r);
    }
    json_close(j);
    json_close(j);
}

void json_fleet_lost(struct json_out *j, const struct fleet_members *m)
{
    json_open_array(j, "lost");
    for (size_t i = 0; m != NULL && i < m->n_lost; i++) {
        json_open_object(j, NULL);
        json_cstr(j, "node", m->lost[i].name);
        json_u64(j, "age_ms", m->lost[i].age_ns / NS_PER_MS);
        json_close(j);
    }
    json_close(j);
}

static bool needs_a_look(const struct fleet_member *m)
{
    return m->self || m->leads || m->late || m->differs || !m->told || m->state != SERVICE_SERVING;
}

static void nodes_json(struct json_out *j, const struct fleet_look *l)
{
    const struct fleet_members *m = l->m;
    size_t n = has_list(l) ? m->n : 0, first = 0, rest;

    for (size_t i = 0; i < n; i++)
        first += needs_a_look(&m->list[i]);
    rest = first < l->most ? l->most - first : 0;
    first = l->most;
    json_open_array(j, "nodes");
    for (size_t i = 0; i < n; i++) {
        size_t *room = needs_a_look(&m->list[i]) ? &first : &rest;

        if (*room == 0)
            continue;
        --*room;
        json_fleet_member(j, &m->list[i]);
    }
    json_close(j);
    json_u64(j, "nodes_known", has_list(l) ? n + m->n_lost : 1);
    json_u64(j, "nodes_answered", has_list(l) ? n - late_of(m) : 1);
    json_u64(j, "nodes_left_out", n > l->most ? n - l->most : 0);
    json_fleet_lost(j, m);
}

static void sum_json(struct json_out *j, const struct shown *s)
{
    char mem[512];
    struct text t;

    text_init(&t, mem, sizeof mem);
    say(&t, s);
    json_cstr(j, "sentence", mem);
    json_cstr(j, "state", service_state_name(s->sum->state));
    json_cstr(j, "at", or_null(s->sum->worst.at));
    json_u64(j, "at_nodes", s->sum->worst.nodes);
    nodes_json(j, s->look);
    json_u64(j, "inflight", s->sum->used);
    json_u64(j, "waiting", s->sum->waiting);
    json_rate(j, "admitted_per_s", s->sum->admitted);
    json_rate(j, "refused_per_s", s->sum->refused);
    json_open_array(j, "pools");
    for (size_t i = 0; i < s->sum->n_pools; i++)
        pool_json(j, s, &s->sum->pools[i]);
    json_close(j);
    json_bool(j, "cut", s->sum->cut);
}

void show_fleet_look_json(struct text *t, struct admin *a, const void *arg)
{
    struct shown s;
    struct json_out j;

    json_begin(&j, t);
    json_open_object(&j, NULL);
    json_fleet(&j, a->status->fleet);
    if (begin(&s, a, arg))
        sum_json(&j, &s);
    end(&s);
    json_close(&j);
}
