/* SPDX-License-Identifier: Apache-2.0 */
/* The operator's hand on a breaker.  What makes no sense in a state is refused in orders.c. */
#include "breaker_priv.h"

/* What an operator ordered holds even where the rules only look on. */
static void enter_by_hand(struct breaker *b, const struct breaker_rules *c, enum breaker_state to,
                          const char *cause)
{
    breaker_enter(b, c, to, cause);
    b->by_hand = true;
}

void breaker_hold_open(struct breaker *b, const struct breaker_rules *c, uint64_t until_ns)
{
    b->forced_closed = false;
    b->held_open = true;
    enter_by_hand(b, c, BREAKER_OPEN, "operator");
    b->era++;
    b->until_ns = until_ns;
}

void breaker_force_closed(struct breaker *b, const struct breaker_rules *c)
{
    b->held_open = false;
    b->forced_closed = true;
    enter_by_hand(b, c, BREAKER_CLOSED, "operator");
}

void breaker_give_back(struct breaker *b, const struct breaker_rules *c, const char *cause)
{
    bool was_open = b->held_open;

    b->held_open = b->forced_closed = false;
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
    b->held_open = b->forced_closed = false;
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
    b->held_open = false;
    enter_by_hand(b, c, BREAKER_CLOSED, "operator");
}

void breaker_abort(struct breaker *b, const struct breaker_rules *c)
{
    if (b->state == BREAKER_RAMPING)
        ramp_died(&b->ramp);
    b->trips++;
    enter_by_hand(b, c, BREAKER_OPEN, "operator");
    b->era++;
    b->until_ns = c->now_ns + breaker_wait_ns(b, c->breaker);
}

void breaker_drain(struct breaker *b, const struct breaker_rules *c)
{
    b->held_open = b->forced_closed = false;
    enter_by_hand(b, c, BREAKER_DRAINED, "operator");
    b->era++;
}

void breaker_say(struct breaker *b, const struct breaker_rules *c, const char *cause)
{
    breaker_log(b, c, b->state, cause);
}
