/* SPDX-License-Identifier: Apache-2.0 */
/* Which request was sent before which: tells waiting for a place from taking long. */
#include "weir/decide/order.h"

#define CLASS_SLACK 2u /* octaves */

uint64_t order_send(struct arrival_order *o)
{
    return ++o->sent;
}

void order_quick(struct arrival_order *o, unsigned class, uint64_t number)
{
    for (unsigned c = 0; c <= class + CLASS_SLACK && c < PREDICT_CLASSES; c++)
        if (o->quick[c] < number)
            o->quick[c] = number;
}

void order_first(struct arrival_order *o, unsigned class, uint64_t number)
{
    for (unsigned c = 0; c <= class && c < PREDICT_CLASSES; c++)
        if (o->any[c] < number)
            o->any[c] = number;
}

void order_late(struct arrival_order *o, uint64_t number)
{
    if (o->late < number)
        o->late = number;
}

bool order_overtaken(const struct arrival_order *o, unsigned class, uint64_t number)
{
    return o->quick[class] > number;
}

bool order_passed(const struct arrival_order *o, unsigned class, uint64_t number)
{
    return o->any[class] > number;
}

bool order_confirmed(const struct arrival_order *o, uint64_t number)
{
    return o->late > number;
}
