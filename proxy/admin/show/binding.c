/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which limit binds, in a sentence: the one place where it is made, for status, top and the live
 * page alike.
 *
 *     8 of 11 places used; first tokens hold it: 3 of 3 waiting
 */
#include "show/binding.h"

#include <string.h>

#include "weir/admin/human.h"
#include "weir/base/clock.h"

typedef void detail_fn(struct text *t, const struct upstream_status *u, uint64_t now_ns);

static uint32_t load(const struct upstream_view *v)
{
    return v->inflight + v->elsewhere;
}

/* Whole requests that fit under a limit. */
static uint32_t whole(double limit)
{
    return limit < 0 ? 0 : limit > UINT32_MAX ? UINT32_MAX : (uint32_t)limit;
}

static uint32_t ramp_places(const struct upstream_view *v)
{
    uint32_t n = whole(v->ramp_allows);

    return n < v->ramp_allows ? n + 1 : n;
}

/* What the upstream may have now: its limit, and on its way back no more than its share. */
static uint32_t places(const struct upstream_view *v)
{
    uint32_t most = whole(v->limit_streams);

    return v->ramp_allows > 0 && ramp_places(v) < most ? ramp_places(v) : most;
}

static const struct override_view *command_of(const struct upstream_status *u, const char *begins)
{
    for (int i = 0; i < u->n_overrides; i++) {
        if (strncmp(u->overrides[i].what, begins, strlen(begins)) == 0)
            return &u->overrides[i];
    }
    return NULL;
}

/* --- what is said of each rule behind the colon */

static void say_pending(struct text *t, const struct upstream_status *u, uint64_t now_ns)
{
    (void)now_ns;
    text_printf(t, "%u of %u waiting", u->v.pending, whole(u->v.limit_pending));
}

static void say_room(struct text *t, const struct upstream_status *u, uint64_t now_ns)
{
    char share[HUMAN_MAX];

    (void)now_ns;
    if (u->v.state == BREAKER_RAMPING)
        text_printf(t, "share %s, ", human_share(share, u->v.share));
    text_printf(t, "%u of %u waiting for a first token", u->v.pending, whole(u->v.limit_pending));
}

static void say_streams(struct text *t, const struct upstream_status *u, uint64_t now_ns)
{
    const struct upstream_view *v = &u->v;
    const struct override_view *by = command_of(u, "limit streams");

    (void)now_ns;
    if (load(v) < whole(v->limit_streams))
        text_str(t, u->fleet.shared && u->fleet.state == FLEET_ALONE
                        ? "alone, this node has its part of the fleet's only"
                        : "the next weir has the others");
    else if (by != NULL)
        text_printf(t, "%s, commanded by %s", by->what, by->by);
    else if (v->limit_streams >= v->max_streams)
        text_printf(t, "max_streams of the settings is %u", v->max_streams);
    else if (v->pace_target_ns > 0 && v->pace_ns >= v->pace_target_ns)
        text_printf(t,
                    "learnt, of at most %u: its streams are no faster than the target of the pace",
                    v->max_streams);
    else
        text_printf(t, "learnt, of at most %u: first tokens were late or streams slow with more",
                    v->max_streams);
}

static void say_ramp(struct text *t, const struct upstream_status *u, uint64_t now_ns)
{
    char share[HUMAN_MAX];

    (void)now_ns;
    text_printf(t, "share %s of %.1f known-good streams", human_share(share, u->v.share),
                u->v.known_good);
    if (u->v.ramp_held)
        text_str(t, ", frozen by an operator");
}

static void say_open(struct text *t, const struct upstream_status *u, uint64_t now_ns)
{
    const struct override_view *by = command_of(u, "breaker open");
    char span[HUMAN_MAX];

    text_str(t, "open");
    if (by != NULL)
        text_printf(t, ", commanded by %s", by->by);
    else if (u->v.cause[0] != '\0')
        text_printf(t, " (%s)", u->v.cause);
    if (by == NULL && u->v.until_ns > now_ns)
        text_printf(t, ", next probes in %s", human_duration(span, u->v.until_ns - now_ns));
    else if (by == NULL && u->check[0] != '\0')
        text_str(t, ", its health checks fail");
}

static void say_half_open(struct text *t, const struct upstream_status *u, uint64_t now_ns)
{
    (void)now_ns;
    if (u->v.waits_first)
        text_str(t, "half-open, waiting for the first request");
    else
        text_printf(t, "half-open, %u good answer%s so far", u->v.probes_good,
                    u->v.probes_good == 1 ? "" : "s");
}

static void say_cooldown(struct text *t, const struct upstream_status *u, uint64_t now_ns)
{
    uint64_t until = u->v.cooldown_until_ns;
    char span[HUMAN_MAX];

    text_printf(t, "left alone for another %s, as it asked",
                human_duration(span, until > now_ns ? until - now_ns : 0));
}

static void say_drained(struct text *t, const struct upstream_status *u, uint64_t now_ns)
{
    (void)now_ns;
    text_printf(t, "drained%s", load(&u->v) > 0 ? ", what runs goes on" : "");
}

static void say_permits(struct text *t, const struct upstream_status *u, uint64_t now_ns)
{
    (void)now_ns;
    text_printf(t, "this node has %u, all nodes together %u", u->fleet.held, u->fleet.limit);
}

static void say_rank(struct text *t, const struct upstream_status *u, uint64_t now_ns)
{
    (void)u;
    (void)now_ns;
    text_str(t, "a request that has it waits at another node");
}

/* A rule as the subject of a sentence. */
static const struct binding_row {
    enum rule rule;
    const char *subject;
    bool many; /* the subject is a plural */
    detail_fn *detail;
} rows[] = {
    {RULE_ROOM, "nothing", false, say_room},
    {RULE_PROBE, "probes", true, say_half_open},
    {RULE_PENDING_LIMIT, "first tokens", true, say_pending},
    {RULE_STREAM_LIMIT, "places", true, say_streams},
    {RULE_FLEET_LIMIT, "permits of the fleet", true, say_permits},
    {RULE_FLEET_RANK, "precedence", false, say_rank},
    {RULE_RAMP, "the ramp", false, say_ramp},
    {RULE_HALF_OPEN, "probes", true, say_half_open},
    {RULE_BREAKER_OPEN, "the breaker", false, say_open},
    {RULE_COOLDOWN, "Retry-After", false, say_cooldown},
    {RULE_DRAINED, "an operator", false, say_drained},
};

static const struct binding_row *row_of(enum rule rule)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].rule == rule)
            return &rows[i];
    }
    return &rows[0];
}

/* Is the next request kept away, by a rule that is enforced? */
static bool binding_is_one(const struct binding *b)
{
    return b->enforced && b->rule != RULE_ROOM && b->rule != RULE_NONE;
}

void show_binding(struct text *t, const struct upstream_status *u, uint64_t now_ns)
{
    const struct binding *b = &u->v.binds;
    const struct binding_row *row = row_of(b->rule);

    text_printf(t, "%u of %u places used; %s ", load(&u->v), places(&u->v), row->subject);
    if (b->enforced || row->rule == RULE_ROOM)
        text_str(t, row->many ? "hold it: " : "holds it: ");
    else
        text_str(t, "would hold it in mode enforce: ");
    row->detail(t, u, now_ns);
}

/* --- a pool */

static const struct user_row {
    enum rule rule;
    const char *says;
} user_rows[] = {
    {RULE_FAIR_SHARE, "somebody has as much as users.fair_share leaves to one user"},
    {RULE_USER_STREAMS, "somebody has as many requests as users.max_streams allows"},
    {RULE_USER_RATE, "somebody sends more than users.requests_per_minute or _per_day"},
    {RULE_USER_TOKENS, "somebody takes more tokens than users allows in a minute or a day"},
    {RULE_LIMIT, "somebody takes more than a row of limits allows"},
};

/* Of the limits of one user, the one that refused somebody a moment ago; NULL: none did. */
static const char *binding_of_users(const struct pool_status *p)
{
    for (size_t i = 0; i < sizeof user_rows / sizeof user_rows[0]; i++) {
        if (user_rows[i].rule == p->v.user_rule)
            return user_rows[i].says;
    }
    return NULL;
}

/* How many of its upstreams a subject holds: "first tokens hold 2". */
static void count_held(struct text *t, const struct pool_status *p, const struct binding_row *row)
{
    uint32_t n = 0;

    for (size_t i = 0; i < p->n_upstreams; i++) {
        const struct binding *b = &p->upstreams[i].v.binds;
        n += binding_is_one(b) && row_of(b->rule) == row;
    }
    if (n > 0)
        text_printf(t, "; %s %s %u", row->subject, row->many ? "hold" : "holds", n);
}

void show_pool_binding(struct text *t, const struct pool_status *p)
{
    const char *users = binding_of_users(p);
    size_t held = 0;

    for (size_t i = 0; i < p->n_upstreams; i++)
        held += binding_is_one(&p->upstreams[i].v.binds);
    text_printf(t, "%zu of %zu upstream%s would take another request", p->n_upstreams - held,
                p->n_upstreams, p->n_upstreams == 1 ? "" : "s");
    for (size_t i = 1; i < sizeof rows / sizeof rows[0]; i++)
        count_held(t, p, &rows[i]);
    if (users != NULL)
        text_printf(t, "; %s", users);
}

/* --- JSON */

static void put(struct json_out *j, const char *rule, bool enforced, const char *sentence)
{
    json_open_object(j, "binding");
    json_cstr(j, "rule", rule);
    json_bool(j, "enforced", enforced);
    json_cstr(j, "sentence", sentence);
    json_close(j);
}

void json_binding(struct json_out *j, const struct upstream_status *u, uint64_t now_ns)
{
    const struct binding *b = &u->v.binds;
    bool none = b->rule == RULE_ROOM || b->rule == RULE_NONE;
    char mem[BINDING_MAX];
    struct text t;

    text_init(&t, mem, sizeof mem);
    show_binding(&t, u, now_ns);
    put(j, none ? NULL : rule_name(b->rule), b->enforced, mem);
}

void json_pool_binding(struct json_out *j, const struct pool_status *p)
{
    bool users = binding_of_users(p) != NULL;
    char mem[BINDING_MAX];
    struct text t;

    text_init(&t, mem, sizeof mem);
    show_pool_binding(&t, p);
    put(j, users ? rule_name(p->v.user_rule) : NULL, true, mem);
}
