/* SPDX-License-Identifier: Apache-2.0 */
/* Commands of an operator: which make sense when, what they do, and how they lapse. */
#include "weir/base/assert.h"
#include "weir/decide/pool_priv.h"

struct command {
    struct pool *p;
    struct upstream *u;
    double value;
    uint64_t until_ns;
    struct breaker_rules rules;
};

/* Each returns NULL, or why the command makes no sense. */
typedef const char *command_fn(struct command *c);

bool upstream_override_on(const struct upstream *u, enum pool_override o)
{
    switch (o) {
    case OVERRIDE_BREAKER_OPEN:
        return u->breaker.forced_open;
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

static bool is_drained(const struct command *c)
{
    return c->u->breaker.state == BREAKER_DRAINED;
}

static const char *const drained_says = "it is drained; undrain it first";

static const char *command_open(struct command *c)
{
    if (is_drained(c))
        return drained_says;
    breaker_force_open(&c->u->breaker, &c->rules, c->until_ns);
    c->u->override_until_ns[OVERRIDE_BREAKER_OPEN] = c->until_ns;
    return NULL;
}

static const char *command_close(struct command *c)
{
    if (is_drained(c))
        return drained_says;
    breaker_force_closed(&c->u->breaker, &c->rules);
    c->u->override_until_ns[OVERRIDE_BREAKER_CLOSE] = c->until_ns;
    return NULL;
}

static const char *command_auto(struct command *c)
{
    const struct breaker *b = &c->u->breaker;

    if (!b->forced_open && !b->forced_closed)
        return "the rules have it already";
    breaker_give_back(&c->u->breaker, &c->rules, "operator");
    return NULL;
}

static const char *command_ramp_start(struct command *c)
{
    if (is_drained(c))
        return drained_says;
    breaker_ramp_from(&c->u->breaker, &c->rules, c->p->conf->ramp.start, "operator");
    return NULL;
}

/* The fleet's breaker is in this state; the own one of this node may be in another. */
static bool fleet_is(const struct command *c, enum breaker_state s)
{
    return upstream_is_joined(c->p, c->u) && !is_drained(c) && c->u->fleet->plan.state == s;
}

static const char *command_ramp_hold(struct command *c)
{
    if (c->u->breaker.state != BREAKER_RAMPING && !fleet_is(c, BREAKER_RAMPING))
        return "it is not ramping";
    if (c->u->breaker.state != BREAKER_RAMPING)
        breaker_ramp_from(&c->u->breaker, &c->rules, c->u->fleet->plan.share, "operator");
    c->u->breaker.ramp.held = true;
    c->u->override_until_ns[OVERRIDE_RAMP_HOLD] = c->until_ns;
    breaker_say(&c->u->breaker, &c->rules, "operator");
    return NULL;
}

static const char *command_ramp_resume(struct command *c)
{
    if (!upstream_override_on(c->u, OVERRIDE_RAMP_HOLD))
        return "its share is not held";
    ramp_resume(&c->u->breaker.ramp, c->rules.now_ns);
    breaker_say(&c->u->breaker, &c->rules, "operator");
    return NULL;
}

static const char *command_ramp_set(struct command *c)
{
    if (is_drained(c))
        return drained_says;
    if (!(c->value >= 0.01 && c->value <= 1))
        return "the share is 1 to 100 percent";
    breaker_ramp_from(&c->u->breaker, &c->rules, c->value, "operator");
    c->u->breaker.ramp.held = true;
    c->u->override_until_ns[OVERRIDE_RAMP_HOLD] = c->until_ns;
    return NULL;
}

static const char *command_ramp_finish(struct command *c)
{
    if (is_drained(c))
        return drained_says;
    if (c->u->breaker.state == BREAKER_CLOSED && !fleet_is(c, BREAKER_RAMPING))
        return "its share is full already";
    breaker_finish(&c->u->breaker, &c->rules);
    return NULL;
}

static const char *command_ramp_abort(struct command *c)
{
    enum breaker_state s = c->u->breaker.state;

    if (s != BREAKER_RAMPING && s != BREAKER_HALF_OPEN && !fleet_is(c, BREAKER_RAMPING) &&
        !fleet_is(c, BREAKER_HALF_OPEN))
        return "it is not coming back";
    breaker_abort(&c->u->breaker, &c->rules);
    return NULL;
}

static const char *command_drain(struct command *c)
{
    if (!is_drained(c))
        breaker_drain(&c->u->breaker, &c->rules, "operator");
    c->u->override_until_ns[OVERRIDE_DRAIN] = c->until_ns;
    return NULL;
}

static const char *command_undrain(struct command *c)
{
    if (!is_drained(c))
        return "it is not drained";
    breaker_undrain(&c->u->breaker, &c->rules, "operator");
    return NULL;
}

static const char *command_limit_streams(struct command *c)
{
    if (!(c->value >= 0 && c->value <= 65535))
        return "the limit is 1 to 65535 streams, 0 gives it back";
    c->u->limiter.override = num_floor(c->value);
    c->u->override_until_ns[OVERRIDE_LIMIT_STREAMS] = c->until_ns;
    breaker_say(&c->u->breaker, &c->rules, "operator_limit");
    return NULL;
}

static command_fn *const commands[] = {
    [OPERATOR_BREAKER_OPEN] = command_open,     [OPERATOR_BREAKER_CLOSE] = command_close,
    [OPERATOR_BREAKER_AUTO] = command_auto,     [OPERATOR_RAMP_START] = command_ramp_start,
    [OPERATOR_RAMP_HOLD] = command_ramp_hold,   [OPERATOR_RAMP_RESUME] = command_ramp_resume,
    [OPERATOR_RAMP_SET] = command_ramp_set,     [OPERATOR_RAMP_FINISH] = command_ramp_finish,
    [OPERATOR_RAMP_ABORT] = command_ramp_abort, [OPERATOR_DRAIN] = command_drain,
    [OPERATOR_UNDRAIN] = command_undrain,       [OPERATOR_LIMIT_STREAMS] = command_limit_streams,
};

enum weir_status pool_command(struct pool *p, size_t upstream, enum pool_command what, double value,
                              uint64_t until_ns, uint64_t now_ns, const char **why)
{
    struct command c = {p, NULL, value, until_ns, pool_rules(p, now_ns)};
    const char *refused;

    WEIR_ASSERT(upstream < p->n_upstreams && (unsigned)what < sizeof commands / sizeof commands[0]);
    c.u = &p->upstream[upstream];
    refused = commands[what](&c);
    if (refused != NULL) {
        *why = refused;
        return WEIR_BAD;
    }
    upstream_after_breaker(p, c.u, now_ns);
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
