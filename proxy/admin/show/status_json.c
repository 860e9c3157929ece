/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON form of `status`, which /status.json serves too.  Its names are a promise. */
#include "show/binding.h"
#include "show/show.h"
#include "weir/base/clock.h"

void json_wall(struct json_out *j, const char *key, uint64_t wall_ns)
{
    char when[RFC3339_MAX];

    if (wall_ns == 0) {
        json_put_null(j, key);
        return;
    }
    (void)rfc3339_format(when, wall_ns);
    json_cstr(j, key, when);
}

const char *or_null(const char *s)
{
    return s == NULL || s[0] == '\0' ? NULL : s;
}

static void json_overrides(struct json_out *j, const struct override_view *o, int n)
{
    json_open_array(j, "override");
    for (int i = 0; i < n; i++) {
        json_open_object(j, NULL);
        json_cstr(j, "what", o[i].what);
        json_cstr(j, "by", o[i].by);
        json_wall(j, "until", o[i].until_wall_ns);
        json_close(j);
    }
    json_close(j);
}

static void json_share(struct json_out *j, const char *key, double share)
{
    json_num(j, key, share, 4);
}

/* Seconds until the share is 1; null when nobody knows. */
static void json_expected(struct json_out *j, double s)
{
    if (s < 0)
        json_put_null(j, "expected_full_s");
    else
        json_num(j, "expected_full_s", s, 1);
}

static void json_limits(struct json_out *j, const struct upstream_view *v)
{
    json_open_object(j, "limits");
    json_u64(j, "pending", (uint64_t)v->limit_pending);
    json_u64(j, "streams", (uint64_t)v->limit_streams);
    json_close(j);
}

static void json_window(struct json_out *j, const struct upstream_view *v, uint64_t window_ns)
{
    json_open_object(j, "window");
    json_u64(j, "seconds", window_ns / NS_PER_S);
    json_u64(j, "ok", v->ok);
    json_u64(j, "failed", v->failed);
    json_u64(j, "connect_failed", v->connect_failed);
    json_u64(j, "stalled", v->stalled);
    json_u64(j, "refused", v->refused);
    json_u64(j, "neutral", v->neutral);
    json_u64(j, "on_time", v->on_time);
    json_u64(j, "late", v->late);
    json_close(j);
}

static void json_times(struct json_out *j, const struct upstream_status *u)
{
    json_open_object(j, "ttft_ms");
    json_num(j, "p50", u->ttft_p50_ms, 1);
    json_num(j, "p90", u->ttft_p90_ms, 1);
    json_num(j, "p99", u->ttft_p99_ms, 1);
    json_close(j);
    json_open_object(j, "pace_ms");
    json_num(j, "p50", u->pace_p50_ms, 1);
    json_num(j, "now", u->v.pace_ns / (double)NS_PER_MS, 1);
    json_num(j, "target", u->v.pace_target_ns / (double)NS_PER_MS, 1);
    json_close(j);
}

static void json_modes(struct json_out *j, const bool enforce[SET_COUNT])
{
    static const char *const names[SET_COUNT] = {
        [SET_BREAKER] = "breaker",
        [SET_LIMITER] = "limiter",
        [SET_RAMP] = "ramp",
        [SET_QUEUE] = "queue",
    };

    json_open_object(j, "modes");
    for (int i = 0; i < SET_COUNT; i++)
        json_cstr(j, names[i], enforce[i] ? "enforce" : "observe");
    json_close(j);
}

static void json_hour(struct json_out *j, const struct hour_status *h)
{
    json_open_object(j, "observed_last_hour");
    json_u64(j, "seconds", h->seconds);
    json_u64(j, "requests", h->requests);
    json_open_array(j, "would");
    for (int r = 0; r < RULE_COUNT; r++) {
        if (h->observed[r] == 0 || rule_cause((enum rule)r) == CAUSE_NONE)
            continue;
        json_open_object(j, NULL);
        json_cstr(j, "rule", rule_name((enum rule)r));
        json_cstr(j, "cause", cause_name(rule_cause((enum rule)r)));
        json_u64(j, "requests", h->observed[r]);
        json_close(j);
    }
    json_close(j);
    json_close(j);
}

static void json_outcomes(struct json_out *j, const struct upstream_sum *sum)
{
    json_open_object(j, "outcomes_total");
    for (int i = 0; i < OUTCOME_COUNT; i++)
        json_u64(j, outcome_name((enum outcome)i), sum->outcomes[i]);
    json_close(j);
}

static void json_state(struct json_out *j, const struct control *c, const struct upstream_status *u)
{
    json_cstr(j, "state", breaker_state_name(u->v.state));
    json_cstr(j, "cause", or_null(u->v.cause));
    json_wall(j, "since", control_wall(c, u->v.since_ns));
    json_wall(j, "until", control_wall(c, u->v.until_ns));
    json_wall(j, "held_until", control_wall(c, u->v.cooldown_until_ns));
    json_overrides(j, u->overrides, u->n_overrides);
    json_share(j, "share", u->v.share);
    json_bool(j, "ramp_held", u->v.ramp_held);
    json_num(j, "known_good_streams", u->v.known_good, 1);
    json_expected(j, u->v.expected_full_s);
}

static uint64_t window_ns(struct admin *a, size_t pool)
{
    const struct settings *s = control_settings(a->control);

    return pool < s->n_pools ? s->pools[pool].decide.breaker.window_ns : 0;
}

void json_upstream(struct json_out *j, struct admin *a, size_t pool, size_t upstream,
                   bool with_pool)
{
    const struct pool_status *p = &a->status->pools[pool];
    const struct upstream_status *u = &p->upstreams[upstream];

    json_open_object(j, NULL);
    if (with_pool)
        json_cstr(j, "pool", p->name);
    json_cstr(j, "name", u->name);
    json_cstr(j, "url", u->url);
    json_cstr(j, "addresses", or_null(u->addresses));
    json_cstr(j, "check", or_null(u->check));
    json_cstr(j, "waits_for",
              u->v.waits_first ? "health checks pass, waiting for the first request" : NULL);
    json_state(j, a->control, u);
    json_binding(j, u, a->status->now_ns);
    json_u64(j, "pending", u->v.pending);
    json_u64(j, "inflight", u->v.inflight);
    json_u64(j, "elsewhere", u->v.elsewhere);
    json_limits(j, &u->v);
    json_fleet_part(j, &u->fleet);
    json_u64(j, "max_streams", u->v.max_streams);
    json_window(j, &u->v, window_ns(a, pool));
    json_times(j, u);
    json_outcomes(j, &u->sum);
    json_modes(j, p->enforce);
    json_close(j);
}

static void json_queue(struct json_out *j, const struct pool_view *v, uint64_t now_ns)
{
    uint64_t oldest = v->oldest_ns == 0 || v->oldest_ns > now_ns ? 0 : now_ns - v->oldest_ns;

    json_open_object(j, "queue");
    json_u64(j, "length", v->queued);
    json_u64(j, "oldest_ms", oldest / NS_PER_MS);
    json_close(j);
}

static void json_causes(struct json_out *j, const char *key, const uint64_t by_cause[CAUSE_COUNT])
{
    json_open_object(j, key);
    for (int i = 1; i < CAUSE_COUNT; i++) {
        if (by_cause[i] > 0)
            json_u64(j, cause_name((enum cause)i), by_cause[i]);
    }
    json_close(j);
}

static void json_rates(struct json_out *j, const struct pool_status *p)
{
    json_num(j, "shed_per_s", p->shed_per_s, 2);
    json_num(j, "admitted_per_s", p->admitted_per_s, 2);
    json_num(j, "arrivals_per_s", p->v.arrivals_per_s, 2);
    json_num(j, "retries_per_s", p->v.retries_per_s, 2);
}

static void json_pool(struct json_out *j, struct admin *a, size_t pool)
{
    const struct pool_status *p = &a->status->pools[pool];

    json_open_object(j, NULL);
    json_cstr(j, "name", p->name);
    json_cstr(j, "state", service_state_name(p->state));
    json_wall(j, "since", p->since_wall_ns);
    json_share(j, "share", p->v.share);
    json_expected(j, p->v.expected_full_s);
    json_pool_binding(j, p);
    json_queue(j, &p->v, a->status->now_ns);
    json_rates(j, p);
    json_u64(j, "limits_reached", p->v.limits_reached);
    json_causes(j, "shed_last_minute", p->shed_last_minute);
    json_hour(j, &p->hour);
    json_cstr(j, "incident", p->incident);
    json_wall(j, "incident_until", p->incident == NULL ? 0 : p->incident_until_wall_ns);
    json_overrides(j, p->overrides, p->n_overrides);
    json_canary(j, "canary", NULL, &p->canary);
    json_open_array(j, "upstreams");
    for (size_t i = 0; i < p->n_upstreams; i++)
        json_upstream(j, a, pool, i, false);
    json_close(j);
    json_close(j);
}

static void json_logs(struct json_out *j, const struct status_view *s)
{
    json_open_object(j, "logs");
    json_u64(j, "access_dropped", s->workers.log_dropped);
    json_u64(j, "events_dropped", log_dropped());
    json_cstr(j, "access_error", s->access_log_error == 0 ? NULL : strerror(s->access_log_error));
    json_close(j);
}

static void put_tracing(struct json_out *j, const struct tracing_status *t)
{
    if (!t->on) {
        json_put_null(j, "tracing");
        return;
    }
    json_open_object(j, "tracing");
    json_u64(j, "sent", t->sent);
    json_u64(j, "dropped", t->dropped);
    json_cstr(j, "error", or_null(t->error));
    json_close(j);
}

void show_status_json(struct text *t, struct admin *a, const void *unused)
{
    const struct status_view *s = a->status;
    struct json_out j;

    (void)unused;
    json_begin(&j, t);
    json_open_object(&j, NULL);
    json_cstr(&j, "state", service_state_name(s->state));
    json_wall(&j, "since", s->since_wall_ns);
    json_u64(&j, "uptime_s", (s->now_wall_ns - s->started_wall_ns) / NS_PER_S);
    json_cstr(&j, "version", WEIR_VERSION);
    json_cstr(&j, "incident", s->incident);
    json_wall(&j, "now", s->now_wall_ns);
    json_logs(&j, s);
    put_tracing(&j, &s->tracing);
    json_fleet(&j, s->fleet);
    json_open_array(&j, "pools");
    for (size_t i = 0; i < s->n_pools; i++)
        json_pool(&j, a, i);
    json_close(&j);
    json_close(&j);
}
