/* SPDX-License-Identifier: Apache-2.0 */
/* `status` and `upstreams`: the commands.  Text of the second is here, the rest in status_*.c. */
#include "call/target.h"
#include "show/binding.h"
#include "show/show.h"
#include "weir/admin/human.h"
#include "weir/base/clock.h"

void run_status(struct call *c, int param)
{
    (void)param;
    call_render(c, c->json ? show_status_json : show_status, NULL);
}

static uint64_t since(uint64_t then, uint64_t now)
{
    return then == 0 || then > now ? 0 : now - then;
}

static void show_state(struct text *t, const struct upstream_status *u, uint64_t now_ns)
{
    const struct upstream_view *v = &u->v;
    char span[HUMAN_MAX], share[HUMAN_MAX];

    text_printf(t, "  state          %s for %s", breaker_state_name(v->state),
                human_duration(span, since(v->since_ns, now_ns)));
    if (v->cause[0] != '\0')
        text_printf(t, ", cause %s", v->cause);
    if (v->until_ns > now_ns)
        text_printf(t, ", next probes in %s", human_duration(span, v->until_ns - now_ns));
    text_printf(t, "\n  share          %s%s of %.1f known-good streams",
                human_share(share, v->share), v->ramp_held ? " (held)" : "", v->known_good);
    show_expected(t, v->share, v->expected_full_s, awaits_probe(v));
    text_char(t, '\n');
    if (v->cooldown_until_ns > now_ns)
        text_printf(t, "  left alone     for another %s, as it asked\n",
                    human_duration(span, v->cooldown_until_ns - now_ns));
}

static void show_load(struct text *t, const struct upstream_view *v)
{
    text_printf(t, "  streams        %u in flight, %.1f allowed (max_streams %u)\n", v->inflight,
                v->limit_streams, v->max_streams);
    text_printf(t, "  no token yet   %u, %.1f allowed\n", v->pending, v->limit_pending);
}

static void show_fleet_part(struct text *t, const struct pool_fleet_view *f)
{
    if (!f->shared || f->state != FLEET_JOINED)
        return;
    text_printf(t, "  fleet          %s, %u allowed on all nodes, %u permits here, %u used",
                breaker_state_name(f->breaker), f->limit, f->held, f->used);
    if (f->waiting_elsewhere > 0)
        text_printf(t, "; requests wait at %u other nodes", f->waiting_elsewhere);
    if (f->probes)
        text_str(t, "; this node sends the probe");
    if (f->own_path)
        text_str(t, "; only this node's way to it is broken");
    text_char(t, '\n');
}

static void show_times(struct text *t, const struct upstream_status *u)
{
    char a[HUMAN_MAX], b[HUMAN_MAX], c[HUMAN_MAX];

    text_printf(t, "  first token    p50 %s, p90 %s, p99 %s in the last minute\n",
                human_ms(a, u->ttft_p50_ms), human_ms(b, u->ttft_p90_ms),
                human_ms(c, u->ttft_p99_ms));
    text_printf(t, "  pace           %s an event now, median %s, target %s\n",
                human_ms(a, u->v.pace_ns / (double)NS_PER_MS), human_ms(b, u->pace_p50_ms),
                human_ms(c, u->v.pace_target_ns / (double)NS_PER_MS));
}

static void show_counts(struct text *t, const struct upstream_status *u, uint64_t window_ns)
{
    char span[HUMAN_MAX];

    text_printf(t, "  last %-9s ", human_duration(span, window_ns));
    show_window(t, &u->v);
    text_str(t, "\n  since start    ");
    for (int i = 0; i < OUTCOME_COUNT; i++)
        text_printf(t, "%s%llu %s", i == 0 ? "" : ", ", (unsigned long long)u->sum.outcomes[i],
                    outcome_name((enum outcome)i));
    text_char(t, '\n');
}

static void show_upstream(struct text *t, struct admin *a, size_t pool, size_t upstream)
{
    const struct pool_status *p = &a->status->pools[pool];
    const struct upstream_status *u = &p->upstreams[upstream];
    const struct settings *s = control_settings(a->control);

    text_printf(t, "%s/%s  %s", p->name, u->name, u->url);
    if (u->addresses[0] != '\0')
        text_printf(t, "  (%s)", u->addresses);
    text_char(t, '\n');
    if (u->check[0] != '\0')
        text_printf(t, "  last health check failed: %s\n", u->check);
    show_state(t, u, a->status->now_ns);
    text_str(t, "  binds          ");
    show_binding(t, u, a->status->now_ns);
    text_char(t, '\n');
    show_load(t, &u->v);
    show_fleet_part(t, &u->fleet);
    show_times(t, u);
    show_counts(t, u, pool < s->n_pools ? s->pools[pool].decide.breaker.window_ns : 0);
    show_overrides(t, "  ", u->name, u->overrides, u->n_overrides, a->status->now_wall_ns);
}

static void upstreams_text(struct text *t, struct admin *a, const void *arg)
{
    const struct target *only = arg;

    for (size_t p = 0; p < a->status->n_pools; p++) {
        for (size_t u = 0; u < a->status->pools[p].n_upstreams; u++) {
            if (target_holds(only, p, u))
                show_upstream(t, a, p, u);
        }
    }
}

static void upstreams_json(struct text *t, struct admin *a, const void *arg)
{
    const struct target *only = arg;
    struct json_out j;

    json_begin(&j, t);
    json_open_array(&j, NULL);
    for (size_t p = 0; p < a->status->n_pools; p++) {
        for (size_t u = 0; u < a->status->pools[p].n_upstreams; u++) {
            if (target_holds(only, p, u))
                json_upstream(&j, a, p, u, true);
        }
    }
    json_close(&j);
}

void run_upstreams(struct call *c, int param)
{
    struct target only = TARGET_ALL;

    (void)param;
    if (c->args->pool.len > 0 && !target_find(c, &only))
        return;
    call_render(c, c->json ? upstreams_json : upstreams_text, &only);
}
