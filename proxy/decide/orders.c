/* SPDX-License-Identifier: Apache-2.0 */
/* Orders of an operator: which make sense when, what they do, and how they lapse. */
#include "weir/base/assert.h"
#include "weir/decide/pool_priv.h"

struct order {
    struct pool *p;
    struct upstream *u;
    double value;
    uint64_t until_ns;
    struct breaker_rules rules;
};

/* Each returns NULL, or why the order makes no sense. */
typedef const char *order_fn(struct order *o);

bool upstream_override_on(const struct upstream *u, enum pool_override o)
{
    switch (o) {
    case OVERRIDE_BREAKER_OPEN:
        return u->breaker.held_open;
    case OVERRIDE_BREAKER_CLOSE:
        return u->breaker.forced_closed;
    case OVERRIDE_RAMP_HOLD:
        return u->breaker.state == BREAKER_RAMPING && u->breaker.ramp.held;
    case OVERRIDE_DRAIN:
        return u->breaker.state == BREAKER_DRAINED;
    case OVERRIDE_LIMIT_STREAMS:
        return u->limiter.override > 0;
    case OVERRIDE_COUNT:
        break;
    }
    WEIR_UNREACHABLE("override");
}

static bool is_drained(const struct order *o)
{
    return o->u->breaker.state == BREAKER_DRAINED;
}

static const char *const drained_says = "it is drained; undrain it first";

static const char *order_open(struct order *o)
{
    if (is_drained(o))
        return drained_says;
    breaker_hold_open(&o->u->breaker, &o->rules, o->until_ns);
    o->u->override_until_ns[OVERRIDE_BREAKER_OPEN] = o->until_ns;
    return NULL;
}

static const char *order_close(struct order *o)
{
    if (is_drained(o))
        return drained_says;
    breaker_force_closed(&o->u->breaker, &o->rules);
    o->u->override_until_ns[OVERRIDE_BREAKER_CLOSE] = o->until_ns;
    return NULL;
}

static const char *order_auto(struct order *o)
{
    const struct breaker *b = &o->u->breaker;

    if (!b->held_open && !b->forced_closed)
        return "the rules have it already";
    breaker_give_back(&o->u->breaker, &o->rules, "operator");
    return NULL;
}

static const char *order_ramp_start(struct order *o)
{
    if (is_drained(o))
        return drained_says;
    breaker_ramp_from(&o->u->breaker, &o->rules, o->p->conf->ramp.start, "operator");
    return NULL;
}

static const char *order_ramp_hold(struct order *o)
{
    if (o->u->breaker.state != BREAKER_RAMPING)
        return "it is not ramping";
    o->u->breaker.ramp.held = true;
    o->u->override_until_ns[OVERRIDE_RAMP_HOLD] = o->until_ns;
    breaker_say(&o->u->breaker, &o->rules, "operator");
    return NULL;
}

static const char *order_ramp_resume(struct order *o)
{
    if (!upstream_override_on(o->u, OVERRIDE_RAMP_HOLD))
        return "its share is not held";
    ramp_resume(&o->u->breaker.ramp, o->rules.now_ns);
    breaker_say(&o->u->breaker, &o->rules, "operator");
    return NULL;
}

static const char *order_ramp_set(struct order *o)
{
    if (is_drained(o))
        return drained_says;
    if (!(o->value >= 0.01 && o->value <= 1))
        return "the share is 1 to 100 percent";
    breaker_ramp_from(&o->u->breaker, &o->rules, o->value, "operator");
    o->u->breaker.ramp.held = true;
    o->u->override_until_ns[OVERRIDE_RAMP_HOLD] = o->until_ns;
    return NULL;
}

static const char *order_ramp_finish(struct order *o)
{
    if (is_drained(o))
        return drained_says;
    if (o->u->breaker.state == BREAKER_CLOSED)
        return "its share is full already";
    breaker_finish(&o->u->breaker, &o->rules);
    return NULL;
}

static const char *order_ramp_abort(struct order *o)
{
    enum breaker_state s = o->u->breaker.state;

    if (s != BREAKER_RAMPING && s != BREAKER_HALF_OPEN)
        return "it is not coming back";
    breaker_abort(&o->u->breaker, &o->rules);
    return NULL;
}

static const char *order_drain(struct order *o)
{
    if (!is_drained(o))
        breaker_drain(&o->u->breaker, &o->rules);
    o->u->override_until_ns[OVERRIDE_DRAIN] = o->until_ns;
    return NULL;
}

static const char *order_undrain(struct order *o)
{
    if (!is_drained(o))
        return "it is not drained";
    breaker_undrain(&o->u->breaker, &o->rules, "operator");
    return NULL;
}

static const char *order_limit_streams(struct order *o)
{
    if (!(o->value >= 0 && o->value <= 65535))
        return "the limit is 1 to 65535 streams, 0 gives it back";
    o->u->limiter.override = num_floor(o->value);
    o->u->override_until_ns[OVERRIDE_LIMIT_STREAMS] = o->until_ns;
    breaker_say(&o->u->breaker, &o->rules, "operator_limit");
    return NULL;
}

static order_fn *const orders[] = {
    [ORDER_BREAKER_OPEN] = order_open,     [ORDER_BREAKER_CLOSE] = order_close,
    [ORDER_BREAKER_AUTO] = order_auto,     [ORDER_RAMP_START] = order_ramp_start,
    [ORDER_RAMP_HOLD] = order_ramp_hold,   [ORDER_RAMP_RESUME] = order_ramp_resume,
    [ORDER_RAMP_SET] = order_ramp_set,     [ORDER_RAMP_FINISH] = order_ramp_finish,
    [ORDER_RAMP_ABORT] = order_ramp_abort, [ORDER_DRAIN] = order_drain,
    [ORDER_UNDRAIN] = order_undrain,       [ORDER_LIMIT_STREAMS] = order_limit_streams,
};

enum weir_status pool_order(struct pool *p, size_t upstream, enum pool_order what, double value,
                            uint64_t until_ns, uint64_t now_ns, const char **why)
{
    struct order o = {p, NULL, value, until_ns, pool_rules(p, now_ns)};
    const char *refused;

    WEIR_ASSERT(upstream < p->n_upstreams && (unsigned)what < sizeof orders / sizeof orders[0]);
    o.u = &p->upstream[upstream];
    refused = orders[what](&o);
    if (refused != NULL) {
        *why = refused;
        return WEIR_BAD;
    }
    upstream_after_breaker(p, o.u, now_ns);
    pool_serve_queue(p, now_ns);
    return WEIR_OK;
}

static void lapse(struct pool *p, struct upstream *u, enum pool_override o, uint64_t now_ns)
{
    struct breaker_rules rules = pool_rules(p, now_ns);

    u->override_until_ns[o] = 0;
    switch (o) {
    case OVERRIDE_BREAKER_OPEN:
    case OVERRIDE_BREAKER_CLOSE:
        breaker_give_back(&u->breaker, &rules, "override_lapsed");
        return;
    case OVERRIDE_RAMP_HOLD:
        ramp_resume(&u->breaker.ramp, now_ns);
        breaker_say(&u->breaker, &rules, "override_lapsed");
        return;
    case OVERRIDE_DRAIN:
        breaker_undrain(&u->breaker, &rules, "override_lapsed");
        return;
    case OVERRIDE_LIMIT_STREAMS:
        u->limiter.override = 0;
        breaker_say(&u->breaker, &rules, "override_lapsed");
        return;
    case OVERRIDE_COUNT:
        break;
    }
    WEIR_UNREACHABLE("override");
}

void upstream_lapse(struct pool *p, struct upstream *u, uint64_t now_ns)
{
    for (int i = 0; i < OVERRIDE_COUNT; i++) {
        enum pool_override o = (enum pool_override)i;
        uint64_t until_ns = u->override_until_ns[o];
        if (until_ns > 0 && now_ns >= until_ns && upstream_override_on(u, o))
            lapse(p, u, o, now_ns);
    }
}
