/* SPDX-License-Identifier: Apache-2.0 */
/* `canary`: what a canary has shown, how far that is from a verdict, and why it was given. */
#include <string.h>

#include "call/target.h"
#include "show/show.h"
#include "weir/admin/human.h"
#include "weir/admin/table.h"
#include "weir/base/clock.h"

static bool is_asked_for(const struct target *only, size_t pool, const struct pool_status *p)
{
    const struct canary_status *s = &p->canary;

    if (s->v.state == CANARY_NONE || (only->pool != SIZE_MAX && only->pool != pool))
        return false;
    return only->upstream == SIZE_MAX ||
           (only->upstream < p->n_upstreams &&
            strcmp(p->upstreams[only->upstream].name, s->upstream) == 0);
}

static uint64_t between(uint64_t from, uint64_t to)
{
    return to > from ? to - from : 0;
}

/* --- text */

static void show_verdict(struct text *t, const struct canary_status *s, uint64_t now_wall_ns)
{
    char when[HUMAN_MAX], span[HUMAN_MAX], left[HUMAN_MAX];
    const struct canary_view *v = &s->v;

    if (v->state != CANARY_RUNNING) {
        text_printf(t, "%s at %s, after %s: %s",
                    v->state == CANARY_PROMOTED ? "promoted" : "rolled back",
                    human_time(when, s->changed_wall_ns, now_wall_ns),
                    human_duration(span, between(s->begun_wall_ns, s->changed_wall_ns)),
                    canary_says(v->why, v->measure));
        return;
    }
    text_printf(t, "%.0f %% of the requests by lot%s, %s left", 100 * v->share,
                v->last ? " (its last step)" : "",
                human_duration(left, between(now_wall_ns, s->until_wall_ns)));
    if (v->pause != CANARY_GOES_ON)
        text_printf(t, "; nothing is decided: %s", canary_pause_says(v->pause));
}

/* What it left behind: an upstream that is drained. */
static bool is_drained_by_it(const struct pool_status *p)
{
    for (size_t i = 0; i < p->n_upstreams; i++) {
        const struct upstream_status *u = &p->upstreams[i];
        if (strcmp(u->name, p->canary.upstream) == 0)
            return u->v.state == BREAKER_DRAINED && strcmp(u->v.cause, "canary") == 0;
    }
    return false;
}

void show_canary_line(struct text *t, const struct pool_status *p, uint64_t now_wall_ns)
{
    const struct canary_status *s = &p->canary;

    if (s->v.state != CANARY_RUNNING && (s->v.state != CANARY_ROLLED_BACK || !is_drained_by_it(p)))
        return;
    text_printf(t, "  %s: canary, ", s->upstream);
    show_verdict(t, s, now_wall_ns);
    text_char(t, '\n');
}

static void show_head(struct text *t, const struct pool_status *p, uint64_t now_wall_ns)
{
    const struct canary_status *s = &p->canary;
    char when[HUMAN_MAX];

    text_printf(t, "%s/%s  canary since %s (uid %u): ", p->name, s->upstream,
                human_time(when, s->begun_wall_ns, now_wall_ns), s->uid);
    show_verdict(t, s, now_wall_ns);
    text_char(t, '\n');
}

static void cell_time(struct table *tab, double s)
{
    char ms[HUMAN_MAX];

    table_cell(tab, "%s", human_ms(ms, 1000 * s));
}

static void cell_measured(struct table *tab, const struct canary_counts *n, enum canary_measure m)
{
    if (m == CANARY_FAILURES)
        table_cell(tab, "%u of %u", n->failed, n->finished);
    else
        cell_time(tab, n->typical[m]);
}

static void cell_within(struct table *tab, const struct canary_view *v, enum canary_measure m)
{
    if (!v->asked[m])
        table_cell(tab, "not asked");
    else if (v->within[m] >= CANARY_WITHIN_NEEDS)
        table_cell(tab, "shown");
    else
        table_cell(tab, "%.2f of %.0f", v->within[m], CANARY_WITHIN_NEEDS);
}

static void show_measures(struct text *t, const struct canary_view *v)
{
    struct table tab;

    for (table_begin(&tab, t, "  "); table_pass(&tab);) {
        table_cell(&tab, "MEASURE");
        table_cell(&tab, "CANARY");
        table_cell(&tab, "PEERS");
        table_cell(&tab, "WORSE");
        table_cell(&tab, "NO WORSE BY THE MARGIN");
        table_end_row(&tab);
        for (int m = 0; m < CANARY_MEASURES; m++) {
            table_cell(&tab, "%s", canary_measure_name((enum canary_measure)m));
            cell_measured(&tab, &v->counts[CANARY_SELF], (enum canary_measure)m);
            cell_measured(&tab, &v->counts[CANARY_PEERS], (enum canary_measure)m);
            table_cell(&tab, "%.2f", v->worse_by[m]);
            cell_within(&tab, v, (enum canary_measure)m);
            table_end_row(&tab);
        }
    }
    text_printf(t, "  evidence that it is worse: %.2f of %.0f\n", v->worse, CANARY_WORSE_NEEDS);
}

static void canary_text(struct text *t, struct admin *a, const void *arg)
{
    bool any = false;

    for (size_t i = 0; i < a->status->n_pools; i++) {
        const struct pool_status *p = &a->status->pools[i];
        if (!is_asked_for(arg, i, p))
            continue;
        any = true;
        show_head(t, p, a->status->now_wall_ns);
        show_measures(t, &p->canary.v);
    }
    if (!any)
        text_str(t, "no canary runs or ran there since the start\n");
}

/* --- JSON */

static void json_side(struct json_out *j, const char *key, const struct canary_counts *n)
{
    json_open_object(j, key);
    json_u64(j, "finished", n->finished);
    json_u64(j, "failed", n->failed);
    json_num(j, "first_token_ms", 1000 * n->typical[CANARY_FIRST], 1);
    json_num(j, "pace_ms", 1000 * n->typical[CANARY_PACE], 1);
    json_close(j);
}

static void json_measures(struct json_out *j, const struct canary_view *v)
{
    json_open_object(j, "measures");
    for (int m = 0; m < CANARY_MEASURES; m++) {
        json_open_object(j, canary_measure_name((enum canary_measure)m));
        json_num(j, "worse", v->worse_by[m], 3);
        json_num(j, "no_worse", v->within[m], 3);
        json_bool(j, "asked", v->asked[m]);
        json_close(j);
    }
    json_close(j);
}

static void json_evidence(struct json_out *j, const struct canary_view *v)
{
    json_side(j, "canary", &v->counts[CANARY_SELF]);
    json_side(j, "peers", &v->counts[CANARY_PEERS]);
    json_num(j, "worse", v->worse, 3);
    json_num(j, "worse_needed", CANARY_WORSE_NEEDS, 0);
    json_num(j, "no_worse_needed", CANARY_WITHIN_NEEDS, 0);
    json_measures(j, v);
}

void json_canary(struct json_out *j, const char *key, const char *pool,
                 const struct canary_status *s)
{
    const struct canary_view *v = &s->v;
    bool runs = v->state == CANARY_RUNNING;

    if (v->state == CANARY_NONE) {
        json_put_null(j, key);
        return;
    }
    json_open_object(j, key);
    if (pool != NULL)
        json_cstr(j, "pool", pool);
    json_cstr(j, "upstream", s->upstream);
    json_cstr(j, "state", canary_state_name(v->state));
    json_cstr(j, "why", canary_why_name(v->why));
    json_cstr(j, "because", canary_says(v->why, v->measure));
    json_cstr(j, "measure", v->why == CANARY_IS_WORSE ? canary_measure_name(v->measure) : NULL);
    json_cstr(j, "paused", v->pause == CANARY_GOES_ON ? NULL : canary_pause_name(v->pause));
    json_num(j, "share", v->share, 4);
    json_num(j, "share_most", v->most < v->natural ? v->most : v->natural, 4);
    json_bool(j, "last_step", runs && v->last);
    json_u64(j, "uid", s->uid);
    json_wall(j, "since", s->begun_wall_ns);
    json_wall(j, "until", runs ? s->until_wall_ns : 0);
    json_wall(j, "ended", runs ? 0 : s->changed_wall_ns);
    json_evidence(j, v);
    json_close(j);
}

static void canary_json(struct text *t, struct admin *a, const void *arg)
{
    struct json_out j;

    json_begin(&j, t);
    json_open_array(&j, NULL);
    for (size_t i = 0; i < a->status->n_pools; i++) {
        const struct pool_status *p = &a->status->pools[i];
        if (is_asked_for(arg, i, p))
            json_canary(&j, NULL, p->name, &p->canary);
    }
    json_close(&j);
}

void run_canary(struct call *c, int param)
{
    struct target only = TARGET_ALL;

    (void)param;
    if (c->args->pool.len > 0 && !target_find(c, &only))
        return;
    call_render(c, c->json ? canary_json : canary_text, &only);
}
