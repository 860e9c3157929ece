/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fleet's prediction: what nodes tell of theirs, and what is made of it.  N nodes that learn
 * each for itself see a part of the first tokens each, and take the queue before an engine of few
 * places, where the others' requests stand, for the time that the engine needs.
 */
#include "weir/decide/fleet_expect.h"

#include <stddef.h>
#include <string.h>

#include "weir/decide/num.h"

enum { SPREAD = PREDICT_CLASSES }; /* index of the spread, behind the bases */

_Static_assert(sizeof(struct fleet_expect) ==
                   sizeof(double) * FLEET_EXPECT_NUMBERS + sizeof(uint64_t),
               "a number for each that is kept");

static double number(const struct fleet_expect *e, int i)
{
    return i == SPREAD ? e->spread_s : e->base_s[i];
}

static double *number_of(struct fleet_expect *e, int i)
{
    return i == SPREAD ? &e->spread_s : &e->base_s[i];
}

/* --- a node's side */

void fleet_expect_tell(const struct predict *p, struct fleet_expect *out)
{
    out->learnt = p->learnt;
    out->spread_s = p->spread_s;
    for (int i = 0; i < PREDICT_CLASSES; i++)
        out->base_s[i] = num_max(0, p->base_s[i]); /* 0 = not known */
}

/* A rise comes on top of the fleet's; what fell was seen to be so quick. */
static double moved(double fleet, double told, double own)
{
    return own < told ? num_min(fleet, own) : fleet + own - told;
}

/* `first` is what becomes of a copy that was never told. */
static void follow(double *own, double *told, double fleet, double first)
{
    if (fleet <= 0)
        return;
    *own = *told > 0 ? moved(fleet, *told, *own) : first;
    *told = fleet;
}

static void follow_base(double *own, double *told, double fleet)
{
    follow(own, told, fleet, *own >= 0 ? num_min(*own, fleet) : fleet);
}

void fleet_expect_follow(struct predict *p, struct fleet_expect *told,
                         const struct fleet_expect *fleet)
{
    for (int i = 0; i < PREDICT_CLASSES; i++)
        follow_base(&p->base_s[i], &told->base_s[i], fleet->base_s[i]);
    follow(&p->spread_s, &told->spread_s, fleet->spread_s, num_max(p->spread_s, fleet->spread_s));
    if (fleet->learnt >= PREDICT_LEARN_MIN && p->learnt < PREDICT_LEARN_MIN)
        p->learnt = PREDICT_LEARN_MIN;
}

/* --- the leader's side */

static int said_at(const struct fleet_taught *t, uint64_t epoch)
{
    for (int k = 0; k < FLEET_EXPECT_KEPT; k++)
        if (epoch != 0 && t->epoch[k] == epoch)
            return k;
    return -1;
}

static void note_move(struct fleet_moves *m, double from, double to)
{
    if (from == to)
        return;
    m->by += to - from;
    m->least = m->least > 0 ? num_min(m->least, to) : to;
    m->most = num_max(m->most, to);
}

/*
 * Where a copy moved from: as it was told before, if the node goes by the same plan still, else
 * what its plan said.
 */
void fleet_taught_note(struct fleet_taught *t, const struct fleet_record *was,
                       const struct fleet_record *is)
{
    bool same = was != NULL && was->epoch == is->epoch;
    int k = said_at(t, is->epoch);

    for (int i = 0; i < FLEET_EXPECT_NUMBERS; i++) {
        struct fleet_moves *m = &t->moves[i];
        double to = number(&is->expect, i);
        double from = same ? number(&was->expect, i) : k >= 0 ? t->said[k][i] : 0;
        if (to > 0 && t->is[i] <= 0)
            m->first = m->first > 0 ? num_min(m->first, to) : to;
        else if (k >= 0 && to > 0 && from > 0)
            note_move(m, from, to);
    }
}

/* No lower than the lowest copy for all moves together, and no higher than the highest. */
static double sum_of(double is, const struct fleet_moves *m)
{
    if (is <= 0)
        return m->first;
    if (m->by < 0)
        return num_max(is + m->by, num_min(is, m->least));
    return m->by > 0 ? num_min(is + m->by, num_max(is, m->most)) : is;
}

void fleet_taught_tick(struct fleet_taught *t)
{
    for (int i = 0; i < FLEET_EXPECT_NUMBERS; i++)
        t->is[i] = sum_of(t->is[i], &t->moves[i]);
    memset(t->moves, 0, sizeof t->moves);
}

static void keep(struct fleet_taught *t, uint64_t epoch)
{
    int k = (int)(epoch % FLEET_EXPECT_KEPT);

    t->epoch[k] = epoch;
    memcpy(t->said[k], t->is, sizeof t->is);
}

void fleet_taught_say(struct fleet_taught *t, uint64_t epoch, uint32_t learnt,
                      struct fleet_expect *out)
{
    keep(t, epoch);
    out->learnt = learnt;
    for (int i = 0; i < FLEET_EXPECT_NUMBERS; i++)
        *number_of(out, i) = t->is[i];
}

void fleet_taught_restore(struct fleet_taught *t, uint64_t epoch, const struct fleet_expect *in)
{
    for (int i = 0; i < FLEET_EXPECT_NUMBERS; i++)
        t->is[i] = number(in, i);
    keep(t, epoch);
}
