/* SPDX-License-Identifier: Apache-2.0 */
/* `fleet`: the nodes, as Redis has them now; and the fleet in `status`.  Control thread. */
#include "weir/fleet/fleet.h"
#include "call/call.h"
#include "show/fleet_look.h"
#include "show/show.h"
#include "socket/socket.h"
#include "weir/admin/human.h"
#include "weir/admin/table.h"
#include "weir/base/clock.h"

/* --- in status */

void show_fleet(struct text *t, const struct fleet_view *f)
{
    char age[HUMAN_MAX], rtt[HUMAN_MAX];

    if (f == NULL)
        return;
    text_printf(t, "fleet %s: %s as %s", f->name,
                f->state == FLEET_OFF ? "not yet joined" : fleet_state_name(f->state), f->node);
    if (f->state == FLEET_JOINED)
        text_printf(t, "; %u node%s, %s leads; heard %s ago, round trip %s", f->nodes,
                    f->nodes == 1 ? "" : "s", f->leader[0] == '\0' ? "nobody" : f->leader,
                    human_duration(age, f->sync_age_ns),
                    human_ms(rtt, (double)f->rtt_ns / (double)NS_PER_MS));
    else if (f->error[0] != '\0')
        text_printf(t, "; Redis: %s", f->error);
    text_char(t, '\n');
    if (f->mismatch)
        text_str(t, "  the pools' settings are not those of the node that leads\n");
}

void json_fleet(struct json_out *j, const struct fleet_view *f)
{
    static const struct fleet_view off = {.name = "", .node = "", .error = ""};

    if (f == NULL)
        f = &off;
    json_open_object(j, "fleet");
    json_cstr(j, "state", fleet_state_name(f->state));
    json_cstr(j, "name", f->name);
    json_cstr(j, "node", f->node);
    json_cstr(j, "leader", f->leader);
    json_u64(j, "nodes", f->nodes);
    json_u64(j, "sync_age_ms", f->sync_age_ns == UINT64_MAX ? 0 : f->sync_age_ns / NS_PER_MS);
    json_num(j, "rtt_ms", (double)f->rtt_ns / (double)NS_PER_MS, 3);
    json_bool(j, "mismatch", f->mismatch);
    json_cstr(j, "error", f->error[0] == '\0' ? NULL : f->error);
    json_close(j);
}

void json_fleet_part(struct json_out *j, const struct pool_fleet_view *v)
{
    if (!v->shared) {
        json_put_null(j, "fleet");
        return;
    }
    json_open_object(j, "fleet");
    json_cstr(j, "state", breaker_state_name(v->breaker));
    json_u64(j, "limit", v->limit);
    json_u64(j, "held", v->held);
    json_u64(j, "used", v->used);
    json_num(j, "share", v->share, 4);
    json_u64(j, "waiting_elsewhere", v->waiting_elsewhere);
    json_bool(j, "probes", v->probes);
    json_bool(j, "own_path", v->own_path);
    json_close(j);
}

/* --- the command */

static void header(struct table *tab)
{
    static const char *const left[] = {"NODE",       "",        "STATE",   "NEWS",
                                       "ROUND TRIP", "VERSION", "SETTINGS"};

    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++)
        table_cell(tab, "%s", left[i]);
    table_right(tab, "PERMITS");
    table_right(tab, "IN FLIGHT");
    table_end_row(tab);
}

static void row(struct table *tab, const struct fleet_member *m)
{
    char span[HUMAN_MAX];

    table_cell(tab, "%s", m->name);
    table_cell(tab, "%s%s%s", m->leads ? "leads" : "", m->leads && m->self ? ", " : "",
               m->self ? "this node" : "");
    table_cell(tab, "%s", m->told ? service_state_name(m->state) : "-");
    table_cell(tab, "%s ago%s", human_duration(span, m->age_ns), m->late ? ", LATE" : "");
    table_cell(tab, "%s", human_ms(span, (double)m->rtt_ns / (double)NS_PER_MS));
    table_cell(tab, "%s", m->version);
    table_cell(tab, "%s", m->agrees ? "agree" : "DIFFER");
    table_right(tab, "%llu", (unsigned long long)m->held);
    table_right(tab, "%llu", (unsigned long long)m->used);
    table_end_row(tab);
}

static void members_text(struct text *t, struct admin *a, const void *arg)
{
    const struct fleet_members *l = arg;
    struct table tab;

    show_fleet(t, a->status->fleet);
    for (table_begin(&tab, t, "  "); table_pass(&tab);) {
        header(&tab);
        for (size_t i = 0; i < l->n; i++)
            row(&tab, &l->list[i]);
    }
    show_fleet_lost(t, l);
}

void json_fleet_member(struct json_out *j, const struct fleet_member *m)
{
    json_open_object(j, NULL);
    json_cstr(j, "node", m->name);
    json_u64(j, "start", m->start);
    json_bool(j, "self", m->self);
    json_bool(j, "leads", m->leads);
    json_cstr(j, "state", m->told ? service_state_name(m->state) : NULL);
    json_u64(j, "age_ms", m->age_ns / NS_PER_MS);
    json_bool(j, "late", m->late);
    json_num(j, "rtt_ms", (double)m->rtt_ns / (double)NS_PER_MS, 3);
    json_u64(j, "period_ms", m->period_ns / NS_PER_MS);
    json_cstr(j, "version", m->version);
    json_bool(j, "settings_agree", m->agrees);
    json_bool(j, "differs", m->differs);
    json_u64(j, "permits", m->held);
    json_u64(j, "inflight", m->used);
    json_close(j);
}

static void members_json(struct text *t, struct admin *a, const void *arg)
{
    const struct fleet_members *l = arg;
    struct json_out j;

    json_begin(&j, t);
    json_open_object(&j, NULL);
    json_fleet(&j, a->status->fleet);
    json_open_array(&j, "nodes");
    for (size_t i = 0; i < l->n; i++)
        json_fleet_member(&j, &l->list[i]);
    json_close(&j);
    json_fleet_lost(&j, l);
    json_close(&j);
}

static void on_members(const struct fleet_members *m, void *arg)
{
    static const struct command_args args = {.row = &command_rows[COMMAND_FLEET]};
    struct socket_hold *hold = arg;
    struct call c;

    if (!socket_hold_take(&hold, &c))
        return;
    c.args = &args;
    if (m->list == NULL)
        call_fail(&c, FAIL_BUSY, "the nodes are not known: %s", m->why);
    else
        call_render(&c, c.json ? members_json : members_text, m);
    socket_answered(&c);
}

/* The answer comes later by fn, whose arg is a hold; false: it does not. */
static bool ask(struct call *c, fleet_members_fn *fn)
{
    struct socket_hold *hold = socket_hold(c);
    struct call unused;

    if (hold != NULL && control_fleet_members(c->a->control, fn, hold))
        return true;
    if (hold != NULL)
        (void)socket_hold_take(&hold, &unused);
    return false;
}

void run_fleet(struct call *c, int param)
{
    (void)param;
    c->a->status = control_status(c->a->control);
    if (c->a->status->fleet == NULL)
        call_fail(c, FAIL_REFUSED, "this weir is in no fleet (settings: the block fleet)");
    else if (!ask(c, on_members))
        call_fail(c, FAIL_BUSY, "too many ask for the nodes at once");
}

/* --- the fleet as one */

static void render_look(struct call *c, const struct fleet_members *m)
{
    const struct fleet_look look = {.m = m, .most = FLEET_NODES_MAX};

    call_render(c, c->json ? show_fleet_look_json : show_fleet_look, &look);
}

static void on_look(const struct fleet_members *m, void *arg)
{
    static const struct command_args args = {.row = &command_rows[COMMAND_STATUS_FLEET]};
    struct socket_hold *hold = arg;
    struct call c;

    if (!socket_hold_take(&hold, &c))
        return;
    c.args = &args;
    render_look(&c, m);
    socket_answered(&c);
}

void run_status_fleet(struct call *c, int param)
{
    const struct fleet_view *f;

    (void)param;
    c->a->status = control_status(c->a->control);
    f = c->a->status->fleet;
    if (f == NULL || f->state != FLEET_JOINED || !ask(c, on_look))
        render_look(c, NULL);
}
