/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_QUEUE_H
#define WEIR_DECIDE_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/decide/pool.h"

/*
 * Who waits, in order of rank and, within a rank, newest first (docs/decisions.md, "The queue").
 * Knows nothing of upstreams.
 */

struct queue {
    struct list rank[POOL_RANKS]; /* newest at the front */
    uint32_t length;
    uint32_t with_deadline; /* entries whose client said how long it waits */
    uint32_t by_class[CLASS_COUNT];
};

void queue_init(struct queue *q);

/* r->rank and r->expires_ns are set. */
void queue_push(struct queue *q, struct pool_request *r);
void queue_remove(struct queue *q, struct pool_request *r);
/* It waits with a better rank from now on, among those by its time of arrival. */
void queue_raise(struct queue *q, struct pool_request *r, int rank);

/* NULL if nobody waits there. */
struct pool_request *queue_oldest(const struct queue *q, int rank);

/* Somebody of this rank or a better one waits. */
bool queue_waits(const struct queue *q, int rank);

/*
 * One that has waited long enough, or NULL.  Looks at the oldest of each rank; with `all` at every
 * entry if some have a deadline of their own.
 */
struct pool_request *queue_expired(const struct queue *q, bool all, uint64_t now_ns);

/* When the oldest of some rank expires first; 0 = empty. */
uint64_t queue_next_expiry(const struct queue *q);
/* Arrival of the oldest; 0 = empty. */
uint64_t queue_oldest_arrival(const struct queue *q);

#endif
