/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_control.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/assert.h"
#include "weir/base/clock.h"

#define WALL (UINT64_C(1756869129) * NS_PER_S) /* 2025-09-03T03:12:09Z */
#define NOW  (UINT64_C(100000) * NS_PER_S)

static void fill_upstream(struct upstream_status *u, const char *name, const char *url)
{
    u->name = name;
    u->url = url;
    u->ttft_p50_ms = 140.4;
    u->ttft_p90_ms = 420;
    u->ttft_p99_ms = 1340;
    u->pace_p50_ms = 45;
    u->v.max_streams = 64;
    u->v.limit_streams = 60.9;
    u->v.limit_pending = 8;
    u->v.known_good = 40;
    u->v.pace_ns = 45e6;
    u->v.pace_target_ns = 92e6;
    (void)snprintf(u->addresses, sizeof u->addresses, "10.0.0.1:8000");
}

static void fill_ramping(struct upstream_status *u)
{
    u->v.state = BREAKER_RAMPING;
    (void)snprintf(u->v.cause, sizeof u->v.cause, "error_rate");
    u->v.since_ns = NOW - 12 * NS_PER_S;
    u->v.share = 0.3;
    u->v.ramp_held = true;
    u->v.binds = (struct binding){RULE_RAMP, true};
    u->v.ramp_allows = 12;
    u->v.inflight = 12;
    u->v.pending = 2;
    u->v.ok = 40;
    u->v.failed = 3;
    u->v.late = 1;
    u->v.expected_full_s = -1;
    u->n_overrides = 1;
    u->overrides[0] = (struct override_view){"ramp set 30 %", "uid 0", WALL + 1700 * NS_PER_S};
    u->sum.outcomes[OUTCOME_OK] = 1000;
    u->sum.outcomes[OUTCOME_FAILED] = 31;
    u->sum.stream_events = 50000;
    u->sum.ttft.n[0] = 2;  /* up to 1 ms */
    u->sum.ttft.n[1] = 3;  /* up to 1.5 ms: in the 2 ms bucket of the metric */
    u->sum.ttft.n[31] = 1; /* beyond the last bound */
    u->sum.ttft.sum_us = 1500000;
}

static void fill_open(struct upstream_status *u)
{
    u->v.state = BREAKER_OPEN;
    (void)snprintf(u->v.cause, sizeof u->v.cause, "consecutive");
    u->v.since_ns = NOW - 42 * NS_PER_S;
    u->v.until_ns = NOW + 2 * NS_PER_S;
    u->v.binds = (struct binding){RULE_BREAKER_OPEN, true};
    u->v.expected_full_s = -1;
    u->ttft_p50_ms = u->ttft_p90_ms = u->ttft_p99_ms = u->pace_p50_ms = 0;
}

static void fill_settings(struct control *c)
{
    c->upstreams[0] = (struct upstream_conf){.name = "a", .url = "http://10.0.0.1:8000"};
    c->upstreams[1] = (struct upstream_conf){.name = "b", .url = "http://10.0.0.2:8000"};
    c->pool = (struct pool_conf){.name = "chat", .upstreams = c->upstreams, .n_upstreams = 2};
    c->pool.decide.breaker.window_ns = 10 * NS_PER_S;
    c->settings = (struct settings){.pools = &c->pool,
                                    .n_pools = 1,
                                    .user = "",
                                    .admin.socket = "",
                                    .admin.http = "",
                                    .admin.why_entries = 65536,
                                    .admin.uids = c->uids};
}

void fake_control_init(struct control *c)
{
    *c = (struct control){0};
    c->loop = loop_create();
    WEIR_ASSERT(c->loop != NULL);
    fill_settings(c);
    fill_upstream(&c->upstream_status[0], "a", "http://10.0.0.1:8000");
    fill_upstream(&c->upstream_status[1], "b", "http://10.0.0.2:8000");
    fill_ramping(&c->upstream_status[0]);
    fill_open(&c->upstream_status[1]);
    c->pool_status = (struct pool_status){.name = "chat",
                                          .state = SERVICE_RECOVERING,
                                          .since_wall_ns = WALL - 42 * NS_PER_S,
                                          .shed_per_s = 12.4,
                                          .enforce = {true, true, true, true},
                                          .upstreams = c->upstream_status,
                                          .n_upstreams = 2};
    c->pool_status.v.share = 0.15;
    c->pool_status.v.expected_full_s = 12;
    c->pool_status.v.queued = 3;
    c->pool_status.v.queued_by_class[CLASS_INTERACTIVE] = 3;
    c->pool_status.v.oldest_ns = NOW - 400 * NS_PER_MS;
    c->pool_status.shed_last_minute[CAUSE_CIRCUIT_OPEN] = 812;
    c->pool_status.shed_last_minute[CAUSE_QUEUE_TIMEOUT] = 33;
    c->pool_status.sum.requests[CLASS_INTERACTIVE][DECISION_ADMITTED] = 1031;
    c->pool_status.sum.shed[CAUSE_CIRCUIT_OPEN] = 812;
    c->view = (struct status_view){.state = SERVICE_RECOVERING,
                                   .tracing.error = "",
                                   .since_wall_ns = WALL - 42 * NS_PER_S,
                                   .now_wall_ns = WALL,
                                   .now_ns = NOW,
                                   .started_wall_ns = WALL - 11520 * NS_PER_S,
                                   .pools = &c->pool_status,
                                   .n_pools = 1,
                                   .n_workers = 2};
    c->view.workers.client_open = 17;
    c->view.workers.upstream_open = 5;
}

void fake_control_fini(struct control *c)
{
    loop_destroy(&c->loop);
}

struct loop *control_loop(struct control *c)
{
    return c->loop;
}

const struct settings *control_settings(const struct control *c)
{
    return &c->settings;
}

enum cause rule_cause(enum rule r)
{
    return r == RULE_RAMP ? CAUSE_RECOVERING : CAUSE_NONE;
}

const char *rule_name(enum rule r)
{
#define WEIR_NAME_ROW(e, name, ...) name,
    static const char *const names[] = {WEIR_RULES(WEIR_NAME_ROW)};
#undef WEIR_NAME_ROW

    return names[r];
}

#define WEIR_BUCKET_ROW(us) us,
const uint32_t bucket_bounds_us[BUCKET_COUNT - 1] = {WEIR_BUCKETS_US(WEIR_BUCKET_ROW)};
#undef WEIR_BUCKET_ROW

double histogram_quantile_ms(const struct histogram_sum *h, unsigned permille)
{
    uint64_t n = 0;

    for (int i = 0; i < BUCKET_COUNT; i++)
        n += h->n[i];
    return n == 0 ? 0 : permille;
}

const struct status_view *control_status(struct control *c)
{
    return &c->view;
}

uint64_t control_wall(const struct control *c, uint64_t mono_ns)
{
    (void)c;
    return mono_ns == 0 ? 0 : mono_ns + (WALL - NOW);
}

static bool verdict(struct control *c, char *why, size_t room)
{
    if (c->refuse != NULL)
        (void)snprintf(why, room, "%s", c->refuse);
    return c->refuse == NULL;
}

static void remember(struct control *c, const struct control_who *who, size_t pool, size_t upstream,
                     uint64_t for_ns)
{
    c->orders++;
    c->last.pool = pool;
    c->last.upstream = upstream;
    c->last.for_ns = for_ns;
    c->last.uid = who->uid;
    (void)snprintf(c->last.text, sizeof c->last.text, "%s", who->text);
}

bool control_command(struct control *c, const struct control_who *who, size_t pool, size_t upstream,
                     enum pool_command o, double value, uint64_t for_ns, char *why, size_t room)
{
    remember(c, who, pool, upstream, for_ns);
    c->last.order = o;
    c->last.value = value;
    return verdict(c, why, room);
}

bool control_canary_start(struct control *c, const struct control_who *who, size_t pool,
                          size_t upstream, double most, uint64_t for_ns, char *why, size_t room)
{
    struct canary_status *s = &c->pool_status.canary;

    remember(c, who, pool, upstream, for_ns);
    c->last.value = most;
    s->v = (struct canary_view){.state = CANARY_RUNNING, .share = 0.01, .most = most};
    s->v.natural = 0.5;
    s->upstream = "a";
    s->until_wall_ns = WALL + for_ns;
    return verdict(c, why, room);
}

bool control_canary_end(struct control *c, const struct control_who *who, size_t pool,
                        size_t upstream, bool promote, char *why, size_t room)
{
    remember(c, who, pool, upstream, 0);
    c->last.value = promote;
    return verdict(c, why, room);
}

bool control_mode(struct control *c, const struct control_who *who, size_t pool,
                  enum pool_rule_set set, bool enforce, uint64_t for_ns, char *why, size_t room)
{
    remember(c, who, pool, set, for_ns);
    c->last.value = enforce;
    return verdict(c, why, room);
}

bool control_incident(struct control *c, const struct control_who *who, size_t pool,
                      const char *text, uint64_t for_ns, char *why, size_t room)
{
    remember(c, who, pool, 0, for_ns);
    (void)snprintf(c->incident, sizeof c->incident, "%s", text == NULL ? "" : text);
    c->view.incident = c->pool_status.incident = text == NULL ? NULL : c->incident;
    c->pool_status.incident_until_wall_ns = WALL + for_ns;
    return verdict(c, why, room);
}

static void fill_diagnostics(const struct control *c, struct conf_diagnostics *m)
{
    m->list = calloc(c->n_diagnostics + 1, sizeof *m->list);
    WEIR_ASSERT(m->list != NULL);
    for (; m->n < c->n_diagnostics; m->n++)
        m->list[m->n] =
            (struct conf_diagnostic){strdup("weir.cfg"), 7, strdup(c->diagnostics[m->n])};
}

static void tell_reloaded(struct loop_message *m)
{
    struct control *c = LIST_OBJECT(m, struct control, reloaded_message);
    struct conf_diagnostics found = {0};

    fill_diagnostics(c, &found);
    c->on_reloaded(&found, SLICE_NONE, c->on_reloaded_arg);
    conf_diagnostics_free(&found);
}

bool control_reload(struct control *c, const struct control_who *who, control_reloaded_fn *fn,
                    void *arg)
{
    remember(c, who, 0, 0, 0);
    c->on_reloaded = fn;
    c->on_reloaded_arg = arg;
    c->reloaded_message.deliver = tell_reloaded;
    loop_post(c->loop, &c->reloaded_message);
    return true;
}

bool control_preview_reload(struct control *c, const struct reload_preview *p,
                            struct conf_diagnostics *m)
{
    static const struct conf_change change = {"workers", "2", "3", "weir.cfg:7"};

    fill_diagnostics(c, m);
    if (m->n > 0)
        return false;
    p->change(&change, p->arg);
    p->effect("the listener [::]:81 opens", p->arg);
    return true;
}

void conf_diagnostics_free(struct conf_diagnostics *m)
{
    for (size_t i = 0; i < m->n; i++) {
        free((void *)(uintptr_t)m->list[i].file);
        free((void *)(uintptr_t)m->list[i].text);
    }
    free(m->list);
}

void conf_dump(const struct settings *s, conf_line_fn *fn, void *arg)
{
    (void)s;
    fn("workers", "2", "default", arg);
    fn("pools.chat.breaker.window", "10s", "weir.cfg:12", arg);
}

void control_drain(struct control *c, const struct control_who *who)
{
    remember(c, who, 0, 0, 0);
    c->drained = true;
}

void control_stop(struct control *c, const struct control_who *who)
{
    remember(c, who, 0, 0, 0);
    c->stopped = true;
}

void control_events(struct control *c, size_t last,
                    void (*fn)(const struct control_event *e, void *arg), void *arg)
{
    for (size_t i = last == 0 || last > c->n_events ? 0 : c->n_events - last; i < c->n_events; i++)
        fn(&c->events[i], arg);
}

void control_subscribe(struct control *c, void (*fn)(const struct control_event *e, void *arg),
                       void *arg)
{
    c->on_event = fn;
    c->on_event_arg = arg;
}

void control_unsubscribe(struct control *c, void (*fn)(const struct control_event *e, void *arg),
                         void *arg)
{
    WEIR_ASSERT(c->on_event == fn && c->on_event_arg == arg);
    c->on_event = NULL;
}

void fake_event(struct control *c, const char *sentence, enum breaker_state from,
                enum breaker_state to)
{
    struct control_event *e = &c->events[c->n_events++];

    *e = (struct control_event){.seq = c->n_events,
                                .times = 1,
                                .at_wall_ns = WALL,
                                .first_wall_ns = WALL,
                                .pool = "chat",
                                .upstream = "a",
                                .from = from,
                                .to = to,
                                .cause = "error_rate",
                                .requests = 40,
                                .failed = 31,
                                .window_ns = 10 * NS_PER_S};
    (void)snprintf(e->sentence, sizeof e->sentence, "%s", sentence);
    if (c->on_event != NULL)
        c->on_event(e, c->on_event_arg);
}

size_t control_users(struct control *c, struct user_status *out, size_t max, uint64_t *evicted)
{
    size_t n = c->n_users < max ? c->n_users : max;

    memcpy(out, c->users, n * sizeof *out);
    *evicted = c->evicted;
    return n;
}

const char *limit_name(const struct quota_refusal *no, char mem[LIMIT_NAME_MAX])
{
    (void)snprintf(mem, LIMIT_NAME_MAX, "users.%s", quota_limit_name((enum quota_limit)no->limit));
    return no->most == 0 ? NULL : mem;
}

const struct request_record *control_why(struct control *c, const char *request_id)
{
    return strcmp(request_id, c->record.id) == 0 ? &c->record : NULL;
}

static void tell_sessions(struct loop_message *m)
{
    struct control *c = LIST_OBJECT(m, struct control, sessions_message);

    c->on_sessions(c->live, c->n_live, c->on_sessions_arg);
}

bool control_sessions(struct control *c,
                      void (*fn)(const struct live_request *list, size_t n, void *arg), void *arg)
{
    c->on_sessions = fn;
    c->on_sessions_arg = arg;
    if (c->sessions_at_once && !c->no_memory) {
        c->sessions_message.deliver = tell_sessions;
        loop_post(c->loop, &c->sessions_message);
    }
    return !c->no_memory;
}

static void tell_upgraded(struct loop_message *m)
{
    struct control *c = LIST_OBJECT(m, struct control, upgraded_message);

    c->on_upgraded(c->refuse == NULL, c->refuse == NULL ? "pid 7 has taken over" : c->refuse,
                   c->on_upgraded_arg);
}

const char *control_fleet_reach(const struct control *c, const struct control_who *who)
{
    (void)c, (void)who;
    return "";
}

bool control_fleet_members(struct control *c, fleet_members_fn *fn, void *arg)
{
    (void)c, (void)fn, (void)arg;
    return false; /* in no fleet */
}

const struct fleet_shown *control_shown(const struct control *c)
{
    (void)c;
    static const struct fleet_shown none;

    return &none;
}

bool control_upgrade(struct control *c, const struct control_who *who, control_upgraded_fn *fn,
                     void *arg, const char **why)
{
    if (c->no_memory) {
        *why = "there is no launcher";
        return false;
    }
    remember(c, who, 0, 0, 0);
    c->on_upgraded = fn;
    c->on_upgraded_arg = arg;
    c->upgraded_message.deliver = tell_upgraded;
    loop_post(c->loop, &c->upgraded_message);
    return true;
}
