/* SPDX-License-Identifier: Apache-2.0 */
/* Operator commands on a breaker.  operator.c refuses those that make no sense in a state. */
#include "breaker_priv.h"

/* Operator commands apply even where the rules only observe. */
static void enter_by_hand(struct breaker *b, const struct breaker_rules *c, enum breaker_state to,
                          const char *cause)
{
    breaker_enter(b, c, to, cause);
    b->by_hand = true;
}

void breaker_force_open(struct breaker *b, const struct breaker_rules *c, uint64_t until_ns)
{
    b->forced_closed = false;
    b->forced_open = true;
    enter_by_hand(b, c, BREAKER_OPEN, "operator");
    b->generation++;
    b->until_ns = until_ns;
}

void breaker_force_closed(struct breaker *b, const struct breaker_rules *c)
{
    b->forced_open = false;
    b->forced_closed = true;
    enter_by_hand(b, c, BREAKER_CLOSED, "operator");
}

void breaker_give_back(struct breaker *b, const struct breaker_rules *c, const char *cause)
{
    bool was_open = b->forced_open;

    b->forced_open = b->forced_closed = false;
    if (was_open)
        enter_by_hand(b, c, BREAKER_HALF_OPEN, cause);
    else
        breaker_log(b, c, b->state, cause);
    if (b->health_bad)
        breaker_health_failed(b, c);
}

void breaker_ramp_from(struct breaker *b, const struct breaker_rules *c, double share,
                       const char *cause)
{
    b->forced_open = b->forced_closed = false;
    b->began_ramp = b->state != BREAKER_RAMPING && b->state != BREAKER_CLOSED;
    ramp_begin(&b->ramp, share, c->now_ns);
    enter_by_hand(b, c, BREAKER_RAMPING, cause);
}

void breaker_undrain(struct breaker *b, const struct breaker_rules *c, const char *cause)
{
    breaker_ramp_from(b, c, c->ramp->start, cause);
    if (b->health_bad)
        breaker_health_failed(b, c);
}

void breaker_finish(struct breaker *b, const struct breaker_rules *c)
{
    b->forced_open = false;
    enter_by_hand(b, c, BREAKER_CLOSED, "operator");
}

void breaker_abort(struct breaker *b, const struct breaker_rules *c)
{
    if (b->state == BREAKER_RAMPING)
        ramp_died(&b->ramp);
    b->trips++;
    enter_by_hand(b, c, BREAKER_OPEN, "operator");
    b->generation++;
    b->until_ns = c->now_ns + breaker_wait_ns(b, c->breaker);
}

void breaker_drain(struct breaker *b, const struct breaker_rules *c, const char *cause)
{
    b->forced_open = b->forced_closed = false;
    enter_by_hand(b, c, BREAKER_DRAINED, cause);
    b->generation++;
}

void breaker_take_in(struct breaker *b, const struct breaker_rules *c, const char *cause)
{
    b->began_ramp = b->state != BREAKER_RAMPING && b->state != BREAKER_CLOSED;
    enter_by_hand(b, c, BREAKER_CLOSED, cause);
}

void breaker_say(struct breaker *b, const struct breaker_rules *c, const char *cause)
{
    breaker_log(b, c, b->state, cause);
}
