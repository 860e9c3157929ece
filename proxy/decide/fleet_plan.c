/* SPDX-License-Identifier: Apache-2.0 */
/* What the leader of a fleet publishes of an upstream, made of its limiter, breaker and probes. */
#include "fleet_leader_priv.h"

/* Places that nodes may still use that are not heard: alone they have a part each. */
static double vanished(struct fleet_leader *f, size_t upstream, uint64_t now_ns)
{
    uint32_t gone = 0, known, part;
    double places = 0;

    for (size_t m = 0; m < f->n_members; m++)
        gone += f->members[m].presence == NODE_VANISHED;
    known = f->nodes + gone;
    if (now_ns - f->begun_ns < VANISHED_NS && f->expected > known) {
        gone += f->expected - known;
        known = f->expected;
    }
    if (gone == 0)
        return 0;
    part = f->led[upstream].most / known;
    part = part > 1 ? part : 1;
    for (size_t m = 0; m < f->n_members; m++) {
        uint32_t used = tale_of(f, m, upstream)->last.used;
        if (f->members[m].presence == NODE_VANISHED)
            places += used > part ? used : part;
        gone -= f->members[m].presence == NODE_VANISHED;
    }
    return places + (double)gone * part;
}

static uint32_t total_of(struct fleet_leader *f, size_t upstream, uint64_t now_ns)
{
    struct led *u = &f->led[upstream];
    const struct breaker *b = &u->breaker;
    double total = u->limiter.streams;

    if (!breaker_lets_through(b->state))
        return 0;
    total = num_min(total, u->most - vanished(f, upstream, now_ns));
    if (b->state == BREAKER_RAMPING)
        total = num_min(total, ramp_allows(&b->ramp, b->known_good));
    if (u->sums.overridden)
        total = num_min(total, u->sums.most_override);
    return num_floor(num_max(1, total));
}

static struct fleet_limits limits_of(const struct led *u)
{
    const struct limiter *l = &u->limiter;

    return (struct fleet_limits){
        .streams = l->streams,
        .pending = l->pending,
        .known = l->known,
        .gain = l->gain,
        .doubt = l->doubt.value,
        .shown = l->doubt.shown,
        .start = l->start,
        .cold = l->cold,
        .ceiling = l->ceiling,
        .wait_marks = l->wait_marks,
        .proven = l->proven,
        .calm_s = u->pace.calm_s,
        .low_s = u->pace.low_s,
        .peak = u->pace.peak,
    };
}

void led_plan(struct fleet_leader *f, size_t upstream, struct fleet_plan *p, uint64_t now_ns)
{
    struct led *u = &f->led[upstream];
    const struct breaker *b = &u->breaker;

    *p = (struct fleet_plan){
        .epoch = f->epoch,
        .state = b->state,
        .generation = b->generation,
        .total = total_of(f, upstream, now_ns),
        .share = breaker_share(b),
        .known_good = b->known_good,
        .died_at = b->ramp.died_at,
        .trips = b->trips,
        .left_ns = b->state == BREAKER_OPEN && b->until_ns > now_ns ? b->until_ns - now_ns : 0,
        .held = led_ramp_is_held(u),
        .held_ns = led_hold_left_ns(u, now_ns),
        .sent = u->sums.sent,
        .passed_ns = u->sums.passed_ns,
        .nodes = f->nodes > 0 ? f->nodes : 1,
        .limits = limits_of(u),
    };
    for (int i = 0; i < FLEET_PROBES; i++) {
        p->probe[i] = b->state == BREAKER_HALF_OPEN ? u->probe[i].node : 0;
        p->probe_number[i] = u->probe[i].number;
    }
    fleet_taught_say(&u->taught, f->epoch, u->sums.learnt, &p->expect);
    fleet_plan_mend(p, u->most);
}
