/* SPDX-License-Identifier: Apache-2.0 */
/* `doctor`: the numbers of the moment, put to each rule; what the rules say, a line each. */
#include <string.h>
#include <unistd.h>

#include "call/call.h"
#include "doctor/doctor.h"
#include "metrics/metrics.h"
#include "weir/base/clock.h"

struct look {
    struct admin *a;
    struct text *t;
    struct json_out *j; /* NULL: text */
    uint32_t found;
};

/* --- what is said */

static void put_text(struct look *l, const struct finding *f)
{
    text_str(l->t, f->row->is_warning ? "warning" : "hint");
    if (f->pool[0] != '\0')
        text_printf(l->t, " %s%s%s", f->pool, f->upstream[0] == '\0' ? "" : "/", f->upstream);
    text_printf(l->t, " %s: ", f->row->name);
    text_shown(l->t, slice_str(f->seen));
    text_printf(l->t, "; %s; ", f->row->why);
    text_shown(l->t, slice_str(f->act));
    text_char(l->t, '\n');
}

static void put_json(struct look *l, const struct finding *f)
{
    json_open_object(l->j, NULL);
    json_cstr(l->j, "rule", f->row->name);
    json_cstr(l->j, "level", f->row->is_warning ? "warning" : "hint");
    json_cstr(l->j, "pool", f->pool[0] == '\0' ? NULL : f->pool);
    json_cstr(l->j, "upstream", f->upstream[0] == '\0' ? NULL : f->upstream);
    json_cstr(l->j, "seen", f->seen);
    json_cstr(l->j, "why", f->row->why);
    json_cstr(l->j, "do", f->act);
    json_close(l->j);
}

static void ask_all(struct look *l, enum doctor_scope scope, const struct doctor_numbers *n)
{
    struct finding f;

    for (size_t i = 0; i < doctor_row_count; i++) {
        if (doctor_rows[i].scope != scope || !doctor_ask(&doctor_rows[i], n, &f))
            continue;
        l->found++;
        if (l->j == NULL)
            put_text(l, &f);
        else
            put_json(l, &f);
    }
}

/* --- the numbers */

static const char *error_text(int error)
{
    return error == 0 ? "" : strerror(error);
}

static double number_of(struct admin *a, const char *metric)
{
    double v = 0;

    return process_number(metric, &v, a) ? v : 0;
}

static double age_s(uint64_t then_ns, uint64_t now_ns)
{
    return then_ns == 0 || then_ns > now_ns ? 0 : (double)(now_ns - then_ns) / (double)NS_PER_S;
}

static double days_left(int64_t ends_s, uint64_t now_ns)
{
    return ends_s == 0 ? 0 : ((double)ends_s - (double)(now_ns / NS_PER_S)) / 86400;
}

static void look_at_process(struct look *l)
{
    const struct status_view *s = l->a->status;
    const struct settings *conf = control_settings(l->a->control);
    struct doctor_process p = {
        .fds = number_of(l->a, "process_open_fds"),
        .fds_most = number_of(l->a, "process_max_fds"),
        .memory = number_of(l->a, "process_resident_memory_bytes"),
        .memory_most = (double)s->process.memory_most,
        .is_root = geteuid() == 0,
        .sandbox = conf->sandbox,
        .clock_jumps = s->process.clock_jumps,
        .clock_jump_s = (double)s->process.clock_jump_ns / (double)NS_PER_S,
        .clock_jump_age_s = age_s(s->process.clock_jump_wall_ns, s->now_wall_ns),
        .certificate_days = days_left(s->process.certificate_ends_s, s->now_wall_ns),
        .access_log_error = error_text(s->access_log_error),
        .state_error = error_text(s->process.state_error),
        .access_dropped = s->workers.log_dropped,
        .events_dropped = log_dropped(),
        .traces = s->tracing.on,
        .trace_error = s->tracing.error,
        .spans_dropped = s->tracing.dropped,
    };

    ask_all(l, OF_PROCESS, &(struct doctor_numbers){.process = &p});
}

static void look_at_overrides(struct look *l, const char *pool, const char *upstream,
                              const struct override_view *o, int n)
{
    uint64_t now = l->a->status->now_wall_ns;

    for (int i = 0; i < n; i++) {
        struct doctor_override d = {pool, upstream, o[i].what, o[i].by, 0};

        if (o[i].until_wall_ns != 0) /* one that lapses this moment is in force as well */
            d.left_s = o[i].until_wall_ns > now
                           ? (double)(o[i].until_wall_ns - now) / (double)NS_PER_S
                           : 0.001;
        ask_all(l, OF_OVERRIDE, &(struct doctor_numbers){.override = &d});
    }
}

/* The group of settings whose mode a rule follows. */
static const char *set_of(enum rule r)
{
    switch (r) {
    case RULE_BREAKER_OPEN:
    case RULE_HALF_OPEN:
        return "breaker";
    case RULE_RAMP:
        return "ramp";
    case RULE_QUEUE_FULL:
    case RULE_QUEUE_OFF:
    case RULE_WAITED:
    case RULE_CLIENT_DEADLINE:
        return "queue";
    case RULE_NONE:
    case RULE_ROOM:
    case RULE_PROBE:
    case RULE_CANARY:
    case RULE_PENDING_LIMIT:
    case RULE_STREAM_LIMIT:
    case RULE_FLEET_LIMIT:
    case RULE_FLEET_RANK:
    case RULE_COOLDOWN:
    case RULE_DRAINED:
    case RULE_FAIR_SHARE:
    case RULE_USER_STREAMS:
    case RULE_USER_RATE:
    case RULE_USER_TOKENS:
    case RULE_LIMIT:
    case RULE_SYSTEM_CAP:
    case RULE_RETRY:
    case RULE_RETRY_BUDGET:
        return "limiter";
    }
    return "limiter";
}

static void fill_would(struct doctor_pool *d, const struct hour_status *h)
{
    enum rule most = RULE_NONE;

    for (int r = 0; r < RULE_COUNT; r++) {
        if (rule_cause((enum rule)r) == CAUSE_NONE)
            continue;
        d->hour_would += h->observed[r];
        if (h->observed[r] > h->observed[most])
            most = (enum rule)r;
    }
    d->hour_s = h->seconds;
    d->hour_requests = h->requests;
    d->would_rule = rule_name(most);
    d->would_set = set_of(most);
}

/* Is there a limit that each user has? */
static bool limits_users(const struct pool_conf *c)
{
    bool any = quota_limits_any(&c->decide.users.limits);

    for (size_t i = 0; i < c->n_limits; i++)
        any |= !c->limits[i].shared;
    return any;
}

static void look_at_pool(struct look *l, const struct pool_status *p, const struct pool_conf *c)
{
    struct doctor_pool d = {
        .name = p->name,
        .voted = p->voted,
        .lead = p->lead,
        .fair_share = c->decide.users.fair_share,
        .limits_users = limits_users(c),
        .admitted_minute = p->admitted_last_minute,
        .refused_minute = p->shed_last_minute[CAUSE_OVERLOADED] +
                          p->shed_last_minute[CAUSE_QUEUE_TIMEOUT] +
                          p->shed_last_minute[CAUSE_DEADLINE],
    };

    fill_would(&d, &p->hour);
    ask_all(l, OF_POOL, &(struct doctor_numbers){.pool = &d});
    look_at_overrides(l, p->name, "", p->overrides, p->n_overrides);
}

static const char *twin_of(const struct pool_status *p, size_t i)
{
    for (size_t k = 0; k < i && p->upstreams[i].addresses[0] != '\0'; k++) {
        if (strcmp(p->upstreams[k].addresses, p->upstreams[i].addresses) == 0)
            return p->upstreams[k].name;
    }
    return NULL;
}

static uint64_t count_of(const struct histogram_sum *h)
{
    uint64_t n = 0;

    for (int i = 0; i < BUCKET_COUNT; i++)
        n += h->n[i];
    return n;
}

static double ms(uint64_t ns)
{
    return (double)ns / (double)NS_PER_MS;
}

static void fill_times(struct doctor_upstream *d, const struct upstream_status *u,
                       const struct pool_conf *c)
{
    d->gaps = count_of(&u->sum.interval);
    d->gap_ms = histogram_quantile_ms(&u->sum.interval, 999);
    d->firsts = count_of(&u->sum.ttft);
    d->first_ms = histogram_quantile_ms(&u->sum.ttft, 990);
    d->stall_ms = ms(c->timeouts.stall_ns);
    d->first_token_ms = ms(c->timeouts.first_token_ns);
    d->stalled = u->sum.outcomes[OUTCOME_STALLED];
    d->pace_ms = u->v.pace_ns / (double)NS_PER_MS;
    d->pace_target_ms = u->v.pace_target_ns / (double)NS_PER_MS;
    d->pace_is_set = c->decide.limiter.pace_target_ns != 0;
}

static void look_at_upstream(struct look *l, const struct pool_status *p, size_t i,
                             const struct pool_conf *c)
{
    const struct upstream_status *u = &p->upstreams[i];
    struct doctor_upstream d = {
        .pool = p->name,
        .name = u->name,
        .twin = twin_of(p, i),
        .addresses = u->addresses,
        .state = u->v.state,
        .check_path = c->health.path,
        .check = u->check,
        .ok = u->v.ok,
        .bad = u->v.failed + u->v.connect_failed + u->v.stalled,
        .streams = u->v.streams,
        .inflight = u->v.inflight,
        .max_streams = u->v.max_streams,
        .limit = u->v.limit_streams,
        .waiting = p->v.queued,
    };

    fill_times(&d, u, c);
    ask_all(l, OF_AN_UPSTREAM, &(struct doctor_numbers){.upstream = &d});
    look_at_overrides(l, p->name, u->name, u->overrides, u->n_overrides);
}

static void look(struct look *l)
{
    const struct status_view *s = l->a->status;
    const struct settings *conf = control_settings(l->a->control);

    look_at_process(l);
    for (size_t k = 0; k < s->n_pools && k < conf->n_pools; k++) {
        look_at_pool(l, &s->pools[k], &conf->pools[k]);
        for (size_t i = 0; i < s->pools[k].n_upstreams; i++)
            look_at_upstream(l, &s->pools[k], i, &conf->pools[k]);
    }
}

/* --- the command */

static void show_doctor(struct text *t, struct admin *a, const void *unused)
{
    struct look l = {.a = a, .t = t};

    (void)unused;
    look(&l);
    if (l.found == 0)
        text_printf(t, "nothing to say: %zu rules were asked\n", doctor_row_count);
}

static void show_doctor_json(struct text *t, struct admin *a, const void *unused)
{
    struct json_out j;
    struct look l = {.a = a, .t = t, .j = &j};

    (void)unused;
    json_begin(&j, t);
    json_open_object(&j, NULL);
    json_open_array(&j, "findings");
    look(&l);
    json_close(&j);
    json_close(&j);
}

void run_doctor(struct call *c, int param)
{
    (void)param;
    call_render(c, c->json ? show_doctor_json : show_doctor, NULL);
}
