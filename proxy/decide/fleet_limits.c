/* SPDX-License-Identifier: Apache-2.0 */
/* The one limiter of a fleet for an upstream, on the leader: pooled marks, load and pace. */
#include <string.h>

#include "fleet_leader_priv.h"

#define MARKS_MAX        4096u /* of one period; a limiter learns nothing from more */
#define CONFIRM_NS       (10 * NS_PER_S)
#define SHUT_NS          (1 * NS_PER_S)
#define PROBE_NUMBER_MAX 1e9 /* begins anywhere, so that no node takes it for one it knew */

void led_init(struct fleet_leader *f, size_t upstream, uint64_t now_ns)
{
    struct led *u = &f->led[upstream];
    struct breaker_rules rules = leader_rules(f, now_ns);
    struct led fresh = {.id = u->id, .most = u->most, .shared = u->shared, .row = 1};

    *u = fresh;
    u->probe_number = (uint32_t)random_between(&f->random, 1, PROBE_NUMBER_MAX);
    limiter_init(&u->limiter, u->most, now_ns);
    pace_init(&u->pace, now_ns);
    breaker_init(&u->breaker, &rules, &f->events, &f->random, (int)upstream);
}

static void restore_limiter(struct limiter *l, const struct fleet_limits *in, uint64_t now_ns)
{
    l->streams = in->streams;
    l->pending = in->pending;
    l->known = in->known;
    l->gain = in->gain;
    l->doubt = (struct doubt){in->doubt, in->shown, now_ns};
    l->start = in->start;
    l->cold = in->cold;
    l->ceiling = in->ceiling;
    l->wait_marks = in->wait_marks;
    l->proven = in->proven;
    l->probe_marks = l->marks + in->wait_marks;
}

static void restore_breaker(struct breaker *b, const struct fleet_plan *plan, uint64_t age_ns,
                            uint64_t now_ns)
{
    b->state = plan->state;
    b->since_ns = now_ns;
    b->generation = plan->generation;
    b->trips = plan->trips;
    b->known_good = plan->known_good;
    b->until_ns = 0;
    if (plan->state == BREAKER_OPEN)
        b->until_ns = now_ns + (plan->left_ns > age_ns ? plan->left_ns - age_ns : 0);
    ramp_begin(&b->ramp, plan->share, now_ns);
    b->ramp.died_at = plan->died_at;
    b->ramp.held = plan->held;
}

/* Until when; 0 = without an end.  One that has ended meanwhile lapses with the first tick. */
static uint64_t held_until(const struct fleet_plan *plan, uint64_t age_ns, uint64_t now_ns)
{
    if (plan->held_ns == 0)
        return 0;
    return now_ns + (plan->held_ns > age_ns ? plan->held_ns - age_ns : 1);
}

void led_restore(struct led *u, const struct fleet_plan *plan, uint64_t age_ns, uint64_t now_ns)
{
    restore_limiter(&u->limiter, &plan->limits, now_ns);
    restore_breaker(&u->breaker, plan, age_ns, now_ns);
    u->hold_until_ns = held_until(plan, age_ns, now_ns);
    fleet_taught_restore(&u->taught, plan->epoch, &plan->expect);
    u->pace.calm_s = plan->limits.calm_s;
    u->pace.low_s = plan->limits.low_s;
    u->pace.peak = plan->limits.peak;
    for (int i = 0; i < FLEET_PROBES; i++)
        if (plan->probe_number[i] > u->probe_number)
            u->probe_number = plan->probe_number[i];
    u->restored = age_ns < FLEET_LEASE_NS; /* else every node has been alone meanwhile */
}

static void put_limits(struct limiter *l, double streams, double pending)
{
    limiter_put(l, streams, pending);
    l->start = l->cold = false;
}

void led_settle(struct led *u, uint64_t now_ns)
{
    const struct fleet_sums *s = &u->sums;
    bool brought = s->own_streams > 0;

    u->settled = true;
    if (u->restored)
        return;
    if (!brought && s->epoch > 0)
        put_limits(&u->limiter, s->plan_streams, s->plan_pending);
    else if (brought)
        u->limiter.streams = u->limiter.pending = 0; /* nothing but what they bring */
    if ((brought || s->epoch > 0) && s->shown)
        u->limiter.doubt = (struct doubt){DOUBT_SHOWN, true, now_ns};
}

/* Nodes that were alone bring what they carried. */
static void take_own(struct led *u)
{
    struct limiter *l = &u->limiter;

    if (u->sums.own_streams <= 0)
        return;
    put_limits(l, l->streams + u->sums.own_streams, l->pending + u->sums.own_pending);
}

/* A refusal is remembered by a limiter only if it is the limit that was full. */
static void note_bound(struct led *u)
{
    const struct fleet_sums *s = &u->sums;
    struct limiter *l = &u->limiter;

    if (u->breaker.state == BREAKER_RAMPING || !(s->bound_streams || s->bound_pending))
        return;
    if (s->used + s->waiting >= num_floor(l->streams))
        l->bind_streams = true;
    else if (s->pending + s->waiting >= num_floor(l->pending))
        l->bind_pending = true;
}

static uint32_t at_most(uint64_t n)
{
    return n < MARKS_MAX ? (uint32_t)n : MARKS_MAX;
}

/* Nobody knows their order; late ones are spread evenly among those on time. */
static void take_marks(struct led *u)
{
    uint64_t all = u->news.on + u->news.late;
    uint32_t n = at_most(all), late = 0, learning = 0;
    bool ramped = u->breaker.state == BREAKER_RAMPING && !u->sums.unary;

    for (uint32_t i = 1; i <= n; i++) {
        if (late < u->news.late * i / all) {
            late++;
            limiter_late(&u->limiter, learning++ < u->news.learning);
        } else {
            limiter_on_time(&u->limiter, ramped);
        }
    }
    u->limiter.err += at_most(u->news.err);
}

/*
 * A late one shows something only if another is late, too (docs/decisions.md, "Innocent").  With
 * few requests a node the other is at another node.
 */
void led_note_late(struct led *u, uint64_t node, uint64_t late, uint64_t lone, uint64_t now_ns)
{
    bool lately = u->late_node != 0 && now_ns - u->late_ns < CONFIRM_NS;
    bool confirmed = lately && u->late_node != node;

    u->news.late += late;
    if (late + lone == 0)
        return;
    if (confirmed)
        u->news.late += lone + u->held_lone;
    u->held_lone = confirmed ? 0 : lone + (lately ? u->held_lone : 0);
    u->late_node = node;
    u->late_ns = now_ns;
}

/* It asked everybody to stay away; the nodes see that at about the same time. */
static void take_shut(struct led *u, uint64_t now_ns)
{
    if (u->news.shut == 0 || (u->shut_ns > 0 && now_ns - u->shut_ns < SHUT_NS))
        return;
    u->shut_ns = now_ns;
    limiter_refused(&u->limiter);
}

static void tick_pace(struct fleet_leader *f, struct led *u, uint64_t elapsed_ns, uint64_t now_ns)
{
    struct pace_input in = {
        .inflight = u->sums.used,
        .target_ns = f->conf->limiter.pace_target_ns,
        .now_ns = now_ns,
        .elapsed_ns = elapsed_ns,
    };

    u->events += u->news.events;
    u->gaps_ns += u->news.gaps_ns;
    in.events = u->events;
    in.gaps_ns = u->gaps_ns;
    u->pace.pending_active += num_s(u->news.stream_ns);
    pace_tick(&u->pace, &in);
}

/*
 * The records are not of one moment: what ended at one node and began at another is counted twice
 * for a while.  What is there for a second is there.
 */
static uint32_t steady(uint32_t of[STEADY_TICKS], uint64_t tick, uint32_t now)
{
    uint32_t least = now;

    of[tick % STEADY_TICKS] = now;
    for (uint64_t i = 0; i < STEADY_TICKS && i <= tick; i++)
        if (of[i] < least)
            least = of[i];
    return least;
}

void led_tick_limits(struct fleet_leader *f, struct led *u, uint64_t elapsed_ns, uint64_t now_ns)
{
    const struct fleet_sums *s = &u->sums;
    struct limiter_input in = {
        .inflight = s->pending + steady(u->started, u->ticks, s->used - s->pending),
        .pending = s->pending,
        .streams = steady(u->streams, u->ticks, s->streams),
        .unary = f->conf->api || s->unary,
        .stuck = 2 * s->stuck > s->pending,
        .ramping = u->breaker.state == BREAKER_RAMPING,
        .now_ns = now_ns,
        .elapsed_ns = elapsed_ns,
    };

    u->ticks++;
    take_own(u);
    note_bound(u);
    take_marks(u);
    take_shut(u, now_ns);
    tick_pace(f, u, elapsed_ns, now_ns);
    if (limiter_is_full(&u->limiter, in.streams))
        u->full_ns = now_ns;
    in.places_free = !in.unary && now_ns - u->full_ns >= NS_PER_S;
    in.pace_s = u->pace.now_s;
    in.target_s = u->pace.target_s;
    limiter_tick(&u->limiter, &in);
}
