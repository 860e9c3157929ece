/* SPDX-License-Identifier: Apache-2.0 */
/* `status` for somebody who has been woken up: state first, then why and since when, then numbers.
 */
#include <string.h>

#include "show/binding.h"
#include "show/show.h"
#include "weir/admin/human.h"
#include "weir/admin/table.h"
#include "weir/base/clock.h"

static uint64_t since(uint64_t then, uint64_t now)
{
    return then == 0 || then > now ? 0 : now - then;
}

void show_overrides(struct text *t, const char *indent, const char *whose,
                    const struct override_view *o, int n, uint64_t now_wall_ns)
{
    char until[HUMAN_MAX], left[HUMAN_MAX];

    for (int i = 0; i < n; i++) {
        text_printf(t, "%s%s: %s, commanded by %s", indent, whose, o[i].what, o[i].by);
        if (o[i].until_wall_ns != 0)
            text_printf(t, ", until %s (%s left)",
                        human_time(until, o[i].until_wall_ns, now_wall_ns),
                        human_duration(left, since(now_wall_ns, o[i].until_wall_ns)));
        text_char(t, '\n');
    }
}

static void upper(char out[24], const char *name)
{
    size_t n = strlen(name);

    n = n > 23 ? 23 : n;
    for (size_t i = 0; i < n; i++)
        out[i] = name[i] >= 'a' && name[i] <= 'z' ? (char)(name[i] - 32) : name[i];
    out[n] = '\0';
}

static void show_head(struct text *t, const struct status_view *s)
{
    char state[24], span[HUMAN_MAX], up[HUMAN_MAX], when[HUMAN_MAX];

    upper(state, service_state_name(s->state));
    text_printf(t, "weir %s: %s for %s, since %s; running for %s\n", WEIR_VERSION, state,
                human_duration(span, since(s->since_wall_ns, s->now_wall_ns)),
                human_time(when, s->since_wall_ns, s->now_wall_ns),
                human_duration(up, since(s->started_wall_ns, s->now_wall_ns)));
}

static void show_causes(struct text *t, const uint64_t by_cause[CAUSE_COUNT])
{
    uint64_t all = 0;

    for (int i = 1; i < CAUSE_COUNT; i++)
        all += by_cause[i];
    text_str(t, "  refused in the last minute: ");
    text_u64(t, all);
    for (int i = 1, first = 1; i < CAUSE_COUNT; i++) {
        if (by_cause[i] == 0)
            continue;
        text_printf(t, "%s%s %llu", first ? " requests: " : ", ", cause_name((enum cause)i),
                    (unsigned long long)by_cause[i]);
        first = 0;
    }
    text_char(t, '\n');
}

bool awaits_probe(const struct upstream_view *v)
{
    return !v->override_on[OVERRIDE_BREAKER_OPEN] && !v->waits_first &&
           (v->state == BREAKER_OPEN || (v->state == BREAKER_HALF_OPEN && v->probes_good == 0));
}

static bool pool_awaits_probe(const struct pool_status *p)
{
    for (size_t i = 0; i < p->n_upstreams; i++) {
        if (awaits_probe(&p->upstreams[i].v))
            return true;
    }
    return false;
}

void show_expected(struct text *t, double share, double s, bool dead)
{
    char span[HUMAN_MAX];

    if (share >= 1 || s == 0)
        return;
    if (s < 0)
        text_str(t,
                 dead ? ", full: not before a probe is answered" : ", time to full not known yet");
    else
        text_printf(t, ", full in about %s", human_duration(span, (uint64_t)(s * 1e9)));
}

static void show_pool_head(struct text *t, const struct pool_status *p, const struct status_view *s)
{
    char span[HUMAN_MAX], share[HUMAN_MAX], in[HUMAN_MAX], no[HUMAN_MAX], oldest[HUMAN_MAX];

    text_printf(t, "pool %s: %s for %s, share %s", p->name, service_state_name(p->state),
                human_duration(span, since(p->since_wall_ns, s->now_wall_ns)),
                human_share(share, p->v.share));
    show_expected(t, p->v.share, p->v.expected_full_s, pool_awaits_probe(p));
    text_printf(t, "; admitted %s, refused %s; queue %u waiting", human_rate(in, p->admitted_per_s),
                human_rate(no, p->shed_per_s), p->v.queued);
    if (p->v.queued > 0)
        text_printf(t, " (oldest %s)", human_duration(oldest, since(p->v.oldest_ns, s->now_ns)));
    if (p->v.limits_reached > 0)
        text_printf(t, "; %u at a limit", p->v.limits_reached);
    text_char(t, '\n');
}

static void show_incident(struct text *t, const struct pool_status *p, uint64_t now_wall_ns)
{
    char until[HUMAN_MAX], left[HUMAN_MAX];

    if (p->incident == NULL)
        return;
    text_str(t, "  incident text shown to users: \"");
    text_shown(t, slice_str(p->incident));
    text_char(t, '"');
    if (p->incident_until_wall_ns != 0)
        text_printf(t, ", until %s (%s left)",
                    human_time(until, p->incident_until_wall_ns, now_wall_ns),
                    human_duration(left, since(now_wall_ns, p->incident_until_wall_ns)));
    text_char(t, '\n');
}

static void header(struct table *tab, const char *window)
{
    table_cell(tab, "UPSTREAM");
    table_cell(tab, "STATE");
    table_cell(tab, "FOR");
    table_cell(tab, "CAUSE");
    table_right(tab, "SHARE");
    table_cell(tab, "STREAMS");
    table_cell(tab, "NO TOKEN YET");
    table_cell(tab, "FIRST TOKEN p50, p99");
    table_cell(tab, "PACE");
    table_cell(tab, "LAST %s", window);
    table_end_row(tab);
}

void show_window(struct text *t, const struct upstream_view *v)
{
    const struct {
        uint32_t n;
        const char *name;
    } counts[] = {
        {v->failed, "failed"},   {v->connect_failed, "connect failed"},
        {v->stalled, "stalled"}, {v->refused, "refused"},
        {v->late, "late"},
    };

    text_printf(t, "%u ok", v->ok);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        if (counts[i].n > 0)
            text_printf(t, ", %u %s", counts[i].n, counts[i].name);
    }
}

static void show_row(struct table *tab, const struct upstream_status *u, uint64_t now_ns)
{
    const struct upstream_view *v = &u->v;
    char a[HUMAN_MAX], b[HUMAN_MAX], share[HUMAN_MAX], pace[HUMAN_MAX], age[HUMAN_MAX];
    char mem[128];
    struct text window;

    text_init(&window, mem, sizeof mem);
    show_window(&window, v);
    table_cell(tab, "%s", u->name);
    table_cell(tab, "%s%s", breaker_state_name(v->state), v->ramp_held ? ", held" : "");
    table_cell(tab, "%s", human_duration(age, since(v->since_ns, now_ns)));
    table_cell(tab, "%s", v->cause[0] == '\0' ? "-" : v->cause);
    table_right(tab, "%s", human_share(share, v->share));
    table_cell(tab, "%u of %u", v->inflight, (unsigned)v->limit_streams);
    table_cell(tab, "%u of %u", v->pending, (unsigned)v->limit_pending);
    table_cell(tab, "%s, %s", human_ms(a, u->ttft_p50_ms), human_ms(b, u->ttft_p99_ms));
    table_cell(tab, "%s", human_ms(pace, u->pace_p50_ms));
    table_cell(tab, "%s", mem);
    table_end_row(tab);
}

static void show_checks(struct text *t, const struct upstream_status *u)
{
    if (u->check[0] != '\0')
        text_printf(t, "  %s: the last health check failed: %s\n", u->name, u->check);
}

/* A sentence for each upstream that takes nothing now; the numbers of the others are above. */
static void show_bindings(struct text *t, const struct pool_status *p, uint64_t now_ns)
{
    for (size_t i = 0; i < p->n_upstreams; i++) {
        const struct upstream_status *u = &p->upstreams[i];

        if (u->v.binds.rule == RULE_ROOM)
            continue;
        text_printf(t, "  %s: ", u->name);
        show_binding(t, u, now_ns);
        text_char(t, '\n');
    }
}

static void show_observed(struct text *t, const struct hour_status *h)
{
    char span[HUMAN_MAX];
    bool any = false;

    for (int r = 0; r < RULE_COUNT; r++) {
        enum cause cause = rule_cause((enum rule)r);

        if (h->observed[r] == 0 || cause == CAUSE_NONE)
            continue;
        if (!any)
            text_printf(t, "  looking on, rules would have refused or delayed in the last %s: ",
                        human_duration(span, h->seconds * NS_PER_S));
        text_printf(t, "%s%llu %s (%s)", any ? ", " : "", (unsigned long long)h->observed[r],
                    rule_name((enum rule)r), cause_name(cause));
        any = true;
    }
    if (any)
        text_printf(t, " of %llu requests\n", (unsigned long long)h->requests);
}

static void show_pool(struct text *t, const struct pool_status *p, const struct status_view *s,
                      uint64_t window_ns)
{
    char window[HUMAN_MAX];
    struct table tab;

    show_pool_head(t, p, s);
    show_incident(t, p, s->now_wall_ns);
    text_str(t, "  ");
    show_pool_binding(t, p);
    text_char(t, '\n');
    show_causes(t, p->shed_last_minute);
    show_observed(t, &p->hour);
    show_overrides(t, "  ", p->name, p->overrides, p->n_overrides, s->now_wall_ns);
    (void)human_duration(window, window_ns);
    for (table_begin(&tab, t, "  "); table_pass(&tab);) {
        header(&tab, window);
        for (size_t i = 0; i < p->n_upstreams; i++)
            show_row(&tab, &p->upstreams[i], s->now_ns);
    }
    show_bindings(t, p, s->now_ns);
    show_canary_line(t, p, s->now_wall_ns);
    for (size_t i = 0; i < p->n_upstreams; i++) {
        const struct upstream_status *u = &p->upstreams[i];

        show_checks(t, u);
        show_overrides(t, "  ", u->name, u->overrides, u->n_overrides, s->now_wall_ns);
    }
}

static void show_tracing(struct text *t, const struct tracing_status *s)
{
    if (s->on && s->error[0] != '\0')
        text_printf(t, "spans cannot be sent to the collector: %s\n", s->error);
    if (s->on && s->dropped > 0)
        text_printf(t, "spans dropped since the start: %llu\n", (unsigned long long)s->dropped);
}

/* Only where something is wrong with them. */
static void show_logs(struct text *t, const struct status_view *s)
{
    if (s->access_log_error != 0)
        text_printf(t, "the access log cannot be written: %s\n", strerror(s->access_log_error));
    if (s->workers.log_dropped > 0)
        text_printf(t, "lines dropped from the access log since the start: %llu\n",
                    (unsigned long long)s->workers.log_dropped);
    if (log_dropped() > 0)
        text_printf(t, "lines dropped from the event log since the start: %llu\n",
                    (unsigned long long)log_dropped());
}

void show_status(struct text *t, struct admin *a, const void *unused)
{
    const struct status_view *s = a->status;
    const struct settings *conf = control_settings(a->control);

    (void)unused;
    show_head(t, s);
    show_logs(t, s);
    show_tracing(t, &s->tracing);
    show_fleet(t, s->fleet);
    for (size_t i = 0; i < s->n_pools; i++)
        show_pool(t, &s->pools[i], s,
                  i < conf->n_pools ? conf->pools[i].decide.breaker.window_ns : 0);
}
