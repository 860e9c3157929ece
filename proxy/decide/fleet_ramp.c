/* SPDX-License-Identifier: Apache-2.0 */
/* An operator's word on the fleet's ramp, on the leader: what it does, and how it lapses. */
#include "fleet_leader_priv.h"

static bool hold(struct led *u, uint64_t until_ns)
{
    if (u->breaker.state != BREAKER_RAMPING)
        return false;
    u->breaker.ramp.held = true;
    u->hold_until_ns = until_ns;
    return true;
}

static bool resume(struct led *u, uint64_t now_ns)
{
    if (!led_ramp_is_held(u))
        return false;
    ramp_resume(&u->breaker.ramp, now_ns);
    u->hold_until_ns = 0;
    return true;
}

static bool finish(struct led *u, const struct breaker_rules *rules)
{
    if (u->breaker.state == BREAKER_CLOSED)
        return false;
    breaker_finish(&u->breaker, rules);
    return true;
}

static bool give_up(struct led *u, const struct breaker_rules *rules)
{
    if (u->breaker.state != BREAKER_RAMPING && u->breaker.state != BREAKER_HALF_OPEN)
        return false;
    breaker_abort(&u->breaker, rules);
    return true;
}

bool led_ramp_is_held(const struct led *u)
{
    return u->breaker.state == BREAKER_RAMPING && u->breaker.ramp.held;
}

bool fleet_leader_ramp(struct fleet_leader *f, size_t upstream, enum pool_command what,
                       double value, uint64_t until_ns, uint64_t now_ns)
{
    struct led *u = &f->led[upstream];
    struct breaker_rules rules = leader_rules(f, now_ns);
    double start = f->conf->ramp.start;

    WEIR_ASSERT(upstream < f->n_upstreams);
    if (!u->shared)
        return false;
    if (what == OPERATOR_RAMP_HOLD)
        return hold(u, until_ns);
    if (what == OPERATOR_RAMP_RESUME)
        return resume(u, now_ns);
    if (what == OPERATOR_RAMP_FINISH)
        return finish(u, &rules);
    if (what == OPERATOR_RAMP_ABORT)
        return give_up(u, &rules);
    if (what != OPERATOR_RAMP_START && what != OPERATOR_RAMP_SET)
        return false;
    u->hold_until_ns = 0;
    breaker_ramp_from(&u->breaker, &rules,
                      what == OPERATOR_RAMP_START ? start : num_clamp(value, 0.01, 1), "operator");
    return what == OPERATOR_RAMP_START || hold(u, until_ns);
}

void led_tick_hold(struct led *u, uint64_t now_ns)
{
    if (u->hold_until_ns != 0 && now_ns >= u->hold_until_ns)
        (void)resume(u, now_ns);
    if (!led_ramp_is_held(u))
        u->hold_until_ns = 0;
}

uint64_t led_hold_left_ns(const struct led *u, uint64_t now_ns)
{
    return led_ramp_is_held(u) && u->hold_until_ns > now_ns ? u->hold_until_ns - now_ns : 0;
}
