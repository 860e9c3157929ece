/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_ORDER_H
#define WEIR_DECIDE_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/decide/predict.h"

/*
 * The order of arrival.  Where requests wait for a place, first tokens come in the order of
 * sending; where each request takes a time of its own, later ones overtake.  So a late request that
 * was overtaken by a quick one did not want for a place (docs/decisions.md, "Innocent until shown
 * otherwise").  One for each kind of request on an upstream.
 */
struct arrival_order {
    uint64_t sent;                   /* requests so far; the number of the newest */
    uint64_t late;                   /* highest number of a late request */
    uint64_t quick[PREDICT_CLASSES]; /* highest number of a quick request that speaks for a class */
    uint64_t any[PREDICT_CLASSES]; /* ... of any of this size or larger that got its first token */
};

/* The number of a request that is sent now, from 1. */
uint64_t order_send(struct arrival_order *o);

/*
 * Request `number` of this size class was quick.  It speaks for its own class, all smaller ones and
 * two octaves above: that a small request overtakes a much larger one says nothing.
 */
void order_quick(struct arrival_order *o, unsigned class, uint64_t number);
/* Request `number` got its first token, quick or not; it speaks for its class and smaller ones. */
void order_first(struct arrival_order *o, unsigned class, uint64_t number);
void order_late(struct arrival_order *o, uint64_t number);

/* A request sent later was quick: there was a place. */
bool order_overtaken(const struct arrival_order *o, unsigned class, uint64_t number);
/* A request sent later got its first token already, quick or not. */
bool order_passed(const struct arrival_order *o, unsigned class, uint64_t number);
/* A request sent later is late, too. */
bool order_confirmed(const struct arrival_order *o, uint64_t number);

#endif
