/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The leader of a fleet: which nodes live, what came from them since the last period, and the plans
 * that are made of it.  Limits are fleet_limits.c's, the breaker is fleet_judge.c's.
 */
#include "weir/decide/fleet_leader.h"

#include <string.h>

#include "fleet_leader_priv.h"

static size_t rounded(size_t bytes)
{
    return (bytes + 63) & ~(size_t)63;
}

size_t fleet_leader_bytes(size_t nodes, size_t upstreams)
{
    return rounded(sizeof(struct fleet_leader)) + rounded(upstreams * sizeof(struct led)) +
           rounded(nodes * sizeof(struct member)) +
           rounded(nodes * upstreams * sizeof(struct tale));
}

struct fleet_leader *fleet_leader_init(void *mem, const struct decide_conf *conf, size_t nodes,
                                       size_t upstreams, uint64_t seed, uint64_t now_ns)
{
    struct fleet_leader *f = mem;
    char *at = (char *)mem + rounded(sizeof *f);

    WEIR_ASSERT(nodes >= 1 && nodes <= FLEET_NODES_MAX);
    WEIR_ASSERT(upstreams >= 1 && upstreams <= POOL_UPSTREAMS_MAX);
    f->conf = conf;
    f->most_nodes = nodes;
    f->n_upstreams = upstreams;
    f->random.state = seed;
    f->led = (void *)at;
    at += rounded(upstreams * sizeof(struct led));
    f->members = (void *)at;
    at += rounded(nodes * sizeof(struct member));
    f->tales = (void *)at;
    for (size_t i = 0; i < upstreams; i++)
        f->led[i].most = 1;
    fleet_leader_begin(f, now_ns);
    return f;
}

static void forget_tales(struct fleet_leader *f, size_t upstream)
{
    for (size_t m = 0; m < f->most_nodes; m++)
        memset(tale_of(f, m, upstream), 0, sizeof(struct tale));
}

/* A window of another length begins empty: its slices are numbered by their length. */
void fleet_leader_set_conf(struct fleet_leader *f, const struct decide_conf *conf)
{
    bool other = f->conf->breaker.window_ns != conf->breaker.window_ns;
    struct breaker_rules rules;

    f->conf = conf;
    rules = leader_rules(f, f->tick_ns);
    for (size_t i = 0; i < f->n_upstreams && other; i++) {
        breaker_set_conf(&f->led[i].breaker, &rules);
        for (size_t m = 0; m < f->most_nodes; m++)
            tale_forget(tale_of(f, m, i));
    }
}

void fleet_leader_set_upstream(struct fleet_leader *f, size_t upstream, uint32_t id,
                               uint32_t max_streams, bool shared, uint64_t now_ns)
{
    struct led *u = &f->led[upstream];
    bool anew = u->id != id || u->shared != shared;

    WEIR_ASSERT(upstream < f->n_upstreams && max_streams >= 1);
    u->id = id;
    u->most = max_streams;
    u->shared = shared;
    limiter_set_most(&u->limiter, max_streams);
    if (!anew)
        return;
    forget_tales(f, upstream);
    led_init(f, upstream, now_ns);
}

void fleet_leader_begin(struct fleet_leader *f, uint64_t now_ns)
{
    f->begun_ns = f->tick_ns = now_ns;
    f->n_members = 0;
    f->nodes = f->expected = 0;
    f->epoch = 0;
    memset(f->members, 0, f->most_nodes * sizeof *f->members);
    for (size_t i = 0; i < f->n_upstreams; i++) {
        forget_tales(f, i);
        led_init(f, i, now_ns);
    }
}

void fleet_leader_restore(struct fleet_leader *f, size_t upstream, const struct fleet_plan *plan,
                          uint64_t age_ns, uint64_t now_ns)
{
    struct fleet_plan p = *plan;
    struct led *u = &f->led[upstream];

    WEIR_ASSERT(upstream < f->n_upstreams);
    fleet_plan_mend(&p, u->most);
    if (p.epoch == 0 || u->settled || !u->shared)
        return;
    if (p.epoch > f->epoch)
        f->epoch = p.epoch;
    if (p.nodes > f->expected && age_ns < FLEET_LEASE_NS)
        f->expected = p.nodes;
    led_restore(u, &p, age_ns, now_ns);
}

/* --- what nodes tell */

static int find(const struct fleet_leader *f, uint64_t node)
{
    for (size_t m = 0; m < f->n_members; m++)
        if (f->members[m].presence != NODE_NONE && f->members[m].node == node)
            return (int)m;
    return -1;
}

/* A place nobody has, else that of the one that vanished first. */
static int place_for(struct fleet_leader *f)
{
    int oldest = -1;

    for (size_t m = 0; m < f->n_members; m++) {
        const struct member *x = &f->members[m];
        if (x->presence == NODE_NONE)
            return (int)m;
        if (x->presence == NODE_VANISHED && f->n_members == f->most_nodes &&
            (oldest < 0 || x->vanished_ns < f->members[oldest].vanished_ns))
            oldest = (int)m;
    }
    return f->n_members < f->most_nodes ? (int)f->n_members++ : oldest;
}

static int admit(struct fleet_leader *f, const struct fleet_heard *h)
{
    int m = find(f, h->node);

    if (m >= 0)
        return m;
    m = place_for(f);
    if (m < 0)
        return -1;
    f->members[m] = (struct member){.node = h->node, .start = h->start};
    for (size_t i = 0; i < f->n_upstreams; i++)
        memset(tale_of(f, (size_t)m, i), 0, sizeof(struct tale));
    return m;
}

static void take_news(struct fleet_leader *f, struct led *u, uint64_t node, struct tale *t,
                      const struct fleet_record *is, uint64_t now_ns)
{
    const struct fleet_record *was = &t->last;
    struct fleet_news *n = &u->news;
    uint64_t cut = counted(was->cut, is->cut), ok = counted(was->ok, is->ok);
    uint64_t failed = counted(was->failed, is->failed), shut = counted(was->shut, is->shut);

    n->on += counted(was->on, is->on);
    n->learning += counted(was->learning, is->learning);
    n->err += counted(was->err, is->err);
    n->ok += ok;
    n->cut += cut;
    n->failed += failed;
    n->refused += counted(was->refused, is->refused);
    n->shut += shut;
    n->events += counted(was->events, is->events);
    n->gaps_ns += counted(was->gaps_ns, is->gaps_ns);
    n->stream_ns += counted(was->stream_ns, is->stream_ns);
    led_note_late(u, node, counted(was->late, is->late), counted(was->lone, is->lone), now_ns);
    tale_note(t, &f->conf->breaker, TALE_OK, ok > cut ? ok - cut : 0, now_ns);
    tale_note(t, &f->conf->breaker, TALE_FAILED, failed + cut, now_ns);
    tale_note(t, &f->conf->breaker, TALE_SHUT, shut, now_ns);
    led_note_failed(u, t, failed, ok);
}

/* A counter that begins anew with a new start of the node counts from 0. */
static void hear_of(struct fleet_leader *f, size_t m, size_t upstream, bool anew,
                    const struct fleet_record *is, uint64_t now_ns)
{
    struct led *u = &f->led[upstream];
    struct tale *t = tale_of(f, m, upstream);

    fleet_taught_note(&u->taught, t->known && !anew ? &t->last : NULL, is);
    if (!t->known) {
        t->last = *is; /* what it counted before is not this leader's */
        t->known = true;
        t->own_taken = u->restored && is->epoch > 0; /* the last leader took it */
    } else if (anew) {
        memset(&t->last, 0, sizeof t->last);
    }
    if (now_ns - f->begun_ns < FLEET_LEASE_NS && is->own_streams > 0 && is->nodes > f->expected)
        f->expected = is->nodes; /* others are on their way back */
    if (is->alone != t->last.alone)
        t->own_taken = false;
    led_note_probes(u, f->members[m].node, &t->last, is);
    take_news(f, u, f->members[m].node, t, is, now_ns);
    t->last = *is;
}

bool fleet_leader_hear(struct fleet_leader *f, const struct fleet_heard *h, uint64_t now_ns)
{
    uint64_t heard_ns = now_ns > h->age_ns ? now_ns - h->age_ns : 0;
    struct member *member;
    bool anew;
    int m;

    if (h->node == 0 || h->age_ns >= FLEET_LEASE_NS)
        return true;
    m = admit(f, h);
    if (m < 0)
        return false;
    member = &f->members[m];
    anew = member->start != h->start;
    member->start = h->start;
    member->presence = NODE_ALIVE;
    member->heard_ns = heard_ns;
    for (size_t i = 0; i < f->n_upstreams; i++)
        if (f->led[i].shared && h->records[i] != NULL)
            hear_of(f, (size_t)m, i, anew, h->records[i], now_ns);
    return true;
}

void fleet_leader_goodbye(struct fleet_leader *f, uint64_t node, uint64_t now_ns)
{
    int m = find(f, node);

    (void)now_ns;
    if (m >= 0)
        f->members[m].presence = NODE_NONE;
}

/* --- one period */

static void look_at_nodes(struct fleet_leader *f, uint64_t now_ns)
{
    f->nodes = 0;
    for (size_t m = 0; m < f->n_members; m++) {
        struct member *x = &f->members[m];
        if (x->presence == NODE_ALIVE && now_ns - x->heard_ns >= FLEET_LEASE_NS) {
            x->presence = NODE_VANISHED;
            x->vanished_ns = now_ns;
        }
        if (x->presence == NODE_VANISHED && now_ns - x->vanished_ns >= VANISHED_NS)
            x->presence = NODE_NONE;
        f->nodes += x->presence == NODE_ALIVE;
    }
}

static void add_silence(const struct fleet_leader *f, struct fleet_sums *s,
                        const struct fleet_record *r)
{
    if (r->silence == FLEET_IN_PREFILL ||
        (r->streams > 0 && r->quiet_ns < f->conf->breaker.silence_ns))
        s->no_silence = true;
    if (r->silence == FLEET_WITNESS)
        s->witness = true;
}

/*
 * What a node brings back once.  One that was never limited says nothing of what the upstream bears
 * to a leader that knows a limit: then it is what runs there.
 */
static void add_own(const struct led *u, struct fleet_sums *s, struct tale *t)
{
    const struct fleet_record *r = &t->last;
    bool unbound = u->settled && r->own_streams >= u->most;

    if (t->own_taken || r->own_streams <= 0)
        return;
    t->own_taken = true;
    s->own_streams += unbound ? num_max(1, r->used) : r->own_streams;
    s->own_pending += unbound ? r->pending : r->own_pending;
}

static void add(const struct fleet_leader *f, const struct led *u, struct fleet_sums *s,
                struct tale *t, uint64_t age_ns)
{
    const struct fleet_record *r = &t->last;

    s->used += r->used;
    s->pending += r->pending;
    s->stuck += r->stuck;
    s->streams += r->streams;
    s->waiting += r->waiting;
    s->bound_streams = s->bound_streams || r->bound_streams;
    s->bound_pending = s->bound_pending || r->bound_pending;
    s->unary = s->unary && r->unary;
    s->shown = s->shown || r->shown;
    s->open += r->open;
    s->overridden = s->overridden && r->override > 0;
    if (r->override > s->most_override)
        s->most_override = r->override;
    add_silence(f, s, r);
    s->sent += r->sent;
    if (r->passed_ns + age_ns < s->passed_ns)
        s->passed_ns = r->passed_ns + age_ns;
    add_own(u, s, t);
    s->learnt += r->expect.learnt;
    if (r->epoch > s->epoch) {
        s->epoch = r->epoch;
        s->plan_streams = r->plan_streams;
        s->plan_pending = r->plan_pending;
    }
}

static void sum_up(struct fleet_leader *f, size_t upstream, uint64_t now_ns)
{
    struct fleet_sums s = {.unary = true, .overridden = f->nodes > 0, .passed_ns = UINT64_MAX};

    for (size_t m = 0; m < f->n_members; m++)
        if (member_lives(&f->members[m]) && tale_of(f, m, upstream)->known)
            add(f, &f->led[upstream], &s, tale_of(f, m, upstream), now_ns - f->members[m].heard_ns);
    f->led[upstream].sums = s;
}

static void tick_upstream(struct fleet_leader *f, size_t upstream, uint64_t now_ns)
{
    struct led *u = &f->led[upstream];
    uint64_t elapsed_ns = now_ns - f->tick_ns;

    sum_up(f, upstream, now_ns);
    if (!u->settled)
        led_settle(u, now_ns);
    led_tick_limits(f, u, elapsed_ns, now_ns);
    fleet_taught_tick(&u->taught);
    led_tick_hold(u, now_ns);
    led_tick_breaker(f, upstream, elapsed_ns, now_ns);
    if (u->sums.epoch > f->epoch)
        f->epoch = u->sums.epoch;
    memset(&u->news, 0, sizeof u->news);
}

void fleet_leader_tick(struct fleet_leader *f, struct fleet_plan *plans, uint64_t now_ns)
{
    WEIR_ASSERT(now_ns >= f->tick_ns);
    look_at_nodes(f, now_ns);
    for (size_t i = 0; i < f->n_upstreams; i++)
        if (f->led[i].shared)
            tick_upstream(f, i, now_ns);
    f->epoch++;
    for (size_t i = 0; i < f->n_upstreams; i++) {
        memset(&plans[i], 0, sizeof plans[i]);
        if (f->led[i].shared)
            led_plan(f, i, &plans[i], now_ns);
    }
    f->tick_ns = now_ns;
}

uint32_t fleet_leader_nodes(const struct fleet_leader *f)
{
    return f->nodes;
}

bool fleet_leader_next_event(struct fleet_leader *f, struct pool_event *ev)
{
    return event_take(&f->events, ev);
}
